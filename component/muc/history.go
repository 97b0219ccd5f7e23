package muc

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// line is a message of a room's history.
type line struct {
	nick       string // "" for the room itself
	text       string
	markup     []legacy.Span
	id         string // of the stanza
	stanzaID   string // stanza ID of the archive and the network (XEP-0359)
	occupantID string // XEP-0421
	reply      string
	replyTo    string // nick of that message's sender, "" if unknown
	quoted     [2]int // range of the quotation in text, in runes (XEP-0428)
	replaces   string // ID of the line that it corrects (XEP-0308)
	localID    bool   // archived is the gateway's own ID, since the network sent none
	unstyled   bool   // its text contains no styling (XEP-0393)
	origin     string // origin ID of the user's client (XEP-0359), not archived
	at         time.Time
	markable   bool // clients are asked to mark it as displayed (XEP-0333), not archived
}

// storedLine is the payload of a line in the registry. The names are short to save space.
type storedLine struct {
	Nick     string        `json:"n,omitempty"`
	Text     string        `json:"t"`
	Markup   []legacy.Span `json:"m,omitempty"`
	ID       string        `json:"i,omitempty"`
	Occupant string        `json:"o,omitempty"`
	Reply    string        `json:"r,omitempty"`
	ReplyTo  string        `json:"a,omitempty"`
	Quoted   [2]int        `json:"q,omitzero"`
	Unstyled bool          `json:"u,omitempty"`
	Replaces string        `json:"x,omitempty"`
	Unnamed  bool          `json:"y,omitempty"`
}

// history is the last lines of a room.
type history struct {
	lines    []line
	newest   time.Time // stamp of the newest line
	replayed time.Time // stamp of the last line of the network's history
}

const (
	MaxHistory     = 100 // limit: lines of a room's history in memory, and for a client that joins | the oldest are dropped; they are in the archive
	DefaultHistory = 20  // for a client that requests no number
	maxSeconds     = 1e9 // limit: seconds of history that a client can request | the request is lowered to it
)

// byID returns the line with a stanza ID of the archive, or else with an ID of the stanza; nil
// if there is none.
func (h *history) byID(id string) *line {
	if id == "" {
		return nil
	}
	var other *line
	for i := len(h.lines) - 1; i >= 0; i-- {
		switch l := &h.lines[i]; {
		case l.stanzaID == id:
			return l
		case other == nil && (l.id == id || l.origin == id):
			other = l
		}
	}
	return other
}

// nextStamp returns the stamp of a room's next line: stamps increase strictly in the archive
// and in the history. Lines of the network's history have a sequence of their own.
func (h *history) nextStamp(at time.Time, repeated bool) time.Time {
	if repeated { // under its own time, although later lines may be known already
		at = xep.Increasing(at, h.replayed)
		h.replayed = at
	} else {
		at = xep.Increasing(at, h.newest)
	}
	if at.After(h.newest) {
		h.newest = at
	}
	return at
}

// add adds a line. Between MaxHistory and twice as many are kept.
func (h *history) add(l line) {
	if h.lines = append(h.lines, l); len(h.lines) >= 2*MaxHistory {
		h.lines = append(make([]line, 0, 2*MaxHistory), h.lines[len(h.lines)-MaxHistory:]...)
	}
}

// addEarlier adds the archive's lines before the others, without those that it has.
func (h *history) addEarlier(rows []registry.Line) {
	known := make(map[string]bool, len(h.lines))
	for _, l := range h.lines {
		known[l.stanzaID] = true
	}
	var earlier []line
	for _, row := range rows {
		if l, err := decodeLine(row); err == nil && !known[l.stanzaID] {
			earlier = append(earlier, l)
		}
	}
	h.lines = append(earlier, h.lines...)
	h.lines = h.lines[max(0, len(h.lines)-MaxHistory):]
	for _, l := range earlier {
		if l.at.After(h.newest) {
			h.newest = l.at
		}
	}
}

// requested returns the lines of a room that satisfy every limit of a client's <history/>, or
// the last ones, as many as usual, if there is none. (XEP-0045 §7.2.14)
func (h *history) requested(usual int, wish *element.Element, room string, now time.Time) []line {
	lines := h.lines[max(0, len(h.lines)-MaxHistory):]
	if wish == nil {
		return lines[max(0, len(lines)-usual):]
	}
	number := func(name string) (int, bool) {
		n, err := strconv.Atoi(wish.Attr(name))
		return n, err == nil && n >= 0
	}
	var since time.Time
	if sec, ok := number("seconds"); ok {
		since = now.Add(-time.Duration(min(sec, maxSeconds)) * time.Second)
	}
	if t, err := time.Parse(time.RFC3339, wish.Attr("since")); err == nil && t.After(since) {
		since = t
	}
	for len(lines) > 0 && lines[0].at.Before(since) {
		lines = lines[1:]
	}
	if n, ok := number("maxstanzas"); ok {
		lines = lines[max(0, len(lines)-n):]
	}
	if most, ok := number("maxchars"); ok {
		size := 0
		for i := len(lines) - 1; i >= 0; i-- {
			if size += len(lines[i].appendTo(nil, room, room, true)); size > most {
				return lines[i+1:]
			}
		}
	}
	return lines
}

// addLine adds a message to the history, and to the archive if the room has one.
func (r *Room) addLine(l line) {
	r.history.add(l)
	if r.rs.Archives(r.peer) {
		payload, err := json.Marshal(storedLine{l.nick, l.text, l.markup, l.id, l.occupantID, l.reply, l.replyTo,
			l.quoted, l.unstyled, l.replaces, l.localID})
		if err != nil {
			r.rs.log.Error().Err(err).Msg("cannot archive a line")
			return
		}
		r.rs.shared.Archive.add(r.rs.ctx, registry.Line{User: r.rs.bare, Room: r.peer.ID, StanzaID: l.stanzaID, Payload: payload, Created: l.at})
	}
}

// loadHistory loads the archive's last lines into the history, once after a restart.
func (r *Room) loadHistory() {
	if r.archiveRead || !r.rs.shared.Archive.Enabled() {
		return
	}
	r.archiveRead = true
	page, err := r.rs.archived(registry.LineQuery{User: r.rs.bare, Room: r.peer.ID, Limit: MaxHistory, Last: true})
	if err != nil {
		r.rs.log.Error().Err(err).Msg("cannot read the archive")
		return
	}
	r.history.addEarlier(page.Lines)
}

// sendHistory sends a client the history on a join. (XEP-0045 §7.2.13)
func (r *Room) sendHistory(full string, lines []line) {
	for i := range lines {
		lines[i].markable = r.rs.marks.IsMarkable(r.peer, lines[i].stanzaID)
		r.rs.shared.write(func(dst []byte) []byte { return lines[i].appendTo(dst, r.jid, full, true) })
	}
}

// appendTo appends the message stanza of a line of a room, for the client to; or for the archive's
// result if to is "". (XEP-0045 §7.2.13, §7.4)
func (l *line) appendTo(dst []byte, room, to string, delayed bool) []byte {
	if to == "" {
		dst = append(dst, "<message xmlns='jabber:client' type='groupchat'"...)
	} else {
		dst = append(dst, "<message type='groupchat'"...)
	}
	if l.nick == "" {
		dst = stanza.AppendAttr(dst, "from", room)
	} else {
		dst = append(dst, ` from="`...)
		dst = element.AppendAttr(dst, room)
		dst = append(dst, '/')
		dst = element.AppendAttr(dst, Resource(l.nick))
		dst = append(dst, '"')
	}
	dst = stanza.AppendAttr(dst, "to", to)
	dst = stanza.AppendAttr(dst, "id", l.id)
	dst = stanza.AppendChild(append(dst, '>'), "body", l.text)
	dst = body.AppendXHTML(dst, l.markup)
	if l.unstyled && l.quoted[1] == 0 {
		dst = append(dst, body.Unstyled...)
	}
	dst = l.appendReply(dst, room)
	if l.replaces != "" {
		dst = append(dst, "<replace xmlns='"+xep.NSCorrect+"'"...)
		dst = append(stanza.AppendAttr(dst, "id", l.replaces), "/>"...)
	}
	dst = appendOccupantID(dst, l.occupantID)
	if to != "" {
		dst = append(dst, "<stanza-id xmlns='"+xep.NSStanzaID+"'"...)
		dst = append(stanza.AppendAttr(stanza.AppendAttr(dst, "id", l.stanzaID), "by", room), "/>"...)
	}
	if l.origin != "" {
		dst = append(dst, "<origin-id xmlns='"+xep.NSStanzaID+"'"...)
		dst = append(stanza.AppendAttr(dst, "id", l.origin), "/>"...)
	}
	if l.markable {
		dst = append(dst, "<markable xmlns='"+xep.NSChatMarkers+"'/>"...)
	}
	if delayed {
		dst = xep.Delay(room, l.at).Append(dst, stanza.NS)
	}
	return append(dst, "</message>"...)
}

// EncodeLine returns the payload of a line in the registry (registry.Line.Payload).
func EncodeLine(nick, text string) ([]byte, error) {
	return json.Marshal(storedLine{Nick: nick, Text: text})
}

// decodeLine decodes a line of the archive.
func decodeLine(row registry.Line) (line, error) {
	var k storedLine
	err := json.Unmarshal(row.Payload, &k)
	return line{nick: k.Nick, text: k.Text, markup: k.Markup, id: k.ID, stanzaID: row.StanzaID, occupantID: k.Occupant,
		reply: k.Reply, replyTo: k.ReplyTo, quoted: k.Quoted, unstyled: k.Unstyled, replaces: k.Replaces,
		localID: k.Unnamed, at: row.Created}, err
}

// HistoryLength returns the number of lines for a client that requests no number.
func (u *user) HistoryLength(p legacy.Peer) int {
	account := u.account()
	text, _ := account.Setting(p.ID, FieldHistory)
	if n, ok := ParseHistory(cmp.Or(text, account.Option(OptHistory))); ok {
		return n
	}
	return DefaultHistory
}

// ParseHistory parses the user's setting: a number from 0 to MaxHistory, or -1 for
// MaxHistory.
func ParseHistory(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	if n == -1 {
		n = MaxHistory
	}
	return n, err == nil && n >= 0 && n <= MaxHistory
}
