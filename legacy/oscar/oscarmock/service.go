package oscarmock

import (
	"slices"

	"transport/legacy/oscar/oscarwire"
)

// otherService handles 01/04: it returns the address of another service, which is the
// same. (AOL, "BART", "Chat Navigation", "Chat")
func (s *session) otherService(snac oscarwire.SNAC) error {
	q, err := oscarwire.ParseServiceQuery(snac.Body)
	if err != nil {
		return err
	}
	if q.TLVs.Has(oscarwire.TagUseSSL) && (s.net.opts.TLS == nil || s.net.opts.TLSUnknown) {
		s.fail(snac, oscarwire.CodeUnavailable)
		return nil
	}
	ticket := cookie{account: s.account, service: q.Family}
	switch q.Family {
	case oscarwire.FamilyBART, oscarwire.FamilyChatNav, oscarwire.FamilyAdmin, oscarwire.FamilyDirectory:
	case oscarwire.FamilyChat:
		if q.Room != nil {
			ticket.room = s.net.rooms[roomKey(*q.Room)]
		}
		if ticket.room == nil {
			s.fail(snac, oscarwire.CodeNoMatch)
			return nil
		}
	default:
		s.fail(snac, oscarwire.CodeUnavailable)
		return nil
	}
	s.send(oscarwire.ServiceRedirect, snac.RequestID,
		oscarwire.Redirect{Family: q.Family, Addr: s.nc.LocalAddr().String(), Cookie: s.net.issue(ticket)})
	return nil
}

// newService starts a connection that serves one family only. It does not count as a
// session of the account. n.mu is held.
func (n *Network) newService(c *conn, k cookie) *session {
	s := &session{conn: c, account: k.account, service: k.service, room: k.room, rates: newRates(n.opts.Rates, n.opts.Now()),
		buddies: make(map[string]bool), seen: make(map[string]bool), snacs: make(map[oscarwire.ID]int)}
	s.send(oscarwire.ServiceHostFamilies, 0, oscarwire.FamilyList{oscarwire.FamilyService, k.service})
	return s
}

// serveCommon handles the SNACs that every service has.
func (s *session) serveCommon(snac oscarwire.SNAC) {
	switch snac.ID {
	case oscarwire.ServiceClientVersions:
		s.send(oscarwire.ServiceHostVersions, snac.RequestID, oscarwire.Raw(slices.Clone(snac.Body)))
	case oscarwire.ServiceRateQuery:
		s.send(oscarwire.ServiceRateReply, snac.RequestID, s.rateParams())
	case oscarwire.ServiceSelfQuery:
		s.send(oscarwire.ServiceSelfInfo, snac.RequestID, oscarwire.UserInfos{s.account.info(s.net.opts.Now())})
	case oscarwire.ServiceRateAck, oscarwire.ServiceClientReady, oscarwire.ServicePauseAck:
	default:
		s.fail(snac, oscarwire.CodeNotSupported)
	}
}
