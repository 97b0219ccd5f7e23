package component

import (
	"cmp"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/stream"
)

// bounced is an undelivered message.
type bounced struct {
	to        string // bare JID
	text      string
	why       string
	uncertain bool // it may have arrived
}

const (
	maxBouncedText = 1000     // characters of a message that a report quotes
	maxReport      = 16 << 10 // bytes of a report; further messages get another one
)

// Bounce implements stanza.Bouncer. The error goes to the client that sent the message. If
// that client is offline, or the link is down, the user gets a report about the message
// instead: a server stores that for an offline user, and drops errors to offline clients.
func (ob *outbox) Bounce(st *stanza.Inbound, why stanza.Error) {
	b := newBounced(st, why)
	if conn := ob.u.c.conn.Load(); conn != nil && !ob.u.clients.gone(st.From) {
		e, id := st.ErrorStanza(why), newID()
		unacked := stream.Message{User: ob.u.bare, ID: id, Stanza: appendReport(nil, ob.u.c.peers.Full(ob.u.c.domain), ob.u.bare, id, []bounced{b})}
		if ob.u.c.journal.track(conn, func(dst []byte) []byte { return e.Append(dst, stanza.NS) }, unacked) == nil {
			return
		}
	}
	ob.bounced = append(ob.bounced, b)
	ob.u.poke()
}

// reportBounced sends the user the reports about undelivered messages: one for the messages
// to one receiver that failed for the same reason.
func (ob *outbox) reportBounced() {
	for rest := ob.bounced; len(rest) > 0; {
		n := reportSize(rest)
		report, id := rest[:n], newID()
		rest = rest[n:]
		ob.deliver(func(dst []byte) []byte { return appendReport(dst, ob.u.c.peers.Full(ob.u.c.domain), ob.u.bare, id, report) },
			stream.Message{User: ob.u.bare, ID: id})
	}
	ob.bounced = nil
}

// newBounced describes an undelivered message.
func newBounced(st *stanza.Inbound, why stanza.Error) bounced {
	return bounced{to: st.To.Bare().String(), text: body.Truncate(body.Clean(body.Plain(st.Element)), maxBouncedText),
		why: cmp.Or(why.Text, string(why.Condition)), uncertain: why.Condition == stanza.ErrInterrupted.Condition && why.Text == stanza.ErrInterrupted.Text}
}

// reportSize returns how many of the messages, from the first on, one report describes.
func reportSize(all []bounced) (n int) {
	for size := 0; n < len(all) && all[n].to == all[0].to && all[n].why == all[0].why && (n == 0 || size < maxReport); n++ {
		size += len(all[n].text)
	}
	return n
}

// appendReport appends the gateway's message about undelivered messages to one receiver,
// with their texts.
func appendReport(dst []byte, from, to, id string, all []bounced) []byte {
	what, verb := "Your message to ", " was not delivered: "
	if len(all) > 1 {
		what, verb = count(len(all), "message")+" of yours to ", " were not delivered: "
	}
	if all[0].uncertain {
		verb = " may not have arrived: "
	}
	var text strings.Builder
	text.WriteString(what + all[0].to + verb + all[0].why)
	for _, b := range all {
		for line := range strings.SplitSeq(b.text, "\n") {
			if strings.TrimSpace(line) != "" {
				text.WriteString("\n> " + line)
			}
		}
	}
	return appendText(dst, from, to, id, text.String())
}

// appendText appends a message of the gateway itself.
func appendText(dst []byte, from, to, id, text string) []byte {
	dst = stanza.AppendMessageStart(dst, from, to, id)
	dst = append(dst, "<body>"...)
	dst = element.AppendText(dst, text)
	return append(dst, "</body></message>"...)
}
