package oscarwire_test

import (
	"bytes"
	"errors"
	"testing"

	"transport/legacy/oscar/oscarwire"
)

// writes records each Write.
type writes [][]byte

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, bytes.Clone(b))
	return len(b), nil
}

// TestFrameCollector: frames are written together, in order, and numbered as they would
// be one by one.
func TestFrameCollector(t *testing.T) {
	var apart, together writes
	one, all := oscarwire.NewFrameWriter(&apart, 7), oscarwire.NewFrameCollector(&together, 7, 100)
	frame := func(payload oscarwire.Appender) {
		t.Helper()
		if err := errors.Join(one.WriteFrame(oscarwire.ChannelData, payload), all.WriteFrame(oscarwire.ChannelData, payload)); err != nil {
			t.Fatal(err)
		}
	}
	frame(oscarwire.Raw("hello"))
	frame(nil)
	if err := all.WriteFrame(oscarwire.ChannelData, oscarwire.Raw(make([]byte, oscarwire.MaxPayload+1))); !errors.Is(err, oscarwire.ErrOversize) {
		t.Fatalf("an oversize frame: %v", err)
	}
	if len(together) != 0 {
		t.Fatalf("%d writes before Flush", len(together))
	}
	for range 2 { // the second has nothing to write
		if err := all.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if len(together) != 1 || !bytes.Equal(together[0], bytes.Join(apart, nil)) {
		t.Fatalf("%x, want one write of %x", together, apart)
	}
	frame(oscarwire.Raw(make([]byte, 100))) // the limit
	if len(together) != 2 || !bytes.Equal(together[1], apart[2]) {
		t.Fatalf("%d writes, the last %x", len(together), together[len(together)-1])
	}
}
