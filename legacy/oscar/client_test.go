package oscar

import (
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// serverSays passes a SNAC that answers no request to a client.
func serverSays(t *testing.T, c *client, id oscarwire.ID, body oscarwire.Appender) {
	t.Helper()
	snac := oscarwire.SNAC{Header: oscarwire.Header{ID: id, RequestID: 1 << 31}, Body: body.Append(nil)}
	if err := c.onSNAC(snac); err != nil {
		t.Fatal(err)
	}
}

// TestClientAck: only the recipient's client can acknowledge a message.
func TestClientAck(t *testing.T) {
	var sent []legacy.MessageSent
	c := newDeafClient(t, flavorICQ, func(ev legacy.Event) {
		if s, ok := ev.(legacy.MessageSent); ok {
			sent = append(sent, s)
		}
	})
	c.icbm.sendText(legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "100002"}, Text: "hello"})
	for cookie := range c.icbm.messages {
		ack := oscarwire.ClientAck{Cookie: cookie, Channel: oscarwire.IMChannelText, Name: "100003", Reason: oscarwire.AckChannelSpecific}
		serverSays(t, c, oscarwire.ICBMClientAck, ack)
		if sent != nil {
			t.Errorf("somebody else's answer counts: %+v", sent)
		}
		ack.Name = "100 002"
		serverSays(t, c, oscarwire.ICBMClientAck, ack)
		serverSays(t, c, oscarwire.ICBMClientAck, ack)
	}
	if len(sent) != 1 || sent[0] != (legacy.MessageSent{Ref: "1", State: legacy.Delivered}) || len(c.pending) != 0 {
		t.Errorf("got %+v, %d wait", sent, len(c.pending))
	}
}

// TestGoneWhileMigrating: a peer that was online before a migration counts as offline
// if the new server does not report it.
func TestGoneWhileMigrating(t *testing.T) {
	now := time.Now()
	shows := make(map[string]legacy.Show)
	c := newDeafClient(t, flavorICQ, func(ev legacy.Event) {
		if p, ok := ev.(legacy.PresenceChanged); ok {
			shows[p.From.ID] = p.Presence.Show
		}
	})
	c.s.env.Now = func() time.Time { return now }
	bob, carol := oscarwire.UserInfo{Name: "100002"}, oscarwire.UserInfo{Name: "100003"}
	serverSays(t, c, oscarwire.BuddyArrived, oscarwire.UserInfos{bob, carol})
	c.buddies.markStale()
	serverSays(t, c, oscarwire.BuddyArrived, oscarwire.UserInfos{carol})
	c.tick()
	if shows["100002"] != legacy.ShowOnline {
		t.Error("nobody waits for the other server")
	}
	now = now.Add(staleTimeout)
	c.tick()
	if shows["100002"] != legacy.ShowOffline || shows["100003"] != legacy.ShowOnline {
		t.Errorf("got %v", shows)
	}
}
