package oscar

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// message is a message of the user's, from the time it is written until it is
// known what became of it.
type message struct {
	ref      string
	to       string
	packet   *packet
	cookie   oscarwire.Cookie
	request  uint32
	sequence uint64
	counted  bool // in session.backlog
	limited  bool // it was sent while the server was dropping messages
	tries    int  // how often it was sent
	over     bool
}

// ackPatience is how long the server has to acknowledge a message.
var ackPatience = 20 * time.Second

const (
	maxTries = 4    // to send a message that the server drops
	maxIM    = 7900 // bytes of text in a message; we ask for 8,000
)

// sendText sends a message as soon as the server's limits allow.
func (c *client) sendText(out legacy.Outgoing) {
	m := &message{ref: out.Ref, to: out.To.ID, counted: true}
	_, _ = rand.Read(m.cookie[:]) // never fails
	text := c.encode(out.To.ID, out.Text, out.Markup)
	if out.Markup != nil && sizeOf(text) > maxIM {
		text = c.encode(out.To.ID, out.Text, nil)
	}
	if sizeOf(text) > maxIM {
		c.messageFailed(m, legacy.Errorf(legacy.TooLong, "The message is too long for %s.", c.s.net.name()))
		return
	}
	flags := oscarwire.IMRequestAck | oscarwire.IMStore | oscarwire.IMWantsTyping
	m.packet = &packet{
		id:       oscarwire.ICBMSend,
		body:     oscarwire.NewOutgoingText(m.cookie, out.To.ID, text, flags),
		patience: ackPatience,
		written:  func(request uint32) { c.messageWritten(m, request) },
		answered: func(snac oscarwire.SNAC, err error) { c.messageAnswered(m, snac, err) },
	}
	c.submit(m.packet)
}

func sizeOf(text oscarwire.IMText) int {
	size := 0
	for _, p := range text.Parts {
		size += len(p.Data)
	}
	return size
}

// encode puts a text into the form that the receiver takes.
func (c *client) encode(to, text string, markup []legacy.Span) oscarwire.IMText {
	features := oscarwire.DefaultFeatures
	if oscarwire.IsUIN(to) {
		features = oscarwire.FeaturesICQ
	}
	if c.s.net.aim || !oscarwire.IsUIN(to) {
		return oscarwire.NewIMText(htmlOf(text, markup), oscarwire.Encoder{}, features)
	}
	enc := oscarwire.Encoder{}
	switch {
	case !c.s.net.opts.StripsHTML:
	case c.plain[to]:
		t := oscarwire.NewIMText(text, enc, features)
		for i := range t.Parts {
			t.Parts[i].Data = referenced(t.Parts[i].Data)
		}
		return t
	default: // whether the server does it is not known
		// The server looks for tags and entities in the bytes, whatever their
		// encoding: in UTF-16 it finds none.
		enc.UTF16 = strings.ContainsAny(text, "<&")
		text = hideFromParser(text)
	}
	return oscarwire.NewIMText(text, enc, features)
}

// messageWritten: the message is on its way.
func (c *client) messageWritten(m *message, request uint32) {
	if m.counted {
		m.counted = false
		c.s.backlog.Add(-1)
	}
	c.sequence++
	m.request, m.sequence = request, c.sequence
	l := c.laneOf(m)
	m.limited = l != nil && l.limited
	m.tries++
	c.messages[m.cookie] = m
}

// laneOf is where a message waits, nil if it need not.
func (c *client) laneOf(m *message) *lane { return c.lanes[c.classOf[m.packet.id]] }

// messageAnswered: a reply to the message's request came, or none.
func (c *client) messageAnswered(m *message, snac oscarwire.SNAC, err error) {
	if err != nil && !c.acks && m.sequence > 0 && legacy.KindOf(err) == legacy.Temporary {
		c.messageSent(m, legacy.Accepted) // this server never acknowledges
		return
	}
	if l := c.laneOf(m); err != nil && c.err == nil && l != nil && m.limited && m.tries < maxTries {
		c.messageDropped(m, l) // by the server's limits, without a word
		return
	}
	if err != nil {
		c.messageFailed(m, legacy.Wrap(legacy.KindOf(err), err, "The message may not have arrived: the "+c.s.net.name()+" server did not confirm it."))
		return
	}
	if err := c.answerError(snac, nil); err != nil {
		c.messageFailed(m, err)
		return
	}
	c.acks = true
	c.messageSent(m, c.reached(m.to))
}

// reached is what the server's acknowledgement of a message says: to somebody who is
// online it has handed it, for others it keeps it, which it acknowledges alike. Of those
// who are not on the list, or do not let the user see them, nothing is known.
func (c *client) reached(to string) legacy.DeliveryState {
	if _, online := c.seen[to]; online {
		return legacy.Delivered
	}
	if ct, listed := c.list.contact(to); listed && !ct.AwaitingAuth {
		return legacy.Stored
	}
	return legacy.Accepted
}

// onHostAck handles 04/0C of servers that do not repeat the request's number.
func (c *client) onHostAck(body []byte) error {
	ack, err := oscarwire.ParseHostAck(body)
	if err != nil {
		return err
	}
	if m := c.messages[ack.Cookie]; m != nil {
		delete(c.pending, m.request)
		c.acks = true
		c.messageSent(m, c.reached(m.to))
	}
	return nil
}

// onClientAck handles 04/0B: the receiver's client says that it has the message.
func (c *client) onClientAck(body []byte) error {
	ack, err := oscarwire.ParseClientAck(body)
	if err != nil {
		return err
	}
	if m := c.messages[ack.Cookie]; m != nil && oscarwire.NormalizeScreenName(ack.Name) == m.to {
		delete(c.pending, m.request)
		c.messageSent(m, legacy.Delivered)
	}
	return nil
}

// messageSent: the network took the message.
func (c *client) messageSent(m *message, state legacy.DeliveryState) {
	if c.messageOver(m) {
		c.emit(legacy.MessageSent{Ref: m.ref, State: state})
	}
}

func (c *client) messageFailed(m *message, err error) {
	if c.messageOver(m) {
		c.emit(legacy.MessageFailed{Ref: m.ref, Err: err})
	}
}

// messageOver ends the bookkeeping for a message. It is false the second time.
func (c *client) messageOver(m *message) bool {
	if m.over {
		return false
	}
	m.over = true
	delete(c.messages, m.cookie)
	if m.counted {
		m.counted = false
		c.s.backlog.Add(-1)
	}
	return true
}

// resendUnacknowledged puts the messages that the server has dropped back to the
// head of their lane. A server that does not acknowledge leaves us without
// knowing which.
func (c *client) resendUnacknowledged() {
	if !c.acks || len(c.messages) == 0 {
		return
	}
	lost := make([]*message, 0, len(c.messages))
	for _, m := range c.messages {
		lost = append(lost, m)
	}
	slices.SortFunc(lost, func(a, b *message) int { return cmp.Compare(a.sequence, b.sequence) })
	for _, m := range slices.Backward(lost) {
		if l := c.laneOf(m); l != nil {
			delete(c.pending, m.request)
			c.messageDropped(m, l)
		}
	}
}

// messageDropped puts a message back to the head of its lane.
func (c *client) messageDropped(m *message, l *lane) {
	delete(c.messages, m.cookie)
	l.queue = slices.Insert(l.queue, 0, m.packet)
}

// onMessage handles 04/07.
func (c *client) onMessage(body []byte) error {
	im, err := oscarwire.ParseIncomingIM(body)
	if err != nil {
		return err
	}
	from := legacy.Peer{ID: oscarwire.NormalizeScreenName(im.From.Name)}
	if from.ID == "" {
		return oscarwire.ErrMissing
	}
	if im.Flags()&oscarwire.IMWantsTyping != 0 {
		c.tellsOfTyping(from)
	}
	sent, _ := im.Time()
	received := legacy.MessageReceived{From: from, Time: c.past(sent), Auto: im.Flags()&oscarwire.IMAuto != 0}
	switch im.Channel {
	case oscarwire.IMChannelText:
		text, err := im.Text()
		if len(text.Parts) == 0 {
			return err
		}
		received.Text, received.Markup = c.read(from.ID, text.Text(c.s.net.page))
	case oscarwire.IMChannelRendezvous:
		return c.onRendezvous(im, received)
	case oscarwire.IMChannelICQ:
		m, err := im.ICQMessage()
		if err != nil {
			return err
		}
		return c.onICQMessage(m.Type, m.Text, received)
	default:
		received.Text = "(a message of a kind that this gateway does not understand)"
	}
	c.received(received)
	return nil
}

// onOwnMessage handles 04/06 from the server: what another client of the account has
// sent, in the form in which clients send, as edits of the list come. Open OSCAR Server
// does not tell it.
func (c *client) onOwnMessage(body []byte) error {
	im, err := oscarwire.ParseOutgoingIM(body)
	if err != nil {
		return err
	}
	own := legacy.OwnMessage{To: legacy.Peer{ID: oscarwire.NormalizeScreenName(im.To)}}
	switch im.Channel {
	case oscarwire.IMChannelText:
		text, err := im.Text()
		if len(text.Parts) == 0 {
			return err
		}
		own.Text, _ = c.read(own.To.ID, text.Text(c.s.net.page))
	case oscarwire.IMChannelICQ:
		m, err := im.ICQMessage()
		if err != nil || m.Type != oscarwire.MessagePlain {
			return err
		}
		own.Text, _ = c.read(own.To.ID, c.s.net.page.Decode(m.Text))
	case oscarwire.IMChannelRendezvous:
		v, err := im.Rendezvous()
		if err != nil || v.Kind != oscarwire.RendezvousRequest || v.Capability != oscarwire.CapICQRelay {
			return err
		}
		m, err := v.Type2()
		if err != nil || m.Type != oscarwire.MessagePlain {
			return err
		}
		own.Text, _ = c.read(own.To.ID, m.String(c.s.net.page))
	}
	if own.Text = strings.TrimRight(own.Text, "\n\x00 "); own.Text != "" && own.To.ID != "" {
		c.emit(own)
	}
	return nil
}

// past is when a stored message was sent, as its server says: never in the future, and
// not before there was any ICQ, which is no time at all.
func (c *client) past(sent time.Time) time.Time {
	switch now := c.now(); {
	case sent.Year() < 1996:
		return time.Time{}
	case sent.After(now):
		return now
	}
	return sent
}

// received hands a message to the user, unless there is nothing in it.
func (c *client) received(m legacy.MessageReceived) {
	m.Text = strings.TrimRight(m.Text, "\n\x00 ")
	if m.Text != "" {
		c.emit(m)
	}
}

// read is what somebody wrote. AIM users write HTML, ICQ users text; some clients send
// HTML to everybody.
func (c *client) read(from, text string) (string, []legacy.Span) {
	if c.s.net.aim || !oscarwire.IsUIN(from) || oscarwire.LooksLikeHTML(text) {
		return textOf(text)
	}
	return text, nil
}

// onMissed handles 04/0A.
func (c *client) onMissed(body []byte) error {
	list, err := oscarwire.ParseMissedMessages(body)
	for _, m := range list {
		from := oscarwire.NormalizeScreenName(m.From.Name)
		if from == "" {
			continue
		}
		why := "the server threw them away"
		switch m.Reason {
		case oscarwire.MissedTooLarge:
			why = "they were too large"
		case oscarwire.MissedRate:
			why = "they came too fast"
		}
		c.emit(legacy.Notice{Text: "You missed messages from " + from + ": " + why + "."})
	}
	return err
}

// setTyping tells a peer whether the user is typing. It is worth nothing later.
func (c *client) setTyping(p legacy.Peer, t legacy.Typing) {
	if !c.hurried(oscarwire.ICBMTyping) {
		return
	}
	event := oscarwire.TypingNone
	switch t {
	case legacy.TypingActive:
		event = oscarwire.TypingBegun
	case legacy.TypingPaused:
		event = oscarwire.TypingText
	}
	c.submit(&packet{id: oscarwire.ICBMTyping,
		body: oscarwire.Typing{Channel: oscarwire.IMChannelText, Name: p.ID, Event: event}})
}

// onTyping handles 04/14.
func (c *client) onTyping(body []byte) error {
	t, err := oscarwire.ParseTyping(body)
	if err != nil {
		return err
	}
	state := legacy.TypingStopped
	switch t.Event {
	case oscarwire.TypingBegun:
		state = legacy.TypingActive
	case oscarwire.TypingText:
		state = legacy.TypingPaused
	}
	if id := oscarwire.NormalizeScreenName(t.Name); id != "" {
		c.tellsOfTyping(legacy.Peer{ID: id})
		c.emit(legacy.TypingChanged{From: legacy.Peer{ID: id}, State: state})
	}
	return nil
}
