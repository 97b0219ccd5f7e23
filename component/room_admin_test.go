package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/legacy"
)

const (
	nsAdmin  = "http://jabber.org/protocol/muc#admin"
	nsOwner  = "http://jabber.org/protocol/muc#owner"
	nsConfig = "http://jabber.org/protocol/muc#roomconfig"
	nsData   = "jabber:x:data"
	nsInfo   = "http://jabber.org/protocol/disco#info"
)

// XEP-0045 §9.1, §9.2: the list of who is kept out, and changes of it
func TestBans(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		// XEP-0045 §9.2
		w.ask("get", phone, club, "b", "<query xmlns='"+nsAdmin+"'><item affiliation='outcast'/></query>")
		ref := w.hear(asked, "bans * #club")
		w.emit(h, legacy.BansReceived{Ref: ref, Bans: []legacy.Ban{{Mask: "*!*@host.example", By: "bob", Time: time.Unix(0, 0)}, {Mask: "evil"}}})
		list := w.Expect("<iq type='result' id='b'/>")
		w.mustMatch(list, "<iq><query xmlns='"+nsAdmin+"'><item affiliation='outcast' jid='*!*\\40host.example@"+gw+"'><reason>by bob on 1970-01-01</reason></item><item affiliation='outcast' jid='evil@"+gw+"'/></query></iq>")
		w.ask("get", phone, club, "b2", "<query xmlns='"+nsAdmin+"'><item affiliation='outcast'/></query>")
		w.emit(h, legacy.BansReceived{Ref: w.hear(asked, "bans * #club"), Err: legacy.Errorf(legacy.Forbidden, "no operator")})
		isError(t, w.Expect("<iq type='error' id='b2'/>"), "forbidden", "auth", "")
		// XEP-0045 §9.1, §9.2: by mask, by nick, by occupant, by contact, in the room or not
		for i, tt := range []struct{ item, want string }{
			{"<item affiliation='outcast' jid='*!*\\40host.example@" + gw + "'/>", "ban * #club *!*@host.example true"},
			{"<item affiliation='none' jid='*!*\\40host.example@" + gw + "'/>", "ban * #club *!*@host.example false"},
			{"<item affiliation='outcast' jid='gone@" + gw + "'/>", "ban * #club gone true"},
			{"<item affiliation='outcast' jid='" + club + "/gone'/>", "ban * #club gone true"},
			{"<item affiliation='outcast' nick='bob'/>", "moderate * #club {Nick:bob Kick:false Ban:true Level:0 Reason:}"},
			{"<item affiliation='outcast' jid='" + club + "/bob'/>", "moderate * #club {Nick:bob Kick:false Ban:true Level:0 Reason:}"},
			{"<item affiliation='outcast' jid='bob@" + gw + "'><reason>out</reason></item>", "moderate * #club {Nick:bob Kick:false Ban:true Level:0 Reason:out}"},
			{"<item affiliation='none' jid='bob@" + gw + "'/>", "moderate * #club {Nick:bob Kick:false Ban:false Level:0 Reason:}"},
		} {
			id := fmt.Sprint("k", i)
			answer, _ := w.ask("set", phone, club, id, "<query xmlns='"+nsAdmin+"'>"+tt.item+"</query>")
			if answer != nil {
				t.Errorf("%s is answered before it is done: %s", tt.item, answer)
				continue
			}
			w.emit(h, legacy.Done{Ref: w.hear(asked, tt.want)})
			w.Expect("<iq type='result' id='" + id + "' from='" + club + "'/>")
		}
		// XEP-0045 §9.7: several at once are answered when the last one is done
		w.ask("set", phone, club, "two", "<query xmlns='"+nsAdmin+"'><item affiliation='outcast' jid='one@"+gw+"'/><item affiliation='none' jid='two@"+gw+"'/></query>")
		w.emit(h, legacy.Done{Ref: w.hear(asked, "ban * #club one true")})
		w.Quiet()
		w.emit(h, legacy.Done{Ref: w.hear(asked, "ban * #club two false")})
		w.Expect("<iq type='result' id='two'/>")
		answer, _ := w.ask("set", phone, club, "half", "<query xmlns='"+nsAdmin+"'><item affiliation='outcast' jid='one@"+gw+"'/><item affiliation='chief' jid='two@"+gw+"'/></query>")
		isError(t, answer, "bad-request", "modify", "")
		w.nothingAsked(asked)
	})
}

// XEP-0045 §8.2 to §9.7: what cannot be done
func TestModerationRefused(t *testing.T) {
	asked := make(chan string, 1000)
	for name, network := range map[string]func(chan string) func(legacy.Network) legacy.Network{"with bans": newCity, "without": newRoomy} {
		t.Run(name, func(t *testing.T) {
			stage(t, setup{network: network(asked)}, func(t *testing.T, w *world) {
				joinClub(t, w, asked)
				w.Take()
				for _, tt := range []struct{ items, condition, typ string }{
					{"", "bad-request", "modify"},
					{"<item nick='bob'/>", "bad-request", "modify"},
					{"<item role='none'/>", "bad-request", "modify"},
					{"<item nick='bob' role='none' affiliation='outcast'/>", "bad-request", "modify"},
					{"<item nick='bob' role='chief'/>", "bad-request", "modify"},
					{"<item nick='bob' role='outcast'/>", "bad-request", "modify"},
					{"<item nick='bob' role='owner'/>", "bad-request", "modify"},
					{"<item nick='bob' affiliation='moderator'/>", "bad-request", "modify"},
					{"<item nick='nobody' role='none'/>", "item-not-found", "cancel"},
					{"<item nick='nobody' role='moderator'/>", "item-not-found", "cancel"},
					{"<item nick='nobody' affiliation='outcast'/>", "item-not-found", "cancel"},
					{"<item jid='nobody@" + gw + "' affiliation='admin'/>", "item-not-found", "cancel"},
					// nothing of this network's: a mask of its first half would hit everybody
					{"<item jid='*!*@host.example' affiliation='outcast'/>", "item-not-found", "cancel"},
					{"<item jid='eve@elsewhere.example' affiliation='outcast'/>", "item-not-found", "cancel"},
					{"<item jid='" + club + "' affiliation='outcast'/>", "item-not-found", "cancel"},
					{"<item jid='" + gw + "' affiliation='outcast'/>", "item-not-found", "cancel"},
					{"<item jid='@' affiliation='outcast'/>", "item-not-found", "cancel"},
				} {
					answer, _ := w.ask("set", phone, club, "m", "<query xmlns='"+nsAdmin+"'>"+tt.items+"</query>")
					if answer == nil {
						t.Errorf("%s is not answered; the network is asked for %q", tt.items, <-asked)
						continue
					}
					isError(t, answer, tt.condition, tt.typ, "")
				}
				w.nothingAsked(asked)
				// XEP-0045 §17.2: by somebody who is not there
				answer, _ := w.ask("set", laptop, club, "m", "<query xmlns='"+nsAdmin+"'><item nick='bob' role='none'/></query>")
				isError(t, answer, "not-acceptable", "cancel", "")
				answer, _ = w.ask("get", phone, club, "l", "<query xmlns='"+nsAdmin+"'><item role='moderator'/></query>")
				w.mustMatch(answer, "<iq type='result'><query xmlns='"+nsAdmin+"'><item nick='bob' role='moderator' affiliation='owner'/></query></iq>")
				// XEP-0045 §9.5: Converse takes the nick for a role that is listed there.
				answer, _ = w.ask("get", phone, club, "o", "<query xmlns='"+nsAdmin+"'><item affiliation='owner'/></query>")
				if listed := answer.Child(nsAdmin, "query").Child(nsAdmin, "item"); listed.Attr("nick") != "bob" || listed.Attr("affiliation") != "owner" || listed.Attr("role") != "" {
					t.Errorf("listed as %v", listed)
				}
			})
		})
	}
}

// On a network of services a contact's name is longer than their nick.
func TestBansAtService(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCityOfServices(asked), echo: silence}, func(t *testing.T, w *world) {
		const room = "#club%irc.net@" + gw
		peer := legacy.Peer{ID: "#club%irc.net", Room: true}
		w.Send("<presence from='" + phone + "' to='" + room + "/alice'>" + nsMUC + "</presence>")
		w.hear(asked, "join #club%irc.net ")
		w.emit(w.echo.Session("alice"), legacy.RoomJoined{Room: peer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob"}}})
		w.Take()
		for _, tt := range []struct{ item, want string }{
			{"<item affiliation='outcast' jid='gone%irc.net@" + gw + "'/>", "ban * #club%irc.net gone true"},
			{"<item affiliation='outcast' jid='gone%other.net@" + gw + "'/>", "ban * #club%irc.net gone%other.net true"},
			{"<item affiliation='outcast' jid='bob%irc.net@" + gw + "'/>", "moderate * #club%irc.net {Nick:bob Kick:false Ban:true Level:0 Reason:}"},
			{"<item affiliation='outcast' jid='*!*\\40host@" + gw + "'/>", "ban * #club%irc.net *!*@host true"},
		} {
			w.ask("set", phone, room, "b", "<query xmlns='"+nsAdmin+"'>"+tt.item+"</query>")
			w.hear(asked, tt.want)
		}
	})
}

// configForm is a filled-in form of a room's settings.
func roomConfig(fields ...string) string {
	return "<query xmlns='" + nsOwner + "'>" + submit(append([]string{"FORM_TYPE", nsConfig}, fields...)...) + "</query>"
}

// XEP-0045 §10.2: the settings of a room
func TestRoomConfig(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		have := legacy.RoomConfig{TopicLocked: true, InviteOnly: true, Password: "sesame", Limit: 7}
		tell := func(c legacy.RoomConfig) {
			t.Helper()
			w.emit(h, legacy.RoomConfigReceived{Ref: w.hear(asked, "config * #club"), Config: c})
		}
		// XEP-0045 §10.2, §16.3: the form
		w.ask("get", phone, club, "g", "<query xmlns='"+nsOwner+"'/>")
		tell(have)
		form := w.Expect("<iq type='result' id='g' from='"+club+"'/>").Child(nsOwner, "query").Child(nsData, "x")
		for name, want := range map[string]string{"FORM_TYPE": nsConfig, "muc#roomconfig_changesubject": "0", "muc#roomconfig_moderatedroom": "0",
			"muc#roomconfig_membersonly": "1", "muc#roomconfig_publicroom": "1", "muc#roomconfig_passwordprotectedroom": "1",
			"muc#roomconfig_roomsecret": "sesame", "muc#roomconfig_maxusers": "7", "record_history": "true", "persistent": "false", "encoding": "utf-8"} {
			if got := strings.Join(formValues(form, name), ","); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		// XEP-0045 §10.2: what is different is changed, the rest stays
		for i, tt := range []struct {
			fields []string
			want   string
		}{
			{[]string{"muc#roomconfig_changesubject", "1"}, "{TopicLocked:false Moderated:false InviteOnly:true Hidden:false Password:sesame Limit:7}"},
			{[]string{"muc#roomconfig_publicroom", "false", "muc#roomconfig_moderatedroom", "true"}, "{TopicLocked:true Moderated:true InviteOnly:true Hidden:true Password:sesame Limit:7}"},
			{[]string{"muc#roomconfig_passwordprotectedroom", "0", "muc#roomconfig_roomsecret", "sesame"}, "{TopicLocked:true Moderated:false InviteOnly:true Hidden:false Password: Limit:7}"},
			{[]string{"muc#roomconfig_roomsecret", ""}, "{TopicLocked:true Moderated:false InviteOnly:true Hidden:false Password: Limit:7}"},
			{[]string{"muc#roomconfig_passwordprotectedroom", "1", "muc#roomconfig_roomsecret", "open"}, "{TopicLocked:true Moderated:false InviteOnly:true Hidden:false Password:open Limit:7}"},
			{[]string{"muc#roomconfig_maxusers", "none"}, "{TopicLocked:true Moderated:false InviteOnly:true Hidden:false Password:sesame Limit:0}"},
			{[]string{"muc#roomconfig_maxusers", "20"}, "{TopicLocked:true Moderated:false InviteOnly:true Hidden:false Password:sesame Limit:20}"},
			{[]string{"muc#roomconfig_maxusers", "7", "muc#roomconfig_passwordprotectedroom", "1", "muc#roomconfig_roomsecret", ""}, ""},
			{[]string{"muc#roomconfig_roomname", "whatever"}, ""},
		} {
			id := fmt.Sprint("s", i)
			w.ask("set", phone, club, id, roomConfig(tt.fields...))
			tell(have)
			if tt.want != "" {
				w.emit(h, legacy.Done{Ref: w.hear(asked, "set * #club "+tt.want)})
			}
			w.Expect("<iq type='result' id='" + id + "'/>")
			w.nothingAsked(asked)
		}
		// XEP-0045 §10.2: bad values, of which nothing is taken
		for i, fields := range [][]string{{"muc#roomconfig_maxusers", "many"}, {"muc#roomconfig_maxusers", "-1"}, {"muc#roomconfig_maxusers", "99999999999999999999"}} {
			id := fmt.Sprint("w", i)
			w.ask("set", phone, club, id, roomConfig(append(fields, "persistent", "1", "muc#roomconfig_moderatedroom", "1")...))
			tell(have)
			isError(t, w.Expect("<iq type='error' id='"+id+"'/>"), "not-acceptable", "modify", "")
			w.nothingAsked(asked)
		}
		w.ask("set", phone, club, "p", roomConfig("muc#roomconfig_passwordprotectedroom", "1"))
		tell(legacy.RoomConfig{})
		isError(t, w.Expect("<iq type='error' id='p'/>"), "not-acceptable", "modify", "")
		// refused by the network
		w.ask("set", phone, club, "f", roomConfig("muc#roomconfig_moderatedroom", "1"))
		tell(have)
		w.emit(h, legacy.Done{Ref: w.hear(asked, "set * #club {TopicLocked:true Moderated:true InviteOnly:true Hidden:false Password:sesame Limit:7}"), Err: legacy.Errorf(legacy.Forbidden, "no operator")})
		isError(t, w.Expect("<iq type='error' id='f'/>"), "forbidden", "auth", "")
		w.ask("get", phone, club, "e", "<query xmlns='"+nsOwner+"'/>")
		w.emit(h, legacy.RoomConfigReceived{Ref: w.hear(asked, "config * #club"), Err: legacy.Errorf(legacy.Temporary, "lost")})
		isError(t, w.Expect("<iq type='error' id='e'/>"), "remote-server-timeout", "wait", "")
		// XEP-0045 §10.1.2, §10.2: cancelled, and nothing filled in
		for _, x := range []string{"<x xmlns='" + nsData + "' type='cancel'/>", "<x xmlns='" + nsData + "' type='submit'/>", ""} {
			answer, _ := w.ask("set", phone, club, "c", "<query xmlns='"+nsOwner+"'>"+x+"</query>")
			w.mustMatch(answer, "<iq type='result'/>")
		}
		w.nothingAsked(asked)
		// XEP-0045 §10.2.1: everybody hears that the settings are others
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Text: "bob has changed the settings."})
		w.Expect("<message type='groupchat' from='" + club + "' to='" + phone + "'><x xmlns='" + nsUser + "'><status code='104'/></x></message>")
	})
}

// XEP-0045 §5.1, §5.2: ranks as affiliations and roles, and what asking for these comes
// to
func TestRanks(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		for level, want := range [][2]string{{"none", "participant"}, {"member", "participant"}, {"admin", "moderator"}, {"owner", "moderator"}, {"owner", "moderator"}} {
			nick := fmt.Sprint("n", level)
			w.emit(h, legacy.OccupantJoined{Room: clubPeer, Occupant: legacy.Occupant{Nick: nick, Level: legacy.Level(level)}})
			w.Next("<presence from='" + club + "/" + nick + "'>" + item(want[0], want[1]) + "</presence>")
		}
		ask := func(id, item string) *element.Element {
			answer, _ := w.ask("set", phone, club, id, "<query xmlns='"+nsAdmin+"'>"+item+"</query>")
			return answer
		}
		for i, tt := range []struct {
			item  string
			level int
		}{
			{"<item nick='n0' role='moderator'/>", 3}, // Converse: /op, /deop, /voice, /mute
			{"<item nick='n3' role='participant'/>", 1},
			{"<item nick='n0' role='participant'/>", 1},
			{"<item nick='n1' role='visitor'/>", 0},
			{"<item nick='n4' role='moderator'/>", 4}, // a founder stays one
			{"<item nick='n2' role='moderator'/>", 3},
			{"<item jid='n0@" + gw + "' affiliation='owner'/>", 3}, // Gajim; Converse: /owner, /admin, /member, /revoke
			{"<item jid='n4@" + gw + "' affiliation='owner'/>", 4},
			{"<item jid='n0@" + gw + "' affiliation='admin'/>", 2},
			{"<item jid='n3@" + gw + "' affiliation='admin'/>", 2},
			{"<item jid='n3@" + gw + "' affiliation='member'/>", 1},
			{"<item jid='n4@" + gw + "' affiliation='none'/>", 0},
			{"<item jid='" + alice + "' affiliation='none'/>", 0},
		} {
			if answer := ask(fmt.Sprint(i), tt.item); answer != nil {
				t.Errorf("%s is answered by %s", tt.item, answer)
				continue
			}
			got := w.hearAny(asked)
			if want := fmt.Sprintf("Kick:false Ban:false Level:%d Reason:}", tt.level); !strings.HasSuffix(got, want) {
				t.Errorf("for %s the network is asked for %q, want %s", tt.item, got, want)
			}
			w.emit(h, legacy.Done{Ref: strings.Fields(got)[1]})
			w.Next("<iq type='result' id='" + fmt.Sprint(i) + "'/>")
		}
		// Where everybody may speak, an operator who becomes a participant needs no voice, and
		// nobody can be a visitor.
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Config: &legacy.RoomConfig{}})
		ask("u", "<item nick='n3' role='participant'/>")
		w.hear(asked, "moderate * #club {Nick:n3 Kick:false Ban:false Level:0 Reason:}")
		answer := ask("m", "<item nick='n1' role='visitor'/>")
		isError(t, answer, "not-allowed", "cancel", "")
		if !strings.Contains(answer.String(), "not moderated") {
			t.Errorf("nobody is told what to do: %s", answer)
		}
		// In a moderated room those without a voice are visitors.
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer, Config: &legacy.RoomConfig{Moderated: true}})
		ask("d", "<item nick='n3' role='participant'/>")
		w.hear(asked, "moderate * #club {Nick:n3 Kick:false Ban:false Level:1 Reason:}")
		ask("v", "<item nick='n1' role='visitor'/>")
		w.hear(asked, "moderate * #club {Nick:n1 Kick:false Ban:false Level:0 Reason:}")
		answer = ask("g", "<item jid='gone@"+gw+"' affiliation='owner'/>")
		isError(t, answer, "item-not-found", "cancel", "")
		if !strings.Contains(answer.String(), "<text") {
			t.Errorf("nobody is told why: %s", answer)
		}
	})
}

// XEP-0045 §6.4: what a room is like, before and after joining
func TestRoomInfo(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		check := func(info *element.Element, features ...string) {
			t.Helper()
			w.mustMatch(info, "<iq type='result' from='"+club+"'><query xmlns='"+nsInfo+"' node=''><identity category='conference' type='text' name='#club'/>"+
				"<x xmlns='"+nsData+"' type='result'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roominfo</value></field></x></query></iq>")
			for _, name := range append(features, nsInfo, "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#stable_id", "urn:xmpp:sid:0",
				"urn:xmpp:occupant-id:0", "urn:xmpp:ping", "http://jabber.org/protocol/muc#self-ping-optimization", nsMAM, nsMAM+"#extended") {
				if !hasFeature(info, name) {
					t.Errorf("%s is missing: %s", name, info)
				}
			}
		}
		info, _ := w.ask("get", bob+"/x", club, "i", "<query xmlns='"+nsInfo+"'/>")
		check(info, "muc_semianonymous", "muc_persistent")
		// What is not known of a room is not guessed.
		unknown := func(info *element.Element) {
			t.Helper()
			for _, name := range []string{"muc_public", "muc_hidden", "muc_open", "muc_membersonly", "muc_moderated", "muc_unmoderated",
				"muc_unsecured", "muc_passwordprotected", "muc_nonanonymous"} {
				if hasFeature(info, name) {
					t.Errorf("nobody knows of %s: %s", name, info)
				}
			}
		}
		unknown(info)
		if strings.Count(info.String(), "<identity ") != 1 {
			t.Errorf("the room is more than one thing: %s", info)
		}
		h := joinClub(t, w, asked)
		w.Take()
		// What the network has not told is asked for, once.
		w.ask("get", phone, club, "i", "<query xmlns='"+nsInfo+"'/>")
		w.emit(h, legacy.RoomConfigReceived{Ref: w.hear(asked, "config * #club"), Config: legacy.RoomConfig{Hidden: true, InviteOnly: true, Moderated: true, Password: "x"}})
		check(w.Expect("<iq id='i'/>"), "muc_hidden", "muc_membersonly", "muc_semianonymous", "muc_moderated", "muc_passwordprotected")
		info, _ = w.ask("get", phone, club, "i", "<query xmlns='"+nsInfo+"'/>")
		check(info, "muc_hidden")
		w.mustMatch(info, "<iq><query xmlns='"+nsInfo+"'><x xmlns='"+nsData+"'><field var='muc#roominfo_occupants'><value>3</value></field><field var='muc#roominfo_subject'><value>all sorts</value></field><field var='muc#roominfo_subjectmod'><value>true</value></field><field var='muc#roominfo_changesubject'><value>true</value></field></x></query></iq>")
		w.emit(h, legacy.RoomConfigChanged{Room: clubPeer})
		w.ask("get", phone, club, "i", "<query xmlns='"+nsInfo+"'/>")
		w.emit(h, legacy.RoomConfigReceived{Ref: w.hear(asked, "config * #club"), Err: legacy.Errorf(legacy.Forbidden, "no")})
		info = w.Expect("<iq id='i'/>")
		check(info)
		unknown(info)
		// XEP-0030 §3.2, XEP-0045 §17.4: nodes
		for node, condition := range map[string]string{"nonsense": "item-not-found"} {
			info, _ = w.ask("get", phone, club, "n", "<query xmlns='"+nsInfo+"' node='"+node+"'/>")
			isError(t, info, condition, "cancel", "")
		}
		traffic, _ := w.ask("get", phone, club, "n", "<query xmlns='"+nsInfo+"' node='http://jabber.org/protocol/muc#traffic'/>")
		w.mustMatch(traffic, "<iq type='result'><query node='http://jabber.org/protocol/muc#traffic' xmlns='"+nsInfo+"'><feature var='http://jabber.org/protocol/xhtml-im'/></query></iq>")
		version, _ := w.ask("get", phone, club, "n", "<query xmlns='jabber:iq:version'/>")
		w.mustMatch(version, "<iq type='result'><query xmlns='jabber:iq:version'><name>transport</name></query></iq>")
		// XEP-0045 §6.5: no list of occupants
		items, _ := w.ask("get", phone, club, "t", "<query xmlns='http://jabber.org/protocol/disco#items'/>")
		if items.Attr("type") != "result" || items.First().Count() != 0 {
			t.Errorf("items: %s", items)
		}
		// XEP-0045 §17.4: somebody there is a person, and what the room is called and about
		person, _ := w.ask("get", phone, club+"/bob", "o", "<query xmlns='"+nsInfo+"'/>")
		w.mustMatch(person, "<iq type='result' from='"+club+"/bob'><query xmlns='"+nsInfo+"'><identity category='client' type='pc'/></query></iq>")
		items, _ = w.ask("get", phone, club+"/bob", "o", "<query xmlns='http://jabber.org/protocol/disco#items'/>")
		w.mustMatch(items, "<iq type='result' from='"+club+"/bob'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>")
		for _, from := range []string{phone, laptop} {
			card, _ := w.ask("get", from, club, "v", "<vCard xmlns='vcard-temp'/>")
			w.mustMatch(card, "<iq type='result' from='"+club+"'><vCard xmlns='vcard-temp'><FN>#club</FN><DESC>all sorts</DESC></vCard></iq>")
		}
		// XEP-0410 §3: nobody else's ping is answered for them
		answer, _ := w.ask("get", phone, club+"/bob", "p", "<ping xmlns='urn:xmpp:ping'/>")
		isError(t, answer, "service-unavailable", "cancel", "")
		// XEP-0045 §7.13
		w.Send("<message from='" + phone + "' to='" + club + "' id='voice'><x xmlns='" + nsData + "' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x></message>")
		isError(t, w.Next("<message type='error' id='voice'/>"), "not-allowed", "cancel", "")
		// XEP-0045 §6.6, §7.10, §17.4
		for _, tt := range []struct{ typ, from, to, payload, condition, errType string }{
			{"get", laptop, club + "/bob", "<query xmlns='" + nsInfo + "'/>", "bad-request", "modify"},
			{"get", laptop, club + "/bob", "<query xmlns='jabber:iq:version'/>", "not-acceptable", "cancel"},
			{"get", phone, club + "/nobody", "<query xmlns='jabber:iq:version'/>", "item-not-found", "cancel"},
			{"get", phone, club + "/bob", "<query xmlns='urn:xmpp:blocking'/>", "service-unavailable", "cancel"},
			{"set", phone, club + "/bob", "<vCard xmlns='vcard-temp'/>", "service-unavailable", "cancel"},
			{"get", phone, club, "<query xmlns='jabber:iq:register'/>", "service-unavailable", "cancel"},
			{"get", bob + "/x", club, "<query xmlns='jabber:iq:register'/>", "service-unavailable", "cancel"},
			{"set", laptop, club, "<query xmlns='" + nsOwner + "'><destroy/></query>", "not-acceptable", "cancel"},
			{"get", laptop, club + "/bob", "<query xmlns='" + nsOwner + "'/>", "not-acceptable", "cancel"},
		} {
			answer, _ := w.ask(tt.typ, tt.from, tt.to, "q", tt.payload)
			isError(t, answer, tt.condition, tt.errType, "")
		}
	})
}

// XEP-0045 §10.9: a room that is destroyed is left, for all clients
func TestDestroy(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		joinClub(t, w, asked)
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.settle()
		w.Take()
		w.Send("<iq type='set' from='" + phone + "' to='" + club + "' id='d'><query xmlns='" + nsOwner + "'><destroy><reason>enough</reason></destroy></query></iq>")
		w.Next("<iq type='result' id='d'/>")
		for _, to := range []string{phone, laptop} {
			w.Expect("<presence type='unavailable' from='" + club + "/alice' to='" + to + "'><x xmlns='" + nsUser + "'><item affiliation='none' role='none'/><destroy/></x></presence>")
		}
		w.Quiet()
		w.hear(asked, "leave #club")
	})
}
