package oscar

import (
	"slices"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// setPresence shows the user's presence. While the server's limits make it wait,
// only the latest counts.
func (c *client) setPresence(p legacy.Presence) {
	c.presence = p
	if c.begun && c.hurried(oscarwire.ServiceSetStatus) {
		c.writePresence()
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
func (c *client) writePresence() {
	p, before := c.presence, c.shown
	c.shown = p
	if isAway(p.Show) != isAway(before.Show) || isAway(p.Show) && p.Status != before.Status {
		text := ""
		if isAway(p.Show) { // an empty text would say that we are back
			if text = p.Status; text == "" {
				text = "Away"
			}
			text = oscarwire.TextToHTML(text)
		}
		// Before the status, of which others hear at once and then ask for the text.
		c.write(&packet{id: oscarwire.LocationSetInfo, body: oscarwire.LocationInfo{Away: &text}})
	}
	if st := status(p.Show); p.Show != before.Show || p.Status != before.Status {
		set := oscarwire.SetStatus{Status: &st, BART: oscarwire.BARTItems{oscarwire.NewStatusText(p.Status)}}
		c.write(&packet{id: oscarwire.ServiceSetStatus, body: set})
	}
	if !p.Idle.Equal(before.Idle) {
		seconds := oscarwire.Number(0)
		if idle := c.now().Sub(p.Idle); !p.Idle.IsZero() && idle > 0 {
			seconds = oscarwire.Number(min(idle, 365*24*time.Hour) / time.Second)
		}
		c.write(&packet{id: oscarwire.ServiceIdle, body: seconds})
	}
}

// onBuddies handles 03/0B and 03/0C.
func (c *client) onBuddies(snac oscarwire.SNAC) error {
	users, err := oscarwire.ParseUserInfos(snac.Body)
	for _, u := range users {
		peer := legacy.Peer{ID: oscarwire.NormalizeScreenName(u.Name)}
		switch {
		case peer.ID == "" || peer.ID == c.s.self:
		case snac.ID == oscarwire.BuddyDeparted:
			delete(c.stale, peer.ID)
			delete(c.awayTexts, peer.ID)
			c.showPeer(peer, legacy.Presence{})
		default:
			delete(c.stale, peer.ID)
			p := c.presenceOf(u)
			text, _ := u.StatusText()
			asks := text == "" && isAway(p.Show)
			if last := c.seen[peer.ID]; asks && last.Show == p.Show {
				p.Status = last.Status // until we know better
			}
			c.showPeer(peer, p)
			c.lookAtIcon(peer, u)
			if asks {
				c.askAwayText(peer.ID, u)
			} else {
				delete(c.awayTexts, peer.ID)
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
func (c *client) markStale() {
	c.stale = make(map[string]bool, len(c.seen))
	for id := range c.seen {
		c.stale[id] = true
	}
	c.staleBy = c.now().Add(stalePatience)
}

// dropStale takes those to be offline of whom nothing was heard since.
func (c *client) dropStale() {
	for id := range c.stale {
		c.showPeer(legacy.Peer{ID: id}, legacy.Presence{})
	}
	c.stale, c.staleBy = nil, time.Time{}
}

// showPeer tells the core of a peer's presence, unless it knows.
func (c *client) showPeer(peer legacy.Peer, p legacy.Presence) {
	if last, seen := c.seen[peer.ID]; seen && last == p {
		return
	}
	if p.Show == legacy.ShowOffline {
		delete(c.seen, peer.ID)
		delete(c.plain, peer.ID)
	} else if len(c.seen) < maxItems {
		c.seen[peer.ID] = p
	}
	c.emit(legacy.PresenceChanged{From: peer, Presence: p})
}

// presenceOf is what a userinfo block says.
func (c *client) presenceOf(u oscarwire.UserInfo) legacy.Presence {
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
		p.Idle = c.now().Add(-idle)
	}
	p.Since, _ = u.SignedOn()
	caps := u.Capabilities()
	c.notePlain(oscarwire.NormalizeScreenName(u.Name), !slices.Contains(caps, oscarwire.CapXHTML))
	p.NoTyping = len(caps) > 0 && !slices.Contains(caps, oscarwire.CapTyping) && !c.typists[oscarwire.NormalizeScreenName(u.Name)]
	return p
}

// notePlain notes whether somebody who is online reads no XHTML.
func (c *client) notePlain(id string, plain bool) {
	if !plain {
		delete(c.plain, id)
	} else if len(c.plain) < maxItems {
		c.plain[id] = true
	}
}

// tellsOfTyping: a peer's client has shown that it does, whatever it says of itself.
func (c *client) tellsOfTyping(peer legacy.Peer) {
	if c.typists[peer.ID] || len(c.typists) >= maxItems {
		return
	}
	c.typists[peer.ID] = true
	if p, seen := c.seen[peer.ID]; seen && p.NoTyping {
		p.NoTyping = false
		c.showPeer(peer, p)
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
func (c *client) askAwayText(id string, u oscarwire.UserInfo) {
	_, asked := c.awayTexts[id]
	if !asked && len(c.awayTexts) >= maxAwayTexts {
		return
	}
	c.awayTexts[id] = u
	if !asked {
		c.submit(&packet{id: oscarwire.LocationQuery2,
			body: oscarwire.LocationQueryNew{Flags: oscarwire.LocationAway, Name: u.Name}})
	}
}

// onLocation handles 02/06: an away text that was asked for.
func (c *client) onLocation(body []byte) error {
	reply, err := oscarwire.ParseLocationReply(body)
	if err != nil {
		return err
	}
	id := oscarwire.NormalizeScreenName(reply.User.Name)
	u, asked := c.awayTexts[id]
	delete(c.awayTexts, id)
	if !asked || reply.Info.Away == nil {
		return nil
	}
	p := c.presenceOf(u)
	p.Status = withMood(u, oscarwire.HTMLToText(*reply.Info.Away))
	c.showPeer(legacy.Peer{ID: id}, p)
	return nil
}
