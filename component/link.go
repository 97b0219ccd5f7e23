package component

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
)

// The errors with which a server rejects a component.
var (
	ErrUnauthorized = stream.ErrUnauthorized
	ErrHostUnknown  = stream.ErrHostUnknown
	ErrConflict     = stream.ErrConflict
)

// linkGrace is how long sessions outlive a lost link to the XMPP server, and how long a
// user may take to come online after registering.
const linkGrace = 60 * time.Second

func (c *Component) streamConfig() stream.Config {
	cfg := stream.Config{Domain: c.domain, Server: c.cfg.Server, Secret: c.cfg.Secret, Dial: c.cfg.Dial,
		Clock: c.clock, Log: c.log, Grace: linkGrace}
	if c.journal.file != nil {
		cfg.Acked = func(entries []uint64) { c.journal.file.Done(entries...) }
		cfg.Record = c.journal.track
	}
	return cfg
}

// Server is what a server tells a component about itself.
type Server struct {
	Software, Version string   // "" if it does not tell
	Privileges        []string // of XEP-0356, such as roster
}

// answerTime is how long Handshake waits for the server's version.
const answerTime = 3 * time.Second

// Handshake connects, authenticates, queries the server's version and disconnects.
// "transport check" calls it. (XEP-0092 §2, XEP-0356 §4.1)
func Handshake(ctx context.Context, cfg Config) (Server, error) {
	c, err := New(cfg)
	if err != nil {
		return Server{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, parent, _ := strings.Cut(c.domain, ".")
	id := newID()
	ask := element.New(stream.NSComponent, "iq").Set("type", "get").Set("id", id).Set("from", c.domain).Set("to", parent).
		Add(element.New(xep.NSVersion, "query"))
	var server Server
	err = stream.Handshake(ctx, c.streamConfig(), ask, func(e *element.Element) bool {
		if is, ok := readPrivilege(e); ok {
			server.Privileges = is.names()
		}
		if e.Name == "iq" && e.Attr("id") == id {
			query := e.Child(xep.NSVersion, "query")
			server.Software, server.Version = query.ChildText(xep.NSVersion, "name"), query.ChildText(xep.NSVersion, "version")
			return false
		}
		return true
	})
	return server, err
}

// link is the connection of a component to its XMPP server.
type link struct {
	conn      atomic.Pointer[stream.Conn] // nil while there is none
	connCtx   context.Context             // ends with the connection; the stream reader's
	greeting  sync.WaitGroup              // what runs at the beginning of a connection
	misrouted sync.Once                   // logs the error once
	unsaved   []stream.Message            // owned by the stream: neither delivered nor kept
	refusals  refusals
}

// streamHandler implements stream.Handler for a Component.
type streamHandler Component

// Connected implements stream.Handler.
func (h *streamHandler) Connected(ctx context.Context, conn *stream.Conn) {
	c := (*Component)(h)
	c.counters.links.Add(1)
	c.connCtx = ctx
	c.resendUnsaved(conn)
	c.setConn(conn)
	c.greeting.Go(func() { c.greet(ctx, conn) })
}

// Stanza implements stream.Handler.
func (h *streamHandler) Stanza(_ *stream.Conn, e *element.Element, tooLarge bool) {
	c := (*Component)(h)
	if tooLarge {
		c.dispatch(e, &stanza.ErrTooLarge)
		return
	}
	c.dispatch(e, nil)
}

// Lost implements stream.Handler. The unacknowledged messages are spooled before the
// actors are notified of the loss, so that they precede the messages that the actors
// spool.
func (h *streamHandler) Lost(conn *stream.Conn, unacked []stream.Message) {
	c := (*Component)(h)
	if errors.Is(conn.Err(), stream.ErrInvalidFrom) && c.privileges.distrustRosters() {
		c.log.Error().Str("remedy", "ejabberd before 23.10 has this fault: upgrade it to 25.08 or later, and restart the gateway").
			Msg("the XMPP server granted the roster privilege, and closed the connection as a roster was written: no roster is written any more, and users must confirm their contacts")
	}
	c.greeting.Wait()
	if since := conn.Silent(); !since.IsZero() {
		unacked = append(unacked, c.silenceWarnings(since)...)
	}
	c.spoolUnacked(append(unacked, c.lostRefusals(conn)...))
	c.setConn(nil)
}

// silenceMargin is how long a stanza may have been under way before the server fell silent.
const silenceMargin = 5 * time.Second

// silenceWarnings are messages to the users that are signed on: what they sent to the server
// after it fell silent may never have reached the gateway.
func (c *Component) silenceWarnings(since time.Time) (all []stream.Message) {
	text := "The connection between your XMPP server and the gateway failed while you were signed on. Messages that you sent since " +
		clockTime(since.Add(-silenceMargin)) + " UTC, up to this message, may not have arrived. Send them again if you get no answer."
	for _, user := range c.lastSignedOn() {
		all = append(all, c.report(user, text))
	}
	return all
}

// report returns a message of the gateway itself to a user.
func (c *Component) report(user, text string) stream.Message {
	id := newID()
	return stream.Message{User: user, ID: id, Stanza: appendText(nil, c.peers.Full(c.domain), user, id, text)}
}

// newID returns a new stanza id.
func newID() string { return xep.NewID() }

// readerBouncer is the stanza.Bouncer of the stream reader. It does not block.
type readerBouncer Component

// Bounce implements stanza.Bouncer.
func (b *readerBouncer) Bounce(st *stanza.Inbound, why stanza.Error) {
	c := (*Component)(b)
	err := c.trySend(st.ErrorStanza(why))
	now := c.clock.Now()
	c.refusals.add(c.conn.Load(), err == nil, st.User, refused{1, now, now, cmp.Or(why.Text, string(why.Condition))})
}

// lostRefusals returns messages to the senders of refused messages whose errors may be lost
// with a connection. Handler.Lost calls it.
func (c *Component) lostRefusals(conn *stream.Conn) (all []stream.Message) {
	c.mu.Lock()
	clean := c.stopping && errors.Is(conn.Err(), io.EOF)
	c.mu.Unlock()
	batch := c.refusals.take(clean)
	for user, of := range batch.users {
		what, sent, were := "A message", "at "+clockTime(of.first), "was"
		if of.count > 1 {
			what, sent, were = count(of.count, "message"), "from "+clockTime(of.first)+" to "+clockTime(of.last), "were"
		}
		all = append(all, c.report(user, what+" that you sent "+sent+" UTC "+were+" not delivered, and the connection to your XMPP server broke before you got the answer: "+of.why))
	}
	if batch.more > 0 {
		c.log.Error().Int("messages", batch.more).Msg("the connection broke before more senders got the errors of refused messages than can be told")
	}
	return all
}

// clockTime returns a time for a text to a user, who sees the date of the message.
func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }
