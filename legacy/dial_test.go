package legacy_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"transport/legacy"
)

// closing is a connection that reports its end.
type closing struct {
	net.Conn
	addr   string
	closed func(addr string)
}

func (c closing) Close() error {
	c.closed(c.addr)
	return c.Conn.Close()
}

// TestDialFirst: an address that does not answer hides no other one. (RFC 8305)
func TestDialFirst(t *testing.T) {
	const limit = 10 * time.Second
	// What becomes of a dial by the last digit of the address: 0 never answers, 1 refuses at
	// once, 2 accepts at once, 3 accepts after a second, 4 refuses after a second.
	for _, tt := range []struct {
		name, addrs string
		want        string // "" for none
		took        time.Duration
		dialled     string // in order
	}{
		{"one", "192.0.2.2", "192.0.2.2", 0, "192.0.2.2"},
		{"IPv6 is a black hole", "2001:db8::10 2001:db8::20 2001:db8::30 192.0.2.2", "192.0.2.2", 250 * time.Millisecond, "2001:db8::10 192.0.2.2"},
		{"IPv4 is a black hole", "192.0.2.10 192.0.2.20 2001:db8::2", "2001:db8::2", 250 * time.Millisecond, "192.0.2.10 2001:db8::2"},
		{"one refuses", "2001:db8::1 192.0.2.2", "192.0.2.2", 0, "2001:db8::1 192.0.2.2"},
		{"the first is slow and comes first", "2001:db8::3 192.0.2.13", "2001:db8::3", time.Second, "2001:db8::3 192.0.2.13"},
		{"the first is slow", "2001:db8::3 192.0.2.2", "192.0.2.2", 250 * time.Millisecond, "2001:db8::3 192.0.2.2"},
		{"all refuse", "2001:db8::1 192.0.2.1 192.0.2.11", "", 0, "2001:db8::1 192.0.2.1 192.0.2.11"},
		{"all are black holes", "2001:db8::10 192.0.2.10", "", limit + 250*time.Millisecond, "2001:db8::10 192.0.2.10"},
		{"one after the limit of another", "192.0.2.4 192.0.2.10", "", limit + 250*time.Millisecond, "192.0.2.4 192.0.2.10"},
		{"mapped", "::ffff:192.0.2.2", "192.0.2.2", 0, "192.0.2.2"},
		{"none", "", "", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var dialled, open []string
				dial := func(ctx context.Context, _, addr string) (net.Conn, error) {
					host, port, _ := net.SplitHostPort(addr)
					mu.Lock()
					dialled = append(dialled, host)
					mu.Unlock()
					wait := map[byte]time.Duration{'3': time.Second, '4': time.Second, '0': time.Hour}[host[len(host)-1]]
					select {
					case <-time.After(wait):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					if port != "5190" || strings.ContainsAny(host[len(host)-1:], "14") {
						return nil, errors.New("refused by " + host)
					}
					mu.Lock()
					open = append(open, host)
					mu.Unlock()
					conn, _ := net.Pipe()
					return closing{conn, host, func(addr string) {
						mu.Lock()
						defer mu.Unlock()
						for i := range open {
							if open[i] == addr {
								open = append(open[:i], open[i+1:]...)
								return
							}
						}
					}}, nil
				}
				var addrs []netip.Addr
				for _, addr := range strings.Fields(tt.addrs) {
					addrs = append(addrs, netip.MustParseAddr(addr))
				}
				began := time.Now()
				conn, err := legacy.DialFirst(t.Context(), dial, addrs, "5190", limit)
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if got := strings.Join(dialled, " "); got != tt.dialled {
					t.Errorf("dialled %q, want %q", got, tt.dialled)
				}
				if tt.want == "" {
					if err == nil || strings.Contains(tt.addrs, "1 ") && !strings.Contains(err.Error(), "refused by 192.0.2.1") {
						t.Errorf("error is %v", err)
					}
					return
				}
				if err != nil || conn.(closing).addr != tt.want {
					t.Fatalf("got %v, %v", conn, err)
				}
				if strings.Join(open, " ") != tt.want {
					t.Errorf("%q are open", open)
				}
			})
		})
	}
}

// TestDialFirstCancelled: the attempts end with the context.
func TestDialFirstCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := legacy.DialFirst(ctx, func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}, "5190", time.Minute)
		if took := time.Since(began); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, took)
		}
	})
}
