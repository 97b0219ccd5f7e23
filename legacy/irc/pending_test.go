package irc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// say sends a message by alice.
func (l *lab) say(ref string, to legacy.Peer, text string) {
	l.t.Helper()
	l.do(l.s.Send(l.t.Context(), legacy.Outgoing{Ref: ref, To: to, Text: text}))
}

// TestSent: the confirmation of a message depends on the server's capabilities.
func TestSent(t *testing.T) {
	for _, tt := range []struct {
		caps  string
		sent  string // the line
		hears string
		want  []legacy.Event
	}{
		{"", "PRIVMSG #room :hi\nPING :~1", ":irc.test PONG irc.test :~1", []legacy.Event{legacy.MessageSent{Ref: "1"}}},
		{"", "PRIVMSG #room :hi\nPING :~1", ":irc.test PONG irc.test :~2", nil}, // of a PING that was never sent
		{"", "PRIVMSG #room :hi\nPING :~1", ":irc.test PONG irc.test :~0", nil},
		{"", "PRIVMSG #room :hi\nPING :~1", ":irc.test 404 alice #room :Cannot send", []legacy.Event{legacy.MessageFailed{Ref: "1", Err: fails(legacy.Forbidden)}}},
		{"", "PRIVMSG #room :hi\nPING :~1", ":irc.test 401 alice #ROOM :Nobody", []legacy.Event{legacy.MessageFailed{Ref: "1", Err: fails(legacy.NotFound)}}},
		{"echo-message", "PRIVMSG #room :hi", ":alice!u@h PRIVMSG #room :hi", []legacy.Event{legacy.MessageSent{Ref: "1"}}},
		{"echo-message message-tags", "PRIVMSG #room :hi", "@msgid=x1 :alice!u@h PRIVMSG #ROOM :hi", []legacy.Event{legacy.MessageSent{Ref: "1", ID: "x1"}}},
		{"echo-message message-tags", "PRIVMSG #room :hi", `@msgid=x\n1 :alice!u@h PRIVMSG #ROOM :hi`, []legacy.Event{legacy.MessageSent{Ref: "1"}}},
		{"echo-message", "PRIVMSG #room :hi", ":irc.test 404 alice #room :Cannot send", []legacy.Event{legacy.MessageFailed{Ref: "1", Err: fails(legacy.Forbidden)}}},
		{"labeled-response", "@label=1 PRIVMSG #room :hi", "@label=1 :irc.test ACK", []legacy.Event{legacy.MessageSent{Ref: "1"}}},
		{"labeled-response echo-message", "@label=1 PRIVMSG #room :hi", "@label=1;msgid=x2 :alice!u@h PRIVMSG #room :hi", []legacy.Event{legacy.MessageSent{Ref: "1", ID: "x2"}}},
		{"labeled-response", "@label=1 PRIVMSG #room :hi", "@label=1 :irc.test 404 alice #room :Cannot send", []legacy.Event{legacy.MessageFailed{Ref: "1", Err: fails(legacy.Forbidden)}}},
		{"labeled-response", "@label=1 PRIVMSG #room :hi", "@label=1 :irc.test 401 alice #room :Nobody", []legacy.Event{legacy.MessageFailed{Ref: "1", Err: fails(legacy.NotFound)}}},
		{"labeled-response standard-replies", "@label=1 PRIVMSG #room :hi", "@label=1 FAIL PRIVMSG INVALID_UTF8 :No UTF-8", []legacy.Event{legacy.MessageFailed{Ref: "1", Err: fails(legacy.Forbidden)}}},
		{"labeled-response", "@label=1 PRIVMSG #room :hi", "@label=7 :irc.test ACK", nil},
	} {
		t.Run(tt.caps+" "+tt.hears, func(t *testing.T) {
			l := newLab(t, strings.Fields(tt.caps)...)
			l.mute = true
			room := l.enter("#room")
			l.say("1", room, "hi")
			l.wantSent(strings.Split(tt.sent, "\n")...)
			if tt.hears != "" {
				l.want()
				l.hear(tt.hears)
			}
			l.want(tt.want...)
			if l.after(askLimit); tt.want == nil {
				l.want(legacy.MessageFailed{Ref: "1", Err: fails(legacy.Temporary)})
			}
			l.want()
		})
	}
}

// TestLabeledBatch: an answer may be a batch; the end of an empty batch is an answer,
// too.
func TestLabeledBatch(t *testing.T) {
	l := newLab(t, "labeled-response", "batch")
	room := l.enter("#room", "bob")
	l.say("1", room, "hi")
	l.hear("@label=1 :irc.test BATCH +b labeled-response")
	l.want()
	l.hear("@batch=b :irc.test 404 alice #room :No", "@batch=b :irc.test NOTE x y :z", ":irc.test BATCH -b")
	l.want(legacy.MessageFailed{Ref: "1", Err: fails(legacy.Forbidden)}, legacy.Notice{Text: "z"})
	l.do(l.s.Moderate(t.Context(), "m", room, legacy.Moderation{Nick: "bob", Level: legacy.LevelVoice}))
	l.sent()
	l.hear("@label=2 :irc.test BATCH +c labeled-response", ":irc.test BATCH -c")
	l.want(legacy.Done{Ref: "m"})
	// An echo in a batch counts, too.
	l.c.caps["echo-message"] = true
	l.say("3", legacy.Peer{ID: "nickserv"}, "REGISTER x")
	l.hear("@label=3 :irc.test BATCH +d labeled-response", "@batch=d :alice!u@h PRIVMSG NickServ :REGISTER x", "@batch=d :NickServ!n@s NOTICE alice :Created", ":irc.test BATCH -d")
	l.want(legacy.MessageSent{Ref: "3"}, legacy.MessageReceived{From: legacy.Peer{ID: "nickserv"}, Text: "Created", Service: true})
}

// TestSeveralLines: a message of several lines is sent when all lines are, or fails
// once.
func TestSeveralLines(t *testing.T) {
	l := newLab(t, "echo-message")
	room := l.enter("#room")
	l.say("1", room, "a\nb\nc")
	l.say("2", room, "d\n\ne")
	l.wantSent("PRIVMSG #room :a", "PRIVMSG #room :b", "PRIVMSG #room :c", "PRIVMSG #room :d", "PRIVMSG #room :e")
	l.hear(":alice!u@h PRIVMSG #room :a", ":alice!u@h PRIVMSG #room :b")
	l.want()
	l.hear(":alice!u@h PRIVMSG #room :c", ":irc.test 404 alice #room :No", ":alice!u@h PRIVMSG #room :e")
	l.want(legacy.MessageSent{Ref: "1"}, legacy.MessageFailed{Ref: "2", Err: fails(legacy.Forbidden)})
	l.hear(":alice!u@h PRIVMSG #room :by another client", ":alice!u@h PRIVMSG bob :by another client", ":alice!u@h PRIVMSG alice :to me", ":alice!u@h PRIVMSG $*.test :to all")
	l.want(legacy.RoomMessage{Room: room, Nick: "alice", Identity: "alice!u@h", Text: "by another client"},
		legacy.OwnMessage{To: bob, Text: "by another client"}, legacy.MessageReceived{From: legacy.Peer{ID: "alice"}, Text: "to me"})
}

// TestPasswordNotEchoed: the echo of a message to services is not a message of the
// user.
func TestPasswordNotEchoed(t *testing.T) {
	l := setup{fields: map[string]string{"password": "secret"}, caps: []string{"echo-message"}}.lab(t)
	l.registering(":irc.test 001 alice :Welcome")
	l.wantSent("PRIVMSG NickServ :IDENTIFY secret")
	l.hear(":alice!u@h PRIVMSG NickServ :IDENTIFY secret")
	l.want()
}

// TestNoNickServ: that a server has no services is no message to the user, except as the
// answer to one of the user's own.
func TestNoNickServ(t *testing.T) {
	l := setup{fields: map[string]string{"password": "secret"}}.lab(t)
	l.registering(":irc.test 001 alice :Welcome")
	l.wantSent("PRIVMSG NickServ :IDENTIFY secret")
	const none = ":irc.test 401 alice NickServ :No such nick/channel"
	l.hear(none)
	l.want()
	if info := l.c.info(); !strings.Contains(info, "There is no NickServ here") {
		t.Errorf("the state of the connection is %q", info)
	}
	l.hear(none)
	l.want(legacy.Notice{Text: "NickServ No such nick/channel"})
	l = setup{fields: map[string]string{"password": "secret"}}.lab(t)
	l.welcome()
	l.say("1", legacy.Peer{ID: "nickserv"}, "help")
	l.hear(none)
	l.want(legacy.MessageFailed{Ref: "1", Err: fails(legacy.NotFound)})
}

func TestTooMuch(t *testing.T) {
	l := newLab(t, "echo-message")
	room := l.enter("#room", "bob")
	for i := range maxAsks {
		l.say(fmt.Sprint(i), room, "x")
	}
	l.want()
	l.say("more", room, "x")
	l.want(legacy.MessageFailed{Ref: "more", Err: fails(legacy.RateLimited)})
	l.do(l.s.Moderate(t.Context(), "kick", room, legacy.Moderation{Nick: "bob", Kick: true}))
	l.want(legacy.Done{Ref: "kick", Err: fails(legacy.RateLimited)})
	l.c.giveUp(legacy.Errorf(legacy.Temporary, "lost"))
	if len(l.events) != maxAsks || l.events[7] != legacy.Event(legacy.MessageFailed{Ref: "7", Err: l.events[7].(legacy.MessageFailed).Err}) {
		t.Errorf("%d of %d have failed", len(l.events), maxAsks)
	}
}

func TestUnknownReceiver(t *testing.T) {
	l := newLab(t)
	l.say("1", bob, "hi")
	l.sent()
	l.want(legacy.MessageSent{Ref: "1"})
	l.hear(":irc.test 401 alice bob :No such nick")
	l.want(legacy.Notice{Text: "bob No such nick"})
	l.c.caps["echo-message"] = true
	l.do(l.s.RequestProfile(t.Context(), "w", bob))
	l.say("2", bob, "hi")
	l.hear(":irc.test 401 alice bob :No such nick", ":irc.test 401 alice bob :No such nick", ":irc.test 318 alice bob :End")
	l.want(legacy.MessageFailed{Ref: "2", Err: fails(legacy.NotFound)}, legacy.ProfileReceived{Ref: "w", Err: fails(legacy.NotFound)})
}

func TestModerate(t *testing.T) {
	for _, tt := range []struct {
		what  legacy.Moderation
		sent  []string
		hears string
		want  error
	}{
		{legacy.Moderation{Nick: "Bob", Kick: true, Reason: "go\naway"}, []string{"KICK #room bob :go away"}, ":alice!u@h KICK #room bob :go", nil},
		{legacy.Moderation{Nick: "bob", Kick: true}, []string{"KICK #room bob :"}, ":irc.test 482 alice #room :No operator", fails(legacy.Forbidden)},
		{legacy.Moderation{Nick: "bob", Kick: true}, []string{"KICK #room bob :"}, ":irc.test 441 alice bob #room :Not there", fails(legacy.Forbidden)},
		{legacy.Moderation{Nick: "bob", Kick: true}, []string{"KICK #room bob :"}, ":irc.test 401 alice bob :No such nick", fails(legacy.NotFound)},
		{legacy.Moderation{Nick: "bob", Kick: true}, []string{"KICK #room bob :"}, ":irc.test 484 alice #room bob :A service", fails(legacy.Forbidden)},
		{legacy.Moderation{Nick: "bob", Ban: true}, []string{"MODE #room +b *!*@bob.host", "KICK #room bob :"}, ":alice!u@h KICK #room bob", nil},
		{legacy.Moderation{Nick: "carol", Ban: true}, []string{"MODE #room +b carol!*@*", "KICK #room carol :"}, ":alice!u@h KICK #room carol", nil},
		{legacy.Moderation{Nick: "bob", Level: legacy.LevelVoice}, []string{"MODE #room +v-o bob bob"}, ":alice!u@h MODE #room +v-o bob bob", nil},
		{legacy.Moderation{Nick: "bob", Level: legacy.LevelNone}, []string{"MODE #room -o bob"}, ":alice!u@h MODE #room -o bob", nil},
		{legacy.Moderation{Nick: "bob", Level: legacy.LevelOperator}, nil, "", nil},
		{legacy.Moderation{Nick: "bob", Level: legacy.LevelHelper}, []string{"MODE #room +h-o bob bob"}, ":alice!u@h MODE #room +h bob", nil},
		{legacy.Moderation{Nick: "carol", Level: legacy.LevelOwner}, []string{"MODE #room +q carol"}, ":irc.test 482 alice #room :No", fails(legacy.Forbidden)},
		{legacy.Moderation{Nick: "dora", Level: legacy.LevelNone}, []string{"MODE #room -qo dora dora", "MODE #room -hv dora dora"}, ":alice!u@h MODE #room -hv dora dora", nil},
		{legacy.Moderation{Nick: "nobody", Kick: true}, nil, "", fails(legacy.NotFound)},
	} {
		l := newLab(t)
		l.slow = true
		l.hear(":irc.test 005 alice PREFIX=(qohv)~@%+ MODES=2 :are supported")
		room := l.enter("#room", "@bob!b@bob.host", "carol", "~@%+dora")
		l.do(l.s.Moderate(t.Context(), "ref", room, tt.what))
		l.wantSent(tt.sent...)
		if tt.hears != "" {
			l.want()
			l.hear(tt.hears)
		}
		var done []legacy.Event
		for _, ev := range l.events {
			if _, ok := ev.(legacy.Done); ok {
				done = append(done, ev)
			}
		}
		l.events = done
		l.want(legacy.Done{Ref: "ref", Err: tt.want})
		if t.Failed() {
			t.Fatalf("%+v", tt)
		}
	}
	l := newLab(t) // with prefixes @ and + only, operators have the highest rank
	room := l.enter("#room", "bob")
	l.do(l.s.Moderate(t.Context(), "ref", room, legacy.Moderation{Nick: "bob", Level: legacy.LevelOwner}))
	l.wantSent("MODE #room +o bob")
}

// TestStandardReplies: FAIL ends the command that it names.
func TestStandardReplies(t *testing.T) {
	l := newLab(t, "standard-replies")
	room := l.enter("#room")
	l.hear("FAIL CHATHISTORY NEED_MORE_PARAMS LATEST :x", "FAIL TOPIC CANNOT #room :You may not", "FAIL OTHER THING :Something else", "FAIL", "WARN * x :careful", "NOTE", "WARN * x :")
	l.want(legacy.RoomFailed{Room: room, Err: fails(legacy.Forbidden)}, legacy.Notice{Text: "Something else"}, legacy.Notice{Text: "The server refused this."}, legacy.Notice{Text: "careful"})
}

// TestDeaf: back-pressure delays no deadline: neither those of commands nor that of the
// PING.
func TestDeaf(t *testing.T) {
	l := newLab(t)
	l.mute = true
	room := l.enter("#room")
	l.say("1", room, "hi")
	l.do(l.s.RequestProfile(t.Context(), "who", l.c.peer("bob")))
	l.sent()
	l.after(pingEvery)
	l.c.turn = l.clock // a turn begins and is blocked
	l.clock = l.clock.Add(pingLimit + askLimit)
	l.c.countBlocked()
	l.c.turn = time.Time{}
	l.after(askLimit / 2)
	if l.c.err != nil {
		t.Fatal(l.c.err)
	}
}
