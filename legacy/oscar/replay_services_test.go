package oscar

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// The recorded connections to services, and one with a sender of files, with each frame
// truncated and changed at every offset.

// replayTo connects a session to a recorded server: frames, one of them with another
// payload.
func replayTo(s *session, said []byte) {
	s.scope = legacy.ScopeAny // of a transcript
	s.env.Dial = func(context.Context, string, string) (net.Conn, error) {
		end, _ := net.Pipe()
		return replayed{addressed{end}, bytes.NewReader(said)}, nil
	}
}

// framed joins frames to a stream, with one payload replaced.
func framed(frames []oscarwire.Frame, at int, payload []byte) (said []byte) {
	for i, f := range frames {
		if i == at {
			f.Payload = payload
		}
		said, _ = oscarwire.AppendFLAP(said, f.Channel, uint16(i), oscarwire.Raw(f.Payload))
	}
	return said
}

// TestReplayedServices replays the connections to the services for icons and for the
// navigation of rooms, and to rooms: nothing panics or hangs, and each uses little
// memory.
func TestReplayedServices(t *testing.T) {
	const maxEach = 256 << 10 // bytes, including those of a connection
	emit := func(ev legacy.Event) {
		if m, ok := ev.(legacy.RoomMessage); ok && m.Text != oscarwire.Clean(m.Text) {
			t.Errorf("the core gets %+v", m)
		}
	}
	to := oscarwire.Redirect{Addr: "127.0.0.1:5190", Cookie: []byte{1}}
	use := map[uint16]func(context.Context, *client) error{
		oscarwire.FamilyBART: func(ctx context.Context, c *client) error {
			batch := []iconRequest{{"100002", oscarwire.BARTItem{Type: oscarwire.BARTIcon, Data: []byte("0123456789abcdef")}}}
			return c.s.downloadIcons(ctx, to, batch)
		},
		oscarwire.FamilyChatNav: func(ctx context.Context, c *client) error {
			return c.s.withServiceAt(ctx, to, time.Minute, newDeafRoom(c).findAt)
		},
		oscarwire.FamilyChat: func(ctx context.Context, c *client) error {
			r := newDeafRoom(c)
			r.enterBy = time.Now().Add(time.Minute)
			if err := r.connectTo(ctx, to); err != nil {
				return err
			}
			defer r.close()
			r.send(&message{ref: "1", to: r.peer.ID}, "hello", nil)
			err := r.serve()
			c.chats.onRoomEnded(r, err)
			return err
		},
	}
	whole, seen := make(map[uint16]int), make(map[string]bool)
	var before, after runtime.MemStats
	for _, rec := range recordings(t) {
		for _, frames := range rec.conns {
			family := serviceOf(frames)
			serve := use[family]
			if serve == nil {
				continue
			}
			if family == oscarwire.FamilyChatNav {
				frames = withoutRights(frames)
			}
			play := func(said []byte) error {
				c := newDeafClient(t, flavorAIM, emit)
				replayTo(c.s, said)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := serve(ctx, c)
				if ctx.Err() != nil {
					t.Errorf("%s, service %02X: it hangs", rec.file, family)
				}
				c.background.Wait()
				return err
			}
			if err := play(framed(frames, -1, nil)); err == nil || family == oscarwire.FamilyChat && legacy.KindOf(err) == legacy.Temporary {
				whole[family]++
			}
			for i, frame := range frames {
				snac, _ := frame.SNAC()
				if kind := fmt.Sprint(family, frame.Channel, snac.ID, len(frame.Payload)/64); seen[kind] {
					continue
				} else {
					seen[kind] = true
				}
				count := 0
				runtime.ReadMemStats(&before)
				mutations(frame.Payload, func(payload []byte) {
					count++
					_ = play(framed(frames, i, payload))
				})
				runtime.ReadMemStats(&after)
				if each := (after.TotalAlloc - before.TotalAlloc) / uint64(max(count, 1)); each > maxEach {
					t.Errorf("%s: %v takes %d bytes of memory each time", rec.file, snac.ID, each)
				}
			}
		}
	}
	for family := range use {
		if whole[family] == 0 {
			t.Errorf("no recorded connection to service %02X can be used as it is", family)
		}
	}
}

// withoutRights returns the frames of a navigator without the answer to a query that
// the adapter does not send: the first of two.
func withoutRights(frames []oscarwire.Frame) []oscarwire.Frame {
	answers := 0
	return slices.DeleteFunc(slices.Clone(frames), func(f oscarwire.Frame) bool {
		snac, err := f.SNAC()
		if err == nil && f.Channel == oscarwire.ChannelData && snac.ID == oscarwire.ChatNavReply {
			answers++
			return answers == 1
		}
		return false
	})
}

// serviceOf returns the family of a recorded connection, 0 for a connection to BOS or
// the authorizer.
func serviceOf(frames []oscarwire.Frame) uint16 {
	for _, f := range frames {
		snac, err := f.SNAC()
		if err != nil || f.Channel != oscarwire.ChannelData || snac.ID != oscarwire.ServiceHostFamilies {
			continue
		}
		families, _ := oscarwire.ParseFamilyList(snac.Body)
		if len(families) > 2 { // BOS
			return 0
		}
		for _, family := range families {
			if family != oscarwire.FamilyService {
				return family
			}
		}
	}
	return 0
}

// TestMalformedTransfer replays a sender of files, truncated and changed at every
// offset: every stored file is complete.
func TestMalformedTransfer(t *testing.T) {
	data := []byte("some data")
	var sum oscarwire.Checksum
	_, _ = sum.Write(data) // never returns an error
	prompt := oscarwire.OFT{Kind: oscarwire.OFTPrompt, Files: 1, FilesLeft: 1, Parts: 1, PartsLeft: 1, TotalSize: uint32(len(data)),
		Size: uint32(len(data)), Checksum: sum.Sum(), Flags: 0x20, NameOffset: 0x1C, SizeShift: 0x11, Name: []byte("a.txt")}
	copy(prompt.Version[:], "Cool FileXfer")
	whole := append(prompt.Append(nil), data...)
	kept := 0
	receive := func(said []byte) {
		c := newDeafClient(t, flavorICQ, func(legacy.Event) {})
		replayTo(c.s, said)
		c.s.net.opts.PrivateFiles = true
		c.s.env.StoreFile = func(_ context.Context, f legacy.File, r io.Reader) (string, error) {
			size := f.Size
			got, err := io.ReadAll(io.LimitReader(r, size))
			if err == nil && int64(len(got)) == size {
				var sum oscarwire.Checksum
				_, _ = sum.Write(got) // never returns an error
				if kept++; size > int64(len(data)) || len(got) == len(data) && !bytes.Equal(got, data) && sum.Fits(prompt.Checksum) {
					t.Errorf("%q was kept", got)
				}
			}
			return "https://files.example.org/x", err
		}
		tr := &transfer{id: rendezvousID{"100002", oscarwire.Cookie{1}}, count: 1, size: int64(len(data)), addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, port: oscarwire.ProxyPort}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := c.s.receiveFiles(ctx, tr, func() {}, nil)
		if ctx.Err() != nil {
			t.Errorf("it hangs: %v", err)
		}
	}
	receive(whole)
	if kept != 1 {
		t.Fatal("the whole file was not kept")
	}
	mutations(whole, receive)
	if kept < 2 { // some bytes are irrelevant
		t.Error("no other file was kept")
	}
}
