package bench

import "time"

const (
	idleTimeout = 20 * time.Second // without any message: Prosody can pause for many seconds
	long        = 20 * time.Second // for sending messages to a slow gateway
)

// Timed measures the time from the start of do until a counter has received all messages,
// each once per receiver. do stops sending early if enough returns true, and returns the
// number of sent messages.
func (g *Gateway) Timed(c *Counter, receivers int, do func(enough func() bool) (sent int)) Result {
	m := g.Begin()
	sent := do(func() bool { return m.Elapsed() > long })
	c.Wait(sent*receivers, idleTimeout)
	r := m.End()
	r.Messages, r.P50, r.P99, r.Lost = sent, c.Percentile(0.5), c.Percentile(0.99), sent*receivers-c.Got()
	r.Repeated, r.Disorder = c.Faults()
	if r.Lost > 0 {
		r.Elapsed -= idleTimeout
	}
	return r
}

// Window waits until at most that many messages are in transit.
func Window(c *Counter, sent, size int) {
	if !c.Wait(sent-size, idleTimeout) {
		Fail("only %d of %d messages arrived", c.Got(), sent)
	}
}
