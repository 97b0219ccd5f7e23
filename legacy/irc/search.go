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

// searchForm is what can be searched for.
func (n *network) searchForm() []legacy.Field {
	form := []legacy.Field{
		{Var: "nick", Label: "Nick, or part of it with asterisks"},
		{Var: "channel", Label: "Or part of the name or the topic of a channel"},
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
			return legacy.Errorf(legacy.NotFound, "Enter the server to search at, as irc.example.net.")
		}
	}
	nick, channel := query["nick"], query["channel"]
	mask := strings.NewReplacer("*", "", "?", "").Replace(nick)
	switch {
	case channel == "" && (mask == "" || !ircwire.IsNick("a"+mask)):
		return legacy.Errorf(legacy.NotFound, "Enter a nick, or part of one with asterisks, or part of a channel's name.")
	case channel != "" && nick != "":
		return legacy.Errorf(legacy.NotFound, "Search for a nick or for a channel, one at a time.")
	}
	fail := func(err error) { s.env.Emit(legacy.SearchFinished{Ref: ref, Err: err}) }
	return s.enqueue(server, true, command{func(c *client) {
		if channel != "" {
			c.lookups.list(list{ref: ref, find: strings.ToLower(channel)})
			return
		}
		c.lookups.who(ref, nick)
	}, fail})
}

// whoAsk is a search for people.
type whoAsk struct {
	ref, mask string
	found     []legacy.SearchResult
	more      bool
	deadline  time.Time // by patience
}

const (
	maxWho   = 8 // under way
	maxFound = 200
)

// who asks who is called like that. (RFC 2812 §3.6.1)
func (lo *lookups) who(ref, mask string) {
	lo.c.used()
	if len(lo.whos) >= maxWho || slices.ContainsFunc(lo.whos, func(w *whoAsk) bool { return lo.c.fold(w.mask) == lo.c.fold(mask) }) {
		lo.c.emit(legacy.SearchFinished{Ref: ref, Err: errTooManyQuestions()})
		return
	}
	lo.whos = append(lo.whos, &whoAsk{ref: ref, mask: mask, deadline: lo.c.patience().Add(askLimit)})
	lo.c.send(ircwire.Line("WHO", mask))
}

// onWho takes in somebody who was found, or the end of them. What is told does not say
// which question it answers: servers answer one after the other.
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
	case !ircwire.IsNick(nick), slices.ContainsFunc(w.found, func(r legacy.SearchResult) bool { return r.Peer == person.Peer }):
	case len(w.found) == maxFound:
		w.more = true
	default:
		w.found = append(w.found, person)
	}
}

// endWhos answers those searches for people that done picks.
func (lo *lookups) endWhos(done func(*whoAsk) bool, err error) {
	lo.whos = slices.DeleteFunc(lo.whos, func(w *whoAsk) bool {
		if !done(w) {
			return false
		}
		lo.c.emit(legacy.SearchFinished{Ref: w.ref, Results: w.found, More: w.more, Err: err})
		return true
	})
}

// found are the channels of a list of which a text is part of the name or the topic.
func found(rooms []legacy.ListedRoom, text string) (some legacy.SearchFinished) {
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
