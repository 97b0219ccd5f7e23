package oscarmock

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy/oscar/oscarwire"
)

// Options configure a Network. The zero value is a network without accounts, limits or
// faults.
type Options struct {
	Log zerolog.Logger
	Now func() time.Time // nil for time.Now
	// AuthHost is the host in the address of BOS; "" for the host at which the client
	// reached the authorizer.
	AuthHost string
	// OpenRegistration creates an account for every name that signs on. The first password
	// becomes the account's password if it came roasted. An MD5 sign-on does not reveal the
	// password, so any password is accepted then.
	OpenRegistration bool
	// Rates are the limits of all SNACs (class 1) and of messages (class 3). The zero value
	// has no effective limits; RatesOOS are those of a live server.
	Rates []oscarwire.RateClass
	// SignOns is the number of sign-ons that an address may try at once, and one a minute
	// after that; 0 for no limit. A live server was observed to allow 10.
	SignOns int
	// NoMD5 rejects the MD5 sign-on, NoRoasted the roasted one.
	NoMD5, NoRoasted bool
	// ByteByByte writes every byte separately; Coalesce joins frames that follow closely
	// into one write.
	ByteByByte, Coalesce bool
	// ExtraHeaders adds the header extension of Open OSCAR Server to the SNACs of the
	// contact list.
	ExtraHeaders bool
	// SplitList sends the contact list in several SNACs of that many items.
	SplitList int
	// MaxBuddies is the limit of contacts in a list; 0 for 1000.
	MaxBuddies int
	// NoAcks never acknowledges messages; NoOfflineEnd never sends 04/17 after the stored
	// messages, like old servers.
	NoAcks, NoOfflineEnd bool
	// RelayOwn sends an account's messages to its other sessions, by 04/06.
	RelayOwn bool
	// UnnumberedChat reflects room messages with a request ID of the server instead of that
	// of the request.
	UnnumberedChat bool
	// TLS, if set, encrypts all connections. With TLSUnknown the network itself does not
	// know about it, like a server behind a TLS proxy: it rejects service requests that ask
	// for TLS.
	TLS        *tls.Config
	TLSUnknown bool
	// MOTD is the text of 01/13; "" sends none.
	MOTD string
}

// Account is an account of the network.
type Account struct {
	Name, Password           string
	Nick, First, Last, Email string
	// Address is the address in AIM's directory: street, postal code, town, state and
	// country.
	Address [5]string
	// NeedsAuth requires authorization to have the account on a list.
	NeedsAuth bool
}

// Network is an OSCAR network. New creates it.
type Network struct {
	opts     Options
	log      zerolog.Logger
	listener net.Listener
	proxy    *proxy // nil until ListenProxy
	wg       sync.WaitGroup
	quit     chan struct{} // closed by Close

	mu       sync.Mutex // guards the fields below, and all accounts and sessions
	changed  *sync.Cond // on mu: signals changes to the Wait functions
	closed   bool
	accounts map[string]*account  // by normalised name
	rooms    map[string]*chatRoom // by cookie, in lower case
	cookies  map[string]cookie
	conns    map[*conn]struct{}
	tries    map[string]tries  // by address
	images   map[string][]byte // uploaded icons, by hash
	uploads  int
	faults   []*Fault
	stalled  chan struct{} // closed by Resume; nil while the network serves
}

// cookie authorizes one connection, once, to BOS or another service.
type cookie struct {
	service uint16    // its family, 0 for BOS
	room    *chatRoom // with family 0E
	account *account
	multi   uint8
	expires time.Time
}

const (
	cookieLife = time.Minute
	// Clients derived from libfaim always send 256 bytes back. A shorter cookie would be
	// returned with their memory behind it.
	cookieLen = 256
)

// New creates a network that is not listening yet.
func New(o Options) *Network {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rates == nil {
		o.Rates = RatesFree
	}
	if o.MaxBuddies == 0 {
		o.MaxBuddies = 1000
	}
	n := &Network{
		opts:     o,
		log:      o.Log,
		accounts: make(map[string]*account),
		cookies:  make(map[string]cookie),
		rooms:    make(map[string]*chatRoom),
		tries:    make(map[string]tries),
		images:   make(map[string][]byte),
		conns:    make(map[*conn]struct{}),
		quit:     make(chan struct{}),
	}
	n.changed = sync.NewCond(&n.mu)
	return n
}

// Listen listens on an address, host:port. It may be called again after Hang.
func (n *Network) Listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		l.Close()
		return errClosed
	}
	if n.opts.TLS != nil {
		l = tls.NewListener(l, n.opts.TLS)
	}
	n.listener = l
	n.wg.Go(func() { // before Close waits
		for {
			nc, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				n.log.Warn().Err(err).Msg("cannot accept a connection")
				n.pause(50 * time.Millisecond)
				continue
			}
			n.Serve(nc)
		}
	})
	return nil
}

// errClosed reports that Close was called.
var errClosed = errors.New("oscarmock: the network is closed")

// pause waits for d, or until Close.
func (n *Network) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.quit:
	}
}

// Addr returns the host:port of the authorizer and of BOS.
func (n *Network) Addr() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listener == nil {
		return ""
	}
	return n.listener.Addr().String()
}

// Serve serves one connection in the background.
func (n *Network) Serve(nc net.Conn) {
	c := &conn{net: n, nc: nc, out: make(chan []byte, outLen)}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		nc.Close()
		return
	}
	n.conns[c] = struct{}{}
	n.wg.Add(2)
	n.mu.Unlock()
	go func() { defer n.wg.Done(); c.write() }()
	go func() { defer n.wg.Done(); c.serve() }()
}

// Hang closes the listener and every connection, like a crash of the server. It keeps
// accounts and lists.
func (n *Network) Hang() {
	n.mu.Lock()
	if n.listener != nil {
		n.listener.Close()
	}
	if n.proxy != nil {
		n.proxy.close()
	}
	for c := range n.conns {
		c.nc.Close()
	}
	n.mu.Unlock()
}

// Stall stops reading and answering, with connections kept open, until Resume.
func (n *Network) Stall() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stalled == nil && !n.closed {
		n.stalled = make(chan struct{})
	}
}

// Resume ends a Stall.
func (n *Network) Resume() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.resume()
}

func (n *Network) resume() {
	if n.stalled != nil {
		close(n.stalled)
		n.stalled = nil
	}
}

// serving waits while the network is stalled.
func (n *Network) serving() {
	n.mu.Lock()
	stalled := n.stalled
	n.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// Close stops the network and waits for its goroutines.
func (n *Network) Close() {
	n.Hang()
	n.mu.Lock()
	if !n.closed {
		close(n.quit)
	}
	n.closed = true
	n.resume()
	for _, a := range n.accounts {
		if a.bot != nil {
			a.bot.stop()
		}
	}
	n.changed.Broadcast()
	n.mu.Unlock()
	n.wg.Wait()
}

// AddAccount adds an account, or changes its password and data.
func (n *Network) AddAccount(a Account) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := oscarwire.NormalizeScreenName(a.Name)
	if known := n.accounts[id]; known != nil {
		known.Account = a
		return
	}
	n.accounts[id] = newAccount(id, a)
}

// RemoveAccount removes an account and ends its sessions.
func (n *Network) RemoveAccount(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.find(name)
	if a == nil {
		return
	}
	for len(a.sessions) > 0 {
		a.sessions[0].disconnect(DisconnectClose)
	}
	if a.bot != nil {
		a.bot.stop()
		a.bot.online = false
	}
	n.sendPresence(a) // while it still exists
	delete(n.accounts, a.id)
	n.changed.Broadcast()
}

// newCookie issues a cookie for BOS. n.mu is held.
func (n *Network) newCookie(a *account, multi uint8) []byte {
	return n.issue(cookie{account: a, multi: multi})
}

// issue issues a cookie. n.mu is held.
func (n *Network) issue(k cookie) []byte {
	now := n.opts.Now()
	maps.DeleteFunc(n.cookies, func(_ string, k cookie) bool { return !now.Before(k.expires) })
	b := make([]byte, cookieLen)
	_, _ = rand.Read(b) // never returns an error
	k.expires = now.Add(cookieLife)
	n.cookies[string(b)] = k
	return b
}

// takeCookie redeems a cookie. n.mu is held.
func (n *Network) takeCookie(b []byte) (cookie, bool) {
	k, ok := n.cookies[string(b)]
	delete(n.cookies, string(b))
	return k, ok && n.opts.Now().Before(k.expires)
}
