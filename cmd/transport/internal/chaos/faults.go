package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// fault is something that breaks while users chat. run returns when the cause is gone; the
// gateway then recovers by itself.
type fault struct {
	name string
	run  func(ctx context.Context, c *campaign) error
}

// allFaults are the faults of a campaign.
func allFaults() []fault {
	return []fault{
		{"gateway: kill -9", func(ctx context.Context, c *campaign) error { return c.killGateway(ctx) }},
		{"gateway: kill -9 with a queue behind the rates", func(ctx context.Context, c *campaign) error {
			for _, p := range c.people[:min(slowUsers, len(c.people))] {
				c.burst(p, 30)
			}
			wait(ctx, 300*time.Millisecond)
			return c.killGateway(ctx)
		}},
		{"gateway: SIGSTOP", func(ctx context.Context, c *campaign) error { return c.stop(ctx, c.world.signal) }},
		{"client: closes after a burst", func(ctx context.Context, c *campaign) error { return c.closeAfterBurst(ctx) }},
		{"XMPP server: kill -9", func(ctx context.Context, c *campaign) error {
			c.xmpp.Kill()
			wait(ctx, c.span(0, time.Second))
			return c.xmpp.Start(ctx)
		}},
		{"XMPP server: SIGSTOP", func(ctx context.Context, c *campaign) error { return c.stop(ctx, c.xmpp.Signal) }},
		{"XMPP link: cut", func(ctx context.Context, c *campaign) error { return c.cut(ctx, c.toXMPP) }},
		{"XMPP link: half-open, then cut", func(ctx context.Context, c *campaign) error { return c.halfOpen(ctx, c.toXMPP) }},
		{"XMPP link: held", func(ctx context.Context, c *campaign) error { return c.held(ctx, c.toXMPP) }},
		{"IRC server: kill -9", func(ctx context.Context, c *campaign) error {
			c.irc.Kill()
			wait(ctx, c.span(0, time.Second))
			return c.irc.Start(ctx)
		}},
		{"IRC server: SIGSTOP", func(ctx context.Context, c *campaign) error { return c.stop(ctx, c.irc.Signal) }},
		{"IRC links: cut", func(ctx context.Context, c *campaign) error { return c.cut(ctx, c.toIRC) }},
		{"IRC links: half-open, then cut", func(ctx context.Context, c *campaign) error { return c.halfOpen(ctx, c.toIRC) }},
		{"ICQ: crash", func(ctx context.Context, c *campaign) error {
			c.icq.Hang()
			wait(ctx, c.span(0, time.Second))
			return c.icq.Listen(c.icqAddr)
		}},
		{"ICQ: does not answer", func(ctx context.Context, c *campaign) error {
			c.icq.Stall()
			defer c.icq.Resume()
			wait(ctx, c.hold())
			return nil
		}},
		{"ICQ links: cut", func(ctx context.Context, c *campaign) error { return c.cut(ctx, c.toICQ) }},
		{"ICQ links: half-open, then cut", func(ctx context.Context, c *campaign) error { return c.halfOpen(ctx, c.toICQ) }},
	}
}

// killGateway kills the gateway and starts it again.
func (c *campaign) killGateway(ctx context.Context) error {
	c.ledger.crash(time.Now())
	c.kill()
	wait(ctx, c.span(0, time.Second))
	err := c.start()
	for _, p := range c.people {
		p.rejoin() // rooms without a registration end with the process
	}
	return err
}

// stop stops a process for a while.
func (c *campaign) stop(ctx context.Context, signal func(syscall.Signal) error) error {
	if err := signal(syscall.SIGSTOP); err != nil {
		return err
	}
	wait(ctx, c.hold())
	return signal(syscall.SIGCONT)
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
func (c *campaign) halfOpen(ctx context.Context, wire *cable) error {
	wire.stall()
	defer wire.resume()
	wait(ctx, c.hold())
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

// burst sends more messages at once than the rate-limited network accepts.
func (c *campaign) burst(p *person, count int) {
	for range count {
		p.say(toSlowICQ, slowDomain, friendUIN(p.number)+"@"+slowDomain, "chat")
	}
}

// closeAfterBurst sends a burst and goes offline at once. The user comes back after the
// gateway has ended their session.
func (c *campaign) closeAfterBurst(ctx context.Context) error {
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
