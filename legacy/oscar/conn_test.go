package oscar

import (
	"io"
	"net"
	"testing"

	"transport/legacy/oscar/oscarwire"
)

// chunks is a connection from which each Read returns one chunk, and then an error.
type chunks struct {
	net.Conn
	all [][]byte
}

func (c *chunks) Read(b []byte) (int, error) {
	if len(c.all) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.all[0])
	if c.all[0] = c.all[0][n:]; len(c.all[0]) == 0 {
		c.all = c.all[1:]
	}
	return n, nil
}

// TestFramesTogether: frames that came together are passed together, a frame that is not
// complete waits for the rest, and the error comes last.
func TestFramesTogether(t *testing.T) {
	frame := func(payload string) []byte {
		b, err := oscarwire.AppendFLAP(nil, oscarwire.ChannelData, 0, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	one, two, three, four := frame("one"), frame(""), frame("three"), frame("four")
	c := &conn{Conn: &chunks{all: [][]byte{join(one, two, three[:7]), join(three[7:], four[:4]), join(four[4:], []byte{0x2A, 4, 0, 0})}},
		frames: make(chan inbound), closed: make(chan struct{}), done: make(chan struct{})}
	go c.read()
	for i, want := range [][]string{{"one", ""}, {"three"}, {"four"}, {""}} {
		in := <-c.frames
		if in.err != nil || len(in.frames) != len(want) {
			t.Fatalf("inbound %d: %d frames, error %v; want %q", i, len(in.frames), in.err, want)
		}
		for k, f := range in.frames {
			if string(f.Payload) != want[k] {
				t.Errorf("inbound %d, frame %d: %q", i, k, f.Payload)
			}
		}
	}
	if in := <-c.frames; in.err == nil {
		t.Error("no error at the end")
	}
	<-c.done
}
