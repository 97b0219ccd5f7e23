package component_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// roomy is a network with rooms: what the core asks of them is written down.
type roomy struct {
	legacy.Network
	asked chan string
}

func newRoomy(asked chan string) func(legacy.Network) legacy.Network {
	return func(n legacy.Network) legacy.Network { return roomy{n, asked} }
}

func (n roomy) Info() legacy.Info {
	info := n.Network.Info()
	info.Features |= legacy.FeatureRooms | legacy.FeatureVersion
	info.Guests = true
	return info
}

func (n roomy) ParsePeer(name string) (legacy.Peer, error) {
	if strings.HasPrefix(name, "#") && len(name) > 1 {
		return legacy.Peer{ID: strings.ToLower(name), Room: true}, nil
	}
	return n.Network.ParsePeer(name)
}

// withPassword completes the fields of a guest.
func withPassword(fields map[string]string) map[string]string {
	full := maps.Clone(fields)
	full["password"] = hidden
	return full
}

func (n roomy) Validate(fields map[string]string) error {
	return n.Network.Validate(withPassword(fields))
}

func (n roomy) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	a.Fields = withPassword(a.Fields)
	s, err := n.Network.NewSession(a, env)
	return roomySession{s, n.asked}, err
}

var _ legacy.Roomer = roomySession{}

type roomySession struct {
	legacy.Session
	asked chan string
}

func (s roomySession) say(format string, args ...any) error {
	s.asked <- fmt.Sprintf(format, args...)
	return nil
}

func (s roomySession) JoinRoom(_ context.Context, r legacy.Peer, _, password string) error {
	return s.say("join %s %s", r.ID, password)
}
func (s roomySession) LeaveRoom(_ context.Context, r legacy.Peer, _ string) error {
	return s.say("leave %s", r.ID)
}
func (s roomySession) SetNick(_ context.Context, _ legacy.Peer, nick string) error {
	return s.say("nick %s", nick)
}
func (s roomySession) Invite(_ context.Context, r, who legacy.Peer) error {
	return s.say("invite %s %s", r.ID, who.ID)
}
func (s roomySession) SetTopic(_ context.Context, r legacy.Peer, topic string) error {
	return s.say("topic %s %s", r.ID, topic)
}
func (s roomySession) RequestVersion(_ context.Context, ref string, who legacy.Peer) error {
	return s.say("version %s %s", ref, who.ID)
}
func (s roomySession) Moderate(_ context.Context, ref string, r legacy.Peer, m legacy.Moderation) error {
	return s.say("moderate %s %s %+v", ref, r.ID, m)
}

const (
	club   = "#club@" + gw
	nsMUC  = "<x xmlns='http://jabber.org/protocol/muc'/>"
	bob2   = "bob@" + gw
	nsUser = "http://jabber.org/protocol/muc#user"
)

var clubPeer = legacy.Peer{ID: "#club", Room: true}

// item is the muc#user part of a presence with its codes.
func item(affiliation, role string, codes ...string) string {
	x := "<x xmlns='" + nsUser + "'><item affiliation='" + affiliation + "' role='" + role + "'/>"
	for _, c := range codes {
		x += "<status code='" + c + "'/>"
	}
	return x + "</x>"
}

// joinClub brings a client in, as a guest, and returns the far end.
func joinClub(t *testing.T, w *world, asked chan string) *legacytest.Handle {
	t.Helper()
	w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j1'>" + nsMUC + "</presence>")
	w.settle()
	if got := <-asked; got != "join #club " {
		t.Fatalf("asked for %q", got)
	}
	h := w.echo.Session("alice")
	w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Topic: legacy.Topic{Text: "all sorts", By: "bob"},
		Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob", Level: legacy.LevelOperator}, {Nick: "zoe", Level: legacy.LevelVoice, Away: true}}})
	return h
}

// XEP-0045 §7.2.2, §7.2.15: occupants, the own presence with 110, the subject
func TestJoinRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Expect("<presence from='" + club + "/bob' to='" + phone + "' type=''>" + item("owner", "moderator") + "</presence>")
		w.Expect("<presence from='" + club + "/zoe' to='" + phone + "' type=''><show>away</show>" + item("member", "participant") + "</presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='' id='j1'>" + item("none", "participant", "110") + "</presence>")
		w.Expect("<message from='" + club + "/bob' to='" + phone + "' type='groupchat'><subject>all sorts</subject></message>")
		w.Quiet()
		// A guest is not registered. (XEP-0077 §3.1)
		w.Send("<iq type='get' from='" + phone + "' to='" + gw + "' id='r'><query xmlns='jabber:iq:register'/></iq>")
		if form := w.Expect("<iq type='result' id='r'/>").String(); strings.Contains(form, "<registered/>") {
			t.Errorf("the form is %s", form)
		}
		// XEP-0045 §7.2.8: a second client, with another nick, is told the real one
		w.Send("<presence from='" + laptop + "' to='" + club + "/other' id='j2'>" + nsMUC + "</presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + laptop + "' type='' id='j2'>" + item("none", "participant", "110", "210") + "</presence>")
		w.settle()
		w.Take()
		// XEP-0045 §7.2.13, §7.2.14: what was said before
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "first"}, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "second"})
		w.settle()
		w.Take()
		late := alice + "/late"
		w.Send("<presence from='" + late + "' to='" + club + "/alice'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='1'/></x></presence>")
		w.Expect("<presence from='" + club + "/alice' to='" + late + "' type=''/>")
		w.Expect("<message type='groupchat' from='" + club + "/bob' to='" + late + "'><body>second</body><delay xmlns='urn:xmpp:delay' from='" + club + "'/></message>")
		w.Expect("<message type='groupchat' to='" + late + "'><subject/></message>")
		w.settle()
		for _, e := range w.Take() {
			if e.Name == "message" {
				t.Errorf("more than was wished: %s", e)
			}
		}
		w.Send("<presence from='" + late + "' to='" + club + "/alice' type='unavailable'/>")
		w.settle()
		w.Take()
		// XEP-0045 §7.14: the last one leaves the room on the network
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice' type='unavailable'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + laptop + "' type='unavailable'>" + item("none", "none", "110") + "</presence>")
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' type='unavailable'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'>" + item("none", "none", "110") + "</presence>")
		w.settle()
		if got := <-asked; got != "leave #club" {
			t.Errorf("asked for %q", got)
		}
		w.Quiet()
	})
}

// XEP-0045 §7.2.18: a client that takes itself to be in a room which its user is in gets
// the room's state, and no word of a removal; under another nick it is told that it is not.
func TestOutOfSync(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		joinClub(t, w, asked)
		w.settle()
		w.Take()
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + laptop + "' type=''>" + item("none", "participant", "110") + "</presence>")
		w.settle()
		w.Refute("<presence type='unavailable'/>")
		w.Take()
		w.Send("<presence from='" + alice + "/third' to='" + club + "/somebody'/>")
		w.Expect("<presence to='" + alice + "/third' type='unavailable'>" + item("none", "none", "110", "307", "333") + "</presence>")
	})
}

// XEP-0045 §7.2.1, §7.2.18, §7.2.5, §7.2.6
func TestJoinRefused(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		w.Send("<presence from='" + phone + "' to='" + club + "' id='n'>" + nsMUC + "</presence>")
		isError(t, w.Expect("<presence from='"+club+"' to='"+phone+"' type='error' id='n'/>"), "jid-malformed", "modify", "")
		w.Send("<presence from='" + phone + "' to='" + club + "/alice'/>")
		w.Expect("<presence from='" + club + "/alice' to='" + phone + "' type='unavailable'>" + item("none", "none", "110", "307", "333") + "</presence>")
		w.settle()
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j1'>" + nsMUC + "</presence>")
		w.settle()
		<-asked
		h := w.echo.Session("alice")
		for _, tt := range []struct {
			kind           legacy.Kind
			condition, typ string
		}{
			{legacy.Auth, "not-authorized", "auth"}, {legacy.Forbidden, "forbidden", "auth"},
			{legacy.MembersOnly, "registration-required", "auth"}, {legacy.Full, "service-unavailable", "wait"},
			{legacy.NotFound, "item-not-found", "cancel"},
		} {
			w.emit(h, legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(tt.kind, "no")})
			isError(t, w.Expect("<presence from='"+club+"/alice' to='"+phone+"' type='error' id='j1'/>"), tt.condition, tt.typ, "")
			w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j1'>" + nsMUC + "</presence>")
			w.settle()
		}
	})
}

// XEP-0045 §7.1: a join is answered, also when the network says nothing
func TestJoinUnanswered(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), users: []string{bob}}, func(t *testing.T, w *world) {
		w.Send("<presence from='" + phone + "' to='" + club + "/alice' id='j1'>" + nsMUC + "</presence>")
		w.pass(61 * time.Second)
		isError(t, w.Expect("<presence from='"+club+"/alice' to='"+phone+"' type='error' id='j1'/>"), "remote-server-timeout", "wait", "")
		h := w.signOn(bob + "/x")
		w.run(bob+"/x", "logout", "", "")
		legacytest.Expect[legacytest.SignOff](t, h)
		w.Send("<presence from='" + bob + "/x' to='" + club + "/bob' id='j2'>" + nsMUC + "</presence>")
		isError(t, w.Expect("<presence from='"+club+"/bob' to='"+bob+"/x' type='error' id='j2'/>"), "recipient-unavailable", "wait", "")
	})
}

// XEP-0045 §7.4, §7.5, §8.1
func TestRoomMessages(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked), echo: legacytest.Options{Silent: true}}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		groupchat := func(from, to, id, children string) {
			w.Send("<message type='groupchat' from='" + from + "' to='" + to + "' id='" + id + "'>" + children + "</message>")
		}
		groupchat(phone, club, "m1", "<body>hello</body>")
		w.Expect("<message type='groupchat' from='" + club + "/alice' to='" + phone + "' id='m1'><body>hello</body></message>")
		if sent := legacytest.Expect[legacytest.Send](t, h); sent.To != clubPeer || sent.Text != "hello" {
			t.Errorf("sent %+v", sent)
		}
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "hi"})
		w.Expect("<message type='groupchat' from='" + club + "/bob' to='" + phone + "'><body>hi</body></message>")
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Text: "from the server", Time: time.Unix(1, 0)})
		w.Expect("<message type='groupchat' from='" + club + "' to='" + phone + "'><body>from the server</body><delay xmlns='urn:xmpp:delay'/></message>")
		groupchat(phone, club, "s1", "<subject>new</subject>")
		w.settle()
		if got := <-asked; got != "topic #club new" {
			t.Errorf("asked for %q", got)
		}
		w.emit(h, legacy.TopicChanged{Room: clubPeer, Topic: legacy.Topic{Text: "new", By: "alice"}})
		w.Expect("<message type='groupchat' from='" + club + "/alice' to='" + phone + "'><subject>new</subject></message>")
		// from outside, to an occupant, to nobody
		groupchat(laptop, club, "o1", "<body>x</body>")
		isError(t, w.Expect("<message type='error' from='"+club+"' to='"+laptop+"' id='o1'/>"), "not-acceptable", "modify", "")
		groupchat(phone, club+"/bob", "o2", "<body>x</body>")
		isError(t, w.Expect("<message type='error' from='"+club+"/bob' to='"+phone+"' id='o2'/>"), "bad-request", "modify", "")
		w.message(phone, club+"/nobody", "o3", "x")
		isError(t, w.Expect("<message type='error' from='"+club+"/nobody' to='"+phone+"' id='o3'/>"), "item-not-found", "cancel", "")
		// XEP-0045 §7.8.2, XEP-0249 §2
		w.Send("<message from='" + phone + "' to='" + club + "' id='i1'><x xmlns='" + nsUser + "'><invite to='carol@" + gw + "'/></x></message>")
		w.settle()
		if got := <-asked; got != "invite #club carol" {
			t.Errorf("asked for %q", got)
		}
		w.Send("<message from='" + phone + "' to='" + club + "' id='i2'><x xmlns='" + nsUser + "'><invite to='x@elsewhere.example'/></x></message>")
		w.Expect("<message from='" + club + "' to='x@elsewhere.example'><x xmlns='" + nsUser + "'><invite from='" + alice + "'/></x></message>")
		direct := func(from, id, room string) {
			w.Send("<message from='" + from + "' to='carol@" + gw + "' id='" + id + "'><body>come</body><x xmlns='jabber:x:conference' jid='" + room + "'/></message>")
		}
		direct(phone, "i3", club)
		w.hear(asked, "invite #club carol")
		w.Quiet()
		direct(phone, "i4", "#never@"+gw)
		isError(t, w.Expect("<message type='error' id='i4'/>"), "not-acceptable", "cancel", "")
		direct(phone, "i5", "room@conference.example.org") // for somebody of XMPP
		if sent := legacytest.Expect[legacytest.Send](t, h); sent.To.ID != "carol" || sent.Text != "come" {
			t.Errorf("sent %+v", sent)
		}
		// XEP-0030 §6.2
		rooms, _ := w.ask("get", phone, gw, "d", "<query xmlns='http://jabber.org/protocol/disco#items'/>")
		w.mustMatch(rooms, "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#items'><item jid='"+club+"' name='#club'/></query></iq>")
		w.emit(h, legacy.Invited{Room: legacy.Peer{ID: "#other", Room: true}, By: legacy.Peer{ID: "bob"}})
		w.Expect("<message from='#other@" + gw + "' to='" + alice + "'><x xmlns='jabber:x:conference' jid='#other@" + gw + "'/></message>")
		w.message(phone, club+"/bob", "p1", "psst")
		w.settle()
		if sent := legacytest.Expect[legacytest.Send](t, h); sent.To.ID != "bob" || sent.Text != "psst" {
			t.Errorf("sent %+v", sent)
		}
		w.Quiet()
	})
}

// XEP-0045 §7.6, §8.2, §9.1: nicks, and those who are thrown out
func TestOccupants(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: "dave"}})
		w.Expect("<presence from='" + club + "/dave' to='" + phone + "' type=''>" + item("none", "participant") + "</presence>")
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "dave", New: "dora"})
		w.Expect("<presence from='" + club + "/dave' type='unavailable'><x xmlns='" + nsUser + "'><item nick='dora' role='participant'/><status code='303'/></x></presence>")
		w.Expect("<presence from='" + club + "/dora' type=''/>")
		w.emit(h, legacy.OccupantLeft{Room: clubPeer, Nick: "dora", Kind: legacy.LeftKicked, By: "bob", Reason: "rude"})
		w.Expect("<presence from='" + club + "/dora' type='unavailable'><status>rude</status><x xmlns='" + nsUser + "'><item role='none'><actor nick='bob'/><reason>rude</reason></item><status code='307'/></x></presence>")
		w.Send("<presence from='" + phone + "' to='" + club + "/alicia'/>")
		w.settle()
		if got := <-asked; got != "nick alicia" {
			t.Errorf("asked for %q", got)
		}
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "alice", New: "alicia"})
		w.Expect("<presence from='" + club + "/alice' type='unavailable'><x xmlns='" + nsUser + "'><item nick='alicia' role='participant'/><status code='303'/><status code='110'/></x></presence>")
		w.Expect("<presence from='" + club + "/alicia' type=''>" + item("none", "participant", "110") + "</presence>")
		// XEP-0410 §3
		w.Send("<iq type='get' from='" + phone + "' to='" + club + "/alicia' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
		w.Expect("<iq type='result' id='p1'/>")
		w.Send("<iq type='get' from='" + laptop + "' to='" + club + "/alicia' id='p2'><ping xmlns='urn:xmpp:ping'/></iq>")
		isError(t, w.Expect("<iq type='error' id='p2'/>"), "not-acceptable", "cancel", "")
		w.emit(h, legacy.RoomLeft{Room: clubPeer, Kind: legacy.LeftBanned, By: "bob", Reason: "enough"})
		w.Expect("<presence from='" + club + "/alicia' to='" + phone + "' type='unavailable'><x xmlns='" + nsUser + "'><item affiliation='outcast' role='none'/><status code='301'/><status code='110'/></x></presence>")
	})
}

// XEP-0045 §8.2, §8.3, §9.6
func TestModeration(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		for i, tt := range []struct{ item, want string }{
			{"<item nick='bob' role='none'><reason>out</reason></item>", "{Nick:bob Kick:true Ban:false Level:0 Reason:out}"},
			{"<item nick='bob' role='participant'/>", "{Nick:bob Kick:false Ban:false Level:1 Reason:}"},
			{"<item nick='bob' role='moderator'/>", "{Nick:bob Kick:false Ban:false Level:3 Reason:}"},
			{"<item jid='bob@" + gw + "' affiliation='outcast'/>", "{Nick:bob Kick:false Ban:true Level:0 Reason:}"},
			{"<item nick='bob' affiliation='member' role='participant'/>", "{Nick:bob Kick:false Ban:false Level:1 Reason:}"},
			{"<item jid='" + club + "/bob' affiliation='owner'/>", "{Nick:bob Kick:false Ban:false Level:3 Reason:}"},
		} {
			id := fmt.Sprint("k", i)
			w.Send("<iq type='set' from='" + phone + "' to='" + club + "' id='" + id + "'><query xmlns='http://jabber.org/protocol/muc#admin'>" + tt.item + "</query></iq>")
			w.settle()
			words := strings.SplitN(<-asked, " ", 4)
			if words[0] != "moderate" || words[3] != tt.want {
				t.Errorf("asked for %q, want %s", words, tt.want)
			}
			if i == 1 {
				w.emit(h, legacy.Done{Ref: words[1], Err: legacy.Errorf(legacy.Forbidden, "no operator")})
				isError(t, w.Expect("<iq type='error' id='"+id+"'/>"), "forbidden", "auth", "")
				continue
			}
			w.emit(h, legacy.Done{Ref: words[1]})
			w.Expect("<iq type='result' id='" + id + "'/>")
		}
		w.Send("<iq type='set' from='" + phone + "' to='" + club + "' id='b'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='bob' role='none' affiliation='none'/></query></iq>")
		isError(t, w.Expect("<iq type='error' id='b'/>"), "bad-request", "modify", "")
		w.Send("<iq type='get' from='" + phone + "' to='" + club + "' id='l'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner'/></query></iq>")
		w.Expect("<iq type='result' id='l'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='bob' affiliation='owner'/></query></iq>")
	})
}

// A network that is lost: the gateway enters the room again by itself, and tells
// what is different.
func TestRoomsAfterLoss(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.settle()
		w.Take()
		h.End(legacy.Errorf(legacy.Temporary, "The connection was lost."))
		w.Expect("<message type='groupchat' from='" + club + "' to='" + phone + "'><body/></message>")
		w.pass(time.Minute)
		if got := <-asked; got != "join #club " {
			t.Errorf("asked for %q", got)
		}
		w.emit(w.echo.Session("alice"), legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob"}}})
		w.Expect("<presence from='" + club + "/zoe' to='" + phone + "' type='unavailable'/>")
		w.Expect("<presence from='" + club + "/bob' to='" + phone + "' type=''>" + item("none", "participant") + "</presence>")
	})
}
