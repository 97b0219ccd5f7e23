package irc

import (
	"maps"
	"strings"
	"testing"

	"transport/legacy"
)

// TestNicks: the user's nick before the join, and nicks for servers that allow no
// accents.
func TestNicks(t *testing.T) {
	for server, rooms := range map[string]map[string]string{"irc.test:6667": {"#room": "ali"}, "": {"#room%irc.net": "al", "#room%far.net": "ali"}} {
		o := DefaultOptions()
		o.Server = server
		n, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := legacy.Account{Fields: map[string]string{"username": "ali"}, Settings: map[string]map[string]string{"irc.net": {"nick": "al"}}}
		for room, want := range rooms {
			if got := n.(legacy.NickTeller).RoomNick(a, legacy.Peer{ID: room, Room: true}); got != want {
				t.Errorf("in %s: %q, want %q", room, got, want)
			}
		}
		if got := n.(legacy.NickLimiter).LegalNick("Dave Jones"); got != "Dave_Jones" {
			t.Errorf("Dave is called %q", got)
		}
	}
	for nick, want := range map[string]string{"alice": "alice", "Zoë": "Zoe", "Søren": "Soren", "ЖЖ": "", "жanna": "anna", "ß7": "ss7", "ж7": "_7"} {
		if got := plainNick(nick); got != want {
			t.Errorf("%q becomes %q, want %q", nick, got, want)
		}
	}
}

// TestForeignNicks: whatever a server uses as a nick can be talked to, shown, kicked and
// found.
func TestForeignNicks(t *testing.T) {
	ctx := t.Context()
	for _, nick := range []string{"042AAAAAB", "*status", "-dash", "bob.x", "a#b", "100%", "Жанна", "a*b?", "[x]", "7", "x:y"} {
		t.Run(nick, func(t *testing.T) {
			l := newLab(t)
			l.slow = true
			room := l.enter("#room", "@"+nick+"!u@h")
			peer, err := l.s.net.ParsePeer(nick)
			if err != nil || peer.Room || peer != l.c.peer(nick) {
				t.Fatalf("the address is %+v, %v", peer, err)
			}
			l.say("1", peer, "hi")
			l.do(l.s.Moderate(ctx, "k", room, legacy.Moderation{Nick: nick, Kick: true}))
			l.do(l.s.Invite(ctx, room, peer))
			l.do(l.s.RequestProfile(ctx, "w", peer))
			l.do(l.s.RequestVersion(ctx, "v", peer))
			low := peer.ID
			l.wantSent("PRIVMSG "+low+" :hi", "KICK #room "+nick+" :", "INVITE "+low+" #room", "WHOIS "+low, "PRIVMSG "+low+" \x01VERSION\x01")
			l.events = nil
			l.hear(":"+nick+"!u@h PRIVMSG alice :hello", ":"+nick+"!u@h PRIVMSG #room :all", ":alice!u@h KICK #room "+nick+" :x", ":"+nick+"!u@h INVITE alice #other",
				":"+nick+"!u@h JOIN #room", ":"+nick+"!u@h NICK :9"+nick)
			l.want(legacy.MessageReceived{From: peer, Text: "hello"}, legacy.RoomMessage{Room: room, Nick: nick, Text: "all", Identity: lower(nick) + "!u@h"},
				legacy.Done{Ref: "k"}, legacy.OccupantLeft{Room: room, Nick: nick, Kind: legacy.LeftKicked, By: "alice", Reason: "x"},
				legacy.Invited{Room: legacy.Peer{ID: "#other", Room: true}, By: peer},
				legacy.OccupantJoined{Room: room, Occupant: legacy.Occupant{Nick: nick, Identity: lower(nick) + "!u@h"}},
				legacy.OccupantRenamed{Room: room, Old: nick, New: "9" + nick})
			l.do(l.s.Search(ctx, "s", map[string]string{"nick": "*x"}))
			l.hear(":irc.test 352 alice * u h irc.test "+nick+" H :0 Name", ":irc.test 315 alice *x :End")
			if found := take[legacy.SearchFinished](l); len(found.Results) != 1 || found.Results[0].Peer != peer {
				t.Errorf("found %+v", found)
			}
			l.do(l.s.Watch(ctx, peer, true))
			l.after(0)
			l.hear(":irc.test 303 alice :" + nick)
			l.want(legacy.PresenceChanged{From: peer, Presence: legacy.Presence{Show: legacy.ShowOnline}})
		})
	}
}

// TestServerSources: a source without user@host is a server, with or without a dot in its
// name; a user's nick may have one.
func TestServerSources(t *testing.T) {
	l := newLab(t, "draft/message-redaction", "message-tags")
	room := l.enter("#room", "bob")
	for line, want := range map[string]legacy.Event{
		":hub NOTICE alice :routing":          legacy.Notice{Text: "routing"},
		":hub PRIVMSG alice :routing":         legacy.Notice{Text: "routing"},
		"NOTICE alice :routing":               legacy.Notice{Text: "routing"},
		":irc.test NOTICE alice :x":           legacy.Notice{Text: "x"},
		":irc.test!u@h NOTICE alice :x":       legacy.MessageReceived{From: legacy.Peer{ID: "irc.test"}, Text: "x"},
		":a.b!u@h PRIVMSG alice :x":           legacy.MessageReceived{From: legacy.Peer{ID: "a.b"}, Text: "x"},
		":a@h PRIVMSG alice :x":               legacy.MessageReceived{From: legacy.Peer{ID: "a"}, Text: "x"},
		":hub NOTICE #room :to all":           legacy.RoomMessage{Room: room, Text: "to all"},
		":a.b!u@h PRIVMSG #room :from afar":   legacy.RoomMessage{Room: room, Nick: "a.b", Text: "from afar", Identity: "a.b!u@h"},
		":bob PRIVMSG #room :without a host":  legacy.RoomMessage{Room: room, Nick: "bob", Text: "without a host"},
		":hub REDACT #room id :gone":          legacy.RoomRedaction{Room: room, ID: "id", Reason: "gone"},
		":a.b!u@h REDACT #room id :gone":      legacy.RoomRedaction{Room: room, Nick: "a.b", ID: "id", Reason: "gone"},
		"@+typing=active :hub TAGMSG #room":   nil,
		":hub INVITE alice #other":            nil,
		":*status!z@znc NOTICE alice :module": legacy.MessageReceived{From: legacy.Peer{ID: "*status"}, Text: "module", Service: true},
	} {
		l.hear(line)
		t.Run(line, func(t *testing.T) {
			l.t = t
			if want == nil {
				l.want()
			} else {
				l.want(want)
			}
		})
	}
	l.t = t
}

// TestChannelTypes: what is a channel is the server's choice.
func TestChannelTypes(t *testing.T) {
	ctx := t.Context()
	for _, name := range []string{"#a", "&a", "+a", "!ABCDEa", "~a", ">a"} {
		l := newLab(t)
		l.hear(":irc.test 005 alice CHANTYPES=#&+!~> PREFIX=(qaohv)~&@%+ STATUSMSG=@+ :are supported")
		room, err := l.s.net.ParsePeer(name)
		if err != nil || !room.Room {
			t.Fatalf("%s: %+v, %v", name, room, err)
		}
		l.hear(":alice!u@h JOIN "+name, ":irc.test 353 alice = "+name+" :alice @bob", ":irc.test 366 alice "+name+" :End") // forced
		l.wantSent()
		if joined := take[legacy.RoomJoined](l); joined.Room != room {
			t.Errorf("%s: joined %+v", name, joined)
		}
		l.hear(":bob!b@h PRIVMSG "+name+" :hi", ":bob!b@h PRIVMSG @"+name+" :ops", ":bob!b@h PRIVMSG +"+name+" :\x01ACTION waves\x01", ":bob!b@h NOTICE "+name+"other :not here")
		want := func(text string) legacy.Event {
			return legacy.RoomMessage{Room: room, Nick: "bob", Identity: "bob!b@h", Text: text}
		}
		l.want(want("hi"), want("(to @"+name+") ops"), want("/me (to +"+name+") waves"))
		l.do(l.s.ListRooms(ctx, "1", legacy.Peer{}))
		l.hear(":irc.test 322 alice "+name+" 3 :t", ":irc.test 323 alice :End")
		l.want(legacy.RoomsListed{Ref: "1", Rooms: []legacy.ListedRoom{{Room: room, Topic: "t", Occupants: 3}}})
		l.hear(":bob!b@h INVITE alice " + name + "2")
		l.want(legacy.Invited{Room: legacy.Peer{ID: room.ID + "2", Room: true}, By: bob})
	}
	l := newLab(t)
	l.hear(":irc.test 005 alice CHANTYPES=# :are supported")
	l.sent()
	plus := legacy.Peer{ID: "+a", Room: true}
	l.do(l.s.JoinRoom(ctx, plus, "alice", ""))
	l.want(legacy.RoomFailed{Room: plus, Err: fails(legacy.NotFound)})
	l.wantSent()
	room := l.enter("#room")
	l.hear(":bob!b@h PRIVMSG @#room :bold \x02x\x02") // with formatting
	if m := take[legacy.RoomMessage](l); m.Room != room || m.Text != "(to @#room) bold x" || len(m.Markup) != 2 {
		t.Errorf("got %+v", m)
	}
}

// TestOldPrefixes: ranks of servers without a modern PREFIX.
func TestOldPrefixes(t *testing.T) {
	for lines, want := range map[string]map[string]legacy.Level{
		"": {"bob": legacy.LevelOwner, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
		":irc.test 004 alice irc.test v1 iow bimnopstvkl":                       {"~bob": legacy.LevelNone, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "%eve": legacy.LevelNone},
		":irc.test 004 alice irc.test v1 iow bimnopstvklhqa bklovhqa":           {"bob": legacy.LevelOwner, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
		":irc.test 004 alice irc.test v1 iow abimnopqstvklh bklovh":             {"~bob": legacy.LevelNone, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
		":irc.test 004 alice irc.test v1 iow b":                                 {"~bob": legacy.LevelNone, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "%eve": legacy.LevelNone},
		":irc.test 004 alice irc.test":                                          {"bob": legacy.LevelOwner, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
		":irc.test 005 alice PREFIX=~&@%+ :are supported":                       {"bob": legacy.LevelOwner, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
		":irc.test 005 alice PREFIX=@+ :are supported":                          {"~bob": legacy.LevelNone, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "%eve": legacy.LevelNone},
		":irc.test 004 alice x y z ov\n:irc.test 005 alice PREFIX=ohv :x":       {"~bob": legacy.LevelNone, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
		":irc.test 005 alice PREFIX=(qohv)~@%+ :are supported\n:irc.test 422 a": {"bob": legacy.LevelOwner, "carol": legacy.LevelOperator, "dave": legacy.LevelVoice, "eve": legacy.LevelHelper},
	} {
		l := newLab(t)
		for line := range strings.Lines(lines) {
			l.hear(line)
		}
		l.do(l.s.JoinRoom(t.Context(), channelPeer(l, "#room"), "alice", ""))
		l.hear(":alice!u@h JOIN #room", ":irc.test 353 alice = #room :alice ~bob @carol +dave %eve", ":irc.test 366 alice #room :End")
		got := make(map[string]legacy.Level)
		for _, o := range take[legacy.RoomJoined](l).Occupants {
			if o.Nick != "alice" {
				got[o.Nick] = o.Level
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%q: %v, want %v", lines, got, want)
		}
	}
}
