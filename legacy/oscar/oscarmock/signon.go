package oscarmock

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"

	"transport/legacy/oscar/oscarwire"
)

// handshake is a connection until it is known what it is for.
type handshake struct {
	*conn
	name string // who asked for a challenge
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

// roasted answers a roasted sign-on on channel 4, and ends the connection.
func (h *handshake) roasted(r oscarwire.RoastedSignOn) error {
	if h.fault(StepLogin, &r.ScreenName) {
		return errSilent
	}
	if h.net.opts.NoRoasted {
		return errDone
	}
	reply := h.login(r.ScreenName, r.MultiConn, func(password string) bool { return password == string(r.Password) }, string(r.Password))
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
		if h.fault(StepChallenge, &q.ScreenName) {
			return errSilent
		}
		raw := make([]byte, 16)
		_, _ = rand.Read(raw) // never fails
		h.name, h.key = q.ScreenName, []byte(hex.EncodeToString(raw))
		reply(oscarwire.BUCPChallenge, oscarwire.Challenge{Key: h.key})
		return nil
	case oscarwire.BUCPLogin:
		login, err := oscarwire.ParseLogin(snac.Body)
		if err != nil {
			return err
		}
		if h.fault(StepLogin, &login.ScreenName) {
			return errSilent
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

// login checks a name and a password. clear is the password, if the client sent
// that.
func (h *handshake) login(name string, multi uint8, right func(string) bool, clear string) oscarwire.LoginReply {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	refuse := func(code oscarwire.SignOnCode) oscarwire.LoginReply {
		return oscarwire.LoginReply{ScreenName: name, Code: code, ErrorURL: "http://localhost/"}
	}
	if f := n.takeFault(StepRefuse, &name); f != nil {
		return refuse(f.Code)
	}
	id := oscarwire.NormalizeScreenName(name)
	a := n.accounts[id]
	if a == nil && n.opts.OpenRegistration && id != "" {
		// With a hash for a password, whatever comes first is right.
		a = newAccount(id, Account{Name: name, Password: clear})
		n.accounts[id] = a
		if clear == "" {
			right = func(string) bool { return true }
		}
	}
	switch {
	case a == nil:
		return refuse(oscarwire.SignOnUnknownUser)
	case a.bot != nil, a.Password == "" && n.opts.OpenRegistration:
	case !right(a.Password):
		return refuse(oscarwire.SignOnBadPassword)
	}
	k := n.newCookie(a, multi)
	addr := h.nc.LocalAddr().String()
	if f := n.takeFault(StepRedirect, &name); f != nil {
		if f.Addr != "" {
			addr = f.Addr
		}
		if f.Action == WrongCookie {
			k = bytes.Repeat([]byte{1}, 64)
		}
	}
	return oscarwire.LoginReply{ScreenName: a.Name, Addr: addr, Cookie: k}
}

// enter makes the connection a session of BOS.
func (h *handshake) enter(k []byte, multi uint8) (*session, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	ticket, ok := n.takeCookie(k)
	if !ok {
		return nil, errDone
	}
	if n.closed {
		return nil, errDone
	}
	name := ticket.account.Name
	if h.faultLocked(StepBOS, &name) {
		return nil, errSilent
	}
	return n.newSession(h.conn, ticket.account, max(multi, ticket.multi)), nil
}
