package oscar

import (
	"slices"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// buddies handles presence in both directions, with the capabilities of a peer's client
// and the hash of its avatar.
type buddies struct {
	c *client

	typists map[string]bool // peers whose clients have sent typing notifications
	noXHTML map[string]bool // online peers whose clients do not advertise XHTML
	stale   map[string]bool // peers online before a migration and not seen since
	staleBy time.Time       // deadline after which they count as offline

	presence  legacy.Presence // the user's own
	shown     legacy.Presence // as last sent to the server
	awayTexts map[string]oscarwire.UserInfo
	spelled   map[string]string          // screen names in their owners' spelling, by ID
	seen      map[string]legacy.Presence // presence of peers, as last emitted

	iconOf        map[string]string // hashes of avatars, as last emitted
	iconsWanted   []iconRequest
	fetchingIcons bool
}

func newBuddies(c *client) buddies {
	return buddies{
		c:         c,
		typists:   make(map[string]bool),
		noXHTML:   make(map[string]bool),
		awayTexts: make(map[string]oscarwire.UserInfo),
		spelled:   make(map[string]string),
		seen:      make(map[string]legacy.Presence),
		iconOf:    make(map[string]string),
		presence:  legacy.Presence{Show: legacy.ShowOnline},
	}
}

// setPresence sends the user's presence. While the rate limits delay it, only the
// latest presence counts.
func (bs *buddies) setPresence(p legacy.Presence) {
	bs.presence = p
	if bs.c.begun && bs.c.rates.sendsNow(oscarwire.ServiceSetStatus) {
		bs.writePresence()
	}
}

// status converts an XMPP show to an ICQ status; modeShow is the inverse.
func status(s legacy.Show) oscarwire.Status {
	switch s {
	case legacy.ShowChat:
		return oscarwire.ModeFree.Status()
	case legacy.ShowAway:
		return oscarwire.ModeAway.Status()
	case legacy.ShowXA:
		return oscarwire.ModeNA.Status()
	case legacy.ShowDND:
		return oscarwire.ModeDND.Status()
	case legacy.ShowInvisible, legacy.ShowOffline:
		return oscarwire.StatusInvisible
	}
	return oscarwire.StatusOnline
}

// isAway reports whether a show counts as away.
func isAway(s legacy.Show) bool {
	return s == legacy.ShowAway || s == legacy.ShowXA || s == legacy.ShowDND
}

// writePresence sends the differences from the presence known to the server.
func (bs *buddies) writePresence() {
	p, before := bs.presence, bs.shown
	bs.shown = p
	if isAway(p.Show) != isAway(before.Show) || isAway(p.Show) && p.Status != before.Status {
		text := ""
		if isAway(p.Show) { // an empty text would mean that the user is back
			if text = p.Status; text == "" {
				text = "Away"
			}
			text = locationHTML(text, maxAway)
		}
		// The text precedes the status, because contacts fetch it as soon as they receive the
		// status.
		bs.c.write(&packet{id: oscarwire.LocationSetInfo, body: oscarwire.LocationInfo{Away: &text}})
	}
	if st := status(p.Show); p.Show != before.Show || p.Status != before.Status {
		set := oscarwire.SetStatus{Status: &st, BART: oscarwire.BARTItems{oscarwire.NewStatusText(cut(p.Status, oscarwire.MaxStatusText, func(s string) int { return len(s) }))}}
		bs.c.write(&packet{id: oscarwire.ServiceSetStatus, body: set})
	}
	if !p.Idle.Equal(before.Idle) {
		seconds := oscarwire.Number(0)
		if idle := bs.c.now().Sub(p.Idle); !p.Idle.IsZero() && idle > 0 {
			seconds = oscarwire.Number(min(idle, 365*24*time.Hour) / time.Second)
		}
		bs.c.write(&packet{id: oscarwire.ServiceIdle, body: seconds})
	}
}

// namePeer emits the spelling of a peer's name, once: AIM names contain capitals and
// spaces.
func (bs *buddies) namePeer(p legacy.Peer, name string) {
	if name == p.ID || bs.spelled[p.ID] == name || len(bs.spelled) >= maxItems {
		return
	}
	bs.spelled[p.ID] = name
	bs.c.emit(legacy.PeerNamed{Peer: p, Nick: name})
}

// onBuddies handles 03/0B and 03/0C.
func (bs *buddies) onBuddies(snac oscarwire.SNAC) error {
	users, err := oscarwire.ParseUserInfos(snac.Body)
	for _, u := range users {
		peer := legacy.Peer{ID: oscarwire.NormalizeScreenName(u.Name)}
		switch {
		case peer.ID == "" || peer.ID == bs.c.s.self:
		case snac.ID == oscarwire.BuddyDeparted:
			delete(bs.stale, peer.ID)
			delete(bs.awayTexts, peer.ID)
			bs.showPeer(peer, legacy.Presence{})
		default:
			delete(bs.stale, peer.ID)
			p := bs.presenceOf(u)
			text, _ := u.StatusText(bs.c.s.net.page)
			asks := text == "" && isAway(p.Show)
			if last := bs.seen[peer.ID]; asks && last.Show == p.Show {
				p.Status = last.Status // until the new text arrives
			}
			bs.namePeer(peer, oscarwire.Clean(u.Name))
			bs.showPeer(peer, p)
			bs.onIconHash(peer, u)
			if asks {
				bs.askAwayText(peer.ID, u)
			} else {
				delete(bs.awayTexts, peer.ID)
			}
		}
	}
	return err
}

// staleTimeout is the time that another server has, after a migration, to send the
// presence of all contacts.
const staleTimeout = 15 * time.Second

// markStale records the peers that were online before a migration. The server does not
// report those that went offline meanwhile. Nobody answers the away text requests that the
// old server has received.
func (bs *buddies) markStale() {
	clear(bs.awayTexts)
	bs.stale = make(map[string]bool, len(bs.seen))
	for id := range bs.seen {
		bs.stale[id] = true
	}
	bs.staleBy = bs.c.now().Add(staleTimeout)
}

// dropStale marks the peers offline that have sent no presence since the migration.
func (bs *buddies) dropStale() {
	for id := range bs.stale {
		bs.showPeer(legacy.Peer{ID: id}, legacy.Presence{})
	}
	bs.stale, bs.staleBy = nil, time.Time{}
}

// showPeer emits a peer's presence if it has changed.
func (bs *buddies) showPeer(peer legacy.Peer, p legacy.Presence) {
	if last, seen := bs.seen[peer.ID]; seen && last == p {
		return
	}
	if p.Show == legacy.ShowOffline {
		delete(bs.seen, peer.ID)
		delete(bs.noXHTML, peer.ID)
	} else if len(bs.seen) < maxItems {
		bs.seen[peer.ID] = p
	}
	bs.c.emit(legacy.PresenceChanged{From: peer, Presence: p})
}

// presenceOf converts a userinfo block to a presence.
func (bs *buddies) presenceOf(u oscarwire.UserInfo) legacy.Presence {
	p := legacy.Presence{Show: legacy.ShowOnline}
	if st, ok := u.Status(); ok {
		p.Show = modeShow(st)
	}
	if p.Show == legacy.ShowOnline && u.Away() {
		p.Show = legacy.ShowAway
	}
	p.Status, _ = u.StatusText(bs.c.s.net.page)
	p.Status = withMood(u, oscarwire.Clean(p.Status))
	if idle, ok := u.Idle(); ok && idle > 0 {
		p.Idle = bs.c.now().Add(-idle)
	}
	p.Since, _ = u.SignedOn()
	caps := u.Capabilities()
	bs.noteNoXHTML(oscarwire.NormalizeScreenName(u.Name), !slices.Contains(caps, oscarwire.CapXHTML))
	p.NoTyping = len(caps) > 0 && !slices.Contains(caps, oscarwire.CapTyping) && !bs.typists[oscarwire.NormalizeScreenName(u.Name)]
	return p
}

// noteNoXHTML records whether an online peer's client does not support XHTML.
func (bs *buddies) noteNoXHTML(id string, plain bool) {
	if !plain {
		delete(bs.noXHTML, id)
	} else if len(bs.noXHTML) < maxItems {
		bs.noXHTML[id] = true
	}
}

// sawTyping records that a peer's client sends typing notifications, whatever its
// capabilities say.
func (bs *buddies) sawTyping(peer legacy.Peer) {
	if bs.typists[peer.ID] || len(bs.typists) >= maxItems {
		return
	}
	bs.typists[peer.ID] = true
	if p, seen := bs.seen[peer.ID]; seen && p.NoTyping {
		p.NoTyping = false
		bs.showPeer(peer, p)
	}
}

// withMood appends the mood in a userinfo block to a status text.
func withMood(u oscarwire.UserInfo, status string) string {
	switch mood := u.Mood(); {
	case mood == "":
		return status
	case status == "":
		return mood
	default:
		return mood + ": " + status
	}
}

func modeShow(st oscarwire.Status) legacy.Show {
	switch st.Mode() {
	case oscarwire.ModeFree:
		return legacy.ShowChat
	case oscarwire.ModeAway:
		return legacy.ShowAway
	case oscarwire.ModeNA:
		return legacy.ShowXA
	case oscarwire.ModeOccupied, oscarwire.ModeDND:
		return legacy.ShowDND
	}
	return legacy.ShowOnline
}

// maxAway is the maximum length of the user's away text in bytes. Servers accept 4,096.
const maxAway = 4000 // limit: bytes of the user's away text; servers accept 4,096 | it is cut

// locationHTML formats an away or profile text of at most limit bytes. Servers pass it on
// as us-ascii, whatever its encoding: it contains no other characters.
func locationHTML(text string, limit int) string {
	return oscarwire.TextToASCII(cut(text, limit, func(s string) int { return len(oscarwire.TextToASCII(s)) }))
}

// maxAwayTexts is the limit of pending away text requests.
const maxAwayTexts = 256 // limit: pending requests for away texts | the text is not shown

// askAwayText requests the away text of a peer. Presence does not contain it.
func (bs *buddies) askAwayText(id string, u oscarwire.UserInfo) {
	_, asked := bs.awayTexts[id]
	if !asked && len(bs.awayTexts) >= maxAwayTexts {
		return
	}
	bs.awayTexts[id] = u
	if !asked {
		bs.c.rates.submit(&packet{id: oscarwire.LocationQuery2,
			body: oscarwire.LocationQueryNew{Flags: oscarwire.LocationAway, Name: u.Name}})
	}
}

// onLocation handles 02/06: the answer to askAwayText.
func (bs *buddies) onLocation(body []byte) error {
	reply, err := oscarwire.ParseLocationReply(body, bs.c.s.net.page)
	if err != nil {
		return err
	}
	id := oscarwire.NormalizeScreenName(reply.User.Name)
	u, asked := bs.awayTexts[id]
	delete(bs.awayTexts, id)
	if !asked || reply.Info.Away == nil {
		return nil
	}
	p := bs.presenceOf(u)
	p.Status = withMood(u, oscarwire.HTMLToText(*reply.Info.Away))
	bs.showPeer(legacy.Peer{ID: id}, p)
	return nil
}
