package oscarmock_test

import (
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

func setStatus(s oscarwire.Status) oscarwire.SetStatus { return oscarwire.SetStatus{Status: &s} }

func TestPresence(t *testing.T) {
	now := newClock()
	n := start(t, oscarmock.Options{Now: now.Now})
	a := signOn(t, n, alice)
	a.edit(oscarwire.FeedbagInsert, friends, buddy(1, bob))
	b := signOn(t, n, bob)
	u := a.arrived()
	if at, ok := u.SignedOn(); u.Name != bob || !ok || !at.Equal(now.Now()) || u.Class()&oscarwire.ClassICQ == 0 {
		t.Errorf("got %+v", u)
	}
	none(t, b.sync(), oscarwire.BuddyArrived) // bob does not list alice
	b.send(oscarwire.ServiceSetStatus, setStatus(oscarwire.ModeNA.Status()))
	u = a.arrived()
	if s, ok := u.Status(); !ok || s.Mode() != oscarwire.ModeNA {
		t.Errorf("got %v", s)
	}
	away := "<b>gone</b>"
	b.send(oscarwire.LocationSetInfo, oscarwire.LocationInfo{Away: &away})
	if u = a.arrived(); !u.Away() {
		t.Error("not away")
	}
	b.send(oscarwire.ServiceIdle, oscarwire.Number(600))
	b.sync()
	if idle, ok := a.arrived().Idle(); !ok || idle != 10*time.Minute {
		t.Errorf("idle for %v", idle)
	}
	b.send(oscarwire.ServiceSetStatus, setStatus(oscarwire.StatusInvisible))
	a.departed(bob)
	a.im(bob, "I know you are there", oscarwire.IMRequestAck)
	a.expect(oscarwire.ICBMHostAck)
	b.send(oscarwire.ServiceSetStatus, setStatus(0))
	a.arrived()
	b.nc.Close()
	a.departed(bob)
	if err := n.WaitSignedOff(within(t), bob); err != nil {
		t.Error(err)
	}
	if status, text, away := n.Presence(bob); status != 0 || text != "" || away != "" {
		t.Errorf("got %v %q %q", status, text, away)
	}
}

// TestOwnBuddies: client-side lists, which live as long as the session.
func TestOwnBuddies(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	for _, id := range []struct{ add, remove oscarwire.ID }{
		{oscarwire.BuddyAdd, oscarwire.BuddyRemove}, {oscarwire.BuddyAddTemp, oscarwire.BuddyRemoveTemp},
	} {
		a.send(id.add, oscarwire.Names{carol, "nobody"})
		a.sync()
		c := signOn(t, n, carol)
		a.arrived()
		a.send(id.remove, oscarwire.Names{carol})
		a.sync()
		c.send(oscarwire.ServiceSetStatus, setStatus(1))
		c.sync()
		none(t, a.sync(), oscarwire.BuddyArrived)
		n.Disconnect(carol, oscarmock.DisconnectPolite)
		none(t, a.sync(), oscarwire.BuddyDeparted)
		if f := c.end(); len(f) == 0 || f[len(f)-1].Channel != oscarwire.ChannelSignOff {
			t.Errorf("got %v", f)
		}
	}
}

// TestPrivacy: a blocked account can neither see the presence nor send messages.
func TestPrivacy(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a, b := signOn(t, n, alice), signOn(t, n, bob)
	b.edit(oscarwire.FeedbagInsert, friends, buddy(1, alice))
	b.arrived()
	item := func(class uint16) oscarwire.FeedbagItem {
		return oscarwire.FeedbagItem{Name: bob, ItemID: 100 + class, Class: class}
	}
	a.edit(oscarwire.FeedbagInsert, friends, oscarwire.FeedbagItem{ItemID: 200, Class: oscarwire.FeedbagPrivacy})
	mode := func(v uint8) {
		t.Helper()
		a.edit(oscarwire.FeedbagUpdate, oscarwire.FeedbagItem{ItemID: 200, Class: oscarwire.FeedbagPrivacy,
			TLVs: oscarwire.TLVs{oscarwire.TLV8(oscarwire.TagFeedbagPrivacyMode, v)}})
	}
	hidden := func() {
		t.Helper()
		b.departed(alice)
		b.im(alice, "x", oscarwire.IMStore)
		b.expect(oscarwire.ICBMError)
		b.send(oscarwire.ICBMTyping, oscarwire.Typing{Channel: 1, Name: alice})
		b.send(oscarwire.LocationQuery2, oscarwire.LocationQueryNew{Name: alice})
		b.expect(oscarwire.LocationError)
		none(t, a.sync(), oscarwire.ICBMTyping)
	}
	seen := func() {
		t.Helper()
		b.arrived()
		b.im(alice, "x", oscarwire.IMStore)
		a.text()
	}
	a.edit(oscarwire.FeedbagInsert, item(oscarwire.FeedbagDeny)) // without effect without a mode
	b.im(alice, "x", oscarwire.IMStore)
	a.text()
	mode(oscarwire.PrivacyDenyListed)
	hidden()
	a.im(bob, "x", oscarwire.IMStore)
	if e, err := oscarwire.ParseSNACError(a.expect(oscarwire.ICBMError).Body); err != nil || e.Code != oscarwire.CodeBlockedLocally {
		t.Errorf("a message to somebody blocked: %v, %v", e, err)
	}
	mode(oscarwire.PrivacyAllowAll)
	seen()
	mode(oscarwire.PrivacyBlockAll)
	hidden()
	mode(oscarwire.PrivacyAllowAll)
	seen()
	mode(oscarwire.PrivacyPermitListed)
	hidden()
	a.edit(oscarwire.FeedbagInsert, item(oscarwire.FeedbagPermit))
	seen()
	mode(oscarwire.PrivacyAllowBuddies)
	hidden()
	a.edit(oscarwire.FeedbagInsert, buddy(3, bob))
	seen()
	mode(oscarwire.PrivacyDenyListed)
	hidden()
	a.edit(oscarwire.FeedbagDelete, item(oscarwire.FeedbagDeny))
	seen()
	for _, id := range []struct {
		add, remove oscarwire.ID
		name        string
	}{
		{oscarwire.PrivacyAddDeny, oscarwire.PrivacyRemoveDeny, bob}, {oscarwire.PrivacyAddPermit, oscarwire.PrivacyRemovePermit, carol},
	} {
		a.send(id.add, oscarwire.Names{id.name})
		hidden()
		a.send(id.remove, oscarwire.Names{id.name})
		seen()
	}
}

func TestLocation(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a, b := signOn(t, n, alice), signOn(t, n, carol)
	profile, away := "I am <i>Carol</i>", "later"
	b.send(oscarwire.LocationSetInfo, oscarwire.LocationInfo{Profile: &profile, Away: &away, Caps: []oscarwire.GUID{oscarwire.CapChat}})
	b.sync()
	for _, q := range []struct {
		id            oscarwire.ID
		body          oscarwire.Appender
		profile, away bool
	}{
		{oscarwire.LocationQuery2, oscarwire.LocationQueryNew{Flags: oscarwire.LocationProfile | oscarwire.LocationAway | oscarwire.LocationCaps, Name: carol}, true, true},
		{oscarwire.LocationQuery, oscarwire.LocationQueryOld{Type: oscarwire.LocationOldProfile, Name: carol}, true, false},
		{oscarwire.LocationQuery, oscarwire.LocationQueryOld{Type: oscarwire.LocationOldAway, Name: carol}, false, true},
	} {
		r := parse(t, func(b []byte) (oscarwire.LocationReplyInfo, error) { return oscarwire.ParseLocationReply(b, nil) }, a.ask(q.id, q.body, oscarwire.LocationReply))
		if r.User.Name != carol || (r.Info.Profile != nil) != q.profile || (r.Info.Away != nil) != q.away ||
			q.profile && *r.Info.Profile != profile || q.away && *r.Info.Away != away {
			t.Errorf("%v: got %+v", q.id, r)
		}
	}
	a.ask(oscarwire.LocationQuery2, oscarwire.LocationQueryNew{Name: bob}, oscarwire.LocationError)
}

func TestDirectory(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	if l, err := oscarwire.ParseTLVs(a.ask(oscarwire.LookupByEmail, oscarwire.Raw("BOB@example.net"), oscarwire.LookupReply).Body); err != nil || len(l.All(1)) != 1 {
		t.Errorf("got %v, %v", l, err)
	}
	a.ask(oscarwire.LookupByEmail, oscarwire.Raw("x"), oscarwire.LookupError)
	meta := func(kind oscarwire.MetaSubtype, args []byte, replies int) (rows []oscarwire.MetaReply) {
		t.Helper()
		a.send(oscarwire.ICQRequest, oscarwire.NewMetaRequest(100001, 5, kind, args))
		for range replies {
			s := a.expect(oscarwire.ICQReply)
			m, err := parse(t, oscarwire.ParseICQData, s).MetaReply()
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, m)
			if last := len(rows) == replies; s.More() == last {
				t.Errorf("%v: reply %d: more %v", kind, len(rows), s.More())
			}
		}
		return rows
	}
	u, err := meta(oscarwire.MetaShortInfo, oscarwire.MetaUINArgs(100002), 1)[0].ShortInfo()
	if err != nil || string(u.Nick) != "Bob" || string(u.Email) != "bob@example.net" {
		t.Errorf("got %+v, %v", u, err)
	}
	for _, kind := range []oscarwire.MetaSubtype{oscarwire.MetaShortInfo, oscarwire.MetaSearchUIN} {
		if m := meta(kind, oscarwire.MetaUINArgs(7), 1)[0]; m.OK() {
			t.Errorf("%v: got %+v", kind, m)
		}
	}
	if row, _, err := meta(oscarwire.MetaSearchUIN, oscarwire.MetaUINArgs(100001), 1)[0].SearchRow(); err != nil || row.UIN != 100001 || row.Status != 1 {
		t.Errorf("got %+v, %v", row, err)
	}
	var d oscarwire.UserDetails
	a.send(oscarwire.ICQRequest, oscarwire.NewMetaRequest(100001, 6, oscarwire.MetaFullInfo, oscarwire.MetaUINArgs(100001)))
	for more := true; more; {
		s := a.expect(oscarwire.ICQReply)
		m, err := parse(t, oscarwire.ParseICQData, s).MetaReply()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Take(m); err != nil {
			t.Error(err)
		}
		more = s.More()
	}
	if string(d.First) != "Alice" || string(d.Last) != "Liddell" {
		t.Errorf("got %+v", d)
	}
}
