package oscar

import (
	"context"
	"sync"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// client is one login, complete or under way. The goroutine of session.Run owns it with
// all of its parts.
type client struct {
	s    *session
	life context.Context // the session's
	conn *conn
	err  error // why the connection is unusable

	families map[uint16]bool // that the server supports
	early    []oscarwire.SNAC
	begun    bool // 01/02 (client ready) was sent
	beginBy  time.Time

	requests

	rates     rates
	icbm      icbm
	buddies   buddies
	contacts  contactList
	directory directory
	profile   ownProfile
	chats     chats
	files     fileTransfers

	background sync.WaitGroup

	heard     time.Time // time of the last frame received
	probed    bool      // a keep-alive request is pending
	aliveNext time.Time
}

const (
	maxPending    = 1024             // limit: requests without an answer | the oldest are given up: they fail
	maxEarly      = 1024             // limit: frames that came before the sign-on was complete | the connection ends, and is opened again
	replyTimeout  = 30 * time.Second // default time limit of a reply
	beginPatience = 500 * time.Millisecond
)

func newClient(s *session, life context.Context) *client {
	c := &client{
		s:        s,
		life:     life,
		requests: requests{pending: make(map[uint32]*waiter)},
	}
	c.contacts = newContactList(c)
	c.icbm = newICBM(c)
	c.buddies = newBuddies(c)
	c.directory = newDirectory(c)
	c.profile = ownProfile{c: c}
	c.chats = newChats(c)
	c.files = newFileTransfers(c)
	c.rates = rates{c: c, paused: true}
	return c
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
}

func (c *client) now() time.Time { return c.s.env.Now() }

func (c *client) emit(ev legacy.Event) { c.s.env.Emit(ev) }

// run serves until the session ends. It returns nil when ctx has ended.
func (c *client) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	if err := c.onFrames(c.conn.takeRest()); err != nil {
		return err
	}
	for c.err == nil {
		next := c.tick()
		if c.flush(); c.err != nil {
			break
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			c.signOff()
			c.linger()
			return nil
		case in := <-c.conn.frames:
			if in.err != nil {
				return c.s.net.lost(in.err)
			}
			if err := c.onFrames(in.frames); err != nil {
				return err
			}
		case do := <-c.s.queue:
			c.do(do)
		case <-timer.C:
		}
	}
	return c.err
}

// do runs a command, and the others that wait already: one write has what they send.
func (c *client) do(first command) {
	first(c)
	for range queueLen {
		select {
		case next := <-c.s.queue:
			next(c)
			continue
		default:
		}
		break
	}
	c.begin()
}

// flush writes what waits to be written.
func (c *client) flush() {
	if err := c.conn.flush(); err != nil && c.err == nil {
		c.err = c.s.net.lost(err)
	}
}

// signOff sends the sign-off frame.
func (c *client) signOff() {
	if err := c.conn.out.WriteFrame(oscarwire.ChannelSignOff, oscarwire.SignOff{}); err != nil {
		c.s.env.Log.Debug().Err(err).Msg("cannot send the sign-off")
	}
	c.flush()
}

// linger handles the messages that were under way when the session signed off, until the
// server closes the connection or for byeLimit.
func (c *client) linger() {
	limit := time.NewTimer(byeLimit)
	defer limit.Stop()
	for c.err == nil {
		select {
		case in := <-c.conn.frames:
			if in.err != nil || c.onFrames(in.frames) != nil {
				return
			}
			c.flush()
		case <-limit.C:
			return
		}
	}
}

// tick does all work that is due and returns the delay until the next.
func (c *client) tick() time.Duration {
	now := c.now()
	if !c.begun && !now.Before(c.beginBy) {
		c.begin()
	}
	if !now.Before(c.aliveNext) {
		c.keepAlive(now)
	}
	if !c.icbm.offlineBy.IsZero() && !now.Before(c.icbm.offlineBy) {
		c.icbm.requestStored()
	}
	if !c.buddies.staleBy.IsZero() && !now.Before(c.buddies.staleBy) {
		c.buddies.dropStale()
	}
	if c.begun && c.buddies.presence != c.buddies.shown && c.rates.sendsNow(oscarwire.ServiceSetStatus) {
		c.buddies.writePresence()
	}
	next := c.aliveNext
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if !c.begun {
		sooner(c.beginBy)
	}
	sooner(c.icbm.offlineBy)
	sooner(c.buddies.staleBy)
	if l := c.rates.laneOf(oscarwire.ServiceSetStatus); l != nil && c.begun && c.buddies.presence != c.buddies.shown && !c.rates.paused {
		sooner(now.Add(l.wait(now)))
	}
	sooner(c.expirePending(now))
	sooner(c.directory.expireLookups(now))
	sooner(c.rates.drainAll(now))
	if c.err != nil {
		return 0
	}
	return max(next.Sub(now), time.Millisecond)
}

// keepAlive sends a keep-alive request when the connection is idle, because TCP alone
// does not detect a server that hangs.
func (c *client) keepAlive(now time.Time) {
	every := c.s.net.keepalive
	c.aliveNext = now.Add(every)
	switch silent := now.Sub(c.heard); {
	case silent > 4*every && c.probed:
		c.err = legacy.Errorf(legacy.Temporary, "The %s server has stopped responding.", c.s.net.name())
		return
	case silent > 2*every && !c.probed && c.begun:
		c.probed = true
		c.rates.submit(&packet{id: oscarwire.ServiceSelfQuery})
	}
	if err := c.conn.out.WriteFrame(oscarwire.ChannelKeepAlive, nil); err != nil {
		c.err = c.s.net.lost(err)
	}
}

// onFrames handles frames of BOS. An error ends the session.
func (c *client) onFrames(frames []oscarwire.Frame) error {
	for _, f := range frames {
		c.heard, c.probed = c.now(), false
		if err := c.onFrame(f); err != nil {
			return err
		}
	}
	return nil
}

// onFrame handles a frame of BOS. An error ends the session.
func (c *client) onFrame(f oscarwire.Frame) error {
	switch f.Channel {
	case oscarwire.ChannelData:
		snac, err := f.SNAC()
		if err != nil {
			return c.s.net.garbled(err)
		}
		return c.onSNAC(snac)
	case oscarwire.ChannelSignOff:
		return c.ended(f)
	}
	return nil // ignored
}

// ended returns the error for the server's sign-off frame.
func (c *client) ended(f oscarwire.Frame) error {
	replaced := legacy.Errorf(legacy.Replaced, "Your %s account signed on from somewhere else.", c.s.net.name())
	if f.Short { // some servers send no more than this to a replaced session
		return replaced
	}
	if m, err := oscarwire.ParseLoginReply(f.Payload); err == nil && m.Err() == nil {
		return &migration{addr: m.Addr, cookie: m.Cookie}
	}
	off := oscarwire.ParseSignOff(f.Payload)
	switch {
	case off.Code != oscarwire.DisconnectNewSignOn:
		return legacy.Errorf(legacy.Temporary, "The %s server ended the connection.", c.s.net.name())
	case !c.rates.limitedAt.IsZero() && c.now().Sub(c.rates.limitedAt) < time.Minute: // the same code means a rate limit here
		return &legacy.Error{Kind: legacy.RateLimited, RetryAfter: time.Minute,
			Text: "The " + c.s.net.name() + " server ended the connection because messages were sent too fast."}
	}
	return replaced
}

// onSNAC handles a SNAC. An error ends the session. It logs and skips invalid bodies.
func (c *client) onSNAC(snac oscarwire.SNAC) error {
	if c.answer(snac) {
		return c.err
	}
	var err error
	switch snac.ID {
	case oscarwire.ServiceMigrate:
		m, err := oscarwire.ParseMigration(snac.Body)
		if err != nil {
			return c.s.net.garbled(err)
		}
		return &migration{addr: m.Addr, cookie: m.Cookie}
	case oscarwire.ServicePause:
		c.pause()
	case oscarwire.ServiceResume:
		c.resume()
	case oscarwire.ServiceRateChange:
		var m oscarwire.RateChange
		if m, err = oscarwire.ParseRateChange(snac.Body); err == nil {
			c.rates.onRateChange(m)
		}
	case oscarwire.ServiceMOTD:
		err = c.onMOTD(snac.Body)
	case oscarwire.ServiceWarned:
		err = c.onWarned(snac.Body)
	case oscarwire.ServiceSelfInfo:
		err = c.onSelfInfo(snac.Body)
	case oscarwire.BuddyArrived, oscarwire.BuddyDeparted:
		err = c.buddies.onBuddies(snac)
	case oscarwire.LocationReply:
		err = c.buddies.onLocation(snac.Body)
	case oscarwire.ICBMIncoming:
		err = c.icbm.onMessage(snac.Body)
	case oscarwire.ICBMSend:
		err = c.icbm.onOwnMessage(snac.Body)
	case oscarwire.ICBMHostAck:
		err = c.icbm.onHostAck(snac.Body)
	case oscarwire.ICBMClientAck:
		err = c.icbm.onClientAck(snac.Body)
	case oscarwire.ICBMMissed:
		err = c.icbm.onMissed(snac.Body)
	case oscarwire.ICBMTyping:
		err = c.icbm.onTyping(snac.Body)
	case oscarwire.ServiceBARTReply:
		err = c.profile.onBARTReply(snac.Body)
	case oscarwire.ICBMOfflineDone:
		c.icbm.offlineBy = time.Time{}
	case oscarwire.ICQReply:
		err = c.icbm.onICQ(snac.Body)
	case oscarwire.FeedbagInsert, oscarwire.FeedbagUpdate, oscarwire.FeedbagDelete:
		err = c.contacts.onListEdited(snac)
	case oscarwire.FeedbagAuthRequested:
		err = c.contacts.onAuthRequested(snac.Body)
	case oscarwire.FeedbagAuthReplied:
		err = c.contacts.onAuthReplied(snac.Body)
	case oscarwire.FeedbagPreauthorized:
		err = c.contacts.onPreauthorized(snac.Body)
	case oscarwire.FeedbagYouWereAdded:
		err = c.contacts.onYouWereAdded(snac.Body)
	default:
		c.s.env.Log.Debug().Stringer("snac", snac.ID).Msg("ignored SNAC")
	}
	if err != nil {
		c.s.env.Log.Warn().Err(err).Stringer("snac", snac.ID).Msg("invalid SNAC from the server")
	}
	return c.err
}

// onMOTD emits the message of the day as a Notice, except type 4, which every sign-on
// gets. (AOL, "MOTD")
func (c *client) onMOTD(body []byte) error {
	m, err := oscarwire.ParseMOTD(body)
	if err != nil {
		return err
	}
	const ordinary = 4
	if text := oscarwire.HTMLToText(c.s.net.page.Decode([]byte(m.Text))); m.Type != ordinary && text != "" {
		c.emit(legacy.Notice{Text: text})
	}
	return nil
}

// answerError returns the error in a reply, nil for a success.
func (c *client) answerError(snac oscarwire.SNAC, err error) error {
	if err != nil || snac.ID.Subtype() != oscarwire.SubtypeError {
		return err
	}
	e, err := oscarwire.ParseSNACError(snac.Body)
	if err != nil {
		return c.s.net.garbled(err)
	}
	return c.s.net.snacError(e)
}
