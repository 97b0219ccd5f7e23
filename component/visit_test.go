package component_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const (
	nsItems  = "http://jabber.org/protocol/disco#items"
	nsSearch = "jabber:iq:search"
)

// finding is a picky city with a directory.
type finding struct{ picky }

func (n finding) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.picky.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return findingSession{s.(citySession)}, nil
}

type findingSession struct{ citySession }

func (s findingSession) Search(_ context.Context, ref string, query map[string]string) error {
	return s.say("search %s %v", ref, query)
}

func newFinding(asked chan string, services bool) func(legacy.Network) legacy.Network {
	return func(n legacy.Network) legacy.Network { return finding{picky{city{roomy{n, asked}, services}}} }
}

func (n finding) Info() legacy.Info {
	info := n.picky.Info()
	info.Features |= legacy.FeatureSearch
	info.Search = []legacy.Field{{Var: "nick", Label: "Nick"}, {Var: "channel", Label: "Channel"}}
	return info
}

// listRooms answers what the network was asked for.
func (w *world) listRooms(h *legacytest.Handle, ref string) {
	w.emit(h, legacy.RoomsListed{Ref: ref, Rooms: []legacy.ListedRoom{
		{Room: legacy.Peer{ID: "#tea", Room: true}, Topic: "what to drink", Occupants: 7}, {Room: clubPeer, Occupants: 2}}})
}

// XEP-0030 §3.1, XEP-0045 §6.1, §6.3: clients look for rooms where there is a conference
func TestRoomsAreFound(t *testing.T) {
	for _, rooms := range []bool{true, false} {
		network := newCity(make(chan string, 100))
		if !rooms {
			network = nil
		}
		stage(t, setup{network: network}, func(t *testing.T, w *world) {
			info := w.discoInfo(gw, "")
			var identities []string
			for i := range info.Children(nsInfo, "identity") {
				identities = append(identities, i.Attr("category")+"/"+i.Attr("type")+" "+i.Attr("name"))
			}
			is := w.cfg.Network.Info()
			want := "gateway/" + is.Type + " " + is.Name
			if rooms { // Gajim goes by the first to tell a gateway
				want += ", conference/text " + is.Name
			}
			if got := strings.Join(identities, ", "); got != want {
				t.Errorf("the gateway is %s, want %s", got, want)
			}
		})
	}
}

// XEP-0045 §6.3, §6.4: who asks for the rooms is signed on for it, and sees what each is
// about without entering it
func TestListRoomsBeforeSigningOn(t *testing.T) {
	asked := make(chan string, 100)
	for _, who := range []string{"guest", "offline"} {
		s := setup{network: newFinding(asked, false), echo: silence}
		if who == "offline" {
			s.users = []string{alice}
		}
		stage(t, s, func(t *testing.T, w *world) {
			list := func(id string) {
				t.Helper()
				if answer, _ := w.ask("get", phone, gw, id, "<query xmlns='"+nsItems+"'/>"); answer != nil {
					t.Fatalf("%s: answered too soon: %s", who, answer)
				}
			}
			list("l1")
			h := w.echo.Session("alice") // as in the address
			ref := w.hear(asked, "list * \"\"")
			w.listRooms(h, ref)
			w.Expect("<iq type='result' id='l1'><query xmlns='" + nsItems + "'><item jid='" + club + "'/><item jid='#tea@" + gw + "'/></query></iq>")
			info, _ := w.ask("get", phone, "#tea@"+gw, "i", "<query xmlns='"+nsInfo+"'/>")
			for name, want := range map[string]string{"muc#roominfo_occupants": "7", "muc#roominfo_subject": "what to drink", "muc#roominfo_description": "what to drink"} {
				if got := formValues(info.First().Child(nsData, "x"), name); len(got) != 1 || got[0] != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if !hasFeature(info, "muc_public") || hasFeature(info, "muc_open") {
				t.Errorf("what is known is told, and no more: %s", info)
			}
			info, _ = w.ask("get", phone, "#other@"+gw, "o", "<query xmlns='"+nsInfo+"'/>")
			if got := formValues(info.First().Child(nsData, "x"), "muc#roominfo_occupants"); got != nil {
				t.Errorf("of another room %q people are known", got)
			}
			if _, there := w.account(alice); there != (who == "offline") {
				t.Error("registered by looking around")
			}
			// They stay for a while, for what is asked next.
			w.pass(4 * time.Minute)
			list("l2")
			w.listRooms(h, w.hear(asked, "list * \"\""))
			w.Expect("<iq type='result' id='l2'/>")
			w.pass(6 * time.Minute)
			w.settle()
			if h.SignedOn() {
				t.Errorf("%s: still signed on", who)
			}
		})
	}
}

// A guest who has looked around is called what they ask for as they join.
func TestJoinAfterListing(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newFinding(asked, false), echo: silence}, func(t *testing.T, w *world) {
		w.ask("get", phone, gw, "l", "<query xmlns='"+nsItems+"'/>")
		h := w.echo.Session("alice")
		w.listRooms(h, w.hear(asked, "list * \"\""))
		w.Take()
		w.Send("<presence from='" + phone + "' to='" + club + "/Dave Jones' id='j'>" + nsMUC + "</presence>")
		w.hear(asked, "nick Dave_Jones")
		w.hear(asked, "join #club ")
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "Dave_Jones", Occupants: []legacy.Occupant{{Nick: "Dave_Jones"}}})
		w.Expect("<presence from='" + club + "/Dave_Jones' id='j'>" + item("none", "participant", "110", "210") + "</presence>")
		w.Send("<presence from='" + phone + "' to='#tea@" + gw + "/x'>" + nsMUC + "</presence>")
		w.hear(asked, "join #tea ") // under the same name
		w.pass(10 * time.Minute)    // being in a room outlasts the visit
		if !h.SignedOn() {
			t.Error("signed off while in a room")
		}
	})
}

// A list that cannot be had says why.
func TestNoList(t *testing.T) {
	asked := make(chan string, 100)
	text := func(e *element.Element) string {
		return e.Child("jabber:component:accept", "error").ChildText("urn:ietf:params:xml:ns:xmpp-stanzas", "text")
	}
	items := func(w *world, who, id string) *element.Element {
		answer, _ := w.ask("get", who, gw, id, "<query xmlns='"+nsItems+"'/>")
		return answer
	}
	closed := func(n legacy.Network) legacy.Network { return noGuests{city{roomy{n, asked}, false}} }
	stage(t, setup{network: closed}, func(t *testing.T, w *world) {
		answer := items(w, phone, "l")
		isError(t, answer, "registration-required", "auth", "")
		if !strings.Contains(text(answer), "Register") {
			t.Errorf("nobody is told what to do: %s", answer)
		}
	})
	stage(t, setup{network: newFinding(asked, false), config: func(c *component.Config) { c.Policy.Allow = []string{"example.org"} }}, func(t *testing.T, w *world) {
		isError(t, items(w, "x@elsewhere.example/y", "l"), "forbidden", "auth", "")
	})
	stage(t, setup{network: newFinding(asked, true)}, func(t *testing.T, w *world) {
		answer := items(w, phone, "l")
		isError(t, answer, "item-not-found", "cancel", "")
		if !strings.Contains(text(answer), "server") {
			t.Errorf("nobody is told what to do: %s", answer)
		}
		// The server's own is had like that.
		if answer, _ := w.ask("get", phone, "irc.net@"+gw, "s", "<query xmlns='"+nsItems+"'/>"); answer != nil {
			t.Errorf("answered too soon: %s", answer)
		}
		w.hear(asked, "list * \"irc.net\"")
	})
	stage(t, setup{network: newFinding(asked, false), users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		w.echo.Session("alice").Refuse(legacy.Errorf(legacy.Temporary, "It is out of order."))
		answer := items(w, phone, "l")
		isError(t, answer, "remote-server-timeout", "wait", "")
		if !strings.Contains(text(answer), "out of order") {
			t.Errorf("nobody is told why: %s", answer)
		}
	})
}

// noGuests is a city for those who are registered.
type noGuests struct{ city }

func (n noGuests) Info() legacy.Info {
	info := n.city.Info()
	info.Guests = false
	return info
}

// XEP-0055 §2.3, §3: guests search as they join, and rooms that are found have the columns
// of rooms
func TestSearchByGuests(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newFinding(asked, false), echo: silence}, func(t *testing.T, w *world) {
		form, _ := w.ask("get", phone, gw, "f", "<query xmlns='"+nsSearch+"'/>")
		w.mustMatch(form, "<iq type='result'><query xmlns='"+nsSearch+"'><x xmlns='"+nsData+"' type='form'><field var='channel'/></x></query></iq>")
		w.nothingAsked(asked) // nobody is signed on for a form
		if answer, _ := w.ask("set", phone, gw, "s", "<query xmlns='"+nsSearch+"'>"+submit("channel", "tea")+"</query>"); answer != nil {
			t.Fatalf("answered too soon: %s", answer)
		}
		h := w.echo.Session("alice")
		ref := w.hear(asked, "search * map[channel:tea]")
		tea := legacy.SearchResult{Peer: legacy.Peer{ID: "#tea", Room: true}, Topic: "what to drink", Occupants: 7}
		w.emit(h, legacy.SearchFinished{Ref: ref, Rooms: true, Results: []legacy.SearchResult{tea}})
		columns := func(found *element.Element) string {
			var all []string
			for f := range found.Child(nsData, "reported").Children(nsData, "field") {
				all = append(all, f.Attr("var"))
			}
			return strings.Join(all, " ")
		}
		found := w.Expect("<iq type='result' id='s'/>").First().Child(nsData, "x")
		if got := columns(found); got != "jid name topic occupants" {
			t.Errorf("the columns are %s", got)
		}
		room := found.Child(nsData, "item")
		for name, want := range map[string]string{"jid": "#tea@" + gw, "name": "#tea", "topic": "what to drink", "occupants": "7"} {
			if got := formValues(room, name); len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		w.ask("set", phone, gw, "s", "<query xmlns='"+nsSearch+"'>"+submit("channel", "none")+"</query>")
		w.emit(h, legacy.SearchFinished{Ref: w.hear(asked, "search * map[channel:none]"), Rooms: true})
		if got := columns(w.Expect("<iq type='result' id='s'/>").First().Child(nsData, "x")); got != "jid name topic occupants" {
			t.Errorf("without a result, the columns are %s", got)
		}
		w.ask("set", phone, gw, "o", "<query xmlns='"+nsSearch+"'><nick>ted</nick></query>") // of people, without a form
		ref = w.hear(asked, "search * map[nick:ted]")
		w.emit(h, legacy.SearchFinished{Ref: ref, Results: []legacy.SearchResult{{Peer: legacy.Peer{ID: "ted"}, Profile: legacy.Profile{Nick: "Ted"}}}})
		w.Expect("<iq type='result' id='o'><query xmlns='" + nsSearch + "'><item jid='ted@" + gw + "'><nick>Ted</nick></item></query></iq>")
	})
}

// The word for a list signs on for it, too.
func TestListByWordBeforeSigningOn(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newFinding(asked, false), echo: silence}, func(t *testing.T, w *world) {
		w.writes(phone, "list tea")
		w.listRooms(w.echo.Session("alice"), w.hear(asked, "list * \"\""))
		w.settle()
		if said := w.heard(phone); !strings.Contains(said, "Found 1 room") || !strings.Contains(said, "what to drink") {
			t.Errorf("the gateway says %q", said)
		}
	})
}
