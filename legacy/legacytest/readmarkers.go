package legacytest

import (
	"strconv"
	"testing"
	"time"

	"transport/legacy"
)

// testReadMarkers: messages have positions that do not decrease, and the read marker moves
// to one of them and never back.
func testReadMarkers(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	marker, ok := r.s.(legacy.ReadMarker)
	if !ok {
		t.Skip("the network has no read markers")
	}
	r.ready()
	first := r.say(lab, 0).ReadMark
	second := first
	for said := 1; second.Equal(first) && said < 100; said++ { // the clock may be coarse
		second = r.say(lab, said).ReadMark
	}
	if first.IsZero() || !second.After(first) {
		t.Fatalf("messages have the ReadMark %v and later %v", first, second)
	}
	peer := legacy.Peer{ID: h.Peer}
	for i, mark := range []time.Time{second, first} {
		if err := r.timed("MarkRead", func() error { return marker.MarkRead(r.ctx, peer, mark) }); err != nil {
			t.Fatalf("MarkRead: %v", err)
		}
		if at := nth[legacy.ReadMarked](r, i); at.Peer != peer || !at.Mark.Equal(second) {
			t.Errorf("got %+v, want the position %v of %s", at, second, h.Peer)
		}
	}
	r.stop()
}

// say has the peer say its nth message, and returns it.
func (r *run) say(lab Lab, n int) legacy.MessageReceived {
	r.t.Helper()
	lab.Say("mark " + strconv.Itoa(n))
	return nth[legacy.MessageReceived](r, n)
}

// nth waits for the nth event of a type, counted from 0.
func nth[E legacy.Event](r *run, n int) (found E) {
	r.t.Helper()
	r.wait("event", func(ev legacy.Event) bool {
		e, ok := ev.(E)
		if !ok {
			return false
		}
		found = e
		n--
		return n < 0
	})
	return found
}
