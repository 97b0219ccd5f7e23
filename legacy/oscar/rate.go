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

// rates keeps to the server's rate limits: a packet waits in the lane of its rate class.
type rates struct {
	c *client

	lanes     map[uint16]*lane
	classOf   map[oscarwire.ID]uint16
	paused    bool // nothing may be sent
	limitedAt time.Time
}

// setRates takes over what the server says of its limits, 01/07.
func (ra *rates) setRates(p oscarwire.RateParams) {
	now := ra.c.s.env.Now()
	old := ra.lanes
	ra.lanes = make(map[uint16]*lane, len(p.Classes))
	for _, class := range p.Classes {
		l := &lane{class: class, last: now}
		if before := old[class.ID]; before != nil { // from before a migration
			l.queue = before.queue
		}
		ra.lanes[class.ID] = l
	}
	for id, before := range old {
		if ra.lanes[id] == nil && len(before.queue) > 0 {
			ra.lanes[id] = before
		}
	}
	ra.classOf = p.ByID()
}

// onRateChange handles 01/0A.
func (ra *rates) onRateChange(m oscarwire.RateChange) {
	l := ra.lanes[m.Class.ID]
	if l == nil {
		return
	}
	l.class, l.last = m.Class, ra.c.s.env.Now()
	switch m.Code {
	case oscarwire.RateLimited:
		ra.c.s.env.Log.Warn().Uint16("class", m.Class.ID).Msg("the server limits us: what was sent last was dropped")
		l.limited = true
		ra.limitedAt = ra.c.s.env.Now()
		ra.c.icbm.resendUnacknowledged()
	case oscarwire.RateCleared:
		l.limited = false
	}
}

// submit sends a packet as soon as the server's limits allow.
func (ra *rates) submit(p *packet) {
	l := ra.lanes[ra.classOf[p.id]]
	if l == nil && !ra.paused {
		ra.c.write(p)
		return
	}
	if l == nil {
		l = ra.freeLane()
	}
	if len(l.queue) >= maxLane {
		p.fail(legacy.Errorf(legacy.RateLimited, "Too much is waiting for the limits of %s. Wait a little.", ra.c.s.net.name()))
		return
	}
	l.queue = append(l.queue, p)
	ra.drain(l)
}

// freeLane holds packets without limits while the server has asked for a pause.
func (ra *rates) freeLane() *lane {
	const none = 0 // no class has this id
	if ra.lanes[none] == nil {
		ra.lanes[none] = &lane{}
	}
	return ra.lanes[none]
}

// hurried reports whether a packet would be sent at once.
func (ra *rates) hurried(id oscarwire.ID) bool {
	l := ra.lanes[ra.classOf[id]]
	return !ra.paused && (l == nil || len(l.queue) == 0 && l.wait(ra.c.s.env.Now()) == 0)
}

// drain sends what a lane may send now.
func (ra *rates) drain(l *lane) {
	for len(l.queue) > 0 && !ra.paused && ra.c.err == nil && l.wait(ra.c.s.env.Now()) == 0 {
		p := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		ra.c.write(p)
	}
}

// drainAll sends what any lane may send now, and returns when the next packet may
// go, if one waits.
func (ra *rates) drainAll(now time.Time) (next time.Time) {
	for _, l := range ra.lanes {
		ra.drain(l)
		if len(l.queue) == 0 || ra.paused {
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
