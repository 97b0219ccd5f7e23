package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
)

const (
	channels = 3 // of IRC, which fill and empty as users come and go
	perUser  = 2
)

// person is a user who comes and goes.
type person struct {
	world      *world
	number     int
	random     *rand.Rand
	friend     *oscarmock.Bot // on ICQ, who answers
	registered bool
	counts     *counts
}

// counts show that the run was one. Any goroutine may use them.
type counts struct{ visits, failed, messages, received atomic.Int64 }

func newPerson(w *world, number int, seed uint64, n *counts) *person {
	friend := w.icq.Bot(fmt.Sprint(500000+number), oscarmock.BotOptions{AddBack: true, Reply: func(_, text string) string { return "You said " + text }})
	friend.SignOn()
	return &person{world: w, number: number, random: rand.New(rand.NewPCG(seed, uint64(number))), friend: friend, counts: n}
}

// run lets the user come and go until ctx ends.
func (p *person) run(ctx context.Context) {
	for ctx.Err() == nil {
		p.counts.visits.Add(1)
		if err := p.visit(ctx); err != nil { // as expected while a server restarts
			p.counts.failed.Add(1)
		}
		_ = p.friend.Send(uin(p.number), "Are you there?") // offline; for the spool of a server, or the gateway's
		wait(ctx, time.Second+rand.N(4*time.Second))
	}
}

// visit is the time between the user's coming and going.
func (p *person) visit(ctx context.Context) error {
	dialing, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	client, err := lab.Dial(dialing, p.world.xmpp.Client, localpart(p.number)+"@"+host+"/soak", password)
	if err != nil {
		return err
	}
	defer client.Kill() // without a leave, if it was not closed
	send := func(format string, args ...any) {
		sending, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		if err == nil {
			err = client.SendXML(sending, fmt.Sprintf(format, args...))
		}
	}
	send("<presence/>")
	send("<presence to='%s'/>", icqDomain) // the gateway is on nobody's roster
	friend := fmt.Sprintf("%d@%s", 500000+p.number, icqDomain)
	if !p.registered {
		asking, cancel := context.WithTimeout(ctx, 3*answerTime)
		defer cancel()
		if _, err := client.IQXML(asking, "set", icqDomain, "<query xmlns='jabber:iq:register'><username>"+uin(p.number)+"</username><password>icqpass</password></query>"); err != nil {
			return err
		}
		p.registered = true
		send("<presence to='%s' type='subscribe'/>", friend)
	}
	rooms := p.random.Perm(channels)[:perUser]
	for _, r := range rooms {
		send("<presence to='#c%d@%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", r, ircDomain, localpart(p.number))
	}
	for i := range 10 + p.random.IntN(30) {
		wait(ctx, rand.N(600*time.Millisecond))
		text := fmt.Sprintf("message %d of %s", i, localpart(p.number))
		if p.random.IntN(2) == 0 {
			send("<message to='%s' type='chat'><body>%s</body></message>", friend, text)
		} else {
			send("<message to='#c%d@%s' type='groupchat'><body>%s</body></message>", rooms[p.random.IntN(perUser)], ircDomain, text)
		}
		if err != nil {
			return err
		}
		p.counts.messages.Add(1)
	}
	if p.random.IntN(2) == 0 {
		for _, r := range rooms {
			send("<presence to='#c%d@%s/%s' type='unavailable'/>", r, ircDomain, localpart(p.number))
		}
	}
	p.counts.received.Add(int64(client.Count(func(*element.Element) bool { return true })))
	if p.random.IntN(3) > 0 && err == nil {
		err = client.Close()
	}
	return err
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
