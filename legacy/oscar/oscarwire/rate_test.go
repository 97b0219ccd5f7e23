package oscarwire

import (
	"testing"
	"time"
)

// imClass is the message class of the recorded server.
func imClass() RateClass {
	return RateClass{
		ID: 3, Window: 20, Clear: 5100, Alert: 5000, Limit: 4000, Disconnect: 3000, Current: 6000, Max: 6000,
	}
}

func TestRateNext(t *testing.T) {
	for _, c := range []struct {
		current, window uint32
		elapsed         time.Duration
		want            uint32
	}{
		{6000, 20, 0, 5700},
		{5700, 20, 0, 5415},
		{6000, 20, 6 * time.Second, 6000},
		{6000, 20, time.Hour, 6000},
		{5000, 20, 5 * time.Second, 5000},
		{5000, 20, 5100 * time.Millisecond, 5005},
		{5001, 20, 999 * time.Microsecond, 4750}, // below a millisecond counts as none; rounded down
		{6000, 20, -time.Second, 5700},
		{6000, 0, 10 * time.Millisecond, 10},
		{6000, 1, 10 * time.Millisecond, 10},
		{0xFFFFFFFF, 0xFFFFFFFF, 0, 6000},
	} {
		class := imClass()
		class.Current, class.Window = c.current, c.window
		if got := class.Next(c.elapsed); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestRateWait(t *testing.T) {
	class := imClass()
	for _, current := range []uint32{0, 2999, 3000, 4000, 5000, 5099, 5100, 5999, 6000} {
		for _, level := range []uint32{0, 3000, 4000, 5000, 5100, 6000, 9999} {
			for _, elapsed := range []time.Duration{0, time.Millisecond, 4 * time.Second, time.Minute} {
				class.Current = current
				wait := class.Wait(elapsed, level)
				want := min(level, class.Max)
				if got := class.Next(elapsed + wait); got < want {
					t.Errorf("%d after %v, wait %v for %d: %d", current, elapsed, wait, want, got)
				}
				if wait > 0 && class.Next(elapsed+wait-time.Millisecond) >= want {
					t.Errorf("%d after %v: %v is longer than needed for %d", current, elapsed, wait, want)
				}
			}
		}
	}
	class = RateClass{Window: 0xFFFFFFFF, Max: 0xFFFFFFFF}
	if d := class.Wait(0, 0xFFFFFFFF); d != maxElapsed {
		t.Errorf("absurd class: %v", d)
	}
}

// A burst of about seven, then one in about five seconds to stay clear.
func TestRateBurst(t *testing.T) {
	class := imClass()
	if n := class.Burst(0, class.Limit, 100); n != 7 {
		t.Errorf("burst to the limit: %d", n)
	}
	if n := class.Burst(time.Minute, class.Clear, 100); n != 4 {
		t.Errorf("burst to clear: %d", n)
	}
	if n := class.Burst(0, 0, 5); n != 5 {
		t.Errorf("bounded: %d", n)
	}
	class.Current = class.Clear
	if d := class.Wait(0, class.Clear); d != 5100*time.Millisecond {
		t.Errorf("staying clear: %v", d)
	}
}

func TestRateParams(t *testing.T) {
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil || s.ID != ServiceRateReply {
			continue
		}
		p, err := ParseRateParams(s.Body)
		if err != nil || len(p.Classes) != 5 || len(p.Members) != 5 {
			t.Fatalf("%v: %d classes, %d members, %v", rec, len(p.Classes), len(p.Members), err)
		}
		if c := p.Classes[2]; c.ID != 3 || c.Window != 20 || c.Clear != 5100 || c.Disconnect != 3000 || c.Max != 6000 {
			t.Errorf("%v: %+v", rec, c)
		}
		by := p.ByID()
		if by[ICBMSend] != 3 || by[ServiceClientReady] != 1 || len(p.ClassIDs()) != 5 {
			t.Errorf("%v: IM class %d", rec, by[ICBMSend])
		}
		return
	}
	t.Fatal("no 01/07")
}

func TestRateChange(t *testing.T) {
	m := RateChange{RateLimited, imClass()}
	m.Class.Last, m.Class.Dropping = 99, 1
	b := m.Append(nil)
	if got, err := ParseRateChange(b); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	m.Class.Last, m.Class.Dropping = 0, 0
	if got, err := ParseRateChange(b[:len(b)-5]); err != nil || got != m {
		t.Errorf("old form: %+v, %v", got, err)
	}
	if _, err := ParseRateChange(b[:len(b)-6]); err == nil {
		t.Error("cut short")
	}
	if RateLimited.String() != "rate: limited (code 03)" || RateCode(9).String() != "rate: code 09" {
		t.Error("texts")
	}
}
