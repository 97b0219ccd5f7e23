package oscar

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
	"transport/legacy/split"
)

var _ legacy.PartSender = (*session)(nil)

// message is a message of the user, from Send to its outcome.
type message struct {
	ref      string
	to       string
	packet   *packet
	cookie   oscarwire.Cookie
	request  uint32
	sequence uint64
	counted  bool // counted in session.backlog
	limited  bool // sent while the server was dropping packets
	tries    int  // number of attempts
	over     bool
	rest     []*message // the parts of the text that follow
}

// ackTimeout is the time limit of the server's acknowledgement of a message.
var ackTimeout = 20 * time.Second

const (
	maxTries = 4    // limit: attempts of a message that the server drops for its rate | the message is refused: resource-constraint
	maxIM    = 7900 // limit: bytes of text in a message; the client requests 8,000 | the text is divided
	// alwaysFits is a length in bytes of a text that fits into a plain message: no form takes
	// more than 6 bytes for a byte of the text ("&#38;" and a zero byte in UTF-16).
	alwaysFits = maxIM / 12
)

// Send implements legacy.Session.
func (s *session) Send(ctx context.Context, m legacy.Outgoing) error {
	return s.SendParts(ctx, []legacy.Outgoing{m})
}

// SendParts implements legacy.PartSender.
func (s *session) SendParts(_ context.Context, parts []legacy.Outgoing) error {
	n := int32(len(parts))
	if n > maxBacklog {
		return legacy.Errorf(legacy.TooLong, "The text would take %d messages on %s, but at most %d can wait. Send it as a file.", n, s.net.name(), maxBacklog)
	}
	if s.backlog.Add(n) > maxBacklog {
		s.backlog.Add(-n)
		return &legacy.Error{Kind: legacy.RateLimited, RetryAfter: 10 * time.Second,
			Text: "Too many of your messages are waiting because of the rate limits of " + s.net.name() + ". Try again in a moment."}
	}
	err := s.enqueue(func(c *client) {
		messages := newMessages(parts)
		if parts[0].To.Room {
			c.chats.say(messages, parts)
			return
		}
		c.icbm.sendTexts(messages, parts)
	})
	if err != nil {
		s.backlog.Add(-n)
	}
	return err
}

// newMessages returns the messages for the parts of a text.
func newMessages(parts []legacy.Outgoing) []*message {
	messages := make([]*message, len(parts))
	for i, part := range parts {
		messages[i] = &message{ref: part.Ref, to: part.To.ID, counted: true}
		_, _ = rand.Read(messages[i].cookie[:]) // never returns an error
	}
	for i, m := range messages {
		m.rest = messages[i+1:]
	}
	return messages
}

// Fit implements legacy.PartSender.
func (s *session) Fit(p legacy.Peer, text string) int {
	limit := roomLimit{}
	if p.Room {
		limit = s.limits.of(p.ID)
	}
	const shortest = 2 // bytes of UTF-8 that take one byte in the encoded text, Latin-1
	return split.Longest(shortest*maxIM, func(text string) bool {
		if p.Room {
			return limit.fits(chatMessage(oscarwire.Cookie{}, text, nil), text)
		}
		return s.net.fits(p.ID, text)
	})(text)
}

// fits reports whether a text without markup fits into one message, in each form in which
// the client may send it.
func (n *network) fits(to, text string) bool {
	if len(text) <= alwaysFits && !n.aim && oscarwire.IsUIN(to) {
		return true
	}
	return sizeOf(n.encode(to, text, nil, false)) <= maxIM && (!n.opts.StripsHTML || sizeOf(n.encode(to, text, nil, true)) <= maxIM)
}

// sendTexts sends the parts of a text, within the rate limits.
func (ic *icbm) sendTexts(messages []*message, parts []legacy.Outgoing) {
	if l := ic.c.rates.laneOf(oscarwire.ICBMSend); l != nil && l.queue.size+len(parts) > maxLane {
		ic.messageFailed(messages[0], legacy.Errorf(legacy.RateLimited, "Too many messages to %s are waiting. Try again in a moment.", ic.c.s.net.name()))
		return
	}
	for i, m := range messages {
		if !m.over {
			ic.sendText(m, parts[i])
		}
	}
	ic.c.rates.announceDelay(ic.c.rates.laneOf(oscarwire.ICBMSend), messages[0].to)
}

// sendText sends a message, within the rate limits.
func (ic *icbm) sendText(m *message, out legacy.Outgoing) {
	n, escape := ic.c.s.net, ic.c.buddies.noXHTML[m.to]
	text := n.encode(m.to, out.Text, out.Markup, escape)
	if out.Markup != nil && sizeOf(text) > maxIM {
		text = n.encode(m.to, out.Text, nil, escape)
	}
	if sizeOf(text) > maxIM {
		ic.messageFailed(m, legacy.Errorf(legacy.TooLong, "The message is too long for %s.", n.name()))
		return
	}
	flags := oscarwire.IMRequestAck | oscarwire.IMStore | oscarwire.IMWantsTyping
	m.packet = &packet{
		id:       oscarwire.ICBMSend,
		target:   m.to,
		body:     oscarwire.NewOutgoingText(m.cookie, m.to, text, flags),
		timeout:  ackTimeout,
		written:  func(request uint32) { ic.messageWritten(m, request) },
		answered: func(snac oscarwire.SNAC, err error) { ic.messageAnswered(m, snac, err) },
	}
	ic.c.rates.submit(m.packet)
}

func sizeOf(text oscarwire.IMText) int {
	size := 0
	for _, p := range text.Parts {
		size += len(p.Data)
	}
	return size
}

// encode converts a text to the form that the recipient supports. escape is set for one
// whose client does not support XHTML (escape.go).
func (n *network) encode(to, text string, markup []legacy.Span, escape bool) oscarwire.IMText {
	features := oscarwire.DefaultFeatures
	if oscarwire.IsUIN(to) {
		features = oscarwire.FeaturesICQ
	}
	if n.aim || !oscarwire.IsUIN(to) {
		return oscarwire.NewIMText(htmlOf(text, markup), oscarwire.Encoder{}, features)
	}
	enc := oscarwire.Encoder{}
	switch {
	case !n.opts.StripsHTML:
	case escape:
		t := oscarwire.NewIMText(text, enc, features)
		for i := range t.Parts {
			t.Parts[i].Data = escapeBytes(t.Parts[i].Data)
		}
		return t
	default: // unknown whether the server parses HTML
		// The server looks for tags and entities in the bytes, whatever their encoding. In
		// UTF-16 it finds none.
		enc.UTF16 = strings.ContainsAny(text, "<&")
		text = hideFromParser(text)
	}
	return oscarwire.NewIMText(text, enc, features)
}

// cut returns the longest beginning of a text, in whole grapheme clusters, whose encoded
// size is within a limit. The encoding takes at least a quarter of the bytes of UTF-8.
func cut(s string, limit int, encoded func(string) int) string {
	n := split.Longest(4*limit, func(s string) bool { return encoded(s) <= limit })(s)
	return s[:split.Before(s, n)]
}

// roomLimit is the limit of a message in a room, 0 for none.
type roomLimit struct {
	bytes int // of the encoded text
	runes int // that occupants see
}

// fits reports whether a message is within the limit.
func (l roomLimit) fits(body oscarwire.ChatMessage, text string) bool {
	limit := maxIM
	if l.bytes > 0 {
		limit = min(limit, l.bytes)
	}
	return body.Size() <= limit && (l.runes <= 0 || utf8.RuneCountInString(text) <= l.runes)
}

// chatMessage formats a message to a room.
func chatMessage(cookie oscarwire.Cookie, text string, markup []legacy.Span) oscarwire.ChatMessage {
	return oscarwire.NewChatMessage(cookie, htmlOf(text, markup), oscarwire.Encoder{Latin1: true}, nil)
}

// roomLimits are the limits of the rooms, by their IDs. Any goroutine may use them.
type roomLimits struct {
	mu    sync.Mutex
	rooms map[string]roomLimit
}

func (ls *roomLimits) of(room string) roomLimit {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.rooms[room]
}

// set stores a limit; the zero limit removes it.
func (ls *roomLimits) set(room string, l roomLimit) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l == (roomLimit{}) {
		delete(ls.rooms, room)
		return
	}
	if ls.rooms == nil {
		ls.rooms = make(map[string]roomLimit)
	}
	ls.rooms[room] = l
}
