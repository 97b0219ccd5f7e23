package oscarmock_test

import (
	"fmt"
	"slices"
	"testing"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

func TestEdits(t *testing.T) {
	n := start(t, oscarmock.Options{MaxBuddies: 2})
	n.AddAccount(oscarmock.Account{Name: bob, Password: password, NeedsAuth: true})
	a := signOn(t, n, alice)
	other := signOn(t, n, alice)
	awaits := buddy(2, bob)
	awaits.TLVs = oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagFeedbagAwaitAuth, nil)}
	privacy := oscarwire.FeedbagItem{ItemID: 9, Class: oscarwire.FeedbagPrivacy}
	second := privacy
	second.ItemID = 10
	renamed := friends
	renamed.Name = "Foes"
	for _, tt := range []struct {
		what  string
		op    oscarwire.ID
		items []oscarwire.FeedbagItem
		want  []oscarwire.FeedbagStatus
	}{
		{"no such group", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{buddy(1, carol)}, []oscarwire.FeedbagStatus{oscarwire.FeedbagBad}},
		{"group and buddy", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{friends, buddy(1, carol)}, []oscarwire.FeedbagStatus{0, 0}},
		{"again", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{buddy(1, carol)}, []oscarwire.FeedbagStatus{oscarwire.FeedbagExists}},
		{"no name", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{buddy(5, " ")}, []oscarwire.FeedbagStatus{oscarwire.FeedbagBad}},
		{"authorization", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{buddy(2, bob)}, []oscarwire.FeedbagStatus{oscarwire.FeedbagNeedsAuth}},
		{"awaiting it", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{awaits}, []oscarwire.FeedbagStatus{0}},
		{"limit", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{buddy(3, "x1"), buddy(4, "x2")}, []oscarwire.FeedbagStatus{oscarwire.FeedbagLimit, oscarwire.FeedbagLimit}},
		{"limit of one", oscarwire.FeedbagInsert, []oscarwire.FeedbagItem{privacy, second}, []oscarwire.FeedbagStatus{0, oscarwire.FeedbagLimit}},
		{"update", oscarwire.FeedbagUpdate, []oscarwire.FeedbagItem{renamed, buddy(7, "x3")}, []oscarwire.FeedbagStatus{0, oscarwire.FeedbagNotFound}},
		{"delete", oscarwire.FeedbagDelete, []oscarwire.FeedbagItem{privacy, privacy}, []oscarwire.FeedbagStatus{0, oscarwire.FeedbagNotFound}},
	} {
		if got := a.edit(tt.op, tt.items...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.what, got, tt.want)
		}
	}
	items := parse(t, oscarwire.ParseFeedbagList, a.ask(oscarwire.FeedbagQuery, nil, oscarwire.FeedbagReply)).Items
	var names []string
	for _, i := range items {
		names = append(names, i.Name)
	}
	if want := []string{"Foes", carol, bob}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	kept := n.Feedbag(alice)
	if len(kept) != 3 || kept[0].Name != "Foes" || !kept[2].AwaitsAuth() {
		t.Errorf("got %+v", kept)
	}
	for _, id := range []oscarwire.ID{oscarwire.FeedbagInsert, oscarwire.FeedbagInsert, oscarwire.FeedbagInsert, oscarwire.FeedbagUpdate, oscarwire.FeedbagDelete} {
		if l := parse(t, oscarwire.ParseFeedbagItems, other.expect(id)); len(l) == 0 {
			t.Errorf("%v is empty", id)
		}
	}
	n.EditFeedbag(alice, oscarwire.FeedbagDelete, buddy(1, carol))
	for _, c := range []*client{a, other} {
		if l := parse(t, oscarwire.ParseFeedbagItems, c.expect(oscarwire.FeedbagDelete)); l[0].Name != carol {
			t.Errorf("got %+v", l)
		}
	}
}

func TestIfModified(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	a.edit(oscarwire.FeedbagInsert, friends)
	list := parse(t, oscarwire.ParseFeedbagList, a.ask(oscarwire.FeedbagQuery, nil, oscarwire.FeedbagReply))
	stamp := oscarwire.FeedbagStamp{Modified: list.Modified, Count: uint16(len(list.Items))}
	if got := parse(t, oscarwire.ParseFeedbagStamp, a.ask(oscarwire.FeedbagQueryIfModified, stamp, oscarwire.FeedbagNotModified)); got != stamp {
		t.Errorf("got %+v, want %+v", got, stamp)
	}
	a.edit(oscarwire.FeedbagInsert, buddy(1, bob))
	if l := parse(t, oscarwire.ParseFeedbagList, a.ask(oscarwire.FeedbagQueryIfModified, stamp, oscarwire.FeedbagReply)); len(l.Items) != 2 || l.Modified <= stamp.Modified {
		t.Errorf("got %+v", l)
	}
}

func TestSplitList(t *testing.T) {
	n := start(t, oscarmock.Options{SplitList: 3, ExtraHeaders: true})
	a := signOn(t, n, alice)
	items := []oscarwire.FeedbagItem{friends}
	for i := range uint16(6) {
		items = append(items, buddy(i+1, fmt.Sprint("friend ", i)))
	}
	a.edit(oscarwire.FeedbagInsert, items...)
	a.send(oscarwire.FeedbagQuery, nil)
	var sizes []int
	for more := true; more; {
		s := a.expect(oscarwire.FeedbagReply)
		more = s.More()
		if s.Flags&oscarwire.FlagExtra == 0 || len(s.Extra) == 0 {
			t.Error("without an extra header")
		}
		sizes = append(sizes, len(parse(t, oscarwire.ParseFeedbagList, s).Items))
	}
	if !slices.Equal(sizes, []int{3, 3, 1}) {
		t.Errorf("got parts of %v", sizes)
	}
}

func TestAuthorization(t *testing.T) {
	n := start(t, oscarmock.Options{})
	n.AddAccount(oscarmock.Account{Name: bob, Password: password, NeedsAuth: true})
	a, b := signOn(t, n, alice), signOn(t, n, bob)
	item := buddy(1, bob)
	item.TLVs = oscarwire.TLVs{oscarwire.TLVBytes(oscarwire.TagFeedbagAwaitAuth, nil)}
	a.edit(oscarwire.FeedbagInsert, friends, item)
	none(t, a.sync(), oscarwire.BuddyArrived)
	answer := func(granted bool) {
		t.Helper()
		a.send(oscarwire.FeedbagAuthRequest, oscarwire.AuthRequest{Name: bob, Reason: "it is me"})
		if m := parse(t, oscarwire.ParseAuthRequest, b.expect(oscarwire.FeedbagAuthRequested)); m.Name != alice || m.Reason != "it is me" {
			t.Errorf("got %+v", m)
		}
		b.send(oscarwire.FeedbagAuthReply, oscarwire.AuthReply{Name: alice, Granted: granted, Reason: "well"})
	}
	answer(false)
	if m := parse(t, oscarwire.ParseAuthReply, a.expect(oscarwire.FeedbagAuthReplied)); m.Granted || m.Name != bob {
		t.Errorf("got %+v", m)
	}
	answer(true)
	if l := parse(t, oscarwire.ParseFeedbagItems, a.expect(oscarwire.FeedbagUpdate)); l[0].AwaitsAuth() {
		t.Error("still awaits authorization")
	}
	if u := a.arrived(); u.Name != bob {
		t.Errorf("%s arrived", u.Name)
	}
	if m := parse(t, oscarwire.ParseAuthReply, a.expect(oscarwire.FeedbagAuthReplied)); !m.Granted {
		t.Errorf("got %+v", m)
	}
	b.send(oscarwire.FeedbagRemoveMe, oscarwire.AuthName{Name: alice})
	a.expect(oscarwire.FeedbagDelete)
	a.edit(oscarwire.FeedbagInsert, buddy(2, bob)) // authorized
	if m := parse(t, oscarwire.ParseAuthName, b.expect(oscarwire.FeedbagYouWereAdded)); m.Name != alice {
		t.Errorf("got %+v", m)
	}
}

// TestAuthorizationByBots: bots answer requests, and requests are stored for offline
// accounts.
func TestAuthorizationByBots(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	for name, accept := range map[string]bool{"300001": true, "300002": false} {
		n.Bot(name, oscarmock.BotOptions{NeedsAuth: true, Accept: func(from, reason string) bool {
			return from == alice && reason == "please" && accept
		}}).SignOn()
		a.send(oscarwire.FeedbagAuthRequest, oscarwire.AuthRequest{Name: name, Reason: "please"})
		if m := parse(t, oscarwire.ParseAuthReply, a.expect(oscarwire.FeedbagAuthReplied)); m.Name != name || m.Granted != accept {
			t.Errorf("%s: got %+v", name, m)
		}
	}
	b := n.Bot("300003", oscarmock.BotOptions{})
	b.SignOn()
	b.RequestAuth(alice, "bots, too")
	if m := parse(t, oscarwire.ParseAuthRequest, a.expect(oscarwire.FeedbagAuthRequested)); m.Reason != "bots, too" {
		t.Errorf("got %+v", m)
	}
	b.AnswerAuth(alice, true, "unasked")
	if m := parse(t, oscarwire.ParseAuthReply, a.expect(oscarwire.FeedbagAuthReplied)); !m.Granted || m.Reason != "unasked" {
		t.Errorf("got %+v", m)
	}
	a.send(oscarwire.FeedbagPreauthorize, oscarwire.AuthRequest{Name: "300003"})
	a.sync()
	// Requested while offline, bob receives it by channel 4.
	a.send(oscarwire.FeedbagAuthRequest, oscarwire.AuthRequest{Name: bob, Reason: "later"})
	a.sync()
	c := signOn(t, n, bob)
	c.send(oscarwire.ICBMOfflineQuery, nil)
	in := parse(t, oscarwire.ParseIncomingIM, c.expect(oscarwire.ICBMIncoming))
	if m, err := in.ICQMessage(); err != nil || m.Type != oscarwire.MessageAuthRequest {
		t.Errorf("got %+v, %v", m, err)
	}
}
