package main

import (
	"fmt"
	"time"
)

// scenario is one kind of load.
type scenario struct {
	name    string
	modes   string
	history bool
	run     func(*bench) result
	goals   map[string]string // by mode
	of      metric            // the main result; messages per second without a goal
	more    bool              // higher is better
}

type metric int

const (
	perSecond metric = iota
	cpuEach
	wholeTime
	memoryEach
	cpuSecond
	arrival
	comingBack
)

func (s scenario) goal(mode string) string { return s.goals[mode] }

func (s scenario) value(r result) float64 {
	switch s.of {
	case cpuEach:
		return r.each()
	case wholeTime:
		return float64(r.elapsed.Milliseconds())
	case memoryEach:
		return float64(r.memory)
	case cpuSecond:
		return float64(r.cpu.Milliseconds()) / r.elapsed.Seconds()
	case arrival, comingBack:
		return float64(r.messages - r.lost)
	}
	return float64(r.messages) / r.elapsed.Seconds()
}

func (s scenario) show(r result) string {
	if r.note != "" {
		return r.note
	}
	text := ""
	switch s.of {
	case wholeTime:
		text = fmt.Sprintf("%d ms", r.elapsed.Milliseconds())
		if r.messages > 1 {
			text += fmt.Sprintf(", %.1f µs CPU each", r.each())
		}
	case memoryEach:
		text = fmt.Sprintf("%d KiB, %d MiB in all", r.memory, r.rss)
	case cpuSecond:
		text = fmt.Sprintf("%.1f ms CPU a second", s.value(r))
	case arrival:
		return fmt.Sprintf("%d of %d", r.messages-r.lost, r.messages)
	case comingBack:
		if r.lost > 0 {
			return "no"
		}
		return fmt.Sprintf("after %.1f s", r.elapsed.Seconds())
	default:
		text = fmt.Sprintf("%.0f/s, %.1f µs CPU each", float64(r.messages)/r.elapsed.Seconds(), r.each())
		if r.p99 > 0 {
			text += fmt.Sprintf(", p50 %.1f ms, p99 %.1f ms", r.p50.Seconds()*1000, r.p99.Seconds()*1000)
		}
	}
	if bad := r.lost + r.repeated + r.disorder; bad > 0 {
		text += fmt.Sprintf(" (lost %d, repeated %d, out of order %d)", r.lost, r.repeated, r.disorder)
	}
	return text
}

var scenarios = []scenario{
	{name: "XMPP to IRC, one sender", modes: "played real", more: true, run: func(b *bench) result { return b.toIRC(1, 300_000, 1000) },
		goals: map[string]string{"played": "≥ 200,000/s", "real": "≤ 4 µs"}},
	{name: "XMPP to IRC, 20 senders, own channels", modes: "played real", more: true, run: func(b *bench) result { return b.toIRC(20, 300_000, 2000) },
		goals: map[string]string{"played": "≥ 200,000/s", "real": "≤ 4 µs"}},
	{name: "20 senders in one channel of 20 users", modes: "played real", more: true, run: (*bench).oneChannel,
		goals: map[string]string{"played": "≥ 30,000 messages/s", "real": "≤ 50 µs (of 20 deliveries)"}},
	{name: "IRC to XMPP, 1 occupant", modes: "played real", more: true, run: func(b *bench) result { return b.toXMPP(1) },
		goals: map[string]string{"played": "≥ 250,000/s", "real": "≤ 4 µs"}},
	{name: "IRC to XMPP, 20 occupants", modes: "played real", more: true, run: func(b *bench) result { return b.toXMPP(20) },
		goals: map[string]string{"played": "≥ 300,000/s", "real": "≤ 3 µs"}},
	{name: "IRC to XMPP, 100 occupants", modes: "played real", more: true, run: func(b *bench) result { return b.toXMPP(100) },
		goals: map[string]string{"played": "≥ 300,000/s", "real": "≤ 3 µs"}},
	{name: "private round trips", modes: "played real", more: true, run: (*bench).roundTrips,
		goals: map[string]string{"played": "≥ 100,000/s", "real": "≤ 6 µs"}},
	{name: "join a channel of 2,000", modes: "played", of: wholeTime, run: (*bench).joinBig,
		goals: map[string]string{"played": "≤ 150 ms, ≤ 4 µs a presence"}},
	{name: "200 users join 200 channels", modes: "played real", of: wholeTime, run: func(b *bench) result { return b.joinMany(200) },
		goals: map[string]string{"played": "≤ 200 ms", "real": "≤ 200 ms"}},
	{name: "200 users join one channel", modes: "played real", of: wholeTime, run: func(b *bench) result { return b.joinMany(1) },
		goals: map[string]string{"played": "≤ 2.3 s", "real": "≤ 2.3 s"}},
	{name: "memory a user, 1,000 online", modes: "played", of: memoryEach, run: (*bench).memory,
		goals: map[string]string{"played": "≤ 28 KiB, ≤ 50 MiB"}},
	{name: "1,000 idle users", modes: "played", of: cpuSecond, run: (*bench).idle,
		goals: map[string]string{"played": "≤ 2 ms a second"}},
	{name: "XMPP to IRC while 1,000 others idle", modes: "played", of: cpuEach, run: (*bench).besideIdle,
		goals: map[string]string{"played": "≤ 6 µs"}},
	{name: "all sent at once", modes: "played", more: true, run: (*bench).backlog,
		goals: map[string]string{"played": "≥ 200,000/s"}},
	{name: "history on, XMPP to IRC", modes: "played real", of: cpuEach, history: true, run: func(b *bench) result { return b.toIRC(1, 50_000, 1000) },
		goals: map[string]string{"played": "≤ 15 µs", "real": "≤ 15 µs"}},
	{name: "XMPP server restarted: lines said meanwhile", modes: "real", of: arrival, more: true, run: (*bench).xmppRestarted,
		goals: map[string]string{"real": "all arrive"}},
	{name: "IRC server restarted: back in the channel", modes: "real", of: comingBack, more: true, run: (*bench).ircRestarted,
		goals: map[string]string{"real": "yes"}},
}

const idleTimeout = 20 * time.Second // without any message: Prosody can pause for many seconds

// long limits the time for sending messages to a slow gateway.
const long = 20 * time.Second

// timed measures the time from the start of do until a counter has received all messages,
// each once per receiver. do stops sending early if enough returns true, and returns the
// number of sent messages.
func (b *bench) timed(c *counter, receivers int, do func(enough func() bool) (sent int)) result {
	cpu, start := b.cpu(), time.Now()
	sent := do(func() bool { return time.Since(start) > long })
	c.wait(sent*receivers, idleTimeout)
	r := result{messages: sent, elapsed: time.Since(start), cpu: b.cpu() - cpu, p50: c.percentile(0.5), p99: c.percentile(0.99),
		lost: sent*receivers - c.got(), repeated: c.repeated, disorder: c.disorder}
	if r.lost > 0 {
		r.elapsed -= idleTimeout
	}
	return r
}

// enter makes users join channels, and waits until they have joined.
func (b *bench) enter(users int, channel func(user int) string) {
	before := b.users.subjects()
	for i := range users {
		b.users.join(i, channel(i))
	}
	until(fmt.Sprintf("entering channels by %d users", users), 30*time.Second, func() bool { return b.users.subjects() >= before+users })
}

func ownChannel(user int) string { return fmt.Sprint("#c", user) }

// window waits until at most that many messages are in transit.
func window(c *counter, sent, size int) {
	if !c.wait(sent-size, idleTimeout) {
		panic(failure{fmt.Errorf("only %d of %d messages arrived", c.got(), sent)})
	}
}

const chunk = 50 // messages per write

// toIRC: users write, each in a separate channel.
func (b *bench) toIRC(senders, n, size int) result {
	n = b.scaled(n) / (senders * chunk) * senders * chunk
	for i := range senders {
		b.people.enter(ownChannel(i))
	}
	b.enter(senders, ownChannel)
	return b.timed(b.atIRC, 1, func(enough func() bool) int { return b.speak(enough, senders, n, size) })
}

// speak makes senders write in turn, each in a separate channel.
func (b *bench) speak(enough func() bool, senders, n, size int) (sent int) {
	for k := 0; sent < n && !enough(); k += chunk {
		for s := range senders {
			b.write(s, b.atIRC, ownChannel(s), "groupchat", s, k)
			sent += chunk
		}
		window(b.atIRC, sent, size)
	}
	return sent
}

// write makes a user write a chunk of messages, numbered from first on.
func (b *bench) write(user int, c *counter, to, typ string, stream, first int) {
	var out []byte
	for k := first; k < first+chunk; k++ {
		out = b.users.stanza(out, user, to, typ, k, func(dst []byte) []byte { return c.mark(dst, stream, k) })
	}
	b.users.write(user, out)
}

// oneChannel: 20 users write in one channel; each message goes to all of them.
func (b *bench) oneChannel() result {
	const users = 20
	n := b.scaled(20_000) / (users * chunk) * users * chunk
	all := func(int) string { return "#all" }
	b.enter(users, all)
	return b.timed(b.atXMPP, users, func(enough func() bool) (sent int) {
		for k := 0; sent < n && !enough(); k += chunk {
			for s := range users {
				b.write(s, b.atXMPP, "#all", "groupchat", s, k)
				sent += chunk
			}
			window(b.atXMPP, sent*users, 2000*users)
		}
		return sent
	})
}

// toXMPP: bob writes in a channel with that many users.
func (b *bench) toXMPP(users int) result {
	n := b.scaled(400_000) / (users * chunk) * chunk
	b.people.enter("#all")
	b.enter(users, func(int) string { return "#all" })
	time.Sleep(300 * time.Millisecond) // the presence of the last occupants is still being sent
	r := b.timed(b.atXMPP, users, func(enough func() bool) (sent int) {
		for ; sent < n && !enough(); sent += chunk {
			b.people.say("#all", chunk, func(dst []byte, i int) []byte { return b.atXMPP.mark(dst, 0, sent+i) })
			window(b.atXMPP, sent*users, max(2000, 200*users))
		}
		return sent
	})
	r.messages *= users // deliveries
	return r
}

// roundTrips: a user writes to bob, who replies.
func (b *bench) roundTrips() result {
	n := b.scaled(100_000) / chunk * chunk
	b.people.answer()
	b.enter(1, ownChannel)
	return b.timed(b.atXMPP, 1, func(enough func() bool) (sent int) {
		for ; sent < n && !enough(); sent += chunk {
			b.write(0, b.atXMPP, "bob", "chat", 0, sent)
			window(b.atXMPP, sent, 150)
		}
		return sent
	})
}

// joinBig: users join channels with 2,000 occupants, one after the other.
func (b *bench) joinBig() result {
	const users = 20
	b.enter(1, func(int) string { return "#first" }) // connected
	b.irc.extras = 2000
	cpu, start, before := b.cpu(), time.Now(), b.users.presences()
	for i := range users {
		subjects := b.users.subjects()
		b.users.join(0, fmt.Sprint("#big", i))
		until("the join", 20*time.Second, func() bool { return b.users.subjects() > subjects })
	}
	r := result{messages: b.users.presences() - before, elapsed: time.Since(start) / users, cpu: b.cpu() - cpu}
	if want := users * 2001; r.messages < want {
		r.lost = want - r.messages
	}
	return r
}

// joinMany: 200 users join at once.
func (b *bench) joinMany(channels int) result {
	const users = 200
	before := b.users.subjects()
	for i := range users { // users of a real server log in first
		b.users.write(i, []byte(" "))
	}
	cpu, start := b.cpu(), time.Now()
	for i := range users {
		b.users.join(i, fmt.Sprint("#j", i%channels))
	}
	until("the joins", time.Minute, func() bool { return b.users.subjects() >= before+users })
	return result{messages: users, elapsed: time.Since(start), cpu: b.cpu() - cpu}
}

const crowd = 1000

// fill makes a thousand users join a hundred channels.
func (b *bench) fill() {
	for from := 0; from < crowd; from += 100 {
		before := b.users.subjects()
		for i := from; i < from+100; i++ {
			b.users.join(i, fmt.Sprint("#m", i%100))
		}
		until("entering channels", time.Minute, func() bool { return b.users.subjects() >= before+100 })
	}
	time.Sleep(time.Second)
}

func (b *bench) memory() result {
	time.Sleep(500 * time.Millisecond)
	before := b.rss()
	b.fill()
	time.Sleep(3 * time.Second) // until the gateway has returned unused memory
	after := b.rss()
	return result{messages: crowd, elapsed: time.Second, memory: (after - before) / crowd, rss: after / 1024}
}

func (b *bench) idle() result {
	b.fill()
	time.Sleep(2 * time.Second)
	cpu, start := b.cpu(), time.Now()
	time.Sleep(20 * time.Second)
	return result{messages: 1, elapsed: time.Since(start), cpu: b.cpu() - cpu}
}

func (b *bench) besideIdle() result {
	b.fill()
	b.enter(1, ownChannel)
	n := b.scaled(300_000) / chunk * chunk
	return b.timed(b.atIRC, 1, func(enough func() bool) int { return b.speak(enough, 1, n, 1000) })
}

// backlog: 20 users write without waiting for the messages to arrive.
func (b *bench) backlog() result {
	const users = 20
	n := b.scaled(100_000) / (users * chunk) * users * chunk
	b.enter(users, ownChannel)
	return b.timed(b.atIRC, 1, func(enough func() bool) int { return b.speak(enough, users, n, n) })
}
