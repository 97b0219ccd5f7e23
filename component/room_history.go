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

const (
	maxHistory     = 100 // lines of a room in memory
	defaultHistory = 20  // lines for a client that requests no number
	maxSeconds     = 1e9 // limit of a request by seconds
)

// nextStamp returns the stamp of a room's next line: stamps increase strictly in the archive
// and in the history. Lines of the network's history have a sequence of their own.
func (r *room) nextStamp(at time.Time, repeated bool) time.Time {
	at = xep.Increasing(at, r.newestStamp)
	if repeated {
		at = xep.Increasing(at, r.newestReplay)
		r.newestReplay = at
	}
	if at.After(r.newestStamp) {
		r.newestStamp = at
	}
	return at
}

// addLine adds a message to the history, and to the archive if the room has one.
func (r *room) addLine(l line) {
	if r.history = append(r.history, l); len(r.history) >= 2*maxHistory {
		r.history = append(make([]line, 0, 2*maxHistory), r.history[len(r.history)-maxHistory:]...)
	}
	if r.rs.u.account.records(r.peer) {
		payload, err := json.Marshal(storedLine{l.nick, l.text, l.markup, l.id, l.occupantID, l.reply, l.replyTo,
			l.quoted, l.unstyled, l.replaces, l.localID})
		if err != nil {
			r.rs.u.log.Error().Err(err).Msg("cannot archive a line")
			return
		}
		r.rs.u.c.archive.add(r.rs.u.ctx, registry.Line{Network: r.rs.u.c.domain, User: r.rs.u.bare, Room: r.peer.ID,
			StanzaID: l.stanzaID, Payload: payload, Created: l.at})
	}
}

// decodeLine decodes a line of the archive.
func decodeLine(row registry.Line) (line, error) {
	var k storedLine
	err := json.Unmarshal(row.Payload, &k)
	return line{nick: k.Nick, text: k.Text, markup: k.Markup, id: k.ID, stanzaID: row.StanzaID, occupantID: k.Occupant,
		reply: k.Reply, replyTo: k.ReplyTo, quoted: k.Quoted, unstyled: k.Unstyled, replaces: k.Replaces,
		localID: k.Unnamed, at: row.Created}, err
}

// loadHistory loads the archive's last lines into the history, once after a restart.
func (r *room) loadHistory() {
	if r.archiveRead || !r.rs.u.c.archives() {
		return
	}
	r.archiveRead = true
	ctx, cancel := r.rs.u.storing()
	defer cancel()
	r.rs.u.c.archive.flush(ctx)
	page, err := r.rs.u.c.cfg.Registry.Lines(ctx, registry.LineQuery{Network: r.rs.u.c.domain, User: r.rs.u.bare,
		Room: r.peer.ID, Limit: maxHistory, Last: true})
	if err != nil {
		r.rs.u.log.Error().Err(err).Msg("cannot read the archive")
		return
	}
	known := make(map[string]bool, len(r.history))
	for _, l := range r.history {
		known[l.stanzaID] = true
	}
	var earlier []line
	for _, row := range page.Lines {
		if l, err := decodeLine(row); err == nil && !known[l.stanzaID] {
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

// historyLength returns the number of lines for a client that requests no number.
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

// historyLength parses the user's setting: a number from 0 to maxHistory, or -1 for
// maxHistory.
func historyLength(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	if n == -1 {
		n = maxHistory
	}
	return n, err == nil && n >= 0 && n <= maxHistory
}

// historyFor returns the lines that satisfy every limit of a client's <history/>, or the
// last ones, as many as usual, if there is none. (XEP-0045 §7.2.14)
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

// sendHistory sends a client the history on a join. (XEP-0045 §7.2.13)
func (r *room) sendHistory(full string, lines []line) {
	for i := range lines {
		_ = r.rs.u.c.write(func(dst []byte) []byte { return r.appendLine(dst, full, &lines[i], true) })
	}
}

// occupantID returns the stable ID of an occupant, which does not reveal the identity that
// it is derived from. (XEP-0421 §3)
func (r *room) occupantID(identity string) string {
	mac, _ := r.rs.u.c.macs.Get().(hash.Hash) // reused: a channel can have thousands of occupants
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

// identify sets an occupant's ID, unless it is set. Without a network identity the ID is
// derived from the nick, or random if that ID is already in use by an occupant that has
// since changed its nick.
func (r *room) identify(o *occupant) {
	if o.id != "" {
		return
	}
	known := o.Identity != ""
	o.id = r.occupantID(cmp.Or(o.Identity, o.Nick))
	if o.Identity = ""; known || !r.renamed { // the ID replaces the identity, whose text takes memory for each occupant
		return
	}
	for _, other := range r.occupants {
		if other != o && other.id == o.id {
			o.id = r.occupantID(newID())
			return
		}
	}
}

// archiver writes the lines of rooms to the registry, many in one transaction. Run owns
// its goroutine; add and flush may be called from any goroutine.
type archiver struct {
	lines   chan registry.Line
	flushes chan chan<- struct{} // each is closed when all lines added before are written
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

// add queues a line. It blocks while the queue is full, until ctx ends.
func (a *archiver) add(ctx context.Context, l registry.Line) {
	select {
	case a.lines <- l:
	case <-ctx.Done():
	}
}

// flush waits until all lines added before are written, or ctx ends.
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

// archives reports whether the gateway archives the messages of rooms.
func (c *Component) archives() bool { return c.cfg.History.Keep > 0 }

// runArchive writes queued lines until ctx ends, and then the rest of the queue.
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
	var soon <-chan time.Time // nil while the batch is empty
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

// store writes lines. If that fails they are only missing in the archive: the clients have
// received them.
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
	oldest := c.clock.Now().Add(-c.cfg.History.Keep)
	if err := c.cfg.Registry.TrimLines(ctx, c.domain, oldest, c.cfg.History.Lines); err != nil && ctx.Err() == nil {
		c.log.Error().Err(err).Msg("cannot trim the archive of rooms")
	}
}
