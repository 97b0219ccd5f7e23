package oscar

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// icbm sends and receives messages: family 04 (ICBM) and the messages in family 15
// (ICQ).
type icbm struct {
	c *client

	messages  map[oscarwire.Cookie]*message // sent, not acknowledged yet
	sequence  uint64
	acks      bool      // the server acknowledges messages
	offlineBy time.Time // when stored messages are requested by the older protocol
}

func newICBM(c *client) icbm {
	return icbm{c: c, messages: make(map[oscarwire.Cookie]*message)}
}

// messageWritten handles a message that was written to the connection.
func (ic *icbm) messageWritten(m *message, request uint32) {
	if m.counted {
		m.counted = false
		ic.c.s.backlog.Add(-1)
	}
	ic.sequence++
	m.request, m.sequence = request, ic.sequence
	l := ic.laneOf(m)
	m.limited = l != nil && l.limited
	m.tries++
	ic.messages[m.cookie] = m
}

// laneOf returns the lane of a message, nil without rate limits.
func (ic *icbm) laneOf(m *message) *lane { return ic.c.rates.laneOf(m.packet.id) }

// messageAnswered handles the reply to a message, or its absence.
func (ic *icbm) messageAnswered(m *message, snac oscarwire.SNAC, err error) {
	if err != nil && !ic.acks && m.sequence > 0 && legacy.KindOf(err) == legacy.Temporary {
		ic.messageSent(m, legacy.Accepted) // this server never acknowledges
		return
	}
	if l := ic.laneOf(m); err != nil && ic.c.err == nil && l != nil && m.limited && m.tries < maxTries {
		ic.messageDropped(m, l) // dropped silently by the rate limit
		return
	}
	if err != nil {
		ic.messageFailed(m, legacy.Uncertain(legacy.Wrap(legacy.KindOf(err), err, "The "+ic.c.s.net.name()+" server did not acknowledge the message.")))
		return
	}
	if err := ic.c.answerError(snac, nil); err != nil {
		ic.messageFailed(m, err)
		return
	}
	ic.acks = true
	ic.messageSent(m, ic.reached(m.to))
}

// reached returns the meaning of the server's acknowledgement. For a contact who is
// online, the server has delivered the message; for one who is offline, it has stored
// it. For a peer whose presence is unknown (not on the list, or no authorization), the
// state is Accepted.
func (ic *icbm) reached(to string) legacy.DeliveryState {
	if _, online := ic.c.buddies.seen[to]; online {
		return legacy.Delivered
	}
	if ct, listed := ic.c.contacts.list.contact(to); listed && !ct.AwaitingAuth {
		return legacy.Stored
	}
	return legacy.Accepted
}

// onHostAck handles 04/0C from a server that does not repeat the request ID.
func (ic *icbm) onHostAck(body []byte) error {
	ack, err := oscarwire.ParseHostAck(body)
	if err != nil {
		return err
	}
	if m := ic.messages[ack.Cookie]; m != nil {
		delete(ic.c.pending, m.request)
		ic.acks = true
		ic.messageSent(m, ic.reached(m.to))
	}
	return nil
}

// onClientAck handles 04/0B: the recipient's client acknowledges a message.
func (ic *icbm) onClientAck(body []byte) error {
	ack, err := oscarwire.ParseClientAck(body)
	if err != nil {
		return err
	}
	if m := ic.messages[ack.Cookie]; m != nil && oscarwire.NormalizeScreenName(ack.Name) == m.to {
		delete(ic.c.pending, m.request)
		ic.messageSent(m, legacy.Delivered)
	}
	return nil
}

// messageSent emits MessageSent.
func (ic *icbm) messageSent(m *message, state legacy.DeliveryState) {
	if ic.messageOver(m) {
		ic.c.emit(legacy.MessageSent{Ref: m.ref, State: state})
	}
}

// messageFailed emits MessageFailed. The parts that follow the message and are not sent
// yet fail, too.
func (ic *icbm) messageFailed(m *message, err error) {
	if !ic.messageOver(m) {
		return
	}
	ic.c.emit(legacy.MessageFailed{Ref: m.ref, Err: err})
	for _, next := range m.rest {
		if next.tries == 0 {
			ic.messageFailed(next, err)
		}
	}
}

// messageOver removes a message from the bookkeeping. It returns false the second time.
func (ic *icbm) messageOver(m *message) bool {
	if m.over {
		return false
	}
	m.over = true
	if m.packet != nil {
		m.packet.void = true
	}
	delete(ic.messages, m.cookie)
	if m.counted {
		m.counted = false
		ic.c.s.backlog.Add(-1)
	}
	return true
}

// resendUnacknowledged requeues the messages that the server has dropped at the head of
// their lane. With a server that does not acknowledge, the dropped messages are
// unknown.
func (ic *icbm) resendUnacknowledged() {
	if !ic.acks || len(ic.messages) == 0 {
		return
	}
	lost := make([]*message, 0, len(ic.messages))
	for _, m := range ic.messages {
		lost = append(lost, m)
	}
	slices.SortFunc(lost, func(a, b *message) int { return cmp.Compare(a.sequence, b.sequence) })
	for _, m := range slices.Backward(lost) {
		if l := ic.laneOf(m); l != nil {
			delete(ic.c.pending, m.request)
			ic.messageDropped(m, l)
		}
	}
}

// messageDropped requeues a message at the head of its lane.
func (ic *icbm) messageDropped(m *message, l *lane) {
	delete(ic.messages, m.cookie)
	l.queue.unpop(m.packet)
}

// onMessage handles 04/07.
func (ic *icbm) onMessage(body []byte) error {
	im, err := oscarwire.ParseIncomingIM(body)
	if err != nil {
		return err
	}
	from := legacy.Peer{ID: oscarwire.NormalizeScreenName(im.From.Name)}
	if from.ID == "" {
		return oscarwire.ErrMissing
	}
	if im.Flags()&oscarwire.IMWantsTyping != 0 {
		ic.c.buddies.sawTyping(from)
	}
	sent, _ := im.Time()
	received := legacy.MessageReceived{From: from, Time: ic.past(sent), Auto: im.Flags()&oscarwire.IMAuto != 0}
	switch im.Channel {
	case oscarwire.IMChannelText:
		text, err := im.Text()
		if len(text.Parts) == 0 {
			return err
		}
		received.Text, received.Markup = ic.read(from.ID, text.Text(ic.c.s.net.page))
		ic.received(received)
		ic.c.files.onInline(text.Inline(), received)
		return nil
	case oscarwire.IMChannelRendezvous:
		return ic.onRendezvous(im, received)
	case oscarwire.IMChannelICQ:
		m, err := im.ICQMessage()
		if err != nil {
			return err
		}
		return ic.onICQMessage(m.Type, m.Text, received)
	default:
		received.Text = "(a message of a type that this gateway does not support)"
	}
	ic.received(received)
	return nil
}

// onOwnMessage handles 04/06 from the server: a message that another client of the
// account has sent (a carbon), in the form of a client's request. Open OSCAR Server
// does not send it.
func (ic *icbm) onOwnMessage(body []byte) error {
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
		own.Text, _ = ic.read(own.To.ID, text.Text(ic.c.s.net.page))
	case oscarwire.IMChannelICQ:
		m, err := im.ICQMessage()
		if err != nil || m.Type != oscarwire.MessagePlain {
			return err
		}
		own.Text, _ = ic.read(own.To.ID, ic.c.s.net.page.Decode(m.Text))
	case oscarwire.IMChannelRendezvous:
		v, err := im.Rendezvous()
		if err != nil || v.Kind != oscarwire.RendezvousRequest || v.Capability != oscarwire.CapICQRelay {
			return err
		}
		m, err := v.Type2()
		if err != nil || m.Type != oscarwire.MessagePlain {
			return err
		}
		own.Text, _ = ic.read(own.To.ID, m.String(ic.c.s.net.page))
	}
	if own.Text = strings.TrimRight(own.Text, "\n\x00 "); own.Text != "" && own.To.ID != "" {
		ic.c.emit(own)
	}
	return nil
}

// past returns the time at which a stored message was sent, as reported by the server.
// It returns the zero time for a time in the future or before ICQ existed.
func (ic *icbm) past(sent time.Time) time.Time {
	switch now := ic.c.now(); {
	case sent.Year() < 1996:
		return time.Time{}
	case sent.After(now):
		return now
	}
	return sent
}

// received emits a message for the user, unless it is empty.
func (ic *icbm) received(m legacy.MessageReceived) {
	m.Text = strings.TrimRight(m.Text, "\n\x00 ")
	if m.Text != "" {
		ic.c.emit(m)
	}
}

// read parses the text of a message. AIM users send HTML, ICQ users plain text; some
// clients always send HTML.
func (ic *icbm) read(from, text string) (string, []legacy.Span) {
	if ic.c.s.net.aim || !oscarwire.IsUIN(from) || oscarwire.LooksLikeHTML(text) {
		return textOf(text)
	}
	return text, nil
}

// onMissed handles 04/0A.
func (ic *icbm) onMissed(body []byte) error {
	list, err := oscarwire.ParseMissedMessages(body)
	for _, m := range list {
		from := oscarwire.NormalizeScreenName(m.From.Name)
		if from == "" {
			continue
		}
		why := "the server dropped them"
		switch m.Reason {
		case oscarwire.MissedTooLarge:
			why = "they were too large"
		case oscarwire.MissedRate:
			why = "they arrived too fast"
		}
		ic.c.emit(legacy.Notice{Text: "You missed messages from " + from + ": " + why + "."})
	}
	return err
}

// setTyping sends a typing notification. It is dropped if the rate limits would delay
// it.
func (ic *icbm) setTyping(p legacy.Peer, t legacy.Typing) {
	if !ic.c.rates.sendsNow(oscarwire.ICBMTyping) {
		return
	}
	event := oscarwire.TypingNone
	switch t {
	case legacy.TypingActive:
		event = oscarwire.TypingBegun
	case legacy.TypingPaused:
		event = oscarwire.TypingText
	}
	ic.c.rates.submit(&packet{id: oscarwire.ICBMTyping,
		body: oscarwire.Typing{Channel: oscarwire.IMChannelText, Name: p.ID, Event: event}})
}

// onTyping handles 04/14.
func (ic *icbm) onTyping(body []byte) error {
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
		ic.c.buddies.sawTyping(legacy.Peer{ID: id})
		ic.c.emit(legacy.TypingChanged{From: legacy.Peer{ID: id}, State: state})
	}
	return nil
}
