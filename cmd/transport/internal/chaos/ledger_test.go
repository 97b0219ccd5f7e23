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
