package component

import (
	"cmp"
	"strconv"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
)

// bounced is an undelivered message.
type bounced struct {
	to        string // bare JID
	text      string
	why       string
	uncertain bool // it may have arrived
}

const (
	maxBouncedText = 1000     // limit: characters of a message that a report quotes | "…"
	maxReport      = 16 << 10 // limit: bytes of a report about undelivered messages | further messages get another one
)

// newBounced describes an undelivered message. It does not repeat the text of a command to
// the gateway, which may contain a password.
func newBounced(st *stanza.Inbound, why stanza.Error) bounced {
	text := ""
	if st.To.Local != "" {
		text = body.Truncate(body.Clean(body.Plain(st.Element)), maxBouncedText)
	}
	return bounced{to: st.To.Bare().String(), text: text,
		why: cmp.Or(why.Text, string(why.Condition)), uncertain: why.Uncertain}
}

// reportSize returns how many of the messages, from the first on, one report describes.
func reportSize(all []bounced) (n int) {
	for size := 0; n < len(all) && all[n].to == all[0].to && all[n].why == all[0].why && all[n].uncertain == all[0].uncertain && (n == 0 || size < maxReport); n++ {
		size += len(all[n].text)
	}
	return n
}

// appendReport appends the gateway's message about undelivered messages to one receiver,
// with their texts.
func appendReport(dst []byte, from, to, id string, all []bounced) []byte {
	what, verb := "Your message to ", " was not delivered: "
	if len(all) > 1 {
		what, verb = strconv.Itoa(len(all))+" messages of yours to ", " were not delivered: "
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
