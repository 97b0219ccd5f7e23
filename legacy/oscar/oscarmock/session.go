package oscarmock

import (
	"slices"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// session is a connection that is signed on to BOS. Network.mu guards it.
type session struct {
	*conn
	account *account
	multi   bool
	ready   bool // 01/02 arrived
	over    bool
	service uint16          // the family, 0 for BOS
	room    *chatRoom       // with family 0E
	typing  bool            // requests typing events
	buddies map[string]bool // the client-side list, 03/04
	seen    map[string]bool // shown as online
	rates   map[uint16]*rate
	snacs   map[oscarwire.ID]int // number of each received
}

const maxSNACs = 500 // number of kinds that are counted

// families are the families of BOS.
var families = oscarwire.FamilyList{
	oscarwire.FamilyService, oscarwire.FamilyLocation, oscarwire.FamilyBuddy, oscarwire.FamilyICBM,
	oscarwire.FamilyPrivacy, oscarwire.FamilyLookup, oscarwire.FamilyStats, oscarwire.FamilyBART, oscarwire.FamilyFeedbag, oscarwire.FamilyICQ,
}

// newSession starts a session. The older sessions of the account end, unless both have
// TLV 4A = 1. n.mu is held.
func (n *Network) newSession(c *conn, a *account, multi uint8) *session {
	s := &session{conn: c, account: a, multi: multi == oscarwire.MultiConnAllow,
		buddies: make(map[string]bool), seen: make(map[string]bool),
		rates: newRates(n.opts.Rates, n.opts.Now()), snacs: make(map[oscarwire.ID]int)}
	for _, old := range slices.Clone(a.sessions) {
		if !s.multi || !old.multi || len(a.sessions) > maxSession {
			old.disconnect(DisconnectReplaced)
		}
	}
	a.sessions = append(a.sessions, s)
	s.send(oscarwire.ServiceHostFamilies, 0, families)
	n.changed.Broadcast()
	return s
}

// DisconnectHow is the way in which the network ends a session.
type DisconnectHow uint8

// The ways to end a session.
const (
	DisconnectClose    DisconnectHow = iota // just close the connection
	DisconnectReplaced                      // as for a newer sign-on: TLV 09 = 1, or without 4A a truncated frame
	DisconnectPolite                        // channel 4 without a reason
	DisconnectRate                          // as for going on above the limits: TLV 09 = 1, whatever 4A said
)

// disconnect ends the session. n.mu is held.
func (s *session) disconnect(how DisconnectHow) {
	if s.over {
		return
	}
	switch {
	case how == DisconnectReplaced && s.multi, how == DisconnectRate:
		s.frame(oscarwire.ChannelSignOff, oscarwire.SignOff{Code: oscarwire.DisconnectNewSignOn, CodeLen: 1, URL: "http://localhost/"})
	case how == DisconnectReplaced:
		s.raw(oscarwire.AppendShortSignOff(nil, s.seq))
	case how == DisconnectPolite:
		s.frame(oscarwire.ChannelSignOff, nil)
	}
	s.endLocked()
	s.finish()
}

// end is called by the reader when the connection has ended.
func (s *session) end() {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.endLocked()
}

func (s *session) endLocked() {
	if s.over {
		return
	}
	s.over = true
	if s.service != 0 {
		s.leaveRoom()
		return
	}
	a := s.account
	a.sessions = slices.DeleteFunc(a.sessions, func(o *session) bool { return o == s })
	if !a.online() {
		a.away, a.statusText, a.profile, a.idleSince, a.status = "", "", "", time.Time{}, 0
		clear(a.permits)
		clear(a.blocks)
		s.net.cutRooms(a, nil) // like Open OSCAR Server
	}
	if s.ready {
		s.net.sendPresence(a)
	}
	s.net.changed.Broadcast()
}

// send sends a SNAC. request is the ID of the request that it answers, 0 for none.
func (s *session) send(id oscarwire.ID, request uint32, body oscarwire.Appender) {
	s.sendFlags(id, request, 0, body)
}

func (s *session) sendFlags(id oscarwire.ID, request uint32, flags uint16, body oscarwire.Appender) {
	if s.over {
		return
	}
	if request == 0 {
		request = 0x8000_0000
	}
	h := oscarwire.Header{ID: id, Flags: flags, RequestID: request}
	if s.net.opts.ExtraHeaders && id.Family() == oscarwire.FamilyFeedbag {
		h.Flags |= oscarwire.FlagExtra
		h.Extra = []byte{0, 1, 0, 2, 0, 2}
	}
	var b []byte
	if body != nil {
		b = body.Append(nil)
	}
	snac := oscarwire.SNAC{Header: h, Body: b}
	times, delay := s.faultSend(id)
	if delay > 0 {
		s.net.wg.Go(func() { // the reader that runs this is also in wg
			s.net.pause(delay)
			s.frame(oscarwire.ChannelData, snac)
		})
		return
	}
	for range times {
		s.frame(oscarwire.ChannelData, snac)
	}
}

// fail answers a request with an error.
func (s *session) fail(snac oscarwire.SNAC, code oscarwire.ErrorCode) {
	s.send(oscarwire.MakeID(snac.ID.Family(), oscarwire.SubtypeError), snac.RequestID, oscarwire.SNACError{Code: code})
}

// onFrame handles a frame of a signed-on connection. An error ends the connection.
func (s *session) onFrame(f oscarwire.Frame) error {
	switch f.Channel {
	case oscarwire.ChannelSignOff:
		return errDone
	case oscarwire.ChannelData:
	default:
		return nil
	}
	snac, err := f.SNAC()
	if err != nil {
		return err
	}
	s.net.mu.Lock()
	if _, known := s.snacs[snac.ID]; known || len(s.snacs) < maxSNACs {
		s.snacs[snac.ID]++
	}
	s.net.changed.Broadcast()
	s.net.mu.Unlock()
	switch s.faultOn(snac.ID, s.account.id) {
	case silent:
		return errSilent
	case swallow:
		return nil
	}
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if s.over {
		return errDone
	}
	switch s.count(snac.ID) {
	case rateDrop:
		return nil
	case rateDisconnect:
		s.disconnect(DisconnectRate)
		return errDone
	}
	if err := s.handle(snac); err != nil {
		s.net.log.Debug().Err(err).Stringer("snac", snac.ID).Str("name", s.account.Name).Msg("invalid body")
		s.fail(snac, oscarwire.CodeBusted)
	}
	return nil
}

// handle dispatches a SNAC.
func (s *session) handle(snac oscarwire.SNAC) error {
	switch s.service {
	case oscarwire.FamilyBART:
		return s.serveIcons(snac)
	case oscarwire.FamilyChatNav:
		return s.serveChatNav(snac)
	case oscarwire.FamilyChat:
		return s.serveChat(snac)
	case oscarwire.FamilyAdmin:
		return s.serveAdmin(snac)
	case oscarwire.FamilyDirectory:
		return s.serveDirectory(snac)
	}
	reply := func(id oscarwire.ID, body oscarwire.Appender) { s.send(id, snac.RequestID, body) }
	switch snac.ID {
	case oscarwire.ServiceClientVersions:
		v, err := oscarwire.ParseFamilyVersions(snac.Body)
		if err != nil {
			return err
		}
		reply(oscarwire.ServiceHostVersions, v)
		if s.net.opts.MOTD != "" {
			s.send(oscarwire.ServiceMOTD, 0, oscarwire.MOTD{Type: 4, Text: s.net.opts.MOTD})
		}
	case oscarwire.ServiceRateQuery:
		reply(oscarwire.ServiceRateReply, s.rateParams())
	case oscarwire.ServiceRateAck, oscarwire.ServiceNoOp, oscarwire.ServicePauseAck, oscarwire.ServicePrivacyFlags,
		oscarwire.FeedbagUse, oscarwire.FeedbagStart, oscarwire.FeedbagEnd, oscarwire.PrivacySetMask:
	case oscarwire.ServiceSelfQuery:
		reply(oscarwire.ServiceSelfInfo, oscarwire.UserInfos{s.account.info(s.net.opts.Now())})
	case oscarwire.ServiceSetStatus:
		return s.setStatus(snac)
	case oscarwire.ServiceIdle:
		idle, err := oscarwire.ParseNumber(snac.Body)
		if err != nil {
			return err
		}
		s.account.idleSince = time.Time{}
		if idle > 0 {
			s.account.idleSince = s.net.opts.Now().Add(-time.Duration(idle) * time.Second)
		}
		s.changed()
	case oscarwire.ServiceClientReady:
		return s.begin()
	case oscarwire.ServiceRequest:
		return s.otherService(snac)
	case oscarwire.LocationRightsQuery:
		reply(oscarwire.LocationRightsReply, oscarwire.Rights{TLVs: oscarwire.TLVs{
			oscarwire.TLV16(oscarwire.TagLocationMaxProfile, 1024), oscarwire.TLV16(oscarwire.TagLocationMaxCaps, 1000)}})
	case oscarwire.BuddyRightsQuery:
		reply(oscarwire.BuddyRightsReply, oscarwire.Rights{TLVs: oscarwire.TLVs{
			oscarwire.TLV16(oscarwire.TagBuddyMaxBuddies, 100), oscarwire.TLV16(oscarwire.TagBuddyMaxWatchers, 100), oscarwire.TLV16(oscarwire.TagBuddyMaxTemp, 100)}})
	case oscarwire.PrivacyRightsQuery:
		reply(oscarwire.PrivacyRightsReply, oscarwire.Rights{TLVs: oscarwire.TLVs{
			oscarwire.TLV16(oscarwire.TagPrivacyMaxPermit, 100), oscarwire.TLV16(oscarwire.TagPrivacyMaxDeny, 100)}})
	case oscarwire.ICBMParamsQuery:
		reply(oscarwire.ICBMParamsReply, oscarwire.ICBMParams{Channel: 100, Flags: 3, MaxLen: 512, MaxSenderWarn: 999, MaxOwnWarn: 999})
	case oscarwire.ICBMSetParams:
		p, err := oscarwire.ParseICBMParams(snac.Body)
		if err != nil {
			return err
		}
		s.typing = p.Flags&oscarwire.ICBMTypingEvents != 0
	case oscarwire.ICBMResetParams:
		s.typing = false
	case oscarwire.LocationSetInfo:
		return s.setInfo(snac)
	case oscarwire.LocationQuery, oscarwire.LocationQuery2:
		return s.location(snac)
	case oscarwire.BuddyAdd, oscarwire.BuddyRemove, oscarwire.BuddyAddTemp, oscarwire.BuddyRemoveTemp:
		return s.ownBuddies(snac)
	case oscarwire.PrivacyAddPermit, oscarwire.PrivacyRemovePermit, oscarwire.PrivacyAddDeny, oscarwire.PrivacyRemoveDeny:
		return s.ownPrivacy(snac)
	case oscarwire.LookupByEmail:
		return s.lookUp(snac)
	case oscarwire.LocationSetDir:
		return s.setDirectory(snac)
	case oscarwire.LocationDirQuery:
		return s.directoryInfo(snac)
	case oscarwire.StatsReport:
		reply(oscarwire.StatsReportAck, nil)
	case oscarwire.ICBMSend:
		return s.message(snac)
	case oscarwire.ICBMClientAck:
		return s.clientAck(snac)
	case oscarwire.ICBMTyping:
		return s.relayTyping(snac)
	case oscarwire.ICBMOfflineQuery:
		s.sendStored(snac.RequestID)
	case oscarwire.ICQRequest:
		return s.icq(snac)
	case oscarwire.FeedbagRightsQuery, oscarwire.FeedbagQuery, oscarwire.FeedbagQueryIfModified,
		oscarwire.FeedbagInsert, oscarwire.FeedbagUpdate, oscarwire.FeedbagDelete,
		oscarwire.FeedbagAuthRequest, oscarwire.FeedbagAuthReply, oscarwire.FeedbagPreauthorize, oscarwire.FeedbagRemoveMe:
		return s.feedbag(snac)
	default:
		s.fail(snac, oscarwire.CodeNotSupported)
	}
	return nil
}

// begin handles 01/02: the session is complete.
func (s *session) begin() error {
	if s.ready {
		return nil
	}
	first := !s.account.online()
	s.ready = true
	s.account.begun++
	if first {
		s.account.signedOn = s.net.opts.Now()
	}
	s.send(oscarwire.StatsInterval, 0, oscarwire.Raw{0, 1})
	s.net.sendPresence(s.account)
	s.showAll()
	return nil
}

// changed sends the account's presence to others, once the session is complete.
func (s *session) changed() {
	if s.ready {
		s.net.sendPresence(s.account)
	}
}

func (s *session) setStatus(snac oscarwire.SNAC) error {
	set, err := oscarwire.ParseSetStatus(snac.Body)
	if err != nil {
		return err
	}
	if set.Status != nil {
		s.account.status = *set.Status
	}
	for _, i := range set.BART {
		if i.Type == oscarwire.BARTStatusText {
			s.account.statusText, _ = i.Text(nil)
		}
	}
	s.send(oscarwire.ServiceSelfInfo, snac.RequestID, oscarwire.UserInfos{s.account.info(s.net.opts.Now())})
	s.changed()
	return nil
}

func (s *session) setInfo(snac oscarwire.SNAC) error {
	info, err := oscarwire.ParseLocationInfo(snac.Body, nil)
	if err != nil {
		return err
	}
	if info.Away != nil {
		s.account.away = *info.Away
	}
	if info.Profile != nil {
		s.account.profile = *info.Profile
	}
	if info.Caps != nil {
		s.account.caps = info.Caps
	}
	s.changed()
	return nil
}

// location handles 02/05 and 02/15: queries of texts.
func (s *session) location(snac oscarwire.SNAC) error {
	q, err := oscarwire.ParseLocationQueryNew(snac.Body)
	if snac.ID == oscarwire.LocationQuery {
		var old oscarwire.LocationQueryOld
		old, err = oscarwire.ParseLocationQueryOld(snac.Body)
		q.Name = old.Name
		q.Flags = map[uint16]uint32{oscarwire.LocationOldProfile: oscarwire.LocationProfile,
			oscarwire.LocationOldAway: oscarwire.LocationAway, oscarwire.LocationOldCaps: oscarwire.LocationCaps}[old.Type]
	}
	if err != nil {
		return err
	}
	other := s.net.accounts[oscarwire.NormalizeScreenName(q.Name)]
	if other == nil || !other.visible() || other.denies(s.account.id) {
		s.fail(snac, oscarwire.CodeNotLoggedOn)
		return nil
	}
	var info oscarwire.LocationInfo
	if q.Flags&oscarwire.LocationProfile != 0 {
		info.Profile = &other.profile
	}
	if q.Flags&oscarwire.LocationAway != 0 {
		info.Away = &other.away
	}
	if q.Flags&oscarwire.LocationCaps != 0 {
		info.Caps = other.caps
	}
	s.send(oscarwire.LocationReply, snac.RequestID, oscarwire.LocationReplyInfo{User: other.info(s.net.opts.Now()), Info: info})
	return nil
}

// ownBuddies handles the client-side list, which lives as long as the session.
func (s *session) ownBuddies(snac oscarwire.SNAC) error {
	names, err := oscarwire.ParseNames(snac.Body)
	for _, name := range names {
		id := oscarwire.NormalizeScreenName(name)
		if snac.ID == oscarwire.BuddyRemove || snac.ID == oscarwire.BuddyRemoveTemp {
			delete(s.buddies, id)
			if !s.account.lists(id) {
				delete(s.seen, id)
			}
			continue
		}
		if len(s.buddies) >= s.net.opts.MaxBuddies {
			break
		}
		s.buddies[id] = true
		if other := s.net.accounts[id]; other != nil && s.ready && !other.denies(s.account.id) {
			s.showBuddy(other, other.info(s.net.opts.Now()))
		}
	}
	return err
}
