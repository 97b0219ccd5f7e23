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
	verb     string // the command itself
	target   string // channel, recipient of a message, or new nick
	nick     string // or ban mask, ID of a message, or the nick that the user has asked for
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
	askConfig // a change of modes
	askRedact
	askTopic
	askInvite
	askNick
	askJoin  // answered by the members (366)
	askModes // a query, answered by 324
	askBans  // a query, answered by 368
)

func (a *ask) is(c *client, target, nick string) bool {
	return c.fold(a.target) == c.fold(target) && c.fold(a.nick) == c.fold(nick)
}

// isQuery reports whether a command is over only with the server's answer. Neither a label
// nor a fence ends it without one.
func (a *ask) isQuery() bool { return a.kind >= askJoin }

const (
	askLimit  = 20 * time.Second
	joinLimit = 50 * time.Second // less than the core's
	maxAsks   = 1000             // limit: commands and messages that wait for the server's answer | a further one is refused: resource-constraint
)

// reportDone returns an ask.done that reports the outcome as a legacy.Done with the ref.
func (c *client) reportDone(ref string) func(error, string) {
	return func(err error, _ string) { c.emit(legacy.Done{Ref: ref, Err: err}) }
}

// pending tracks the commands that the server has not confirmed yet.
type pending struct {
	c *client

	waiting  []ask
	due      time.Time // no deadline of waiting is earlier, zero for none
	over     bool      // the connection has ended, or is about to
	fences   uint64    // number of the last fence PING
	unfenced int       // commands since that PING
	labels   uint64
	batches  map[string]ircwire.Message // open batches, by reference
}

// request queues a line and adds a to the pending commands once the line is sent. With
// labeled-response the server's reply carries the label of its command; otherwise
// replies are matched by target. If the queue is full, a fails.
func (pe *pending) request(a ask, line string) {
	if len(pe.waiting) >= maxAsks {
		a.done(pe.c.link.busy(), "")
		return
	}
	bare := line
	if strings.HasPrefix(line, "@") {
		_, bare, _ = strings.Cut(line, " ")
	}
	a.verb, _, _ = strings.Cut(bare, " ")
	if pe.c.caps["labeled-response"] && !a.isQuery() && a.kind != askNick { // InspIRCd 3 labels a NICK from the new nick
		pe.labels++
		a.label = strconv.FormatUint(pe.labels, 36)
		if strings.HasPrefix(line, "@") {
			line = "@label=" + a.label + ";" + line[1:]
		} else {
			line = "@label=" + a.label + " " + line
		}
	}
	sent := func(err error) {
		if err != nil {
			a.done(err, "")
			return
		}
		if pe.needsFence(&a) {
			a.fence = pe.fences + 1
			pe.unfenced++
		}
		limit := askLimit
		if a.kind == askJoin {
			limit = joinLimit
		}
		a.deadline = pe.c.unblockedNow().Add(limit)
		if pe.due.IsZero() || a.deadline.Before(pe.due) {
			pe.due = a.deadline
		}
		pe.waiting = append(pe.waiting, a)
	}
	if !pe.put(queued{line, sent}) {
		a.done(pe.c.link.busy(), "")
		return
	}
	pe.c.drain()
}

// needsFence reports whether the server may be silent about the success of a command: of a
// message, or of a change that changes nothing. A bouncer answers the fence itself, before
// the server's errors; then the other commands are confirmed by their effect only.
func (pe *pending) needsFence(a *ask) bool {
	switch {
	case a.label != "", a.isQuery():
		return false
	case a.kind == askText, a.kind == askRedact:
		return !pe.c.caps["echo-message"]
	}
	return !pe.c.reg.bouncer.is
}

// maxUnfenced is the number of commands after which a fence PING is sent even if more
// lines are queued.
const maxUnfenced = 5 // limit: messages without a PING behind them while others wait | a PING is sent

// fence sends a PING after commands whose success the server may not report. The
// server handles lines in order: if the PONG arrives before an error, the commands have
// succeeded.
func (pe *pending) fence() {
	if pe.unfenced == 0 || pe.c.out.waiting() > 0 && pe.unfenced < maxUnfenced {
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

// answer ends the first pending ask that fits, with err as the outcome.
func (pe *pending) answer(fits func(*ask) bool, err error) bool { return pe.answerID(fits, err, "") }

// answerID is answer with the server's ID of the message.
func (pe *pending) answerID(fits func(*ask) bool, err error, id string) bool {
	for i := range pe.waiting {
		if fits(&pe.waiting[i]) {
			a := pe.remove(i)
			a.done(err, id)
			return true
		}
	}
	return false
}

func (pe *pending) remove(i int) ask {
	a := pe.waiting[i]
	copy(pe.waiting[1:i+1], pe.waiting[:i]) // i is usually 0
	pe.waiting[0] = ask{}
	pe.waiting = pe.waiting[1:]
	return a
}

// waitsFor reports whether a command of a kind is pending for a target.
func (pe *pending) waitsFor(kind askKind, target string) bool {
	target = pe.c.fold(target)
	for i := range pe.waiting {
		if a := &pe.waiting[i]; a.kind == kind && (pe.c.fold(a.target) == target || kind == askNick && pe.c.fold(a.nick) == target) {
			return true
		}
	}
	return false
}

// expire fails the commands whose deadline has passed and returns a time that is not
// later than the next deadline, both on the clock of unblockedNow.
func (pe *pending) expire(now time.Time) time.Time {
	if len(pe.waiting) == 0 {
		pe.due = time.Time{}
	}
	if !pe.due.IsZero() && !pe.due.After(now) {
		pe.due = time.Time{}
		var late, rest []ask
		for _, a := range pe.waiting {
			if !a.deadline.After(now) {
				late = append(late, a)
				continue
			}
			if rest = append(rest, a); pe.due.IsZero() || a.deadline.Before(pe.due) {
				pe.due = a.deadline
			}
		}
		pe.waiting = rest
		for _, a := range late {
			a.done(legacy.Uncertain(legacy.Errorf(legacy.Temporary, "The %s server did not confirm this in time.", pe.c.link.name())), "")
		}
	}
	next := pe.due
	if at := pe.c.lookups.expire(now); next.IsZero() || !at.IsZero() && at.Before(next) {
		next = at
	}
	return next
}

// dropQueue fails the messages that are still queued.
func (pe *pending) dropQueue(err error) { fail(pe.c.out.dropAll(), err) }

// fail calls the callbacks of lines that will not be sent.
func fail(lines []queued, err error) {
	for _, q := range lines {
		if q.sent != nil {
			q.sent(err)
		}
	}
}

// labelOf returns the label that a line replies to: its own, or that of its batch.
func (pe *pending) labelOf(m ircwire.Message) string {
	if label := m.Tags["label"]; label != "" {
		return label
	}
	return pe.batches[m.Tags["batch"]].Tags["label"]
}

// onLabel ends the ask with the label of a reply that has been handled: of the only reply,
// or of the echo of a message. The end of a batch of replies ends the others. Errors go to
// onError, which matches labels, too. (IRCv3 labeled-response)
func (pe *pending) onLabel(m ircwire.Message) {
	label := pe.labelOf(m)
	if label == "" || m.Command == "BATCH" || m.Command == "FAIL" || isError(m.Command) {
		return
	}
	only := m.Tags["label"] != ""
	pe.answerID(func(a *ask) bool {
		return a.label == label && !a.isQuery() && (only || a.kind == askText && pe.c.isMe(m.Nick()))
	}, nil, messageID(m))
}

// isNumeric reports whether a command is a numeric reply. (RFC 2812 §5)
func isNumeric(command string) bool {
	return len(command) == 3 && strings.Trim(command, "0123456789") == ""
}

const maxBatches = 32 // limit: open batches of a server | messages of further ones count as single

// onBatch handles the start or the end of a batch. (IRCv3 batch)
func (pe *pending) onBatch(m ircwire.Message) {
	ref := m.Param(0)
	switch {
	case strings.HasPrefix(ref, "+") && len(pe.batches) < maxBatches:
		pe.batches[ref[1:]] = m
	case strings.HasPrefix(ref, "-"):
		if pe.batches[ref[1:]].Param(1) == "soju.im/bouncer-networks" {
			pe.c.reg.bouncer.onListed(pe.c)
		}
		label := pe.batches[ref[1:]].Tags["label"]
		delete(pe.batches, ref[1:])
		if label != "" {
			pe.answer(func(a *ask) bool { return a.label == label && !a.isQuery() }, nil)
		}
	}
}

// isHistory reports whether a line belongs to a playback of history.
func (pe *pending) isHistory(m ircwire.Message) bool {
	kind := pe.batches[m.Tags["batch"]].Param(1)
	return kind == "chathistory" || kind == "znc.in/playback"
}
