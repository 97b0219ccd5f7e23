package oscarmock

import (
	"time"

	"transport/legacy/oscar/oscarwire"
)

// The rate classes: 3 is for messages, 1 for everything else.
const (
	rateGeneral  uint16 = 1
	rateMessages uint16 = 3
)

// RatesFree are limits that no sane client reaches.
var RatesFree = []oscarwire.RateClass{
	{ID: rateGeneral, Window: 80, Clear: 10, Alert: 8, Limit: 4, Disconnect: 1, Current: 6000, Max: 6000},
	{ID: rateMessages, Window: 200, Clear: 10, Alert: 8, Limit: 4, Disconnect: 1, Current: 6000, Max: 6000},
}

// RatesOOS are the limits of Open OSCAR Server.
var RatesOOS = []oscarwire.RateClass{
	{ID: rateGeneral, Window: 80, Clear: 2500, Alert: 2000, Limit: 1500, Disconnect: 800, Current: 6000, Max: 6000},
	{ID: rateMessages, Window: 20, Clear: 5100, Alert: 5000, Limit: 4000, Disconnect: 3000, Current: 6000, Max: 6000},
}

// rate is the level of a session in one class.
type rate struct {
	class   oscarwire.RateClass
	last    time.Time
	limited bool
	alerted bool
}

func newRates(classes []oscarwire.RateClass, now time.Time) map[uint16]*rate {
	rates := make(map[uint16]*rate, len(classes))
	for _, class := range classes {
		rates[class.ID] = &rate{class: class, last: now}
	}
	return rates
}

// rateParams is 01/07.
func (s *session) rateParams() oscarwire.RateParams {
	var p oscarwire.RateParams
	for _, class := range s.net.opts.Rates {
		class.Current = s.rates[class.ID].class.Current
		p.Classes = append(p.Classes, class)
		members := oscarwire.RateMembers{Class: class.ID}
		for _, id := range limited {
			if classOf(id) == class.ID {
				members.SNACs = append(members.SNACs, id)
			}
		}
		p.Members = append(p.Members, members)
	}
	return p
}

// limited are the SNACs that count towards a rate class.
var limited = []oscarwire.ID{
	oscarwire.ServiceRequest, oscarwire.ServiceSelfQuery, oscarwire.ServiceSetStatus, oscarwire.ServiceIdle,
	oscarwire.LocationSetInfo, oscarwire.LocationQuery, oscarwire.LocationQuery2, oscarwire.BuddyAdd, oscarwire.BuddyRemove,
	oscarwire.ChatNavCreate, oscarwire.ChatSend,
	oscarwire.ICBMSend, oscarwire.ICBMTyping, oscarwire.ICBMClientAck, oscarwire.ICBMOfflineQuery,
	oscarwire.FeedbagInsert, oscarwire.FeedbagUpdate, oscarwire.FeedbagDelete, oscarwire.FeedbagAuthRequest,
	oscarwire.FeedbagAuthReply, oscarwire.FeedbagPreauthorize, oscarwire.ICQRequest,
}

func classOf(id oscarwire.ID) uint16 {
	if id == oscarwire.ICBMSend || id == oscarwire.ChatSend {
		return rateMessages
	}
	for _, other := range limited {
		if other == id {
			return rateGeneral
		}
	}
	return 0
}

// verdict is the server's decision on a SNAC.
type verdict uint8

const (
	ratePass verdict = iota
	rateDrop
	rateDisconnect
)

// count counts a received SNAC. (AOL, "Rate Limits")
func (s *session) count(id oscarwire.ID) verdict {
	r := s.rates[classOf(id)]
	if r == nil {
		return ratePass
	}
	now := s.net.opts.Now()
	r.class.Current = r.class.Next(now.Sub(r.last))
	r.last = now
	tell := func(code oscarwire.RateCode) {
		class := r.class
		if r.limited {
			class.Dropping = 1
		}
		s.send(oscarwire.ServiceRateChange, 0, oscarwire.RateChange{Code: code, Class: class})
	}
	switch level := r.class.Current; {
	case level < r.class.Disconnect:
		return rateDisconnect
	case level < r.class.Limit && !r.limited:
		r.limited, r.alerted = true, true
		tell(oscarwire.RateLimited)
	case r.limited && level >= r.class.Clear:
		r.limited, r.alerted = false, false
		tell(oscarwire.RateCleared)
	case level < r.class.Alert && !r.alerted:
		r.alerted = true
		tell(oscarwire.RateWarning)
	case level >= r.class.Clear:
		r.alerted = false
	}
	if r.limited {
		return rateDrop
	}
	return ratePass
}
