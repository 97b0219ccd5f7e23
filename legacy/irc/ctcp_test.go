package irc

import (
	"testing"

	"transport/legacy"
)

// TestAskVersion: queries of a client's version.
func TestAskVersion(t *testing.T) {
	l := newLab(t)
	ask := func(ref string) {
		t.Helper()
		l.do(l.s.RequestVersion(t.Context(), ref, bob))
		l.wantSent("PRIVMSG bob \x01VERSION\x01")
	}
	ask("1")
	ask("2")
	l.hear(":eva!e@h NOTICE alice :\x01VERSION other\x01") // not queried
	take[legacy.MessageReceived](l)
	l.hear(":Bob!b@h NOTICE alice :\x01VERSION client \x021.0\x02\x01")
	l.want(legacy.VersionReceived{Ref: "1", Version: "client 1.0"}, legacy.VersionReceived{Ref: "2", Version: "client 1.0"})
	ask("3")
	l.hear(":irc.test 301 alice bob :gone fishing") // no message was sent to him
	l.want()
	l.hear(":irc.test 401 alice bob :No such nick")
	l.want(legacy.VersionReceived{Ref: "3", Err: fails(legacy.NotFound)})
	ask("4")
	l.after(askLimit - 1)
	l.want()
	l.after(1)
	l.want(legacy.VersionReceived{Ref: "4", Err: fails(legacy.Temporary)})
	for range maxVersions {
		ask("x")
	}
	l.do(l.s.RequestVersion(t.Context(), "5", bob))
	l.want(legacy.VersionReceived{Ref: "5", Err: fails(legacy.RateLimited)})
	l.c.giveUp(legacy.Errorf(legacy.Temporary, "gone"))
	var gone []legacy.Event
	for range maxVersions {
		gone = append(gone, legacy.VersionReceived{Ref: "x", Err: fails(legacy.Temporary)})
	}
	l.want(gone...)
	l.sent()
	l.do(l.s.RequestVersion(t.Context(), "me", legacy.Peer{ID: "Alice"}))
	l.wantSent()
	l.want(legacy.VersionReceived{Ref: "me", Version: version})
	l.do(l.s.RequestVersion(t.Context(), "6", legacy.Peer{ID: "#x"}))
	l.want(legacy.VersionReceived{Ref: "6", Err: fails(legacy.NotFound)})
}

// TestServiceNotice: services send greetings of a channel in a notice to the user.
func TestServiceNotice(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room", "bob")
	l.hear(":ChanServ!s@services.test NOTICE alice :[#ROOM] Welcome!")
	l.want(legacy.RoomMessage{Room: room, Nick: "ChanServ", Text: "[#ROOM] Welcome!", Identity: "chanserv!s@services.test"})
	l.hear(":bob!b@h NOTICE alice :[#room] me, too")
	take[legacy.RoomMessage](l)
	l.hear(":mallory!m@h NOTICE alice :[#room] who is not there")
	take[legacy.MessageReceived](l)
	for _, text := range []string{"[#other] Welcome!", "#room] x", "[#room", "[] x"} {
		l.hear(":ChanServ!s@services.test NOTICE alice :" + text)
		if got := take[legacy.MessageReceived](l); got.Text != text {
			t.Errorf("got %+v", got)
		}
	}
	l.hear(":bob!b@h PRIVMSG alice :[#room] only to you")
	take[legacy.MessageReceived](l)
}

// TestChannelEncoding: a channel has its own encodings, in and out.
func TestChannelEncoding(t *testing.T) {
	l := newLab(t)
	room := l.enter("#room")
	l.s.Reconfigure(room, map[string]string{"encoding_in": "koi8-r", "encoding_out": "koi8-r"})
	l.say("1", room, "да")
	l.say("2", bob, "да")
	l.do(l.s.SetTopic(t.Context(), room, "да"))
	l.wantSent("PRIVMSG #room :\xc4\xc1", "PRIVMSG bob :да", "TOPIC #room :\xc4\xc1")
	l.want(legacy.MessageSent{Ref: "1"}, legacy.MessageSent{Ref: "2"}, legacy.TopicChanged{Room: room})
	l.hear(":bob!b@h PRIVMSG #room :\xc4\xc1")
	if got := take[legacy.RoomMessage](l); got.Text != "да" {
		t.Errorf("got %q", got.Text)
	}
}
