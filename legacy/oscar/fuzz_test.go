package oscar

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// newDeafClient returns a client that is signed on to a server that ignores its input.
func newDeafClient(t testing.TB, flavor string, emit func(legacy.Event)) *client {
	s := &session{net: mustNew(t, options(flavor)), self: "100001", servers: []string{"127.0.0.1:5190"}, queue: make(chan command, queueLen), env: legacy.Env{
		Log: zerolog.Nop(), Emit: emit, Now: time.Now,
		Flush:     func(context.Context) error { return nil },
		Dial:      func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF },
		StoreFile: func(context.Context, legacy.File, io.Reader) (string, error) { return "", io.EOF },
		MaxFile:   1000,
	}}
	s.live.Store(true)
	c := newClient(s, t.Context())
	nobody, _ := net.Pipe()
	c.conn = &conn{Conn: nobody, out: oscarwire.NewFrameWriter(io.Discard, 0)}
	c.families = make(map[uint16]bool)
	for _, tool := range toolVersions {
		c.families[tool.Family] = true
	}
	c.begin()
	return c
}

// newDeafRoom returns a room whose server ignores its input.
func newDeafRoom(c *client) *room {
	r := &room{client: newClient(c.s, c.life), peer: legacy.Peer{ID: "#chess", Room: true}, queue: make(chan func(*room), roomQueueLen),
		occupants: make(map[string]legacy.Occupant), stop: func() {}}
	r.conn, r.begun, r.rates.paused, r.icbm.acks = c.conn, true, false, true
	c.chats.rooms[r.peer.ID] = r
	return r
}

// FuzzServer feeds a signed-on client with any input: nothing panics, and every event
// is legal.
func FuzzServer(f *testing.F) {
	add := func(snacs ...oscarwire.SNAC) {
		var b []byte
		for i, s := range snacs {
			b, _ = oscarwire.AppendFLAP(b, oscarwire.ChannelData, uint16(i), s.Append(nil))
		}
		f.Add(b)
	}
	snac := func(id oscarwire.ID, body oscarwire.Appender) oscarwire.SNAC {
		return oscarwire.SNAC{Header: oscarwire.Header{ID: id, RequestID: 1 << 31}, Body: body.Append(nil)}
	}
	bob := oscarwire.UserInfo{Name: "100002", TLVs: oscarwire.TLVs{oscarwire.TLV32(oscarwire.TagUserStatus, 0x13)}}
	add(snac(oscarwire.BuddyArrived, oscarwire.UserInfos{bob}), snac(oscarwire.BuddyDeparted, oscarwire.UserInfos{bob}))
	add(snac(oscarwire.ICBMIncoming, oscarwire.NewIncomingText(oscarwire.Cookie{1}, bob, oscarwire.NewIMText("<b>hi</b>", oscarwire.Encoder{}, nil), 0, time.Time{})))
	add(snac(oscarwire.ICBMIncoming, oscarwire.NewIncomingICQ(oscarwire.Cookie{1}, bob, oscarwire.ICQMessage{UIN: 5, Type: oscarwire.MessageAuthRequest, Text: []byte("a\xFEb\xFEc\xFEd\xFE1\xFEplease")}, 0)))
	add(snac(oscarwire.ICBMIncoming, oscarwire.NewIncomingRendezvous(bob, oscarwire.NewType2Text("hi", 1, 0).Rendezvous(oscarwire.Cookie{2}), 0)))
	offer := oscarwire.Rendezvous{Cookie: oscarwire.Cookie{3}, Capability: oscarwire.CapFile, TLVs: oscarwire.TLVs{
		oscarwire.TLVBytes(oscarwire.TagRendezvousVerified, []byte{8, 8, 8, 8}), oscarwire.TLV16(oscarwire.TagRendezvousPort, 5190),
		oscarwire.TLVBytes(oscarwire.TagRendezvousData, oscarwire.FileInfo{Kind: 1, Count: 1, Size: 5, Name: []byte("a\x01b.txt")}.Append(nil))}}
	taken := offer
	taken.Kind = oscarwire.RendezvousCancel
	add(snac(oscarwire.ICBMIncoming, oscarwire.NewIncomingRendezvous(bob, offer, 0)), snac(oscarwire.ICBMIncoming, oscarwire.NewIncomingRendezvous(bob, taken, 0)))
	add(snac(oscarwire.FeedbagInsert, oscarwire.FeedbagItems{{Name: "100002", GroupID: 1, ItemID: 1}}),
		snac(oscarwire.FeedbagAuthRequested, oscarwire.AuthRequest{Name: "100002", Reason: "x"}),
		snac(oscarwire.FeedbagDelete, oscarwire.FeedbagItems{{Name: "100002", GroupID: 1, ItemID: 1}}))
	add(snac(oscarwire.ServiceRateChange, oscarwire.RateChange{Code: oscarwire.RateLimited, Class: oscarwire.RateClass{ID: 1, Window: 20}}),
		snac(oscarwire.ServicePause, oscarwire.Raw(nil)), snac(oscarwire.ServiceResume, oscarwire.Raw(nil)))
	withIcon := oscarwire.UserInfo{Name: "100002", TLVs: oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagUserBART,
		oscarwire.BARTItems{{Type: oscarwire.BARTIcon, Data: []byte("0123456789abcdef")}}.Append(nil))}}
	add(snac(oscarwire.BuddyArrived, oscarwire.UserInfos{withIcon}), oscarwire.SNAC{Header: oscarwire.Header{ID: oscarwire.ServiceRedirect, RequestID: 9},
		Body: oscarwire.Redirect{Family: oscarwire.FamilyBART, Addr: "127.0.0.1:1", Cookie: []byte{1}}.Append(nil)})
	add(snac(oscarwire.LocationReply, oscarwire.LocationReplyInfo{User: bob}), snac(oscarwire.ICBMTyping, oscarwire.Typing{Name: "100002", Event: 2}))
	invitation := oscarwire.Invitation{Room: oscarwire.RoomID{Exchange: 4, Cookie: "4-0-chess"}, Text: "come"}
	add(snac(oscarwire.ICBMIncoming, oscarwire.NewIncomingRendezvous(bob, invitation.Rendezvous(oscarwire.Cookie{3}), 0)))
	chess := oscarwire.NewRoomCreate(4, "chess")
	chess.TLVs = append(chess.TLVs, oscarwire.TLV16(oscarwire.TagRoomMaxVisible, 3))
	away := oscarwire.UserInfo{Name: "100002", TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagUserClass, uint16(oscarwire.ClassAway))}}
	add(snac(oscarwire.ChatJoined, oscarwire.UserInfos{bob, {Name: "100001"}}), snac(oscarwire.ChatRoomUpdate, chess),
		snac(oscarwire.ChatIncoming, oscarwire.NewChatMessage(oscarwire.Cookie{4}, "<b>hi</b>", oscarwire.Encoder{}, &bob)),
		snac(oscarwire.ChatJoined, oscarwire.UserInfos{away}), snac(oscarwire.ChatLeft, oscarwire.UserInfos{bob, bob}))
	f.Add([]byte("*\x04\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, flavor := range []string{flavorICQ, flavorAIM} {
			c := newDeafClient(t, flavor, func(ev legacy.Event) {
				bad := false
				switch ev := ev.(type) {
				case legacy.MessageReceived:
					bad = ev.From.ID == "" || ev.Text == "" || ev.Text != oscarwire.Clean(ev.Text)
				case legacy.RoomMessage:
					bad = ev.Text == "" || ev.Text != oscarwire.Clean(ev.Text) || ev.Nick != oscarwire.Clean(ev.Nick)
				case legacy.OccupantJoined:
					bad = ev.Occupant.Nick == "" || ev.Occupant.Nick != oscarwire.Clean(ev.Occupant.Nick)
				}
				if bad {
					t.Errorf("the core gets %T%+v", ev, ev)
				}
			})
			r := newDeafRoom(c)
			r.send(&message{ref: "2", to: "#chess"}, "too early", nil)
			sendParts(c, legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: "100002"}, Text: "hello"})
			c.contacts.addContact(legacy.Contact{Peer: legacy.Peer{ID: "100002"}, Name: "Bob"}, "")
			c.directory.requestProfile("p", legacy.Peer{ID: "100002"})
			fr := oscarwire.NewFrameReader(bytes.NewReader(b), 0)
			for {
				frame, err := fr.ReadFrame()
				if err != nil || c.onFrame(frame) != nil {
					break
				}
			}
			fr = oscarwire.NewFrameReader(bytes.NewReader(b), 0)
			for r.err == nil {
				frame, err := fr.ReadFrame()
				if err != nil {
					break
				}
				r.onFrame(frame)
				r.send(&message{ref: "3", to: "#chess"}, "hello", nil)
			}
			c.chats.onRoomEnded(r, r.err)
			c.background.Wait()
		}
	})
}
