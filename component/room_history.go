package component

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/registry"
)

// line is something that was said in a room, kept for clients that come later, or
// come back.
type line struct {
	nick     string // "" for the room itself
	text     string
	markup   []legacy.Span
	id       string // of the stanza
	archived string // what the archive and the network call it (XEP-0359)
	occupant string // XEP-0421
	reply    string
	replyTo  string // nick of whoever said that, "" if unknown
	quoted   [2]int // runes of text that repeat it (XEP-0428)
	replaces string // id of the line that it corrects (XEP-0308)
	localID  bool   // the network has no id for it: archived is ours
	unstyled bool   // its marks are what they are (XEP-0393)
	origin   string // that the user's client gave it (XEP-0359), not kept
	at       time.Time
}

// keptLine is a line as the registry keeps it. The names are short, since there are
// many.
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

const (
	maxHistory     = 100 // lines that a room keeps in memory
	defaultHistory = 20  // that a client gets which does not say how many
	maxSeconds     = 1e9 // that a client looks back
)

// grown is a time in milliseconds, as stamps have them (XEP-0082 §3.2), and later than
// the last one: clients sort by stamps, and lines of one moment would change places. A
// time that lies back by more than backdated is left alone.
func increasing(at, last time.Time) time.Time {
	at = at.Truncate(time.Millisecond)
	if !at.After(last) && last.Sub(at) < backdated {
		return last.Add(time.Millisecond)
	}
	return at
}

// backdated is by how much a line must be older than the one before it to be taken for
// what was said at another time, and not for the next line of the same moment.
const backdated = time.Minute

// stamp is the time of the next line of a room: stamps grow strictly in the archive and
// in the history. Old lines that the network repeats grow among themselves.
func (r *room) nextStamp(at time.Time, repeated bool) time.Time {
	at = increasing(at, r.newestStamp)
	if repeated {
		at = increasing(at, r.newestReplay)
		r.newestReplay = at
	}
	if at.After(r.newestStamp) {
		r.newestStamp = at
	}
	return at
}

// remember keeps what was said.
func (r *room) addLine(l line) {
	if r.history = append(r.history, l); len(r.history) >= 2*maxHistory {
		r.history = append(make([]line, 0, 2*maxHistory), r.history[len(r.history)-maxHistory:]...)
	}
	if r.rs.u.account.records(r.peer) {
		payload, err := json.Marshal(storedLine{l.nick, l.text, l.markup, l.id, l.occupant, l.reply, l.replyTo, l.quoted, l.unstyled, l.replaces, l.localID})
		if err != nil {
			r.rs.u.log.Error().Err(err).Msg("cannot archive a line")
			return
		}
		r.rs.u.c.archive.add(r.rs.u.ctx, registry.Line{Network: r.rs.u.c.domain, User: r.rs.u.bare, Room: r.peer.ID, StanzaID: l.archived, Payload: payload, Created: l.at})
	}
}

// readLine is what a line of the archive was.
func decodeLine(kept registry.Line) (line, error) {
	var k storedLine
	err := json.Unmarshal(kept.Payload, &k)
	return line{nick: k.Nick, text: k.Text, markup: k.Markup, id: k.ID, archived: kept.StanzaID, occupant: k.Occupant, reply: k.Reply, replyTo: k.ReplyTo,
		quoted: k.Quoted, unstyled: k.Unstyled, replaces: k.Replaces, localID: k.Unnamed, at: kept.Created}, err
}

// recall fills a room's memory from the archive after a restart.
func (r *room) loadHistory() {
	if r.archiveRead || !r.rs.u.c.archives() {
		return
	}
	r.archiveRead = true
	ctx, cancel := r.rs.u.storing()
	defer cancel()
	r.rs.u.c.archive.flush(ctx)
	page, err := r.rs.u.c.cfg.Registry.Lines(ctx, registry.LineQuery{Network: r.rs.u.c.domain, User: r.rs.u.bare, Room: r.peer.ID, Limit: maxHistory, Last: true})
	if err != nil {
		r.rs.u.log.Error().Err(err).Msg("cannot read the archive")
		return
	}
	known := make(map[string]bool, len(r.history))
	for _, l := range r.history {
		known[l.archived] = true
	}
	var earlier []line
	for _, kept := range page.Lines {
		if l, err := decodeLine(kept); err == nil && !known[l.archived] {
			earlier = append(earlier, l)
		}
	}
	r.history = append(earlier, r.history...)
	r.history = r.history[max(0, len(r.history)-maxHistory):]
	for _, l := range earlier {
		if l.at.After(r.newestStamp) {
			r.newestStamp = l.at
		}
	}
}

// historyLength is how much of it clients get that do not say how much they want.
func (rs *rooms) historyLength(p legacy.Peer) int {
	text, _ := rs.u.account.setting(p, fieldHistory)
	if text == "" && rs.u.account.exists() {
		text = rs.u.account.value(optHistory)
	}
	if n, ok := historyLength(text); ok {
		return n
	}
	return defaultHistory
}

// historyLength reads it as users write it, -1 for all that there is.
func historyLength(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	if n == -1 {
		n = maxHistory
	}
	return n, err == nil && n >= 0 && n <= maxHistory
}

// historyFor is what a client wants to get of it: the least that any of its wishes
// allows, or as much as is usual. (XEP-0045 §7.2.14)
func (r *room) historyFor(usual int, wish *element.Element) []line {
	lines := r.history[max(0, len(r.history)-maxHistory):]
	if wish == nil {
		return lines[max(0, len(lines)-usual):]
	}
	number := func(name string) (int, bool) {
		n, err := strconv.Atoi(wish.Attr(name))
		return n, err == nil && n >= 0
	}
	var since time.Time
	if sec, ok := number("seconds"); ok {
		since = r.rs.u.c.clock.Now().Add(-time.Duration(min(sec, maxSeconds)) * time.Second)
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
			if size += len(r.appendLine(nil, r.jid, &lines[i], true)); size > most {
				return lines[i+1:]
			}
		}
	}
	return lines
}

// sendHistory sends a client what was said before it came. (XEP-0045 §7.2.13)
func (r *room) sendHistory(full string, lines []line) {
	for i := range lines {
		_ = r.rs.u.c.write(func(dst []byte) []byte { return r.appendLine(dst, full, &lines[i], true) })
	}
}

// occupantID is what stays the same of somebody in a room, and says nothing else.
// (XEP-0421 §3)
func (r *room) occupantID(identity string) string {
	mac, _ := r.rs.u.c.macs.Get().(hash.Hash) // a channel has thousands of people
	if mac == nil {
		mac = hmac.New(sha256.New, []byte(r.rs.u.c.cfg.Secret))
	}
	mac.Reset()
	mac.Write([]byte("occupant-id\x00" + r.jid + "\x00" + identity))
	var sum [sha256.Size]byte
	id := hex.EncodeToString(mac.Sum(sum[:0])[:16])
	r.rs.u.c.macs.Put(mac)
	return id
}

// identify gives an occupant their id, if they have none yet. Of whom the network
// tells nothing, it is of their nick, unless somebody has taken that id along to
// another one.
func (r *room) identify(o *occupant) {
	if o.id != "" {
		return
	}
	known := o.Identity != ""
	o.id = r.occupantID(cmp.Or(o.Identity, o.Nick))
	if o.Identity = ""; known || !r.renamed { // it is a text of its own for everybody in every room
		return
	}
	for _, other := range r.occupants {
		if other != o && other.id == o.id {
			o.id = r.occupantID(newID())
			return
		}
	}
}

// archiver writes what was said in rooms into the registry, many lines in one
// transaction. Run owns its goroutine.
type archiver struct {
	lines   chan registry.Line
	flushes chan chan<- struct{} // to be closed when what was added before is written
}

const (
	archiveQueue = 4096
	archiveBatch = 500
	archivePause = 100 * time.Millisecond // for lines to gather
	trimEvery    = time.Hour
)

func newArchiver() archiver {
	return archiver{lines: make(chan registry.Line, archiveQueue), flushes: make(chan chan<- struct{})}
}

// add hands a line over. It waits while too many are there.
func (a *archiver) add(ctx context.Context, l registry.Line) {
	select {
	case a.lines <- l:
	case <-ctx.Done():
	}
}

// flush waits until everything that was added is written.
func (a *archiver) flush(ctx context.Context) {
	written := make(chan struct{})
	select {
	case a.flushes <- written:
		select {
		case <-written:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
}

// archives reports whether what is said in rooms is kept.
func (c *Component) archives() bool { return c.cfg.History.Keep > 0 }

// runArchive writes lines until ctx ends, and then those that are left.
func (c *Component) runArchive(ctx context.Context) {
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	c.trimArchive(ctx)
	var batch []registry.Line
	take := func() {
		for len(batch) < archiveBatch {
			select {
			case l := <-c.archive.lines:
				batch = append(batch, l)
			default:
				return
			}
		}
	}
	store := func() {
		for take(); len(batch) > 0; take() {
			c.store(batch)
			clear(batch)
			batch = batch[:0]
		}
	}
	var soon <-chan time.Time // set while something is gathered
	for {
		select {
		case l := <-c.archive.lines:
			if batch = append(batch, l); soon == nil {
				soon = time.After(archivePause)
			}
			if take(); len(batch) >= archiveBatch {
				store()
				soon = nil
			}
		case <-soon:
			store()
			soon = nil
		case done := <-c.archive.flushes:
			store()
			close(done)
		case <-trim.C:
			c.trimArchive(ctx)
		case <-ctx.Done():
			store()
			return
		}
	}
}

// store writes lines. They were said and seen: one that cannot be written costs no
// more than its place in the archive.
func (c *Component) store(lines []registry.Line) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	if err := c.cfg.Registry.AppendLines(ctx, lines); err != nil {
		c.log.Error().Err(err).Int("lines", len(lines)).Msg("cannot write to the archive of rooms")
	}
}

func (c *Component) trimArchive(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := c.cfg.Registry.TrimLines(ctx, c.domain, c.clock.Now().Add(-c.cfg.History.Keep), c.cfg.History.Lines); err != nil && ctx.Err() == nil {
		c.log.Error().Err(err).Msg("cannot trim the archive of rooms")
	}
}
