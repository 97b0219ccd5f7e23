package component_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// jumpingClock is a clock that somebody sets. It is harsher than a real one: Go's times have
// a monotonic part, by which the gateway would measure most durations, and which no setting
// of the system's clock changes. Here that part jumps, too.
type jumpingClock struct{ offset atomic.Int64 }

func (c *jumpingClock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *jumpingClock) AfterFunc(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

func (c *jumpingClock) jump(d time.Duration) { c.offset.Add(int64(d)) }

// When the clock jumps, in either direction and while messages are under way, none is lost,
// none comes twice with another ID, and the users are served afterwards.
func TestClockJumps(t *testing.T) {
	for _, by := range []time.Duration{time.Minute, -time.Minute, 24 * time.Hour, -24 * time.Hour, 40 * 365 * 24 * time.Hour, -40 * 365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			clock := &jumpingClock{}
			stage(t, setup{users: []string{alice}, config: func(c *component.Config) { c.Clock, c.Rate = clock, 10 }}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				ids, answered := make(map[string]string), make(map[string]bool)
				collect := func() {
					t.Helper()
					w.settle()
					for _, e := range w.Take() {
						text := e.ChildText("", "body")
						switch {
						case e.Name != "message":
						case e.Attr("type") == "error":
							answered[e.Attr("id")] = true
						case strings.HasPrefix(text, "in "):
							if first := ids[text]; first != "" && first != e.Attr("id") {
								t.Errorf("%q comes with the ids %s and %s", text, first, e.Attr("id"))
							}
							ids[text] = e.Attr("id")
						default: // the gateway's own
							for line := range strings.SplitSeq(text, "\n") {
								answered[strings.TrimPrefix(line, "> out ")] = true
							}
						}
					}
				}
				const each = 10
				exchange := func(from int) {
					for i := from; i < from+each; i++ {
						w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("in ", i)})
						w.message(phone, carol, fmt.Sprint("m", i), fmt.Sprint("out m", i))
					}
				}
				exchange(0)
				w.settle()
				h.Stall()
				w.SetRouting(false) // the next messages are not acknowledged yet
				exchange(each)
				clock.jump(by)
				w.pass(2 * time.Second)
				w.SetRouting(true)
				h.Resume()
				w.pass(time.Minute)
				if len(w.Dials()) > 1 {
					w.presence(phone, gw, "") // as the server would, probed after the loss of the link
					w.settle()
				}
				clock.jump(-by / 2)
				w.SetDown(true)
				w.Drop()
				for i := range each {
					w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("in ", 2*each+i)})
				}
				clock.jump(by)
				w.pass(5 * time.Second)
				w.SetDown(false)
				w.pass(20 * time.Second)
				w.presence(phone, gw, "")
				w.pass(2 * time.Minute)
				collect()
				reached := make(map[string]bool)
				for {
					m, ok := legacytest.Take[legacytest.Send](h)
					if !ok {
						break
					}
					if id := strings.TrimPrefix(m.Text, "out "); reached[id] {
						t.Errorf("%s arrives twice", id)
					} else {
						reached[id] = true
					}
				}
				if len(ids) != 3*each {
					t.Errorf("%d of %d messages came: %v", len(ids), 3*each, ids)
				}
				for i := range 2 * each {
					if id := fmt.Sprint("m", i); !reached[id] && !answered[id] {
						t.Errorf("%s has no outcome", id)
					}
				}
				w.message(phone, carol, "last", "at last")
				if m := legacytest.Expect[legacytest.Send](t, h); m.Text != "at last" {
					t.Errorf("sent %q", m.Text)
				}
			})
		})
	}
}
