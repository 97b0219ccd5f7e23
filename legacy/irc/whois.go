package irc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// whoisAsk is a pending WHOIS query.
type whoisAsk struct {
	nick     string
	ref      string   // of legacy.ProfileReceived, "" for none
	commands []string // refs of legacy.CommandDone
	others   []string // further refs of legacy.ProfileReceived
	profile  legacy.Profile
	lines    []string
	deadline time.Time
}

const maxWhois = 64 // limit: pending WHOIS of a user on a server | a further one is refused: resource-constraint

// lookups are the pending queries about users and channels.
type lookups struct {
	c *client

	lists     []list               // pending LISTs
	whoises   map[string]*whoisAsk // by folded nick
	versions  []versionAsk
	whos      []*whoAsk         // searches for users, oldest first
	awayTexts map[string]string // last known away messages, by folded nick
}

// expire ends the queries whose deadline has passed and returns the next deadline, both on
// the clock of unblockedNow.
func (lo *lookups) expire(now time.Time) (next time.Time) {
	if len(lo.versions)+len(lo.whos)+len(lo.whoises)+len(lo.lists) == 0 { // the usual case
		return time.Time{}
	}
	late := func(deadline time.Time) bool {
		if !deadline.After(now) {
			return true
		}
		if next.IsZero() || deadline.Before(next) {
			next = deadline
		}
		return false
	}
	silent := legacy.Errorf(legacy.Temporary, "The %s server did not answer.", lo.c.link.name())
	lo.endVersions(func(v *versionAsk) bool { return late(v.deadline) }, "", legacy.Errorf(legacy.Temporary, "There was no answer."))
	lo.endWhos(func(w *whoAsk) bool { return late(w.deadline) }, silent)
	for _, w := range lo.whoises {
		if late(w.deadline) {
			w.answer(lo.c, silent)
		}
	}
	if len(lo.lists) > 0 && late(lo.lists[0].deadline) { // all of them wait for one LIST
		lo.endLists(silent)
	}
	return next
}

// whois queries a nick. (RFC 2812 §3.6.2)
func (lo *lookups) whois(nick string, w whoisAsk) {
	before := lo.whoises[lo.c.fold(nick)]
	if before != nil && len(before.commands)+len(before.others) < maxRefs {
		before.commands = append(before.commands, w.commands...)
		if w.ref != "" {
			before.others = append(before.others, w.ref)
		}
		return
	}
	w.nick, w.deadline = nick, lo.c.unblockedNow().Add(askLimit)
	if len(lo.whoises) >= maxWhois || before != nil {
		w.tell(lo.c, errTooManyQuestions())
		return
	}
	if !lo.c.send(ircwire.Line("WHOIS", nick)) {
		w.tell(lo.c, lo.c.link.busy())
		return
	}
	lo.whoises[lo.c.fold(nick)] = &w
}

// onWhois handles a line of the reply. (RFC 2812 §5.1)
func (lo *lookups) onWhois(m ircwire.Message) {
	w, text := lo.whoises[lo.c.fold(m.Param(1))], ircwire.Plain(m.Last())
	if w == nil {
		if m.Command == "301" && len(m.Params) > 2 && ircwire.IsName(m.Param(1)) {
			lo.onAwayText(m.Param(1), text)
		}
		return
	}
	switch m.Command {
	case "311":
		w.profile.Nick, w.profile.FullName = m.Param(1), text
		w.add("Name", text)
		w.add("Address", m.Param(2)+"@"+m.Param(3))
	case "312":
		w.add("Server", strings.TrimSpace(m.Param(2)+" "+text))
	case "317":
		if sec, err := strconv.ParseInt(m.Param(2), 10, 64); err == nil {
			w.add("Idle time", (time.Duration(sec) * time.Second).String())
		}
		if sec, err := strconv.ParseInt(m.Param(3), 10, 64); err == nil && len(m.Params) > 4 {
			w.add("Signed on since", time.Unix(sec, 0).UTC().Format("2006-01-02 15:04 UTC"))
		}
	case "319":
		w.add("Channels", text)
	case "330":
		w.add("Account", m.Param(2))
	case "301":
		w.add("Away", text)
	case "318":
		var err error
		if w.profile.Nick == "" {
			err = legacy.Errorf(legacy.NotFound, "%s is not online.", w.nick)
		}
		w.answer(lo.c, err)
	default:
		w.add("", text)
	}
}

// onAwayText reports the away message of a user that was sent a message, once. (RFC
// 2812 §5.1, 301)
func (lo *lookups) onAwayText(nick, text string) {
	key := lo.c.fold(nick)
	if text == "" || lo.awayTexts[key] == text {
		return
	}
	if lo.awayTexts == nil || len(lo.awayTexts) >= maxAwayTexts {
		lo.awayTexts = make(map[string]string)
	}
	lo.awayTexts[key] = text
	if slices.ContainsFunc(lo.versions, func(v versionAsk) bool { return lo.c.fold(v.nick) == key }) {
		return // 301 in reply to something other than a message
	}
	lo.c.emit(legacy.MessageReceived{From: lo.c.peer(nick), Text: text, Auto: true})
}

// onCallerID handles the replies of servers with caller-ID (user mode +g): RPL_TARGNOTIFY,
// about a user who has been told of the user's message, and RPL_UMODEGMSG, about a sender
// whose message the server has kept from the user.
func (lo *lookups) onCallerID(m ircwire.Message) {
	text := strings.TrimSpace(ircwire.Plain(m.Param(1) + " " + m.Last()))
	if m.Command == "717" && ircwire.IsName(m.Param(1)) && !lo.c.quitting {
		lo.c.emit(legacy.MessageReceived{From: lo.c.peer(m.Param(1)), Text: text, Auto: true})
		return
	}
	lo.c.notice(text)
}

const maxAwayTexts = 200 // limit: away messages in the cache | the cache starts anew

const maxWhoisLines = 30 // limit: lines in the answer to a WHOIS | the rest is dropped

func (w *whoisAsk) add(what, text string) {
	if text = ircwire.Plain(text); what != "" {
		text = what + ": " + text
	}
	if len(w.lines) < maxWhoisLines && text != "" {
		w.lines = append(w.lines, text)
	}
}

// answer ends the query with its result, for every ref.
func (w *whoisAsk) answer(c *client, err error) {
	delete(c.lookups.whoises, c.fold(w.nick))
	w.tell(c, err)
}

func (w *whoisAsk) tell(c *client, err error) {
	text := strings.Join(w.lines, "\n")
	w.profile.About = text
	if w.ref != "" {
		w.others = append(w.others, w.ref)
	}
	for _, ref := range w.others {
		c.emit(legacy.ProfileReceived{Ref: ref, Profile: w.profile, Err: err})
	}
	for _, ref := range w.commands {
		c.emit(legacy.CommandDone{Ref: ref, Text: text, Err: err})
	}
}

// list is a query of the channel list.
type list struct {
	ref   string
	find  string // lower-case search text; "" for all channels
	rooms []legacy.ListedRoom

	deadline time.Time // on the clock of unblockedNow
}

const (
	maxListed = 20_000           // limit: channels in a list | the rest is left out
	maxLists  = 8                // limit: lists of channels under way | a further one is refused: resource-constraint
	maxTopic  = 512              // limit: bytes of a topic in a list | it is cut
	listLimit = 60 * time.Second // for the next channel of the list
)

// list requests the channel list. (RFC 2812 §3.2.6)
func (lo *lookups) list(l list) {
	lo.c.postponeIdle()
	lo.expire(lo.c.unblockedNow())
	if len(lo.lists) >= maxLists {
		lo.answerList(l, nil, legacy.Errorf(legacy.RateLimited, "The channel list is already being fetched. Try again in a moment."))
		return
	}
	if len(lo.lists) == 0 && !lo.c.send(ircwire.Line("LIST")) {
		lo.answerList(l, nil, lo.c.link.busy())
		return
	}
	l.deadline = lo.c.unblockedNow().Add(listLimit)
	lo.lists = append(lo.lists, l)
}

func (lo *lookups) onList(m ircwire.Message) {
	if len(lo.lists) == 0 {
		return
	}
	running := &lo.lists[0]
	switch {
	case m.Command == "322" && isChannel(m.Param(1)) && len(running.rooms) < maxListed:
		room := legacy.ListedRoom{Room: legacy.Peer{ID: strings.Clone(lo.c.s.net.id(m.Param(1), lo.c.link.server)), Room: true}}
		if len(m.Params) > 3 {
			topic := ircwire.Plain(m.Last())
			room.Topic = strings.ToValidUTF8(strings.Clone(topic[:min(len(topic), maxTopic)]), "")
		}
		room.Occupants, _ = strconv.Atoi(m.Param(2))
		running.deadline = lo.c.unblockedNow().Add(listLimit)
		running.rooms = append(running.rooms, room)
	case m.Command == "323":
		lo.endLists(nil)
	}
}

// endLists answers all pending list queries: with the channels received, or with an
// error.
func (lo *lookups) endLists(err error) {
	lists := lo.lists
	lo.lists = nil
	for _, l := range lists {
		lo.answerList(l, lists[0].rooms, err)
	}
}

// answerList answers one list query.
func (lo *lookups) answerList(l list, rooms []legacy.ListedRoom, err error) {
	if err != nil {
		rooms = nil
	}
	if l.find == "" {
		lo.c.emit(legacy.RoomsListed{Ref: l.ref, Rooms: rooms, Err: err})
		return
	}
	told := found(rooms, l.find)
	told.Ref, told.Err = l.ref, err
	lo.c.emit(told)
}
