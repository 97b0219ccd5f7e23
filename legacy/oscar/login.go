package oscar

import (
	"context"
	"errors"
	"slices"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// toolVersions are the SNAC families that the client uses, with the version numbers of
// libpurple and BitLBee.
var toolVersions = oscarwire.ClientReady{
	{Family: oscarwire.FamilyService, Version: 3, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyLocation, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyBuddy, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyICBM, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyPrivacy, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyLookup, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyAdmin, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyStats, Version: 1, Tool: 0x0104, ToolVersion: 1},
	{Family: oscarwire.FamilyDirectory, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyChatNav, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyChat, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyBART, Version: 1, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyFeedbag, Version: 4, Tool: 0x0110, ToolVersion: 0x0629},
	{Family: oscarwire.FamilyICQ, Version: 1, Tool: 0x0110, ToolVersion: 0x047C},
}

// capabilities are the capabilities that the client advertises. With XHTML, Open OSCAR
// Server relays messages of ICQ users unchanged; without it, it parses them as HTML.
var capabilities = []oscarwire.GUID{
	oscarwire.CapShort, oscarwire.CapICQRelay, oscarwire.CapUTF8,
	oscarwire.CapInterop, oscarwire.CapTyping, oscarwire.CapXHTML,
}

// capabilities returns the capabilities of the flavor; files adds file transfer.
func (n *network) capabilities(files bool) []oscarwire.GUID {
	caps := slices.Clip(capabilities)
	if n.aim {
		caps = append(caps, oscarwire.CapChat)
	}
	if files {
		caps = append(caps, oscarwire.CapFile)
	}
	return caps
}

// migration is the error of a connection that the server moves to another BOS.
type migration struct {
	addr   string
	cookie []byte
}

func (*migration) Error() string { return "oscar: migrate to another server" }

// attach connects to BOS, negotiates versions and rate limits, and loads the list.
func (c *client) attach(ctx context.Context, addr string, cookie []byte) error {
	err := c.connectBOS(ctx, addr, cookie)
	if err == nil {
		err = c.load(ctx)
	}
	var le *legacy.Error
	var m *migration
	switch {
	case err == nil:
		c.heard = c.now()
		c.aliveNext = c.heard.Add(c.s.net.keepalive)
		c.beginBy = c.heard.Add(beginPatience)
		return nil
	case errors.As(err, &m):
		return legacy.Errorf(legacy.Temporary, "The %s server moved the session before the sign-on was complete.", c.s.net.name())
	case errors.Is(err, context.DeadlineExceeded):
		return legacy.Wrap(legacy.Temporary, err, "The "+c.s.net.name()+" server took too long to sign you on.")
	case errors.As(err, &le), ctx.Err() != nil:
		return err
	}
	return c.s.net.lost(err)
}

// connectBOS connects and makes the first exchanges.
func (c *client) connectBOS(ctx context.Context, addr string, cookie []byte) (err error) {
	if c.conn, err = c.s.dial(ctx, c.life, addr, true); err != nil {
		return err
	}
	if err := c.conn.out.WriteFrame(oscarwire.ChannelSignOn, oscarwire.CookieSignOn(cookie, c.s.net.multi())); err != nil {
		return err
	}
	snac, err := c.await(ctx, oscarwire.ServiceHostFamilies)
	if err != nil {
		return err
	}
	families, err := oscarwire.ParseFamilyList(snac.Body)
	if err != nil {
		return c.s.net.garbled(err)
	}
	c.families = make(map[uint16]bool, len(families))
	for _, f := range families {
		c.families[f] = true
	}
	var versions oscarwire.FamilyVersions
	for _, t := range toolVersions {
		if c.families[t.Family] {
			versions = append(versions, oscarwire.FamilyVersion{Family: t.Family, Version: t.Version})
		}
	}
	c.write(&packet{id: oscarwire.ServiceClientVersions, body: versions})
	c.write(&packet{id: oscarwire.ServiceRateQuery})
	if snac, err = c.await(ctx, oscarwire.ServiceRateReply); err != nil {
		return err
	}
	rates, err := oscarwire.ParseRateParams(snac.Body)
	if err != nil {
		return c.s.net.garbled(err)
	}
	c.rates.setRates(rates)
	c.write(&packet{id: oscarwire.ServiceRateAck, body: rates.ClassIDs()})
	return c.err
}

// load requests the limits of the services, which some servers require, and the contact
// list.
func (c *client) load(ctx context.Context) error {
	c.write(&packet{id: oscarwire.ServiceSelfQuery})
	for _, id := range []oscarwire.ID{oscarwire.LocationRightsQuery, oscarwire.BuddyRightsQuery,
		oscarwire.ICBMParamsQuery, oscarwire.PrivacyRightsQuery, oscarwire.FeedbagRightsQuery} {
		if c.families[id.Family()] {
			c.write(&packet{id: id})
		}
	}
	if !c.families[oscarwire.FamilyFeedbag] {
		return c.err
	}
	return c.contacts.loadList(ctx)
}

// await waits for a SNAC with one of the IDs. It keeps other SNACs for later.
func (c *client) await(ctx context.Context, ids ...oscarwire.ID) (oscarwire.SNAC, error) {
	for c.err == nil {
		f, err := c.conn.next(ctx)
		switch {
		case err != nil:
			return oscarwire.SNAC{}, err
		case f.Channel == oscarwire.ChannelSignOff:
			return oscarwire.SNAC{}, c.ended(f)
		case f.Channel != oscarwire.ChannelData:
			continue
		}
		snac, err := f.SNAC()
		if err != nil {
			return snac, c.s.net.garbled(err)
		}
		if slices.Contains(ids, snac.ID) {
			return snac, nil
		}
		if snac.ID == oscarwire.ServiceError {
			return snac, c.answerError(snac, nil)
		}
		if c.early = append(c.early, snac); len(c.early) > maxEarly {
			return snac, c.s.net.garbled(errors.New("too much before the sign-on is complete"))
		}
	}
	return oscarwire.SNAC{}, c.err
}

// begin sends 01/02 (client ready). The first command of the core is the user's
// presence, so that contacts see no other presence before it.
func (c *client) begin() {
	if c.begun || c.err != nil {
		return
	}
	c.begun = true
	c.write(&packet{id: oscarwire.ICBMSetParams, body: oscarwire.ICBMParams{
		Flags:  oscarwire.ICBMDefaultFlags | oscarwire.ICBMOfflineAllowed,
		MaxLen: 8000, MaxSenderWarn: 999, MaxOwnWarn: 999,
	}})
	c.write(&packet{id: oscarwire.LocationSetInfo, body: oscarwire.LocationInfo{Caps: c.s.net.capabilities(c.s.env.MaxFile > 0), Profile: c.profile.ownText}})
	c.buddies.writePresence()
	c.write(&packet{id: oscarwire.ServiceClientReady, body: c.ready()})
	c.write(&packet{id: oscarwire.ICBMOfflineQuery})
	if !c.s.net.aim {
		c.icbm.offlineBy = c.now().Add(offlineTimeout)
	}
	c.rates.paused = false
	early := c.early
	c.early = nil
	for _, snac := range early {
		if err := c.onSNAC(snac); err != nil {
			c.err = err
			return
		}
	}
}

// ready returns the body of 01/02 for the families that the server supports.
func (c *client) ready() oscarwire.ClientReady {
	var l oscarwire.ClientReady
	for _, t := range toolVersions {
		if c.families[t.Family] {
			l = append(l, t)
		}
	}
	return l
}

// requestService requests the address of a service with a connection of its own.
func (c *client) requestService(q oscarwire.ServiceQuery, done func(oscarwire.Redirect, error)) {
	if !c.s.net.opts.TLS {
		c.askService(q, done)
		return
	}
	// If TLS is requested, Open OSCAR Server returns another address. It refuses the
	// request if no TLS proxy is configured.
	secure := q
	secure.TLVs = append(secure.TLVs[:len(secure.TLVs):len(secure.TLVs)], oscarwire.TLVBytes(oscarwire.TagUseSSL, nil))
	c.askService(secure, func(to oscarwire.Redirect, err error) {
		if err != nil {
			c.askService(q, done)
			return
		}
		done(to, nil)
	})
}

// askService requests the address of a service.
func (c *client) askService(q oscarwire.ServiceQuery, done func(oscarwire.Redirect, error)) {
	c.rates.submit(&packet{id: oscarwire.ServiceRequest, body: q, answered: func(snac oscarwire.SNAC, err error) {
		err = c.answerError(snac, err)
		var to oscarwire.Redirect
		if err == nil {
			to, err = oscarwire.ParseRedirect(snac.Body)
		}
		if err == nil {
			to.Addr, err = nextAddr(to.Addr, c.conn.RemoteAddr().String())
		}
		done(to, err)
	}})
}

// pause stops sending until the server resumes or moves the session. (AOL, "Migration")
func (c *client) pause() {
	c.rates.paused = true
	families := make(oscarwire.FamilyList, 0, len(c.families))
	for f := range c.families {
		families = append(families, f)
	}
	slices.Sort(families)
	c.write(&packet{id: oscarwire.ServicePauseAck, body: families})
}

func (c *client) resume() {
	if c.begun {
		c.rates.paused = false
	}
}

const migrateLimit = 30 * time.Second

// migrate moves the session to another BOS. Queued packets stay queued, and
// unacknowledged messages are sent again.
func (c *client) migrate(ctx context.Context, m *migration) error {
	addr, err := nextAddr(m.addr, c.conn.RemoteAddr().String())
	if err != nil {
		return c.s.net.garbled(err)
	}
	c.s.env.Log.Info().Msg("the server moves the session to another BOS")
	c.icbm.resendUnacknowledged()
	pending := c.pending
	c.close()
	before, blocked := c.contacts.list, c.contacts.blocked()
	c.pending = make(map[uint32]*waiter)
	c.begun, c.rates.paused, c.err, c.early = false, true, nil, nil
	c.contacts.list = newFeedbag(c.s.net.page)
	limited, cancel := context.WithTimeout(ctx, migrateLimit)
	defer cancel()
	if err := c.attach(limited, addr, m.cookie); err != nil {
		return err
	}
	c.buddies.markStale()
	for _, w := range pending {
		w.answered(oscarwire.SNAC{}, c.s.net.lost(nil))
	}
	c.contacts.compare(before)
	c.contacts.emitBlockChanges(blocked)
	return nil
}
