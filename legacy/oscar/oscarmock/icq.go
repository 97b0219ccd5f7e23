package oscarmock

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// icq handles family 15: stored messages of the older protocol, and profiles.
func (s *session) icq(snac oscarwire.SNAC) error {
	if !s.ready {
		return nil // like live servers
	}
	d, err := oscarwire.ParseICQData(snac.Body)
	if err != nil {
		return err
	}
	reply := func(cmd oscarwire.ICQCommand, data []byte) {
		s.send(oscarwire.ICQReply, snac.RequestID, oscarwire.ICQData{UIN: d.UIN, Command: cmd, Sequence: d.Sequence, Data: data})
	}
	switch d.Command {
	case oscarwire.ICQOfflineQuery:
		for _, m := range s.account.offline {
			s.send(oscarwire.ICQReply, snac.RequestID, oscarwire.NewOldOffline(d.UIN, d.Sequence, m.old()))
		}
		reply(oscarwire.ICQOfflineDone, []byte{0})
	case oscarwire.ICQOfflineDelete:
		s.account.offline = nil
	case oscarwire.ICQMetaRequest:
		return s.meta(snac, d)
	}
	return nil
}

// old converts the message to the older form, which contains only text in a code page.
// Its flags are 0: clients derived from libfaim read type and flags as one number, and
// display only 0001.
func (m stored) old() oscarwire.OldOffline {
	o := oscarwire.OldOffline{Sent: m.sent.UTC().Truncate(time.Minute), Type: oscarwire.MessagePlain}
	o.From, _ = oscarwire.ParseUIN(oscarwire.NormalizeScreenName(m.im.From.Name))
	if c, err := m.im.ICQMessage(); m.im.Channel == oscarwire.IMChannelICQ && err == nil {
		o.Type, o.Text = c.Type, c.Text
		return o
	}
	text, _ := m.im.Text() // empty if it is invalid
	o.Text = (*oscarwire.CodePage)(nil).Encode(text.Text(nil))
	return o
}

// meta handles queries of the user database. (Shutko, "SNAC(15,02)/07D0")
func (s *session) meta(snac oscarwire.SNAC, d oscarwire.ICQData) error {
	kind, args, err := d.MetaRequest()
	if err != nil {
		return err
	}
	send := func(m oscarwire.MetaReply) { s.send(oscarwire.ICQReply, snac.RequestID, m.Wrap(d.UIN, d.Sequence)) }
	switch kind {
	case oscarwire.MetaFullInfo, oscarwire.MetaSelfInfo:
		return s.fullInfo(snac, d, kind, args)
	case oscarwire.MetaSearchWhiteTLV, oscarwire.MetaSearchEmailTLV:
		return s.search(snac, d, args)
	case oscarwire.MetaSetFull:
		return s.setDetails(snac, d, args)
	case oscarwire.MetaShortInfo, oscarwire.MetaSearchUIN, oscarwire.MetaSearchUINTLV:
		uin, err := oscarwire.ParseMetaUIN(kind, args)
		if err != nil {
			return err
		}
		a := s.net.accounts[oscarwire.FormatUIN(uin)]
		switch {
		case kind == oscarwire.MetaShortInfo && a == nil:
			send(oscarwire.MetaReply{Subtype: oscarwire.MetaShortReply, Result: oscarwire.MetaNotFound})
		case kind == oscarwire.MetaShortInfo:
			send(oscarwire.NewShortInfo(a.meta()))
		case a == nil:
			send(oscarwire.MetaReply{Subtype: oscarwire.MetaSearchLast, Result: oscarwire.MetaNotFound})
		default:
			send(oscarwire.NewSearchRow(a.meta(), true, 0))
		}
	default:
		send(oscarwire.MetaReply{Subtype: oscarwire.MetaSearchLast, Result: oscarwire.MetaFailed})
	}
	return nil
}

// fullInfo answers a profile query, in several replies.
func (s *session) fullInfo(snac oscarwire.SNAC, d oscarwire.ICQData, kind oscarwire.MetaSubtype, args []byte) error {
	uin, err := oscarwire.ParseMetaUIN(kind, args)
	if err != nil {
		return err
	}
	a := s.net.accounts[oscarwire.FormatUIN(uin)]
	if a == nil {
		s.send(oscarwire.ICQReply, snac.RequestID, oscarwire.MetaReply{Subtype: oscarwire.MetaHomeReply, Result: oscarwire.MetaFailed}.Wrap(d.UIN, d.Sequence))
		return nil
	}
	replies := a.allDetails().Replies()
	for i, m := range replies {
		flags := oscarwire.FlagMore
		if i == len(replies)-1 {
			flags = 0
		}
		s.sendFlags(oscarwire.ICQReply, snac.RequestID, flags, m.Wrap(d.UIN, d.Sequence))
	}
	return nil
}

// allDetails returns the account's details, including those of the directory.
func (a *account) allDetails() oscarwire.UserDetails {
	d := a.details
	d.Nick, d.First, d.Last, d.Email = []byte(a.Nick), []byte(a.First), []byte(a.Last), []byte(a.Email)
	return d
}

// setDetails stores the account's details, and confirms the update.
func (s *session) setDetails(snac oscarwire.SNAC, d oscarwire.ICQData, args []byte) error {
	a := s.account
	details := a.allDetails()
	if err := details.TakeSetFull(bytes.Clone(args)); err != nil {
		return err
	}
	a.details = details
	a.Nick, a.First, a.Last, a.Email = string(details.Nick), string(details.First), string(details.Last), string(details.Email)
	s.send(oscarwire.ICQReply, snac.RequestID, oscarwire.MetaReply{Subtype: oscarwire.MetaSetFullAck, Result: oscarwire.MetaOK}.Wrap(d.UIN, d.Sequence))
	return nil
}

// search answers a directory search.
func (s *session) search(snac oscarwire.SNAC, d oscarwire.ICQData, args []byte) error {
	texts, err := oscarwire.ParseMetaTextTLVs(args)
	if err != nil {
		return err
	}
	is := func(tag uint16, value string) bool {
		want, asked := texts[tag]
		return !asked || strings.EqualFold(string(want), value)
	}
	var found []*account
	for _, a := range s.net.accounts {
		if a.isICQ() && len(texts) > 0 && is(oscarwire.TagMetaNick, a.Nick) && is(oscarwire.TagMetaFirst, a.First) &&
			is(oscarwire.TagMetaLast, a.Last) && is(oscarwire.TagMetaEmail, a.Email) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b *account) int { return strings.Compare(a.id, b.id) })
	if len(found) == 0 {
		s.send(oscarwire.ICQReply, snac.RequestID, oscarwire.MetaReply{Subtype: oscarwire.MetaSearchLast, Result: oscarwire.MetaNotFound}.Wrap(d.UIN, d.Sequence))
		return nil
	}
	for i, a := range found {
		flags, last := oscarwire.FlagMore, i == len(found)-1
		if last {
			flags = 0
		}
		s.sendFlags(oscarwire.ICQReply, snac.RequestID, flags, oscarwire.NewSearchRow(a.meta(), last, 0).Wrap(d.UIN, d.Sequence))
	}
	return nil
}

func (a *account) meta() oscarwire.MetaUser {
	uin, _ := oscarwire.ParseUIN(a.id)
	u := oscarwire.MetaUser{UIN: uin, Nick: []byte(a.Nick), First: []byte(a.First), Last: []byte(a.Last),
		Email: []byte(a.Email), OpenAuth: !a.NeedsAuth}
	if a.visible() {
		u.Status = 1
	}
	return u
}
