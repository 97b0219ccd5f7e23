package lab

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestNBXMPP connects two probes: each reports nbxmpp's parsed results of the other's
// stanzas.
func TestNBXMPP(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are not short")
	}
	ctx, cancel := context.WithTimeout(t.Context(), longEnough)
	defer cancel()
	s, err := Prosody(ctx, Options{Users: map[string]string{"ann": "secret", "ben": "secret"}})
	if err == nil {
		defer s.Close()
		err = hasNBXMPP()
	}
	if errors.Is(err, ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	probe := func(jid string) *NBXMPP {
		n, err := DialNBXMPP(ctx, s.Client, jid, "secret")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		return n
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(n *NBXMPP, kind string, fits func(*ProbeEvent) bool) *ProbeEvent {
		t.Helper()
		e, err := n.Expect(ctx, kind, func(e *ProbeEvent) bool { return e.Kind == kind && fits(e) })
		do(err)
		return e
	}
	if n, err := DialNBXMPP(ctx, s.Client, "ann@localhost/desk", "wrong"); err == nil {
		n.Close()
		t.Error("signed on with a wrong password")
	}
	ann, ben := probe("ann@localhost/desk"), probe("ben@localhost/pocket")
	if ann.JID != "ann@localhost/desk" || len(ann.Roster) != 0 {
		t.Errorf("signed on as %s with %v", ann.JID, ann.Roster)
	}
	do(ann.Presence(ctx, "", ""))
	do(ben.Presence(ctx, "", ""))

	do(ann.Call(ctx, nil, "BasePresence", "subscribe", "ben@localhost", "please", "Ann"))
	asked := expect(ben, "presence", func(e *ProbeEvent) bool { return e.Type == "subscribe" })
	if asked.Nickname != "Ann" || asked.Status != "please" || asked.JID != "ann@localhost" {
		t.Errorf("ben is asked by %+v", asked)
	}
	do(ben.Call(ctx, nil, "BasePresence", "subscribed", "ann@localhost"))
	expect(ann, "roster", func(e *ProbeEvent) bool { return e.Push != nil && e.Push.Item.Subscription == "to" })
	online := expect(ann, "presence", func(e *ProbeEvent) bool { return e.JID == ben.JID })
	if online.Type != "available" || online.Show != "online" || online.EntityCaps == nil {
		t.Fatalf("ben is %+v", online)
	}
	info, err := ann.Caps(ctx, ben.JID, online.EntityCaps.Node+"#"+online.EntityCaps.Ver)
	if err != nil || len(info.Identities) != 1 || info.Identities[0].Category != "client" {
		t.Errorf("ben's hash: %+v, %v", info, err)
	}
	var refused *ProbeError
	if _, err := ann.Caps(ctx, ben.JID, online.EntityCaps.Node+"#wrong"); !errors.As(err, &refused) || refused.Condition != "item-not-found" {
		t.Errorf("a wrong hash: %v", err)
	}

	do(ann.Send(ctx, "<message to='"+ben.JID+"' type='chat' id='m2'><body>1 &lt; 2 \U0001F600</body>"+
		"<replace xmlns='urn:xmpp:message-correct:0' id='m1'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>"))
	m := expect(ben, "message", func(e *ProbeEvent) bool { return e.ID == "m2" })
	if m.Body != "1 < 2 \U0001F600" || m.Correction == nil || m.Correction.ID != "m1" || !m.Has("is_correction") || m.ChatState != "active" || m.From != ann.JID {
		t.Errorf("ben reads %+v", m)
	}
	do(ann.Send(ctx, "<iq to='"+ben.JID+"' type='set' id='x'><x xmlns='http://jabber.org/protocol/rosterx'>"+
		"<item jid='eve@localhost' name='Eve' action='add'><group>Friends</group></item></x></iq>"))
	proposed := expect(ben, "exchange", func(*ProbeEvent) bool { return true })
	if len(proposed.Items) != 1 || proposed.Items[0].Name != "Eve" || proposed.Items[0].Groups[0] != "Friends" {
		t.Errorf("ben is proposed %+v", proposed.Items)
	}
	if warnings := append(ann.Warnings(), ben.Warnings()...); warnings != nil {
		t.Errorf("nbxmpp complains: %q", warnings)
	}

	do(ann.Send(ctx, "<presence to='"+ben.JID+"'><x xmlns='http://jabber.org/protocol/muc#user'><item/></x></presence>"))
	do(ann.Send(ctx, "<message to='"+ben.JID+"' type='chat' id='m4'><body>y</body></message>"))
	expect(ben, "message", func(e *ProbeEvent) bool { return e.ID == "m4" })
	if warnings := strings.Join(ben.Warnings(), " "); !strings.Contains(warnings, "role attr missing") {
		t.Errorf("of an occupant without a role nbxmpp says %q", warnings)
	}

	ben.Close()
	expect(ann, "presence", func(e *ProbeEvent) bool { return e.JID == "ben@localhost/pocket" && e.Type == "unavailable" })
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := ann.Expect(short, "nothing", func(*ProbeEvent) bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error of a timeout: %v", err)
	}
}

// Events that a test has not fetched yet survive the limit of the history.
func TestRecordLimits(t *testing.T) {
	n := &NBXMPP{changed: make(chan struct{})}
	take := func(id int) { n.take(&ProbeEvent{Kind: "message", ID: strconv.Itoa(id)}) }
	for id := range maxReceived {
		take(id)
		if id%2 == 0 {
			if _, err := n.Expect(t.Context(), "it", func(e *ProbeEvent) bool { return e.ID == strconv.Itoa(id) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	take(maxReceived)
	events, history := n.Events(), n.History()
	if len(history) != maxReceived || history[0].ID != "1" {
		t.Errorf("a history of %d events begins with %s", len(history), history[0].ID)
	}
	if len(events) != maxReceived/2+1 || events[0].ID != "1" {
		t.Errorf("%d events are left", len(events))
	}
	for id := range 2 * maxReceived {
		take(id)
	}
	if events, history := n.Events(), n.History(); len(events) != maxReceived || len(history) != maxReceived {
		t.Errorf("%d events and a history of %d", len(events), len(history))
	}
}
