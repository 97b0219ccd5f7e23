package body

import (
	"slices"
	"strings"
	"time"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// Act is what a message does apart from saying something.
type Act uint8

const (
	Say     Act = iota
	Correct     // XEP-0308
	Retract     // XEP-0424
	React       // XEP-0444
)

// ActOf is what a message does. The body of a retraction, and one that is marked as the
// fallback of reactions, is for clients that know neither. (XEP-0428 §2)
func ActOf(st *element.Element) Act {
	switch {
	case Retraction(st) != nil:
		return Retract
	case st.Child(xep.NSReactions, "reactions") != nil && (bodyText(st) == "" || hasFallback(st, xep.NSReactions)):
		return React
	case st.Child(xep.NSCorrect, "replace").Attr("id") != "" && bodyText(st) != "":
		return Correct
	}
	return Say
}

// Retraction is the element of a message whose id names the one that it takes back, nil
// for another message. Older clients attach it. (XEP-0424 §3, XEP-0422 §3)
func Retraction(st *element.Element) *element.Element {
	if e := st.Child(xep.NSRetract, "retract"); e != nil {
		return e
	}
	if e := st.Child(xep.NSFasten, "apply-to"); e.Child(xep.NSRetract0, "retract") != nil {
		return e
	}
	return nil
}

// hasFallback reports whether a message's body is a fallback of an extension's.
// (XEP-0428 §3)
func hasFallback(st *element.Element, of string) bool {
	for f := range st.Children(xep.NSFallback, "fallback") {
		if f.Attr("for") == of || f.Attr("for") == "" {
			return true
		}
	}
	return false
}

const (
	MaxReactions   = 8   // emojis of one person's to a message
	maxReaction    = 64  // bytes of each
	maxEmojis      = 100 // bytes of all those in a line
	maxQuotedWords = 40  // runes of a message that a line about it repeats
)

// ReactionsIn are the emojis of a message.
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

// mentioned is a message that a reaction or a retraction is about. What is unknown of it
// is zero.
type Mention struct {
	Nick string    // who has said it in a room, "" for the user and in a chat
	Text string    // its beginning
	At   time.Time // when it was said
	Last bool      // it is the last one that the user has said there
}

// FirstWords is the beginning of a text: of its first line that is not a quotation.
func FirstWords(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "/me "))
		if line != "" && !strings.HasPrefix(line, ">") {
			return Truncate(line, maxQuotedWords)
		}
	}
	return ""
}

// ReactionLine tells people of reactions whose network has none.
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

// RetractionLine tells people that a message was taken back whose network cannot do that.
// It does not repeat what should not have been said.
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

// correctionOf marks a text, and its formatting, as the correction of an earlier one.
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
