package component

import (
	"sync"
	"time"

	"transport/component/xep"
	"transport/legacy"
)

// rendition is what a line stands for that a user has sent to a room whose network has no
// corrections, retractions or reactions. Other users of the gateway are in the room by
// connections of their own: they get the line from the network, and are shown what it
// stands for.
type rendition struct {
	act    act
	about  line // what it is about, as the sender has it
	back   int  // how many lines with the same words have followed that one
	text   string
	emojis []string
	till   time.Time
}

// spokenLine is a line as a network passes it on.
type spokenLine struct{ room, nick, text string }

// renditions are shared by the actors: a sender's notes one before the line is sent, so
// that it is there when the line arrives elsewhere.
type renditions struct {
	mu sync.Mutex
	by map[spokenLine]rendition
}

const (
	maxRenditions    = 500
	maxRenditionText = 1000            // bytes of a line
	renditionTime    = 2 * time.Minute // for a line to arrive
)

func (rs *renditions) add(l spokenLine, re rendition, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if len(rs.by) >= maxRenditions {
		for old, re := range rs.by {
			if re.till.Before(now) {
				delete(rs.by, old)
			}
		}
		if len(rs.by) >= maxRenditions {
			clear(rs.by)
		}
	}
	re.till = now.Add(renditionTime)
	put(&rs.by, l, re)
}

func (rs *renditions) find(l spokenLine, now time.Time) rendition {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if re := rs.by[l]; re.till.After(now) {
		return re
	}
	return rendition{}
}

// noteRendition notes what a line stands for that is about to be sent.
func (u *user) noteRendition(st *inbound, peer legacy.Peer, parts []string) {
	a, r := actOf(st.Element), u.rooms[peer.ID]
	if a == actSay || r == nil || len(parts) != 1 || len(parts[0]) > maxRenditionText {
		return
	}
	re := rendition{act: a}
	id := ""
	switch a {
	case actCorrect:
		id = st.Child(xep.NSCorrect, "replace").Attr("id")
		re.text, _ = compact(cleanText(plainText(st.Element)), [2]int{})
	case actRetract:
		id = st.Child(xep.NSRetract, "retract").Attr("id")
	case actReact:
		e := st.Child(xep.NSReactions, "reactions")
		id, re.emojis = e.Attr("id"), reactionsIn(e)
	}
	u.recall(r)
	old := r.said(id)
	if old == nil {
		return
	}
	re.about = *old
	for i := len(r.history) - 1; i >= 0 && &r.history[i] != old; i-- {
		if r.history[i].sameWords(old) {
			re.back++
		}
	}
	u.c.renditions.add(spokenLine{peer.ID, r.nick, parts[0]}, re, u.c.clock.Now())
}

// rendition is what a line stands for, with the line that it is about as this user has
// it; nil if the line is what it is.
func (u *user) rendition(r *room, ev legacy.RoomMessage) (rendition, *line) {
	if ev.Nick == "" || !ev.Time.IsZero() {
		return rendition{}, nil
	}
	re := u.c.renditions.find(spokenLine{r.peer.ID, ev.Nick, ev.Text}, u.c.clock.Now())
	if re.act == actSay {
		return re, nil
	}
	u.recall(r)
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
