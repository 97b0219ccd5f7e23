package registry

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// callers64 makes RunParallel use 64 goroutines on any number of cores.
func callers64(b *testing.B) { b.SetParallelism((64 + maxProcs() - 1) / maxProcs()) }

func BenchmarkPutContact(b *testing.B) {
	for _, bench := range []struct {
		name     string
		parallel bool
	}{{"serial", false}, {"64callers", true}} {
		b.Run(bench.name, func(b *testing.B) {
			d := openTemp(b)
			for i := range 64 {
				putTestAccount(b, d, testNet, fmt.Sprintf("user%d@example.org", i))
			}
			var callers atomic.Int64
			put := func(user string, i int) error {
				return d.PutContact(context.Background(), Contact{Network: testNet, User: user,
					Peer: fmt.Sprintf("peer%d", i%200), Name: "A Name", Groups: []string{"Friends"}, Subscription: To | From, LastSeen: testNow})
			}
			b.ReportAllocs()
			b.ResetTimer()
			if !bench.parallel {
				for i := range b.N {
					if err := put("user0@example.org", i); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			callers64(b)
			b.RunParallel(func(pb *testing.PB) {
				user := fmt.Sprintf("user%d@example.org", callers.Add(1)%64)
				for i := 0; pb.Next(); i++ {
					if err := put(user, i); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkPutContacts500(b *testing.B) {
	d := openTemp(b)
	putTestAccount(b, d, testNet, testUser)
	contacts := make([]Contact, 500)
	for i := range contacts {
		contacts[i] = Contact{Network: testNet, User: testUser, Peer: fmt.Sprintf("peer%d", i), Name: "A Name", Subscription: To}
	}
	b.ResetTimer()
	for range b.N {
		if err := d.PutContacts(context.Background(), contacts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeepMessage(b *testing.B) {
	payload := []byte(strings.Repeat("x", 500))
	for _, bench := range []struct {
		name     string
		parallel bool
	}{{"serial", false}, {"64callers", true}} {
		b.Run(bench.name, func(b *testing.B) {
			d := openTemp(b)
			for i := range 64 {
				putTestAccount(b, d, testNet, fmt.Sprintf("user%d@example.org", i))
			}
			// As in production: a message is spooled, and deleted soon after.
			keep := func(user string) error {
				id, err := d.KeepMessage(context.Background(), Message{Network: testNet, User: user, Peer: "peer",
					Direction: Inbound, StanzaID: "id", Payload: payload})
				if err != nil {
					return err
				}
				return d.ForgetMessages(context.Background(), id)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if !bench.parallel {
				for range b.N {
					if err := keep("user0@example.org"); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			var callers atomic.Int64
			callers64(b)
			b.RunParallel(func(pb *testing.PB) {
				user := fmt.Sprintf("user%d@example.org", callers.Add(1)%64)
				for pb.Next() {
					if err := keep(user); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkAccount(b *testing.B) {
	d := openTemp(b)
	for i := range 1000 {
		putTestAccount(b, d, testNet, fmt.Sprintf("user%d@example.org", i))
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for i := range b.N {
			if _, err := d.Account(ctx, testNet, fmt.Sprintf("user%d@example.org", i%1000)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("byLogin", func(b *testing.B) {
		for i := range b.N {
			if _, err := d.AccountByLogin(context.Background(), testNet, fmt.Sprintf("user%d@example.org", i%1000)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("put", func(b *testing.B) {
		for i := range b.N {
			putTestAccount(b, d, testNet, fmt.Sprintf("user%d@example.org", i%1000))
		}
	})
}

func BenchmarkContactsRead(b *testing.B) {
	d := openTemp(b)
	putTestAccount(b, d, testNet, testUser)
	for i := range 200 {
		putTestContact(b, d, testUser, fmt.Sprintf("peer%d", i))
	}
	b.ResetTimer()
	for range b.N {
		if got, err := d.Contacts(context.Background(), testNet, testUser); err != nil || len(got) != 200 {
			b.Fatal(len(got), err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	r := testRing(b, 1)
	at := accountPlace("fields", testNet, testUser)
	plain := []byte(strings.Repeat("x", 200))
	sealed := r.seal(plain, at)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			r.seal(plain, at)
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := r.open(sealed, at); err != nil {
				b.Fatal(err)
			}
		}
	})
}
