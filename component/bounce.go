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
	to   string // bare JID
	text string
	why  string
}

const (
	maxBouncedText = 1000     // characters of a message that a report quotes
	maxReport      = 16 << 10 // bytes of a report; further messages get another one
)

// Bounce implements stanza.Bouncer. The error goes to the client that sent the message. If
// that client is offline, or the link is down, the user gets a report about the message
// instead: a server stores that for an offline user, and drops errors to offline clients.
func (ob *outbox) Bounce(st *stanza.Inbound, why stanza.Error) {
	b := bounced{to: st.To.Bare().String(), text: body.Truncate(body.Clean(body.Plain(st.Element)), maxBouncedText),
		why: cmp.Or(why.Text, string(why.Condition))}
	if conn := ob.u.c.conn.Load(); conn != nil && !ob.u.clients.gone(st.From) {
		e, id := st.ErrorStanza(why), newID()
		unacked := stream.Message{User: ob.u.bare, ID: id, Stanza: ob.u.c.appendReport(nil, ob.u.bare, id, []bounced{b})}
		if conn.Track(func(dst []byte) []byte { return e.Append(dst, stanza.NS) }, unacked) == nil {
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
		n, size := 0, 0
		for n < len(rest) && rest[n].to == rest[0].to && rest[n].why == rest[0].why && (n == 0 || size < maxReport) {
			size += len(rest[n].text)
			n++
		}
		report, id := rest[:n], newID()
		rest = rest[n:]
		ob.deliver(func(dst []byte) []byte { return ob.u.c.appendReport(dst, ob.u.bare, id, report) },
			stream.Message{User: ob.u.bare, ID: id})
	}
	ob.bounced = nil
}

// appendReport appends the gateway's message about undelivered messages to one receiver,
// with their texts.
func (c *Component) appendReport(dst []byte, to, id string, all []bounced) []byte {
	var text strings.Builder
	if len(all) == 1 {
		text.WriteString("Your message")
	} else {
		text.WriteString(count(len(all), "message") + " of yours")
	}
	text.WriteString(" to " + all[0].to + map[bool]string{true: " was", false: " were"}[len(all) == 1] + " not delivered: " + all[0].why)
	for _, b := range all {
		for line := range strings.SplitSeq(b.text, "\n") {
			if strings.TrimSpace(line) != "" {
				text.WriteString("\n> " + line)
			}
		}
	}
	dst = stanza.AppendMessageStart(dst, c.peers.Full(c.domain), to, id)
	dst = append(dst, "<body>"...)
	dst = element.AppendText(dst, text.String())
	return append(dst, "</body></message>"...)
}
