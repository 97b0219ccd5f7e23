package stream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

func lit(s string) func([]byte) []byte {
	return func(dst []byte) []byte { return append(dst, s...) }
}

// startWriter runs a writer on one end of a pipe and returns the other end. The
// writer has ended when the test has.
func startWriter(t *testing.T) (*writer, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	w := newWriter(ours)
	var wg sync.WaitGroup
	wg.Go(w.run)
	t.Cleanup(func() {
		theirs.Close()
		w.close(io.EOF)
		wg.Wait()
		ours.Close()
	})
	return w, theirs
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != want {
		t.Fatalf("read %q, %v; want %q", buf, err, want)
	}
}

func TestWriterConfirms(t *testing.T) {
	w, peer := startWriter(t)
	for i := range 3 {
		if err := w.track(lit(fmt.Sprintf("<m%d/>", i)), Message{ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			_ = w.ping(lit("<ping/>"))
		}
	}
	told := make(chan bool, 1)
	w.whenAcked(func(ok bool) { told <- ok })
	read(t, peer, "<m0/><m1/><ping/><m2/>")

	w.pong()
	if got := len(w.unacked); got != 1 || w.unacked[0].ID != "2" {
		t.Fatalf("after the pong %d are unconfirmed: %v", got, w.unacked)
	}
	select {
	case <-told:
		t.Fatal("confirmed by a ping that was sent before")
	default:
	}
	_ = w.ping(lit("<ping/>"))
	w.pong()
	if !<-told {
		t.Fatal("the pong did not confirm")
	}
	if w.waitsForAck() {
		t.Fatal("something is left unconfirmed")
	}
}

func TestWriterGivesBackWhatIsUnconfirmed(t *testing.T) {
	w, peer := startWriter(t)
	_ = w.track(lit("<a/>"), Message{ID: "a"})
	_ = w.track(lit("<b/>"), Message{ID: "b"})
	read(t, peer, "<a/><b/>")
	told := make(chan bool, 1)
	w.whenAcked(func(ok bool) { told <- ok })
	w.close(io.EOF)
	if <-told {
		t.Error("told that it was confirmed when the link ended")
	}
	var ids []string
	for _, m := range w.takeUnacked() {
		ids = append(ids, m.ID+string(m.Stanza))
	}
	if got := strings.Join(ids, " "); got != "a<a/> b<b/>" {
		t.Errorf("got back %q", got)
	}
	if err := w.write(lit("<c/>")); !errors.Is(err, ErrDown) {
		t.Errorf("a write to a closed link: %v", err)
	}
}

// A peer that does not read makes writers wait, but not the reader's answers.
func TestWriterBounds(t *testing.T) {
	w, peer := startWriter(t)
	big := strings.Repeat("x", maxWaiting+1)
	_ = w.write(lit("<first/>"))
	read(t, peer, "<")             // the writer is inside a Write now
	_ = w.write(lit(big))          // fills the buffer
	blocked := make(chan error, 1) // so that this one waits
	go func() { blocked <- w.write(lit("<last/>")) }()
	for range maxUnread / len(big) {
		if err := w.answer(lit(big)); err != nil {
			t.Fatal("an answer was refused before the bound:", err)
		}
	}
	select {
	case err := <-blocked:
		t.Fatal("a write did not wait for room:", err)
	default:
	}
	_ = w.answer(lit(big))
	if err := w.answer(lit(big)); !errors.Is(err, ErrDown) {
		t.Fatal("a server that never reads did not lose the link:", err)
	}
	if err := <-blocked; !errors.Is(err, ErrDown) {
		t.Fatal("a waiting write outlived the link:", err)
	}
}

// TestWriterCongested: a peer that does not read makes the connection congested before writers
// block, until it reads or the connection ends.
func TestWriterCongested(t *testing.T) {
	for _, reads := range []bool{true, false} {
		w, peer := startWriter(t)
		_ = w.write(lit("<first/>"))
		read(t, peer, "<") // the writer is inside a Write now
		_ = w.write(lit(strings.Repeat("x", muchWaiting-1)))
		if w.congested() != nil {
			t.Error("congested below the bound")
		}
		_ = w.write(lit("y"))
		over := w.congested()
		if over == nil {
			t.Fatal("not congested at the bound")
		}
		select {
		case <-over:
			t.Error("the congestion was over at once")
		default:
		}
		if _ = w.write(lit("<more/>")); !reads { // does not block
			w.close(io.EOF)
		} else {
			read(t, peer, "first/>")
		}
		<-over
		if w.congested() != nil {
			t.Error("still congested")
		}
	}
}

func TestWriterFinishes(t *testing.T) {
	w, peer := startWriter(t)
	_ = w.write(lit("<a/>"))
	w.finish(endTag)
	read(t, peer, "<a/>"+endTag)
	if err := w.write(lit("<b/>")); !errors.Is(err, ErrDown) {
		t.Error("a write after the end:", err)
	}
}
