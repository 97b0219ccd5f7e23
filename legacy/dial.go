package legacy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// attemptDelay is the delay after which the next address is tried although the last one
	// has not failed. (RFC 8305 §5)
	attemptDelay = 250 * time.Millisecond
	maxAttempts  = 8 // limit: addresses of one host that are tried | the connection fails
)

// DialFirst connects to the first of a host's addresses that answers, for Connect, which
// chooses the addresses. It alternates between IPv6 and IPv4 and does not wait
// for an address that is silent: the next one is tried after a quarter of a second, or as
// soon as one fails. Each attempt takes at most limit. Without a connection it returns the
// errors of all attempts, joined. All attempts have ended when it returns. (RFC 8305)
func DialFirst(ctx context.Context, dial DialFunc, addrs []netip.Addr, port string, limit time.Duration) (net.Conn, error) {
	type outcome struct {
		conn net.Conn
		err  error
	}
	addrs = alternating(addrs)
	if len(addrs) == 0 {
		return nil, errors.New("legacy: no address to dial")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome, len(addrs)) // limit: results of attempts to connect | never exceeded: one for each
	next := time.NewTimer(0)
	defer next.Stop()
	var errs []error
	begun := 0
	for ended := 0; ended < begun || begun < len(addrs) && ctx.Err() == nil; {
		select {
		case <-next.C:
			if begun == len(addrs) || ctx.Err() != nil {
				continue
			}
			addr := net.JoinHostPort(addrs[begun].String(), port)
			begun++
			next.Reset(attemptDelay)
			go func() {
				limited, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				conn, err := dial(limited, "tcp", addr)
				outcomes <- outcome{conn, err}
			}()
		case o := <-outcomes:
			ended++
			if o.err != nil {
				errs = append(errs, o.err)
				next.Reset(0)
				continue
			}
			for cancel(); ended < begun; ended++ {
				if late := <-outcomes; late.err == nil {
					late.conn.Close()
				}
			}
			return o.conn, nil
		}
	}
	return nil, errors.Join(append(errs, ctx.Err())...)
}

// alternating returns at most maxAttempts addresses, alternating between the families,
// beginning with that of the first one. (RFC 8305 §4)
func alternating(addrs []netip.Addr) []netip.Addr {
	var families [2][]netip.Addr
	for _, addr := range addrs {
		family := 0
		if addr = addr.Unmap(); addr.Is4() != addrs[0].Unmap().Is4() {
			family = 1
		}
		families[family] = append(families[family], addr)
	}
	var all []netip.Addr
	for i := 0; i < len(addrs) && len(all) < maxAttempts; i++ {
		for _, family := range families {
			if i < len(family) && len(all) < maxAttempts {
				all = append(all, family[i])
			}
		}
	}
	return all
}
