package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"transport/cmd/transport/internal/bench"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
	"transport/registry"
)

const domain = "icq.localhost"

// world is a gateway between a played XMPP server and a mock ICQ network. User i is
// ui@localhost and has the number uin(i); contact i is a bot with the number contact(i).
type world struct {
	*bench.Runner
	ctx    context.Context
	atXMPP *bench.Counter // messages to XMPP users
	atICQ  *bench.Counter // messages to contacts

	xmpp    *bench.PlayedXMPP
	icq     *oscarmock.Network
	bots    []*oscarmock.Bot
	dir     string // of the gateway
	gateway *bench.Gateway
	starts  int // of the gateway so far
}

func uin(user int) string      { return strconv.Itoa(100_000 + user) }
func contact(i int) string     { return strconv.Itoa(900_000 + i) }
func jid(user int) string      { return fmt.Sprintf("u%d@localhost", user) }
func contactName(i int) string { return fmt.Sprint("Contact ", i) }

// noLimits are rate classes whose levels never fall below their limits, which are 0. The
// gateway computes them as it does on a live network.
var noLimits = []oscarwire.RateClass{{ID: 1, Window: 1, Current: 6000, Max: 6000}, {ID: 3, Window: 1, Current: 6000, Max: 6000}}

// newWorld starts the servers. The latency of every every-th message is measured.
func newWorld(ctx context.Context, r *bench.Runner, every int) *world {
	w := &world{Runner: r, ctx: ctx, atXMPP: bench.NewTimer(every), atICQ: bench.NewTimer(every)}
	w.xmpp = bench.PlayXMPP(domain, w.atXMPP, true)
	w.icq = oscarmock.New(oscarmock.Options{MaxBuddies: 60_000, SplitList: 1000, Rates: noLimits})
	bench.Check(w.icq.Listen("127.0.0.1:0"), "the mock network")
	return w
}

func (w *world) close() {
	if w.gateway != nil {
		w.gateway.Kill()
	}
	w.xmpp.Close()
	w.icq.Close()
}

// people creates contacts, who are online and count messages. reply is what they say to a
// message, nil for nothing.
func (w *world) people(n int, reply func(text string) string) {
	for i := range n {
		b := w.icq.Bot(contact(i), oscarmock.BotOptions{Nick: contactName(i), Reply: func(from, text string) string {
			w.atICQ.Take(i, []byte(text))
			if reply == nil {
				return ""
			}
			return reply(text)
		}})
		b.SignOn()
		w.bots = append(w.bots, b)
	}
}

// users registers users in the registry of a gateway that does not run yet, each with
// contacts that are complete on both sides, and starts it. When it returns, the gateway is
// connected, and nobody is online.
func (w *world) users(n int, contacts func(user int) []int) {
	w.dir = w.Folder()
	db, err := registry.Open(w.ctx, registry.Options{Path: filepath.Join(w.dir, bench.Database), KeyFile: filepath.Join(w.dir, bench.KeyFile)})
	bench.Check(err, "registry")
	var all sync.WaitGroup
	const writers = 64 // they share a commit
	errs := make(chan error, writers)
	for first := range writers {
		all.Go(func() {
			for i := first; i < n; i += writers {
				if err := w.register(db, i, contacts(i)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	bench.Check(<-errs, "register")
	bench.Check(db.Close(), "registry")
	w.startGateway()
}

func (w *world) startGateway() {
	program, profiles := w.Program()
	cmd := bench.WriteConfig(program, w.dir, w.xmpp.Addr(), domain, fmt.Sprintf("driver = \"oscar\"\nallow = [\"localhost\"]\n[network.options]\nserver = %q\n", w.icq.Addr()))
	w.gateway = bench.Start(cmd, w.dir, profiles)
	w.xmpp.Await()
	w.starts++
}

// restart stops the gateway and starts it again.
func (w *world) restart() {
	bench.Check(w.gateway.Terminate(10*time.Second), "stop the gateway")
	w.startGateway()
}

// register registers one user.
func (w *world) register(db *registry.DB, user int, contacts []int) error {
	w.icq.AddAccount(oscarmock.Account{Name: uin(user), Password: "password"})
	items := oscarwire.FeedbagItems{{Name: "General", GroupID: 1, Class: oscarwire.FeedbagGroup}}
	kept := []registry.Contact{{Network: domain, User: jid(user), Subscription: registry.To | registry.From}}
	for _, i := range contacts {
		items = append(items, oscarwire.FeedbagItem{Name: contact(i), GroupID: 1, ItemID: uint16(i + 1), Class: oscarwire.FeedbagBuddy})
		kept = append(kept, registry.Contact{Network: domain, User: jid(user), Peer: contact(i), Name: contactName(i), Groups: []string{"General"},
			Subscription: registry.To | registry.From, Listed: true})
	}
	w.icq.EditFeedbag(uin(user), oscarwire.FeedbagInsert, items...)
	if err := db.PutAccount(w.ctx, registry.Account{Network: domain, User: jid(user), Login: uin(user),
		Fields: map[string]string{"username": uin(user), "password": "password"}}); err != nil {
		return err
	}
	return db.PutContacts(w.ctx, kept)
}

// signOn lets users come online, from first up to last, and waits until they are signed on.
func (w *world) signOn(first, last int) {
	var out []byte
	for i := first; i < last; i++ {
		out = fmt.Appendf(out, "<presence from='%s/x' to='%s'/>", jid(i), domain)
	}
	w.xmpp.Send(out)
	for i := first; i < last; i++ {
		bench.Check(w.icq.WaitSignOns(w.ctx, uin(i), w.starts), "sign on")
	}
}

// settle waits until the gateway has returned unused memory.
func settle() { time.Sleep(3 * time.Second) }

// A user has at most 64 messages in transit to the network; the gateway refuses more. So at
// most that many are in transit when the next chunk of each user is written.
const (
	chunk  = 20 // messages per write
	window = 40
)

// write makes a user write a chunk of messages to a contact, numbered from first on.
func (w *world) write(user, to int, c *bench.Counter, first, n int) {
	var out []byte
	for k := first; k < first+n; k++ {
		out = fmt.Appendf(out, "<message from='%s/x' to='%s@%s' type='chat' id='m%d'><body>", jid(user), contact(to), domain, k)
		out = append(c.Mark(out, user, k), "</body></message>"...)
	}
	w.xmpp.Send(out)
}

// say makes a contact write messages to a user. The streams of the contacts are numbered
// from 1000 on.
func (w *world) say(from, user, first, n int) {
	for k := first; k < first+n; k++ {
		text := string(w.atXMPP.Mark(nil, 1000+from, k))
		bench.Check(w.bots[from].Send(uin(user), text), "send")
	}
}
