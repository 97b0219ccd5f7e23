package body

import (
	"slices"
	"strings"
	"time"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// Act is the kind of a message: an ordinary one, or one about an earlier message.
type Act uint8

const (
	Say     Act = iota // an ordinary message
	Correct            // XEP-0308
	Retract            // XEP-0424
	React              // XEP-0444
)

// ActOf returns the kind of a message. The body of a retraction, and a body that is marked
// as the fallback of reactions, is only for clients without support for these.
// (XEP-0428 §2)
func ActOf(st *element.Element) Act {
	switch {
	case Retraction(st) != nil:
		return Retract
	case isReaction(st):
		return React
	case st.Child(xep.NSCorrect, "replace").Attr("id") != "" && bodyText(st) != "":
		return Correct
	}
	return Say
}

// isReaction reports whether a message is a reaction and says nothing else: its body is
// missing, marked as the fallback, or the emojis again. (XEP-0444 §3)
func isReaction(st *element.Element) bool {
	e := st.Child(xep.NSReactions, "reactions")
	if e == nil {
		return false
	}
	text := strings.Join(strings.Fields(Clean(bodyText(st))), " ")
	return text == "" || hasFallback(st, xep.NSReactions) || text == strings.Join(ReactionsIn(e), " ")
}

// Retraction returns the element of a message whose id attribute is that of the retracted
// message, nil if the message is not a retraction. Older clients attach the retraction.
// (XEP-0424 §3, XEP-0422 §3)
func Retraction(st *element.Element) *element.Element {
	if e := st.Child(xep.NSRetract, "retract"); e != nil {
		return e
	}
	if e := st.Child(xep.NSFasten, "apply-to"); e.Child(xep.NSRetract0, "retract") != nil {
		return e
	}
	return nil
}

// hasFallback reports whether a message's body is the fallback of an extension, given by
// its namespace. (XEP-0428 §3)
func hasFallback(st *element.Element, of string) bool {
	for f := range st.Children(xep.NSFallback, "fallback") {
		if f.Attr("for") == of || f.Attr("for") == "" {
			return true
		}
	}
	return false
}

const (
	MaxReactions   = 8   // limit: emojis of one person to a message | the rest is dropped
	maxReaction    = 64  // limit: bytes of one emoji | it is dropped
	maxEmojis      = 100 // limit: bytes of all emojis in a line about a reaction | the rest is left out
	maxQuotedWords = 40  // limit: characters of a message in a line about it | "…"
)

// ReactionsIn returns the emojis of a <reactions/> element, at most MaxReactions.
func ReactionsIn(e *element.Element) []string {
	var all []string
	for r := range e.Children(xep.NSReactions, "reaction") {
		emoji := strings.Join(strings.Fields(Clean(r.Text())), " ")
		if emoji != "" && len(emoji) <= maxReaction && emoji[0] != '/' && len(all) < MaxReactions && !slices.Contains(all, emoji) {
			all = append(all, emoji)
		}
	}
	return all
}

// Mention describes the message that a reaction or a retraction is about. Unknown fields
// are zero.
type Mention struct {
	Nick string    // its sender in a room, "" for the user and in a chat
	Text string    // its first words
	At   time.Time // its time
	Last bool      // it is the user's last message there
}

// FirstWords returns the beginning of the first line of a text that is not a quotation.
func FirstWords(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "/me "))
		if line != "" && !strings.HasPrefix(line, ">") {
			return Truncate(line, maxQuotedWords)
		}
	}
	return ""
}

// ReactionLine returns the line of text that replaces reactions on a network without them.
// emojis has at least one element.
func ReactionLine(emojis []string, to Mention) string {
	text := emojis[0]
	for _, emoji := range emojis[1:] {
		if len(text)+len(emoji) < maxEmojis {
			text += " " + emoji
		}
	}
	if to.Text == "" {
		text += " to an earlier message"
	} else {
		text += ` to "` + to.Text + `"`
	}
	if to.Nick != "" {
		text = to.Nick + ": " + text
	}
	return text
}

// RetractionLine returns the line of text that replaces a retraction on a network without
// them. It does not quote the retracted message.
func RetractionLine(m Mention, now time.Time) string {
	what := "an earlier message"
	switch {
	case m.Last:
		what = "the last message"
	case m.At.IsZero():
	case now.Sub(m.At) > 12*time.Hour:
		what = "the message of " + m.At.UTC().Format("2 January, 15:04 UTC")
	default:
		what = "the message of " + m.At.UTC().Format("15:04 UTC")
	}
	return "(took back " + what + ")"
}

// Correction marks a text, and its formatting, as the correction of an earlier message.
// (XEP-0308 §4)
func Correction(text string, markup []legacy.Span) (string, []legacy.Span) {
	if action, ok := strings.CutPrefix(text, "/me "); ok {
		return "/me * " + action, nil
	}
	if markup != nil {
		markup = append([]legacy.Span{{Text: "* "}}, markup...)
	}
	return "* " + text, markup
}
