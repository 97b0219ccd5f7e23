package oscar

import (
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// packet is a SNAC that is to be sent.
type packet struct {
	id   oscarwire.ID
	body oscarwire.Appender
	// written, if set, is called when the packet is handed to the system, and
	// answered when a reply to it comes, or err says why none will.
	written  func(request uint32)
	answered func(reply oscarwire.SNAC, err error)
	patience time.Duration // for the answer
}

// lane is the queue before one rate class. (AOL, "Rate Limits")
type lane struct {
	class   oscarwire.RateClass
	last    time.Time // when its last SNAC was sent
	limited bool      // the server drops what is sent
	queue   []*packet
}

// maxLane is how many packets wait in one lane.
const maxLane = 512

// floor is the level that a lane keeps: a quarter of the way from where packets
// are dropped to where the server begins to complain, since its clock and ours
// see different intervals. Once it has dropped one, it wants more.
func (l *lane) floor() uint32 {
	if clear := max(l.class.Clear, l.class.Limit); l.limited {
		return clear + (max(l.class.Max, clear)-clear)/8
	}
	if l.class.Alert <= l.class.Limit {
		return l.class.Limit
	}
	return l.class.Limit + (l.class.Alert-l.class.Limit)/4
}

// wait is for how long the lane may not send.
func (l *lane) wait(now time.Time) time.Duration {
	return l.class.Wait(now.Sub(l.last), l.floor())
}

// sent counts a packet.
func (l *lane) sent(now time.Time) {
	l.class.Current = l.class.Next(now.Sub(l.last))
	l.last = now
}

// setRates takes over what the server says of its limits, 01/07.
func (c *client) setRates(p oscarwire.RateParams) {
	now := c.s.env.Now()
	old := c.lanes
	c.lanes = make(map[uint16]*lane, len(p.Classes))
	for _, class := range p.Classes {
		l := &lane{class: class, last: now}
		if before := old[class.ID]; before != nil { // from before a migration
			l.queue = before.queue
		}
		c.lanes[class.ID] = l
	}
	for id, before := range old {
		if c.lanes[id] == nil && len(before.queue) > 0 {
			c.lanes[id] = before
		}
	}
	c.classOf = p.ByID()
}

// onRateChange handles 01/0A.
func (c *client) onRateChange(m oscarwire.RateChange) {
	l := c.lanes[m.Class.ID]
	if l == nil {
		return
	}
	l.class, l.last = m.Class, c.s.env.Now()
	switch m.Code {
	case oscarwire.RateLimited:
		c.s.env.Log.Warn().Uint16("class", m.Class.ID).Msg("the server limits us: what was sent last was dropped")
		l.limited = true
		c.limitedAt = c.s.env.Now()
		c.resendUnacknowledged()
	case oscarwire.RateCleared:
		l.limited = false
	}
}

// submit sends a packet as soon as the server's limits allow.
func (c *client) submit(p *packet) {
	l := c.lanes[c.classOf[p.id]]
	if l == nil && !c.paused {
		c.write(p)
		return
	}
	if l == nil {
		l = c.freeLane()
	}
	if len(l.queue) >= maxLane {
		p.fail(legacy.Errorf(legacy.RateLimited, "Too much is waiting for the limits of %s. Wait a little.", c.s.net.name()))
		return
	}
	l.queue = append(l.queue, p)
	c.drain(l)
}

// freeLane holds packets without limits while the server has asked for a pause.
func (c *client) freeLane() *lane {
	const none = 0 // no class has this id
	if c.lanes[none] == nil {
		c.lanes[none] = &lane{}
	}
	return c.lanes[none]
}

// hurried reports whether a packet would be sent at once.
func (c *client) hurried(id oscarwire.ID) bool {
	l := c.lanes[c.classOf[id]]
	return !c.paused && (l == nil || len(l.queue) == 0 && l.wait(c.s.env.Now()) == 0)
}

// drain sends what a lane may send now.
func (c *client) drain(l *lane) {
	for len(l.queue) > 0 && !c.paused && c.err == nil && l.wait(c.s.env.Now()) == 0 {
		p := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		c.write(p)
	}
}

// drainAll sends what any lane may send now, and returns when the next packet may
// go, if one waits.
func (c *client) drainAll(now time.Time) (next time.Time) {
	for _, l := range c.lanes {
		c.drain(l)
		if len(l.queue) == 0 || c.paused {
			continue
		}
		if at := now.Add(l.wait(now)); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// fail tells that a packet will have no answer.
func (p *packet) fail(err error) {
	if p.answered != nil {
		p.answered(oscarwire.SNAC{}, err)
	}
}
