package oscar

import (
	"bytes"
	"context"
	"io"
	"strings"
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

// sendParts makes a client send the parts of a text.
func sendParts(c *client, parts ...legacy.Outgoing) {
	c.s.backlog.Add(int32(len(parts)))
	c.icbm.sendTexts(newMessages(parts), parts)
}

// TestClientAck: only the recipient's client can acknowledge a message.
func TestClientAck(t *testing.T) {
	var sent []legacy.MessageSent
	c := newDeafClient(t, flavorICQ, func(ev legacy.Event) {
		if s, ok := ev.(legacy.MessageSent); ok {
			sent = append(sent, s)
		}
	})
	sendParts(c, legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "100002"}, Text: "hello"})
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

// listen records what a client sends, and returns a function that counts the SNACs of an
// ID.
func listen(c *client) func(oscarwire.ID) int {
	var sent bytes.Buffer
	c.conn.out = oscarwire.NewFrameWriter(&sent, 0)
	return func(id oscarwire.ID) (n int) {
		frames := oscarwire.NewFrameReader(bytes.NewReader(sent.Bytes()), 0)
		for {
			f, err := frames.ReadFrame()
			if err != nil {
				return n
			}
			if snac, err := f.SNAC(); err == nil && snac.ID == id {
				n++
			}
		}
	}
}

// TestAwayTextAfterMigration: the away text is requested again if the old server has not
// answered before the migration.
func TestAwayTextAfterMigration(t *testing.T) {
	c := newDeafClient(t, flavorAIM, func(legacy.Event) {})
	sent := listen(c)
	away := oscarwire.UserInfos{{Name: "bob", TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagUserClass, uint16(oscarwire.ClassAway))}}}
	serverSays(t, c, oscarwire.BuddyArrived, away)
	serverSays(t, c, oscarwire.BuddyArrived, away)
	if n := sent(oscarwire.LocationQuery2); n != 1 {
		t.Fatalf("%d requests, want 1", n)
	}
	c.buddies.markStale()
	serverSays(t, c, oscarwire.BuddyArrived, away)
	if n := sent(oscarwire.LocationQuery2); n != 2 {
		t.Errorf("%d requests after a migration, want 2", n)
	}
}

// TestIconAgain: an avatar that could not be fetched is requested again with the next
// presence of its owner.
func TestIconAgain(t *testing.T) {
	for name, refuse := range map[string]func(c *client, request uint32){
		"refused": func(c *client, request uint32) {
			c.pending[request].answered(oscarwire.SNAC{Header: oscarwire.Header{ID: oscarwire.ServiceError}, Body: []byte{0, 5}}, nil)
		},
		"no answer": func(c *client, request uint32) { c.pending[request].answered(oscarwire.SNAC{}, c.s.net.lost(nil)) },
	} {
		c := newDeafClient(t, flavorAIM, func(legacy.Event) {})
		sent := listen(c)
		hash := oscarwire.BARTItems{{Type: oscarwire.BARTIcon, Flags: 1, Data: []byte("hash")}}
		bob := oscarwire.UserInfos{{Name: "bob", TLVs: oscarwire.TLVs{{Tag: oscarwire.TagUserBART, Value: hash.Append(nil)}}}}
		serverSays(t, c, oscarwire.BuddyArrived, bob)
		request := c.request
		if sent(oscarwire.ServiceRequest) != 1 || c.pending[request] == nil {
			t.Fatalf("%s: the avatar is not requested", name)
		}
		refuse(c, request)
		serverSays(t, c, oscarwire.BuddyArrived, bob)
		if n := sent(oscarwire.ServiceRequest); n != 2 {
			t.Errorf("%s: %d requests, want 2", name, n)
		}
	}
}

// TestPartFails: after a part that fails, no further part of the text is sent.
func TestPartFails(t *testing.T) {
	var failed []string
	c := newDeafClient(t, flavorICQ, func(ev legacy.Event) {
		if f, ok := ev.(legacy.MessageFailed); ok {
			failed = append(failed, f.Ref)
		}
	})
	now := time.Now()
	c.s.env.Now = func() time.Time { return now }
	sent := listen(c)
	c.rates.setRates(oscarwire.RateParams{
		Classes: []oscarwire.RateClass{{ID: 3, Window: 4, Clear: 5100, Alert: 5000, Limit: 4000, Disconnect: 3000, Current: 6000, Max: 6000}},
		Members: []oscarwire.RateMembers{{Class: 3, SNACs: []oscarwire.ID{oscarwire.ICBMSend}}},
	})
	to := legacy.Peer{ID: "100002"}
	sendParts(c, legacy.Outgoing{Ref: "1", To: to, Text: "one"}, legacy.Outgoing{Ref: "2", To: to, Text: "two"}, legacy.Outgoing{Ref: "3", To: to, Text: "three"})
	sendParts(c, legacy.Outgoing{Ref: "4", To: to, Text: "another"})
	if n := sent(oscarwire.ICBMSend); n != 1 {
		t.Fatalf("%d messages are sent, want 1", n)
	}
	for _, w := range c.pending {
		w.answered(oscarwire.SNAC{Header: oscarwire.Header{ID: oscarwire.ICBMError}, Body: []byte{0, 9}}, nil)
	}
	now = now.Add(time.Hour)
	c.tick()
	if got := strings.Join(failed, " "); got != "1 2 3" || sent(oscarwire.ICBMSend) != 2 || c.s.backlog.Load() != 0 {
		t.Errorf("failed: %s; sent: %d, %d wait", got, sent(oscarwire.ICBMSend), c.s.backlog.Load())
	}
}

// TestRelabelledAwayText: UTF-16 that the server has labelled us-ascii.
func TestRelabelledAwayText(t *testing.T) {
	var status string
	c := newDeafClient(t, flavorAIM, func(ev legacy.Event) {
		if p, ok := ev.(legacy.PresenceChanged); ok {
			status = p.Presence.Status
		}
	})
	c.s.net.page, _ = oscarwire.ParseCodePage("windows-1251")
	bob := oscarwire.UserInfo{Name: "bob", TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagUserClass, uint16(oscarwire.ClassAway))}}
	for away, want := range map[string]string{
		"\x04\x3E\x04\x31\x04\x35\x04\x34": "обед",
		"&#1086;&#1073;&#55357;&#56832;":   "об😀",
		"\xEE\xE1\xE5\xE4":                 "обед", // in the code page of the configuration
	} {
		serverSays(t, c, oscarwire.BuddyArrived, oscarwire.UserInfos{bob})
		body := bob.Append(nil)
		l := oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagAwayType, oscarwire.MIMEASCII), {Tag: oscarwire.TagAway, Value: []byte(away)}}
		serverSays(t, c, oscarwire.LocationReply, oscarwire.Raw(l.Append(body)))
		if status != want {
			t.Errorf("%q: %q, want %q", away, status, want)
		}
	}
}

// signalWriter reports a sign-off.
type signalWriter chan struct{}

func (w signalWriter) Write(b []byte) (int, error) {
	if b[1] == oscarwire.ChannelSignOff {
		close(w)
	}
	return len(b), nil
}

// A message that was under way when the session signed off is not lost.
func TestMessageAfterSignOff(t *testing.T) {
	var got []legacy.Event
	c := newDeafClient(t, flavorICQ, func(ev legacy.Event) { got = append(got, ev) })
	signedOff, ended := make(signalWriter), make(chan struct{})
	c.conn.out, c.conn.frames = oscarwire.NewFrameWriter(signedOff, 0), make(chan inbound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	go func() {
		defer close(ended)
		_ = c.run(ctx)
	}()
	<-signedOff
	bob := oscarwire.UserInfo{Name: "100002"}
	text := oscarwire.SNAC{Header: oscarwire.Header{ID: oscarwire.ICBMIncoming, RequestID: 1 << 31},
		Body: oscarwire.NewIncomingText(oscarwire.Cookie{1}, bob, oscarwire.NewIMText("goodbye", oscarwire.Encoder{}, nil), 0, time.Time{}).Append(nil)}
	for _, in := range []inbound{
		{frames: []oscarwire.Frame{{Channel: oscarwire.ChannelData, Payload: text.Append(nil)}}},
		{err: io.EOF},
	} {
		select {
		case c.conn.frames <- in:
		case <-ended:
			t.Fatal("the session does not read any more")
		}
	}
	<-ended
	if len(got) != 1 {
		t.Fatalf("got %+v", got)
	}
	if m, ok := got[0].(legacy.MessageReceived); !ok || m.Text != "goodbye" {
		t.Errorf("got %+v", got[0])
	}
}
