package main

import (
	"time"

	"transport/cmd/transport/internal/bench"
	"transport/legacy/oscar/oscarwire"
)

// scenario is one kind of load.
type scenario struct {
	bench.Scenario
	every int // the latency of every every-th message is measured
	run   func(*world) bench.Result
	goal  string
}

var scenarios = []scenario{
	{Scenario: bench.Scenario{Name: "XMPP to ICQ, one sender", More: true}, every: 64, goal: "≤ 10 µs",
		run: func(w *world) bench.Result { return w.toICQ(1, 0) }},
	{Scenario: bench.Scenario{Name: "XMPP to ICQ, 20 senders", More: true}, every: 64, goal: "≤ 10 µs",
		run: func(w *world) bench.Result { return w.toICQ(20, 0) }},
	{Scenario: bench.Scenario{Name: "ICQ to XMPP, one user", More: true}, every: 64, goal: "≤ 10 µs",
		run: func(w *world) bench.Result { return w.toXMPP(1) }},
	{Scenario: bench.Scenario{Name: "ICQ to XMPP, 20 users", More: true}, every: 64, goal: "≤ 10 µs",
		run: func(w *world) bench.Result { return w.toXMPP(20) }},
	{Scenario: bench.Scenario{Name: "ICQ round trips", More: true}, every: 64, goal: "≤ 20 µs (two messages)",
		run: (*world).roundTrips},
	{Scenario: bench.Scenario{Name: "ICQ round trips at low rate", Of: bench.LowRate}, every: 1, goal: "≤ 0.8 / 2.0 ms",
		run: (*world).lowRate},
	{Scenario: bench.Scenario{Name: "presence storms of 1,000 contacts", Of: bench.PerSecond, More: true}, every: 64, goal: "≤ 10 µs",
		run: (*world).storms},
	{Scenario: bench.Scenario{Name: "sign-on of 10,000 registered users", Of: bench.SignOns}, every: 64, goal: "CPU ≤ 2 s, ≤ 12 KiB a user, peak ≤ 1.2",
		run: func(w *world) bench.Result { return w.signOns(w.Scaled(10_000)) }},
	{Scenario: bench.Scenario{Name: "memory a user, 1,000 on ICQ", Of: bench.MemoryEach}, every: 64, goal: "≤ 12 KiB",
		run: func(w *world) bench.Result { return w.signOns(1000) }},
	{Scenario: bench.Scenario{Name: "1,000 idle users on ICQ", Of: bench.CPUSecond}, every: 64, goal: "≤ 2 ms a second",
		run: (*world).idle},
	{Scenario: bench.Scenario{Name: "XMPP to ICQ while 1,000 others idle", Of: bench.CPUEach}, every: 64, goal: "≤ 10 µs",
		run: func(w *world) bench.Result { return w.toICQ(1, 1000) }},
}

// own returns the contact of a user that has one.
func own(user int) []int { return []int{user} }

// shared returns the contact that users share.
func shared(int) []int { return []int{0} }

func (w *world) toICQ(senders, idle int) bench.Result {
	return w.toICQMany(w.Scaled(100_000), senders, idle, own)
}

// toICQMany: users write to a contact each, while others idle.
func (w *world) toICQMany(n, senders, idle int, contacts func(int) []int) bench.Result {
	n = max(1, n/(senders*chunk)) * senders * chunk
	w.people(senders, nil)
	w.users(senders+idle, func(user int) []int {
		if user >= senders {
			return nil
		}
		return contacts(user)
	})
	w.signOn(0, senders+idle)
	return w.gateway.Timed(w.atICQ, 1, func(enough func() bool) (sent int) {
		for k := 0; sent < n && !enough(); k += chunk {
			for s := range senders {
				w.write(s, s, w.atICQ, k, chunk)
				sent += chunk
			}
			bench.Window(w.atICQ, sent, window)
		}
		return sent
	})
}

// toXMPP: a contact each writes to users.
func (w *world) toXMPP(users int) bench.Result {
	n := w.Scaled(100_000) / (users * chunk) * users * chunk
	w.people(users, nil)
	w.users(users, own)
	w.signOn(0, users)
	return w.gateway.Timed(w.atXMPP, 1, func(enough func() bool) (sent int) {
		for k := 0; sent < n && !enough(); k += chunk {
			for s := range users {
				w.say(s, s, k, chunk)
				sent += chunk
			}
			bench.Window(w.atXMPP, sent, 500)
		}
		return sent
	})
}

// echo is what a contact replies that returns every message.
func echo(text string) string { return text }

// roundTrips: a user writes to a contact, who replies.
func (w *world) roundTrips() bench.Result {
	n := w.Scaled(50_000) / chunk * chunk
	w.people(1, echo)
	w.users(1, own)
	w.signOn(0, 1)
	return w.gateway.Timed(w.atXMPP, 1, func(enough func() bool) (sent int) {
		for ; sent < n && !enough(); sent += chunk {
			w.write(0, 0, w.atXMPP, sent, chunk)
			bench.Window(w.atXMPP, sent+chunk, window)
		}
		return sent
	})
}

// lowRate: one message at a time, about a hundred a second.
func (w *world) lowRate() bench.Result {
	n := w.Scaled(500)
	w.people(1, echo)
	w.users(1, own)
	w.signOn(0, 1)
	return w.gateway.Timed(w.atXMPP, 1, func(enough func() bool) (sent int) {
		for ; sent < n && !enough(); sent++ {
			w.write(0, 0, w.atXMPP, sent, 1)
			bench.Window(w.atXMPP, sent+1, 0)
			time.Sleep(10 * time.Millisecond)
		}
		return sent
	})
}

// storms: all contacts of a user go away, and come back.
func (w *world) storms() bench.Result {
	const contacts = 1000
	storms := w.Scaled(20)
	w.people(contacts, nil)
	w.users(1, func(int) []int {
		all := make([]int, contacts)
		for i := range all {
			all[i] = i
		}
		return all
	})
	w.signOn(0, 1)
	arrived := func(n int64) {
		bench.Until(w.ctx, "the storm", 30*time.Second, func() bool { return w.xmpp.Presences.Load() >= n })
	}
	arrived(contacts)
	time.Sleep(time.Second)
	before, m := w.xmpp.Presences.Load(), w.gateway.Begin()
	for i := range storms {
		status := oscarwire.StatusAway
		if i%2 == 1 {
			status = 0
		}
		for _, b := range w.bots {
			b.SetStatus(status, "", "")
		}
		arrived(before + int64(contacts*(i+1)))
	}
	r := m.End()
	r.Messages = int(w.xmpp.Presences.Load() - before)
	return r
}

// signOns: registered users sign on after a restart of the gateway.
func (w *world) signOns(n int) bench.Result {
	w.people(1, nil)
	w.users(n, shared)
	w.signOn(0, n) // the first time, the registry stores their lists
	w.restart()
	time.Sleep(500 * time.Millisecond)
	before, m := w.gateway.RSS(), w.gateway.Begin()
	w.signOn(0, n)
	r := m.End()
	settle()
	steady := w.gateway.RSS()
	r.Messages, r.RSS = n, steady/1024
	r.Memory = float64(steady-before) / float64(n)
	r.Peak = float64(w.gateway.Peak()) / float64(steady)
	return r
}

// idle: users do nothing.
func (w *world) idle() bench.Result {
	const users = 1000
	w.people(1, nil)
	w.users(users, shared)
	w.signOn(0, users)
	settle()
	m := w.gateway.Begin()
	time.Sleep(20 * time.Second)
	r := m.End()
	r.Messages = 1
	return r
}
