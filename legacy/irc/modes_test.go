package irc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

func TestModes(t *testing.T) {
	l := newLab(t)
	l.hear(":irc.test 005 alice PREFIX=(qaohv)~&@%+ CHANMODES=beI,k,lf,imnpst :are supported")
	room := l.enter("#room", "@bob", "+carol")
	changed := func(nick string, level legacy.Level) legacy.Event {
		return legacy.OccupantChanged{Room: room, Occupant: legacy.Occupant{Nick: nick, Level: level}}
	}
	said := func(text string) legacy.Event { return legacy.RoomMessage{Room: room, Text: text} }
	config := func(text string) legacy.Event { return legacy.RoomConfigChanged{Room: room, Text: text} }
	for _, tt := range []struct {
		line string
		want []legacy.Event
	}{
		{":bob!b@h MODE #room +h-v carol carol", []legacy.Event{changed("carol", legacy.LevelHelper), said("Mode #room [+h-v carol carol] by bob")}},
		{":bob!b@h MODE #room +v carol", []legacy.Event{said("Mode #room [+v carol] by bob")}}, // not above the present rank
		{":irc.test MODE #room +a bob", []legacy.Event{changed("bob", legacy.LevelOwner), said("Mode #room [+a bob] by irc.test")}},
		{":irc.test MODE #room -ao bob bob", []legacy.Event{changed("bob", legacy.LevelOperator), changed("bob", legacy.LevelNone), said("Mode #room [-ao bob bob] by irc.test")}},
		{":bob!b@h MODE #room +lo 5 bob", []legacy.Event{changed("bob", legacy.LevelOperator), config("Mode #room [+lo 5 bob] by bob")}},
		{":bob!b@h MODE #room -l+v bob", []legacy.Event{config("Mode #room [-l+v bob] by bob")}},
		{":bob!b@h MODE #room +bfk *!*@x 5:1 key", []legacy.Event{config("Mode #room [+bfk *!*@x 5:1 key] by bob")}},
		{":bob!b@h MODE #room +o", []legacy.Event{said("Mode #room [+o] by bob")}},
		{":bob!b@h MODE #room +o stranger", []legacy.Event{said("Mode #room [+o stranger] by bob")}},
		{"MODE #room +t", []legacy.Event{config("Mode #room [+t]")}},
		{":bob!b@h MODE #elsewhere +o alice", nil},
		{":alice MODE alice +i", nil},
	} {
		l.hear(tt.line)
		if t.Run(tt.line, func(t *testing.T) { l.t = t; l.want(tt.want...) }); t.Failed() {
			break
		}
	}
	l.t = t
	if ch := l.c.channels.byName["#room"]; ch.key != "key" || ch.config != (legacy.RoomConfig{TopicLocked: true, Password: "key"}) {
		t.Errorf("the key is %q, the settings are %+v", ch.key, ch.config)
	}
	l.hear(":bob!b@h MODE #room +k *")
	if ch := l.c.channels.byName["#room"]; ch.key != "key" {
		t.Errorf("the key is %q", ch.key)
	}
}

// TestOddServers: invalid modes are ignored.
func TestOddServers(t *testing.T) {
	for tokens, want := range map[string]support{
		"":                                  defaultSupport,
		"PREFIX= CHANMODES=a,b MONITOR=x":   {mapping: "rfc1459", prefixes: defaultSupport.prefixes, chanModes: defaultSupport.chanModes, modes: 3, monitor: maxWatched, chanTypes: "#&", status: "*"},
		"PREFIX=(ov)@ MONITOR=0 CHANMODES=": defaultSupport,
		"PREFIX=(o)@ MONITOR=-5 NETWORK=N":  {mapping: "rfc1459", prefixes: ircwire.Prefixes{Modes: "o", Chars: "@"}, chanModes: defaultSupport.chanModes, modes: 3, monitor: -1, network: "N", ranked: true, chanTypes: "#&", status: "*"},
		"MONITOR=99999999999999999999 NICKLEN=-1 CASEMAPPING=klingon CHANMODES=b,k,l,i,x": {mapping: "klingon", prefixes: defaultSupport.prefixes,
			chanModes: [4]string{"b", "k", "l", "i"}, modes: 3, monitor: maxWatched, chanTypes: "#&", status: "*"},
		"CASEMAPPING PREFIX MONITOR=7 TARGMAX= CHANTYPES= STATUSMSG= MODES=x UTF8MAPPING=rfc8265": {mapping: "", prefixes: defaultSupport.prefixes,
			chanModes: defaultSupport.chanModes, modes: maxModes, monitor: 7, chanTypes: "#&"},
	} {
		l := newLab(t)
		l.hear(":irc.test 005 alice " + tokens + " :are supported")
		if l.c.support != want {
			t.Errorf("%q: %+v\nwant %+v", tokens, l.c.support, want)
		}
		l.enter("#room", "@bob")
		l.hear(":bob!b@h MODE #room +vvvvv-o bob bob bob", ":Bob!b@h PRIVMSG #room :hi")
		if m, ok := l.events[len(l.events)-1].(legacy.RoomMessage); !ok || m.Text != "hi" {
			t.Errorf("%q: %+v", tokens, l.events)
		}
	}
}

// TestCasemapping: CASEMAPPING may arrive late.
func TestCasemapping(t *testing.T) {
	l := newLab(t)
	room := l.enter("#Room^", "[Bob]")
	l.do(l.s.Watch(t.Context(), legacy.Peer{ID: "[eve]"}, true))
	l.do(l.s.RequestProfile(t.Context(), "w", legacy.Peer{ID: "[eve]"}))
	l.hear(":irc.test 005 alice CASEMAPPING=ascii :are supported", ":{bob}!b@h PRIVMSG #room~ :another room",
		":[BOB]!b@h QUIT :x", ":irc.test 311 alice [eve] e h * :Eve", ":irc.test 318 alice [EVE] :End")
	l.want(legacy.OccupantLeft{Room: room, Nick: "[Bob]", Reason: "x"},
		legacy.ProfileReceived{Ref: "w", Profile: legacy.Profile{Nick: "[eve]", FullName: "Eve", About: "Name: Eve\nAddress: e@h"}})
	if len(l.c.lookups.whoises) != 0 || l.c.watches.watched["[eve]"] == nil {
		t.Errorf("%d questions are left", len(l.c.lookups.whoises))
	}
}

func TestRoomConfig(t *testing.T) {
	l := newLab(t)
	l.slow = true
	room := l.enter("#room")
	ctx := t.Context()
	ask := func(ref string) { l.do(l.s.RequestRoomConfig(ctx, ref, room)) }
	set := func(c legacy.RoomConfig) { l.do(l.s.SetRoomConfig(ctx, "set", room, c)) }
	ask("1")
	ask("2")
	l.wantSent("MODE #room")
	had := legacy.RoomConfig{TopicLocked: true, Moderated: true, InviteOnly: true, Hidden: true, Password: "old", Limit: 10}
	l.hear(":irc.test 324 alice #room +tminskl old 10")
	l.want(legacy.RoomConfigReceived{Ref: "1", Config: had}, legacy.RoomConfigReceived{Ref: "2", Config: had})
	set(had)
	l.want(legacy.Done{Ref: "set"})

	set(legacy.RoomConfig{})
	l.wantSent("MODE #room -tmislk old")
	l.hear(":irc.test 482 alice #room :You are no operator")
	l.want(legacy.Done{Ref: "set", Err: fails(legacy.Forbidden)})
	set(legacy.RoomConfig{}) // nothing has changed, so the change is retried
	l.wantSent("MODE #room -tmislk old")
	l.hear(":alice!u@h MODE #room -tmislk old")
	l.want(legacy.Done{Ref: "set"}, legacy.RoomConfigChanged{Room: room, Text: "Mode #room [-tmislk old] by alice", Config: &legacy.RoomConfig{}})

	set(legacy.RoomConfig{Password: "a b", Limit: 3, Hidden: true})
	l.wantSent("MODE #room +slk 3 ab")
	l.after(askLimit)
	l.want(legacy.Done{Ref: "set", Err: fails(legacy.Temporary)})

	ask("3") // the key is hidden: the known key is returned
	l.hear(":alice!u@h MODE #room +k ab")
	l.events = nil
	l.hear(":irc.test 324 alice #room +kl *")
	l.want(legacy.RoomConfigReceived{Ref: "3", Config: legacy.RoomConfig{Password: "ab"}})
	for i := range maxRefs {
		ask(fmt.Sprint(i))
	}
	ask("too many")
	l.want(legacy.RoomConfigReceived{Ref: "too many", Err: fails(legacy.RateLimited)})
	l.hear(":irc.test 442 alice #room :You are not there")
	if len(l.events) != maxRefs {
		t.Errorf("%d of %d are answered", len(l.events), maxRefs)
	}
}

func TestBans(t *testing.T) {
	l := newLab(t)
	l.slow = true
	room := l.enter("#room")
	ctx := t.Context()
	ask := func(ref string) { l.do(l.s.RequestBans(ctx, ref, room)) }
	ask("1")
	ask("2")
	l.wantSent("MODE #room b")
	l.hear(":irc.test 367 alice #room *!*@bad bob!b@h 1700000000", ":irc.test 367 alice #room *!*@worse", ":irc.test 368 alice #room :End", ":irc.test 368 alice #room :End")
	bans := []legacy.Ban{{Mask: "*!*@bad", By: "bob", Time: time.Unix(1700000000, 0)}, {Mask: "*!*@worse"}}
	l.want(legacy.BansReceived{Ref: "1", Bans: bans}, legacy.BansReceived{Ref: "2", Bans: bans})

	ask("3")
	l.hear(":irc.test 482 alice #room :Only operators")
	l.want(legacy.BansReceived{Ref: "3", Err: fails(legacy.Forbidden)})
	for i := range maxRefs {
		ask(fmt.Sprint(i))
	}
	ask("too many")
	l.want(legacy.BansReceived{Ref: "too many", Err: fails(legacy.RateLimited)})
	for range maxBans + 10 {
		l.hear(":irc.test 367 alice #room a!b@c")
	}
	l.hear(":irc.test 368 alice #room :End")
	if len(l.events) != maxRefs || len(l.events[0].(legacy.BansReceived).Bans) != maxBans {
		t.Errorf("%d are answered", len(l.events))
	}
	l.events = nil
	l.sent()

	for mask, want := range map[string]string{"bob": "bob!*@*", "*!*@h": "*!*@h", "$a:acc": "$a:acc", "a b": "ab!*@*"} {
		l.do(l.s.SetBan(ctx, "+", room, mask, true))
		l.do(l.s.SetBan(ctx, "-", room, mask, false))
		l.wantSent("MODE #room +b "+want, "MODE #room -b "+want)
		l.hear(":alice!u@h MODE #room +b " + want)
		l.want(legacy.Done{Ref: "+"}, legacy.RoomMessage{Room: room, Text: "Mode #room [+b " + want + "] by alice"})
		l.hear(":irc.test 478 alice #room " + want + " :List is full")
		l.want(legacy.Done{Ref: "-", Err: fails(legacy.Forbidden)})
	}
}

// TestUnansweredQueries: a query that the server never answers fails, and does not block
// later ones.
func TestUnansweredQueries(t *testing.T) {
	ctx := t.Context()
	room, late := legacy.Peer{ID: "#room", Room: true}, fails(legacy.Temporary)
	for name, tt := range map[string]struct {
		ask   func(l *lab, ref string) error
		line  string
		limit time.Duration
		fails func(ref string) legacy.Event
	}{
		"modes": {func(l *lab, ref string) error { return l.s.RequestRoomConfig(ctx, ref, room) }, "MODE #room", askLimit,
			func(ref string) legacy.Event { return legacy.RoomConfigReceived{Ref: ref, Err: late} }},
		"bans": {func(l *lab, ref string) error { return l.s.RequestBans(ctx, ref, room) }, "MODE #room b", askLimit,
			func(ref string) legacy.Event { return legacy.BansReceived{Ref: ref, Err: late} }},
		"list": {func(l *lab, ref string) error { return l.s.ListRooms(ctx, ref, legacy.Peer{}) }, "LIST", listLimit,
			func(ref string) legacy.Event { return legacy.RoomsListed{Ref: ref, Err: late} }},
		"profile": {func(l *lab, ref string) error { return l.s.RequestProfile(ctx, ref, bob) }, "WHOIS bob", askLimit,
			func(ref string) legacy.Event { return legacy.ProfileReceived{Ref: ref, Err: late} }},
		"search": {func(l *lab, ref string) error { return l.s.Search(ctx, ref, map[string]string{"nick": "b" + ref}) }, "", askLimit,
			func(ref string) legacy.Event { return legacy.SearchFinished{Ref: ref, Err: late} }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.enter("#room", "bob")
			for _, ref := range []string{"1", "3"} {
				l.do(tt.ask(l, ref))
				l.clock = l.clock.Add(tt.limit / 2)
				l.do(tt.ask(l, ref+"b")) // it waits for the same answer
				if got := l.sent(); tt.line != "" && !slices.Equal(got, []string{tt.line}) {
					t.Errorf("sent %q", got)
				}
				l.c.tick()
				l.want()
				l.clock = l.clock.Add(tt.limit)
				l.c.pingAt = l.clock.Add(pingEvery)
				l.after(0)
				slices.SortFunc(l.events, func(a, b legacy.Event) int { return strings.Compare(show(a), show(b)) })
				l.want(tt.fails(ref), tt.fails(ref+"b"))
			}
			l.c.pingAt = l.clock.Add(pingEvery)
			if wait := l.c.tick(); wait < pingEvery {
				t.Errorf("something is due in %v", wait)
			}
		})
	}
	l := newLab(t) // a JOIN, too
	l.do(l.s.JoinRoom(ctx, room, "alice", ""))
	l.after(joinLimit)
	l.want(legacy.RoomFailed{Room: room, Err: late})
	l.do(l.s.JoinRoom(ctx, room, "alice", ""))
	l.hear(":alice!u@h JOIN #room")
	l.want()
	l.after(joinLimit) // without the end of the members
	l.want(legacy.RoomJoined{Room: room, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice", Identity: "alice!u@h"}}})
}

// TestQuestionsAnswered: queries about a channel get an answer when the user leaves it
// or the connection is lost.
func TestQuestionsAnswered(t *testing.T) {
	ctx := t.Context()
	for name, end := range map[string]func(*lab){
		"part":       func(l *lab) { l.hear(":alice!u@h PART #room") },
		"kick":       func(l *lab) { l.hear(":bob!b@h KICK #room alice") },
		"loss":       func(l *lab) { l.c.giveUp(nil) },
		"disconnect": func(l *lab) { l.do(l.s.Do(ctx, "d", legacy.Peer{}, "disconnect-from-irc-server", nil)) },
	} {
		l := newLab(t)
		room := l.enter("#room", "@bob")
		l.do(l.s.RequestRoomConfig(ctx, "c", room))
		l.do(l.s.RequestBans(ctx, "b", room))
		end(l)
		l.events = slices.DeleteFunc(l.events, func(ev legacy.Event) bool {
			switch ev.(type) {
			case legacy.RoomLeft, legacy.CommandDone:
				return true
			}
			return false
		})
		t.Run(name, func(t *testing.T) {
			l.t = t
			l.want(legacy.RoomConfigReceived{Ref: "c", Err: fails(legacy.Offline)}, legacy.BansReceived{Ref: "b", Err: fails(legacy.Offline)})
		})
	}
	l := newLab(t)
	gone := legacy.Peer{ID: "#gone", Room: true}
	l.do(l.s.RequestRoomConfig(ctx, "1", gone))
	l.do(l.s.SetRoomConfig(ctx, "2", gone, legacy.RoomConfig{}))
	l.do(l.s.RequestBans(ctx, "3", gone))
	l.do(l.s.SetBan(ctx, "4", gone, "x", true))
	l.do(l.s.Moderate(ctx, "5", gone, legacy.Moderation{Nick: "bob", Kick: true}))
	l.want(legacy.RoomConfigReceived{Ref: "1", Err: fails(legacy.Offline)}, legacy.Done{Ref: "2", Err: fails(legacy.Offline)},
		legacy.BansReceived{Ref: "3", Err: fails(legacy.Offline)}, legacy.Done{Ref: "4", Err: fails(legacy.Offline)}, legacy.Done{Ref: "5", Err: fails(legacy.Forbidden)})
	l.wantSent()
}
