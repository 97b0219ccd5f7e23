package irc

import (
	"slices"
	"strings"
	"testing"

	"transport/legacy"
)

// TestRefusedByNumeric: an error numeric about an unconfirmed command fails that command,
// whether the numeric is in a list or not. Neither the fence nor the label overtakes it.
func TestRefusedByNumeric(t *testing.T) {
	ctx := t.Context()
	room := legacy.Peer{ID: "#room", Room: true}
	requests := map[string]struct {
		do     func(*lab) error
		params string // of the numeric
		failed func(legacy.Event) (error, bool)
	}{
		"private message": {func(l *lab) error { return l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: bob, Text: "hi"}) }, "Bob", isMessageFailed},
		"message":         {func(l *lab) error { return l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: room, Text: "hi"}) }, "#room", isMessageFailed},
		"mode by message": {func(l *lab) error { return l.s.Send(ctx, legacy.Outgoing{Ref: "1", To: room, Text: "/mode +m"}) }, "#ROOM", isMessageFailed},
		"topic":           {func(l *lab) error { return l.s.SetTopic(ctx, room, "x") }, "#room", isRoomFailed},
		"kick":            {func(l *lab) error { return l.s.Moderate(ctx, "1", room, legacy.Moderation{Nick: "bob", Kick: true}) }, "bob #room", isDone},
		"kick, by channel": {func(l *lab) error {
			return l.s.Moderate(ctx, "1", room, legacy.Moderation{Nick: "bob", Kick: true})
		}, "#room", isDone},
		"ban": {func(l *lab) error { return l.s.SetBan(ctx, "1", room, "bob", true) }, "#room", isDone},
		"rank": {func(l *lab) error {
			return l.s.Moderate(ctx, "1", room, legacy.Moderation{Nick: "bob", Level: legacy.LevelVoice})
		}, "#room", isDone},
		"settings": {func(l *lab) error { return l.s.SetRoomConfig(ctx, "1", room, legacy.RoomConfig{Moderated: true}) }, "#room", isDone},
		"invite":   {func(l *lab) error { return l.s.Invite(ctx, room, bob) }, "bob #room", isRoomFailed},
		"invite, by nick": {func(l *lab) error {
			return l.s.Invite(ctx, room, bob)
		}, "bob", isRoomFailed},
		"nick": {func(l *lab) error { return l.s.SetNick(ctx, room, "alicia") }, "alicia", func(ev legacy.Event) (error, bool) {
			failed, ok := ev.(legacy.RoomFailed)
			return failed.Err, ok && failed.Nick
		}},
		"modes": {func(l *lab) error { return l.s.RequestRoomConfig(ctx, "1", room) }, "#room", func(ev legacy.Event) (error, bool) {
			got, ok := ev.(legacy.RoomConfigReceived)
			return got.Err, ok
		}},
		"join": {func(l *lab) error { return l.s.JoinRoom(ctx, legacy.Peer{ID: "#new", Room: true}, "alice", "") }, "#new", isRoomFailed},
		"version": {func(l *lab) error { return l.s.RequestVersion(ctx, "1", bob) }, "bob", func(ev legacy.Event) (error, bool) {
			got, ok := ev.(legacy.VersionReceived)
			return got.Err, ok
		}},
	}
	numerics := strings.Fields("408 415 425 437 439 473 474 477 482 484 486 489 492 494 499 520 531 599 707 716 799 936 937 974 999")
	for name, tt := range requests {
		for _, caps := range []string{"", "labeled-response batch", "labeled-response batch echo-message"} {
			for _, numeric := range numerics {
				l := newLab(t, strings.Fields(caps)...)
				l.slow = true
				l.enter("#room", "bob")
				l.do(tt.do(l))
				tag := ""
				for _, line := range l.sent() {
					if strings.HasPrefix(line, "@label=") {
						tag, _, _ = strings.Cut(line, " ")
						tag += " "
					}
				}
				if numeric == "716" && name == "private message" && tag != "" { // several replies
					l.hear(tag+":irc.test BATCH +b labeled-response", "@batch=b :irc.test 716 alice bob :is in +g mode (server-side ignore.)",
						"@batch=b :irc.test 717 alice bob :has been informed that you messaged them.", ":irc.test BATCH -b")
				} else {
					l.hear(tag + ":irc.test " + numeric + " alice " + tt.params + " :No, you may not")
				}
				if tag == "" {
					l.hear(":irc.test PONG irc.test :~1")
				}
				refused := 0
				for _, ev := range l.events {
					if err, ok := tt.failed(ev); ok && err != nil {
						refused++
						if text := err.Error(); text != "No, you may not" && text != "bob is in +g mode (server-side ignore.)" {
							t.Errorf("%s, %s: %v", name, numeric, err)
						}
					} else if _, too := ev.(legacy.MessageReceived); !too {
						t.Errorf("%s (%s), %s: also got %s", name, caps, numeric, show(ev))
					}
				}
				if refused != 1 {
					t.Errorf("%s (%s), %s: %d errors in %+v", name, caps, numeric, refused, l.events)
				}
				if len(l.c.pending.waiting) > 0 {
					t.Errorf("%s, %s: %+v waits", name, numeric, l.c.pending.waiting)
				}
			}
		}
	}
}

func isMessageFailed(ev legacy.Event) (error, bool) {
	failed, ok := ev.(legacy.MessageFailed)
	return failed.Err, ok
}

func isRoomFailed(ev legacy.Event) (error, bool) {
	failed, ok := ev.(legacy.RoomFailed)
	return failed.Err, ok && !failed.Nick
}

func isDone(ev legacy.Event) (error, bool) {
	done, ok := ev.(legacy.Done)
	return done.Err, ok
}

// TestCallerID: both sides learn that a message was held back, and from whom.
func TestCallerID(t *testing.T) {
	l := newLab(t)
	l.slow = true
	l.say("1", bob, "hi")
	l.sent()
	l.hear(":irc.test 716 alice bob :is in +g mode (server-side ignore.)", ":irc.test 717 alice bob :has been informed that you messaged them.", ":irc.test PONG irc.test :~1")
	l.want(legacy.MessageFailed{Ref: "1", Err: fails(legacy.Forbidden)},
		legacy.MessageReceived{From: bob, Text: "bob has been informed that you messaged them.", Auto: true})
	l.hear(":irc.test 718 alice carol c@h :is messaging you, and you have umode +g.")
	l.want(legacy.Notice{Text: "carol is messaging you, and you have umode +g."})
}

// TestNoError: replies between 700 and 999 that are no errors fail nothing.
func TestNoError(t *testing.T) {
	l := newLab(t)
	l.slow = true
	l.say("1", bob, "hi")
	l.sent()
	l.hear(":irc.test 671 alice bob :is using a secure connection", ":irc.test 710 alice #room bob!b@h :has asked for an invite.", ":irc.test 730 alice bob",
		":irc.test 900 alice alice!u@h alice :You are now logged in", ":irc.test 761 alice bob url * :x")
	for _, ev := range l.events {
		if _, failed := ev.(legacy.MessageFailed); failed {
			t.Errorf("got %s", show(ev))
		}
	}
	l.events = nil
	l.hear(":irc.test PONG irc.test :~1")
	l.want(legacy.MessageSent{Ref: "1"})
}

// TestWhichIsRefused: of several unconfirmed commands, the one that the reply is about
// fails.
func TestWhichIsRefused(t *testing.T) {
	ctx := t.Context()
	room := legacy.Peer{ID: "#room", Room: true}
	carol := legacy.Peer{ID: "carol"}
	for line, want := range map[string]legacy.Event{
		":irc.test 404 alice #room :x":                   legacy.MessageFailed{Ref: "room", Err: fails(legacy.Forbidden)},
		":irc.test 482 alice #room :x":                   legacy.RoomFailed{Room: room, Err: fails(legacy.Forbidden)}, // the topic, which is older than the kick
		":irc.test 441 alice bob #room :x":               legacy.Done{Ref: "kick", Err: fails(legacy.Forbidden)},
		":irc.test 401 alice carol :x":                   legacy.MessageFailed{Ref: "carol", Err: fails(legacy.NotFound)},
		":irc.test 433 alice carol :x":                   legacy.RoomFailed{Room: room, Nick: true, Err: fails(legacy.Conflict)},
		":irc.test 447 alice :x y":                       legacy.RoomFailed{Room: room, Nick: true, Err: fails(legacy.Forbidden)},
		":irc.test 435 alice alicia #room :x":            legacy.RoomFailed{Room: room, Nick: true, Err: fails(legacy.Forbidden)},
		":irc.test 412 alice :No text to send":           legacy.MessageFailed{Ref: "room", Err: fails(legacy.Forbidden)},
		":irc.test 461 alice KICK :Not enough":           legacy.Done{Ref: "kick", Err: fails(legacy.Forbidden)},
		":irc.test 421 alice TOPIC :Unknown command":     legacy.RoomFailed{Room: room, Err: fails(legacy.Forbidden)},
		"FAIL KICK NOT_ALLOWED #room :x":                 legacy.Done{Ref: "kick", Err: fails(legacy.Forbidden)},
		"FAIL PRIVMSG NOT_ALLOWED carol :x":              legacy.MessageFailed{Ref: "carol", Err: fails(legacy.Forbidden)},
		"FAIL PRIVMSG NOT_ALLOWED :x":                    legacy.MessageFailed{Ref: "room", Err: fails(legacy.Forbidden)},
		"FAIL * SOMETHING carol :x":                      legacy.MessageFailed{Ref: "carol", Err: fails(legacy.Forbidden)},
		":irc.test 404 alice #other :Cannot send":        legacy.Notice{Text: "#other Cannot send"},
		":irc.test 401 alice dave :No such nick/channel": legacy.Notice{Text: "dave No such nick/channel"},
		":irc.test 481 alice :Permission denied":         legacy.Notice{Text: "Permission denied"},
	} {
		l := newLab(t)
		l.slow = true
		l.enter("#room", "bob")
		l.say("room", room, "x")
		l.say("carol", carol, "x")
		l.do(l.s.SetTopic(ctx, room, "x"))
		l.do(l.s.Moderate(ctx, "kick", room, legacy.Moderation{Nick: "bob", Kick: true}))
		l.do(l.s.SetNick(ctx, room, "alicia"))
		l.sent()
		l.hear(line)
		if t.Run(line, func(t *testing.T) { l.t = t; l.want(want) }); t.Failed() {
			continue
		}
		before := len(l.c.pending.waiting)
		l.hear(":irc.test PONG irc.test :~1")
		if len(l.c.pending.waiting) != 0 || before < 4 {
			t.Errorf("%s: %d of %d wait", line, len(l.c.pending.waiting), before)
		}
	}
}

// TestNickWithoutLabel: a NICK has no label, because InspIRCd 3.15 sends a labelled one from
// the new nick.
func TestNickWithoutLabel(t *testing.T) {
	l := newLab(t, "labeled-response", "batch")
	room := l.enter("#room")
	l.do(l.s.SetNick(t.Context(), room, "alicia"))
	l.wantSent("NICK alicia")
	l.hear(":alice!u@h NICK alicia")
	l.want(legacy.OccupantRenamed{Room: room, Old: "alice", New: "alicia"})
}

// TestNoChange: a server says nothing about a change that changes nothing. The fence
// confirms it, but not that of a bouncer, which answers before the server does.
func TestNoChange(t *testing.T) {
	ctx := t.Context()
	l := newLab(t)
	room := l.enter("#room", "bob")
	l.do(l.s.SetTopic(ctx, room, ""))
	l.do(l.s.Moderate(ctx, "1", room, legacy.Moderation{Nick: "bob", Level: legacy.LevelVoice}))
	l.wantSent("TOPIC #room :", "MODE #room +v bob")
	l.want(legacy.TopicChanged{Room: room}, legacy.Done{Ref: "1"})

	l = setup{}.lab(t)
	l.mute = true
	l.registering(":irc.test CAP alice LS :znc.in/batch znc.in/self-message")
	l.welcome()
	l.enter("#room", "bob")
	l.do(l.s.SetTopic(ctx, room, ""))
	if sent := l.sent(); !slices.Equal(sent, []string{"TOPIC #room :"}) {
		t.Errorf("sent %q", sent)
	}
	l.hear(":irc.test 482 alice #room :No operator")
	l.want(legacy.RoomFailed{Room: room, Err: fails(legacy.Forbidden)})
}
