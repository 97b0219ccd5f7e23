package irc

import (
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// ask is something that the server has yet to confirm.
type ask struct {
	kind     askKind
	target   string // channel, or the receiver of a message
	nick     string // or mask
	label    string // IRCv3 labeled-response, "" where the server has none
	fence    uint64 // the PING after it, 0 where the server says more than that
	done     func(err error, id string)
	deadline time.Time // by patience
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

// tells is what tells the core of the end of an ask by legacy.Done.
func (c *client) tells(ref string) func(error, string) {
	return func(err error, _ string) { c.emit(legacy.Done{Ref: ref, Err: err}) }
}

// request sends a line and remembers that it is to be confirmed. Where the server
// labels its answers, it is known for sure which is which.
func (c *client) request(a ask, line string) {
	if len(c.waiting) >= maxAsks {
		c.conclude(a, legacy.Errorf(legacy.RateLimited, "Too much waits for %s. Try again in a moment.", c.link.name()))
		return
	}
	if c.caps["labeled-response"] {
		c.labels++
		a.label = strconv.FormatUint(c.labels, 36)
		if strings.HasPrefix(line, "@") {
			line = "@label=" + a.label + ";" + line[1:]
		} else {
			line = "@label=" + a.label + " " + line
		}
	}
	sent := func(err error) {
		switch {
		case err != nil:
			c.conclude(a, err)
		default:
			if (a.kind == askText || a.kind == askRedact) && a.label == "" && !c.caps["echo-message"] { // the server says nothing of what goes well
				a.fence = c.fences + 1
				c.unfenced++
			}
			a.deadline = c.patience().Add(askLimit)
			c.waiting = append(c.waiting, a)
		}
	}
	if !c.out.put(queued{line, sent}) {
		c.conclude(a, legacy.Errorf(legacy.RateLimited, "Too much waits for %s. Try again in a moment.", c.link.name()))
		return
	}
	c.drain()
}

// maxUnfenced is how many messages are sent, at most, before the server is asked how
// far it is.
const maxUnfenced = 5

// fence sends a PING after messages of which the server would only say what went
// wrong: once the answer is there, they have arrived.
func (c *client) fence() {
	if c.unfenced == 0 || len(c.out.queue) > 0 && c.unfenced < maxUnfenced {
		return
	}
	c.fences++
	c.unfenced = 0
	c.out.left-- // it is a line like others to those who limit them
	c.write("PING :" + fenceMark + strconv.FormatUint(c.fences, 36))
}

const fenceMark = "~"

// onFence handles the answer to a PING, if it is to a fence: answers come in order.
func (c *client) onFence(token string) bool {
	text, ok := strings.CutPrefix(token, fenceMark)
	n, err := strconv.ParseUint(text, 36, 64)
	if !ok || err != nil || n > c.fences {
		return false
	}
	for c.answer(func(a *ask) bool { return a.fence != 0 && a.fence <= n }, nil) {
	}
	return true
}

func (c *client) conclude(a ask, err error) { a.done(err, "") }

// answer ends the first ask that fits.
func (c *client) answer(fits func(*ask) bool, err error) bool { return c.answerID(fits, err, "") }

// answerID is answer with what the network calls the message.
func (c *client) answerID(fits func(*ask) bool, err error, id string) bool {
	for i := range c.waiting {
		if fits(&c.waiting[i]) {
			a := c.waiting[i]
			copy(c.waiting[1:i+1], c.waiting[:i]) // most often i is 0
			c.waiting[0] = ask{}
			c.waiting = c.waiting[1:]
			a.done(err, id)
			return true
		}
	}
	return false
}

// expire gives up what is not confirmed in time, and returns when the next is, both by
// patience.
func (c *client) expire(now time.Time) time.Time {
	for len(c.waiting) > 0 && !c.waiting[0].deadline.After(now) {
		a := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.conclude(a, legacy.Errorf(legacy.Temporary, "The %s server did not confirm it.", c.link.name()))
	}
	var next time.Time
	if len(c.waiting) > 0 {
		next = c.waiting[0].deadline
	}
	if len(c.versions)+len(c.whos)+len(c.whoises) == 0 { // as nearly always
		return next
	}
	if at := c.expireQuestions(now); next.IsZero() || !at.IsZero() && at.Before(next) {
		next = at
	}
	return next
}

// expireQuestions is expire for what was asked about people.
func (c *client) expireQuestions(now time.Time) (next time.Time) {
	late := func(deadline time.Time) bool {
		if !deadline.After(now) {
			return true
		}
		if next.IsZero() || deadline.Before(next) {
			next = deadline
		}
		return false
	}
	silent := legacy.Errorf(legacy.Temporary, "The %s server did not answer.", c.link.name())
	c.endVersions(func(v *versionAsk) bool { return late(v.deadline) }, "", legacy.Errorf(legacy.Temporary, "Nobody has answered."))
	c.endWhos(func(w *whoAsk) bool { return late(w.deadline) }, silent)
	for _, w := range c.whoises {
		if late(w.deadline) {
			w.answer(c, silent)
		}
	}
	return next
}

// labelOf is the label that a line answers to, by itself or by its batch.
func (c *client) labelOf(m ircwire.Message) string {
	if label := m.Tags["label"]; label != "" {
		return label
	}
	return c.batches[m.Tags["batch"]].Tags["label"]
}

// onLabel ends the ask that a labeled answer is for. Errors among them are handled
// by onError, which knows the label too. (IRCv3 labeled-response)
func (c *client) onLabel(m ircwire.Message) {
	label := c.labelOf(m)
	if label == "" || m.Command == "BATCH" || m.Command == "FAIL" || isError(m.Command) {
		return
	}
	c.answerID(func(a *ask) bool { return a.label == label }, nil, messageID(m))
}

// isNumeric reports whether a command is a numeric reply. (RFC 2812 §5)
func isNumeric(command string) bool {
	return len(command) == 3 && strings.Trim(command, "0123456789") == ""
}

func isError(command string) bool {
	return isNumeric(command) && (command[0] == '4' || command[0] == '5')
}

const maxBatches = 32

// onBatch notes that a batch begins or ends. (IRCv3 batch)
func (c *client) onBatch(m ircwire.Message) {
	ref := m.Param(0)
	switch {
	case strings.HasPrefix(ref, "+") && len(c.batches) < maxBatches:
		c.batches[ref[1:]] = m
	case strings.HasPrefix(ref, "-"):
		label := c.batches[ref[1:]].Tags["label"]
		delete(c.batches, ref[1:])
		if label != "" {
			c.answer(func(a *ask) bool { return a.label == label }, nil)
		}
	}
}

// isHistory reports whether a line is of what was said earlier.
func (c *client) isHistory(m ircwire.Message) bool {
	kind := c.batches[m.Tags["batch"]].Param(1)
	return kind == "chathistory" || kind == "znc.in/playback"
}

// moderate does something about somebody in a channel.
func (c *client) moderate(ref, name string, m legacy.Moderation) {
	ch := c.channels[c.fold(name)]
	if ch == nil {
		c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.Forbidden, "You are not in that channel.")})
		return
	}
	who := ch.members[c.fold(m.Nick)]
	if who == nil {
		c.emit(legacy.Done{Ref: ref, Err: legacy.Errorf(legacy.NotFound, "There is no %s in the channel.", m.Nick)})
		return
	}
	if m.Ban {
		mask := who.nick + "!*@*"
		if _, host, ok := strings.Cut(who.address, "@"); ok && host != "" {
			mask = "*!*@" + host
		}
		c.send(ircwire.Line("MODE", ch.name, "+b", mask))
	}
	if m.Kick || m.Ban {
		c.request(ask{kind: askKick, target: ch.name, nick: who.nick, done: c.tells(ref)},
			"KICK "+ch.name+" "+who.nick+" :"+c.encodeFor(ch.peer, cleanLine(m.Reason)))
		return
	}
	changes := c.modesFor(who, m.Level)
	if len(changes) == 0 {
		c.emit(legacy.Done{Ref: ref})
		return
	}
	for len(changes) > c.support.modes {
		c.send(modeLine(ch.name, changes[:c.support.modes], who.nick))
		changes = changes[c.support.modes:]
	}
	c.request(ask{kind: askRank, target: ch.name, nick: who.nick, done: c.tells(ref)}, modeLine(ch.name, changes, who.nick))
}

// modeLine changes modes of somebody's, such as "+v" and "-o", in a channel.
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

// modesFor are the changes of modes that give somebody a level.
func (c *client) modesFor(who *member, level legacy.Level) (changes []string) {
	want := map[legacy.Level]string{legacy.LevelVoice: "v", legacy.LevelHelper: "h", legacy.LevelOperator: "o", legacy.LevelOwner: "a"}[level]
	if want == "a" && !strings.Contains(c.support.prefixes.Modes, want) {
		want = "q"
	}
	if want != "" && !strings.Contains(c.support.prefixes.Modes, want) {
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
