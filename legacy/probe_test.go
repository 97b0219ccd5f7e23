package legacy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"transport/legacy"
)

var (
	refused = legacy.Wrap(legacy.Temporary, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "Down.")
	lost    = legacy.Wrap(legacy.Temporary, io.EOF, "Lost.")
)

// The session that loses a server first tries it in quick succession for the time of a restart;
// the others wait for it.
func TestProbe(t *testing.T) {
	var p legacy.Probe
	now := time.Unix(1000, 0)
	began := now
	var pauses []time.Duration
	for err, lasted := error(lost), time.Hour; ; err, lasted = refused, 0 {
		pause, quick := p.Pause("first", now, err, lasted)
		if !quick {
			break
		}
		if other, quick := p.Pause("other", now, err, lasted); !quick || now.Add(other).Before(began.Add(10*time.Second)) {
			t.Fatalf("another session tries after %v, %v", other, quick)
		}
		pauses = append(pauses, pause)
		now = now.Add(pause)
	}
	for i, want := range []time.Duration{100, 200, 400, 400, 400} {
		if got := pauses[i] / time.Millisecond; got < want*3/4 || got > want*5/4 {
			t.Errorf("pause %d is %v", i, pauses[i])
		}
	}
	for _, pause := range pauses {
		if pause > 500*time.Millisecond {
			t.Errorf("a pause of %v", pause)
		}
	}
	if took := now.Sub(began); took < 10*time.Second || took > 11*time.Second {
		t.Errorf("tried for %v", took)
	}
	// While it stays away, there are no more quick tries.
	for range 100 {
		now = now.Add(5 * time.Minute)
		if _, quick := p.Pause("other", now, refused, 0); quick {
			t.Fatal("quick tries begin again")
		}
	}
	// But after it was back.
	p.Back()
	if pause, quick := p.Pause("other", now, refused, 0); !quick || pause > 200*time.Millisecond {
		t.Errorf("the next outage: %v, %v", pause, quick)
	}
	// Or if nobody has tried for long.
	now = now.Add(time.Hour)
	if pause, quick := p.Pause("third", now, refused, 0); !quick || pause > 200*time.Millisecond {
		t.Errorf("an hour later: %v, %v", pause, quick)
	}
}

// A server that accepts connections and ends them gets no quick tries.
func TestNoProbe(t *testing.T) {
	thrown := legacy.Errorf(legacy.Temporary, "The server ended the connection.")
	thrown.RetryAfter = time.Second
	for name, tt := range map[string]struct {
		err    error
		lasted time.Duration
	}{
		"ends early":     {lost, 59 * time.Second},
		"not registered": {lost, 0},
		"thrown out":     {thrown, time.Hour},
		"time-out":       {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, 0},
		"other":          {errors.New("x"), 0},
	} {
		var p legacy.Probe
		if pause, quick := p.Pause(1, time.Unix(1000, 0), tt.err, tt.lasted); quick {
			t.Errorf("%s: tries after %v", name, pause)
		}
	}
}
