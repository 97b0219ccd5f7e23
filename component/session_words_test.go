package component_test

import (
	"slices"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// What FuzzSession is made of.

// template is a stanza. to is "" for any receiver.
type template struct{ name, typ, to, inner string }

var (
	senders   = []string{phone, laptop, alice, bob + "/x", "carol@elsewhere.example/y"}
	receivers = []string{gw, carol, club, club + "/alice", club + "/bob", bob2, "#other@" + gw + "/alice", gw + "/echo", carol + "/echo", "dave@" + gw}
	types     = []string{"", "get", "set", "result", "error", "chat", "groupchat", "headline", "normal", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "unavailable", "probe", "odd"}
	fragments = []string{"<body>x</body>", "<x/>", "type='submit'", "'", "\"", "&amp;", "<", ">", "☃", "ß", "/", "@", "\\20", "#club", "alice", "action='cancel'", "action='complete'", "<value>1</value>",
		"<item nick='bob' role='none'/>", "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>", "xmlns='jabber:x:data'", "-1", "99999999999999999999", "<subject/>", "xml:lang='en'", " ", "\n", nsMUC}
)

// command is an IQ that runs a stage of a command.
func command(node, more string) template {
	return template{"iq", "set", gw, "<command xmlns='" + nsCommands + "' node='" + node + "' " + more + "/>"}
}

// next is an IQ that answers the form of the last command.
func next(node, form string) template {
	return template{"iq", "set", gw, "<command xmlns='" + nsCommands + "' node='" + node + "' sessionid='{sid}'>" + form + "</command>"}
}

var stanzas = append([]template{
	{"iq", "get", gw, "<query xmlns='jabber:iq:register'/>"},
	{"iq", "set", gw, plain("alice", hidden)},
	{"iq", "set", gw, submitForm("submit", "alice", hidden)},
	{"iq", "set", gw, plain("alice", "wrong")},
	{"iq", "set", gw, registerQuery("<remove/>")},
	{"iq", "get", "", "<query xmlns='" + nsInfo + "'/>"},
	{"iq", "get", "", "<query xmlns='" + nsItems + "'/>"},
	{"iq", "get", gw, "<query xmlns='" + nsItems + "' node='" + nsCommands + "'/>"},
	{"iq", "get", "", "<ping xmlns='urn:xmpp:ping'/>"},
	{"iq", "get", "", "<vCard xmlns='vcard-temp'/>"},
	{"iq", "get", "", "<query xmlns='jabber:iq:version'/>"},
	{"iq", "get", "", "<query xmlns='jabber:iq:last'/>"},
	{"iq", "get", "", "<time xmlns='urn:xmpp:time'/>"},
	{"iq", "get", gw, "<query xmlns='jabber:iq:gateway'/>"},
	{"iq", "set", gw, "<query xmlns='jabber:iq:gateway'><prompt>carol</prompt></query>"},
	{"iq", "get", gw, "<query xmlns='" + nsSearch + "'/>"},
	{"iq", "set", gw, "<query xmlns='" + nsSearch + "'><nick>bob</nick></query>"},
	{"iq", "get", "", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:data'/></pubsub>"},
	{"iq", "get", gw, "<blocklist xmlns='" + nsBlocking + "'/>"},
	{"iq", "set", gw, "<block xmlns='" + nsBlocking + "'><item jid='" + carol + "'/></block>"},
	{"iq", "set", gw, "<unblock xmlns='" + nsBlocking + "'/>"},
	{"iq", "get", club, "<query xmlns='" + nsAdmin + "'><item affiliation='outcast'/></query>"},
	{"iq", "set", club, "<query xmlns='" + nsAdmin + "'><item nick='bob' role='none'><reason>out</reason></item></query>"},
	{"iq", "set", club, "<query xmlns='" + nsAdmin + "'><item jid='" + bob2 + "' affiliation='outcast'/></query>"},
	{"iq", "get", club, "<query xmlns='" + nsOwner + "'/>"},
	{"iq", "set", club, "<query xmlns='" + nsOwner + "'>" + submit("FORM_TYPE", nsConfig, "muc#roomconfig_moderatedroom", "1") + "</query>"},
	{"iq", "get", club, "<query xmlns='" + nsInfo + "' node='x-roomuser-item'/>"},
	{"iq", "set", club, mamQuery("f1", "<max>5</max><before/>")},
	{"iq", "set", alice, mamQuery("f1", "")},
	{"iq", "set", club, "<moderate xmlns='" + nsModerate + "' id='{mid}'><retract xmlns='" + nsRetract + "'/></moderate>"},
	{"iq", "set", "", "<odd xmlns='urn:odd'/>"},
	{"iq", "get", "", ""},
	{"iq", "result", "", ""},
	{"iq", "error", "", "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"},
	{"presence", "", gw, "<show>away</show><status>out</status><priority>1</priority>"},
	{"presence", "", gw, "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/><x xmlns='vcard-temp:x:update'><photo>abc</photo></x>"},
	{"presence", "unavailable", gw, ""},
	{"presence", "", club + "/alice", nsMUC},
	{"presence", "", club + "/alice", "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='3'/><password>key</password></x>"},
	{"presence", "", club + "/alicia", "<show>dnd</show>"},
	{"presence", "unavailable", club + "/alice", "<status>bye</status>"},
	{"presence", "", "#other@" + gw + "/alice", nsMUC},
	{"presence", "subscribe", "", "<status>please</status>"},
	{"presence", "subscribed", "", ""},
	{"presence", "unsubscribe", "", ""},
	{"presence", "unsubscribed", "", "<status>no</status>"},
	{"presence", "probe", "", ""},
	{"presence", "error", "", "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"},
	{"message", "chat", "", "<body>hello</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='" + nsMarkers + "'/>"},
	{"message", "groupchat", club, "<body>hello</body>"},
	{"message", "groupchat", club, "<body>better</body><replace xmlns='" + nsCorrect + "' id='{mid}'/>"},
	{"message", "groupchat", club, "<retract xmlns='" + nsRetract + "' id='{mid}'/>"},
	{"message", "groupchat", club, reactionsTo("{mid}", "😃", "x")},
	{"message", "groupchat", club, "<body>&gt; hi\nyes</body><reply xmlns='" + nsReply + "' id='{mid}' to='" + club + "/bob'/><fallback xmlns='" + nsFallback + "' for='" + nsReply + "'><body start='0' end='5'/></fallback>"},
	{"message", "groupchat", club, "<subject>new</subject>"},
	{"message", "groupchat", club, "<composing xmlns='http://jabber.org/protocol/chatstates'/>"},
	{"message", "chat", club + "/bob", "<body>psst</body><x xmlns='" + nsUser + "'/>"},
	{"message", "", club, "<x xmlns='" + nsUser + "'><invite to='" + carol + "'><reason>come</reason></invite></x>"},
	{"message", "", club, "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field></x>"},
	{"message", "", carol, "<x xmlns='jabber:x:conference' jid='" + club + "'/>"},
	{"message", "chat", "", "<displayed xmlns='" + nsMarkers + "' id='{mid}'/>"},
	{"message", "chat", "", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"},
	{"message", "error", "", "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"},
	{"message", "chat", "", "<body>secret</body><encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>"},
	{"message", "chat", gw, "<body>help</body>"},
	{"message", "chat", gw, "<body>options</body>"},
	{"message", "chat", gw, "<body>register alice " + hidden + "</body>"},
	{"message", "chat", gw, "<body>join #club</body>"},
	{"message", "chat", gw, "<body>cancel</body>"},
	{"message", "chat", gw, "<body>yes</body>"},
	{"message", "", gw, "<privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/><perm access='message' type='outgoing'/></privilege>"},
}, commandStages()...)

// commandStages are first and further stages of commands.
func commandStages() (all []template) {
	for _, node := range []string{"options", "register", "unregister", "status", "login", "logout", "settings", "whois", "knock", "raw", "add-contact", "join", "rooms", "list-rooms", "ping",
		"http://jabber.org/protocol/admin#announce", "reload"} {
		all = append(all, command(node, "action='execute'"),
			next(node, submit("text", "x", "line", "LUSERS", "username", "alice", "password", hidden, "no-typing", "1", "peer", "carol", "announcement", "hi")))
	}
	return append(all, command("options", "sessionid='{sid}' action='cancel'"), command("options", "sessionid='{sid}' action='prev'"))
}

// answers are payloads of answers to the gateway's requests.
var answers = []string{"", "<query xmlns='" + nsInfo + "'><identity category='client' type='pc'/><feature var='http://jabber.org/protocol/chatstates'/><feature var='http://jabber.org/protocol/rosterx'/></query>",
	"<query xmlns='jabber:iq:roster'><item jid='" + carol + "' name='Carol' subscription='both'><group>Friends</group></item><item jid='" + gw + "' subscription='to'/></query>",
	"<vCard xmlns='vcard-temp'><FN>Alice</FN><NICKNAME>al</NICKNAME><PHOTO><TYPE>image/png</TYPE><BINVAL>iVBORw0KGgo=</BINVAL></PHOTO></vCard>",
	"<error type='cancel'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "<query xmlns='" + nsItems + "'><item jid='upload.example.org'/></query>"}

var people = []legacy.Peer{{ID: "carol"}, {ID: "bob"}, {ID: "dave"}, {}, {ID: "alice"}}

// event is what the network reports next.
func (a *acted) event() legacy.Event {
	s := a.s
	room := legacytest.Pick(s, []legacy.Peer{clubPeer, clubPeer, {ID: "#other", Room: true}})
	who, nick := legacytest.Pick(s, people), legacytest.Pick(s, []string{"bob", "alice", "carol", "zoe", "a b/c", "☃"})
	text := legacytest.Pick(s, []string{"hi", "", "* hi", "two\nlines", "bob: 😃 to \"hi\"", "(took back the last message)", "/me x", "&<>'"})
	var err error
	if s.Chance(3) {
		err = legacy.Errorf(legacy.Kind(s.Choose(15)), "No.")
	}
	at := legacytest.Pick(s, []time.Time{{}, {}, time.Unix(1e9, 0), time.Now().Add(time.Hour)})
	switch s.Choose(40) {
	case 0, 1:
		return legacy.RoomJoined{Room: room, Nick: nick, Occupants: []legacy.Occupant{{Nick: nick}, {Nick: "bob", Away: true}, {Nick: "zoe", Level: legacy.LevelVoice}}, Topic: legacy.Topic{Text: text, By: nick, Time: at},
			MessageTags: s.Chance(2), Redacts: s.Chance(2), Kept: s.Chance(4)}
	case 2:
		return legacy.RoomFailed{Room: room, Nick: s.Chance(2), Err: legacy.Errorf(legacy.Kind(s.Choose(15)), "No."), MovedTo: legacytest.Pick(s, []legacy.Peer{{}, {}, {ID: "#other", Room: true}})}
	case 3:
		return legacy.RoomInterrupted{Room: room, Err: legacy.Errorf(legacy.Temporary, "Lost.")}
	case 4:
		return legacy.RoomLeft{Room: room, Kind: legacy.LeaveKind(s.Choose(4)), By: nick, Reason: text}
	case 5:
		return legacy.OccupantJoined{Room: room, Occupant: legacy.Occupant{Nick: nick, Level: legacy.Level(s.Choose(5)), Away: s.Chance(2), Identity: text}}
	case 6:
		return legacy.OccupantLeft{Room: room, Nick: nick, Kind: legacy.LeaveKind(s.Choose(4)), By: "bob", Reason: text}
	case 7:
		return legacy.OccupantRenamed{Room: room, Old: nick, New: legacytest.Pick(s, []string{"rob", "alice", "zoe", "x y"})}
	case 8:
		return legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: nick, Level: legacy.Level(s.Choose(5)), Away: s.Chance(2)}}
	case 9:
		return legacy.TopicChanged{Room: room, Topic: legacy.Topic{Text: text, By: nick, Time: at}}
	case 10, 11:
		return legacy.RoomMessage{Room: room, Nick: nick, Text: text, Time: at, ID: legacytest.Pick(s, []string{"", "n1", a.mid}), Reply: legacytest.Pick(s, []string{"", "n1", a.mid}), ReadMark: at}
	case 12:
		return legacy.RoomReaction{Room: room, Nick: nick, ID: a.mid, Emojis: []string{"😃", text}}
	case 13:
		return legacy.RoomRedaction{Room: room, Nick: nick, ID: a.mid, Reason: text}
	case 14:
		return legacy.RoomTyping{Room: room, Nick: nick, State: legacy.Typing(s.Choose(3))}
	case 15:
		return legacy.RoomConfigChanged{Room: room, Text: text, Config: legacytest.Pick(s, []*legacy.RoomConfig{nil, {Moderated: true}})}
	case 16:
		return legacy.RoomConfigReceived{Ref: a.ref("config"), Config: legacy.RoomConfig{Password: text, Limit: 5}, Err: err}
	case 17:
		return legacy.BansReceived{Ref: a.ref("bans"), Bans: []legacy.Ban{{Mask: "a!b@c", By: nick, Time: at}}, Err: err}
	case 18:
		return legacy.RoomsListed{Ref: a.ref("list"), Rooms: []legacy.ListedRoom{{Room: room, Topic: text, Occupants: 3}}, Err: err}
	case 19:
		return legacy.Invited{Room: room, By: who}
	case 20, 21:
		return legacy.Done{Ref: a.ref("moderate", "set", "ban", "redact"), Err: err}
	case 22:
		return legacy.CommandDone{Ref: a.ref("do"), Text: text, Err: err}
	case 23:
		return legacy.ProfileReceived{Ref: a.ref("profile"), Profile: legacy.Profile{Nick: nick, About: text, Emails: []string{text}}, Err: err}
	case 24:
		return legacy.VersionReceived{Ref: a.ref("version"), Version: text, Err: err}
	case 25:
		return legacy.SearchFinished{Ref: a.ref("search"), Results: []legacy.SearchResult{{Peer: who, Profile: legacy.Profile{Nick: nick}}}, More: s.Chance(2), Err: err}
	case 26:
		return legacy.ContactChanged{Contact: legacy.Contact{Peer: who, Name: text, Groups: []string{text}, AwaitingAuth: s.Chance(2)}}
	case 27:
		return legacy.ContactRemoved{Peer: who}
	case 28:
		return legacy.ContactFailed{Peer: who, Err: legacy.Errorf(legacy.NotFound, "No.")}
	case 29:
		return legacytest.Pick(s, []legacy.Event{legacy.AuthRequested{From: who, Name: nick, Reason: text}, legacy.AuthDenied{From: who, Reason: text}, legacy.AuthGranted{From: who}, legacy.AddedYou{From: who}})
	case 30:
		return legacy.BlockChanged{Peer: who, Blocked: s.Chance(2), Err: err}
	case 31, 32:
		return legacy.PresenceChanged{From: who, Presence: legacy.Presence{Show: legacy.Show(s.Choose(8)), Status: text, Idle: at}}
	case 33, 34:
		return legacy.MessageReceived{From: who, Text: text, Time: at, Auto: s.Chance(4), Service: s.Chance(4), URL: legacytest.Pick(s, []string{"", "https://files.example/x"}), ReadMark: at}
	case 35:
		return legacy.OwnMessage{To: who, Text: text, Time: at}
	case 36:
		return legacy.TypingChanged{From: who, State: legacy.Typing(s.Choose(3))}
	case 37:
		return legacy.ReadMarked{Peer: legacytest.Pick(s, []legacy.Peer{who, room}), Mark: at}
	case 38:
		return legacytest.Pick(s, []legacy.Event{legacy.Notice{From: who, Text: text}, legacy.AvatarChanged{From: who, Image: []byte("\x89PNG"), Type: "image/png"}, legacy.PeerNamed{Peer: who, Nick: nick}})
	default:
		return legacytest.Pick(s, []legacy.Event{legacy.StateSaved{State: []byte("s")}, legacy.CredentialsChanged{Fields: map[string]string{"password": hidden}}, legacy.SignOnDelayed{Until: at, Text: text},
			legacy.MessageSent{Ref: "0", State: legacy.Delivered}, legacy.MessageFailed{Ref: "1", Err: legacy.Errorf(legacy.Offline, "No.")}})
	}
}

// ref takes a query of one of the kinds that the network was asked for, "" if there is none.
func (a *acted) ref(kinds ...string) string {
	for i, query := range a.queries {
		if slices.Contains(kinds, query.kind) {
			a.queries = slices.Delete(a.queries, i, i+1)
			return query.ref
		}
	}
	return ""
}
