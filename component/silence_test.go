package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// told returns the texts of the gateway's own messages to a user.
func (w *world) told(user string) (texts []string) {
	w.t.Helper()
	w.settle()
	for _, e := range w.Take() {
		if e.Name == "message" && e.Attr("from") == fullJID(gw) && e.Attr("to") == user {
			texts = append(texts, e.ChildText("", "body"))
		}
	}
	return texts
}

// A server that fell silent before the link ended may have written messages that nobody has
// read. The users that are signed on are warned, once.
func TestSilentServer(t *testing.T) {
	const warning = "The connection between your XMPP server and the gateway failed"
	for name, tt := range map[string]struct {
		silence time.Duration // before the connection breaks, 0 for until the ping times out
		warned  bool
	}{
		"ping timeout":    {0, true},
		"cut after 20 s":  {20 * time.Second, true},
		"cut at once":     {time.Second, false},
		"cut after 2.5 s": {2500 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.Barrier()
				since := time.Now()
				w.pass(time.Second)
				w.SetRouting(false)
				w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "hello"}) // asks for an acknowledgement
				if tt.silence > 0 {
					w.pass(tt.silence)
					w.Drop()
				}
				w.Unlinked()
				w.SetRouting(true)
				w.Linked(2)
				w.pass(5 * time.Second)
				texts := w.told(alice)
				if tt.warned != (len(texts) == 1 && strings.HasPrefix(texts[0], warning)) || !tt.warned && len(texts) > 0 {
					t.Fatalf("told %q, warned: %t", texts, tt.warned)
				}
				if from := since.Add(-5 * time.Second).UTC().Format("since 15:04:05 UTC"); tt.warned && !strings.Contains(texts[0], from) {
					t.Errorf("told %q, without %q", texts[0], from)
				}
				w.Drop()
				w.Linked(3)
				w.pass(time.Minute)
				if texts := append(w.told(alice), w.told(bob)...); len(texts) > 0 {
					t.Errorf("told again: %q", texts)
				}
			})
		})
	}
}

// A server that has never routed a ping back is not silent: its users are not warned.
func TestNeverRouted(t *testing.T) {
	stage(t, setup{users: []string{alice}, down: true}, func(t *testing.T, w *world) {
		w.SetRouting(false)
		w.SetDown(false)
		w.Linked(1)
		h := w.signOn(phone)
		ids := make(map[string]string)
		collect := func() {
			for _, e := range w.Take() {
				if e.Name != "message" {
					continue
				}
				text, id := e.ChildText("", "body"), e.Attr("id")
				if !strings.HasPrefix(text, "text ") {
					t.Fatalf("got %s", e)
				}
				if first := ids[text]; first != "" && first != id {
					t.Errorf("%q comes with the ids %s and %s", text, first, id)
				}
				ids[text] = id
			}
		}
		for round := range 3 { // on a new connection, on one that is known, and after it
			for i := range 100 {
				w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("text ", round*100+i)})
			}
			w.pass(time.Duration(round) * 40 * time.Second)
			collect()
			w.Drop()
			w.Linked(2 + round)
			w.presence(phone, gw, "")
			w.pass(time.Minute)
			collect()
		}
		if len(ids) != 300 {
			t.Errorf("%d messages came", len(ids))
		}
	})
}

// The errors of a flood that break with the link are told in one message with their number.
func TestLostRefusals(t *testing.T) {
	slow := func(c *component.Config) { c.Rate = 1 }
	for name, tt := range map[string]struct {
		acked bool
		want  string
	}{
		"unacknowledged": {false, "50 messages that you sent from "},
		"acknowledged":   {true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}, config: slow}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.pass(time.Minute)
				w.SetRouting(tt.acked)
				for i := range 60 {
					w.message(phone, carol, fmt.Sprint("m", i), fmt.Sprint("text ", i))
				}
				for range 10 {
					legacytest.Expect[legacytest.Send](t, h)
				}
				w.pass(4 * time.Second)
				w.Take()
				w.Drop()
				w.SetRouting(true)
				w.Linked(2)
				w.pass(5 * time.Second)
				texts := w.told(alice)
				if tt.want == "" && len(texts) > 0 || tt.want != "" && (len(texts) != 1 || !strings.HasPrefix(texts[0], tt.want) || !strings.HasSuffix(texts[0], "You are sending too fast. Wait a little.")) {
					t.Errorf("told %q, want %q", texts, tt.want)
				}
				w.Drop()
				w.Linked(3)
				w.pass(time.Minute)
				if texts := w.told(alice); len(texts) > 0 {
					t.Errorf("told again: %q", texts)
				}
			})
		})
	}
}

// A message that the network had, and did not confirm before the session ended, may have
// arrived: its error says so, and a report, too.
func TestUncertainMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Stall()
		w.message(phone, carol, "m1", "first")
		w.settle()
		h.End(legacy.Errorf(legacy.Temporary, "The connection was lost."))
		e := w.Expect("<message type='error' id='m1'/>")
		if text := e.String(); !strings.Contains(text, "The connection was lost. The message may not have arrived.") {
			t.Errorf("got %s", text)
		}
	})
}

// A server that does not end the stream in time after a stop may have written messages that
// nobody has read: the users are warned by the next process.
func TestAbandonedStream(t *testing.T) {
	for name, hangs := range map[string]bool{"hangs": true, "answers": false} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
				w.signOn(phone)
				w.pass(5 * time.Second)
				if hangs {
					w.Stall()
				}
				w.stop()
				w.Resume()
				w.Take()
				w.start()
				w.Linked(2)
				w.pass(5 * time.Second)
				texts := w.told(alice)
				if warned := len(texts) == 1 && strings.Contains(texts[0], "may not have arrived"); warned != hangs || !hangs && len(texts) > 0 {
					t.Errorf("told %q, want a warning: %t", texts, hangs)
				}
				if texts := w.told(bob); len(texts) > 0 {
					t.Errorf("bob is told %q", texts)
				}
			})
		})
	}
}
