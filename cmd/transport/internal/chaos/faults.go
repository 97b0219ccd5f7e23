package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"syscall"
	"time"
)

// fault is something that breaks while users chat. run returns when the cause is gone; the
// gateway then recovers by itself.
type fault struct {
	name   string
	run    func(ctx context.Context, c *campaign) error
	long   bool // it takes up to longFault
	strict bool // see ledger.strike
}

// longFault is longer than every time-out of the gateway for a peer.
const longFault = 90 * time.Second

// errLeftOut: a fault is impossible on this system.
var errLeftOut = errors.New("not possible here")

// noFault is the time with which the others are compared.
var noFault = fault{name: "none", run: func(ctx context.Context, c *campaign) error {
	c.probe(ctx, c.span(1500*time.Millisecond, 2*time.Second))
	return nil
}}

// allFaults are the faults of a campaign.
func allFaults() []fault {
	return slices.Concat(processFaults(), linkFaults(), databaseFaults(), resourceFaults())
}

// processFaults end and stop processes.
func processFaults() []fault {
	return []fault{
		{name: "gateway: kill -9", run: killGateway},
		{name: "gateway: kill -9 with a queue behind the rates", run: func(ctx context.Context, c *campaign) error {
			for _, p := range c.people[:min(slowUsers, len(c.people))] {
				c.burst(p, 30)
			}
			wait(ctx, 300*time.Millisecond)
			return killGateway(ctx, c)
		}},
		{name: "gateway: SIGSTOP", run: func(ctx context.Context, c *campaign) error { return c.stop(ctx, c.world.signal, c.hold()) }},
		{name: "gateway: SIGSTOP for long", long: true, run: func(ctx context.Context, c *campaign) error {
			return c.stop(ctx, c.world.signal, c.longHold())
		}},
		{name: "gateway: SIGTERM, and started again", run: func(ctx context.Context, c *campaign) error { return c.restart(ctx) }},
		{name: "gateway: SIGHUP", run: func(ctx context.Context, c *campaign) error {
			for range 3 {
				if err := c.world.signal(syscall.SIGHUP); err != nil {
					return err
				}
				wait(ctx, c.span(0, 300*time.Millisecond))
			}
			return nil
		}},
		{name: "client: closes after a burst", run: closeAfterBurst},
		{name: "XMPP server: kill -9", run: func(ctx context.Context, c *campaign) error {
			c.xmpp.Kill()
			wait(ctx, c.span(0, time.Second))
			return c.xmpp.Start(ctx)
		}},
		{name: "XMPP server: SIGSTOP", run: func(ctx context.Context, c *campaign) error { return c.stop(ctx, c.xmpp.Signal, c.hold()) }},
		{name: "XMPP server: SIGSTOP for long", long: true, run: func(ctx context.Context, c *campaign) error {
			return c.stop(ctx, c.xmpp.Signal, c.longHold())
		}},
		{name: "XMPP server: another secret for a while", long: true, run: changeSecret},
		{name: "IRC server: kill -9", run: func(ctx context.Context, c *campaign) error {
			c.irc.Kill()
			wait(ctx, c.span(0, time.Second))
			return c.irc.Start(ctx)
		}},
		{name: "IRC server: SIGSTOP", run: func(ctx context.Context, c *campaign) error { return c.stop(ctx, c.irc.Signal, c.hold()) }},
		{name: "IRC server: SIGSTOP for long", long: true, run: func(ctx context.Context, c *campaign) error {
			return c.stop(ctx, c.irc.Signal, c.longHold())
		}},
		{name: "ICQ: crash", run: func(ctx context.Context, c *campaign) error {
			c.icq.Hang()
			wait(ctx, c.span(0, time.Second))
			return c.icq.Listen(c.icqAddr)
		}},
		{name: "ICQ: does not answer", run: func(ctx context.Context, c *campaign) error { return c.stallICQ(ctx, c.hold()) }},
		{name: "ICQ: does not answer for long", long: true, run: func(ctx context.Context, c *campaign) error { return c.stallICQ(ctx, c.longHold()) }},
	}
}

// linkFaults break and slow the connections.
func linkFaults() []fault {
	var all []fault
	for _, of := range []struct {
		name string
		wire func(*campaign) *cable
	}{
		{"XMPP link", func(c *campaign) *cable { return c.toXMPP }},
		{"IRC links", func(c *campaign) *cable { return c.toIRC }},
		{"ICQ links", func(c *campaign) *cable { return c.toICQ }},
	} {
		all = append(all, []fault{
			{name: of.name + ": cut", run: func(ctx context.Context, c *campaign) error { return c.cut(ctx, of.wire(c)) }},
			{name: of.name + ": half-open, then cut", run: func(ctx context.Context, c *campaign) error { return c.halfOpen(ctx, of.wire(c), c.hold()) }},
			{name: of.name + ": half-open for long", long: true, strict: of.name == "XMPP link", run: func(ctx context.Context, c *campaign) error {
				return c.halfOpen(ctx, of.wire(c), c.longHold())
			}},
			{name: of.name + ": held", run: func(ctx context.Context, c *campaign) error { return c.held(ctx, of.wire(c)) }},
			{name: of.name + ": slow, each way with its own delay", run: func(ctx context.Context, c *campaign) error {
				return c.slow(ctx, of.wire(c), pace{delay: c.span(100*time.Millisecond, time.Second)}, pace{delay: c.span(100*time.Millisecond, time.Second)})
			}},
			{name: of.name + ": the server reads slowly", run: func(ctx context.Context, c *campaign) error {
				return c.slow(ctx, of.wire(c), pace{rate: 500 + 50*len(c.people)}, pace{})
			}},
			{name: of.name + ": the gateway gets little at a time", run: func(ctx context.Context, c *campaign) error {
				return c.slow(ctx, of.wire(c), pace{}, pace{rate: 500 + 50*len(c.people)})
			}},
		}...)
	}
	return append(all, fault{name: "XMPP link: pings do not come back", long: true, run: misroutePings})
}

// killGateway kills the gateway and starts it again.
func killGateway(ctx context.Context, c *campaign) error {
	c.ledger.crash(time.Now())
	c.kill()
	wait(ctx, c.span(0, time.Second))
	err := c.start()
	for _, p := range c.people {
		p.rejoin() // rooms without a registration end with the process
	}
	return err
}

// restart ends the gateway properly and starts it again.
func (c *campaign) restart(ctx context.Context, env ...string) error {
	if err := c.stopGateway(); err != nil {
		return err
	}
	wait(ctx, c.span(0, time.Second))
	err := c.start(env...)
	for _, p := range c.people {
		p.rejoin()
	}
	return err
}

// stop stops a process for a while.
func (c *campaign) stop(ctx context.Context, signal func(syscall.Signal) error, hold time.Duration) error {
	if err := signal(syscall.SIGSTOP); err != nil {
		return err
	}
	wait(ctx, hold)
	return signal(syscall.SIGCONT)
}

// stallICQ makes the ICQ network stop for a while.
func (c *campaign) stallICQ(ctx context.Context, hold time.Duration) error {
	c.icq.Stall()
	defer c.icq.Resume()
	wait(ctx, hold)
	return nil
}

// changeSecret makes the XMPP server refuse the gateway for a while.
func changeSecret(ctx context.Context, c *campaign) error {
	for _, change := range [][2]string{{secret, secret + "-changed"}, {secret + "-changed", secret}} {
		if err := c.xmpp.Replace(change[0], change[1]); err != nil {
			return err
		}
		if err := c.xmpp.Restart(ctx); err != nil {
			return err
		}
		wait(ctx, c.span(2*time.Second, 4*time.Second))
	}
	return nil
}

// ownPing is a ping of the gateway to itself; the last group is the first letter of the
// receiver.
var ownPing = regexp.MustCompile(`\bto=['"]([a-z])[a-z.]*['"]><ping xmlns=['"]urn:xmpp:ping['"]`)

// misroutePings makes the XMPP server not route the gateway's pings back, and breaks the
// connection before and after the gateway has noticed it.
func misroutePings(ctx context.Context, c *campaign) error {
	c.toXMPP.setChange(func(data []byte) []byte {
		changed := bytes.Clone(data)
		for _, found := range ownPing.FindAllSubmatchIndex(data, -1) {
			changed[found[2]] = 'x'
		}
		return changed
	})
	defer c.toXMPP.setChange(nil)
	for _, d := range []time.Duration{2 * time.Second, 35 * time.Second, 2 * time.Second} {
		c.toXMPP.cut()
		wait(ctx, d)
	}
	c.toXMPP.cut()
	return nil
}

// cut resets the connections several times.
func (c *campaign) cut(ctx context.Context, wire *cable) error {
	for range 1 + c.plan.IntN(3) {
		wire.cut()
		wait(ctx, c.span(100*time.Millisecond, time.Second))
	}
	return nil
}

// halfOpen lets nothing pass for a while, and then resets the connections.
func (c *campaign) halfOpen(ctx context.Context, wire *cable, hold time.Duration) error {
	wire.stall()
	defer wire.resume()
	wait(ctx, hold)
	wire.cut()
	return nil
}

// held lets nothing pass for a while, and then everything.
func (c *campaign) held(ctx context.Context, wire *cable) error {
	wire.stall()
	defer wire.resume()
	wait(ctx, c.hold())
	return nil
}

// slow slows the connections for a while.
func (c *campaign) slow(ctx context.Context, wire *cable, toServer, toGateway pace) error {
	wire.setPace(toServer, toGateway)
	defer wire.setPace(pace{}, pace{})
	wait(ctx, c.span(3*time.Second, 6*time.Second))
	return nil
}

// burst sends more messages at once than the rate-limited network accepts.
func (c *campaign) burst(p *person, count int) {
	for range count {
		p.say(toSlowICQ, slowDomain, friendUIN(p.number)+"@"+slowDomain, "chat")
	}
}

// closeAfterBurst sends a burst and goes offline at once. The user comes back after the
// gateway has ended their session.
func closeAfterBurst(ctx context.Context, c *campaign) error {
	some := c.people[:min(slowUsers, len(c.people))]
	for _, p := range some {
		c.burst(p, 40)
		p.leave()
	}
	wait(ctx, 3*time.Second) // longer than server.linger
	for _, p := range some {
		p.come()
	}
	if ctx.Err() == nil && !slices.ContainsFunc(some, (*person).isRegistered) {
		return fmt.Errorf("nobody is registered with %s", slowDomain)
	}
	return nil
}
