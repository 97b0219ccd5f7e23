package oscar_test

import (
	"errors"
	"slices"
	"testing"

	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// classes returns the classes of the list items with a name, and the privacy mode, 0 if
// the list has none.
func classes(mock *oscarmock.Network, owner, name string) (of []uint16, mode uint8) {
	for _, i := range mock.Feedbag(owner) {
		if i.Class == oscarwire.FeedbagPrivacy {
			mode, _ = i.TLVs.U8(oscarwire.TagFeedbagPrivacyMode)
		}
		if i.Name == name {
			of = append(of, i.Class)
		}
	}
	slices.Sort(of)
	return of, mode
}

func (u *user) block(id string, blocked bool) legacy.BlockChanged {
	u.t.Helper()
	u.Do(u.Session.(legacy.Blocker).Block(u.t.Context(), legacy.Peer{ID: id}, blocked))
	return expect(u, func(ev legacy.BlockChanged) bool { return ev.Peer.ID == id })
}

// TestBlock blocks and unblocks a peer from every privacy mode, and checks the effect
// on the network.
func TestBlock(t *testing.T) {
	const deny, ignore, permit = oscarwire.FeedbagDeny, oscarwire.FeedbagIgnore, oscarwire.FeedbagPermit
	tests := []struct {
		name, flavor      string
		self, peer        string
		mode              uint8 // 0 for a list without one
		blocked, let      []uint16
		modeAfter         uint8
		neverBlocked, bad bool
	}{
		{name: "icq", flavor: "icq", self: alice, peer: bob, blocked: []uint16{deny, ignore}, modeAfter: oscarwire.PrivacyDenyListed},
		{name: "aim", flavor: "aim", self: "aliceaim", peer: "bobaim", blocked: []uint16{deny}, modeAfter: oscarwire.PrivacyDenyListed},
		{name: "allow all", flavor: "icq", self: alice, peer: bob, mode: oscarwire.PrivacyAllowAll, blocked: []uint16{deny, ignore}, modeAfter: oscarwire.PrivacyDenyListed},
		{name: "permit listed", flavor: "aim", self: "aliceaim", peer: "bobaim", mode: oscarwire.PrivacyPermitListed,
			blocked: []uint16{deny}, let: []uint16{permit}, modeAfter: oscarwire.PrivacyPermitListed},
		{name: "buddies", flavor: "aim", self: "aliceaim", peer: "bobaim", mode: oscarwire.PrivacyAllowBuddies, blocked: []uint16{deny}, modeAfter: oscarwire.PrivacyAllowBuddies, neverBlocked: true},
		{name: "block all", flavor: "icq", self: alice, peer: bob, mode: oscarwire.PrivacyBlockAll, blocked: []uint16{deny, ignore}, modeAfter: oscarwire.PrivacyBlockAll, bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{})
			for _, name := range []string{tt.self, tt.peer} {
				mock.AddAccount(oscarmock.Account{Name: name, Password: password})
			}
			if tt.mode != 0 {
				mock.EditFeedbag(tt.self, oscarwire.FeedbagInsert, oscarwire.FeedbagItem{ItemID: 7, Class: oscarwire.FeedbagPrivacy,
					TLVs: oscarwire.TLVs{oscarwire.TLV8(oscarwire.TagFeedbagPrivacyMode, tt.mode)}})
			}
			o := optionsFor(mock.Addr())
			o.Flavor = tt.flavor
			n := newNetwork(t, o)
			u, peer := signOn(t, mock, n, tt.self), signOn(t, mock, n, tt.peer)

			for range 2 { // the second time there is nothing to change
				if got := u.block(tt.peer, true); !got.Blocked || got.Err != nil {
					t.Errorf("blocked: %+v", got)
				}
			}
			if of, mode := classes(mock, tt.self, tt.peer); !slices.Equal(of, tt.blocked) || mode != tt.modeAfter {
				t.Errorf("blocked: classes %x, mode %d; want %x, %d", of, mode, tt.blocked, tt.modeAfter)
			}
			if !tt.neverBlocked {
				peer.send("1", tt.self, "are you there?")
				if got := expect(peer, any[legacy.MessageFailed]); legacy.KindOf(got.Err) != legacy.Offline {
					t.Errorf("a message of somebody blocked: %v", got.Err)
				}
				u.send("2", tt.peer, "no")
				if got := expect(u, any[legacy.MessageFailed]); legacy.KindOf(got.Err) != legacy.Blocked {
					t.Errorf("a message to somebody blocked: %v", got.Err)
				}
			}
			got := u.block(tt.peer, false)
			if tt.bad {
				if !got.Blocked || legacy.KindOf(got.Err) != legacy.Forbidden {
					t.Errorf("not to be unblocked: %+v", got)
				}
				return
			}
			if got.Blocked || got.Err != nil {
				t.Errorf("unblocked: %+v", got)
			}
			if of, mode := classes(mock, tt.self, tt.peer); !slices.Equal(of, tt.let) || mode != tt.modeAfter {
				t.Errorf("unblocked: classes %x, mode %d; want %x, %d", of, mode, tt.let, tt.modeAfter)
			}
			if !tt.neverBlocked {
				peer.send("3", tt.self, "and now?")
				expect(u, any[legacy.MessageReceived])
			}
		})
	}
}

// TestBlockedElsewhere reads the block list at sign-on, and follows another client.
func TestBlockedElsewhere(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mode := func(m uint8) oscarwire.FeedbagItem {
		return oscarwire.FeedbagItem{ItemID: 7, Class: oscarwire.FeedbagPrivacy, TLVs: oscarwire.TLVs{oscarwire.TLV8(oscarwire.TagFeedbagPrivacyMode, m)}}
	}
	mock.EditFeedbag(alice, oscarwire.FeedbagInsert, mode(oscarwire.PrivacyAllowAll),
		oscarwire.FeedbagItem{Name: bob, ItemID: 8, Class: oscarwire.FeedbagIgnore},
		oscarwire.FeedbagItem{Name: "Carol AIM", ItemID: 9, Class: oscarwire.FeedbagDeny}) // without effect in this mode
	u := start(t, newNetwork(t, optionsFor(mock.Addr())), credentials(alice), nil)
	if got := expect(u, any[legacy.Ready]).Blocked; len(got) != 1 || got[0].ID != bob {
		t.Errorf("blocked at first: %+v", got)
	}
	u.Do(u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowOnline}))
	mock.EditFeedbag(alice, oscarwire.FeedbagUpdate, mode(oscarwire.PrivacyDenyListed))
	if got := expect(u, any[legacy.BlockChanged]); got.Peer.ID != "carolaim" || !got.Blocked {
		t.Errorf("the mode changed: %+v", got)
	}
	mock.EditFeedbag(alice, oscarwire.FeedbagDelete, oscarwire.FeedbagItem{Name: bob, ItemID: 8, Class: oscarwire.FeedbagIgnore})
	if got := expect(u, any[legacy.BlockChanged]); got.Peer.ID != bob || got.Blocked {
		t.Errorf("unblocked elsewhere: %+v", got)
	}
	if got := u.block(alice, true); got.Blocked || legacy.KindOf(got.Err) != legacy.Forbidden {
		t.Errorf("blocked oneself: %+v", got)
	}
}

// TestBlockRefused fills the deny list.
func TestBlockRefused(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	for i := range 200 {
		mock.EditFeedbag(alice, oscarwire.FeedbagInsert, oscarwire.FeedbagItem{Name: "x", ItemID: uint16(i + 1), Class: oscarwire.FeedbagDeny})
	}
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	got := u.block(bob, true)
	var e *legacy.Error
	if got.Blocked || legacy.KindOf(got.Err) != legacy.Forbidden || !errors.As(got.Err, &e) || e.Text == "" {
		t.Errorf("a full list: %+v", got)
	}
}
