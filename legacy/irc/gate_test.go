package irc_test

import (
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
	"transport/legacy/legacytest"
)

// TestPerMinute: users over the limit of connections a minute wait, and know for how long.
func TestPerMinute(t *testing.T) {
	p := startPeer(t, nil)
	limited := func(o *irc.Options) { o.PerMinute = 1 }
	right := func(text string) bool {
		return strings.Contains(text, "limits the number of connections") && strings.Contains(text, "You will be connected in ")
	}

	o := irc.DefaultOptions()
	o.Server, o.TLS = p.listener.Addr().String(), false
	limited(&o)
	n, err := irc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	expect[legacy.Ready](start(t, n, alice))
	told := expect[legacy.SignOnDelayed](start(t, n, map[string]string{"username": "bob"}))
	if wait := time.Until(told.Until); wait < 20*time.Second || wait > time.Minute || !right(told.Text) {
		t.Errorf("told %v, %q", wait, told.Text)
	}

	u := signedOn(t, named(t, limited), at([]string{"a.test", "ports", portOf(p.listener)}, []string{"b.test", "ports", portOf(p.listener)}), dial)
	join(u, "#a%a.test")
	expect[legacy.RoomJoined](u)
	join(u, "#b%b.test") // each server has its own limit
	expect[legacy.RoomJoined](u)
	p.drop()
	if notice := legacytest.Await(u, func(ev legacy.Notice) bool { return right(ev.Text) }); !strings.HasSuffix(notice.From.ID, ".test") {
		t.Errorf("told by %+v", notice.From)
	}
}

// TestThrottlesOthers: a server that throttles one connection gets no other one at once; the
// names that a user chooses do not have that effect.
func TestThrottlesOthers(t *testing.T) {
	for text, want := range map[string]bool{
		"Closing Link: alice[h] (Throttled: Reconnecting too fast)":      true,
		"Closing link: (alice@h) [Too many connections from your IP]":    true,
		"Closing Link: throttled[h] (Connection reset by peer)":          false,
		"Closing Link: h (Server is shutting down)":                      false,
		"Closing Link: throttled[h] (No more connections, too fast bob)": true,
	} {
		if got := irc.Throttles([]string{"Throttled", "bob"}, text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	p := startPeer(t, func(c *line, m ircwire.Message) bool {
		if m.Command == "NICK" && m.Param(0) == "bob" {
			c.send("ERROR :Closing Link: h (Throttled: Reconnecting too fast)")
			return true
		}
		return false
	})
	n := network(t, p.listener.Addr().String())
	if err := start(t, n, map[string]string{"username": "bob"}).WaitEnd(); legacy.KindOf(err) != legacy.Temporary {
		t.Errorf("ended with %v", err)
	}
	began := time.Now()
	expect[legacy.Ready](start(t, n, alice))
	if took := time.Since(began); took < time.Second {
		t.Errorf("the next connection came after %v", took)
	}
}
