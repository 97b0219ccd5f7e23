package oscar

import (
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// packet is a SNAC to send, with its callbacks.
type packet struct {
	id     oscarwire.ID
	body   oscarwire.Appender
	target string // of a message, or targetAcks; packets without one are sent first
	// written, if set, is called when the packet is written to the connection. answered, if
	// set, is called with the reply, or with err if there will be none.
	written  func(request uint32)
	answered func(reply oscarwire.SNAC, err error)
	timeout  time.Duration // time limit of the reply
	void     bool          // it is not to be sent any more
}

// targetAcks is the target of acknowledgements, of which peers can cause many. No peer has
// this name.
const targetAcks = " acks"

// lane is the queue of one rate class. (AOL, "Rate Limits")
type lane struct {
	class   oscarwire.RateClass
	last    time.Time // time of the last SNAC sent
	limited bool      // the server drops packets of this class
	queue   turns
	told    map[string]bool // the targets about whose delay the user has a notice
}

// maxLane is the limit of packets queued in a lane.
const maxLane = 512 // limit: packets that wait in a rate class | a message is refused: resource-constraint

// floor returns the minimum level that the lane keeps: a quarter of the way from the
// drop level to the alert level, because the server's clock differs from ours. After a
// drop the server requires a higher level.
func (l *lane) floor() uint32 {
	if clear := max(l.class.Clear, l.class.Limit); l.limited {
		return clear + (max(l.class.Max, clear)-clear)/8
	}
	if l.class.Alert <= l.class.Limit {
		return l.class.Limit
	}
	return l.class.Limit + (l.class.Alert-l.class.Limit)/4
}

// wait returns the delay before the lane may send.
func (l *lane) wait(now time.Time) time.Duration {
	return l.class.Wait(now.Sub(l.last), l.floor())
}

// sent updates the level for a packet.
func (l *lane) sent(now time.Time) {
	l.class.Current = l.class.Next(now.Sub(l.last))
	l.last = now
}

// rates keeps the client below the server's rate limits: each packet waits in the lane
// of its rate class.
type rates struct {
	c *client

	lanes     map[uint16]*lane
	classOf   map[oscarwire.ID]uint16
	paused    bool // nothing may be sent
	limitedAt time.Time
	publishes bool // these are the rates of messages for Backlog
}

// setRates stores the rate limits of 01/07.
func (ra *rates) setRates(p oscarwire.RateParams) {
	now := ra.c.s.env.Now()
	old := ra.lanes
	ra.lanes = make(map[uint16]*lane, len(p.Classes))
	for _, class := range p.Classes {
		l := &lane{class: class, last: now}
		if before := old[class.ID]; before != nil { // before a migration
			l.queue, l.told = before.queue, before.told
		}
		ra.lanes[class.ID] = l
	}
	for id, before := range old {
		if ra.lanes[id] == nil && before.queue.size > 0 {
			ra.lanes[id] = before
		}
	}
	ra.classOf = p.ByID()
	ra.publish()
}

// onRateChange handles 01/0A.
func (ra *rates) onRateChange(m oscarwire.RateChange) {
	l := ra.lanes[m.Class.ID]
	if l == nil {
		return
	}
	l.class, l.last = m.Class, ra.c.s.env.Now()
	defer ra.publish()
	switch m.Code {
	case oscarwire.RateLimited:
		ra.c.s.env.Log.Warn().Uint16("class", m.Class.ID).Msg("rate limited: the server dropped the last packet")
		l.limited = true
		ra.limitedAt = ra.c.s.env.Now()
		ra.c.icbm.resendUnacknowledged()
	case oscarwire.RateCleared:
		l.limited = false
	}
}

// laneOf returns the lane of a SNAC, nil if it has no rate limit.
func (ra *rates) laneOf(id oscarwire.ID) *lane { return ra.lanes[ra.classOf[id]] }

// submit queues a packet and sends it as soon as the rate limits allow.
func (ra *rates) submit(p *packet) {
	l := ra.laneOf(p.id)
	if l == nil && !ra.paused {
		ra.c.write(p)
		return
	}
	if l == nil {
		l = ra.freeLane()
	}
	if l.queue.size >= maxLane {
		p.fail(legacy.Errorf(legacy.RateLimited, "Too many requests to %s are waiting because of its rate limits. Try again in a moment.", ra.c.s.net.name()))
		return
	}
	l.queue.push(p)
	ra.drain(l)
}

// freeLane returns the lane that holds packets without a rate class while the server
// has paused the client.
func (ra *rates) freeLane() *lane {
	const none = 0 // no rate class has this ID
	if ra.lanes[none] == nil {
		ra.lanes[none] = &lane{}
	}
	return ra.lanes[none]
}

// sendsNow reports whether a packet would be sent without delay.
func (ra *rates) sendsNow(id oscarwire.ID) bool {
	l := ra.laneOf(id)
	return !ra.paused && (l == nil || l.queue.size == 0 && l.wait(ra.c.s.env.Now()) == 0)
}

// drain sends the packets of a lane that may be sent now.
func (ra *rates) drain(l *lane) {
	for l.queue.size > 0 && !ra.paused && ra.c.err == nil && l.wait(ra.c.s.env.Now()) == 0 {
		if p := l.queue.pop(); !p.void {
			ra.c.write(p)
		}
	}
	if l.queue.size == 0 {
		l.told = nil
	}
}

// drainAll drains every lane and returns when the next packet may be sent, zero if none
// is queued.
func (ra *rates) drainAll(now time.Time) (next time.Time) {
	for _, l := range ra.lanes {
		ra.drain(l)
		if l.queue.size == 0 || ra.paused {
			continue
		}
		if at := now.Add(l.wait(now)); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// fail reports that a packet will get no reply.
func (p *packet) fail(err error) {
	if p.answered != nil {
		p.answered(oscarwire.SNAC{}, err)
	}
}
