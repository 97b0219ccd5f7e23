package irc

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// joinErrors maps the numerics that refuse a JOIN to kinds of errors.
var joinErrors = map[string]legacy.Kind{
	"403": legacy.NotFound, "405": legacy.RateLimited, "471": legacy.Full, "473": legacy.MembersOnly,
	"474": legacy.Forbidden, "475": legacy.Auth, "476": legacy.NotFound, "477": legacy.MembersOnly,
}

// errorKinds maps the numerics that refuse any other command to kinds of errors.
var errorKinds = map[string]legacy.Kind{
	"263": legacy.RateLimited, "401": legacy.NotFound, "432": legacy.BadNick, "433": legacy.Conflict, "436": legacy.Conflict,
	"439": legacy.RateLimited, "443": legacy.Conflict, "707": legacy.RateLimited,
}

// errorKind returns the kind of the error with which a numeric refuses a command.
func errorKind(numeric string, refused askKind) legacy.Kind {
	kinds := errorKinds
	if refused == askJoin {
		kinds = joinErrors
	}
	if kind, ok := kinds[numeric]; ok {
		return kind
	}
	return legacy.Forbidden
}

// replies are numerics from 700 to 999 that are no errors: HELP, KNOCK, caller-ID, MONITOR,
// lists, metadata, SASL.
var replies = numerics("704 705 706 710 711 717 718 720 721 722 728 729 730 731 732 733 740 741 742 743 750 751 759 760 761 762 " +
	"770 771 772 773 774 900 901 902 903 904 905 906 907 908 940 941 942 943 944 945 946 947 948 949 950 951 953 954 960 961")

// isError reports whether a command is an error numeric. Servers have many that are in no
// list.
func isError(command string) bool {
	return isNumeric(command) && strings.IndexByte("4579", command[0]) >= 0 && !replies[command]
}

// Which commands a numeric usually refuses. Apart from onlyNick, the lists only decide
// between two pending commands for the same target.
var (
	refusesText = numerics("401 404 407 408 411 412 413 414 415 417 425 439 477 486 487 488 492 494 531 707 716 936 937")
	refusesNick = numerics("431 432 433 435 436 437 438 447 484")
	onlyNick    = numerics("431 432 433 436 438 447")
)

func numerics(list string) map[string]bool {
	set := make(map[string]bool)
	for numeric := range strings.FieldsSeq(list) {
		set[numeric] = true
	}
	return set
}

// usual reports whether a numeric usually refuses commands of a kind.
func usual(numeric string, kind askKind) bool {
	switch {
	case refusesNick[numeric]:
		return kind == askNick
	case refusesText[numeric]:
		return kind == askText
	}
	return kind != askText
}

// fits rates how well a pending command fits an error reply that names some targets, 0 for
// not at all.
func (a *ask) fits(c *client, numeric string, names []string) int {
	if onlyNick[numeric] && a.kind != askNick {
		return 0
	}
	points, another := 0, false
	for _, name := range names {
		switch name = c.fold(name); {
		case name == c.fold(a.target):
			points += 2
		case a.nick != "" && name == c.fold(a.nick):
			points += 2
		case c.support.isChannel(name) && c.support.isChannel(a.target):
			another = true
		case strings.EqualFold(name, a.verb): // of ERR_UNKNOWNCOMMAND, or of a bouncer (403 JOIN)
			points++
		}
	}
	if another && points < 4 && c.fold(names[0]) != c.fold(a.target) { // it is about another channel
		return 0
	}
	if a.kind == askNick && refusesNick[numeric] && points == 0 { // it may name no nick, or the channel that forbids the change
		points++
	}
	if points > 0 && usual(numeric, a.kind) {
		points++
	}
	return points
}

// refuse fails the pending command that an error reply is about, known numeric or not. It
// returns false if there is none.
func (pe *pending) refuse(numeric string, names []string, text string) bool {
	best, most := -1, 0
	for i := range pe.waiting { // the oldest of those that fit best: the server handles lines in order
		if points := pe.waiting[i].fits(pe.c, numeric, names); points > most {
			best, most = i, points
		}
	}
	if best < 0 && len(names) == 0 && pe.c.raw.until.IsZero() { // the reply does not say what it is about
		for i := range pe.waiting {
			if (len(pe.waiting) == 1 || refusesText[numeric]) && usual(numeric, pe.waiting[i].kind) {
				best = i
				break
			}
		}
	}
	if best < 0 {
		return false
	}
	a := pe.remove(best)
	a.done(legacy.Errorf(errorKind(numeric, a.kind), "%s", text), "")
	return true
}

// refuseVerb is refuse for a FAIL, which names the command.
func (pe *pending) refuseVerb(verb string, names []string, text string) bool {
	if verb == "*" {
		return pe.refuse("FAIL", names, text)
	}
	best, most := -1, 0
	for i := range pe.waiting {
		a := &pe.waiting[i]
		points := 1 + a.fits(pe.c, "FAIL", names)
		if !strings.EqualFold(a.verb, verb) || a.nick != "" && len(names) > 1 && points < 5 { // of another message or nick
			continue
		}
		if points > most {
			best, most = i, points
		}
	}
	if best < 0 {
		return false
	}
	pe.remove(best).done(legacy.Errorf(legacy.Forbidden, "%s", text), "")
	return true
}

// errorText returns the text of an error reply.
func errorText(m ircwire.Message) string {
	text := ""
	if len(m.Params) > 1 {
		text = strings.TrimSpace(ircwire.Plain(m.Last()))
	}
	if len(m.Params) == 2 && !strings.Contains(text, " ") { // a parameter
		text = ""
	}
	if text == "" {
		return "The server refused this (error " + m.Command + ")."
	}
	switch verb, _, _ := strings.Cut(text, " "); verb { // "bob :is already on channel"
	case "is", "has", "was", "does", "cannot":
		text = strings.TrimSpace(ircwire.Plain(strings.Join(m.Middle(), " "))) + " " + text
	}
	return text
}

// onError handles an error numeric. (RFC 2812 §5.2)
func (c *client) onError(m ircwire.Message) {
	text, about := errorText(m), m.Param(1)
	is := func(kind legacy.Kind) error { return legacy.Errorf(kind, "%s", text) }
	if m.Command == "432" && c.channels.retryNick(about) {
		return
	}
	if label := c.pending.labelOf(m); label != "" {
		for i := range c.pending.waiting {
			if c.pending.waiting[i].label == label {
				a := c.pending.remove(i)
				a.done(is(errorKind(m.Command, a.kind)), "")
				return
			}
		}
	}
	switch m.Command {
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
	case "401":
		if c.identifying && c.fold(about) == "nickserv" { // no fault of the user's
			c.identifying, c.noNickServ = false, true
			return
		}
	}
	if ch := c.channels.byName[c.fold(about)]; ch != nil && ch.parting && notThere(m.Command) {
		ch.parted(legacy.RoomLeft{Room: ch.peer})
		return
	}
	if m.Command == "470" {
		c.channels.onForward(m)
	}
	if c.pending.refuse(m.Command, m.Middle(), text) {
		return
	}
	if !onlyNick[m.Command] && c.lookups.endVersions(c.lookups.ofNick(about), "", is(errorKind(m.Command, askText))) {
		return
	}
	if refusesNick[m.Command] && !c.support.isChannel(about) {
		c.channels.nickFailed(is(errorKind(m.Command, askNick)))
		return
	}
	for _, name := range m.Middle() {
		if c.channels.failRoom(name, is(errorKind(m.Command, askConfig))) {
			return
		}
	}
	switch m.Command {
	case "401", "402", "406":
		if c.lookups.whoises[c.fold(about)] != nil {
			return // 318 follows
		}
	}
	c.notice(strings.TrimSpace(ircwire.Plain(strings.Join(m.Middle(), " ")) + " " + text))
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
func (ch *channel) failQueries(err error) {
	if ch.modes != nil {
		ch.failModes(err)
	}
	if ch.bans != nil {
		ch.failBans(err)
	}
}

// onFail handles FAIL. (IRCv3 standard replies)
func (c *client) onFail(m ircwire.Message) {
	text := cmp.Or(strings.TrimSpace(ircwire.Plain(m.Last())), "The server refused this.")
	err := legacy.Errorf(legacy.Forbidden, "%s", text)
	if label := c.pending.labelOf(m); label != "" && c.pending.answer(func(a *ask) bool { return a.label == label }, err) {
		return
	}
	if m.Param(0) == "CHATHISTORY" || m.Param(0) == "MARKREAD" {
		return // sent automatically, not by the user
	}
	var names []string
	if len(m.Params) > 3 {
		names = m.Params[2 : len(m.Params)-1]
	}
	if c.pending.refuseVerb(m.Param(0), names, text) {
		return
	}
	for _, p := range names {
		if c.channels.failRoom(p, err) {
			return
		}
	}
	c.notice(text)
}

// closed returns the error of a connection that the server has ended with ERROR, whose
// text alone says why. pause is the RetryAfter of an ordinary end.
func (l *link) closed(text string, pause time.Duration) error {
	kind := legacy.Temporary
	switch {
	case isThrottle(text):
		pause = max(pause, 30*time.Second)
	case mentions(text, "-line", "kline", "gline", "zline", "banned", "akill", "dnsbl", "blacklist"):
		kind, pause = legacy.Forbidden, 0
	}
	e := legacy.Errorf(kind, "The %s server ended the connection: %s", l.name(), text)
	e.RetryAfter = pause
	return e
}

// isThrottle reports whether the text of an ERROR says that there are too many connections.
func isThrottle(text string) bool {
	return mentions(text, "throttl", "too fast", "too many", "more connections")
}

// mentions reports whether a text contains one of some lower-case words.
func mentions(text string, words ...string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
