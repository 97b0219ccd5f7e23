package irc

import (
	"strings"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// joinErrors are the kinds of the errors for which a channel is not entered.
var joinErrors = map[string]legacy.Kind{
	"403": legacy.NotFound, "405": legacy.RateLimited, "471": legacy.Full, "473": legacy.MembersOnly,
	"474": legacy.Forbidden, "475": legacy.Auth, "476": legacy.NotFound, "477": legacy.MembersOnly,
}

// onError handles an error of the server's. (RFC 2812 §5.2)
func (c *client) onError(m ircwire.Message) {
	text, about := ircwire.Plain(m.Last()), m.Param(1)
	is := func(kind legacy.Kind) error { return legacy.Errorf(kind, "%s", text) }
	if label := c.labelOf(m); label != "" {
		kind := legacy.Forbidden
		if m.Command == "401" || m.Command == "441" {
			kind = legacy.NotFound
		}
		if c.answer(func(a *ask) bool { return a.label == label }, is(kind)) {
			return
		}
	}
	switch m.Command {
	case "432", "433", "436", "437", "447", "484":
		kind := legacy.Conflict
		if m.Command != "433" && m.Command != "436" {
			kind = legacy.Forbidden
		}
		c.nickFailed(is(kind))
		return
	case "401", "402", "406":
		if w := c.whoises[c.fold(about)]; w != nil {
			return // the end of its answer says so too
		}
	case "416", "263": // of a list
		if len(c.lists) > 0 {
			c.onList(ircwire.Message{Command: "323"})
			return
		}
	}
	switch m.Command {
	case "401", "404", "407", "531": // a message that did not arrive, or nobody to moderate
		kind := legacy.NotFound
		if m.Command != "401" {
			kind = legacy.Forbidden
		}
		if c.answer(func(a *ask) bool { return a.kind == askText && c.fold(a.target) == c.fold(about) }, is(kind)) {
			return
		}
		if c.failRoom(about, is(legacy.Forbidden)) {
			return
		}
	case "441", "442", "467", "472", "478", "481", "482", "485", "499", "696":
		for _, target := range m.Middle() {
			if c.answer(func(a *ask) bool { return a.kind != askText && c.fold(a.target) == c.fold(target) }, is(legacy.Forbidden)) {
				return
			}
			if c.refuseLists(target, is(legacy.Forbidden)) || c.failRoom(target, is(legacy.Forbidden)) {
				return
			}
		}
	}
	if ch := c.channels[c.fold(about)]; ch != nil && !ch.entered { // the channel was not to be entered
		kind, known := joinErrors[m.Command]
		if !known {
			kind = legacy.Forbidden
		}
		delete(c.channels, c.fold(about))
		c.emit(legacy.RoomFailed{Room: ch.peer, Err: is(kind)})
		return
	}
	if text != "" {
		c.emit(legacy.Notice{From: c.service(), Text: strings.TrimSpace(strings.Join(m.Middle(), " ") + " " + text)})
	}
}

// failRoom tells that something in a channel was not done. It is false for a
// channel that the user is not in.
func (c *client) failRoom(name string, err error) bool {
	ch := c.channels[c.fold(name)]
	if ch == nil || !ch.entered {
		return false
	}
	c.emit(legacy.RoomFailed{Room: ch.peer, Err: err})
	return true
}

// refuseLists answers those who asked for what only operators are told.
func (c *client) refuseLists(name string, err error) bool {
	ch := c.channels[c.fold(name)]
	if ch == nil || ch.bans == nil {
		return false
	}
	for _, ref := range ch.bans.refs {
		c.emit(legacy.BansReceived{Ref: ref, Err: err})
	}
	ch.bans = nil
	return true
}

// onFail handles an error in the newer form. (IRCv3 standard replies)
func (c *client) onFail(m ircwire.Message) {
	text := ircwire.Plain(m.Last())
	err := legacy.Errorf(legacy.Forbidden, "%s", text)
	if label := c.labelOf(m); label != "" && c.answer(func(a *ask) bool { return a.label == label }, err) {
		return
	}
	if m.Param(0) == "CHATHISTORY" {
		return // the user has not asked for it
	}
	for _, p := range m.Params[min(2, len(m.Params)):] {
		if c.failRoom(p, err) {
			return
		}
	}
	c.emit(legacy.Notice{From: c.service(), Text: text})
}
