package stream_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"transport/component/componenttest"
	"transport/component/element"
	"transport/component/stream"
)

const domain, secret = "gw.localhost", "s3cret"

type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func (clock) AfterFunc(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// recorder is a handler that writes down what it is told.
type recorder struct {
	mu    sync.Mutex
	conn  *stream.Conn
	calls []string
}

func (r *recorder) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, text)
}

func (r *recorder) Connected(_ context.Context, c *stream.Conn) {
	r.note("connected")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = c
}

func (r *recorder) Stanza(_ *stream.Conn, e *element.Element, tooLarge bool) {
	text := "stanza " + e.Attr("id")
	if tooLarge {
		text += " too large"
	}
	r.note(text)
}

func (r *recorder) Lost(c *stream.Conn, unacked []stream.Message) {
	text := "lost"
	for _, m := range unacked {
		text += " " + m.ID
	}
	select {
	case <-c.Settled():
		text += " settled too early"
	default:
	}
	r.note(text)
}

func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.calls, ", ")
	r.calls = nil
	return text
}

// run runs a connection in a bubble of time, and f when it is up.
func run(t *testing.T, f func(s *componenttest.Server, r *recorder, stop func())) {
	synctest.Test(t, func(t *testing.T) {
		s, r := componenttest.NewServer(t, domain, secret), &recorder{}
		s.Patience = time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			stream.Run(ctx, stream.Config{Domain: domain, Server: componenttest.Addr, Secret: secret, Dial: s.Dial,
				Clock: clock{}, Log: zerolog.Nop(), Grace: time.Minute}, r)
		}()
		stop := func() { cancel(); <-ended }
		defer stop()
		s.Linked(1)
		synctest.Wait()
		f(s, r, stop)
	})
}

func message(id string) func([]byte) []byte {
	return func(dst []byte) []byte {
		return append(dst, "<message from='"+domain+"' to='a@localhost' id='"+id+"'/>"...)
	}
}

func TestStanzasReachTheHandler(t *testing.T) {
	run(t, func(s *componenttest.Server, r *recorder, stop func()) {
		s.Send("<presence from='a@localhost' to='" + domain + "' id='p1'/>")
		s.Send("<message from='a@localhost' to='" + domain + "' id='m1'><body>" + strings.Repeat("x", 2<<20) + "</body></message>")
		s.Send("<iq type='get' from='a@localhost' to='" + domain + "' id='q1'/>")
		time.Sleep(2 * time.Minute) // pings come back meanwhile, which are nobody's business
		synctest.Wait()
		if got, want := r.take(), "connected, stanza p1, stanza m1 too large, stanza q1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		stop()
		if got := r.take(); got != "lost" {
			t.Errorf("at the end: %q", got)
		}
	})
}

// What a ping has not acknowledged when the connection is lost goes to the handler,
// in order, and nothing else does.
func TestUnackedMessagesAreHandedBack(t *testing.T) {
	run(t, func(s *componenttest.Server, r *recorder, stop func()) {
		first := r.conn
		if err := first.Track(message("acked"), stream.Message{ID: "acked"}); err != nil {
			t.Fatal(err)
		}
		acked := make(chan bool, 1)
		first.WhenAcked(func(ok bool) { acked <- ok })
		if !<-acked {
			t.Fatal("nothing is acknowledged")
		}
		for _, id := range []string{"m1", "m2"} {
			if err := first.Track(message(id), stream.Message{ID: id}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		s.Drop()
		<-first.Settled()
		if got, want := r.take(), "connected, lost m1 m2"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := first.Write(message("late")); err == nil {
			t.Error("a connection that was lost takes stanzas")
		}
		s.Linked(2)
		synctest.Wait()
		if got := r.take(); got != "connected" {
			t.Errorf("after the loss: %q", got)
		}
		if r.conn == first {
			t.Error("the connection is the old one")
		}
	})
}

// A server that routes the first ping back when nobody waits for it any more was only slow:
// messages are acknowledged again.
func TestLateFirstPing(t *testing.T) {
	run(t, func(s *componenttest.Server, r *recorder, stop func()) {
		s.SetRouting(false)
		s.Drop()
		s.Linked(2)
		time.Sleep(5 * time.Minute)
		s.SetRouting(true)
		componenttest.RouteLate(s)
		if err := r.conn.Track(message("m1"), stream.Message{ID: "m1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.take()
		s.Drop()
		<-r.conn.Settled()
		if got := r.take(); got != "lost" {
			t.Errorf("got %q, want \"lost\"", got)
		}
	})
}

// A server that restarts is tried at once and then after growing pauses of at most half a second
// for ten seconds. While users wait, the pauses between tries are five seconds at most; later they
// grow to a minute.
func TestReconnectsQuicklyAtFirst(t *testing.T) {
	run(t, func(s *componenttest.Server, r *recorder, stop func()) {
		time.Sleep(2 * time.Minute)
		s.SetDown(true)
		down := time.Now()
		s.Drop()
		time.Sleep(10 * time.Minute)
		dials := s.Dials()[1:]
		for i, want := range []time.Duration{100, 200, 400, 400} {
			if got := dials[i].Sub(down) / time.Millisecond; got < want*3/4 || got > want*5/4 {
				t.Errorf("pause %d is %v", i, got)
			}
			down = dials[i]
		}
		var quick, early, late []time.Duration
		for i := 1; i < len(dials); i++ {
			switch gap, since := dials[i].Sub(dials[i-1]), dials[i].Sub(dials[0]); {
			case since < 9*time.Second:
				quick = append(quick, gap)
			case since < 58*time.Second:
				early = append(early, gap)
			default:
				late = append(late, gap)
			}
		}
		if len(quick) < 20 || slices.Max(quick) > time.Second/2 {
			t.Errorf("pauses at first: %v", quick)
		}
		if len(early) < 10 || slices.Max(early) > 5*time.Second {
			t.Errorf("pauses in the first minute: %v", early)
		}
		if len(late) == 0 || slices.Max(late) <= 5*time.Second || slices.Max(late) > time.Minute {
			t.Errorf("pauses later: %v", late)
		}
	})
}

// A server that accepts the component and ends the stream at once gets no quick tries.
func TestThrownOut(t *testing.T) {
	run(t, func(s *componenttest.Server, r *recorder, stop func()) {
		for i := range 20 {
			s.Linked(i + 1)
			synctest.Wait()
			s.Drop()
		}
		s.Linked(21)
		dials := s.Dials()
		if took := dials[20].Sub(dials[0]); took < 40*time.Second {
			t.Errorf("20 tries in %v", took)
		}
	})
}
