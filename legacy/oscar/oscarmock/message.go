package oscarmock

import (
	"bytes"
	"slices"

	"golang.org/x/net/html"

	"transport/legacy/oscar/oscarwire"
)

// message relays 04/06, stores it, or refuses it.
func (s *session) message(snac oscarwire.SNAC) error {
	out, err := oscarwire.ParseOutgoingIM(snac.Body)
	if err != nil {
		return err
	}
	n, a := s.net, s.account
	to := n.accounts[oscarwire.NormalizeScreenName(out.To)]
	if f := n.takeFault(StepRefuseMessage, 0, a.Name); f != nil {
		s.fail(snac, oscarwire.ErrorCode(f.Code))
		return nil
	}
	in := oscarwire.IncomingIM{Cookie: out.Cookie, Channel: out.Channel, From: a.info(n.opts.Now())}
	stores := false
	for _, t := range out.TLVs {
		switch t.Tag {
		case oscarwire.TagIMRequestAck:
		case oscarwire.TagIMStore:
			stores = true
		case oscarwire.TagIMText:
			in.TLVs = append(in.TLVs, oscarwire.TLVBytes(t.Tag, stripHTML(a, to, t.Value)))
		default:
			in.TLVs = append(in.TLVs, oscarwire.TLVBytes(t.Tag, slices.Clone(t.Value)))
		}
	}
	if s.typing && !in.TLVs.Has(oscarwire.TagIMWantsTyping) {
		in.TLVs = append(in.TLVs, oscarwire.TLVBytes(oscarwire.TagIMWantsTyping, nil))
	}
	switch {
	case to == nil:
		s.fail(snac, oscarwire.CodeNotLoggedOn)
		return nil
	case to.denies(a.id):
		s.fail(snac, oscarwire.CodeNotLoggedOn) // the block is not revealed to the sender
		return nil
	case a.denies(to.id):
		s.fail(snac, oscarwire.CodeBlockedLocally)
		return nil
	case to.online():
		n.deliver(to, in)
	case !stores || len(to.offline) >= maxStored || out.Channel == oscarwire.IMChannelRendezvous:
		s.fail(snac, oscarwire.CodeNotLoggedOn)
		return nil
	default:
		to.offline = append(to.offline, stored{in, n.opts.Now()})
	}
	if out.Flags()&oscarwire.IMRequestAck != 0 {
		s.ack(snac, out)
	}
	for _, other := range a.sessions {
		if n.opts.RelayOwn && other != s && other.ready {
			other.send(oscarwire.ICBMSend, 0, oscarwire.Raw(slices.Clone(snac.Body)))
		}
	}
	return nil
}

// ack acknowledges a message, 04/0C.
func (s *session) ack(snac oscarwire.SNAC, out oscarwire.OutgoingIM) {
	if s.net.opts.NoAcks {
		return
	}
	s.send(oscarwire.ICBMHostAck, snac.RequestID, oscarwire.HostAck{Cookie: out.Cookie, Channel: out.Channel, To: out.To})
}

// stripHTML removes tags from a message between UINs whose recipient does not advertise
// XHTML, as Open OSCAR Server does: byte by byte, whatever the encoding.
func stripHTML(from, to *account, value []byte) []byte {
	if to == nil || !from.isICQ() || !to.online() || slices.Contains(to.caps, oscarwire.CapXHTML) {
		return slices.Clone(value)
	}
	t, err := oscarwire.ParseIMText(value)
	if err != nil {
		return slices.Clone(value)
	}
	for i, p := range t.Parts {
		t.Parts[i].Data = textOfHTML(p.Data)
	}
	return t.Append(nil)
}

func textOfHTML(b []byte) []byte {
	var text []byte
	for z := html.NewTokenizer(bytes.NewReader(b)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return text
		case html.TextToken:
			text = append(text, z.Text()...)
		case html.StartTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); string(name) == "br" {
				text = append(text, '\n')
			}
		}
	}
}

// deliver sends a message to all sessions of an account. n.mu is held.
func (n *Network) deliver(to *account, in oscarwire.IncomingIM) {
	for _, s := range to.sessions {
		if s.ready {
			s.send(oscarwire.ICBMIncoming, 0, in)
		}
	}
	if to.bot != nil && to.bot.online {
		to.bot.received(in)
	}
}

// sendStored sends the account's stored messages, and the end mark. (04/10)
func (s *session) sendStored(request uint32) {
	waiting := s.account.offline
	if s.net.opts.NoOfflineEnd {
		return // wait for the older request
	}
	s.account.offline = nil
	for _, m := range waiting {
		m.im.TLVs = append(m.im.TLVs, oscarwire.TLV32(oscarwire.TagIMTime, uint32(m.sent.Unix())))
		s.send(oscarwire.ICBMIncoming, request, m.im)
	}
	s.send(oscarwire.ICBMOfflineDone, request, nil)
}

// clientAck relays 04/0B.
func (s *session) clientAck(snac oscarwire.SNAC) error {
	ack, err := oscarwire.ParseClientAck(snac.Body)
	if err != nil {
		return err
	}
	if to := s.net.accounts[oscarwire.NormalizeScreenName(ack.Name)]; to != nil {
		ack.Name = s.account.Name
		for _, other := range to.sessions {
			other.send(oscarwire.ICBMClientAck, 0, ack)
		}
	}
	return nil
}

// relayTyping relays 04/14 to sessions that request typing events.
func (s *session) relayTyping(snac oscarwire.SNAC) error {
	t, err := oscarwire.ParseTyping(snac.Body)
	if err != nil {
		return err
	}
	if to := s.net.accounts[oscarwire.NormalizeScreenName(t.Name)]; to != nil && !to.denies(s.account.id) {
		t.Name = s.account.Name
		s.net.deliverTyping(to, t)
	}
	return nil
}

func (n *Network) deliverTyping(to *account, t oscarwire.Typing) {
	for _, s := range to.sessions {
		if s.ready && s.typing {
			s.send(oscarwire.ICBMTyping, 0, t)
		}
	}
	if to.bot != nil && to.bot.online {
		to.bot.typingFrom(t)
	}
}
