package component

import (
	"strings"
	"time"
	"unicode/utf8"

	"transport/component/body"
	"transport/component/stanza"
	"transport/legacy"
)

// heldNotices are the notices of one service for a user who has no client at the moment.
type heldNotices struct {
	lines   []string
	size    int // of the lines, in bytes
	dropped int // older lines, over the bounds
	last    time.Time
}

// activeTime is how long after its last stanza a client counts as present, even if the
// gateway does not receive its presence.
const activeTime = time.Minute

// The bounds of held notices. The newest lines are kept.
const (
	maxNoticeSenders = 32      // limit: services whose notices wait for a user | notices of others are dropped
	maxNoticeLines   = 50      // limit: lines of a service that wait for a user | the oldest are dropped
	maxNoticeSize    = 8 << 10 // limit: bytes of the lines of a service that wait for a user | the oldest are dropped
)

// onNotice sends a notice of a service to the user. Without a client it is held back: the
// user's server would store each notice as an offline message.
func (ob *outbox) onNotice(ev legacy.Notice) {
	if ob.u.clients.present() {
		ob.sendNotice(ev.From.ID, ev.Text, time.Time{})
		return
	}
	ob.hold(ev.From, ev.Text)
}

// notify sends the user a notice of the gateway itself.
func (u *user) notify(text string) { u.outbox.onNotice(legacy.Notice{Text: text}) }

// hold stores a service's text until the user has a client.
func (ob *outbox) hold(from legacy.Peer, text string) {
	held := ob.notices[from.ID]
	if held == nil {
		if len(ob.notices) >= maxNoticeSenders {
			return
		}
		held = &heldNotices{}
		lazySet(&ob.notices, from.ID, held)
	}
	held.add(text, ob.u.c.clock.Now())
}

func (h *heldNotices) add(text string, at time.Time) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) != "" {
			h.lines = append(h.lines, body.Truncate(line, maxNoticeSize/utf8.UTFMax))
			h.size += len(h.lines[len(h.lines)-1])
		}
	}
	for len(h.lines) > maxNoticeLines || h.size > maxNoticeSize {
		h.size -= len(h.lines[0])
		h.lines = h.lines[1:]
		h.dropped++
	}
	h.last = at
}

// present reports whether a client of the user can show a message: it is online, in a room,
// or has sent a stanza within activeTime.
func (cl *clients) present() bool {
	if cl.u.c.conn.Load() == nil {
		return false
	}
	return cl.u.rooms.HasClients() || cl.online() || cl.u.c.clock.Now().Sub(cl.active) < activeTime
}

// sendHeldNotices sends the notices that were held back, in one message for each service.
func (ob *outbox) sendHeldNotices() {
	for from, held := range ob.notices {
		if len(held.lines) == 0 {
			continue
		}
		text := strings.Join(held.lines, "\n")
		if held.dropped > 0 {
			text = "(" + count(held.dropped, "earlier line") + leftOut[held.dropped == 1] + ")\n" + text
		}
		ob.sendNotice(from, text, held.last)
	}
	ob.notices = nil
}

// sendNotice sends a text from a service, or from the gateway itself for "". A text that
// was held back carries the time of its last line. (XEP-0203 §2)
func (ob *outbox) sendNotice(from, text string, waited time.Time) {
	ob.u.c.sendChat(from, ob.u.bare, text, waited)
}

// noteActivity records that a client is active, and sends the notices that were held back.
func (cl *clients) noteActivity(st *stanza.Inbound) {
	if st.From.Resource != "" && (st.Name == "message" && st.Type != "error" || st.Name == "iq" && (st.Type == "get" || st.Type == "set")) {
		cl.active = cl.u.c.clock.Now()
	}
	if cl.present() {
		cl.u.outbox.sendHeldNotices()
	}
}

// leftOut is the end of a sentence with a singular (true) or plural subject.
var leftOut = map[bool]string{true: " was left out.", false: " were left out."}
