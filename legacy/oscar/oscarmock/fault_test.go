package oscarmock_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

var steps = []oscarmock.Step{
	oscarmock.StepConnect, oscarmock.StepChallenge, oscarmock.StepLogin, oscarmock.StepBOS, oscarmock.StepVersions,
	oscarmock.StepRates, oscarmock.StepRights, oscarmock.StepList, oscarmock.StepReady, oscarmock.StepMessage, oscarmock.StepEdit,
}

// walk signs on and uses every service, until something fails.
func walk(addr string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	t := &failing{}
	defer t.close()
	c := enter(t, md5(true)(t, addr, alice, password, 0), 0)
	c.prepare()
	c.complete()
	c.edit(oscarwire.FeedbagInsert, friends)
	c.edit(oscarwire.FeedbagDelete, friends)
	c.im(alice, "note", oscarwire.IMRequestAck)
	c.expect(oscarwire.ICBMHostAck)
	return nil
}

// failing is a testing.TB that is expected to fail.
type failing struct {
	testing.TB
	cleanups []func()
}

func (t *failing) Helper()                   {}
func (t *failing) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *failing) Fatal(a ...any)            { panic(fmt.Sprint(a...)) }
func (t *failing) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (t *failing) close() {
	for _, f := range t.cleanups {
		f()
	}
}

// TestFaults makes every fault strike at every step: faults that end the connection do
// so, and after garbage the next sign-on succeeds.
func TestFaults(t *testing.T) {
	ends := map[oscarmock.Action]bool{
		oscarmock.Close: true, oscarmock.Reset: true, oscarmock.Garbage: true, oscarmock.Truncate: true, oscarmock.Short: true,
		oscarmock.UnknownSNAC: false, oscarmock.SkipNumbers: false, oscarmock.Delay: false, oscarmock.Bytes: false,
	}
	n := start(t, oscarmock.Options{})
	keepAlive, err := oscarwire.AppendFLAP(nil, oscarwire.ChannelKeepAlive, 77, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		for action, wantEnd := range ends {
			t.Run(fmt.Sprintf("%d at %d", action, step), func(t *testing.T) {
				if step == oscarmock.StepConnect && !wantEnd && action != oscarmock.Delay {
					t.Skip("the hello comes first")
				}
				n.Inject(oscarmock.Fault{Step: step, Account: accountAt(step), Action: action, Delay: time.Millisecond, Data: keepAlive})
				defer n.Heal()
				if err := walk(n.Addr()); (err != nil) != wantEnd {
					t.Errorf("got %v", err)
				}
				if err := walk(n.Addr()); err != nil {
					t.Errorf("it struck twice: %v", err)
				}
			})
		}
	}
}

func accountAt(step oscarmock.Step) string {
	if step == oscarmock.StepConnect {
		return ""
	}
	return alice
}

// TestSilence: a silent network keeps the connection open.
func TestSilence(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	n.Inject(oscarmock.Fault{Step: oscarmock.StepSNAC, SNAC: oscarwire.ServiceSelfQuery, Action: oscarmock.Silence})
	a.send(oscarwire.ServiceSelfQuery, nil)
	if err := n.WaitSignedOff(within(t), alice); err != nil {
		t.Fatal(err)
	}
	if err := a.nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := a.fr.ReadFrame()
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("got %v, want silence", err)
	}
}

// TestSNACFaults: faults of single SNACs, after which the session continues.
func TestSNACFaults(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	count := func() (acks int) {
		t.Helper()
		a.im(alice, "note", oscarwire.IMRequestAck)
		for _, s := range a.sync() {
			if s.ID == oscarwire.ICBMHostAck {
				acks++
			}
		}
		return acks
	}
	for what, tt := range map[string]struct {
		fault oscarmock.Fault
		want  int
	}{
		"message lost":   {oscarmock.Fault{Step: oscarmock.StepMessage, Action: oscarmock.Drop}, 0},
		"snac lost":      {oscarmock.Fault{Step: oscarmock.StepSNAC, SNAC: oscarwire.ICBMSend, Action: oscarmock.Drop}, 0},
		"ack lost":       {oscarmock.Fault{Step: oscarmock.StepAck, Action: oscarmock.Drop}, 0},
		"ack repeated":   {oscarmock.Fault{Step: oscarmock.StepAck, Action: oscarmock.Repeat}, 2},
		"reply repeated": {oscarmock.Fault{Step: oscarmock.StepSend, SNAC: oscarwire.ICBMHostAck, Action: oscarmock.Repeat}, 2},
		"another's":      {oscarmock.Fault{Step: oscarmock.StepAck, Account: bob, Action: oscarmock.Repeat}, 1},
	} {
		n.Inject(tt.fault)
		if got := count(); got != tt.want {
			t.Errorf("%s: %d acks, want %d", what, got, tt.want)
		}
		n.Heal()
		if got := count(); got != 1 {
			t.Errorf("after %s: %d acks", what, got)
		}
	}
	n.Inject(oscarmock.Fault{Step: oscarmock.StepAck, Action: oscarmock.Delay, Delay: 20 * time.Millisecond})
	if count() != 0 {
		t.Error("it does not wait")
	}
	a.expect(oscarwire.ICBMHostAck)
	n.Inject(oscarmock.Fault{Step: oscarmock.StepFeedbagAck, Action: oscarmock.Drop})
	a.send(oscarwire.FeedbagInsert, oscarwire.FeedbagItems{friends})
	none(t, a.sync(), oscarwire.FeedbagAck)
	if len(n.Feedbag(alice)) != 1 {
		t.Error("the edit is lost")
	}
}

// TestWays signs on to networks with unusual writes.
func TestWays(t *testing.T) {
	for what, o := range map[string]oscarmock.Options{
		"bytes": {ByteByByte: true}, "together": {Coalesce: true}, "headers": {ExtraHeaders: true}, "both": {ByteByByte: true, Coalesce: true},
	} {
		t.Run(what, func(t *testing.T) {
			n := start(t, o)
			if err := walk(n.Addr()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		n := start(t, oscarmock.Options{NoAcks: true, NoOfflineEnd: true, MOTD: "Hello"})
		c := enter(t, roasted(t, n.Addr(), alice, password, 0), 0)
		c.send(oscarwire.ServiceClientVersions, oscarwire.FamilyVersions{{Family: 1, Version: 4}})
		if m := parse(t, oscarwire.ParseMOTD, c.expect(oscarwire.ServiceMOTD)); m.Text != "Hello" {
			t.Errorf("got %+v", m)
		}
		c.complete()
		c.im(alice, "x", oscarwire.IMRequestAck)
		c.send(oscarwire.ICBMOfflineQuery, nil)
		came := c.sync()
		none(t, came, oscarwire.ICBMHostAck)
		none(t, came, oscarwire.ICBMOfflineDone)
	})
}

func TestMigrate(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	n.Migrate(alice, n.Addr())
	a.expect(oscarwire.ServicePause)
	m := parse(t, oscarwire.ParseMigration, a.expect(oscarwire.ServiceMigrate))
	again := enter(t, oscarwire.LoginReply{Addr: m.Addr, Cookie: m.Cookie}, oscarwire.MultiConnAllow)
	again.complete()
	if got := n.Sessions(alice); got != 2 {
		t.Errorf("%d sessions", got)
	}
}

// TestSlowClient: a client that does not read is disconnected, and delays no other
// client.
func TestSlowClient(t *testing.T) {
	n := start(t, oscarmock.Options{})
	r := roasted(t, n.Addr(), alice, password, 0)
	ours, theirs := net.Pipe() // without a buffer
	n.Serve(theirs)
	slow := newClient(t, ours)
	slow.read()
	slow.write(oscarwire.ChannelSignOn, oscarwire.CookieSignOn(r.Cookie, 0))
	slow.expect(oscarwire.ServiceHostFamilies)
	slow.complete()
	b := n.Bot("300001", oscarmock.BotOptions{})
	b.SignOn()
	for range 5000 {
		if b.Send(alice, "are you there?") != nil {
			break // alice is offline, and her store is full
		}
	}
	if err := n.WaitSignedOff(within(t), alice); err != nil {
		t.Error(err)
	}
}
