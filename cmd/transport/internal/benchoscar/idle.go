package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/bench"
	"transport/component"
	"transport/registry"
)

// idleSizes are the numbers of idle users of idleInProcess.
var idleSizes = []int{100, 1000, 10_000, 100_000}

// idleInProcess measures what idle users cost the core alone: the component runs in this
// process, with sessions that need no connection.
func idleInProcess(r *bench.Runner) error {
	fmt.Printf("| idle users, in process | signed on after | CPU a message of another user | memory a user |\n|---|---|---|---|\n")
	for _, n := range idleSizes {
		n = r.Scaled(n)
		got, err := bench.Protect(func() bench.Result { return idleCore(r, n) })
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.2f s | %.1f µs | %.1f KiB |\n", n, got.Elapsed.Seconds(), got.Each(), got.Memory)
	}
	return nil
}

// idleCore runs the component with n idle users and one who talks.
func idleCore(r *bench.Runner, n int) bench.Result {
	ctx, cancel := context.WithCancel(r.Ctx)
	count := bench.NewCounter()
	xmpp := bench.PlayXMPP(domain, count, true)
	defer xmpp.Close()
	dir := r.Folder()
	db, err := registry.Open(ctx, registry.Options{Path: filepath.Join(dir, bench.Database), KeyFile: filepath.Join(dir, bench.KeyFile)})
	bench.Check(err, "registry")
	defer db.Close()
	var all sync.WaitGroup
	const writers = 64
	for first := range writers {
		all.Go(func() {
			for i := first; i <= n; i += writers {
				_ = db.PutAccount(ctx, registry.Account{Network: domain, User: jid(i), Login: uin(i), Fields: map[string]string{"username": uin(i)}})
				_ = db.PutContacts(ctx, []registry.Contact{{Network: domain, User: jid(i), Subscription: registry.To | registry.From}})
			}
		})
	}
	all.Wait()
	network := &parrots{}
	c, err := component.New(component.Config{Domain: domain, Server: xmpp.Addr(), Secret: bench.Secret, Network: network,
		Registry: db, Log: zerolog.Nop(), Dial: new(net.Dialer).DialContext, Policy: component.Policy{Allow: []string{"localhost"}}})
	bench.Check(err, "component")
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	defer running.Wait()
	defer cancel()
	before := memory()
	start := time.Now()
	xmpp.Await()
	bench.Until(ctx, "the sign-ons", 5*time.Minute, func() bool { return network.ready.Load() > int64(n) })
	res := bench.Result{Elapsed: time.Since(start)}
	bench.Until(ctx, "the presence of the gateway", time.Minute, func() bool { return xmpp.Presences.Load() > int64(n) })
	res.Memory = (memory() - before) / float64(n)
	cpu := bench.OwnCPU()
	for ; res.Messages < messages; res.Messages += chunk {
		var out []byte
		for k := range chunk {
			out = fmt.Appendf(out, "<message from='%s/x' to='parrot@%s' type='chat'><body>", jid(0), domain)
			out = append(count.Mark(out, 0, res.Messages+k), "</body></message>"...)
		}
		xmpp.Send(out)
		bench.Window(count, res.Messages+chunk, 4*chunk)
	}
	count.Wait(messages, time.Minute)
	res.CPU = bench.OwnCPU() - cpu
	return res
}

// memory returns the memory of this process that is in use, in KiB: heap and stacks.
func memory() float64 {
	runtime.GC()
	runtime.GC() // it halves stacks again
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc+m.StackInuse) / 1024
}
