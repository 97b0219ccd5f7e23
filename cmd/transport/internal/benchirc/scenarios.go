package main

import (
	"fmt"
	"time"

	"transport/cmd/transport/internal/bench"
)

// scenario is one kind of load.
type scenario struct {
	bench.Scenario
	modes   string
	history bool
	run     func(*world) bench.Result
	goals   map[string]string // by mode
}

var scenarios = []scenario{
	{Scenario: bench.Scenario{Name: "XMPP to IRC, one sender", More: true}, modes: "played real", run: func(b *world) bench.Result { return b.toIRC(1, 300_000, 1000) },
		goals: map[string]string{"played": "≥ 200,000/s", "real": "≤ 4 µs"}},
	{Scenario: bench.Scenario{Name: "XMPP to IRC, 20 senders, own channels", More: true}, modes: "played real", run: func(b *world) bench.Result { return b.toIRC(20, 300_000, 2000) },
		goals: map[string]string{"played": "≥ 200,000/s", "real": "≤ 4 µs"}},
	{Scenario: bench.Scenario{Name: "20 senders in one channel of 20 users", More: true}, modes: "played real", run: (*world).oneChannel,
		goals: map[string]string{"played": "≥ 30,000 messages/s", "real": "≤ 50 µs (of 20 deliveries)"}},
	{Scenario: bench.Scenario{Name: "IRC to XMPP, 1 occupant", More: true}, modes: "played real", run: func(b *world) bench.Result { return b.toXMPP(1) },
		goals: map[string]string{"played": "≥ 250,000/s", "real": "≤ 4 µs"}},
	{Scenario: bench.Scenario{Name: "IRC to XMPP, 20 occupants", More: true}, modes: "played real", run: func(b *world) bench.Result { return b.toXMPP(20) },
		goals: map[string]string{"played": "≥ 300,000/s", "real": "≤ 3 µs"}},
	{Scenario: bench.Scenario{Name: "IRC to XMPP, 100 occupants", More: true}, modes: "played real", run: func(b *world) bench.Result { return b.toXMPP(100) },
		goals: map[string]string{"played": "≥ 300,000/s", "real": "≤ 3 µs"}},
	{Scenario: bench.Scenario{Name: "private round trips", More: true}, modes: "played real", run: (*world).roundTrips,
		goals: map[string]string{"played": "≥ 100,000/s", "real": "≤ 6 µs"}},
	{Scenario: bench.Scenario{Name: "join a channel of 2,000", Of: bench.WholeTime}, modes: "played", run: (*world).joinBig,
		goals: map[string]string{"played": "≤ 150 ms, ≤ 4 µs a presence"}},
	{Scenario: bench.Scenario{Name: "200 users join 200 channels", Of: bench.WholeTime}, modes: "played real", run: func(b *world) bench.Result { return b.joinMany(200) },
		goals: map[string]string{"played": "≤ 200 ms", "real": "≤ 200 ms"}},
	{Scenario: bench.Scenario{Name: "200 users join one channel", Of: bench.WholeTime}, modes: "played real", run: func(b *world) bench.Result { return b.joinMany(1) },
		goals: map[string]string{"played": "≤ 2.3 s", "real": "≤ 2.3 s"}},
	{Scenario: bench.Scenario{Name: "memory a user, 1,000 online", Of: bench.MemoryEach}, modes: "played", run: (*world).memory,
		goals: map[string]string{"played": "≤ 28 KiB, ≤ 50 MiB"}},
	{Scenario: bench.Scenario{Name: "1,000 idle users", Of: bench.CPUSecond}, modes: "played", run: (*world).idle,
		goals: map[string]string{"played": "≤ 2 ms a second"}},
	{Scenario: bench.Scenario{Name: "XMPP to IRC while 1,000 others idle", Of: bench.CPUEach}, modes: "played", run: (*world).besideIdle,
		goals: map[string]string{"played": "≤ 6 µs"}},
	{Scenario: bench.Scenario{Name: "all sent at once", More: true}, modes: "played", run: (*world).backlog,
		goals: map[string]string{"played": "≥ 200,000/s"}},
	{Scenario: bench.Scenario{Name: "history on, XMPP to IRC", Of: bench.CPUEach}, modes: "played real", history: true, run: func(b *world) bench.Result { return b.toIRC(1, 50_000, 1000) },
		goals: map[string]string{"played": "≤ 15 µs", "real": "≤ 15 µs"}},
	{Scenario: bench.Scenario{Name: "XMPP server restarted: lines said meanwhile", Of: bench.Arrival, More: true}, modes: "real", run: (*world).xmppRestarted,
		goals: map[string]string{"real": "all arrive"}},
	{Scenario: bench.Scenario{Name: "IRC server restarted: back in the channel", Of: bench.ComingBack, More: true}, modes: "real", run: (*world).ircRestarted,
		goals: map[string]string{"real": "yes"}},
}

// enter makes users join channels, and waits until they have joined.
func (b *world) enter(users int, channel func(user int) string) {
	before := b.users.subjects()
	for i := range users {
		b.users.join(i, channel(i))
	}
	bench.Until(b.ctx, fmt.Sprintf("entering channels by %d users", users), 30*time.Second, func() bool { return b.users.subjects() >= before+users })
}

func ownChannel(user int) string { return fmt.Sprint("#c", user) }

const chunk = 50 // messages per write

// toIRC: users write, each in a separate channel.
func (b *world) toIRC(senders, n, size int) bench.Result {
	return b.toIRCMany(senders, b.Scaled(n), size)
}

// toIRCMany is toIRC, whatever the load.
func (b *world) toIRCMany(senders, n, size int) bench.Result {
	n = max(1, n/(senders*chunk)) * senders * chunk
	for i := range senders {
		b.people.enter(ownChannel(i))
	}
	b.enter(senders, ownChannel)
	return b.gateway.Timed(b.atIRC, 1, func(enough func() bool) int { return b.speak(enough, senders, n, size) })
}

// speak makes senders write in turn, each in a separate channel.
func (b *world) speak(enough func() bool, senders, n, size int) (sent int) {
	for k := 0; sent < n && !enough(); k += chunk {
		for s := range senders {
			b.write(s, b.atIRC, ownChannel(s), "groupchat", s, k)
			sent += chunk
		}
		bench.Window(b.atIRC, sent, size)
	}
	return sent
}

// write makes a user write a chunk of messages, numbered from first on.
func (b *world) write(user int, c *bench.Counter, to, typ string, stream, first int) {
	var out []byte
	for k := first; k < first+chunk; k++ {
		out = b.users.stanza(out, user, to, typ, k, func(dst []byte) []byte { return c.Mark(dst, stream, k) })
	}
	b.users.write(user, out)
}

// oneChannel: 20 users write in one channel; each message goes to all of them.
func (b *world) oneChannel() bench.Result {
	const users = 20
	n := b.Scaled(20_000) / (users * chunk) * users * chunk
	all := func(int) string { return "#all" }
	b.enter(users, all)
	return b.gateway.Timed(b.atXMPP, users, func(enough func() bool) (sent int) {
		for k := 0; sent < n && !enough(); k += chunk {
			for s := range users {
				b.write(s, b.atXMPP, "#all", "groupchat", s, k)
				sent += chunk
			}
			bench.Window(b.atXMPP, sent*users, 2000*users)
		}
		return sent
	})
}

// toXMPP: bob writes in a channel with that many users.
func (b *world) toXMPP(users int) bench.Result {
	n := b.Scaled(400_000) / (users * chunk) * chunk
	b.people.enter("#all")
	b.enter(users, func(int) string { return "#all" })
	time.Sleep(300 * time.Millisecond) // the presence of the last occupants is still being sent
	r := b.gateway.Timed(b.atXMPP, users, func(enough func() bool) (sent int) {
		for ; sent < n && !enough(); sent += chunk {
			b.people.say("#all", chunk, func(dst []byte, i int) []byte { return b.atXMPP.Mark(dst, 0, sent+i) })
			bench.Window(b.atXMPP, sent*users, max(2000, 200*users))
		}
		return sent
	})
	r.Messages *= users // deliveries
	return r
}

// roundTrips: a user writes to bob, who replies.
func (b *world) roundTrips() bench.Result {
	n := b.Scaled(100_000) / chunk * chunk
	b.people.answer()
	b.enter(1, ownChannel)
	return b.gateway.Timed(b.atXMPP, 1, func(enough func() bool) (sent int) {
		for ; sent < n && !enough(); sent += chunk {
			b.write(0, b.atXMPP, "bob", "chat", 0, sent)
			bench.Window(b.atXMPP, sent, 150)
		}
		return sent
	})
}

// joinBig: users join channels with 2,000 occupants, one after the other.
func (b *world) joinBig() bench.Result {
	const users = 20
	b.enter(1, func(int) string { return "#first" }) // connected
	b.irc.extras = 2000
	before, m := b.users.presences(), b.gateway.Begin()
	for i := range users {
		subjects := b.users.subjects()
		b.users.join(0, fmt.Sprint("#big", i))
		bench.Until(b.ctx, "the join", 20*time.Second, func() bool { return b.users.subjects() > subjects })
	}
	r := m.End()
	r.Messages, r.Elapsed = b.users.presences()-before, r.Elapsed/users
	if want := users * 2001; r.Messages < want {
		r.Lost = want - r.Messages
	}
	return r
}

// joinMany: 200 users join at once.
func (b *world) joinMany(channels int) bench.Result {
	const users = 200
	before := b.users.subjects()
	for i := range users { // users of a real server log in first
		b.users.write(i, []byte(" "))
	}
	m := b.gateway.Begin()
	for i := range users {
		b.users.join(i, fmt.Sprint("#j", i%channels))
	}
	bench.Until(b.ctx, "the joins", time.Minute, func() bool { return b.users.subjects() >= before+users })
	r := m.End()
	r.Messages = users
	return r
}

const many = 1000

func sharedChannel(user int) string { return fmt.Sprint("#m", user%100) }

// fill makes a thousand users join a hundred channels.
func (b *world) fill() {
	b.crowd(0, many, sharedChannel)
	time.Sleep(time.Second)
}

func (b *world) memory() bench.Result { return b.memoryOf(many, sharedChannel) }

// memoryOf measures the memory of users in channels.
func (b *world) memoryOf(users int, channel func(user int) string) bench.Result {
	time.Sleep(500 * time.Millisecond)
	before, m := b.gateway.RSS(), b.gateway.Begin()
	b.crowd(0, users, channel)
	time.Sleep(4 * time.Second) // until the gateway has returned unused memory
	after := b.gateway.RSS()
	r := m.End()
	r.Messages, r.Memory, r.RSS = users, float64(after-before)/float64(users), after/1024
	return r
}

func (b *world) idle() bench.Result {
	b.fill()
	time.Sleep(2 * time.Second)
	m := b.gateway.Begin()
	time.Sleep(20 * time.Second)
	r := m.End()
	r.Messages = 1
	return r
}

func (b *world) besideIdle() bench.Result {
	b.fill()
	b.enter(1, ownChannel)
	n := b.Scaled(300_000) / chunk * chunk
	return b.gateway.Timed(b.atIRC, 1, func(enough func() bool) int { return b.speak(enough, 1, n, 1000) })
}

// backlog: 20 users write without waiting for the messages to arrive.
func (b *world) backlog() bench.Result {
	const users = 20
	n := b.Scaled(100_000) / (users * chunk) * users * chunk
	b.enter(users, ownChannel)
	return b.gateway.Timed(b.atIRC, 1, func(enough func() bool) int { return b.speak(enough, users, n, n) })
}
