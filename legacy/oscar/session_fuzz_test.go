package oscar

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// FuzzSession runs a session on the mock network, whose frames are changed on their way,
// and which says anything besides, while the core gives commands. Nothing panics, no
// goroutine is left, texts are clean, and each command with an outcome has one.
func FuzzSession(f *testing.F) {
	for _, program := range []string{
		"\x00\x00\x00\x01\x00\x00\x02\x00\x00\x03\x00\x03\x00\x01",
		"\x01\x00\x00\x02\x04\x00\x11\x11\x01\x05\x06\x07\x00\x01\x11\x04\x05",
		"\x02\x03\x00\x40\x00\x00\x03\x00\x90\x01\x03\x07\x04\x02\x06\x00\x05\x01",
		"\x03\x04\x03\x01\x02\x03\x04\x03\x09\x08\x07\x08\x01\x05\x00\x00\x09\x02\x02",
	} {
		f.Add([]byte(program))
	}
	frames := serverFrames(f)
	f.Fuzz(func(t *testing.T, program []byte) {
		synctest.Test(t, func(t *testing.T) { enactSession(t, legacytest.NewScript(program), frames) })
	})
}

// serverFrames returns the different frames of all recorded servers.
func serverFrames(t testing.TB) (all []oscarwire.Frame) {
	seen := make(map[oscarwire.ID]int)
	for _, rec := range recordings(t) {
		for _, frames := range rec.conns {
			for _, frame := range frames {
				snac, err := frame.SNAC()
				if err != nil || seen[snac.ID] >= 4 {
					continue
				}
				seen[snac.ID]++
				all = append(all, frame)
			}
		}
	}
	return all
}

// clean reports an event with a text that has control characters.
func clean(ev legacy.Event) error {
	bad := false
	switch ev := ev.(type) {
	case legacy.MessageReceived:
		bad = ev.From.ID == "" || ev.Text == "" || ev.Text != oscarwire.Clean(ev.Text)
	case legacy.RoomMessage:
		bad = ev.Text == "" || ev.Text != oscarwire.Clean(ev.Text) || ev.Nick != oscarwire.Clean(ev.Nick)
	case legacy.OccupantJoined:
		bad = ev.Occupant.Nick == "" || ev.Occupant.Nick != oscarwire.Clean(ev.Occupant.Nick)
	}
	if bad {
		return errors.New("it is not clean")
	}
	return nil
}

// enactSession plays a script.
func enactSession(t *testing.T, s *legacytest.Script, frames []oscarwire.Frame) {
	mode := s.Byte()
	f := &fuzzNetwork{Network: oscarmock.New(oscarmock.Options{AuthHost: "127.0.0.1", ExtraHeaders: mode&2 != 0, SplitList: int(mode >> 2 & 1), NoAcks: mode&8 != 0, RelayOwn: mode&16 != 0})}
	f.AddAccount(oscarmock.Account{Name: "100001", Password: "secret"})
	bob := f.Bot("100002", oscarmock.BotOptions{Reply: func(_, text string) string { return text }})
	bob.SignOn()
	f.AddRoom("chess")
	flavor := flavorICQ
	if mode&1 != 0 {
		flavor = flavorAIM
	}
	n := mustNew(t, options(flavor))
	peers := []legacy.Peer{{ID: "100002"}, {ID: "#chess", Room: true}, {ID: "100003"}, {ID: "bobaim"}, {ID: "100001"}}
	d := legacytest.Drive(t, n, legacy.Account{Fields: map[string]string{"username": "100001", "password": "secret"}}, f.dial, clean, peers)
	if mode&32 == 0 {
		synctest.Wait()
	}
	for range 200 {
		if s.Over() || d.Over() {
			break
		}
		switch s.Choose(10) {
		case 0, 1:
			d.Command(s)
		case 2, 3:
			frame := legacytest.Pick(s, frames)
			b, err := oscarwire.AppendFLAP(nil, frame.Channel, uint16(s.Byte()), oscarwire.Raw(s.Mutate(frame.Payload, frameWords)))
			if err == nil {
				f.say(s, b)
			}
		case 4:
			f.tamper(s)
		case 5:
			f.say(s, s.Bytes())
		case 6:
			time.Sleep(legacytest.Pick(s, []time.Duration{time.Second, time.Minute, 10 * time.Minute}))
		case 7:
			f.Inject(oscarmock.Fault{Step: oscarmock.Step(s.Choose(16)), SNAC: oscarwire.MakeID(uint16(s.Byte()), uint16(s.Byte())), Action: oscarmock.Action(s.Choose(15)),
				Delay: 3 * time.Second, Code: oscarwire.SignOnCode(s.Byte()), Data: s.Bytes()})
		case 8:
			f.bob(s, bob)
		case 9:
			d.Hold(s.Chance(2))
			synctest.Wait()
		}
	}
	f.Heal()
	f.set(func() { f.tampering = nil })
	d.End()
	f.Close()
	f.end()
}

// frameWords are what frames are mutated with.
var frameWords = []string{"\x00\x00", "\xFF\xFF", "\x00\x01", "\x80\x00\x00\x00", "100001", "100002", "\x00\x13\x00\x08", "<b>", "\x00\x06\x00\x04"}

// fuzzNetwork is a mock network whose connections can be tampered with.
type fuzzNetwork struct {
	*oscarmock.Network
	said sync.WaitGroup

	mu        sync.Mutex
	conns     []*tampered
	tampering [][]byte // scripts that change the next frames of the network
	over      bool
}

// tampered is the network's end of a connection.
type tampered struct {
	net.Conn
	f    *fuzzNetwork
	out  chan []byte
	turn chan struct{} // taken for a write: a bubble cannot see that a pipe's mutex is waited for
}

// write writes when it is its turn.
func (c *tampered) write(b []byte) (int, error) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	return c.Conn.Write(b)
}

// LocalAddr is the address to which the network sends clients.
func (c *tampered) LocalAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5190}
}

// Write changes what the network writes.
func (c *tampered) Write(b []byte) (int, error) {
	c.f.mu.Lock()
	var program []byte
	if len(c.f.tampering) > 0 {
		program, c.f.tampering = c.f.tampering[0], c.f.tampering[1:]
	}
	c.f.mu.Unlock()
	const header = 6
	if len(program) == 0 || len(b) < header {
		return c.write(b)
	}
	s := legacytest.NewScript(program)
	changed := s.Mutate(b[header:], frameWords)
	out := append(append([]byte(nil), b[:header]...), changed...)
	if !s.Chance(4) { // the length of the first frame
		out[4], out[5] = byte(len(changed)>>8), byte(len(changed))
	}
	if _, err := c.write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (f *fuzzNetwork) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// tamper changes the network's next frame, or the one after some others.
func (f *fuzzNetwork) tamper(s *legacytest.Script) {
	skip, program := s.Choose(4), s.Bytes()
	f.set(func() {
		for range skip {
			f.tampering = append(f.tampering, nil)
		}
		f.tampering = append(f.tampering, program)
	})
}

func (f *fuzzNetwork) dial(context.Context, string, string) (net.Conn, error) {
	f.mu.Lock()
	if f.over || len(f.conns) > 1000 {
		f.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	ours, theirs := net.Pipe()
	c := &tampered{Conn: ours, f: f, out: make(chan []byte, 1024), turn: make(chan struct{}, 1)}
	f.conns = append(f.conns, c)
	f.said.Go(func() {
		for b := range c.out {
			_, _ = c.write(b) // it may have ended
		}
	})
	f.mu.Unlock()
	f.Serve(c)
	return theirs, nil
}

// say writes to one of the last connections.
func (f *fuzzNetwork) say(s *legacytest.Script, b []byte) {
	back := s.Choose(4)
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := len(f.conns) - 1 - back; i >= 0 {
		select {
		case f.conns[i].out <- b:
		default:
		}
	}
}

// end waits for all writers. The network is closed.
func (f *fuzzNetwork) end() {
	f.mu.Lock()
	f.over = true
	for _, c := range f.conns {
		c.Close()
		close(c.out)
	}
	f.mu.Unlock()
	f.said.Wait()
}

// bob does something, or another client of the account does.
func (f *fuzzNetwork) bob(s *legacytest.Script, b *oscarmock.Bot) {
	const alice = "100001"
	switch s.Choose(14) {
	case 0:
		_ = b.Send(alice, string(s.Bytes())) // errors are those of a peer who is not there
	case 1:
		b.SetStatus(oscarwire.Status(s.Byte()), string(s.Bytes()), string(s.Bytes()))
	case 2:
		b.SignOff()
	case 3:
		b.SignOn()
	case 4:
		b.RequestAuth(alice, string(s.Bytes()))
	case 5:
		b.AnswerAuth(alice, s.Chance(2), string(s.Bytes()))
	case 6:
		b.SetTyping(alice, oscarwire.TypingEvent(s.Choose(3)))
	case 7:
		b.EnterRoom("chess")
	case 8:
		b.Say("chess", string(s.Bytes()))
	case 9:
		b.LeaveRoom("chess")
	case 10:
		f.CutRoom("chess")
	case 11:
		f.SetLevel(alice, uint16(s.Choose(5)), uint32(s.Byte())*100)
	case 12:
		f.Disconnect(alice, oscarmock.DisconnectHow(s.Choose(3)))
	case 13:
		f.Migrate(alice, "127.0.0.1:5190")
	}
}
