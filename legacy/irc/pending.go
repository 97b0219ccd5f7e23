package irc

import (
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// ask is a command that the server has not confirmed yet.
type ask struct {
	kind     askKind
	target   string // channel, or the recipient of a message
	nick     string // or ban mask
	label    string // IRCv3 labeled-response, "" without that capability
	fence    uint64 // number of the PING after the command, 0 if the server confirms the command itself
	done     func(err error, id string)
	deadline time.Time // on the clock of unblockedNow
}

type askKind uint8

const (
	askText askKind = iota
	askKick
	askRank
	askBan
	askConfig
	askRedact
)

func (a *ask) is(c *client, target, nick string) bool {
	return c.fold(a.target) == c.fold(target) && c.fold(a.nick) == c.fold(nick)
}

const (
	askLimit = 20 * time.Second
	maxAsks  = 1000
)

// reportDone returns an ask.done that reports the outcome as a legacy.Done with the ref.
func (c *client) reportDone(ref string) func(error, string) {
	return func(err error, _ string) { c.emit(legacy.Done{Ref: ref, Err: err}) }
}

// pending tracks the commands that the server has not confirmed yet.
type pending struct {
	c *client

	waiting  []ask
	fences   uint64 // number of the last fence PING
	unfenced int    // messages since that PING
	labels   uint64
	batches  map[string]ircwire.Message // open batches, by reference
}

// request queues a line and adds a to the pending commands once the line is sent. With
// labeled-response the server's reply carries the label of its command; otherwise
// replies are matched by target.
func (pe *pending) request(a ask, line string) {
	if len(pe.waiting) >= maxAsks {
		pe.conclude(a, legacy.Errorf(legacy.RateLimited, "Too many messages are waiting to be sent to %s. Try again in a moment.", pe.c.link.name()))
		return
	}
	if pe.c.caps["labeled-response"] {
		pe.labels++
		a.label = strconv.FormatUint(pe.labels, 36)
		if strings.HasPrefix(line, "@") {
			line = "@label=" + a.label + ";" + line[1:]
		} else {
			line = "@label=" + a.label + " " + line
		}
	}
	sent := func(err error) {
		switch {
		case err != nil:
			pe.conclude(a, err)
		default:
			if (a.kind == askText || a.kind == askRedact) && a.label == "" && !pe.c.caps["echo-message"] { // the server reports errors only
				a.fence = pe.fences + 1
				pe.unfenced++
			}
			a.deadline = pe.c.unblockedNow().Add(askLimit)
			pe.waiting = append(pe.waiting, a)
		}
	}
	if !pe.c.out.put(queued{line, sent}) {
		pe.conclude(a, legacy.Errorf(legacy.RateLimited, "Too many messages are waiting to be sent to %s. Try again in a moment.", pe.c.link.name()))
		return
	}
	pe.c.drain()
}

// maxUnfenced is the number of messages after which a fence PING is sent even if more
// messages are queued.
const maxUnfenced = 5

// fence sends a PING after commands whose success the server does not report. The
// server handles lines in order: if the PONG arrives before an error, the commands have
// succeeded.
func (pe *pending) fence() {
	if pe.unfenced == 0 || len(pe.c.out.queue) > 0 && pe.unfenced < maxUnfenced {
		return
	}
	pe.fences++
	pe.unfenced = 0
	pe.c.out.left-- // the PING counts towards the server's flood limit
	pe.c.write("PING :" + fenceMark + strconv.FormatUint(pe.fences, 36))
}

const fenceMark = "~"

// onFence handles a PONG, if it answers a fence PING: it confirms the commands before
// that PING.
func (pe *pending) onFence(token string) bool {
	text, ok := strings.CutPrefix(token, fenceMark)
	n, err := strconv.ParseUint(text, 36, 64)
	if !ok || err != nil || n > pe.fences {
		return false
	}
	for pe.answer(func(a *ask) bool { return a.fence != 0 && a.fence <= n }, nil) {
	}
	return true
}

func (pe *pending) conclude(a ask, err error) { a.done(err, "") }

// answer ends the first pending ask that fits, with err as the outcome.
func (pe *pending) answer(fits func(*ask) bool, err error) bool { return pe.answerID(fits, err, "") }

// answerID is answer with the server's ID of the message.
func (pe *pending) answerID(fits func(*ask) bool, err error, id string) bool {
	for i := range pe.waiting {
		if fits(&pe.waiting[i]) {
			a := pe.waiting[i]
			copy(pe.waiting[1:i+1], pe.waiting[:i]) // i is usually 0
			pe.waiting[0] = ask{}
			pe.waiting = pe.waiting[1:]
			a.done(err, id)
			return true
		}
	}
	return false
}

// expire fails the commands whose deadline has passed and returns the next deadline,
// both on the clock of unblockedNow.
func (pe *pending) expire(now time.Time) time.Time {
	for len(pe.waiting) > 0 && !pe.waiting[0].deadline.After(now) {
		a := pe.waiting[0]
		pe.waiting = pe.waiting[1:]
		pe.conclude(a, legacy.Errorf(legacy.Temporary, "The %s server did not confirm the request.", pe.c.link.name()))
	}
	var next time.Time
	if len(pe.waiting) > 0 {
		next = pe.waiting[0].deadline
	}
	if len(pe.c.lookups.versions)+len(pe.c.lookups.whos)+len(pe.c.lookups.whoises) == 0 { // the usual case
		return next
	}
	if at := pe.expireLookups(now); next.IsZero() || !at.IsZero() && at.Before(next) {
		next = at
	}
	return next
}

// expireLookups is expire for the lookups.
func (pe *pending) expireLookups(now time.Time) (next time.Time) {
	late := func(deadline time.Time) bool {
		if !deadline.After(now) {
			return true
		}
		if next.IsZero() || deadline.Before(next) {
			next = deadline
		}
		return false
	}
	silent := legacy.Errorf(legacy.Temporary, "The %s server did not answer.", pe.c.link.name())
	pe.c.lookups.endVersions(func(v *versionAsk) bool { return late(v.deadline) }, "", legacy.Errorf(legacy.Temporary, "There was no answer."))
	pe.c.lookups.endWhos(func(w *whoAsk) bool { return late(w.deadline) }, silent)
	for _, w := range pe.c.lookups.whoises {
		if late(w.deadline) {
			w.answer(pe.c, silent)
		}
	}
	return next
}

// labelOf returns the label that a line replies to: its own, or that of its batch.
func (pe *pending) labelOf(m ircwire.Message) string {
	if label := m.Tags["label"]; label != "" {
		return label
	}
	return pe.batches[m.Tags["batch"]].Tags["label"]
}

// onLabel ends the ask with the label of a reply. Error replies go to onError, which
// matches labels, too. (IRCv3 labeled-response)
func (pe *pending) onLabel(m ircwire.Message) {
	label := pe.labelOf(m)
	if label == "" || m.Command == "BATCH" || m.Command == "FAIL" || isError(m.Command) {
		return
	}
	pe.answerID(func(a *ask) bool { return a.label == label }, nil, messageID(m))
}

// isNumeric reports whether a command is a numeric reply. (RFC 2812 §5)
func isNumeric(command string) bool {
	return len(command) == 3 && strings.Trim(command, "0123456789") == ""
}

func isError(command string) bool {
	return isNumeric(command) && (command[0] == '4' || command[0] == '5')
}

const maxBatches = 32

// onBatch handles the start or the end of a batch. (IRCv3 batch)
func (pe *pending) onBatch(m ircwire.Message) {
	ref := m.Param(0)
	switch {
	case strings.HasPrefix(ref, "+") && len(pe.batches) < maxBatches:
		pe.batches[ref[1:]] = m
	case strings.HasPrefix(ref, "-"):
		label := pe.batches[ref[1:]].Tags["label"]
		delete(pe.batches, ref[1:])
		if label != "" {
			pe.answer(func(a *ask) bool { return a.label == label }, nil)
		}
	}
}

// isHistory reports whether a line belongs to a playback of history.
func (pe *pending) isHistory(m ircwire.Message) bool {
	kind := pe.batches[m.Tags["batch"]].Param(1)
	return kind == "chathistory" || kind == "znc.in/playback"
}

// moderate kicks or bans a member, or changes its rank.
func (cs *channels) moderate(ref, name string, m legacy.Moderation) {
	ch := cs.byName[cs.c.fold(name)]
	if ch == nil {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.Forbidden, "You are not in that channel.")})
		return
	}
	who := ch.members[cs.c.fold(m.Nick)]
	if who == nil {
		cs.c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.NotFound, "%s is not in the channel.", m.Nick)})
		return
	}
	if m.Ban {
		mask := who.nick + "!*@*"
		if _, host, ok := strings.Cut(who.address, "@"); ok && host != "" {
			mask = "*!*@" + host
		}
		cs.c.send(ircwire.Line("MODE", ch.name, "+b", mask))
	}
	if m.Kick || m.Ban {
		cs.c.pending.request(ask{kind: askKick, target: ch.name, nick: who.nick, done: cs.c.reportDone(ref)},
			"KICK "+ch.name+" "+who.nick+" :"+cs.c.encodeFor(ch.peer, cleanLine(m.Reason)))
		return
	}
	changes := cs.modesFor(who, m.Level)
	if len(changes) == 0 {
		cs.c.emit(legacy.Done{Ref: ref})
		return
	}
	for len(changes) > cs.c.support.modes {
		cs.c.send(modeLine(ch.name, changes[:cs.c.support.modes], who.nick))
		changes = changes[cs.c.support.modes:]
	}
	cs.c.pending.request(ask{kind: askRank, target: ch.name, nick: who.nick, done: cs.c.reportDone(ref)}, modeLine(ch.name, changes, who.nick))
}

// modeLine returns a MODE line that applies changes such as "+v" and "-o" to a nick.
func modeLine(channel string, changes []string, nick string) string {
	params, modes, sign := []string{channel, ""}, "", byte(0)
	for _, change := range changes {
		if change[0] != sign {
			sign = change[0]
			modes += string(sign)
		}
		modes += change[1:]
		params = append(params, nick)
	}
	params[1] = modes
	return ircwire.Line("MODE", params...)
}

// modesFor returns the mode changes that take a member to a level.
func (cs *channels) modesFor(who *member, level legacy.Level) (changes []string) {
	want := map[legacy.Level]string{legacy.LevelVoice: "v", legacy.LevelHelper: "h", legacy.LevelOperator: "o", legacy.LevelOwner: "a"}[level]
	if want == "a" && !strings.Contains(cs.c.support.prefixes.Modes, want) {
		want = "q"
	}
	if want != "" && !strings.Contains(cs.c.support.prefixes.Modes, want) {
		want = "o"
	}
	if want != "" && !strings.Contains(who.modes, want) {
		changes = append(changes, "+"+want)
	}
	for _, mode := range []byte(who.modes) {
		if string(mode) != want && (levelOf(mode) > level || level == legacy.LevelNone) {
			changes = append(changes, "-"+string(mode))
		}
	}
	return changes
}
