package oscar

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// TestTurns: control packets first, then the targets in turn, each in its order.
func TestTurns(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a1 a2 a3 b1", "a1 b1 a2 a3"},
		{"a1 a2 b1 c1 b2 c2", "a1 b1 c1 a2 b2 c2"},
		{"a1 a2 -1 b1 -2", "-1 -2 a1 b1 a2"},
		{"a1 a2 b1 < a3", "a1 b1 a2 a3"},   // one is put back
		{"-1 a1 b1 < -2", "-1 -2 a1 b1"},   // likewise
		{"a1 b1 > > a2 b2 a3", "a2 b2 a3"}, // two are sent meanwhile
		{"", ""},
	} {
		var queue turns
		for _, word := range strings.Fields(tt.in) {
			switch word {
			case "<":
				queue.unpop(queue.pop())
			case ">":
				queue.pop()
			default:
				p := &packet{target: strings.Trim(word, "-0123456789"), body: oscarwire.Raw(word)}
				queue.push(p)
			}
		}
		var got []string
		for queue.size > 0 {
			got = append(got, string(queue.pop().body.(oscarwire.Raw)))
		}
		if got := strings.Join(got, " "); got != tt.want || len(queue.targets)+len(queue.queues) != 0 {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

// livePace is the rate class of messages of a live server.
var livePace = oscarwire.RateParams{
	Classes: []oscarwire.RateClass{{ID: 3, Window: 20, Clear: 5100, Alert: 5000, Limit: 4000, Disconnect: 3000, Current: 6000, Max: 6000}},
	Members: []oscarwire.RateMembers{{Class: 3, SNACs: []oscarwire.ID{oscarwire.ICBMSend}}},
}

// TestFairTurns: a paste to one peer delays a message to another by one message. The user
// gets one notice about the delay, and Backlog is right.
func TestFairTurns(t *testing.T) {
	var notices []string
	c := newDeafClient(t, flavorICQ, func(ev legacy.Event) {
		if n, ok := ev.(legacy.Notice); ok {
			notices = append(notices, n.Text)
		}
	})
	now := time.Now()
	c.s.env.Now = func() time.Time { return now }
	c.rates.publishes = true
	c.rates.setRates(livePace)
	var sent bytes.Buffer
	c.conn.out = oscarwire.NewFrameWriter(&sent, 0)
	say := func(to string, n int) {
		for i := range n {
			sendParts(c, legacy.Outgoing{Ref: fmt.Sprint(to, i), To: legacy.Peer{ID: to}, Text: fmt.Sprint(i)})
		}
	}
	say("100002", 40)
	waiting, expected := c.s.Backlog()
	say("100003", 1)
	if len(notices) != 1 || !strings.Contains(notices[0], "100002") || !strings.Contains(notices[0], "seconds") {
		t.Errorf("the user reads %q", notices)
	}
	began, order := now, ""
	for c.s.backlog.Load() > 0 && now.Sub(began) < time.Hour {
		now = now.Add(max(c.rates.drainAll(now).Sub(now), 10*time.Millisecond))
		c.rates.drainAll(now)
	}
	if took := now.Sub(began); took < expected || took > expected+10*time.Second {
		t.Errorf("%d messages took %v, expected %v", waiting, took, expected)
	}
	frames := oscarwire.NewFrameReader(&sent, 0)
	for f, err := frames.ReadFrame(); err == nil; f, err = frames.ReadFrame() {
		snac, _ := f.SNAC()
		if im, err := oscarwire.ParseOutgoingIM(snac.Body); err == nil {
			order += im.To[5:]
		}
	}
	first := 40 - waiting
	if at := strings.Index(order, "3"); len(order) != 41 || at != first+1 {
		t.Errorf("sent to %s: the other peer's turn is number %d after %d", order, at, first)
	}
	if len(notices) != 1 {
		t.Errorf("the user reads %q", notices)
	}
	if n, wait := c.s.Backlog(); n != 0 || wait != 0 {
		t.Errorf("%d messages wait %v", n, wait)
	}
	now = now.Add(time.Hour)
	c.tick()
	say("100002", 20)
	if len(notices) != 2 {
		t.Errorf("of the next paste the user reads %q", notices[1:])
	}
}
