package e2e

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/oscar"
)

// clientFriend is a network user with the adapter as client, on a server of another
// project.
type clientFriend struct {
	t        *testing.T
	network  legacy.Network
	fields   map[string]string
	session  legacy.Session
	stop     func()
	messages chan legacy.MessageReceived
	sent     int

	mu      sync.Mutex
	changed chan struct{} // closed, and replaced, at every event
	ready   bool
	seen    map[string]legacy.Presence
	icons   map[string][]byte
	removed map[string]bool
	toAdd   []legacy.Peer
}

func newClientFriend(t *testing.T, server, name, password string) *clientFriend {
	t.Helper()
	o := oscar.DefaultOptions()
	o.Server = server
	n, err := oscar.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &clientFriend{t: t, network: n, fields: map[string]string{"username": name, "password": password},
		messages: make(chan legacy.MessageReceived, 1000), changed: make(chan struct{})}
}

// SignOn signs on, and waits until it is done.
func (f *clientFriend) SignOn() {
	f.t.Helper()
	f.mu.Lock()
	f.ready, f.seen, f.removed, f.toAdd = false, make(map[string]legacy.Presence), make(map[string]bool), nil
	f.icons = make(map[string][]byte)
	f.mu.Unlock()
	s, err := f.network.NewSession(legacy.Account{Fields: f.fields}, legacy.Env{
		Log: zerolog.Nop(), Emit: f.onEvent, Now: time.Now, Dial: new(net.Dialer).DialContext,
		Flush: func(context.Context) error { return nil },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			f.t.Errorf("%s: %v", f.fields["username"], err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.change()
	}()
	var adding sync.WaitGroup
	f.session = s
	f.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		adding.Wait()
	})
	f.t.Cleanup(f.stop)
	f.wait("sign-on", func() bool { return f.ready })
	adding.Go(func() { f.addThose(ctx, s) })
	f.show(legacy.Presence{Show: legacy.ShowOnline})
}

// addThose adds users who have requested authorization, or have added this user.
func (f *clientFriend) addThose(ctx context.Context, s legacy.Session) {
	for {
		f.mu.Lock()
		peers, changed := f.toAdd, f.changed
		f.toAdd = nil
		f.mu.Unlock()
		for _, p := range peers {
			editor := s.(legacy.RosterEditor)
			_ = editor.Authorize(ctx, p, true, "") // an error means that all is over
			_ = editor.AddContact(ctx, legacy.Contact{Peer: p}, "")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// onEvent is the session's Emit.
func (f *clientFriend) onEvent(ev legacy.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch ev := ev.(type) {
	case legacy.Ready:
		f.ready = true
	case legacy.AddedYou:
		f.toAdd = append(f.toAdd, ev.From)
	case legacy.AuthRequested:
		f.toAdd = append(f.toAdd, ev.From)
	case legacy.PresenceChanged:
		f.seen[ev.From.ID] = ev.Presence
	case legacy.AvatarChanged:
		f.icons[ev.From.ID] = ev.Image
	case legacy.ContactRemoved:
		f.removed[ev.Peer.ID] = true
	case legacy.MessageReceived:
		f.messages <- ev
	}
	f.change()
}

// change wakes waiting calls. The caller must hold f.mu.
func (f *clientFriend) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// wait waits until a condition holds, and evaluates it with f.mu held.
func (f *clientFriend) wait(what string, so func() bool) {
	f.t.Helper()
	late := time.After(friendsTime)
	for {
		f.mu.Lock()
		done, changed := so(), f.changed
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			f.t.Fatalf("%s: no %s", f.fields["username"], what)
		}
	}
}

func (f *clientFriend) SignOff() { f.stop() }

func (f *clientFriend) Send(to, text string) error {
	f.sent++
	return f.session.Send(f.t.Context(), legacy.Outgoing{Ref: strconv.Itoa(f.sent), To: legacy.Peer{ID: to}, Text: text})
}

func (f *clientFriend) heard() (from, text string) {
	f.t.Helper()
	select {
	case m := <-f.messages:
		return m.From.ID, m.Text
	case <-time.After(friendsTime):
		f.t.Fatalf("%s gets no message", f.fields["username"])
		return "", ""
	}
}

func (f *clientFriend) show(p legacy.Presence) {
	f.t.Helper()
	if err := f.session.(legacy.Presencer).SetPresence(f.t.Context(), p); err != nil {
		f.t.Fatal(err)
	}
}

func (f *clientFriend) types(to string) {
	f.t.Helper()
	if err := f.session.(legacy.Typer).SetTyping(f.t.Context(), legacy.Peer{ID: to}, legacy.TypingActive); err != nil {
		f.t.Fatal(err)
	}
}

func (f *clientFriend) sees(name string) legacy.Presence {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[name]
}

func (f *clientFriend) picture(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.icons[name]
}
