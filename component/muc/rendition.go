package muc

import (
	"sync"
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// rendition is the original of a line of text that a user sent to a room in place of a
// correction, retraction or reaction, because the network has none. Other users of the
// gateway receive the line over their own connections, and their actors replace it by the
// original.
type rendition struct {
	act       body.Act
	target    line // the corrected or retracted message, in the sender's history
	laterSame int  // number of later lines with the same text
	text      string
	emojis    []string
	number    uint64 // sequence number
	expires   time.Time
}

// relayedLine is a line as the network relays it.
type relayedLine struct{ room, nick, text string }

// renditions is a bounded table shared by the actors; any goroutine may call its methods.
// The sender's actor adds a rendition before it sends the line, so that the table has it
// when another actor receives the line.
type renditions struct {
	mu   sync.Mutex
	last uint64
	by   map[relayedLine][]rendition // in the order of sending
}

const (
	maxRenditions    = 500             // limit: different lines about reactions, corrections and retractions in the last minutes | the receivers see the line instead of the original
	maxSameLines     = 8               // limit: originals of the same line | the receivers see the line
	maxRenditionText = 1000            // limit: bytes of such a line | the receivers see the line
	renditionTime    = 2 * time.Minute // lifetime of a rendition
	maxSpeakers      = 100             // limit: nicks of a room with such a line | all are forgotten; a line may be matched twice
)

func (rd *renditions) add(l relayedLine, re rendition, now time.Time) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if len(rd.by) >= maxRenditions {
		for old, all := range rd.by {
			if all[len(all)-1].expires.Before(now) {
				delete(rd.by, old)
			}
		}
		if len(rd.by) >= maxRenditions {
			clear(rd.by)
		}
	}
	rd.last++
	re.number, re.expires = rd.last, now.Add(renditionTime)
	all := append(rd.by[l], re)
	if rd.by == nil {
		rd.by = make(map[relayedLine][]rendition)
	}
	rd.by[l] = all[max(0, len(all)-maxSameLines):]
}

// find returns the first rendition of a line with a number above after: lines with the same
// text arrive in the order of sending.
func (rd *renditions) find(l relayedLine, after uint64, now time.Time) rendition {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	for _, re := range rd.by[l] {
		if re.number > after && re.expires.After(now) {
			return re
		}
	}
	return rendition{}
}

// NoteRendition adds the rendition of a line that is about to be sent.
func (rs *Rooms) NoteRendition(st *stanza.Inbound, peer legacy.Peer, parts []string) {
	a, r := body.ActOf(st.Element), rs.all[peer.ID]
	if a == body.Say || r == nil || len(parts) != 1 || len(parts[0]) > maxRenditionText {
		return
	}
	re := rendition{act: a}
	id := ""
	switch a {
	case body.Correct:
		id = st.Child(xep.NSCorrect, "replace").Attr("id")
		re.text, _ = body.Compact(body.Clean(body.Plain(st.Element)), [2]int{})
	case body.Retract:
		id = body.Retraction(st.Element).Attr("id")
	case body.React:
		e := st.Child(xep.NSReactions, "reactions")
		id, re.emojis = e.Attr("id"), body.ReactionsIn(e)
	}
	r.loadHistory()
	old := r.history.byID(id)
	if old == nil {
		return
	}
	re.target = *old
	for i := len(r.history.lines) - 1; i >= 0 && &r.history.lines[i] != old; i-- {
		if r.history.lines[i].sameText(old) {
			re.laterSame++
		}
	}
	rs.shared.renditions.add(relayedLine{peer.ID, r.nick, parts[0]}, re, rs.shared.Clock.Now())
}

// rendition returns the original of a received line, and the message of this user's history
// that it corrects, retracts or reacts to. The message is nil for an ordinary line.
func (r *Room) rendition(ev legacy.RoomMessage) (rendition, *line) {
	if ev.Nick == "" || !ev.Time.IsZero() {
		return rendition{}, nil
	}
	re := r.rs.shared.renditions.find(relayedLine{r.peer.ID, ev.Nick, ev.Text}, r.lastRendition[ev.Nick], r.rs.shared.Clock.Now())
	if re.act == body.Say {
		return re, nil
	}
	if len(r.lastRendition) >= maxSpeakers {
		clear(r.lastRendition)
	}
	if r.lastRendition == nil {
		r.lastRendition = make(map[string]uint64)
	}
	r.lastRendition[ev.Nick] = re.number
	r.loadHistory()
	var same []*line
	for i := len(r.history.lines) - 1; i >= 0; i-- {
		l := &r.history.lines[i]
		if l.stanzaID == re.target.stanzaID {
			return re, l
		}
		if l.sameText(&re.target) {
			same = append(same, l)
		}
	}
	if len(same) == 0 {
		return re, nil
	}
	return re, same[min(re.laterSame, len(same)-1)]
}

// sameText reports whether two lines have the same sender and text.
func (l *line) sameText(other *line) bool {
	return l.nick == other.nick && l.ownText() == other.ownText() && (l.replaces == "") == (other.replaces == "")
}
