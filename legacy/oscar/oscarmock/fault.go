package oscarmock

import (
	"net"

	"transport/legacy/oscar/oscarwire"
)

// Step is where in a session a Fault strikes.
type Step uint8

// The steps. For those of the first group any Action that ends or garbles the
// connection applies; the others say which.
const (
	StepConnect   Step = iota // a connection was accepted
	StepChallenge             // 17/06 came
	StepLogin                 // 17/02 or a roasted sign-on came
	StepBOS                   // a connection with a cookie came
	StepVersions              // 01/17 came
	StepRates                 // 01/06 came
	StepList                  // 13/04 or 13/05 came
	StepReady                 // 01/02 came
	StepMessage               // 04/06 came
	StepEdit                  // 13/08, 13/09 or 13/0A came

	StepRefuse        // a sign-on is refused with Fault.Code
	StepRedirect      // WrongCookie, or Fault.Addr in place of the address of BOS
	StepRefuseMessage // 04/06 is answered by 04/01 with Fault.Code
	StepAck           // Drop or Repeat 04/0C
	StepFeedbagAck    // Drop 13/0E
)

// Action is what a Fault does.
type Action uint8

// The actions.
const (
	Close       Action = iota // close the connection
	Reset                     // close it by RST
	Silence                   // never answer again
	Garbage                   // send bytes that are no frame, then close
	Truncate                  // send half a frame, then close
	Short                     // the 4-byte sign-off, then close
	EmptySNAC                 // send a frame of channel 2 with 3 bytes
	UnknownSNAC               // send a SNAC of a family that nobody knows
	Drop
	Repeat
	WrongCookie
)

// Fault makes the network misbehave.
type Fault struct {
	Step    Step
	Account string // "" for any
	Action  Action
	Times   int // how often, 0 for once, -1 for ever
	Code    oscarwire.SignOnCode
	Addr    string
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

// takeFault returns the fault that strikes at a step, nil if none does. n.mu is
// held. name is nil where no account is known yet.
func (n *Network) takeFault(step Step, name *string) *Fault {
	id := ""
	if name != nil {
		id = oscarwire.NormalizeScreenName(*name)
	}
	for _, f := range n.faults {
		if f.Step != step || f.Times == 0 || f.Account != "" && f.Account != id {
			continue
		}
		if f.Times > 0 {
			f.Times--
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

// fault has a fault strike. It is true when nothing more is to be answered.
func (c *conn) fault(step Step, name *string) bool {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.faultLocked(step, name)
}

func (c *conn) faultLocked(step Step, name *string) bool {
	f := c.net.takeFault(step, name)
	if f == nil {
		return false
	}
	switch f.Action {
	case Silence, Drop:
	case Garbage:
		c.raw([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		c.finish()
	case Truncate:
		c.raw([]byte{0x2A, oscarwire.ChannelData, 0, 1, 0xFF, 0xFF, 0, 1})
		c.finish()
	case Short:
		c.raw(oscarwire.AppendShortSignOff(nil, 1))
		c.finish()
	case EmptySNAC:
		c.frame(oscarwire.ChannelData, oscarwire.Raw{0, 1, 0})
		return false
	case UnknownSNAC:
		c.frame(oscarwire.ChannelData, oscarwire.SNAC{Header: oscarwire.Header{ID: oscarwire.MakeID(0x7777, 3), RequestID: 0x8000_0001}, Body: []byte{1, 2, 3}})
		return false
	case Reset:
		if tcp, ok := c.nc.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it may be closed already
		}
		c.nc.Close()
	default:
		c.finish()
	}
	return true
}
