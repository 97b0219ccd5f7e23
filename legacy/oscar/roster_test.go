package oscar_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

func (u *user) roster() legacy.RosterEditor { return u.Session.(legacy.RosterEditor) }

func contact(id, name string, groups ...string) legacy.Contact {
	return legacy.Contact{Peer: legacy.Peer{ID: id}, Name: name, Groups: groups}
}

func TestContactList(t *testing.T) {
	for _, split := range []int{0, 1} {
		t.Run(fmt.Sprint("split ", split), func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{SplitList: split, ExtraHeaders: true})
			b := mock.Bot(bob, oscarmock.BotOptions{})
			b.SignOn()
			n := newNetwork(t, optionsFor(mock.Addr()))
			u := signOn(t, mock, n, alice)

			u.Do(u.roster().AddContact(t.Context(), contact(bob, "Bob", "Friends"), "hello"))
			added := expect(u, any[legacy.ContactChanged]).Contact
			if added.Peer.ID != bob || added.Name != "Bob" || !slices.Equal(added.Groups, []string{"Friends"}) || added.AwaitingAuth {
				t.Errorf("added %+v", added)
			}
			if p := expect(u, any[legacy.PresenceChanged]); p.From.ID != bob || p.Presence.Show != legacy.ShowOnline {
				t.Errorf("presence %+v", p)
			}
			u.Do(u.roster().AddContact(t.Context(), contact("100003", "Carol", "Friends"), ""))
			expect(u, any[legacy.ContactChanged])
			u.Do(u.roster().AddContact(t.Context(), contact("100004", "", "Work"), ""))
			expect(u, any[legacy.ContactChanged])
			u.Do(u.roster().AddContact(t.Context(), contact("100003", "Caroline"), "")) // renamed
			if c := expect(u, any[legacy.ContactChanged]).Contact; c.Name != "Caroline" || !slices.Equal(c.Groups, []string{"Friends"}) {
				t.Errorf("renamed %+v", c)
			}
			u.Do(u.roster().AddContact(t.Context(), contact("100003", "", "Work"), "")) // moved
			if c := expect(u, any[legacy.ContactChanged]).Contact; c.Name != "Caroline" || !slices.Equal(c.Groups, []string{"Work"}) {
				t.Errorf("moved %+v", c)
			}
			u.Cancel()
			u.Do(u.WaitEnd())

			again := start(t, n, credentials(alice), nil)
			ready := expect(again, any[legacy.Ready])
			if len(ready.Contacts) != 3 || ready.Contacts[0].Name != "Bob" || ready.Contacts[2].Groups[0] != "Work" {
				t.Errorf("the list is %+v", ready.Contacts)
			}
			expect(again, any[legacy.StateSaved])
			again.Do(again.roster().RemoveContact(t.Context(), legacy.Peer{ID: bob}))
			if got := expect(again, any[legacy.ContactRemoved]); got.Peer.ID != bob {
				t.Errorf("removed %+v", got)
			}
			for _, i := range mock.Feedbag(alice) {
				if i.Name == bob {
					t.Error("the server has the contact still")
				}
			}
			again.Do(again.roster().RemoveContact(t.Context(), legacy.Peer{ID: "424242"})) // not there: no error
			expect(again, any[legacy.ContactRemoved])
		})
	}
}

// TestUnchangedList: an unchanged list is not fetched again.
func TestUnchangedList(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.EditFeedbag(alice, oscarwire.FeedbagInsert, oscarwire.FeedbagItem{Name: "Friends", GroupID: 1, Class: oscarwire.FeedbagGroup})
	mock.EditFeedbag(alice, oscarwire.FeedbagInsert, oscarwire.FeedbagItem{Name: bob, GroupID: 1, ItemID: 7})
	n := newNetwork(t, optionsFor(mock.Addr()))
	u := signOn(t, mock, n, alice)
	expect(u, any[legacy.StateSaved])
	u.Cancel()
	u.Do(u.WaitEnd())

	mock.Inject(oscarmock.Fault{Step: oscarmock.StepSend, SNAC: oscarwire.FeedbagReply, Action: oscarmock.Drop}) // unused
	again := start(t, n, credentials(alice), u.State())
	if ready := expect(again, any[legacy.Ready]); len(ready.Contacts) != 1 || ready.Contacts[0].Peer.ID != bob {
		t.Errorf("the list is %+v", ready.Contacts)
	}
	again.Cancel()
	again.Do(again.WaitEnd())
	mock.Heal()

	garbage := start(t, n, credentials(alice), []byte("\x00\xFF\xFFgarbage"))
	if ready := expect(garbage, any[legacy.Ready]); len(ready.Contacts) != 1 {
		t.Errorf("the list is %+v", ready.Contacts)
	}
}

func TestAuthorization(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: bob, Password: password, NeedsAuth: true})
	mock.AddAccount(oscarmock.Account{Name: alice, Password: password, NeedsAuth: true})
	n := newNetwork(t, optionsFor(mock.Addr()))
	a, b := signOn(t, mock, n, alice), signOn(t, mock, n, bob)

	a.Do(a.roster().AddContact(t.Context(), contact(bob, "Bob"), "it's me"))
	if c := expect(a, any[legacy.ContactChanged]).Contact; !c.AwaitingAuth {
		t.Errorf("added %+v", c)
	}
	asked := expect(b, any[legacy.AuthRequested])
	if asked.From.ID != alice || asked.Reason != "it's me" {
		t.Errorf("asked %+v", asked)
	}
	b.Do(b.roster().Authorize(t.Context(), asked.From, false, "not now, schön"))
	if denied := expect(a, any[legacy.AuthDenied]); denied.From.ID != bob || denied.Reason != "not now, schön" {
		t.Errorf("denied %+v", denied)
	}
	a.Do(a.roster().AddContact(t.Context(), contact(bob, "Bob"), "please")) // requests authorization again
	b.Do(b.roster().Authorize(t.Context(), expect(b, any[legacy.AuthRequested]).From, true, ""))
	expect(a, func(c legacy.ContactChanged) bool { return !c.Contact.AwaitingAuth })
	expect(a, any[legacy.AuthGranted])
	if p := expect(a, any[legacy.PresenceChanged]); p.From.ID != bob || p.Presence.Show != legacy.ShowOnline {
		t.Errorf("presence %+v", p)
	}
	// A pre-approval makes a request unnecessary.
	a.Do(a.roster().Authorize(t.Context(), legacy.Peer{ID: bob}, true, ""))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitSNAC(ctx, alice, oscarwire.FeedbagPreauthorize, 1); err != nil {
		t.Fatal(err)
	}
	b.Do(b.roster().AddContact(t.Context(), contact(alice, ""), ""))
	if c := expect(b, any[legacy.ContactChanged]).Contact; c.AwaitingAuth {
		t.Errorf("added %+v", c)
	}
	if got := expect(a, any[legacy.AddedYou]); got.From.ID != bob {
		t.Errorf("added by %+v", got)
	}
}

func TestListErrors(t *testing.T) {
	mock := startMock(t, oscarmock.Options{MaxBuddies: 1})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	expect(u, any[legacy.ContactChanged])
	u.Do(u.roster().AddContact(t.Context(), contact("100003", ""), ""))
	failed := expect(u, any[legacy.ContactFailed])
	if failed.Peer.ID != "100003" || legacy.KindOf(failed.Err) != legacy.Forbidden {
		t.Errorf("failed %+v", failed)
	}
}

// TestEditedElsewhere edits the list like another client of the account.
func TestEditedElsewhere(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	group := oscarwire.FeedbagItem{Name: "Friends", GroupID: 1, Class: oscarwire.FeedbagGroup}
	buddy := oscarwire.FeedbagItem{Name: bob, GroupID: 1, ItemID: 7, TLVs: oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagFeedbagAlias, "Bob")}}
	mock.EditFeedbag(alice, oscarwire.FeedbagInsert, group)
	mock.EditFeedbag(alice, oscarwire.FeedbagInsert, buddy)
	if c := expect(u, any[legacy.ContactChanged]).Contact; c.Peer.ID != bob || c.Name != "Bob" {
		t.Errorf("added %+v", c)
	}
	buddy.TLVs = oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagFeedbagAlias, "Bobby")}
	mock.EditFeedbag(alice, oscarwire.FeedbagUpdate, buddy)
	if c := expect(u, any[legacy.ContactChanged]).Contact; c.Name != "Bobby" {
		t.Errorf("renamed %+v", c)
	}
	group.Name = "Best friends"
	mock.EditFeedbag(alice, oscarwire.FeedbagUpdate, group)
	if c := expect(u, any[legacy.ContactChanged]).Contact; !slices.Equal(c.Groups, []string{"Best friends"}) {
		t.Errorf("moved %+v", c)
	}
	mock.EditFeedbag(alice, oscarwire.FeedbagDelete, buddy)
	if got := expect(u, any[legacy.ContactRemoved]); got.Peer.ID != bob {
		t.Errorf("removed %+v", got)
	}
}

func TestPresence(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: bob, Password: password})
	n := newNetwork(t, optionsFor(mock.Addr()))
	a, b := signOn(t, mock, n, alice), signOn(t, mock, n, bob)
	a.Do(a.roster().AddContact(t.Context(), contact(bob, ""), ""))
	expect(a, any[legacy.PresenceChanged])
	for _, p := range []legacy.Presence{
		{Show: legacy.ShowAway, Status: "lunch"},
		{Show: legacy.ShowXA, Status: "holidays & <sun>"},
		{Show: legacy.ShowDND},
		{Show: legacy.ShowChat, Status: "bored"},
		{Show: legacy.ShowOnline},
		{Show: legacy.ShowOnline, Status: "here"},
		{Show: legacy.ShowInvisible},
		{Show: legacy.ShowOnline},
	} {
		b.Do(b.Session.(legacy.Presencer).SetPresence(t.Context(), p))
		want := p
		if want.Show == legacy.ShowInvisible {
			want = legacy.Presence{}
		}
		expect(a, func(ev legacy.PresenceChanged) bool {
			return ev.From.ID == bob && ev.Presence.Show == want.Show && (ev.Presence.Status == want.Status || want.Status == "")
		})
	}
	idle := time.Now().Add(-10 * time.Minute)
	b.Do(b.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowAway, Idle: idle}))
	expect(a, func(ev legacy.PresenceChanged) bool {
		d := ev.Presence.Idle.Sub(idle).Abs()
		return !ev.Presence.Idle.IsZero() && d < 2*time.Minute
	})
	b.Cancel()
	expect(a, func(ev legacy.PresenceChanged) bool { return ev.Presence.Show == legacy.ShowOffline })
}

// A user's spelling of the own name is emitted once, before the presence.
func TestSpelledNames(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: aliceAIM, Password: password})
	robot := mock.Bot("Bob Smith", oscarmock.BotOptions{})
	o := optionsFor(mock.Addr())
	o.Flavor = "aim"
	u := signOn(t, mock, newNetwork(t, o), aliceAIM)
	u.Do(u.roster().AddContact(t.Context(), contact("bobsmith", ""), ""))
	expect(u, func(ev legacy.ContactChanged) bool { return ev.Contact.Peer.ID == "bobsmith" })
	for i := range 2 {
		robot.SignOn()
		named := 0
		expect(u, func(ev legacy.Event) bool {
			if n, ok := ev.(legacy.PeerNamed); ok && n.Peer.ID == "bobsmith" && n.Nick == "Bob Smith" {
				named++
			}
			p, ok := ev.(legacy.PresenceChanged)
			return ok && p.Presence.Show == legacy.ShowOnline
		})
		if named != 1-i {
			t.Errorf("at sign-on %d: named %d times", i+1, named)
		}
		robot.SignOff()
		expect(u, func(ev legacy.PresenceChanged) bool { return ev.Presence.Show == legacy.ShowOffline })
	}
}

// TestTypingCapability: typing support follows from the capabilities of a client, and
// from typing notifications that it has sent.
func TestTypingCapability(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	says := func(untyped bool) {
		t.Helper()
		if got := expect(u, any[legacy.PresenceChanged]); got.Presence.NoTyping != untyped {
			t.Errorf("got %+v", got)
		}
	}
	says(false)
	b.SetCapabilities(oscarwire.CapXHTML)
	says(true)
	b.SetCapabilities() // no capabilities
	says(false)
	b.SetCapabilities(oscarwire.CapXHTML)
	says(true)
	if err := b.Send(alice, "hello"); err != nil { // with the TLV that requests typing notifications
		t.Fatal(err)
	}
	says(false)
	b.SetStatus(oscarwire.ModeDND.Status(), "busy", "") // the support is remembered
	says(false)
}

// TestMoods: the mood of an ICQ user is part of the status text.
func TestMoods(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	says := func(want string, show legacy.Show) {
		t.Helper()
		expect(u, func(p legacy.PresenceChanged) bool { return p.Presence.Status == want && p.Presence.Show == show })
	}
	says("", legacy.ShowOnline)
	music, _ := oscarwire.ParseGUID("61BEE0DD-8BDD-475D-8DEE-5F4BAACF19A7")
	b.SetCapabilities(oscarwire.CapTyping, music)
	says("Listening to music", legacy.ShowOnline)
	b.SetStatus(oscarwire.StatusOnline, "Bach", "")
	says("Listening to music: Bach", legacy.ShowOnline)
	b.SetStatus(oscarwire.ModeAway.Status(), "", "back <b>soon</b>")
	says("Listening to music: back soon", legacy.ShowAway)
	b.SetCapabilities(oscarwire.CapTyping)
	says("back soon", legacy.ShowAway)
}

// TestInvisibleFromTheStart: a user who signs on invisible is never shown online.
func TestInvisibleFromTheStart(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.Add(alice)
	b.SignOn()
	u := start(t, newNetwork(t, optionsFor(mock.Addr())), credentials(alice), nil)
	expect(u, any[legacy.Ready])
	u.Do(u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowInvisible}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitStatus(ctx, alice, oscarwire.StatusInvisible); err != nil {
		t.Fatal(err)
	}
	if _, online := b.Sees(alice); online {
		t.Error("bob sees her")
	}
}

func TestTyping(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: bob, Password: password})
	n := newNetwork(t, optionsFor(mock.Addr()))
	a, b := signOn(t, mock, n, alice), signOn(t, mock, n, bob)
	for _, state := range []legacy.Typing{legacy.TypingActive, legacy.TypingPaused, legacy.TypingStopped} {
		a.Do(a.Session.(legacy.Typer).SetTyping(t.Context(), legacy.Peer{ID: bob}, state))
		if got := expect(b, any[legacy.TypingChanged]); got.From.ID != alice || got.State != state {
			t.Errorf("got %+v, want %v", got, state)
		}
	}
}
