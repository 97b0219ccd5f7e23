package oscarmock

import (
	"net"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// Step is the point in a session where a Fault strikes.
type Step uint8

// The steps. Those of the first group support every Action but Repeat and those of
// cookies; the comments of the others list theirs.
const (
	StepConnect   Step = iota // a connection was accepted
	StepChallenge             // 17/06 arrived
	StepLogin                 // 17/02 or a roasted sign-on arrived
	StepBOS                   // a connection with a cookie arrived
	StepVersions              // 01/17 arrived
	StepRates                 // 01/06 arrived
	StepRights                // 02/02, 03/02, 04/04, 09/02 or 13/02 arrived
	StepList                  // 13/04 or 13/05 arrived
	StepReady                 // 01/02 arrived
	StepMessage               // 04/06 arrived
	StepEdit                  // 13/08, 13/09 or 13/0A arrived
	StepSNAC                  // Fault.SNAC arrived

	StepRefuse        // a sign-on is refused with Fault.Code
	StepRedirect      // WrongCookie, ExpiredCookie, or Fault.Addr in place of the address of BOS
	StepRefuseMessage // 04/06 is answered by 04/01 with Fault.Code
	StepAck           // Drop, Repeat or Delay 04/0C
	StepFeedbagAck    // Drop, Repeat or Delay 13/0E
	StepSend          // Drop, Repeat or Delay Fault.SNAC, which is about to be sent
)

// Action is the effect of a Fault.
type Action uint8

// The actions.
const (
	Close       Action = iota // close the connection
	Reset                     // close it by RST
	Silence                   // never answer again
	Garbage                   // send bytes that are no frame, then close
	Truncate                  // send half a frame, then close
	Short                     // the 4-byte sign-off, then close
	EmptySNAC                 // send a frame of channel 2 with 3 bytes, and go on
	UnknownSNAC               // send a SNAC of an unknown family, and go on
	Bytes                     // send Fault.Data unchanged, and go on
	SkipNumbers               // skip sequence numbers, and go on
	Delay                     // wait Fault.Delay, and go on
	Drop                      // ignore the SNAC that arrived, or do not send it
	Repeat
	WrongCookie
	ExpiredCookie
)

// Fault makes the network misbehave.
type Fault struct {
	Step    Step
	SNAC    oscarwire.ID // of StepSNAC and StepSend
	Account string       // "" for any
	Action  Action
	Times   int // 0 for once, -1 for always
	Code    oscarwire.SignOnCode
	Addr    string
	Delay   time.Duration
	Data    []byte
}

// Inject adds a fault.
func (n *Network) Inject(f Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	f.Account = oscarwire.NormalizeScreenName(f.Account)
	n.faults = append(n.faults, &f)
}

// Heal removes all faults.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = nil
}

// takeFault returns the fault that strikes at a step, nil if there is none. n.mu is
// held. name is "" while the account is unknown.
func (n *Network) takeFault(step Step, snac oscarwire.ID, name string) *Fault {
	id := oscarwire.NormalizeScreenName(name)
	for _, f := range n.faults {
		if f.Step != step || f.SNAC != snac || f.Times == 0 || f.Account != "" && f.Account != id {
			continue
		}
		if f.Times > 0 {
			f.Times--
			n.changed.Broadcast()
		}
		return f
	}
	return nil
}

func stepOf(id oscarwire.ID) (Step, bool) {
	switch id {
	case oscarwire.ServiceClientVersions:
		return StepVersions, true
	case oscarwire.ServiceRateQuery:
		return StepRates, true
	case oscarwire.LocationRightsQuery, oscarwire.BuddyRightsQuery, oscarwire.ICBMParamsQuery,
		oscarwire.PrivacyRightsQuery, oscarwire.FeedbagRightsQuery:
		return StepRights, true
	case oscarwire.FeedbagQuery, oscarwire.FeedbagQueryIfModified:
		return StepList, true
	case oscarwire.ServiceClientReady:
		return StepReady, true
	case oscarwire.ICBMSend:
		return StepMessage, true
	case oscarwire.FeedbagInsert, oscarwire.FeedbagUpdate, oscarwire.FeedbagDelete:
		return StepEdit, true
	}
	return 0, false
}

// outcome is how a connection continues after a fault.
type outcome uint8

const (
	goOn    outcome = iota
	swallow         // ignore the input
	silent          // never answer again, or closed
)

// fault applies a fault. n.mu is not held, since it may block.
func (c *conn) fault(step Step, name string) outcome { return c.strike(step, 0, name) }

// faultOn is fault for a received SNAC.
func (c *conn) faultOn(id oscarwire.ID, name string) outcome {
	if step, ok := stepOf(id); ok {
		if o := c.strike(step, 0, name); o != goOn {
			return o
		}
	}
	return c.strike(StepSNAC, id, name)
}

func (c *conn) strike(step Step, snac oscarwire.ID, name string) outcome {
	c.net.mu.Lock()
	f := c.net.takeFault(step, snac, name)
	c.net.mu.Unlock()
	if f == nil {
		return goOn
	}
	switch f.Action {
	case Silence:
	case Drop:
		return swallow
	case Delay:
		c.net.pause(f.Delay)
		return goOn
	case Bytes:
		c.raw(f.Data)
		return goOn
	case SkipNumbers:
		c.mu.Lock()
		c.seq += 0x1000
		c.mu.Unlock()
		return goOn
	case EmptySNAC:
		c.frame(oscarwire.ChannelData, oscarwire.Raw{0, 1, 0})
		return goOn
	case UnknownSNAC:
		c.frame(oscarwire.ChannelData, oscarwire.SNAC{Header: oscarwire.Header{ID: oscarwire.MakeID(0x7777, 3), RequestID: 0x8000_0001}, Body: []byte{1, 2, 3}})
		return goOn
	case Garbage:
		c.raw([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		c.finish()
	case Truncate:
		c.raw([]byte{0x2A, oscarwire.ChannelData, 0, 1, 0xFF, 0xFF, 0, 1})
		c.finish()
	case Short:
		c.raw(oscarwire.AppendShortSignOff(nil, 1))
		c.finish()
	case Reset:
		if tcp, ok := c.nc.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it may already be closed
		}
		c.nc.Close()
	default:
		c.finish()
	}
	return silent
}

// faultSend returns how often a SNAC is to be sent, and with what delay. n.mu is held.
func (s *session) faultSend(id oscarwire.ID) (times int, delay time.Duration) {
	f := s.net.takeFault(StepSend, id, s.account.Name)
	switch {
	case f != nil:
	case id == oscarwire.ICBMHostAck:
		f = s.net.takeFault(StepAck, 0, s.account.Name)
	case id == oscarwire.FeedbagAck:
		f = s.net.takeFault(StepFeedbagAck, 0, s.account.Name)
	}
	switch {
	case f == nil:
		return 1, 0
	case f.Action == Drop:
		return 0, 0
	case f.Action == Repeat:
		return 2, 0
	case f.Action == Delay:
		return 1, f.Delay
	}
	return 1, 0
}
