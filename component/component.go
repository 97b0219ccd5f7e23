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
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// Config is what one component needs. Domain, Server, Secret, Network, Registry
// and Dial are required.
type Config struct {
	Domain   string // the component's own domain
	Server   string // host:port of the XMPP server's component port
	Secret   string
	Name     string // shown to people; "" for the network's name
	Version  string // of the program, shown to people
	Network  legacy.Network
	Registry *registry.DB
	Log      zerolog.Logger
	// Dial opens connections to the XMPP server and to the network.
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Policy Policy
	// StoreFile and MaxFile are for legacy.Env. MaxFile is 0 where the gateway
	// receives no files; without StoreFile they go to the users' own servers.
	StoreFile func(ctx context.Context, name string, size int64, r io.Reader) (url string, err error)
	MaxFile   int64
	// Rate is how many stanzas a second each user may send, after a burst of ten
	// seconds' worth; 0 for no limit.
	Rate int
	// Linger is how long users stay signed on, and in rooms, once their last client has
	// gone: when an XMPP server ends, it says that of all.
	Linger time.Duration
	// History says how long what is said in rooms is kept.
	History History
	// Reload, if set, reads the policy anew; administrators can have it called.
	Reload func() (Policy, error)
	Clock  Clock // nil for the system's
}

// History says how much of what is said in rooms is kept, for each user and room.
type History struct {
	Keep  time.Duration // 0 for nothing at all
	Lines int           // at most
}

// Policy says whom the gateway serves. An entry is a JID ("alice@example.org"),
// a domain ("example.org"), or "*" for everybody.
type Policy struct {
	Allow  []string // nobody else; when empty, the domain above the component's
	Deny   []string // not these, whatever Allow says
	Admins []string // served in any case
}

// Component is one gateway domain. Make it with New and run it once with Run.
type Component struct {
	addresses
	actors

	host          stanza.Host // for answers
	cfg           Config
	log           zerolog.Logger
	clock         Clock
	disco         atomic.Pointer[discoAnswers]
	policy        atomic.Pointer[Policy]
	commands      []*command
	counters      counters
	limiter       limiter // of the link's reader
	capsCache     capsCache
	privileges    privileges
	invitations   invitations
	archive       archiver
	renditions    renditions
	macs          sync.Pool // of hash.Hash, for occupantID
	serverQueries serverQueries
	signOns       chan struct{} // a place for each sign-on under way
	started       time.Time
	stayOnline    []string // those who were signed on whatever their clients do, at the start

	conn      atomic.Pointer[stream.Conn] // nil while there is none
	misrouted sync.Once                   // said so
	unsaved   []stream.Message            // owned by the stream: neither delivered nor kept
	greeting  sync.WaitGroup              // of the connection

}

const (
	maxSignOns  = 16              // sign-ons under way at once, so that a restart is no storm
	stopTimeout = 3 * time.Second // for sessions to sign off at the end
)

// New checks the configuration; it does no I/O.
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
		cfg:       cfg,
		addresses: addresses{domain: domain.Domain, network: cfg.Network, info: info, services: info.Services},
		log:       cfg.Log.With().Str("network", domain.Domain).Logger(),
		clock:     cfg.Clock,
		signOns:   make(chan struct{}, maxSignOns),
		started:   cfg.Clock.Now(),
		archive:   newArchiver(),
	}
	c.actors.c, c.users = c, make(map[string]*user)
	c.registered, c.stale = make(map[string]struct{}), make(map[string]struct{})
	c.host = stanza.Host{Domain: c.domain, Send: c.send, Refused: func() { c.counters.refused.Add(1) }}
	c.limiter = newLimiter(cfg.Rate)
	c.commands = slices.DeleteFunc(slices.Concat(c.roomCommands(), c.userCommands(), c.networkCommands(), endCommands(), adminCommands(), debugCommands()),
		func(cmd *command) bool { return !info.Features.Has(cmd.needs) })
	for _, cmd := range c.commands {
		if cmd.word == "" { // the last part, of one of XEP-0133
			cmd.word = cmd.node[strings.IndexByte(cmd.node, '#')+1:]
		}
	}
	c.setPolicy(cfg.Policy)
	return c, nil
}

// Run serves until ctx ends, then tells everybody that the gateway goes offline,
// signs every session off, and returns within five seconds. An error is one that
// waiting does not mend.
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
	if err != nil {
		return fmt.Errorf("component %s: %w", c.domain, err)
	}
	for _, a := range accounts {
		if a.Options[optStay] != "" || hasPersistentRoom(a) {
			c.stayOnline = append(c.stayOnline, a.User)
		}
	}
	// The link outlives ctx: what the users' actors say last must go over it.
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
		if c.archives() {
			c.runArchive(archiveCtx)
		}
	}()
	<-ctx.Done()
	c.stopUsers()
	stopArchive()
	stopLink()
	<-linked
	<-archived
	return nil
}

// setConn makes conn the connection to write to, nil for none, and lets every actor
// know.
func (c *Component) setConn(conn *stream.Conn) {
	c.conn.Store(conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.users {
		u.poke()
	}
}

// greet starts what a new connection makes possible: users for whom something was kept
// get it, and every registered user's server is asked whether they are online.
// The handler waits for it. (XEP-0100 §8, RFC 6121 §4.3)
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

// write hands a stanza to the connection, and may wait for the server to read. Without
// one it is stream.ErrDown. Only actors call it.
func (c *Component) write(build func(dst []byte) []byte) error {
	conn := c.conn.Load()
	if conn == nil {
		return stream.ErrDown
	}
	return conn.Write(build)
}

// send writes a stanza built as an element, and never waits. Its from must be of our domain: the
// server would end the stream, for everybody, over another one.
func (c *Component) send(e *element.Element) {
	_, domain, _ := address.Split(e.Attr("from"))
	if _, err := address.Parse(e.Attr("from")); err != nil || domain != c.domain || e.Attr("to") == "" {
		c.log.Error().Str("from", e.Attr("from")).Str("to", e.Attr("to")).Str("kind", e.Name).
			Msg("refused to send a stanza with a wrong address")
		return
	}
	if conn := c.conn.Load(); conn != nil {
		_ = conn.Answer(func(dst []byte) []byte { return e.Append(dst, stanza.NS) })
	}
}

// sendChat sends the text of a contact or a service, or of the gateway itself for the
// empty ID, as a chat message. A text that was held is stamped with its time, zero for
// none. (RFC 6121 §5.2.2, XEP-0203 §2)
func (c *Component) sendChat(peer, to, text string, held time.Time) {
	m := element.New(stanza.NS, "message").Set("from", c.full(c.contactJID(peer))).Set("to", to).Set("type", "chat").Set("id", newID()).
		Add(element.New(stanza.NS, "body").AddText(text))
	if !held.IsZero() {
		m.Add(xep.Delay(c.domain, held))
	}
	c.send(m)
}

// say sends a chat message from the gateway itself.
func (c *Component) say(to, text string) { c.sendChat("", to, text, time.Time{}) }

// setPolicy puts a policy into force. Any goroutine may call it.
func (c *Component) setPolicy(p Policy) {
	if len(p.Allow) == 0 {
		if _, parent, ok := strings.Cut(c.domain, "."); ok {
			p.Allow = []string{parent}
		}
	}
	c.policy.Store(&p)
	c.disco.Store(newDiscoAnswers(c, &p))
}

// counters are what an administrator can look at.
type counters struct {
	stanzas, refused, toNetwork, failed, fromNetwork, links atomic.Int64
}

// serves reports whether the policy lets a bare JID use the gateway.
func (c *Component) serves(user address.JID) bool {
	match := func(list []string) bool {
		for _, entry := range list {
			if entry == "*" || entry == user.Domain || strings.Contains(entry, "@") && entry == user.Bare().String() {
				return true
			}
		}
		return false
	}
	p := c.policy.Load()
	return match(p.Admins) || match(p.Allow) && !match(p.Deny)
}

// recoverPanic, deferred, keeps a panic from ending the process.
func (c *Component) recoverPanic(where string) {
	if r := recover(); r != nil {
		c.log.Error().Str("where", where).Interface("panic", r).Bytes("stack", debug.Stack()).Msg("recovered from a panic")
	}
}
