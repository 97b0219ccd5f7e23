package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"transport/legacy/oscar/oscarmock"
)

// campaign are the users of a world, who chat while faults strike.
type campaign struct {
	*world
	out       io.Writer // for the progress
	ledger    *ledger
	plan      *rand.Rand // of the faults; only run uses it
	patient   bool       // the run has time for holds that are longer than the gateway's time-outs
	people    []*person
	observers []*observer
	friends   []*oscarmock.Bot
	talking   atomic.Bool
	flooders  map[string]bool // who send too much; only run uses it
	leftOut   map[string]bool // faults that are impossible here; only run uses it
}

const (
	perObserver = 10 // users
	slowUsers   = 3  // users of the rate-limited network
)

// newCampaign creates the users of a world.
func newCampaign(w *world, out io.Writer, users int, seed uint64, patient bool) *campaign {
	c := &campaign{world: w, out: out, ledger: newLedger(), flooders: make(map[string]bool), leftOut: make(map[string]bool), plan: rand.New(rand.NewPCG(seed, 1)), patient: patient}
	for i := range users {
		c.people = append(c.people, newPerson(c.ledger, w.xmpp.Client, i))
		c.friends = append(c.friends, newFriend(c.ledger, w.icq, i, toICQ))
		if i < slowUsers {
			newFriend(c.ledger, w.slow, i, toSlowICQ)
		}
		if i%perObserver == 0 {
			c.observers = append(c.observers, &observer{ledger: c.ledger, addr: w.irc.Addr, nick: fmt.Sprint("eve", i/perObserver)})
		}
		o := c.observers[i/perObserver]
		o.channels = append(o.channels, channel(i))
	}
	return c
}

// run lets the users chat and the faults strike until the time is up.
func (c *campaign) run(ctx context.Context, faults []fault, length time.Duration, seed uint64, rate float64) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, o := range c.observers {
		wg.Go(func() { o.run(ctx) })
	}
	for _, p := range c.people {
		wg.Go(func() { p.run(ctx) })
	}
	began := time.Now()
	if err := c.registerAll(ctx); err != nil {
		return err
	}
	c.progress("%d users are ready after %v", len(c.people), time.Since(began).Round(time.Millisecond))
	for i := range c.people {
		wg.Go(func() { c.talk(ctx, i, rand.New(rand.NewPCG(seed, uint64(100+i))), rate) })
	}
	end := time.Now().Add(length)
	if err := c.strike(ctx, noFault); err != nil {
		return err
	}
	long := time.Duration(0) // that long faults have taken
	budget := slices.ContainsFunc(faults, func(f fault) bool { return !f.long })
	for time.Now().Before(end) {
		struck := false
		for _, i := range c.plan.Perm(len(faults)) {
			f, began := faults[i], time.Now()
			if !began.Before(end) {
				break
			}
			if c.leftOut[f.name] || f.long && budget && long > length/3-longFault {
				continue
			}
			struck = true
			if err := c.strike(ctx, f); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			if f.long {
				long += time.Since(began)
			}
		}
		if !struck {
			break
		}
	}
	return c.finish(ctx)
}

// finish restarts the gateway properly if messages have no outcome yet: behind a network's
// rate limit they may wait for minutes, and a gateway that stops tells their senders.
func (c *campaign) finish(ctx context.Context) error {
	if len(c.ledger.losses(c.witness, 1, false)) == 0 {
		return ctx.Err()
	}
	if err := c.restart(ctx); err != nil {
		return err
	}
	recovery, problem := c.recover(ctx)
	settling, _ := c.settle(ctx)
	c.progress("%-44s %5.1f s, recovered after %4.1f s, settled after %4.1f s%s", "a last restart: messages still wait", 0.0, recovery.Seconds(), settling.Seconds(), problem)
	return ctx.Err()
}

// registerAll registers all users, and waits until they are signed on.
func (c *campaign) registerAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	errs := make(chan error, len(c.people))
	turns := make(chan struct{}, 8) // registrations at once
	for _, p := range c.people {
		go func() { // run waits for them by errs
			turns <- struct{}{}
			defer func() { <-turns }()
			errs <- c.registerOne(ctx, p)
		}()
	}
	var first error
	for range c.people {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	for ctx.Err() == nil && c.missing() != "" {
		wait(ctx, 50*time.Millisecond)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("not ready: %s", c.missing())
	}
	return nil
}

// registerOne registers a user, as soon as the gateway is connected.
func (c *campaign) registerOne(ctx context.Context, p *person) error {
	domains := []string{icqDomain}
	if p.number < slowUsers {
		domains = append(domains, slowDomain)
	}
	for _, domain := range domains {
		for {
			err := p.register(ctx, domain)
			if err == nil {
				break
			}
			wait(ctx, 300*time.Millisecond)
			if ctx.Err() != nil {
				return err
			}
		}
	}
	return nil
}

// missing describes what is not ready; "" if everything is.
func (c *campaign) missing() string {
	offline, signedOff, observers := 0, 0, 0
	for _, p := range c.people {
		if !p.isUp() {
			offline++
		}
		if c.icq.Sessions(uin(p.number)) == 0 {
			signedOff++
		}
	}
	for _, o := range c.observers {
		if !o.isUp() {
			observers++
		}
	}
	if offline+signedOff+observers == 0 {
		return ""
	}
	return fmt.Sprintf("%d users are not in their channel, %d not signed on to ICQ, %d observers not on IRC", offline, signedOff, observers)
}

// talk sends numbered messages from and to a user while talking is set, rate a second.
func (c *campaign) talk(ctx context.Context, i int, dice *rand.Rand, rate float64) {
	p, friend, o := c.people[i], c.friends[i], c.observers[i/perObserver]
	var files sync.WaitGroup
	defer files.Wait()
	sending := make(chan struct{}, 1) // one file at a time
	for ctx.Err() == nil {
		wait(ctx, time.Duration(dice.ExpFloat64()/rate*float64(time.Second)))
		way := dice.IntN(6)
		if dice.IntN(20) == 0 {
			way = 6
		}
		if !c.talking.Load() || p.away.Load() {
			continue
		}
		switch way {
		case 0:
			p.say(toICQ, icqDomain, friendUIN(i)+"@"+icqDomain, "chat")
		case 1:
			p.say(toNick, ircDomain, o.nick+"@"+ircDomain, "chat")
		case 2:
			p.say(toChannel, ircDomain, p.room, "groupchat")
		case 3:
			n := c.ledger.send(fromICQ, p.jid, icqDomain, time.Now())
			if friend.Send(uin(i), mark(n)) != nil {
				c.ledger.unsend(n)
			}
		case 4:
			o.say(fromNick, p.jid, localpart(i))
		case 5:
			o.say(fromChannel, p.jid, channel(i))
		case 6:
			select {
			case sending <- struct{}{}:
				files.Go(func() {
					c.sendFile(ctx, i)
					<-sending
				})
			default:
			}
		}
	}
}

// strike lets a fault strike while users chat, and waits until everything has recovered
// and every message has an outcome.
func (c *campaign) strike(ctx context.Context, f fault) error {
	c.ledger.strike(f.name, f.strict)
	c.talking.Store(true)
	began := time.Now()
	wait(ctx, c.span(400*time.Millisecond, 1200*time.Millisecond))
	if err := f.run(ctx, c); errors.Is(err, errLeftOut) {
		c.leftOut[f.name] = true
		c.progress("%-44s is left out: %v", f.name, err)
	} else if err != nil {
		return err
	}
	struck := time.Since(began)
	wait(ctx, 500*time.Millisecond)
	recovery, problem := c.recover(ctx)
	wait(ctx, 500*time.Millisecond)
	c.talking.Store(false)
	settling, open := c.settle(ctx)
	c.progress("%-44s %5.1f s, recovered after %4.1f s, settled after %4.1f s, %d open%s", f.name, struck.Seconds(), recovery.Seconds(), settling.Seconds(), open, problem)
	if open > 0 {
		for _, line := range c.ledger.losses(c.witness, 10, true) {
			c.progress("  open: %s", line)
		}
	}
	return ctx.Err()
}

// crowd is the additional time that many users need: they share a server and a processor.
func (c *campaign) crowd() time.Duration {
	return time.Duration(len(c.people)) * 100 * time.Millisecond
}

// recover waits until all users are back.
func (c *campaign) recover(ctx context.Context) (time.Duration, string) {
	limit := 12*time.Second + c.crowd()
	if c.patient {
		limit = 100 * time.Second // a refused gateway tries again after a minute
	}
	began := time.Now()
	for ctx.Err() == nil {
		missing := c.missing()
		if missing == "" {
			break
		}
		if time.Since(began) > limit {
			return time.Since(began), "; " + missing
		}
		wait(ctx, 50*time.Millisecond)
	}
	return time.Since(began), ""
}

// quiet is how long nothing may happen before a strike is settled, if all messages have an
// outcome.
const quiet = 1200 * time.Millisecond

// mostSettling is how long a strike may take to settle.
const mostSettling = 4 * time.Minute

// settle waits until every message of the strike has an outcome. It returns the number of
// messages without one.
func (c *campaign) settle(ctx context.Context) (time.Duration, int) {
	limit := 22*time.Second + c.crowd() // longer than the gateway waits for a network's confirmation
	if c.patient {
		limit = 75 * time.Second
	}
	began := time.Now()
	for {
		pending, last := c.ledger.open(c.witness)
		now := time.Now()
		if last.Before(began) {
			last = began
		}
		// While outcomes arrive, the servers are only slow.
		if pending == 0 && now.Sub(last) > quiet || now.Sub(last) > limit || now.Sub(began) > mostSettling || ctx.Err() != nil {
			return now.Sub(began), pending
		}
		wait(ctx, 50*time.Millisecond)
	}
}

// span returns a random duration of the plan.
func (c *campaign) span(from, to time.Duration) time.Duration {
	return from + time.Duration(c.plan.Int64N(int64(to-from)))
}

// hold returns how long a process is stopped or a connection held.
func (c *campaign) hold() time.Duration { return c.span(1500*time.Millisecond, 4*time.Second) }

// longHold is longer than the gateway's time-outs for a peer.
func (c *campaign) longHold() time.Duration { return c.span(46*time.Second, 60*time.Second) }

func (c *campaign) progress(format string, args ...any) {
	fmt.Fprintf(c.out, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// unrecorded returns the number of messages that have arrived although the record of the
// connections says that the gateway has never read them: 0, unless the record is wrong.
func (c *campaign) unrecorded() (n int) {
	for number, dir := range c.ledger.arrivals() {
		if reason := c.witness(number, dir); reason != "" && !c.toXMPP.confirmed(number) && !c.toIRC.confirmed(number) {
			n++
		}
	}
	return n
}
