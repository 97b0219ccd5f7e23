package gate

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// played is a server, played on the clock of the bubble, and the connections to it.
type played struct {
	t      *testing.T
	g      *Gate
	signs  func(n int) (time.Duration, Outcome) // the n-th sign-on; n counts from 0
	dials  time.Duration                        // duration of a TCP handshake
	speaks time.Duration                        // until the first bytes, 0 for none before the end of the sign-on

	begun, inside, most int
	unaccepted, backlog int         // connections without first bytes: now, and at most
	starts              []time.Time // of the sign-ons
	ended               chan Outcome
}

func play(t *testing.T, perMinute int, signs func(n int) (time.Duration, Outcome)) *played {
	return &played{t: t, g: NewTable(perMinute).At("irc.example"), signs: signs, dials: time.Millisecond, ended: make(chan Outcome, 10_000)}
}

// connect is one connection. What it does to the fields of p happens between the bubble's waits,
// under the gate's mutex.
func (p *played) connect(ctx context.Context) {
	pass, err := p.g.Enter(ctx, func(time.Time) {})
	if err != nil {
		p.ended <- Neutral
		return
	}
	accepted, err := pass.Open(ctx, func() error {
		p.count(&p.unaccepted, 1, &p.backlog)
		time.Sleep(p.dials)
		return nil
	})
	if err != nil {
		p.t.Error(err)
		return
	}
	p.g.mu.Lock()
	n := p.begun
	p.begun++
	p.starts = append(p.starts, time.Now())
	p.g.mu.Unlock()
	p.count(&p.inside, 1, &p.most)
	took, outcome := p.signs(n)
	if p.speaks > 0 {
		time.Sleep(p.speaks)
		p.count(&p.unaccepted, -1, nil)
		accepted()
	}
	time.Sleep(took)
	p.count(&p.inside, -1, nil)
	pass.Done(outcome)
	accepted()
	p.ended <- outcome
}

func (p *played) count(what *int, change int, most *int) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if *what += change; most != nil {
		*most = max(*most, *what)
	}
}

// storm makes n connections at once and returns how long they take in all.
func (p *played) storm(n int) time.Duration {
	began := time.Now()
	p.most, p.backlog = 0, 0
	for range n {
		go p.connect(p.t.Context())
	}
	for range n {
		<-p.ended
	}
	return time.Since(began)
}

func always(took time.Duration, o Outcome) func(int) (time.Duration, Outcome) {
	return func(int) (time.Duration, Outcome) { return took, o }
}

// A server like InspIRCd, which signs clients on once a second, gets all of them in one go; one
// like ngIRCd, which has a backlog of 10, never more connections than it holds.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 0, always(time.Second, Good))
		if took := p.storm(200); took > 1300*time.Millisecond || p.most < 190 {
			t.Errorf("200 sign-ons took %v, at most %d at once", took, p.most)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 0, always(20*time.Millisecond, Good))
		p.dials, p.speaks = time.Microsecond, 2*time.Millisecond
		if took := p.storm(1000); took > 600*time.Millisecond || p.backlog > 10 {
			t.Errorf("1000 sign-ons took %v, at most %d were not accepted", took, p.backlog)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a distant server gets a wider gate
		p := play(t, 0, always(300*time.Millisecond, Good))
		p.dials, p.speaks = 200*time.Millisecond, 200*time.Millisecond
		first := p.storm(1000)
		if again := p.storm(1000); again >= first || p.backlog <= dials || p.backlog > mostDial {
			t.Errorf("took %v, then %v; at most %d were not accepted", first, again, p.backlog)
		}
	})
}

// The gate narrows when the server breaks connections off, when it becomes slow, and when it
// says that there are too many; it remembers that, and widens again slowly.
func TestLearns(t *testing.T) {
	for name, tt := range map[string]struct {
		bears func(inside, n int) (time.Duration, Outcome)
		least int // width after the trouble
		most  int
	}{
		"breaks off": {func(inside, n int) (time.Duration, Outcome) {
			if inside > 20 {
				return 100 * time.Millisecond, Refused
			}
			return 200 * time.Millisecond, Good
		}, narrow, 20},
		"slow": {func(inside, n int) (time.Duration, Outcome) {
			if inside > 20 {
				return 10 * time.Second, Good
			}
			return 200 * time.Millisecond, Good
		}, narrow, 30},
		"throttles": {func(inside, n int) (time.Duration, Outcome) {
			if n == 50 {
				return 0, Throttled
			}
			return 200 * time.Millisecond, Good
		}, 1, 30},
		"one fails": {func(inside, n int) (time.Duration, Outcome) {
			if n == 50 {
				return 0, Neutral
			}
			return 200 * time.Millisecond, Good
		}, widest, widest},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := play(t, 0, nil)
				p.signs = func(n int) (time.Duration, Outcome) {
					p.g.mu.Lock()
					defer p.g.mu.Unlock()
					return tt.bears(p.inside, n)
				}
				for range 6 {
					p.storm(100)
				}
				width := p.width()
				if width < tt.least || width > tt.most {
					t.Errorf("the width is %d", width)
				}
				p.storm(100)
				if p.most > max(tt.most, 40) && tt.most < widest {
					t.Errorf("%d at once, after the trouble", p.most)
				}
				time.Sleep(2 * time.Hour)
				p.signs = always(time.Millisecond, Good)
				if p.storm(1); p.width() != widest {
					t.Errorf("after two quiet hours the width is %d", p.width())
				}
			})
		})
	}
}

func (p *played) width() int {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	return int(p.g.signOns.width)
}

// A sign-on that fails while it is alone does not narrow the gate, however often: that is not
// too many.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 0, always(time.Second, Refused))
		for range 100 {
			p.storm(1)
		}
		if p.width() != widest {
			t.Errorf("the width is %d", p.width())
		}
	})
}

// A server that has throttled a sign-on gets one at a time, ever more rarely until one succeeds.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 0, func(n int) (time.Duration, Outcome) {
			if n < 8 {
				return 0, Throttled
			}
			return time.Millisecond, Good
		})
		for range 60 {
			p.storm(1)
		}
		var gaps []time.Duration
		for i := 1; i < len(p.starts); i++ {
			gaps = append(gaps, p.starts[i].Sub(p.starts[i-1]).Round(time.Second))
		}
		want := []time.Duration{2, 4, 8, 16, 32, 60, 60, 60}
		for i := range want {
			want[i] *= time.Second
		}
		shrinks := slices.IsSortedFunc(gaps[7:], func(a, b time.Duration) int { return int(b - a) })
		if !slices.Equal(gaps[:len(want)], want) || gaps[8] < 50*time.Second || !shrinks || gaps[58] != 0 {
			t.Errorf("the gaps are %v", gaps)
		}
	})
}

// No minute has more connections than the configured limit, and those that wait learn for how
// long.
func TestPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 10, always(time.Second, Good))
		p.storm(35)
		time.Sleep(30 * time.Second)
		p.storm(20)
		for i, at := range p.starts[10:] {
			if gap := at.Sub(p.starts[i]); gap < time.Minute-10*time.Millisecond {
				t.Errorf("11 connections within %v", gap)
			}
		}
		if took := p.starts[34].Sub(p.starts[0]).Round(time.Second); took != 3*time.Minute {
			t.Errorf("35 connections took %v", took)
		}

		q := play(t, 2, always(0, Good))
		q.storm(2)
		began := time.Now()
		for i, want := range []time.Duration{1, 1, 2} {
			var first time.Time
			go func() {
				pass, err := q.g.Enter(t.Context(), func(until time.Time) {
					if first.IsZero() {
						first = until
					}
				})
				if err == nil {
					pass.Done(Good)
				}
				q.ended <- Good
			}()
			synctest.Wait()
			if got := first.Sub(began).Round(time.Second); got != want*time.Minute {
				t.Errorf("connection %d: told to wait %v", i, got)
			}
		}
		for range 3 {
			<-q.ended
		}
		if took := time.Since(began).Round(time.Second); took != 2*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// Those that give up leave their places to the others.
func TestGivesUp(t *testing.T) {
	for name, perMinute := range map[string]int{"window": 0, "limit a minute": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := play(t, perMinute, always(time.Second, Good))
				p.g.signOns.width, p.g.signOns.narrowed = 1, time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				for range 100 {
					go p.connect(ctx)
				}
				time.Sleep(time.Millisecond)
				cancel()
				go p.connect(t.Context())
				for range 101 {
					<-p.ended
				}
				if p.begun > 3 || p.g.signOns.inside != 0 || p.g.dials.inside != 0 || len(p.g.turns) > 0 {
					t.Errorf("%d sign-ons; %d and %d places are taken, %d wait", p.begun, p.g.signOns.inside, p.g.dials.inside, len(p.g.turns))
				}
			})
		})
	}
}

// A connection that waits in a narrow gate is told so again and again.
func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 0, always(40*time.Second, Good))
		p.g.signOns.width, p.g.signOns.narrowed = 1, time.Now()
		go p.connect(t.Context())
		synctest.Wait()
		var untils []time.Time
		pass, err := p.g.Enter(t.Context(), func(until time.Time) {
			if n := len(untils); n > 0 && time.Now().After(untils[n-1]) {
				t.Errorf("told %v after the last time", time.Since(untils[n-1]))
			}
			untils = append(untils, until)
		})
		if err != nil || len(untils) < 2 || time.Now().After(untils[len(untils)-1]) {
			t.Errorf("told %v, error %v", untils, err)
		}
		pass.Done(Good)
		pass.Done(Refused)
		if p.g.signOns.inside != 0 {
			t.Errorf("%d are inside", p.g.signOns.inside)
		}
		<-p.ended
	})
}

// A SYN that the kernel repeats, or that gets no answer, narrows the gate for connections.
func TestSlowDial(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	for name, second := range map[string]error{"repeated": nil, "timeout": timeout, "refused": errors.New("refused")} {
		synctest.Test(t, func(t *testing.T) {
			g := NewTable(0).At("irc.example")
			dial := func(took time.Duration, failure error) {
				pass, _ := g.Enter(t.Context(), nil)
				accepted, err := pass.Open(t.Context(), func() error {
					time.Sleep(took)
					return failure
				})
				if !errors.Is(err, failure) {
					t.Error(err)
				}
				if err == nil {
					accepted()
				}
				pass.Done(Neutral)
			}
			dial(time.Millisecond, nil)
			for range 6 {
				go dial(time.Second, second)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			g.mu.Lock()
			defer g.mu.Unlock()
			if got := g.dials.width; (got == dials) != (name == "refused") {
				t.Errorf("%s: the width is %v", name, got)
			}
		})
	}
}

// A table forgets the server that was used the longest ago.
func TestTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewTable(0)
		kept := table.At("kept")
		for i := range 3 * maxGates {
			time.Sleep(time.Millisecond)
			table.At(string(rune('a'+i%26)) + time.Now().String())
			if table.At("kept") != kept {
				t.Fatal("a server in use was forgotten")
			}
		}
		if n := len(table.gates); n != maxGates {
			t.Errorf("%d servers", n)
		}
	})
}

func TestIn(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "in 1 second", 20 * time.Second: "in 20 seconds", 10 * time.Minute: "in about 10 minutes"} {
		if got := In(wait); got != want {
			t.Errorf("%v: %q", wait, got)
		}
	}
}
