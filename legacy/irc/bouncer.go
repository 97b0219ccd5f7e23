package irc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// bouncer is what is known about a server that is a bouncer, such as ZNC or soju: it stays
// in the user's channels when the user disconnects, and plays back what was said meanwhile.
type bouncer struct {
	is    bool     // the server has capabilities of a bouncer
	bound bool     // soju: the connection is that of one network
	names []string // soju: the user's networks, while they are being listed
}

// isBouncerCap reports whether only bouncers have a capability. Ergo, a server, has the two
// of ZNC that are not listed.
func isBouncerCap(name string) bool {
	switch name {
	case "znc.in/batch", "znc.in/server-time-iso", "znc.in/tlsinfo", "soju.im/bouncer-networks":
		return true
	}
	return false
}

const playbackModule = "*playback" // of ZNC

// start requests the playback, and on soju without a network the list of networks.
// (znc.in/playback, soju.im/bouncer-networks)
func (b *bouncer) start(c *client) {
	if c.caps["znc.in/playback"] {
		c.send("PRIVMSG " + playbackModule + " :PLAY * " + strconv.FormatInt(max(0, c.link.played.last.Unix()), 10))
	}
	if c.caps["soju.im/bouncer-networks"] && !b.bound {
		c.send("BOUNCER LISTNETWORKS")
	}
}

const maxNetworks = 50 // limit: networks of a bouncer in the list for the user | the rest is left out

// onNetwork handles BOUNCER NETWORK, an entry of the list of networks.
func (b *bouncer) onNetwork(m ircwire.Message) {
	if !strings.EqualFold(m.Param(0), "NETWORK") || b.bound || len(b.names) >= maxNetworks {
		return
	}
	for attr := range strings.SplitSeq(m.Param(2), ";") {
		if name, ok := strings.CutPrefix(attr, "name="); ok && name != "" {
			b.names = append(b.names, ircwire.Plain(name))
		}
	}
}

// onListed tells the user about the networks at the end of the list.
func (b *bouncer) onListed(c *client) {
	names := b.names
	if b.names = nil; len(names) > 0 {
		c.notice(fmt.Sprintf("This is a bouncer with several networks: %s. To use one of them, set the user name in the settings of this server to that of your account, a slash and the network, such as %s/%s.",
			strings.Join(names, ", "), cmp.Or(c.profile.user, c.profile.nicks[0]), names[0]))
	}
}

// playback remembers the last messages from a bouncer across connections, so that those
// that it plays back again are not shown twice.
type playback struct {
	known map[uint64]bool
	order []uint64 // the keys of known, oldest first
	last  time.Time
	dirty bool // it has changed since it was saved
	saved time.Time
}

const (
	maxPlayed  = 2000 // limit: messages remembered for each server, to find what a bouncer repeats | an older one may be shown twice
	maxSaved   = 500  // limit: of these in the registry | an older one may be shown twice after a restart
	savePeriod = 5 * time.Minute
)

// repeats records a message, and reports whether a replayed one is known.
func (p *playback) repeats(target, nick, text string, at time.Time, replayed bool) bool {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s %s", at.UnixMilli(), target, nick, text)
	return p.add(h.Sum64(), at) && replayed
}

// add adds a key. It reports whether it is known.
func (p *playback) add(key uint64, at time.Time) bool {
	if p.known[key] {
		return true
	}
	if p.known == nil {
		p.known = make(map[uint64]bool)
	}
	if len(p.order) >= maxPlayed {
		delete(p.known, p.order[0])
		p.order = p.order[1:]
	}
	p.known[key], p.dirty = true, true
	p.order = append(p.order, key)
	if at.After(p.last) {
		p.last = at
	}
	return false
}

// savedPlayback is the stored form of a playback.
type savedPlayback struct {
	Last int64    `json:"last"` // Unix time in milliseconds
	Keys []uint64 `json:"keys"`
}

// load restores a stored playback.
func (p *playback) load(s savedPlayback) {
	for _, key := range s.Keys[max(0, len(s.Keys)-maxSaved):] {
		p.add(key, time.UnixMilli(s.Last))
	}
	p.dirty = false
}

// save stores the playback of a link if it has changed, for the next session.
func (p *playback) save(l *link, now time.Time) {
	if !p.dirty {
		return
	}
	p.dirty, p.saved = false, now
	l.s.mu.Lock()
	if l.s.played == nil {
		l.s.played = make(map[string]savedPlayback)
	}
	l.s.played[l.server] = savedPlayback{p.last.UnixMilli(), slices.Clone(p.order[max(0, len(p.order)-maxSaved):])}
	state, err := json.Marshal(l.s.played)
	l.s.mu.Unlock()
	if err == nil {
		l.s.env.Emit(legacy.StateSaved{State: state})
	}
}

// tick saves the playback from time to time.
func (p *playback) tick(l *link, now time.Time) {
	if p.dirty && now.Sub(p.saved) >= savePeriod {
		p.save(l, now)
	}
}
