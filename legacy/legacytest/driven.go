package legacytest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/rs/zerolog"

	"transport/legacy"
)

// Driven is a session that a Script uses in arbitrary ways, in a bubble of
// testing/synctest. Only the bubble's first goroutine may call its methods.
type Driven struct {
	t       testing.TB
	session legacy.Session
	peers   []legacy.Peer
	maxText int
	refs    int
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error  // of Run
	before  uint64 // bytes that the process had allocated

	mu    sync.Mutex
	asked map[string]int // commands with an outcome: how many events they have had
	over  bool           // Run has returned
	held  chan struct{}  // while not nil, Emit blocks until it is closed
}

// maxAllocated is the most memory that a session may allocate for a fuzz target's input,
// in bytes, garbage included.
const maxAllocated = 256 << 20

// Drive runs a session. check checks each event, and may be nil; peers are the addresses
// that the commands name.
func Drive(t testing.TB, n legacy.Network, a legacy.Account, dial func(context.Context, string, string) (net.Conn, error), check func(legacy.Event) error, peers []legacy.Peer) *Driven {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d := &Driven{t: t, peers: peers, maxText: n.Info().MaxText, cancel: cancel, ended: make(chan struct{}), asked: make(map[string]int), before: Allocated()}
	s, err := n.NewSession(a, legacy.Env{
		Log: zerolog.Nop(), Now: time.Now, Dial: dial,
		Flush: func(context.Context) error { return nil },
		Emit:  func(ev legacy.Event) { d.emitted(ctx, ev, check) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.session = s
	go func() {
		defer close(d.ended)
		d.err = s.Run(ctx)
		d.mu.Lock()
		d.over = true
		d.mu.Unlock()
	}()
	return d
}

// Allocated returns how many bytes the process has allocated since its start.
func Allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// emitted is Env.Emit.
func (d *Driven) emitted(ctx context.Context, ev legacy.Event, check func(legacy.Event) error) {
	if check != nil {
		if err := check(ev); err != nil {
			d.t.Errorf("%T%+v: %v", ev, ev, err)
		}
	}
	d.mu.Lock()
	held := d.held
	if d.over {
		d.t.Errorf("%T is emitted after Run has returned", ev)
	}
	if ref := reflect.ValueOf(ev).FieldByName("Ref"); ref.IsValid() {
		n, known := d.asked[ref.String()]
		if !known {
			d.t.Errorf("%T%+v answers nothing", ev, ev)
		}
		if n > 0 {
			d.t.Errorf("%T%+v is a second answer", ev, ev)
		}
		d.asked[ref.String()] = n + 1
	}
	d.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
}

// Over reports whether Run has returned.
func (d *Driven) Over() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// Hold makes Emit block, or ends that.
func (d *Driven) Hold(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case yes && d.held == nil:
		d.held = make(chan struct{})
	case !yes && d.held != nil:
		close(d.held)
		d.held = nil
	}
}

// ask calls a command with an outcome.
func (d *Driven) ask(what string, f func(ref string) error) {
	d.refs++
	ref := fmt.Sprintf("%s-%d", what, d.refs)
	d.mu.Lock()
	d.asked[ref] = 0
	d.mu.Unlock()
	err := f(ref)
	d.check(what, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if d.asked[ref] > 0 {
			d.t.Errorf("%s returned %v, and an outcome followed", what, err)
		}
		delete(d.asked, ref)
	}
}

// check checks the error of a command.
func (d *Driven) check(what string, err error) {
	var e *legacy.Error
	if err != nil && (!errors.As(err, &e) || e.Text == "") {
		d.t.Errorf("%s = %v, want a *legacy.Error with a text", what, err)
	}
}

// Command calls a method of the session that the script chooses.
func (d *Driven) Command(s *Script) {
	ctx, p := context.Background(), Pick(s, d.peers)
	text := func() string { return clean(s.Mutate([]byte(Pick(s, texts)), texts)) }
	switch s.Choose(26) {
	case 0, 1:
		d.ask("Send", func(ref string) error {
			return d.session.Send(ctx, legacy.Outgoing{Ref: ref, To: p, Text: d.fitting(p, text())})
		})
	case 2:
		if v, ok := d.session.(legacy.Presencer); ok {
			d.check("SetPresence", v.SetPresence(ctx, legacy.Presence{Show: legacy.Show(s.Choose(8)), Status: text()}))
		}
	case 3:
		if v, ok := d.session.(legacy.RosterEditor); ok && !p.Room {
			d.check("AddContact", v.AddContact(ctx, legacy.Contact{Peer: p, Name: text(), Groups: []string{text()}}, text()))
		}
	case 4:
		if v, ok := d.session.(legacy.RosterEditor); ok && !p.Room {
			d.check("RemoveContact", v.RemoveContact(ctx, p))
		}
	case 5:
		if v, ok := d.session.(legacy.RosterEditor); ok && !p.Room {
			d.check("Authorize", v.Authorize(ctx, p, s.Chance(2), text()))
		}
	case 6:
		if v, ok := d.session.(legacy.Watcher); ok && !p.Room {
			d.check("Watch", v.Watch(ctx, p, s.Chance(2)))
		}
	case 7:
		if v, ok := d.session.(legacy.Blocker); ok && !p.Room {
			d.check("Block", v.Block(ctx, p, s.Chance(2)))
		}
	case 8:
		if v, ok := d.session.(legacy.Typer); ok {
			d.check("SetTyping", v.SetTyping(ctx, p, legacy.Typing(s.Choose(3))))
		}
	case 9:
		if v, ok := d.session.(legacy.ReadMarker); ok {
			d.check("MarkRead", v.MarkRead(ctx, p, time.Now()))
		}
	case 10:
		if v, ok := d.session.(legacy.Profiler); ok && !p.Room {
			d.ask("RequestProfile", func(ref string) error { return v.RequestProfile(ctx, ref, p) })
		}
	case 11:
		if v, ok := d.session.(legacy.Versioner); ok && !p.Room {
			d.ask("RequestVersion", func(ref string) error { return v.RequestVersion(ctx, ref, p) })
		}
	case 12:
		if v, ok := d.session.(legacy.ProfileSetter); ok {
			d.check("SetProfile", v.SetProfile(ctx, legacy.Profile{Nick: text(), About: text()}))
		}
	case 13:
		if v, ok := d.session.(legacy.AvatarSetter); ok {
			d.check("SetAvatar", v.SetAvatar(ctx, []byte(text())))
		}
	case 14:
		if v, ok := d.session.(legacy.Searcher); ok {
			query := map[string]string{Pick(s, []string{"nick", "channel", "email", "first", "uin"}): text()}
			d.ask("Search", func(ref string) error { return v.Search(ctx, ref, query) })
		}
	case 15:
		if v, ok := d.session.(legacy.PartSender); ok && !p.Room {
			d.sendParts(v, p, text())
		}
	default:
		d.roomCommand(ctx, s, p, text)
	}
}

// fitting returns the part of a text that fits into one message, "x" for an empty one.
func (d *Driven) fitting(p legacy.Peer, text string) string {
	if v, ok := d.session.(legacy.PartSender); ok {
		text = strings.ToValidUTF8(text[:v.Fit(p, text)], "")
	} else if runes := []rune(text); d.maxText > 0 && len(runes) > d.maxText {
		text = string(runes[:d.maxText])
	}
	return cmp.Or(text, "x")
}

func (d *Driven) sendParts(v legacy.PartSender, p legacy.Peer, text string) {
	var parts []legacy.Outgoing
	for i := range 3 {
		d.refs++
		parts = append(parts, legacy.Outgoing{Ref: fmt.Sprintf("part%d-%d", i, d.refs), To: p, Text: d.fitting(p, text)})
		d.mu.Lock()
		d.asked[parts[i].Ref] = 0
		d.mu.Unlock()
	}
	err := v.SendParts(context.Background(), parts)
	d.check("SendParts", err)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, part := range parts {
		if err != nil {
			delete(d.asked, part.Ref)
		}
	}
}

// roomCommand calls a method for rooms.
func (d *Driven) roomCommand(ctx context.Context, s *Script, p legacy.Peer, text func() string) {
	what := s.Choose(16)
	if v, ok := d.session.(legacy.Commander); ok && what == 0 {
		name := Pick(s, []string{"whois", "raw", "version", "ctcp-ping", "password", "disconnect", "email"})
		args := map[string]string{Pick(s, []string{"line", "text", "password", "irc-servers", "reason"}): text()}
		d.ask("Do", func(ref string) error { return v.Do(ctx, ref, p, name, args) })
		return
	}
	r, ok := d.session.(legacy.Roomer)
	if !ok || !p.Room {
		return
	}
	switch what {
	case 1, 2:
		d.check("JoinRoom", r.JoinRoom(ctx, p, Pick(s, nicks), Pick(s, texts)))
	case 3:
		d.check("LeaveRoom", r.LeaveRoom(ctx, p, text()))
	case 4:
		d.check("SetNick", r.SetNick(ctx, p, Pick(s, nicks)))
	case 5:
		d.check("Invite", r.Invite(ctx, p, Pick(s, d.peers)))
	case 6:
		d.check("SetTopic", r.SetTopic(ctx, p, text()))
	case 7:
		m := legacy.Moderation{Nick: Pick(s, nicks), Kick: s.Chance(3), Ban: s.Chance(3), Level: legacy.Level(s.Choose(5)), Reason: text()}
		d.ask("Moderate", func(ref string) error { return r.Moderate(ctx, ref, p, m) })
	case 8:
		if v, ok := d.session.(legacy.RoomConfigurer); ok {
			d.ask("RequestRoomConfig", func(ref string) error { return v.RequestRoomConfig(ctx, ref, p) })
		}
	case 9:
		if v, ok := d.session.(legacy.RoomConfigurer); ok {
			c := legacy.RoomConfig{TopicLocked: s.Chance(2), Moderated: s.Chance(2), Password: text(), Limit: s.Choose(300)}
			d.ask("SetRoomConfig", func(ref string) error { return v.SetRoomConfig(ctx, ref, p, c) })
		}
	case 10:
		if v, ok := d.session.(legacy.RoomConfigurer); ok {
			d.ask("RequestBans", func(ref string) error { return v.RequestBans(ctx, ref, p) })
		}
	case 11:
		if v, ok := d.session.(legacy.RoomConfigurer); ok {
			d.ask("SetBan", func(ref string) error { return v.SetBan(ctx, ref, p, text(), s.Chance(2)) })
		}
	case 12:
		if v, ok := d.session.(legacy.RoomLister); ok {
			d.ask("ListRooms", func(ref string) error { return v.ListRooms(ctx, ref, legacy.Peer{}) })
		}
	case 13:
		if v, ok := d.session.(legacy.RoomReactor); ok {
			d.check("React", v.React(ctx, p, text(), []string{text()}))
		}
	case 14:
		if v, ok := d.session.(legacy.RoomTyper); ok {
			d.check("SetRoomTyping", v.SetRoomTyping(ctx, p, legacy.Typing(s.Choose(3))))
		}
	case 15:
		if v, ok := d.session.(legacy.MessageRetractor); ok {
			d.ask("Redact", func(ref string) error { return v.Redact(ctx, ref, p, text(), text()) })
		}
	}
}

// clean returns a text as the core passes it on.
func clean(text []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD"))
}

var (
	texts = []string{"hi", "", "two\nlines", "<b>x</b>", "ж😀", "/me x", " ", ":x y", "/mode +m", "x\nQUIT", "\u2028\u0085"}
	nicks = []string{"alice", "bob", "carol", "alice_", "x y", ""}
)

// End waits for what is under way, ends the session, and checks that Run returns in time,
// that every command had one outcome unless Run returned before, and that the memory was
// bounded. The bubble's end checks that no goroutine is left.
func (d *Driven) End() {
	d.t.Helper()
	d.Hold(false)
	const enough = 30 * time.Minute
	select {
	case <-d.ended:
	case <-time.After(enough):
		d.mu.Lock()
		for ref, n := range d.asked {
			if n == 0 {
				d.t.Errorf("%s has no outcome after %v", ref, enough)
			}
		}
		d.mu.Unlock()
	}
	ours := !d.Over()
	d.cancel()
	time.Sleep(signOffTime)
	synctest.Wait()
	if !d.Over() {
		d.t.Fatalf("Run has not returned %v after its context has ended", signOffTime)
	}
	var e *legacy.Error
	switch {
	case ours && d.err != nil:
		d.t.Errorf("Run returned %v after its context has ended, want nil", d.err)
	case !ours && (!errors.As(d.err, &e) || e.Text == ""):
		d.t.Errorf("Run returned %v, want a *legacy.Error with a text", d.err)
	}
	if used := Allocated() - d.before; used > maxAllocated {
		d.t.Errorf("the session has allocated %d MiB", used>>20)
	}
}
