package irc

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"time"

	"transport/legacy"
)

var (
	_ legacy.Session          = (*session)(nil)
	_ legacy.Presencer        = (*session)(nil)
	_ legacy.Typer            = (*session)(nil)
	_ legacy.ReadMarker       = (*session)(nil)
	_ legacy.Profiler         = (*session)(nil)
	_ legacy.Watcher          = (*session)(nil)
	_ legacy.Versioner        = (*session)(nil)
	_ legacy.Roomer           = (*session)(nil)
	_ legacy.RoomConfigurer   = (*session)(nil)
	_ legacy.RoomLister       = (*session)(nil)
	_ legacy.RoomReactor      = (*session)(nil)
	_ legacy.RoomTyper        = (*session)(nil)
	_ legacy.MessageRetractor = (*session)(nil)
	_ legacy.Commander        = (*session)(nil)
	_ legacy.Backlogger       = (*session)(nil)
	_ legacy.Configurer       = (*network)(nil)
	_ legacy.Nicker           = (*network)(nil)
	_ legacy.NickLimiter      = (*network)(nil)
	_ legacy.NickTeller       = (*network)(nil)
	_ legacy.Reconfigurer     = (*session)(nil)
)

const (
	queueLen    = 256            // commands queued for a link
	maxLinks    = 20             // limit: servers of one user | a further one is refused: resource-constraint
	maxWatched  = 1000           // limit: nicks whose presence a user watches | the contact stays offline
	maxToWatch  = 2 * maxWatched // limit: nicks of one server whose watch request the link has not taken yet | the contact stays offline
	signOnLimit = 50 * time.Second
)

// session is one account: a connection to the configured server, or a link to each
// server that the user has named.
type session struct {
	net    *network
	env    legacy.Env
	fields map[string]string

	mu       sync.Mutex // guards the fields below; held only briefly
	settings map[string]map[string]string
	links    map[string]*link // by server
	life     context.Context  // of Run, nil outside of it
	wg       sync.WaitGroup   // counts the links' goroutines
	away     legacy.Presence
	played   map[string]savedPlayback   // by server
	watched  map[string]bool            // Peer.IDs
	toWatch  map[string]map[string]bool // watch requests that the link has not taken yet, by server and nick
}

// Run implements legacy.Session.
func (s *session) Run(ctx context.Context) error {
	if s.net.named {
		s.runNamed(ctx)
		return nil
	}
	l := newLink(s, "")
	err := l.once(ctx, func() {
		s.serve(ctx, l)
		s.env.Emit(legacy.Ready{Self: legacy.Peer{ID: s.net.id(l.client.nick, "")}})
	})
	s.end()
	l.drop(err)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil: // closed by a command
		return legacy.Errorf(legacy.Forbidden, "You have disconnected from %s. To connect again, set your status to offline and then to online again.", s.net.name())
	}
	return err
}

// runNamed serves with a link for each server that the user names.
func (s *session) runNamed(ctx context.Context) {
	s.serve(ctx, nil)
	s.env.Emit(legacy.Ready{})
	<-ctx.Done()
	s.end()
	s.wg.Wait()
}

// serve makes the session accept commands.
func (s *session) serve(ctx context.Context, l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = ctx
	if l != nil {
		s.links[l.server] = l
	}
}

// end makes the session reject commands.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = nil
}

// command is a task for a link's goroutine.
type command struct {
	do   func(*client)
	fail func(error) // called if no connection is made; may be nil
	wish bool        // the user waits for it: a link that pauses tries to connect at once
	room string      // Peer.ID of the channel that it joins or leaves, "" for any other command
}

// enqueue queues a command for the link to a server. It never waits. If there is no
// link, start creates one.
func (s *session) enqueue(server string, start bool, c command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[server]
	switch {
	case s.life == nil || l == nil && (!start || !s.net.named):
		return legacy.Errorf(legacy.Offline, "You are not connected to %s.", cmp.Or(server, s.net.name()))
	case l == nil && len(s.links) >= maxLinks:
		return legacy.Errorf(legacy.RateLimited, "You are connected to too many servers. Disconnect from one first.")
	case l == nil:
		l = newLink(s, server)
		s.links[server] = l
		ctx := s.life
		s.wg.Go(func() { l.serve(ctx) })
	}
	if !l.queue.push(c) {
		return legacy.Errorf(legacy.RateLimited, "Too many requests to %s are waiting. Try again in a moment.", cmp.Or(server, s.net.name()))
	}
	return nil
}

// at is enqueue for a peer or room at its server.
func (s *session) at(p legacy.Peer, start bool, fail func(error), do func(c *client, name string)) error {
	name, server := s.net.split(p.ID)
	if p.Service {
		name, server = "", p.ID
	}
	return s.enqueue(server, start, command{do: func(c *client) { do(c, name) }, fail: fail, wish: start})
}

// retire removes a link, unless commands are queued for it. It reports whether it did.
func (s *session) retire(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.queue.waiting() > 0 {
		return false
	}
	delete(s.links, l.server)
	return true
}

// setting returns the settings of a service or a room.
func (s *session) setting(id string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings[id]
}

// Reconfigure implements legacy.Reconfigurer.
func (s *session) Reconfigure(p legacy.Peer, values map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[p.ID] = values
}

// Send implements legacy.Session.
func (s *session) Send(_ context.Context, m legacy.Outgoing) error {
	fail := func(err error) { s.env.Emit(legacy.MessageFailed{Ref: m.Ref, Err: err}) }
	return s.at(m.To, true, fail, func(c *client, name string) { c.sendText(m, name) })
}

// SetPresence implements legacy.Presencer: it applies to every server.
func (s *session) SetPresence(_ context.Context, p legacy.Presence) error {
	s.mu.Lock()
	s.away = p
	servers, live := maps.Clone(s.links), s.life != nil
	s.mu.Unlock()
	if !live {
		return legacy.Errorf(legacy.Offline, "You are not connected to %s.", s.net.name())
	}
	var err error
	for server := range servers {
		if e := s.enqueue(server, false, command{do: func(c *client) { c.setAway(p) }, wish: p.Show != legacy.ShowOffline}); e != nil && legacy.KindOf(e) != legacy.Offline {
			err = e
		}
	}
	return err
}

// SetTyping implements legacy.Typer.
func (s *session) SetTyping(_ context.Context, p legacy.Peer, t legacy.Typing) error {
	return s.at(p, false, nil, func(c *client, name string) { c.setTyping(name, t) })
}

// RequestProfile implements legacy.Profiler.
func (s *session) RequestProfile(_ context.Context, ref string, p legacy.Peer) error {
	fail := func(err error) { s.env.Emit(legacy.ProfileReceived{Ref: ref, Err: err}) }
	return s.at(p, false, fail, func(c *client, name string) { c.lookups.whois(name, whoisAsk{ref: ref}) })
}

// RequestVersion implements legacy.Versioner.
func (s *session) RequestVersion(_ context.Context, ref string, p legacy.Peer) error {
	fail := func(err error) { s.env.Emit(legacy.VersionReceived{Ref: ref, Err: err}) }
	return s.at(p, false, fail, func(c *client, name string) { c.lookups.askVersion(name, ref) })
}

// Watch implements legacy.Watcher. Nicks at servers that are not connected are watched
// once they are.
func (s *session) Watch(_ context.Context, p legacy.Peer, on bool) error {
	s.mu.Lock()
	if on && len(s.watched) >= maxWatched && !s.watched[p.ID] {
		s.mu.Unlock()
		return legacy.Errorf(legacy.RateLimited, "You have too many contacts on IRC.")
	}
	if delete(s.watched, p.ID); on {
		s.watched[p.ID] = true
	}
	name, server := s.net.split(p.ID)
	if p.Service {
		name, server = "", p.ID
	}
	wishes := s.toWatch[server]
	queued := wishes != nil // a command for them is in the queue already
	if _, asked := wishes[name]; !asked && len(wishes) >= maxToWatch {
		s.mu.Unlock()
		return legacy.Errorf(legacy.RateLimited, "Too many changes of contacts on %s are waiting. Try again in a moment.", cmp.Or(server, s.net.name()))
	}
	if !queued {
		wishes = make(map[string]bool)
		s.toWatch[server] = wishes
	}
	wishes[name] = on
	s.mu.Unlock()
	if queued {
		return nil
	}
	err := s.enqueue(server, false, command{do: func(c *client) { c.watches.take() }, fail: func(error) { s.takeWatches(server) }})
	if err != nil {
		s.takeWatches(server)
	}
	if legacy.KindOf(err) == legacy.Offline {
		return nil
	}
	return err
}

// takeWatches removes and returns the watch requests for a server, the last one for each
// nick. All of them are one command: a user may have more contacts than the queue has
// places.
func (s *session) takeWatches(server string) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.toWatch[server]
	delete(s.toWatch, server)
	return all
}

// watches reports whether a peer is on the watch list.
func (s *session) watches(p legacy.Peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watched[p.ID]
}

// watchedAt returns the watched nicks of a server.
func (s *session) watchedAt(server string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var nicks []string
	for id := range s.watched {
		if nick, at := s.net.split(id); at == server && nick != "" {
			nicks = append(nicks, nick)
		}
	}
	return nicks
}

// JoinRoom implements legacy.Roomer.
func (s *session) JoinRoom(_ context.Context, room legacy.Peer, nick, password string) error {
	fail := func(err error) { s.env.Emit(legacy.RoomFailed{Room: room, Err: notTheKey(err)}) }
	name, server := s.net.split(room.ID)
	s.mu.Lock()
	if l := s.links[server]; l == nil && s.net.named && s.life != nil && len(s.links) < maxLinks {
		l = newLink(s, server)
		l.nick = nick
		s.links[server] = l
		ctx := s.life
		s.wg.Go(func() { l.serve(ctx) })
	}
	s.mu.Unlock()
	return s.enqueue(server, true, command{do: func(c *client) { c.channels.join(name, password) }, fail: fail, wish: true, room: room.ID})
}

// LeaveRoom implements legacy.Roomer.
func (s *session) LeaveRoom(_ context.Context, room legacy.Peer, reason string) error {
	name, server := s.net.split(room.ID)
	left := func(error) { s.env.Emit(legacy.RoomLeft{Room: room}) }
	return s.enqueue(server, false, command{do: func(c *client) { c.channels.part(name, reason) }, fail: left, room: room.ID})
}

// SetNick implements legacy.Roomer. IRC has one nick for all channels of a server.
func (s *session) SetNick(_ context.Context, room legacy.Peer, nick string) error {
	return s.at(room, false, nil, func(c *client, _ string) { c.channels.setNick(nick) })
}

// Invite implements legacy.Roomer.
func (s *session) Invite(_ context.Context, room, who legacy.Peer) error {
	nick, _ := s.net.split(who.ID)
	return s.at(room, false, nil, func(c *client, name string) { c.channels.invite(name, nick) })
}

// SetTopic implements legacy.Roomer.
func (s *session) SetTopic(_ context.Context, room legacy.Peer, topic string) error {
	return s.at(room, false, nil, func(c *client, name string) { c.channels.setTopic(name, topic) })
}

// SetRoomTyping implements legacy.RoomTyper.
func (s *session) SetRoomTyping(_ context.Context, room legacy.Peer, t legacy.Typing) error {
	return s.at(room, false, nil, func(c *client, name string) { c.setTyping(name, t) })
}

// React implements legacy.RoomReactor.
func (s *session) React(_ context.Context, room legacy.Peer, id string, emojis []string) error {
	return s.at(room, false, nil, func(c *client, name string) { c.channels.react(name, id, emojis) })
}

// Redact implements legacy.MessageRetractor.
func (s *session) Redact(_ context.Context, ref string, room legacy.Peer, id, reason string) error {
	return s.at(room, false, s.done(ref), func(c *client, name string) { c.channels.redact(ref, name, id, reason) })
}

// done returns the fail function of a command that reports its outcome as legacy.Done.
func (s *session) done(ref string) func(error) {
	return func(err error) { s.env.Emit(legacy.Done{Ref: ref, Err: err}) }
}

// Moderate implements legacy.Roomer.
func (s *session) Moderate(_ context.Context, ref string, room legacy.Peer, m legacy.Moderation) error {
	return s.at(room, false, s.done(ref), func(c *client, name string) { c.channels.moderate(ref, name, m) })
}

// RequestRoomConfig implements legacy.RoomConfigurer.
func (s *session) RequestRoomConfig(_ context.Context, ref string, room legacy.Peer) error {
	fail := func(err error) { s.env.Emit(legacy.RoomConfigReceived{Ref: ref, Err: err}) }
	return s.at(room, false, fail, func(c *client, name string) { c.channels.requestConfig(ref, name) })
}

// SetRoomConfig implements legacy.RoomConfigurer.
func (s *session) SetRoomConfig(_ context.Context, ref string, room legacy.Peer, config legacy.RoomConfig) error {
	return s.at(room, false, s.done(ref), func(c *client, name string) { c.channels.setConfig(ref, name, config) })
}

// RequestBans implements legacy.RoomConfigurer.
func (s *session) RequestBans(_ context.Context, ref string, room legacy.Peer) error {
	fail := func(err error) { s.env.Emit(legacy.BansReceived{Ref: ref, Err: err}) }
	return s.at(room, false, fail, func(c *client, name string) { c.channels.requestBans(ref, name) })
}

// SetBan implements legacy.RoomConfigurer.
func (s *session) SetBan(_ context.Context, ref string, room legacy.Peer, mask string, banned bool) error {
	return s.at(room, false, s.done(ref), func(c *client, name string) { c.channels.setBan(ref, name, mask, banned) })
}

// ListRooms implements legacy.RoomLister.
func (s *session) ListRooms(_ context.Context, ref string, service legacy.Peer) error {
	fail := func(err error) { s.env.Emit(legacy.RoomsListed{Ref: ref, Err: err}) }
	return s.enqueue(service.ID, true, command{do: func(c *client) { c.lookups.list(list{ref: ref}) }, fail: fail, wish: true})
}

// Do implements legacy.Commander.
func (s *session) Do(_ context.Context, ref string, at legacy.Peer, name string, args map[string]string) error {
	if s.net.named && at == (legacy.Peer{}) {
		return s.disconnectFrom(ref, words(lower(args["irc-servers"])), args["quit-message"])
	}
	fail := func(err error) { s.env.Emit(legacy.CommandDone{Ref: ref, Err: err}) }
	return s.at(at, name == "raw", fail, func(c *client, target string) { c.command(ref, target, name, args) })
}
