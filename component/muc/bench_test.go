package muc

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/component/element"
	"transport/component/peers"
	"transport/legacy"

	"sync/atomic"
)

// nowhere is a link that discards everything.
type nowhere struct{ written int }

func (l *nowhere) Write(b []byte) error  { l.written += len(b); return nil }
func (l *nowhere) Send(*element.Element) {}

// BenchmarkMessage is a message of an occupant, on its way to each client in the room.
func BenchmarkMessage(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			host := &stageHost{offline: true}
			log := zerolog.Nop()
			rs := NewRooms(context.Background(), &Shared{Peers: &peers.Map{Domain: gw, Network: network{}}, Clock: wallClock{}, Link: &nowhere{},
				Archive: &Archive{}, Received: new(atomic.Int64)}, host, noMarks{}, alice, &log)
			r := rs.newRoom(clubPeer)
			for i := range clients {
				r.clients[fmt.Sprintf("%s/%d", alice, i)] = &roomClient{}
			}
			rs.OnEvent(roomJoined())
			b.ReportAllocs()
			for i := range b.N {
				rs.OnEvent(legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "Wherefore art thou, Romeo?", ID: fmt.Sprint(i)})
			}
		})
	}
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }
