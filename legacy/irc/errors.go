package irc

import (
	"cmp"
	"strings"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// joinErrors maps the numerics that refuse a JOIN to kinds of errors.
var joinErrors = map[string]legacy.Kind{
	"403": legacy.NotFound, "405": legacy.RateLimited, "471": legacy.Full, "473": legacy.MembersOnly,
	"474": legacy.Forbidden, "475": legacy.Auth, "476": legacy.NotFound, "477": legacy.MembersOnly,
}

// onError handles an error numeric. (RFC 2812 §5.2)
func (c *client) onError(m ircwire.Message) {
	text, about := "", m.Param(1)
	if len(m.Params) > 2 {
		text = strings.TrimSpace(ircwire.Plain(m.Last()))
	}
	if text == "" {
		text = "The server refused this (error " + m.Command + ")."
	}
	is := func(kind legacy.Kind) error { return legacy.Errorf(kind, "%s", text) }
	if label := c.pending.labelOf(m); label != "" {
		kind := legacy.Forbidden
		if m.Command == "401" || m.Command == "441" {
			kind = legacy.NotFound
		}
		if c.pending.answer(func(a *ask) bool { return a.label == label }, is(kind)) {
			return
		}
	}
	switch m.Command {
	case "431", "432", "433", "435", "436", "437", "438", "447", "484":
		if isChannel(about) {
			break // one of the raw lines may be its cause
		}
		if plain := plainNick(about); m.Command == "432" && ircwire.IsNick(about) && plain != "" && plain != about {
			c.send(ircwire.Line("NICK", plain))
			return
		}
		kind := legacy.Conflict
		if m.Command != "433" && m.Command != "436" {
			kind = legacy.Forbidden
		}
		c.channels.nickFailed(is(kind))
		return
	case "416": // LIST has too many results
		if len(c.lookups.lists) > 0 {
			c.lookups.endLists(nil)
			return
		}
	case "263":
		if len(c.lookups.whos) > 0 && about == "WHO" {
			first := c.lookups.whos[0]
			c.lookups.endWhos(func(w *whoAsk) bool { return w == first }, is(legacy.RateLimited))
			return
		}
		if len(c.lookups.lists) > 0 && (about == "LIST" || len(m.Params) < 3) {
			c.lookups.endLists(is(legacy.RateLimited))
			return
		}
	}
	if ch := c.channels.byName[c.fold(about)]; ch != nil && ch.parting && notThere(m.Command) {
		ch.parted(legacy.RoomLeft{Room: ch.peer})
		return
	}
	if m.Command == "401" && c.identifying && c.fold(about) == "nickserv" { // no fault of the user's
		c.identifying, c.noNickServ = false, true
		return
	}
	switch m.Command {
	case "401", "404", "407", "408", "415", "477", "531": // a message was not delivered, or its target to be moderated does not exist
		kind := legacy.NotFound
		if m.Command != "401" {
			kind = legacy.Forbidden
		}
		if c.pending.answer(func(a *ask) bool {
			return a.kind == askText && c.fold(a.target) == c.fold(about) || a.nick != "" && c.fold(a.nick) == c.fold(about)
		}, is(kind)) {
			return
		}
		if c.lookups.endVersions(c.lookups.ofNick(about), "", is(kind)) {
			return
		}
		if c.channels.failRoom(about, is(legacy.Forbidden)) {
			return
		}
		if c.lookups.whoises[c.fold(about)] != nil {
			return // 318 follows
		}
		if m.Command == "401" && c.channels.failRoom(c.channels.invited(about), is(kind)) {
			return
		}
	case "443": // the invited user is already in the channel
		c.channels.invited(about)
		if c.channels.failRoom(m.Param(2), is(legacy.Conflict)) {
			return
		}
	case "402", "406":
		if c.lookups.whoises[c.fold(about)] != nil {
			return
		}
	case "441", "442", "467", "472", "478", "481", "482", "484", "485", "499", "696":
		for _, target := range m.Middle() {
			if c.pending.answer(func(a *ask) bool { return a.kind != askText && c.fold(a.target) == c.fold(target) }, is(legacy.Forbidden)) {
				return
			}
			if ch := c.channels.byName[c.fold(target)]; ch != nil && ch.failQueries(is(legacy.Forbidden)) || c.channels.failRoom(target, is(legacy.Forbidden)) {
				return
			}
		}
	}
	if ch := c.channels.byName[c.fold(about)]; ch != nil && !ch.entered && !ch.parting { // the JOIN failed
		kind, known := joinErrors[m.Command]
		if !known {
			kind = legacy.Forbidden
		}
		ch.forget()
		c.emit(legacy.RoomFailed{Room: ch.peer, Err: is(kind)})
		return
	}
	c.notice(ircwire.Plain(strings.Join(m.Middle(), " ")) + " " + text)
}

// notThere reports whether a numeric can be the reply to a PART. (RFC 2812 §3.2.2)
func notThere(numeric string) bool { return numeric == "403" || numeric == "442" }

// failRoom emits a RoomFailed for a channel. It returns false if the user is not in it.
func (cs *channels) failRoom(name string, err error) bool {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil || !ch.entered {
		return false
	}
	cs.c.emit(legacy.RoomFailed{Room: ch.peer, Err: err})
	return true
}

// failQueries fails the pending queries about a channel's configuration and bans.
// It returns false if there are none.
func (ch *channel) failQueries(err error) bool {
	configs, bans := ch.configs, ch.bans
	ch.configs, ch.bans = nil, nil
	for _, ref := range configs {
		ch.c.emit(legacy.RoomConfigReceived{Ref: ref, Err: err})
	}
	if bans != nil {
		for _, ref := range bans.refs {
			ch.c.emit(legacy.BansReceived{Ref: ref, Err: err})
		}
	}
	return len(configs) > 0 || bans != nil
}

// onFail handles FAIL. (IRCv3 standard replies)
func (c *client) onFail(m ircwire.Message) {
	text := cmp.Or(strings.TrimSpace(ircwire.Plain(m.Last())), "The server refused this.")
	err := legacy.Errorf(legacy.Forbidden, "%s", text)
	if label := c.pending.labelOf(m); label != "" && c.pending.answer(func(a *ask) bool { return a.label == label }, err) {
		return
	}
	switch m.Param(0) {
	case "CHATHISTORY", "MARKREAD":
		return // sent automatically, not by the user
	case "REDACT":
		if c.pending.answer(func(a *ask) bool { return a.kind == askRedact && a.is(c, m.Param(2), m.Param(3)) }, err) {
			return
		}
	}
	for _, p := range m.Params[min(2, len(m.Params)):] {
		if c.channels.failRoom(p, err) {
			return
		}
	}
	c.notice(text)
}
