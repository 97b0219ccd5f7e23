package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

const (
	alice  = "alice@localhost"
	domain = "icq.localhost"
)

// blind has no proof for anything.
func blind(int, direction) string { return "" }

// script fills a ledger with ten messages that arrive once, and applies an event to one.
func script(dir direction, event func(l *ledger, number int)) *ledger {
	l := newLedger()
	l.strike("test", false)
	for i := range 10 {
		n := l.send(dir, alice, domain, start.Add(time.Duration(i)*time.Second))
		if i == 4 {
			event(l, n)
			continue
		}
		l.deliver(n, fmt.Sprint("id", n), false, start)
	}
	return l
}

// TestFate checks the only column besides delivered that each event counts in.
func TestFate(t *testing.T) {
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	for name, tc := range map[string]struct {
		dir   direction
		event func(l *ledger, n int)
		want  outcome
	}{
		"injected loss":         {toICQ, func(*ledger, int) {}, lost},
		"arrived":               {toICQ, func(l *ledger, n int) { l.deliver(n, "", false, start) }, delivered},
		"error":                 {toICQ, func(l *ledger, n int) { l.refuse(alice, stanzaID(n), false, start) }, refused},
		"error with a wrong id": {toICQ, func(l *ledger, n int) { l.refuse(alice, "m999", false, start) }, lost},
		"error to another user": {toICQ, func(l *ledger, n int) { l.refuse("bob@localhost", stanzaID(n), false, start) }, lost},
		"report":                {toICQ, func(l *ledger, n int) { l.tell(alice, n, undelivered, start) }, toldUndelivered},
		"uncertain":             {toICQ, func(l *ledger, n int) { l.tell(alice, n, uncertain, start) }, toldUncertain},
		"report to another":     {toICQ, func(l *ledger, n int) { l.tell("bob@localhost", n, undelivered, start) }, lost},
		"warned":                {toICQ, func(l *ledger, n int) { l.crash(at(6)); l.warn(alice, domain, warning{at: at(7), incoming: false}) }, warned},
		"crash without warning": {toICQ, func(l *ledger, n int) { l.crash(at(6)) }, lost},
		"earlier warning":       {toICQ, func(l *ledger, n int) { l.warn(alice, domain, warning{at: at(5), incoming: false}); l.crash(at(6)) }, lost},
		"warning elsewhere":     {toICQ, func(l *ledger, n int) { l.crash(at(6)); l.warn(alice, "irc.localhost", warning{at: at(7)}) }, lost},
		"long before the crash": {toICQ, func(l *ledger, n int) { l.crash(at(10)); l.warn(alice, domain, warning{at: at(11), incoming: false}) }, lost},
		"after the crash":       {toICQ, func(l *ledger, n int) { l.crash(at(2)); l.warn(alice, domain, warning{at: at(3), incoming: false}) }, lost},
		"warning, to XMPP":      {fromICQ, func(l *ledger, n int) { l.crash(at(6)); l.warn(alice, domain, warning{at: at(7), incoming: false}) }, lost},
		"warned, to XMPP":       {fromICQ, func(l *ledger, n int) { l.crash(at(6)); l.warn(alice, domain, warning{at: at(7), incoming: true}) }, warned},
		"silent link":           {toICQ, func(l *ledger, n int) { l.warn(alice, domain, warning{at: at(9), since: at(3)}) }, warned},
		"before the silence":    {toICQ, func(l *ledger, n int) { l.warn(alice, domain, warning{at: at(9), since: at(5)}) }, lost},
		"after the silence":     {toICQ, func(l *ledger, n int) { l.warn(alice, domain, warning{at: at(3), since: at(2)}) }, lost},
		"silent link, to XMPP":  {fromICQ, func(l *ledger, n int) { l.warn(alice, domain, warning{at: at(9), since: at(3)}) }, lost},
		"number":                {toICQ, func(l *ledger, n int) { l.tellNumber(number{alice, domain, 1, at(3), at(5)}, at(9)) }, toldUndelivered},
		"number elsewhere":      {toICQ, func(l *ledger, n int) { l.tellNumber(number{alice, "irc.localhost", 1, at(3), at(5)}, at(9)) }, lost},
		"number of another":     {toICQ, func(l *ledger, n int) { l.tellNumber(number{"bob@localhost", domain, 1, at(3), at(5)}, at(9)) }, lost},
		"number of later ones":  {toICQ, func(l *ledger, n int) { l.tellNumber(number{alice, domain, 5, at(5), at(9)}, at(9)) }, lost},
		"unsure error":          {toICQ, func(l *ledger, n int) { l.refuse(alice, stanzaID(n), true, start) }, toldUncertain},
		"better than a warning": {toICQ, func(l *ledger, n int) {
			l.crash(at(6))
			l.warn(alice, domain, warning{at: at(7), incoming: false})
			l.refuse(alice, stanzaID(n), false, start)
		}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			rows := script(tc.dir, tc.event).rows(blind)
			if len(rows) != 1 {
				t.Fatalf("%d rows", len(rows))
			}
			r := rows[0]
			want := map[outcome]int{delivered: 9}
			want[tc.want]++
			if r.sent != 10 || fmt.Sprint(r.fates) != fmt.Sprint(want) {
				t.Errorf("sent %d, %v, want %v", r.sent, r.fates, want)
			}
			if failed := failures(rows) > 0; failed != (tc.want == lost) {
				t.Errorf("the run fails: %t", failed)
			}
		})
	}
}

// TestRepetition checks that an injected repetition is found, and told apart by its id.
func TestRepetition(t *testing.T) {
	for name, tc := range map[string]struct {
		dir       direction
		ids       []string
		history   bool
		same, own int
	}{
		"once":                    {fromICQ, []string{"a"}, false, 0, 0},
		"same id":                 {fromICQ, []string{"a", "a"}, false, 1, 0},
		"other id":                {fromICQ, []string{"a", "b"}, false, 0, 1},
		"same and other":          {fromICQ, []string{"a", "b", "a"}, false, 1, 1},
		"no ids":                  {toICQ, []string{"", ""}, false, 0, 1},
		"history with the id":     {fromChannel, []string{"a", "a"}, true, 0, 0},
		"history with another id": {fromChannel, []string{"a", "b"}, true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			rows := script(tc.dir, func(l *ledger, n int) {
				for i, id := range tc.ids {
					l.deliver(n, id, tc.history && i > 0, start)
				}
			}).rows(blind)
			if r := rows[0]; r.sameID != tc.same || r.otherID != tc.own || r.fates[delivered] != 10 {
				t.Errorf("%d with the same id, %d with another, want %d and %d", r.sameID, r.otherID, tc.same, tc.own)
			}
			if got := failures(rows); got != tc.own {
				t.Errorf("%d failures", got)
			}
		})
	}
}

// TestExcused checks that only a proof for this very message excuses it.
func TestExcused(t *testing.T) {
	l := script(toICQ, func(*ledger, int) {})
	if rows := l.rows(func(n int, dir direction) string {
		if n == 4 && dir == toICQ {
			return "unread"
		}
		return ""
	}); rows[0].fates[excused] != 1 || rows[0].reasons["unread"] != 1 || failures(rows) != 0 {
		t.Errorf("with a proof: %v", rows[0].fates)
	}
	if got := l.losses(func(int, direction) string { return "unread" }, 5, false); len(got) != 0 {
		t.Errorf("the losses are %q", got)
	}
	if rows := l.rows(func(n int, _ direction) string { return map[bool]string{true: "unread"}[n == 5] }); rows[0].fates[lost] != 1 {
		t.Errorf("with a proof for another message: %v", rows[0].fates)
	}
}

// TestBoth counts a message that arrived although its sender got an error.
func TestBoth(t *testing.T) {
	rows := script(toICQ, func(l *ledger, n int) {
		l.deliver(n, "", false, start)
		l.refuse(alice, stanzaID(n), false, start)
	}).rows(blind)
	if rows[0].both != 1 || rows[0].fates[delivered] != 10 {
		t.Errorf("got %+v", rows[0])
	}
	rows = script(toICQ, func(l *ledger, n int) {
		l.refuse(alice, stanzaID(n), true, start)
		l.deliver(n, "", false, start)
	}).rows(blind)
	if rows[0].both != 0 || rows[0].fates[delivered] != 10 {
		t.Errorf("after an error that is not sure: %+v", rows[0])
	}
}

// TestUnsent does not count a message that was not handed to anybody.
func TestUnsent(t *testing.T) {
	rows := script(toICQ, func(l *ledger, n int) { l.unsend(n) }).rows(blind)
	if rows[0].sent != 9 || failures(rows) != 0 {
		t.Errorf("got %+v", rows[0])
	}
}

func TestTable(t *testing.T) {
	l := script(toICQ, func(*ledger, int) {})
	l.strike("again", false)
	l.deliver(l.send(fromICQ, alice, domain, start), "a", false, start)
	l.strike("test", false)
	l.deliver(l.send(fromICQ, alice, domain, start), "a", false, start)
	var b strings.Builder
	printTable(&b, l.rows(blind))
	lines := strings.Split(b.String(), "\n")
	for i, want := range []string{"not warned, warned, refused,", "fault direction sent", "test ICQ → XMPP 1 1 0", "test XMPP → ICQ 10 9 0 0 0 0 0 0 0 0 0 1", "again ICQ → XMPP 1", "all 12 11 0 0 0 0 0 0 0 0 0 1"} {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
	if got := l.losses(blind, 5, false); len(got) != 1 || !strings.HasPrefix(got[0], "q[4] XMPP → ICQ, alice@localhost") {
		t.Errorf("the losses are %q", got)
	}
}

func TestMarks(t *testing.T) {
	if got := fmt.Sprint(marksIn("> " + mark(12) + "\n> " + mark(7) + " q[x] q[5")); got != "[12 7]" {
		t.Errorf("got %s", got)
	}
}

// TestNumber: a number covers no more messages than it says.
func TestNumber(t *testing.T) {
	l := newLedger()
	l.strike("test", false)
	for range 5 {
		l.send(toICQ, alice, domain, start)
	}
	l.tellNumber(number{alice, domain, 3, start.Add(-time.Second), start.Add(time.Second)}, start)
	for range 2 { // the count does not grow with each look
		if rows := l.rows(blind); rows[0].fates[toldUndelivered] != 3 || rows[0].fates[lost] != 2 {
			t.Errorf("got %v", rows[0].fates)
		}
	}
}

// TestStrict: a proof excuses no loss of a user's message where the gateway has to say so.
func TestStrict(t *testing.T) {
	l := newLedger()
	l.strike("silence", true)
	l.send(toICQ, alice, domain, start)
	l.send(fromICQ, alice, domain, start)
	sum := perFault(l.rows(func(int, direction) string { return "unread" }))
	if len(sum) != 1 || sum[0].sent != 2 || sum[0].fates[lost] != 1 || sum[0].fates[excused] != 1 {
		t.Errorf("got %+v", sum)
	}
}

// TestTexts recognises the texts of the gateway that a run depends on.
func TestTexts(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 30, 0, time.UTC)
	p := newPerson(newLedger(), "", 0)
	p.handleReport(domain, "The connection between your XMPP server and the gateway failed while you were signed on. Messages that you sent since 23:59:55 UTC, up to this message, may not have arrived. Send them again if you get no answer.", now)
	p.handleReport(domain, "50 messages that you sent from 23:59:50 to 00:00:02 UTC were not delivered, and the connection to your XMPP server broke before you got the answer: x", now)
	p.handleReport(domain, "A message that you sent at 00:00:02 UTC was not delivered, and the connection to your XMPP server broke before you got the answer: x", now)
	if w := p.ledger.warnings[p.jid+" "+domain]; len(w) != 1 || !w[0].since.Equal(now.Add(-35*time.Second)) {
		t.Errorf("warned %+v", w)
	}
	n := p.ledger.numbers
	if len(n) != 2 || n[0].count != 50 || !n[0].from.Equal(now.Add(-70*time.Second)) || n[1].count != 1 || !n[1].to.Equal(now.Add(-26*time.Second)) {
		t.Errorf("told %+v", n)
	}
}

// TestLatency: messages of one fault and of those who do not flood count.
func TestLatency(t *testing.T) {
	l := newLedger()
	l.strike("test", false)
	for i := range 100 {
		l.deliver(l.send(toICQ, alice, domain, start), "", false, start.Add(time.Duration(i)*time.Millisecond))
	}
	l.deliver(l.send(toICQ, "flooder", domain, start), "", false, start.Add(time.Hour))
	l.send(toICQ, alice, domain, start)
	all := l.latencies("test", map[string]bool{"flooder": true})
	if len(all) != 100 || percentile(all, 50) != 50*time.Millisecond || percentile(all, 99) != 99*time.Millisecond || percentile(nil, 99) != 0 {
		t.Errorf("got %d, %v, %v", len(all), percentile(all, 50), percentile(all, 99))
	}
}
