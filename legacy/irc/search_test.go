package irc

import (
	"fmt"
	"testing"

	"transport/legacy"
)

// Searches for users and for channels.
func TestSearch(t *testing.T) {
	l := newLab(t)
	search := func(ref, nick, channel string) {
		t.Helper()
		l.do(l.s.Search(t.Context(), ref, map[string]string{"nick": nick, "channel": channel}))
	}
	person := func(nick, name string) legacy.SearchResult {
		return legacy.SearchResult{Peer: legacy.Peer{ID: lower(nick)}, Online: true, Profile: legacy.Profile{Nick: nick, FullName: name, First: name}}
	}
	search("1", "bo*", "")
	search("2", "eva", "")
	l.wantSent("WHO bo*", "WHO eva")
	l.hear(":irc.test 352 alice #room b h irc.test Bob H@ :0 Bob \x02Builder", ":irc.test 352 alice * b h irc.test bob G :3 the same", ":irc.test 352 alice * b h irc.test Bo[] H :nothing",
		":irc.test 352 alice * b h irc.test no!body H :0 x", ":irc.test 352", ":irc.test 315 alice bo* :End")
	l.want(legacy.SearchFinished{Ref: "1", Results: []legacy.SearchResult{person("Bob", "Bob Builder"), person("Bo[]", "")}})
	l.hear(":irc.test 315 alice eva :End", ":irc.test 315 alice eva :End", ":irc.test 352 alice * b h irc.test late H :0 x")
	l.want(legacy.SearchFinished{Ref: "2"})

	search("3", "", "HELP")
	l.wantSent("LIST")
	l.hear(":irc.test 322 alice #Help 12 :ask", ":irc.test 322 alice #a 1 :no", ":irc.test 322 alice #b 1 :\x02helpful", ":irc.test 323 alice :End")
	room := func(id, topic string, people int) legacy.SearchResult {
		return legacy.SearchResult{Peer: legacy.Peer{ID: id, Room: true}, Topic: topic, Occupants: people}
	}
	l.want(legacy.SearchFinished{Ref: "3", Rooms: true, Results: []legacy.SearchResult{room("#help", "ask", 12), room("#b", "helpful", 1)}})

	for ref, pattern := range map[string]string{"3a": "*", "3b": "*help*"} { // as people write it who search elsewhere
		search(ref, "", pattern)
		l.wantSent("LIST")
		l.hear(":irc.test 322 alice #Help 12 :ask", ":irc.test 323 alice :End")
		l.want(legacy.SearchFinished{Ref: ref, Rooms: true, Results: []legacy.SearchResult{room("#help", "ask", 12)}})
	}

	search("4", "eva", "")
	l.hear(":irc.test 263 alice WHO :Please wait")
	l.want(legacy.SearchFinished{Ref: "4", Err: fails(legacy.RateLimited)})
	search("5", "eva", "")
	search("6", "EVA", "") // already under way
	l.want(legacy.SearchFinished{Ref: "6", Err: fails(legacy.RateLimited)})
	l.after(askLimit)
	l.want(legacy.SearchFinished{Ref: "5", Err: fails(legacy.Temporary)})
	search("7", "a*", "")
	for i := range maxFound + 5 {
		l.hear(fmt.Sprintf(":irc.test 352 alice * b h irc.test a%d H :0 x", i))
	}
	l.hear(":irc.test 315 alice a* :End")
	if got := take[legacy.SearchFinished](l); len(got.Results) != maxFound || !got.More {
		t.Errorf("found %d", len(got.Results))
	}
	search("8", "b*", "")
	search("9", "", "x")
	l.sent()
	l.c.giveUp(nil)
	l.want(legacy.SearchFinished{Ref: "9", Rooms: true, Err: fails(legacy.Offline)}, legacy.SearchFinished{Ref: "8", Err: fails(legacy.Offline)})
	for _, query := range []map[string]string{{}, {"nick": "*"}, {"nick": "a b"}, {"nick": "a,b"}, {"nick": "#x"}, {"nick": "a", "channel": "b"}} {
		if err := l.s.Search(t.Context(), "x", query); legacy.KindOf(err) != legacy.NotFound {
			t.Errorf("%v: %v", query, err)
		}
	}

	l = setup{server: "irc.test"}.lab(t)
	l.welcome()
	l.do(l.s.Search(t.Context(), "1", map[string]string{"server": "IRC.test", "nick": "bob"}))
	l.wantSent("WHO bob")
	for _, server := range []string{"", "a b", "#x%irc.test", "bob%irc.test"} {
		if err := l.s.Search(t.Context(), "x", map[string]string{"server": server, "nick": "bob"}); legacy.KindOf(err) != legacy.NotFound {
			t.Errorf("at %q: %v", server, err)
		}
	}
}
