package irc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

func TestWhois(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	l.do(l.s.RequestProfile(ctx, "1", bob))
	l.do(l.s.RequestProfile(ctx, "2", bob))
	l.do(l.s.Do(ctx, "3", bob, "whois", nil))
	l.wantSent("WHOIS bob")
	about := "Name: Bob \"B\" Builder\nAddress: b@h.example\nServer: irc.test A server\nOperator\nIdle time: 1m5s\nSigned on since: 2023-11-14 22:13 UTC\nChannels: @#a +#b\nAccount: bobby\nAway: lunch\nsecure\nfrom 127.0.0.1"
	l.hear(":irc.test 311 alice Bob b h.example * :\x02Bob \"B\" Builder", ":irc.test 312 alice Bob irc.test :A server", ":irc.test 313 alice bob :Operator",
		":irc.test 317 alice bob 65 1700000000 :seconds idle, signon time", ":irc.test 319 alice bob :@#a +#b", ":irc.test 330 alice bob bobby :is logged in as",
		":irc.test 301 alice bob :lunch", ":irc.test 671 alice bob :secure", ":irc.test 378 alice bob :from 127.0.0.1", ":irc.test 311 alice stranger s h * :S",
		":irc.test 318 alice bob :End", ":irc.test 318 alice bob :End")
	profile := legacy.Profile{Nick: "Bob", FullName: "Bob \"B\" Builder", About: about}
	l.want(legacy.ProfileReceived{Ref: "2", Profile: profile}, legacy.ProfileReceived{Ref: "1", Profile: profile}, legacy.CommandDone{Ref: "3", Text: about})

	l.do(l.s.Do(ctx, "4", bob, "whois", nil))
	l.hear(":irc.test 401 alice bob :No such nick", ":irc.test 318 alice bob :End")
	l.want(legacy.CommandDone{Ref: "4", Err: fails(legacy.NotFound)})
	l.do(l.s.RequestProfile(ctx, "5", bob))
	l.after(askLimit)
	l.want(legacy.ProfileReceived{Ref: "5", Err: fails(legacy.Temporary)})
	l.after(askLimit)
	l.want()

	l.hear(":irc.test 317 alice bob x y :z", ":irc.test 402 alice irc.else :No such server")
	l.want(legacy.Notice{Text: "irc.else No such server"})
	for i := range maxWhois - 1 {
		l.do(l.s.RequestProfile(ctx, fmt.Sprint(i), legacy.Peer{ID: fmt.Sprintf("n%d", i)}))
	}
	for i := range maxRefs + 1 {
		l.do(l.s.RequestProfile(ctx, fmt.Sprintf("r%d", i), legacy.Peer{ID: "n0"}))
	}
	l.want(legacy.ProfileReceived{Ref: fmt.Sprintf("r%d", maxRefs), Err: fails(legacy.RateLimited)})
	l.do(l.s.RequestProfile(ctx, "last", legacy.Peer{ID: "last"}))
	l.do(l.s.RequestProfile(ctx, "more", bob))
	l.want(legacy.ProfileReceived{Ref: "more", Err: fails(legacy.RateLimited)})
	for range maxWhoisLines + 5 {
		l.hear(":irc.test 338 alice n0 :x", ":irc.test 335 alice n0 :")
	}
	if n := len(l.c.lookups.whoises["n0"].lines); n != maxWhoisLines {
		t.Errorf("%d lines are kept", n)
	}
	l.c.giveUp(nil)
	if len(l.events) != maxWhois+maxRefs {
		t.Errorf("%d are answered", len(l.events))
	}
}

func TestList(t *testing.T) {
	l := newLab(t)
	ctx := t.Context()
	list := func(ref string) { l.do(l.s.ListRooms(ctx, ref, legacy.Peer{})) }
	list("1")
	list("2")
	l.wantSent("LIST")
	long := strings.Repeat("ж", maxTopic)
	l.hear(":irc.test 321 alice Channel :Users Name", ":irc.test 322 alice #A 12 :[+nt] \x02a topic", ":irc.test 322 alice #b", ":irc.test 322 alice #c 1 :"+long,
		":irc.test 322 alice * 3 :hidden", ":irc.test 322", ":irc.test 323 alice :End", ":irc.test 323 alice :End")
	rooms := []legacy.ListedRoom{{Room: legacy.Peer{ID: "#a", Room: true}, Topic: "[+nt] a topic", Occupants: 12},
		{Room: legacy.Peer{ID: "#b", Room: true}}, {Room: legacy.Peer{ID: "#c", Room: true}, Topic: long[:maxTopic], Occupants: 1}}
	l.want(legacy.RoomsListed{Ref: "1", Rooms: rooms}, legacy.RoomsListed{Ref: "2", Rooms: rooms})

	list("3")
	l.hear(":irc.test 263 alice WHO :Please wait")
	take[legacy.Notice](l)
	l.hear(":irc.test 263 alice LIST :Please wait a while")
	l.want(legacy.RoomsListed{Ref: "3", Err: fails(legacy.RateLimited)})
	list("4")
	l.hear(":irc.test 322 alice #a 1 :x", ":irc.test 416 alice LIST :Too many")
	l.want(legacy.RoomsListed{Ref: "4", Rooms: []legacy.ListedRoom{{Room: legacy.Peer{ID: "#a", Room: true}, Topic: "x", Occupants: 1}}})

	for i := range maxLists {
		list(fmt.Sprint(i))
	}
	list("more")
	l.want(legacy.RoomsListed{Ref: "more", Err: fails(legacy.RateLimited)})
	l.sent()
	l.clock = l.clock.Add(listLimit + time.Second)
	list("later")
	l.wantSent("LIST")
	if len(l.events) != maxLists {
		t.Errorf("%d are answered", len(l.events))
	}
	l.events = nil
	for i := range maxListed + 10 { // an endless list
		l.hear(fmt.Sprintf(":irc.test 322 alice #c%d 1 :x", i))
	}
	l.hear(":irc.test 323 alice :End")
	if got := take[legacy.RoomsListed](l); len(got.Rooms) != maxListed {
		t.Errorf("%d rooms", len(got.Rooms))
	}
	list("lost")
	l.c.giveUp(nil)
	l.want(legacy.RoomsListed{Ref: "lost", Err: fails(legacy.Offline)})
}

// TestAwayText: a message to a user who is away returns the away message, once for each
// text.
func TestAwayText(t *testing.T) {
	l := newLab(t)
	l.welcome()
	l.events = nil
	away := legacy.MessageReceived{From: legacy.Peer{ID: "bob"}, Text: "gone", Auto: true}
	l.hear(":irc.test 301 alice bob :gone", ":irc.test 301 alice bob :gone", ":irc.test 301 alice bob :")
	l.want(away)
	away.Text = "still gone"
	l.hear(":irc.test 301 alice BOB :still \x02gone")
	l.want(away)
}
