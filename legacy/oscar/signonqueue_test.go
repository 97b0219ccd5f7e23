package oscar_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
)

// TestSignOnsWait: after a rate-limited sign-on, sessions wait in the queue, each is
// rejected at most once, and the core gets the estimated time.
func TestSignOnsWait(t *testing.T) {
	const users, atOnce, interval = 6, 2, 50 * time.Millisecond
	mock := startMock(t, oscarmock.Options{SignOns: atOnce})
	n := newNetwork(t, optionsFor(mock.Addr()))
	oscar.SetSignOnInterval(n, interval)
	name := func(i int) string { return fmt.Sprint(200001 + i) }
	for i := range users {
		mock.AddAccount(oscarmock.Account{Name: name(i), Password: password})
	}
	for i := range atOnce {
		signOn(t, mock, n, name(i))
	}
	if err := start(t, n, credentials(name(atOnce)), nil).WaitEnd(); legacy.KindOf(err) != legacy.RateLimited {
		t.Fatalf("got %v", err)
	}
	mock.AllowSignOns() // from here only the gateway's own queue limits sign-ons
	refused := time.Now()
	var waiting []*user
	var last time.Time
	for i := atOnce; i < users; i++ {
		u := start(t, n, credentials(name(i)), nil)
		told := expect(u, any[legacy.SignOnDelayed])
		if !told.Until.After(last) || !strings.Contains(told.Text, "You will be signed on in") {
			t.Errorf("number %d: got %+v after %v", i, told, last)
		}
		last = told.Until
		waiting = append(waiting, u)
	}
	waiting[1].Cancel() // the sessions behind move up
	waiting[1].Do(waiting[1].WaitEnd())
	for i, u := range waiting {
		if i != 1 {
			expect(u, any[legacy.Ready])
		}
	}
	if took := time.Since(refused); took < 2*interval {
		t.Errorf("all were signed on after %v", took)
	}
	// After a time without sign-ons, the queue is open again.
	time.Sleep(12 * interval) // there is no event to wait for
	u := start(t, n, credentials(alice), nil)
	if _, delayed := (<-u.Events).(legacy.SignOnDelayed); delayed {
		t.Error("the gate is still closed")
	}
}

// TestServerHangs: a server that hangs leaves time for the next.
func TestServerHangs(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	n := newNetwork(t, optionsFor(silent.Addr().String()+","+mock.Addr()))
	oscar.SetAuthorizeLimit(n, time.Second)
	u := start(t, n, credentials(alice), nil)
	expect(u, any[legacy.Ready])

	alone := newNetwork(t, optionsFor(silent.Addr().String()))
	oscar.SetAuthorizeLimit(alone, 100*time.Millisecond)
	if err := start(t, alone, credentials(alice), nil).WaitEnd(); legacy.KindOf(err) != legacy.Temporary || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

// TestUnreachableAddress: an address that drops packets leaves time, too.
func TestUnreachableAddress(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	n := newNetwork(t, optionsFor("192.0.2.1:5190,"+mock.Addr()))
	oscar.SetAuthorizeLimit(n, time.Second)
	u := startBy(t, n, credentials(alice), nil, func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "192.0.2.1") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	})
	expect(u, any[legacy.Ready])
}
