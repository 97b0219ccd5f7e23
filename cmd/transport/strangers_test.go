package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/component"
	"transport/component/componenttest"
	"transport/legacy/irc"
	"transport/registry"
)

// Three thousand strangers join a server that refuses them, while a user is busy. Some are
// refused at once; afterwards the process has given the memory back.
func TestStrangersMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	const gw, strangers = "irc.example.org", 3000
	dir := t.TempDir()
	db, err := registry.Open(context.Background(), registry.Options{Path: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	options := irc.DefaultOptions()
	options.Private = true // an address that needs no DNS
	network, err := irc.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := componenttest.NewServer(t, gw, "secret")
	open := make(chan struct{}) // the IRC server answers nobody before
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == componenttest.Addr {
			return server.Dial(ctx, network, addr)
		}
		select {
		case <-open:
		case <-ctx.Done():
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	c, err := component.New(component.Config{Domain: gw, Server: componenttest.Addr, Secret: "secret", Network: network, Registry: db, Dial: dial,
		Log: zerolog.Nop(), Policy: component.Policy{Allow: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	defer func() {
		cancel()
		<-ended
	}()
	server.Linked(1)
	keeper, now := newMemoryKeeper(nil), uint64(0)
	sample := func() uint64 { // as in run, for a process that is never idle
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		now += 1 << 20
		keeper.sample(now, m.HeapAlloc, m.HeapInuse+m.HeapIdle-m.HeapReleased)
		return (m.HeapInuse + m.HeapIdle - m.HeapReleased + m.StackInuse) >> 20
	}
	shrink()
	start, before := sample(), runtime.NumGoroutine()
	for i := range strangers {
		server.Send(fmt.Sprintf("<presence from='guest%d@example.com/pc' to='#c%d%%127.0.0.1@%s/guest%d'><x xmlns='http://jabber.org/protocol/muc'/></presence>", i, i%100, gw, i))
	}
	full, failed := 0, 0
	count := func() {
		for _, e := range server.Take() {
			switch text := e.String(); {
			case strings.Contains(text, "resource-constraint"):
				full++
			case e.Attr("type") == "error":
				failed++
			}
		}
	}
	deadline := time.Now().Add(60 * time.Second)
	for full < strangers-1000 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // the server's queue has no barrier for what is never answered
		count()
	}
	peak := runtime.NumGoroutine() - before
	close(open)
	for full+failed < strangers && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		count()
	}
	if full != strangers-1000 || failed != 1000 || peak > 1000*6 {
		t.Errorf("%d were refused at once and %d by the server, of %d; %d goroutines", full, failed, strangers, peak)
	}
	for runtime.NumGoroutine() > before+5 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	held := uint64(0)
	for range memoryPause + 1 {
		held = sample()
	}
	t.Logf("%d MiB before, %d MiB afterwards; %d goroutines at the peak", start, held, peak)
	if held > start+10 || runtime.NumGoroutine() > before+5 {
		t.Errorf("the process holds %d MiB of Go memory, %d before; %d goroutines, %d before", held, start, runtime.NumGoroutine(), before)
	}
}
