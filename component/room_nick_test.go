package component_test

import (
	"context"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// picky is a city whose nicks have no spaces, and letters.
type picky struct{ city }

var (
	_ legacy.NickLimiter = picky{}
	_ legacy.NickTeller  = picky{}
)

func newPicky(asked chan string, services bool) func(legacy.Network) legacy.Network {
	return func(n legacy.Network) legacy.Network { return picky{city{roomy{n, asked}, services}} }
}

func (picky) LegalNick(wanted string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(wanted, "!", " ")), "_")
}

func (picky) RoomNick(a legacy.Account, _ legacy.Peer) string {
	return a.Fields["username"] + "-of-old"
}

// XEP-0045 §7.2, §7.6: who asks for a nick that the network does not take gets the nearest
// one, and is told
func TestNearestNick(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newPicky(asked, false)}, func(t *testing.T, w *world) {
		// None is like that.
		w.Send("<presence from='" + phone + "' to='" + club + "/!!' id='j0'>" + nsMUC + "</presence>")
		refused := w.Expect("<presence type='error' from='" + club + "/!!' to='" + phone + "' id='j0'>" + nsMUC + "</presence>")
		isError(t, refused, "not-acceptable", "modify", "")
		if e := refused.Child("jabber:component:accept", "error"); e.Attr("by") != club || !strings.Contains(e.String(), "<text") {
			t.Errorf("who refuses, and why: %s", refused)
		}
		w.nothingAsked(asked)
		w.Send("<presence from='" + phone + "' to='" + club + "/Dave Jones' id='j1'>" + nsMUC + "</presence>")
		w.hear(asked, "join #club ")
		h := w.echo.Session("Dave_Jones")
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "Dave_Jones", Occupants: []legacy.Occupant{{Nick: "Dave_Jones"}}})
		w.Expect("<presence from='" + club + "/Dave_Jones' to='" + phone + "' type='' id='j1'>" + item("none", "participant", "110", "210") + "</presence>")
		w.Take()
		change := func(id, nick string) {
			w.Send("<presence from='" + phone + "' to='" + club + "/" + nick + "' id='" + id + "'/>")
		}
		change("n1", "David Jones")
		w.hear(asked, "nick David_Jones")
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "Dave_Jones", New: "David_Jones"})
		w.Expect("<presence from='" + club + "/Dave_Jones' to='" + phone + "' type='unavailable'>" +
			strings.Replace(item("none", "participant", "303", "110"), "role=", "nick='David_Jones' role=", 1) + "</presence>")
		w.Expect("<presence from='" + club + "/David_Jones' to='" + phone + "' type='' id='n1'>" + item("none", "participant", "110", "210") + "</presence>")
		change("n2", "David  Jones") // is called so
		w.Expect("<presence from='" + club + "/David_Jones' to='" + phone + "' type='' id='n2'>" + item("none", "participant", "110", "210") + "</presence>")
		change("n3", "!")
		isError(t, w.Expect("<presence type='error' id='n3'/>"), "not-acceptable", "modify", "")
		w.nothingAsked(asked)
		// The network has the last word.
		w.Send("<presence from='" + laptop + "' to='#other@" + gw + "/x' id='j2'>" + nsMUC + "</presence>")
		w.hear(asked, "join #other ")
		w.emit(h, legacy.RoomFailed{Room: legacy.Peer{ID: "#other", Room: true}, Err: legacy.Errorf(legacy.BadNick, "No.")})
		isError(t, w.Expect("<presence type='error' id='j2'/>"), "not-acceptable", "modify", "")
	})
}

// XEP-0045 §7.12: clients propose the nick that the user has
func TestRoomNick(t *testing.T) {
	for _, services := range []bool{false, true} {
		asked := make(chan string, 100)
		stage(t, setup{network: newPicky(asked, services), users: []string{alice}}, func(t *testing.T, w *world) {
			h := w.signOn(phone)
			at := ""
			if services {
				at = "%irc.net"
			}
			is := func(room, who, want string) {
				t.Helper()
				info, _ := w.ask("get", who, room+"@"+gw, "n", "<query xmlns='"+nsInfo+"' node='x-roomuser-item'/>")
				identity := info.First().Child(nsInfo, "identity")
				if info.Attr("type") != "result" || info.First().Attr("node") != "x-roomuser-item" || identity.Attr("name") != want ||
					want != "" && (identity.Attr("category") != "conference" || identity.Attr("type") != "text") {
					t.Errorf("want %q: %s", want, info)
				}
			}
			is("#club"+at, phone, "alice-of-old")
			is("#club"+at, "stranger@example.org/x", "")
			w.Send("<presence from='" + phone + "' to='#club" + at + "@" + gw + "/x'>" + nsMUC + "</presence>")
			w.hear(asked, "join #club"+at+" ")
			w.emit(h, legacy.RoomJoined{Room: legacy.Peer{ID: "#club" + at, Room: true}, Nick: "ali", Occupants: []legacy.Occupant{{Nick: "ali"}}})
			w.settle()
			w.Take()
			is("#club"+at, phone, "ali")
			is("#other"+at, phone, "ali") // one nick for all of a server
			if services {
				is("#other%far.net", phone, "alice-of-old")
			}
		})
	}
}

// shown is a picky network with presence.
type shown struct{ picky }

func (n shown) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.picky.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return shownSession{s.(citySession)}, nil
}

type shownSession struct{ citySession }

func (s shownSession) SetPresence(ctx context.Context, p legacy.Presence) error {
	return s.Session.(legacy.Presencer).SetPresence(ctx, p)
}

// TestStatusWithAnotherNick: a client that goes on using the nick that it did not get
// changes its status, in every room; it does not ask for the nick again. The network gets
// the new status once.
func TestStatusWithAnotherNick(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: func(n legacy.Network) legacy.Network { return shown{newPicky(asked, false)(n).(picky)} }}, func(t *testing.T, w *world) {
		rooms := []string{"#a", "#b", "#c", "#d", "#e", "#f"}
		h := w.echo.Session("ali")
		for _, name := range rooms { // as a guest: the presence in the rooms is the user's
			w.Send("<presence from='" + laptop + "' to='" + name + "@" + gw + "/ali'>" + nsMUC + "</presence>")
			w.hear(asked, "join "+name+" ")
			w.emit(h, legacy.RoomJoined{Room: legacy.Peer{ID: name, Room: true}, Nick: "ali_", Occupants: []legacy.Occupant{{Nick: "ali_"}}})
		}
		w.settle()
		w.Take()
		status := func(id, text string) (told []string) {
			for {
				if _, ok := legacytest.Take[legacytest.SetPresence](h); !ok {
					break
				}
			}
			for _, name := range rooms {
				w.Send("<presence from='" + laptop + "' to='" + name + "@" + gw + "/ali' id='" + id + "'><show>away</show><status>" + text + "</status></presence>")
			}
			w.settle()
			for {
				p, ok := legacytest.Take[legacytest.SetPresence](h)
				if !ok {
					return told
				}
				told = append(told, p.Status)
			}
		}
		for _, text := range []string{"lunch", "dinner", "sleep"} {
			if told := status("s", text); len(told) != 1 || told[0] != text {
				t.Errorf("the network is told %q, want %q once", told, text)
			}
			w.nothingAsked(asked)
			w.Expect("<presence from='#a@" + gw + "/ali_' to='" + laptop + "' type='' id='s'><show>away</show><status>" + text + "</status></presence>")
			w.Take()
		}
		w.Send("<presence from='" + laptop + "' to='#a@" + gw + "/ali' id='n'><show>away</show><status>sleep</status></presence>") // nothing but the nick
		w.hear(asked, "nick ali")
		w.emit(h, legacy.RoomFailed{Room: legacy.Peer{ID: "#a", Room: true}, Nick: true, Err: legacy.Errorf(legacy.Conflict, "In use.")})
		isError(t, w.Expect("<presence type='error' id='n'/>"), "conflict", "cancel", "")
	})
}

// TestSignOnErrorOfJoin: a join that fails because the network refuses the account is not
// not-authorized, for which clients ask for the password of the room.
func TestSignOnErrorOfJoin(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newPicky(asked, false), users: []string{alice}}, func(t *testing.T, w *world) {
		w.echo.Session("alice").Refuse(legacy.Errorf(legacy.Auth, "Wrong password."))
		for _, id := range []string{"while signing on", "later"} {
			w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='" + id + "'>" + nsMUC + "</presence>")
			isError(t, w.Expect("<presence type='error' from='"+club+"/alice' id='"+id+"'/>"), "forbidden", "auth", "")
			w.settle()
		}
	})
}
