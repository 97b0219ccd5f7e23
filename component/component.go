package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"transport/component/address"
	"transport/component/adhoc"
	"transport/component/element"
	"transport/component/muc"
	"transport/component/peers"
	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// Config configures one component. Domain, Server, Secret, Network, Registry and Dial are
// required.
type Config struct {
	Domain   string // the component's own domain
	Server   string // host:port of the XMPP server's component port
	Secret   string
	Name     string // shown to users; the network's name by default
	Version  string // of the program, shown to users
	Network  legacy.Network
	Registry *registry.DB
	Log      zerolog.Logger
	// Dial opens connections to the XMPP server and to the network.
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Policy Policy
	// StoreFile and MaxFile are for legacy.Env. MaxFile is 0 where the gateway
	// receives no files; without StoreFile they go to the users' own servers.
	StoreFile func(ctx context.Context, f legacy.File, r io.Reader) (url string, err error)
	MaxFile   int64
	// Rate is how many stanzas a second each user may send, after a burst of ten
	// seconds' worth; 0 for no limit.
	Rate int
	// Linger is how long users stay signed on, and in rooms, after their last client has
	// gone offline: an XMPP server that shuts down sends unavailable presence of all.
	Linger time.Duration
	// History bounds the archive of room messages.
	History History
	// Reload, if set, reads the policy again. Administrators can call it by a command.
	Reload func() (Policy, error)
	Clock  Clock // the system's by default
	// Memory is the budget of the process, nil for none.
	Memory *Memory
}

// History bounds the archive of each user and room.
type History struct {
	Keep  time.Duration // 0 disables the archive
	Lines int           // at most
}

// Policy lists the users that the gateway serves. An entry is a JID
// ("alice@example.org"), a domain ("example.org"), or "*" for everybody.
type Policy struct {
	Allow  []string // the domain above the component's by default
	Deny   []string // excepted from Allow
	Admins []string // always served
}

// Component is one gateway domain. Make it with New and run it once with Run.
type Component struct {
	actors

	domain string
	info   legacy.Info // of the network
	peers  peers.Map

	host          stanza.Host // for answers
	cfg           Config
	log           zerolog.Logger
	clock         Clock
	disco         atomic.Pointer[discoAnswers]
	policy        atomic.Pointer[Policy]
	commands      *adhoc.Table[*user]
	counters      counters
	limiter       limiter // used by the stream reader only
	capsCache     capsCache
	privileges    privileges
	invitations   invitations
	archive       *muc.Archive
	rooms         muc.Shared
	serverQueries serverQueries
	signOns       chan struct{} // one slot for each sign-on in progress
	started       time.Time
	stayOnline    []string // bare JIDs of users that are signed on at the start without a client

	link
	journal journal
	outage  outage

	attempts *attempts
}

const (
	maxSignOns  = 256             // limit: concurrent sign-ons of a network; the adapters limit them further for each server | further ones wait
	stopTimeout = 3 * time.Second // for sessions to sign off at shutdown
)

// New validates the configuration. It does no I/O.
func New(cfg Config) (*Component, error) {
	switch {
	case cfg.Network == nil, cfg.Dial == nil:
		return nil, errors.New("component: Network and Dial are required")
	case cfg.Secret == "":
		return nil, fmt.Errorf("component %s: the secret is empty", cfg.Domain)
	}
	domain, err := address.Parse(cfg.Domain)
	if err != nil || domain.Local != "" || domain.Resource != "" {
		return nil, fmt.Errorf("component: %q is not a domain", cfg.Domain)
	}
	if cfg.Clock == nil {
		cfg.Clock = systemClock{}
	}
	info := cfg.Network.Info()
	if cfg.Name == "" {
		cfg.Name = info.Name
	}
	c := &Component{
		cfg:     cfg,
		domain:  domain.Domain,
		info:    info,
		peers:   peers.Map{Domain: domain.Domain, Network: cfg.Network, Info: info},
		log:     cfg.Log.With().Str("network", domain.Domain).Logger(),
		clock:   cfg.Clock,
		signOns: make(chan struct{}, maxSignOns),
		started: cfg.Clock.Now(),

		attempts: newAttempts(cfg.Clock),
	}
	c.journal.host, c.journal.from, c.journal.clock, c.journal.log = &c.host, c.peers.Full(c.domain), c.clock, &c.log
	if cfg.Registry != nil {
		c.journal.db, c.journal.file = cfg.Registry, cfg.Registry.Journal()
	}
	c.actors.c, c.users = c, make(map[string]*user)
	c.registered, c.stale = make(map[string]struct{}), make(map[string]struct{})
	c.host = stanza.Host{Domain: c.domain, Send: c.send, Refused: func() { c.counters.refused.Add(1) }}
	c.limiter = newLimiter(cfg.Rate)
	c.commands = c.commandTable()
	c.archive = muc.NewArchive(cfg.Registry, c.domain, muc.ArchiveLimits(cfg.History), c.clock, c.log)
	c.rooms = muc.Shared{Peers: &c.peers, Clock: c.clock, Link: roomLink{c}, Archive: c.archive, Secret: cfg.Secret,
		Full: c.refuseRooms, Linger: cfg.Linger, Received: &c.counters.fromNetwork}
	c.setPolicy(cfg.Policy)
	return c, nil
}

// Run serves until ctx ends. Then it sends unavailable presence to all users, signs all
// sessions off, and returns within five seconds. It returns an error only if a retry
// cannot help.
func (c *Component) Run(ctx context.Context) error {
	names, err := c.cfg.Registry.Users(ctx, c.domain)
	if err != nil {
		return fmt.Errorf("component %s: %w", c.domain, err)
	}
	for _, name := range names {
		c.registered[name] = struct{}{}
		c.stale[name] = struct{}{}
	}
	accounts, err := c.cfg.Registry.Accounts(ctx, c.domain)
	if errors.As(err, new(*registry.Damaged)) { // each user's actor reports it
		c.log.Error().Err(err).Msg("a registration is damaged")
	} else if err != nil {
		return fmt.Errorf("component %s: %w", c.domain, err)
	}
	for _, a := range accounts {
		if a.Options[optStay] != "" || muc.HasPersistentRoom(a) {
			c.stayOnline = append(c.stayOnline, a.User)
		}
	}
	defer c.cfg.Memory.onDrop(c.dropCaches)()
	c.unsaved = c.journal.settle(ctx)
	// The link outlives ctx: it carries the actors' last stanzas.
	linkCtx, stopLink := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLink()
	linked := make(chan struct{})
	go func() {
		defer close(linked)
		stream.Run(linkCtx, c.streamConfig(), (*streamHandler)(c))
	}()
	archiveCtx, stopArchive := context.WithCancel(context.WithoutCancel(ctx))
	defer stopArchive()
	archived := make(chan struct{})
	go func() {
		defer close(archived)
		c.archive.Run(archiveCtx)
	}()
	<-ctx.Done()
	c.stopUsers()
	stopArchive()
	stopLink()
	<-linked
	<-archived
	return nil
}

// setConn sets the connection, nil for none, and wakes every actor.
func (c *Component) setConn(conn *stream.Conn) {
	c.conn.Store(conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.users {
		u.poke()
	}
}

// greet starts the actors of users with spooled messages, and probes the presence of
// every registered user. It runs once for each connection. (XEP-0100 §8, RFC 6121 §4.3)
func (c *Component) greet(ctx context.Context, conn *stream.Conn) {
	defer c.recoverPanic("greet")
	for _, dir := range []registry.Direction{registry.Inbound, registry.Outbound} {
		waiting, err := c.cfg.Registry.KeptUsers(ctx, c.domain, dir)
		if err != nil {
			c.log.Error().Err(err).Msg("cannot read the kept messages")
		}
		c.pokeAll(waiting)
	}
	c.pokeAll(c.stayOnline)
	c.mu.Lock()
	known := slices.Collect(maps.Keys(c.registered))
	c.mu.Unlock()
	for _, name := range known {
		if conn.Write(func(dst []byte) []byte {
			return stanza.AppendPresence(dst, c.domain, name, "probe", newID())
		}) != nil {
			return
		}
	}
}

// write writes a stanza to the connection. It may block while the server does not read,
// so that only actors call it. Without a connection it returns stream.ErrDown.
func (c *Component) write(build func(dst []byte) []byte) error {
	conn := c.conn.Load()
	if conn == nil {
		return stream.ErrDown
	}
	return conn.Write(build)
}

// send is trySend for a stanza that may be lost with the connection.
func (c *Component) send(e *element.Element) { _ = c.trySend(e) }

// trySend writes a stanza built as an element; it never blocks. The from attribute must be
// in our domain: the server would end the stream of all users over any other. The error is
// stream.ErrDown.
func (c *Component) trySend(e *element.Element) error {
	_, domain, _ := address.Split(e.Attr("from"))
	if _, err := address.Parse(e.Attr("from")); err != nil || domain != c.domain || e.Attr("to") == "" {
		c.log.Error().Str("from", e.Attr("from")).Str("to", e.Attr("to")).Str("kind", e.Name).
			Msg("dropped a stanza of ours with an invalid address")
		return nil
	}
	conn := c.conn.Load()
	if conn == nil {
		return stream.ErrDown
	}
	return conn.Answer(func(dst []byte) []byte { return e.Append(dst, stanza.NS) })
}

// sendChat sends the text of a contact or a service, or of the gateway itself for the
// empty ID, as a chat message. A text that was held is stamped with its time, zero for
// none. (RFC 6121 §5.2.2, XEP-0203 §2)
func (c *Component) sendChat(peer, to, text string, held time.Time) {
	m := element.New(stanza.NS, "message").Set("from", c.peers.Full(c.peers.JID(peer))).Set("to", to).Set("type", "chat").Set("id", newID()).
		Add(element.New(stanza.NS, "body").AddText(text))
	if !held.IsZero() {
		m.Add(xep.Delay(c.domain, held))
	}
	c.send(m)
}

// say sends a chat message from the gateway itself.
func (c *Component) say(to, text string) { c.sendChat("", to, text, time.Time{}) }

// setPolicy replaces the policy. Any goroutine may call it.
func (c *Component) setPolicy(p Policy) {
	if len(p.Allow) == 0 {
		if _, parent, ok := strings.Cut(c.domain, "."); ok {
			p.Allow = []string{parent}
		}
	}
	c.policy.Store(&p)
	c.disco.Store(newDiscoAnswers(c, &p))
}

// counters are the counters of the statistics command.
type counters struct {
	stanzas, refused, toNetwork, failed, fromNetwork, links atomic.Int64
}

// serves reports whether the policy permits a user.
func (c *Component) serves(user address.JID) bool {
	p := c.policy.Load()
	return listed(p.Admins, user) || listed(p.Allow, user) && !listed(p.Deny, user)
}

// listed reports whether a list of a policy contains a user.
func listed(list []string, user address.JID) bool {
	for _, entry := range list {
		if entry == everybody || entry == user.Domain || strings.Contains(entry, "@") && entry == user.Bare().String() {
			return true
		}
	}
	return false
}

const everybody = "*"

// recoverPanic, deferred, logs a panic and keeps the process running.
func (c *Component) recoverPanic(where string) {
	if r := recover(); r != nil {
		c.log.Error().Str("where", where).Interface("panic", r).Bytes("stack", debug.Stack()).Msg("recovered from a panic")
	}
}
