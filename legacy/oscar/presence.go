package oscar

import (
	"slices"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// buddies is presence in both directions, with what comes with that of a peer: what their
// client can do, and the hash of their avatar.
type buddies struct {
	c *client

	typists map[string]bool // peers whose clients have sent typing notifications
	plain   map[string]bool // peers online whose clients do not announce XHTML
	stale   map[string]bool // peers seen before a migration, and not since
	staleBy time.Time       // when they are taken to be offline

	presence  legacy.Presence // the user's own
	shown     legacy.Presence // as the server has it
	awayTexts map[string]oscarwire.UserInfo
	spelled   map[string]string          // names as people spell their own, by ID
	seen      map[string]legacy.Presence // peers, as the core has them

	iconOf        map[string]string // hashes of avatars, as the core has them
	iconsWanted   []iconWanted
	fetchingIcons bool
}

func newBuddies(c *client) buddies {
	return buddies{
		c:         c,
		typists:   make(map[string]bool),
		plain:     make(map[string]bool),
		awayTexts: make(map[string]oscarwire.UserInfo),
		spelled:   make(map[string]string),
		seen:      make(map[string]legacy.Presence),
		iconOf:    make(map[string]string),
		presence:  legacy.Presence{Show: legacy.ShowOnline},
	}
}

// setPresence shows the user's presence. While the server's limits make it wait,
// only the latest counts.
func (bs *buddies) setPresence(p legacy.Presence) {
	bs.presence = p
	if bs.c.begun && bs.c.rates.hurried(oscarwire.ServiceSetStatus) {
		bs.writePresence()
	}
}

// status maps what XMPP knows to what ICQ does; modeShow is the way back.
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

// isAway reports whether somebody is not to be expected to answer.
func isAway(s legacy.Show) bool {
	return s == legacy.ShowAway || s == legacy.ShowXA || s == legacy.ShowDND
}

// writePresence tells the server what differs from what it knows.
func (bs *buddies) writePresence() {
	p, before := bs.presence, bs.shown
	bs.shown = p
	if isAway(p.Show) != isAway(before.Show) || isAway(p.Show) && p.Status != before.Status {
		text := ""
		if isAway(p.Show) { // an empty text would say that we are back
			if text = p.Status; text == "" {
				text = "Away"
			}
			text = oscarwire.TextToHTML(text)
		}
		// Before the status, of which others hear at once and then ask for the text.
		bs.c.write(&packet{id: oscarwire.LocationSetInfo, body: oscarwire.LocationInfo{Away: &text}})
	}
	if st := status(p.Show); p.Show != before.Show || p.Status != before.Status {
		set := oscarwire.SetStatus{Status: &st, BART: oscarwire.BARTItems{oscarwire.NewStatusText(p.Status)}}
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

// namePeer tells how somebody spells their name, once: AIM's have capitals and spaces.
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
			text, _ := u.StatusText()
			asks := text == "" && isAway(p.Show)
			if last := bs.seen[peer.ID]; asks && last.Show == p.Show {
				p.Status = last.Status // until we know better
			}
			bs.namePeer(peer, oscarwire.Clean(u.Name))
			bs.showPeer(peer, p)
			bs.lookAtIcon(peer, u)
			if asks {
				bs.askAwayText(peer.ID, u)
			} else {
				delete(bs.awayTexts, peer.ID)
			}
		}
	}
	return err
}

// stalePatience is how long another server has, after a migration, to say who is
// online.
const stalePatience = 15 * time.Second

// markStale remembers who was online before a migration: of those who have gone
// meanwhile, nobody tells.
func (bs *buddies) markStale() {
	bs.stale = make(map[string]bool, len(bs.seen))
	for id := range bs.seen {
		bs.stale[id] = true
	}
	bs.staleBy = bs.c.now().Add(stalePatience)
}

// dropStale takes those to be offline of whom nothing was heard since.
func (bs *buddies) dropStale() {
	for id := range bs.stale {
		bs.showPeer(legacy.Peer{ID: id}, legacy.Presence{})
	}
	bs.stale, bs.staleBy = nil, time.Time{}
}

// showPeer tells the core of a peer's presence, unless it knows.
func (bs *buddies) showPeer(peer legacy.Peer, p legacy.Presence) {
	if last, seen := bs.seen[peer.ID]; seen && last == p {
		return
	}
	if p.Show == legacy.ShowOffline {
		delete(bs.seen, peer.ID)
		delete(bs.plain, peer.ID)
	} else if len(bs.seen) < maxItems {
		bs.seen[peer.ID] = p
	}
	bs.c.emit(legacy.PresenceChanged{From: peer, Presence: p})
}

// presenceOf is what a userinfo block says.
func (bs *buddies) presenceOf(u oscarwire.UserInfo) legacy.Presence {
	p := legacy.Presence{Show: legacy.ShowOnline}
	if st, ok := u.Status(); ok {
		p.Show = modeShow(st)
	}
	if p.Show == legacy.ShowOnline && u.Away() {
		p.Show = legacy.ShowAway
	}
	p.Status, _ = u.StatusText()
	p.Status = withMood(u, oscarwire.Clean(p.Status))
	if idle, ok := u.Idle(); ok && idle > 0 {
		p.Idle = bs.c.now().Add(-idle)
	}
	p.Since, _ = u.SignedOn()
	caps := u.Capabilities()
	bs.notePlain(oscarwire.NormalizeScreenName(u.Name), !slices.Contains(caps, oscarwire.CapXHTML))
	p.NoTyping = len(caps) > 0 && !slices.Contains(caps, oscarwire.CapTyping) && !bs.typists[oscarwire.NormalizeScreenName(u.Name)]
	return p
}

// notePlain notes whether somebody who is online reads no XHTML.
func (bs *buddies) notePlain(id string, plain bool) {
	if !plain {
		delete(bs.plain, id)
	} else if len(bs.plain) < maxItems {
		bs.plain[id] = true
	}
}

// tellsOfTyping: a peer's client has shown that it does, whatever it says of itself.
func (bs *buddies) tellsOfTyping(peer legacy.Peer) {
	if bs.typists[peer.ID] || len(bs.typists) >= maxItems {
		return
	}
	bs.typists[peer.ID] = true
	if p, seen := bs.seen[peer.ID]; seen && p.NoTyping {
		p.NoTyping = false
		bs.showPeer(peer, p)
	}
}

// withMood is a status text with the mood that somebody shows beside it.
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

// maxAwayTexts is how many away texts are asked for at a time.
const maxAwayTexts = 256

// askAwayText asks for the text of somebody who is away. Presence does not carry
// it.
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

// onLocation handles 02/06: an away text that was asked for.
func (bs *buddies) onLocation(body []byte) error {
	reply, err := oscarwire.ParseLocationReply(body)
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
