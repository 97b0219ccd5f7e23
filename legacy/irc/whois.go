package irc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// whoisAsk is somebody whom the server is asked about.
type whoisAsk struct {
	nick     string
	ref      string   // of legacy.ProfileReceived, "" for none
	commands []string // refs of legacy.CommandDone
	others   []string // more refs of legacy.ProfileReceived
	profile  legacy.Profile
	lines    []string
	deadline time.Time
}

const maxWhois = 64 // under way

// lookups are questions about people and channels that the core has asked.
type lookups struct {
	c *client

	lists     []list               // LISTs under way
	whoises   map[string]*whoisAsk // by folded nick
	versions  []versionAsk
	whos      []*whoAsk         // searches for people, in the order of the questions
	awayTexts map[string]string // of those known to be away, by folded nick
}

// whois asks who somebody is. (RFC 2812 §3.6.2)
func (lo *lookups) whois(nick string, w whoisAsk) {
	before := lo.whoises[lo.c.fold(nick)]
	if before != nil && len(before.commands)+len(before.others) < maxRefs {
		before.commands = append(before.commands, w.commands...)
		if w.ref != "" {
			before.others = append(before.others, w.ref)
		}
		return
	}
	w.nick, w.deadline = nick, lo.c.patience().Add(askLimit)
	if len(lo.whoises) >= maxWhois || before != nil {
		w.tell(lo.c, errTooManyQuestions())
		return
	}
	lo.whoises[lo.c.fold(nick)] = &w
	lo.c.send(ircwire.Line("WHOIS", nick))
}

// onWhois takes in a line of an answer. (RFC 2812 §5.1)
func (lo *lookups) onWhois(m ircwire.Message) {
	w, text := lo.whoises[lo.c.fold(m.Param(1))], ircwire.Plain(m.Last())
	if w == nil {
		if m.Command == "301" && len(m.Params) > 2 && ircwire.IsNick(m.Param(1)) {
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
			w.add("Idle for", (time.Duration(sec) * time.Second).String())
		}
		if sec, err := strconv.ParseInt(m.Param(3), 10, 64); err == nil && len(m.Params) > 4 {
			w.add("On since", time.Unix(sec, 0).UTC().Format("2006-01-02 15:04 UTC"))
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
			err = legacy.Errorf(legacy.NotFound, "Nobody is called %s there now.", w.nick)
		}
		w.answer(lo.c, err)
	default:
		w.add("", text)
	}
}

// onAwayText tells, once, that somebody who was written to is away. (RFC 2812 §5.1, 301)
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
		return // that was no message of the user's
	}
	lo.c.emit(legacy.MessageReceived{From: lo.c.peer(nick), Text: text, Auto: true})
}

const maxAwayTexts = 200 // that are remembered

const maxWhoisLines = 30

func (w *whoisAsk) add(what, text string) {
	if text = ircwire.Plain(text); what != "" {
		text = what + ": " + text
	}
	if len(w.lines) < maxWhoisLines && text != "" {
		w.lines = append(w.lines, text)
	}
}

// answer ends the question and tells all who asked.
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

// list is a question for the channels that there are.
type list struct {
	ref   string
	find  string // in lower case, for a search among them; "" for all
	asked time.Time
	rooms []legacy.ListedRoom
}

const (
	maxListed = 20_000
	maxLists  = 8
	maxTopic  = 512 // bytes of a topic in a list
	listLimit = 60 * time.Second
)

// list asks which channels there are. (RFC 2812 §3.2.6)
func (lo *lookups) list(l list) {
	lo.c.used()
	if len(lo.lists) > 0 && lo.c.now().Sub(lo.lists[0].asked) > listLimit { // it was never answered
		lo.endLists(legacy.Errorf(legacy.Temporary, "The %s server did not answer.", lo.c.link.name()))
	}
	if len(lo.lists) >= maxLists {
		lo.answerList(l, nil, legacy.Errorf(legacy.RateLimited, "The list is being asked for already."))
		return
	}
	l.asked = lo.c.now()
	if lo.lists = append(lo.lists, l); len(lo.lists) == 1 {
		lo.c.send(ircwire.Line("LIST"))
	}
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
		running.rooms = append(running.rooms, room)
	case m.Command == "323":
		lo.endLists(nil)
	}
}

// endLists answers all who asked for the channels: with those that the server has told
// of, or with an error.
func (lo *lookups) endLists(err error) {
	lists := lo.lists
	lo.lists = nil
	for _, l := range lists {
		lo.answerList(l, lists[0].rooms, err)
	}
}

// answerList answers one of them.
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
