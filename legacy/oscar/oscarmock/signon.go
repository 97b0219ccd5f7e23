package oscarmock

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// handshake is a connection whose purpose is not known yet.
type handshake struct {
	*conn
	name string // that requested a challenge
	key  []byte
}

// onFrame handles a frame of a connection that is not signed on. It returns the
// session once the connection has become one.
func (h *handshake) onFrame(f oscarwire.Frame) (*session, error) {
	switch f.Channel {
	case oscarwire.ChannelSignOn:
		on, err := oscarwire.ParseSignOn(f.Payload)
		if err != nil {
			return nil, err
		}
		if k, ok := on.Cookie(); ok {
			return h.enter(k, on.MultiConn())
		}
		if r, ok := on.Roasted(); ok {
			return nil, h.roasted(r)
		}
		return nil, nil
	case oscarwire.ChannelData:
		snac, err := f.SNAC()
		if err != nil {
			return nil, err
		}
		return nil, h.bucp(snac)
	case oscarwire.ChannelSignOff:
		return nil, errDone
	}
	return nil, nil
}

const icqPasswordLen = 8

// roasted handles a roasted sign-on on channel 4, and closes the connection.
func (h *handshake) roasted(r oscarwire.RoastedSignOn) error {
	switch h.fault(StepLogin, r.ScreenName) {
	case silent:
		return errSilent
	case swallow:
		return nil
	}
	if h.net.opts.NoRoasted {
		return errDone
	}
	right := func(password string) bool {
		// ICQ passwords had at most eight characters: some clients, such as BarnOwl, truncate
		// longer ones.
		if len(r.Password) == icqPasswordLen && oscarwire.IsUIN(oscarwire.NormalizeScreenName(r.ScreenName)) {
			password = password[:min(len(password), icqPasswordLen)]
		}
		return password == string(r.Password)
	}
	reply := h.login(r.ScreenName, r.MultiConn, right, string(r.Password))
	h.frame(oscarwire.ChannelSignOff, reply)
	return errDone
}

// bucp handles the SNACs of the MD5 sign-on. (AOL, "BUCP")
func (h *handshake) bucp(snac oscarwire.SNAC) error {
	if h.net.opts.NoMD5 {
		return errDone
	}
	reply := func(id oscarwire.ID, body oscarwire.Appender) {
		h.frame(oscarwire.ChannelData, oscarwire.SNAC{Header: oscarwire.Header{ID: id, RequestID: snac.RequestID}, Body: body.Append(nil)})
	}
	switch snac.ID {
	case oscarwire.BUCPChallengeRequest:
		q, err := oscarwire.ParseChallengeRequest(snac.Body)
		if err != nil {
			return err
		}
		switch h.fault(StepChallenge, q.ScreenName) {
		case silent:
			return errSilent
		case swallow:
			return nil
		}
		raw := make([]byte, 16)
		_, _ = rand.Read(raw) // never returns an error
		h.name, h.key = q.ScreenName, []byte(hex.EncodeToString(raw))
		reply(oscarwire.BUCPChallenge, oscarwire.Challenge{Key: h.key})
		return nil
	case oscarwire.BUCPLogin:
		login, err := oscarwire.ParseLogin(snac.Body)
		if err != nil {
			return err
		}
		switch h.fault(StepLogin, login.ScreenName) {
		case silent:
			return errSilent
		case swallow:
			return nil
		}
		right := func(password string) bool {
			hash := oscarwire.HashWeak(h.key, []byte(password))
			if login.Strong {
				hash = oscarwire.HashStrong(h.key, []byte(password))
			}
			return h.key != nil && bytes.Equal(hash[:], login.Hash)
		}
		reply(oscarwire.BUCPLoginReply, h.login(login.ScreenName, login.MultiConn, right, ""))
		h.frame(oscarwire.ChannelSignOff, nil)
		return errDone
	}
	return nil
}

// login checks a name and a password. clear is the password in clear text, "" if the
// client did not send it.
func (h *handshake) login(name string, multi uint8, right func(string) bool, clear string) oscarwire.LoginReply {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	refuse := func(code oscarwire.SignOnCode) oscarwire.LoginReply {
		return oscarwire.LoginReply{ScreenName: name, Code: code, ErrorURL: "http://localhost/"}
	}
	if f := n.takeFault(StepRefuse, 0, name); f != nil {
		return refuse(f.Code)
	}
	if !n.mayTry(h.nc.RemoteAddr().String()) {
		return refuse(oscarwire.SignOnRateLimited2) // like a live server
	}
	id := oscarwire.NormalizeScreenName(name)
	a := n.accounts[id]
	if a == nil && n.opts.OpenRegistration && id != "" {
		// With only a hash of the password, any password is accepted.
		a = newAccount(id, Account{Name: name, Password: clear})
		n.accounts[id] = a
		if clear == "" {
			right = func(string) bool { return true }
		}
	}
	switch {
	case a == nil:
		return refuse(oscarwire.SignOnUnknownUser)
	case a.bot == nil && a.Password == "" && n.opts.OpenRegistration:
	case a.bot != nil && a.Password == "", !right(a.Password):
		return refuse(oscarwire.SignOnBadPassword)
	}
	k := n.newCookie(a, multi)
	addr := h.nc.LocalAddr().String()
	if _, port, err := net.SplitHostPort(addr); err == nil && n.opts.AuthHost != "" {
		addr = net.JoinHostPort(n.opts.AuthHost, port)
	}
	if f := n.takeFault(StepRedirect, 0, name); f != nil {
		if f.Addr != "" {
			addr = f.Addr
		}
		switch f.Action {
		case WrongCookie:
			k = bytes.Repeat([]byte{1}, cookieLen)
		case ExpiredCookie:
			n.takeCookie(k)
		}
	}
	return oscarwire.LoginReply{ScreenName: a.Name, Addr: addr, Cookie: k}
}

// tries is the sign-on allowance of an address.
type tries struct {
	left float64
	last time.Time
}

const maxTries = 10_000 // addresses

// mayTry counts a sign-on of an address, and reports whether it is allowed. n.mu is
// held.
func (n *Network) mayTry(addr string) bool {
	if n.opts.SignOns == 0 {
		return true
	}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		addr = host
	}
	now, most := n.opts.Now(), float64(n.opts.SignOns)
	t, known := n.tries[addr]
	if !known {
		if len(n.tries) >= maxTries {
			clear(n.tries)
		}
		t = tries{most, now}
	}
	t.left = min(most, t.left+now.Sub(t.last).Minutes())
	t.last = now
	may := t.left >= 1
	if may {
		t.left--
	}
	n.tries[addr] = t
	return may
}

// AllowSignOns removes the limit of Options.SignOns.
func (n *Network) AllowSignOns() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opts.SignOns = 0
}

// enter makes the connection a session of BOS.
func (h *handshake) enter(k []byte, multi uint8) (*session, error) {
	n := h.net
	n.mu.Lock()
	ticket, ok := n.takeCookie(k)
	n.mu.Unlock()
	if !ok {
		return nil, errDone
	}
	switch h.fault(StepBOS, ticket.account.id) {
	case silent:
		return nil, errSilent
	case swallow:
		return nil, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.accounts[ticket.account.id] != ticket.account {
		return nil, errDone
	}
	if ticket.service != 0 {
		return n.newService(h.conn, ticket), nil
	}
	return n.newSession(h.conn, ticket.account, max(multi, ticket.multi)), nil
}
