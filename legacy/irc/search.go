package irc

import (
	"context"
	"slices"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

var _ legacy.Searcher = (*session)(nil)

// searchForm returns the search form for users and channels.
func (n *network) searchForm() []legacy.Field {
	form := []legacy.Field{
		{Var: "nick", Label: "Nick (* matches any characters)"},
		{Var: "channel", Label: "Or part of a channel's name or topic"},
	}
	if n.named {
		form = append([]legacy.Field{{Var: "server", Label: "Server"}}, form...)
	}
	return form
}

// Search implements legacy.Searcher.
func (s *session) Search(_ context.Context, ref string, query map[string]string) error {
	server := ""
	if s.net.named {
		server = lower(query["server"])
		if p, err := s.net.ParsePeer(server); err != nil || !p.Service {
			return legacy.Errorf(legacy.NotFound, "Enter the server to search, such as irc.example.net.")
		}
	}
	nick, channel := query["nick"], query["channel"]
	mask := strings.NewReplacer("*", "", "?", "").Replace(nick)
	switch {
	case channel == "" && (mask == "" || !ircwire.IsNick("a"+mask)):
		return legacy.Errorf(legacy.NotFound, "Enter a nick (* matches any characters) or part of a channel's name.")
	case channel != "" && nick != "":
		return legacy.Errorf(legacy.NotFound, "Search for either a nick or a channel, not both.")
	}
	fail := func(err error) { s.env.Emit(legacy.SearchFinished{Ref: ref, Err: err}) }
	return s.enqueue(server, true, command{do: func(c *client) {
		if channel != "" {
			c.lookups.list(list{ref: ref, find: strings.ToLower(channel)})
			return
		}
		c.lookups.who(ref, nick)
	}, fail: fail, wish: true})
}

// whoAsk is a search for users under way.
type whoAsk struct {
	ref, mask string
	found     []legacy.SearchResult
	more      bool
	deadline  time.Time // on the clock of unblockedNow
}

const (
	maxWho   = 8   // limit: searches under way on a server | a further one is refused: resource-constraint
	maxFound = 200 // limit: results of a search | the answer says that there are more
)

// who searches for users by a nick mask. (RFC 2812 §3.6.1)
func (lo *lookups) who(ref, mask string) {
	lo.c.postponeIdle()
	if len(lo.whos) >= maxWho || slices.ContainsFunc(lo.whos, func(w *whoAsk) bool { return lo.c.fold(w.mask) == lo.c.fold(mask) }) {
		lo.c.emit(legacy.SearchFinished{Ref: ref, Err: errTooManyQuestions()})
		return
	}
	if !lo.c.send(ircwire.Line("WHO", mask)) {
		lo.c.emit(legacy.SearchFinished{Ref: ref, Err: lo.c.link.busy()})
		return
	}
	lo.whos = append(lo.whos, &whoAsk{ref: ref, mask: mask, deadline: lo.c.unblockedNow().Add(askLimit)})
}

// onWho handles RPL_WHOREPLY and RPL_ENDOFWHO. They do not name the query; servers
// answer queries in order.
func (lo *lookups) onWho(m ircwire.Message) {
	if len(lo.whos) == 0 {
		return
	}
	w := lo.whos[0]
	if m.Command == "315" {
		lo.endWhos(func(other *whoAsk) bool { return other == w }, nil)
		return
	}
	nick := strings.Clone(m.Param(5))
	_, name, _ := strings.Cut(ircwire.Plain(m.Last()), " ")
	person := legacy.SearchResult{Peer: lo.c.peer(nick), Online: true,
		Profile: legacy.Profile{Nick: nick, FullName: strings.Clone(name), First: strings.Clone(name)}}
	switch {
	case !ircwire.IsName(nick), slices.ContainsFunc(w.found, func(r legacy.SearchResult) bool { return r.Peer == person.Peer }):
	case len(w.found) == maxFound:
		w.more = true
	default:
		w.found = append(w.found, person)
	}
}

// endWhos ends the searches that done selects.
func (lo *lookups) endWhos(done func(*whoAsk) bool, err error) {
	lo.whos = slices.DeleteFunc(lo.whos, func(w *whoAsk) bool {
		if !done(w) {
			return false
		}
		lo.c.emit(legacy.SearchFinished{Ref: w.ref, Results: w.found, More: w.more, Err: err})
		return true
	})
}

// found returns the channels whose name or topic contains a text. Asterisks around it are
// ignored.
func found(rooms []legacy.ListedRoom, text string) (some legacy.SearchFinished) {
	text, some.Rooms = strings.Trim(text, "*"), true
	for _, r := range rooms {
		switch {
		case !strings.Contains(strings.ToLower(r.Room.ID), text) && !strings.Contains(strings.ToLower(r.Topic), text):
		case len(some.Results) == maxFound:
			some.More = true
		default:
			some.Results = append(some.Results, legacy.SearchResult{Peer: r.Room, Topic: r.Topic, Occupants: r.Occupants})
		}
	}
	return some
}
