package oscar

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
	"transport/legacy/oscar/oscarwire"
)

// clientInfo is the client's identification. Servers expect plausible version numbers:
// these are the ones of libpurple and BitLBee.
var clientInfo = oscarwire.ClientInfo{
	Name: "transport", ID: 0x0109, Major: 5, Minor: 1, Build: 0x0BDC,
	Distribution: 0xD2, Language: "en", Country: "us",
}

// errNoMD5 reports that the authorizer does not support the MD5 sign-on.
var errNoMD5 = errors.New("md5 sign-on is not supported")

// authorize signs on at the first authorizer that can be reached. It returns the
// address of BOS, the cookie for it, and the passage of the authorizer's gate, which the caller
// must end with the sign-on.
func (s *session) authorize(ctx context.Context) (addr string, cookie []byte, pass *gate.Pass, err error) {
	left := s.net.authorizeLimit
	for i, server := range s.servers {
		if err := s.net.queues.at(server).pass(ctx, s.net.signOnInterval, s.tellDelayed); err != nil {
			return "", nil, nil, err
		}
		if pass, err = s.net.gates.At(server).Enter(ctx, s.tellDelayed); err != nil {
			return "", nil, nil, err
		}
		began := time.Now()
		// Share the remaining time, so that one authorizer that hangs does not use all of it.
		limited, cancel := context.WithTimeout(ctx, left/time.Duration(len(s.servers)-i))
		addr, cookie, err = s.authorizeAt(limited, server)
		if err != nil && limited.Err() != nil && errors.Is(err, limited.Err()) {
			err = legacy.Wrap(legacy.Temporary, err, "The "+s.net.name()+" server took too long to sign you on.")
		}
		cancel()
		if legacy.KindOf(err) == legacy.RateLimited && !errors.Is(err, legacy.ErrPaused) {
			s.net.queues.at(server).refused(s.net.signOnInterval)
		}
		if err != nil {
			pass.Done(outcome(err))
		}
		if err == nil || legacy.KindOf(err) != legacy.Temporary || ctx.Err() != nil {
			break
		}
		left -= time.Since(began)
		s.env.Log.Debug().Err(err).Str("server", server).Msg("cannot sign on at this server")
	}
	return addr, cookie, pass, err
}

// outcome returns what the end of a sign-on says about the server. Its limit of the rate of
// sign-ons is a matter of signOnQueue.
func outcome(err error) gate.Outcome {
	switch {
	case err == nil:
		return gate.Good
	case legacy.KindOf(err) != legacy.Temporary, errors.Is(err, context.Canceled), legacy.IsRefused(err):
		return gate.Neutral
	}
	return gate.Refused
}

func (s *session) authorizeAt(ctx context.Context, server string) (string, []byte, error) {
	method := s.net.opts.SignOn
	if method == signOnRoasted {
		return s.signOnAt(ctx, server, s.signOnRoasted)
	}
	addr, cookie, err := s.signOnAt(ctx, server, s.signOnMD5)
	if method == signOnAuto && errors.Is(err, errNoMD5) {
		s.env.Log.Debug().Msg("the server does not support the md5 sign-on")
		return s.signOnAt(ctx, server, s.signOnRoasted)
	}
	return addr, cookie, err
}

// signOnAt connects to an authorizer for one sign-on.
func (s *session) signOnAt(ctx context.Context, server string, signOn func(context.Context, *conn) (oscarwire.LoginReply, error)) (string, []byte, error) {
	c, err := s.dial(ctx, ctx, server, false)
	if err != nil {
		return "", nil, err
	}
	defer c.close()
	if !s.named {
		s.scope = legacy.ScopeOf(c.raw)
	}
	report, err := s.env.Attempt(c.account(s))
	if err != nil {
		return "", nil, err
	}
	reply, err := signOn(ctx, c)
	if err == nil && reply.Err() != nil {
		report(s.net.refused(reply.Code))
	} else {
		report(err)
	}
	switch {
	case err != nil && !errors.Is(err, ctx.Err()) && legacy.KindOf(err) == legacy.Internal:
		return "", nil, s.net.lost(err)
	case err != nil:
		return "", nil, err
	case reply.Err() != nil:
		return "", nil, s.net.refused(reply.Code)
	}
	addr, err := nextAddr(reply.Addr, server)
	if err != nil {
		return "", nil, s.net.garbled(err)
	}
	return addr, reply.Cookie, nil
}

// account returns the account of a session that a connection signs on to, for legacy.Env.Attempt: users who
// name servers may name the same one differently.
func (c *conn) account(s *session) string {
	if !s.named {
		return s.self
	}
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return s.self
	}
	return s.self + " at " + host
}

// nextAddr completes the address of the next server, which may lack a port, with the
// port of the server that sent it.
func nextAddr(addr, from string) (string, error) {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr, nil
	}
	_, port, err := net.SplitHostPort(from)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(addr, port), nil
}

// signOnRoasted signs on in one frame. (Shutko, "Channel 0x01 login")
func (s *session) signOnRoasted(ctx context.Context, c *conn) (oscarwire.LoginReply, error) {
	on := oscarwire.RoastedSignOn{ScreenName: s.self, Password: []byte(s.password), Client: clientInfo, MultiConn: s.net.multi()}
	if err := c.out.WriteFrame(oscarwire.ChannelSignOn, on); err != nil {
		return oscarwire.LoginReply{}, err
	}
	return s.loginReply(ctx, c)
}

// signOnMD5 signs on with a hash of the password. (AOL, "BUCP")
func (s *session) signOnMD5(ctx context.Context, c *conn) (oscarwire.LoginReply, error) {
	err := c.out.WriteFrame(oscarwire.ChannelSignOn, oscarwire.Hello())
	if err == nil {
		err = c.out.WriteSNAC(oscarwire.Header{ID: oscarwire.BUCPChallengeRequest, RequestID: 1},
			oscarwire.ChallengeRequest{ScreenName: s.self})
	}
	if err != nil {
		return oscarwire.LoginReply{}, errors.Join(errNoMD5, err)
	}
	key, reply, err := s.challenge(ctx, c)
	if err != nil || key == nil {
		return reply, err
	}
	weak := s.net.opts.SignOn == signOnWeak
	login := oscarwire.Login{ScreenName: s.self, Strong: !weak, Client: clientInfo, MultiConn: s.net.multi()}
	hash := oscarwire.HashStrong(key, []byte(s.password))
	if weak {
		hash = oscarwire.HashWeak(key, []byte(s.password))
	}
	login.Hash = hash[:]
	if err := c.out.WriteSNAC(oscarwire.Header{ID: oscarwire.BUCPLogin, RequestID: 2}, login); err != nil {
		return oscarwire.LoginReply{}, err
	}
	return s.loginReply(ctx, c)
}

// challenge waits for the key, or for a refusal instead of it.
func (s *session) challenge(ctx context.Context, c *conn) (key []byte, refusal oscarwire.LoginReply, err error) {
	for {
		f, err := c.next(ctx)
		if errors.Is(err, io.EOF) || err == nil && (f.Short || f.Channel == oscarwire.ChannelError) {
			return nil, refusal, errors.Join(errNoMD5, err)
		}
		if err != nil {
			return nil, refusal, err
		}
		if f.Channel == oscarwire.ChannelSignOff {
			if refusal, err = oscarwire.ParseLoginReply(f.Payload); err != nil {
				err = errors.Join(errNoMD5, err)
			}
			return nil, refusal, err
		}
		if f.Channel != oscarwire.ChannelData {
			continue
		}
		snac, err := f.SNAC()
		if err != nil {
			return nil, refusal, s.net.garbled(err)
		}
		switch snac.ID {
		case oscarwire.BUCPChallenge:
			ch, err := oscarwire.ParseChallenge(snac.Body)
			if err != nil {
				return nil, refusal, s.net.garbled(err)
			}
			if ch.Key == nil {
				ch.Key = []byte{}
			}
			return ch.Key, refusal, nil
		case oscarwire.BUCPLoginReply:
			if refusal, err = oscarwire.ParseLoginReply(snac.Body); err == nil && refusal.Err() == nil {
				err = errors.New("signed on without a password")
			}
			if err != nil {
				return nil, refusal, s.net.garbled(err)
			}
			return nil, refusal, nil
		case oscarwire.BUCPError:
			return nil, refusal, errNoMD5
		}
	}
}

// loginReply waits for the authorizer's answer, in a SNAC or on channel 4.
func (s *session) loginReply(ctx context.Context, c *conn) (oscarwire.LoginReply, error) {
	for {
		f, err := c.next(ctx)
		if err != nil {
			return oscarwire.LoginReply{}, err
		}
		body := f.Payload
		switch f.Channel {
		case oscarwire.ChannelSignOff:
		case oscarwire.ChannelData:
			snac, err := f.SNAC()
			if err != nil {
				return oscarwire.LoginReply{}, s.net.garbled(err)
			}
			if snac.ID == oscarwire.BUCPError {
				e, _ := oscarwire.ParseSNACError(snac.Body)
				return oscarwire.LoginReply{}, s.net.lost(e.Code)
			}
			if snac.ID != oscarwire.BUCPLoginReply {
				continue
			}
			body = snac.Body
		default:
			continue
		}
		reply, err := oscarwire.ParseLoginReply(body)
		if err != nil {
			return reply, s.net.garbled(err)
		}
		return reply, nil
	}
}

// multi returns the value of TLV 4A for a sign-on.
func (n *network) multi() uint8 {
	if n.opts.Multiple {
		return oscarwire.MultiConnAllow
	}
	return oscarwire.MultiConnSingle
}

// refused converts the code of a refused sign-on to an error for the user.
func (n *network) refused(code oscarwire.SignOnCode) error {
	is := func(kind legacy.Kind, text string) *legacy.Error {
		return legacy.Wrap(kind, code, text)
	}
	switch code {
	case oscarwire.SignOnUnknownUser:
		return is(legacy.Auth, n.name()+" does not know this "+n.Info().PeerName+".")
	case oscarwire.SignOnBadPassword, oscarwire.SignOnBadPassword2:
		return is(legacy.Auth, n.name()+" does not accept the password.")
	case oscarwire.SignOnInvalidAccount, oscarwire.SignOnDeletedAccount, oscarwire.SignOnExpiredAccount:
		return is(legacy.Auth, "This "+n.name()+" account does not exist any more.")
	case oscarwire.SignOnSuspended:
		return is(legacy.Forbidden, n.name()+" has suspended this account.")
	case oscarwire.SignOnUnderage, oscarwire.SignOnInternalClient, oscarwire.SignOnInvalidSecurID:
		return is(legacy.Forbidden, n.name()+" does not let this account sign on from here.")
	case oscarwire.SignOnUpgradeNeeded:
		return is(legacy.Unsupported, n.name()+" requires a newer client than this gateway.")
	case oscarwire.SignOnRateLimited, oscarwire.SignOnRateLimited2, oscarwire.SignOnTooManyHost, oscarwire.SignOnTooManyHost2:
		// The retry waits in the sign-on queue (signonqueue.go).
		return is(legacy.RateLimited, n.name()+" limits the number of sign-ons from this gateway. The gateway will try again.")
	case oscarwire.SignOnTooHeavyWarned:
		e := is(legacy.Temporary, "This account has received too many warnings. The gateway will try again later.")
		e.RetryAfter = 10 * time.Minute
		return e
	}
	return is(legacy.Temporary, "The "+n.name()+" server cannot sign you on at the moment.")
}
