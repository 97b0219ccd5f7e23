package oscarmock_test

import (
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// TestRates exceeds the limits of a live server.
func TestRates(t *testing.T) {
	now := newClock()
	n := start(t, oscarmock.Options{Now: now.Now, Rates: oscarmock.RatesOOS})
	b := n.Bot("300001", oscarmock.BotOptions{})
	b.SignOn()
	a := signOn(t, n, alice)
	p := parse(t, oscarwire.ParseRateParams, a.ask(oscarwire.ServiceRateQuery, nil, oscarwire.ServiceRateReply))
	var class oscarwire.RateClass
	for _, c := range p.Classes {
		if c.ID == p.ByID()[oscarwire.ICBMSend] {
			class = c
		}
	}
	if class.Window != 20 || class.Limit != 4000 || class.Disconnect != 3000 || class.Max != 6000 {
		t.Fatalf("got %+v", class)
	}
	taken := class.Burst(0, class.Limit, 100)
	change := func(code oscarwire.RateCode, dropping uint8) {
		t.Helper()
		if m := parse(t, oscarwire.ParseRateChange, a.expect(oscarwire.ServiceRateChange)); m.Code != code || m.Class.Dropping != dropping {
			t.Errorf("got %+v, want %v", m, code)
		}
	}
	for range taken {
		a.im("300001", "taken", oscarwire.IMRequestAck)
	}
	change(oscarwire.RateWarning, 0)
	a.sync()
	if taken < 5 {
		t.Errorf("only %d messages are taken", taken)
	}
	receive(t, b, taken)
	a.im("300001", "dropped", oscarwire.IMRequestAck)
	change(oscarwire.RateLimited, 1)
	none(t, a.sync(), oscarwire.ICBMHostAck)
	// SNACs are dropped until the level is above clear again.
	now.add(10 * time.Second)
	a.im("300001", "dropped", oscarwire.IMRequestAck)
	none(t, a.sync(), oscarwire.ICBMHostAck)
	now.add(time.Minute)
	a.im("300001", "taken", oscarwire.IMRequestAck)
	change(oscarwire.RateCleared, 0)
	a.expect(oscarwire.ICBMHostAck)
	receive(t, b, 1)
	// A client that never stops is disconnected, with the same code as after a newer
	// sign-on.
	for range class.Burst(0, class.Disconnect, 100) + 1 {
		a.im("300001", "more", 0)
	}
	f := a.end()
	if off := oscarwire.ParseSignOff(f[len(f)-1].Payload); f[len(f)-1].Channel != oscarwire.ChannelSignOff || off.Code != 1 || off.CodeLen != 1 {
		t.Errorf("got %+v", f[len(f)-1])
	}
}

// TestRateDisconnect: the frame for a session without TLV 4A.
func TestRateDisconnect(t *testing.T) {
	n := start(t, oscarmock.Options{Rates: oscarmock.RatesOOS})
	a := signOnAs(t, n, alice, oscarwire.MultiConnAbsent)
	n.SetLevel(alice, 3, 1)
	a.im(bob, "x", 0)
	f := a.end()
	if last := f[len(f)-1]; last.Short || oscarwire.ParseSignOff(last.Payload).Code != 1 {
		t.Errorf("got %+v", last)
	}
}

// receive waits for that many messages of a bot, and checks that there are no more.
func receive(t *testing.T, b *oscarmock.Bot, want int) {
	t.Helper()
	for i := range want {
		select {
		case m := <-b.Messages():
			if m.Text != "taken" {
				t.Errorf("got %q", m.Text)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d messages came, want %d", i, want)
		}
	}
	if n := len(b.Messages()); n > 0 {
		t.Errorf("%d messages too many", n)
	}
}
