package component

import (
	"sync"
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// rendition is what a line stands for that a user has sent to a room whose network has no
// corrections, retractions or reactions. Other users of the gateway are in the room by
// connections of their own: they get the line from the network, and are shown what it
// stands for.
type rendition struct {
	act     body.Act
	about   line // what it is about, as the sender has it
	back    int  // how many lines with the same words have followed that one
	text    string
	emojis  []string
	number  uint64 // of all renditions
	expires time.Time
}

// spokenLine is a line as a network passes it on.
type spokenLine struct{ room, nick, text string }

// renditions are shared by the actors: a sender's notes one before the line is sent, so
// that it is there when the line arrives elsewhere.
type renditions struct {
	mu   sync.Mutex
	last uint64
	by   map[spokenLine][]rendition // in their order
}

const (
	maxRenditions    = 500             // different lines
	maxSameLines     = 8               // of the same words
	maxRenditionText = 1000            // bytes of a line
	renditionTime    = 2 * time.Minute // for a line to arrive
	maxSpeakers      = 100             // of a room whose renditions are counted
)

func (rd *renditions) add(l spokenLine, re rendition, now time.Time) {
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
	lazySet(&rd.by, l, all[max(0, len(all)-maxSameLines):])
}

// find is the first rendition of a line after one with a number: lines of the same words
// arrive in the order in which they were sent.
func (rd *renditions) find(l spokenLine, after uint64, now time.Time) rendition {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	for _, re := range rd.by[l] {
		if re.number > after && re.expires.After(now) {
			return re
		}
	}
	return rendition{}
}

// noteRendition notes what a line stands for that is about to be sent.
func (rs *rooms) noteRendition(st *stanza.Inbound, peer legacy.Peer, parts []string) {
	a, r := body.ActOf(st.Element), rs.u.rooms.all[peer.ID]
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
	old := r.lineByID(id)
	if old == nil {
		return
	}
	re.about = *old
	for i := len(r.history) - 1; i >= 0 && &r.history[i] != old; i-- {
		if r.history[i].sameWords(old) {
			re.back++
		}
	}
	rs.u.c.renditions.add(spokenLine{peer.ID, r.nick, parts[0]}, re, rs.u.c.clock.Now())
}

// rendition is what a line stands for, with the line that it is about as this user has
// it; nil if the line is what it is.
func (r *room) rendition(ev legacy.RoomMessage) (rendition, *line) {
	if ev.Nick == "" || !ev.Time.IsZero() {
		return rendition{}, nil
	}
	re := r.rs.u.c.renditions.find(spokenLine{r.peer.ID, ev.Nick, ev.Text}, r.rendered[ev.Nick], r.rs.u.c.clock.Now())
	if re.act == body.Say {
		return re, nil
	}
	if len(r.rendered) >= maxSpeakers {
		clear(r.rendered)
	}
	lazySet(&r.rendered, ev.Nick, re.number)
	r.loadHistory()
	var same []*line
	for i := len(r.history) - 1; i >= 0; i-- {
		l := &r.history[i]
		if l.archived == re.about.archived {
			return re, l
		}
		if l.sameWords(&re.about) {
			same = append(same, l)
		}
	}
	if len(same) == 0 {
		return re, nil
	}
	return re, same[min(re.back, len(same)-1)]
}

// sameWords reports whether two lines are of the same person and say the same.
func (l *line) sameWords(other *line) bool {
	return l.nick == other.nick && l.ownText() == other.ownText() && (l.replaces == "") == (other.replaces == "")
}
