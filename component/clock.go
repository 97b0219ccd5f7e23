package component

import "time"

// Clock is the time source of a component. Tests inject their own.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f on a goroutine of its own after d, unless the function
	// that it returns is called first.
	AfterFunc(d time.Duration, f func()) (stop func())
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// timer calls a function at a time that can be changed.
type timer struct {
	at   time.Time // zero while it is not set
	halt func()
}

// set schedules poke at a time, in place of an earlier one; a zero time stops the timer.
func (t *timer) set(at time.Time, clock Clock, poke func()) {
	if at.Equal(t.at) {
		return
	}
	t.stop()
	t.at = at
	if !at.IsZero() {
		t.halt = clock.AfterFunc(max(at.Sub(clock.Now()), 0), poke)
	}
}

// expire notes that the timer has fired.
func (t *timer) expire(now time.Time) {
	if isDue(t.at, now) {
		t.at = time.Time{}
	}
}

func (t *timer) stop() {
	if t.halt != nil {
		t.halt()
		t.halt = nil
	}
}
