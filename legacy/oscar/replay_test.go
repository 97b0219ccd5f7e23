package oscar

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// The recorded sessions of testdata/oscar, made by other clients with another server,
// are replayed to the adapter with each frame truncated and changed at every offset.

// recording are the frames of a server in one session file, by connection.
type recording struct {
	file  string
	conns [][]oscarwire.Frame
}

// recordings reads the session files.
func recordings(t testing.TB) []recording {
	t.Helper()
	files, err := filepath.Glob("../../testdata/oscar/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("recorded sessions: %v, %v", files, err)
	}
	var all []recording
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rec, at := recording{file: filepath.Base(name)}, make(map[string]int)
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			frame, err := recordedFrame(fields)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, lines.Text(), err)
			}
			n, known := at[fields[1]]
			if !known {
				n = len(rec.conns)
				at[fields[1]] = n
				rec.conns = append(rec.conns, nil)
			}
			if fields[2] == "S>C" {
				rec.conns[n] = append(rec.conns[n], frame)
			}
		}
		all = append(all, rec)
	}
	return all
}

// recordedFrame reads a line:
//
//	time conn dir seq=hhhh FLAP chN [version] [tag=hex ...]
//	time conn dir seq=hhhh SNAC ffff/ssss fl=hhhh rq=hhhhhhhh len=n hex
func recordedFrame(f []string) (oscarwire.Frame, error) {
	var text string
	frame := oscarwire.Frame{Channel: oscarwire.ChannelData}
	if len(f) < 6 {
		return frame, errors.New("too few fields")
	}
	if f[4] == "SNAC" {
		text = strings.ReplaceAll(f[5], "/", "") + strings.TrimPrefix(f[6], "fl=") + strings.TrimPrefix(f[7], "rq=") + strings.Join(f[9:], "")
	} else {
		frame.Channel = f[5][len("ch")] - '0'
		for _, part := range f[6:] {
			tag, value, isTLV := strings.Cut(part, "=")
			if isTLV {
				tag += fmt.Sprintf("%04x", len(value)/2)
			}
			text += tag + value
		}
	}
	var err error
	frame.Payload, err = hex.DecodeString(text)
	return frame, err
}

// mutations returns the truncations of a payload, and its changes at every offset.
func mutations(payload []byte, use func([]byte)) {
	for n := range payload {
		use(bytes.Clone(payload[:n:n]))
	}
	for n, was := range payload {
		for _, b := range [...]byte{0, 0xFF, was + 1, was ^ 0x80} {
			changed := bytes.Clone(payload)
			changed[n] = b
			use(changed)
		}
	}
}

// busyClient returns a client with pending requests of all kinds.
func busyClient(t testing.TB, flavor string, emit func(legacy.Event)) *client {
	c := newDeafClient(t, flavor, emit)
	bob := legacy.Peer{ID: "100002"}
	sendParts(c, legacy.Outgoing{Ref: "1", To: bob, Text: "hello"})
	c.contacts.addContact(legacy.Contact{Peer: bob, Name: "Bob"}, "")
	c.contacts.block(bob, true)
	c.contacts.removeContact(bob)
	c.directory.requestProfile("p", bob)
	c.directory.requestProfile("q", legacy.Peer{ID: "bobaim"})
	c.directory.search(map[string]string{"email": "bob@example.net"}, func(legacy.SearchFinished) {})
	c.directory.search(map[string]string{"first": "Bob"}, func(legacy.SearchFinished) {})
	c.profile.setProfile(legacy.Profile{Nick: "Alice"})
	c.profile.setAvatar(nil)
	c.profile.uploadIcon()
	return c
}

// TestReplayedFrames replays every frame of every recording, truncated and changed, to
// signed-on clients: nothing panics or hangs, events contain clean text, and no frame
// makes the client use much memory.
func TestReplayedFrames(t *testing.T) {
	const maxEach = 64 << 10 // average allocation of a frame, in bytes
	seen := make(map[string]bool)
	emit := func(ev legacy.Event) {
		m, ok := ev.(legacy.MessageReceived)
		if ok && (m.From.ID == "" || m.Text == "" || m.Text != oscarwire.Clean(m.Text)) {
			t.Errorf("the core gets %+v", m)
		}
	}
	var before, after runtime.MemStats
	for _, rec := range recordings(t) {
		flavor := flavorAIM
		if strings.HasPrefix(rec.file, flavorICQ) {
			flavor = flavorICQ
		}
		for _, frames := range rec.conns {
			for _, frame := range frames {
				snac, _ := frame.SNAC()
				kind := fmt.Sprint(flavor, frame.Channel, snac.ID, string(snac.Body))
				if seen[kind] { // handled before
					continue
				}
				seen[kind] = true
				runtime.ReadMemStats(&before)
				c, count := busyClient(t, flavor, emit), 0
				mutations(frame.Payload, func(payload []byte) {
					if c.err != nil || len(c.pending) == 0 {
						c.background.Wait()
						c = busyClient(t, flavor, emit)
					}
					if count++; count%2 == 0 { // as the answer to a request
						answer(c, payload)
					}
					if err := c.onFrame(oscarwire.Frame{Channel: frame.Channel, Payload: payload}); err != nil {
						c.err = err
					}
					for len(c.s.queue) > 0 {
						(<-c.s.queue)(c)
					}
				})
				c.background.Wait()
				runtime.ReadMemStats(&after)
				if each := (after.TotalAlloc - before.TotalAlloc) / uint64(max(count, 1)); each > maxEach {
					t.Errorf("%s: %v of %d bytes takes %d bytes of memory each time", rec.file, snac.ID, len(frame.Payload), each)
				}
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d different frames", len(seen))
	}
}

// answer makes a SNAC the answer to a pending request or lookup.
func answer(c *client, payload []byte) {
	frame := oscarwire.Frame{Channel: oscarwire.ChannelData, Payload: payload}
	snac, err := frame.SNAC()
	if err != nil {
		return
	}
	for request := range c.pending {
		payload[6], payload[7], payload[8], payload[9] = byte(request>>24), byte(request>>16), byte(request>>8), byte(request)
		break
	}
	if d, err := oscarwire.ParseICQData(snac.Body); err == nil && snac.ID == oscarwire.ICQReply {
		l := &lookup{ref: "x", search: func(legacy.SearchFinished) {}, deadline: c.now().Add(time.Hour)}
		if d.Sequence%2 == 0 {
			l.details = new(oscarwire.UserDetails)
		}
		c.directory.lookups[d.Sequence] = l
		delete(c.pending, snac.RequestID)
	}
}

// replayed is a connection to a recorded server, which ignores its input.
type replayed struct {
	net.Conn // one end of a pipe, for the addresses
	said     io.Reader
}

func (r replayed) Read(b []byte) (int, error)       { return r.said.Read(b) }
func (r replayed) Write(b []byte) (int, error)      { return len(b), nil }
func (r replayed) Close() error                     { return nil }
func (r replayed) SetWriteDeadline(time.Time) error { return nil }

// signOnOf returns the connections of a recording that belong to one sign-on: to the
// authorizer, to BOS, and to the icon service if there is one.
func signOnOf(rec recording) (conns [][]oscarwire.Frame) {
	has := func(frames []oscarwire.Frame, id oscarwire.ID) bool {
		for _, f := range frames {
			if snac, err := f.SNAC(); err == nil && f.Channel == oscarwire.ChannelData && snac.ID == id {
				return true
			}
		}
		return false
	}
	find := func(fits func([]oscarwire.Frame) bool) {
		for _, frames := range rec.conns {
			if fits(frames) {
				conns = append(conns, frames)
				return
			}
		}
	}
	find(func(frames []oscarwire.Frame) bool { return !has(frames, oscarwire.ServiceHostFamilies) })
	find(func(frames []oscarwire.Frame) bool { return has(frames, oscarwire.FeedbagReply) })
	find(func(frames []oscarwire.Frame) bool { return has(frames, oscarwire.BARTDownloadReply) })
	return conns
}

// replay signs on to a recording, with one payload replaced, and reports whether the
// sign-on succeeded. With lie, the frame keeps its original length.
func replay(t testing.TB, conns [][]oscarwire.Frame, conn, frame int, payload []byte, lie bool) (ready bool) {
	next := 0
	dial := func(context.Context, string, string) (net.Conn, error) {
		if next >= len(conns) {
			return nil, io.EOF
		}
		var said []byte
		for i, f := range conns[next] {
			if next != conn || i != frame {
				said, _ = oscarwire.AppendFLAP(said, f.Channel, uint16(i), oscarwire.Raw(f.Payload))
				continue
			}
			at := len(said)
			said, _ = oscarwire.AppendFLAP(said, f.Channel, uint16(i), oscarwire.Raw(payload))
			if lie {
				said[at+4], said[at+5] = byte(len(f.Payload)>>8), byte(len(f.Payload))
			}
		}
		next++
		end, _ := net.Pipe()
		return replayed{addressed{end}, bytes.NewReader(said)}, nil
	}
	n := mustNew(t, options(flavorICQ))
	s, err := n.NewSession(legacy.Account{Fields: map[string]string{"username": "100001", "password": "x"}}, legacy.Env{
		Log: zerolog.Nop(), Now: time.Now, Dial: dial, Flush: func(context.Context) error { return nil },
		Emit: func(ev legacy.Event) {
			if _, ok := ev.(legacy.Ready); ok {
				ready = true
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Run(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("Run returned %v, %v", err, ctx.Err())
	}
	return ready
}

// addressed has the address of the recorded server.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5190}
}

// TestReplayedSignOn signs on to every recording, unchanged and with every frame before
// the contact list truncated and changed: Run always returns.
func TestReplayedSignOn(t *testing.T) {
	seen := make(map[string]bool)
	for _, rec := range recordings(t) {
		conns := signOnOf(rec)
		if len(conns) < 2 || !replay(t, conns, -1, -1, nil, false) {
			t.Errorf("%s: cannot sign on to what was recorded", rec.file)
			continue
		}
		for conn, frames := range conns {
			for i, frame := range frames {
				snac, _ := frame.SNAC()
				if kind := fmt.Sprint(conn, frame.Channel, snac.ID, len(frame.Payload)/64); !seen[kind] {
					seen[kind] = true
					count := 0
					mutations(frame.Payload, func(payload []byte) {
						count++
						replay(t, conns, conn, i, payload, count%3 == 0)
					})
				}
				if snac.ID == oscarwire.FeedbagReply && !snac.More() {
					break
				}
			}
		}
	}
}
