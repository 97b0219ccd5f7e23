package oscar

import (
	"context"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// offlineTimeout is the time limit of 04/17, the end of the stored messages. After it,
// the client requests them by the older protocol.
var offlineTimeout = 10 * time.Second

// onRendezvous handles a message of channel 2: an ICQ message, or a proposal.
func (ic *icbm) onRendezvous(im oscarwire.IncomingIM, received legacy.MessageReceived) error {
	v, err := im.Rendezvous()
	if err != nil {
		return err
	}
	if v.Kind == oscarwire.RendezvousCancel {
		ic.c.chats.onInviteRefused(received.From, v.Cookie)
		ic.c.files.onFileCancelled(received.From, v.Cookie)
	}
	if v.Kind != oscarwire.RendezvousRequest {
		return nil
	}
	if v.Capability == oscarwire.CapChat && ic.c.s.net.aim {
		return ic.c.chats.onInvited(v, received)
	}
	switch v.Capability {
	case oscarwire.CapICQRelay:
		m, err := v.Type2()
		if err != nil {
			return err
		}
		return ic.onType2(im, m, received)
	case oscarwire.CapFile:
		return ic.c.files.onFileOffer(im, v, received)
	case oscarwire.CapChat:
		received.Text = "(invited you to a chat room, but ICQ rooms are not supported by this gateway)"
	default:
		return nil // icons, games, direct connections
	}
	ic.cancelRendezvous(im.From.Name, v)
	ic.received(received)
	return nil
}

// cancelRendezvous declines or ends a proposal of a peer.
func (ic *icbm) cancelRendezvous(to string, v oscarwire.Rendezvous) {
	ic.c.rates.submit(&packet{id: oscarwire.ICBMSend, body: oscarwire.NewOutgoingRendezvous(to,
		oscarwire.Rendezvous{Kind: oscarwire.RendezvousCancel, Cookie: v.Cookie, Capability: v.Capability,
			TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagRendezvousReason, 1)}}, 0)})
}

// onType2 handles an ICQ message of channel 2. Its sender expects an acknowledgement.
// (Shutko, "TLV 2711")
func (ic *icbm) onType2(im oscarwire.IncomingIM, m oscarwire.Type2, received legacy.MessageReceived) error {
	switch m.Type {
	case oscarwire.MessageAwayQuery, oscarwire.MessageOccupiedQuery, oscarwire.MessageNAQuery,
		oscarwire.MessageDNDQuery, oscarwire.MessageFreeQuery:
		ack := m.Ack()
		ack.Text, ack.UTF8 = []byte(ic.c.buddies.presence.Status), true
		ic.confirm(im, ack)
		return nil
	}
	ic.confirm(im, m.Ack())
	if m.Type == oscarwire.MessagePlain {
		received.Text, received.Markup = ic.read(received.From.ID, m.String(ic.c.s.net.page))
		ic.received(received)
		return nil
	}
	text := m.Text
	if m.UTF8 {
		text = ic.c.s.net.page.Encode(string(m.Text))
	}
	return ic.onICQMessage(m.Type, text, received)
}

// confirm acknowledges a type-2 message.
func (ic *icbm) confirm(im oscarwire.IncomingIM, ack oscarwire.Type2) {
	ic.c.rates.submit(&packet{id: oscarwire.ICBMClientAck, target: targetAcks, body: oscarwire.ClientAck{
		Cookie: im.Cookie, Channel: oscarwire.IMChannelRendezvous, Name: im.From.Name,
		Reason: oscarwire.AckChannelSpecific, Data: ack.Append(nil),
	}})
}

// onICQMessage handles a message of the older protocol: channel 4, some of channel 2,
// and stored messages of the older form. (Shutko, "Message types")
func (ic *icbm) onICQMessage(kind oscarwire.MessageType, text []byte, m legacy.MessageReceived) error {
	page := ic.c.s.net.page
	field := func(i int) string {
		fields := oscarwire.SplitFE(text, page)
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
	switch kind {
	case oscarwire.MessagePlain:
		m.Text, m.Markup = ic.read(m.From.ID, page.Decode(text))
	case oscarwire.MessageURL:
		m.Text = strings.TrimSpace(field(0) + "\n" + field(1))
	case oscarwire.MessageAuthRequest:
		ic.c.contacts.authRequested(m.From, field(0), field(5))
		return nil
	case oscarwire.MessageAuthDenied:
		ic.c.emit(legacy.AuthDenied{From: m.From, Reason: page.Decode(text)})
		return nil
	case oscarwire.MessageAuthGranted:
		ic.c.contacts.granted(m.From)
		return nil
	case oscarwire.MessageAdded:
		ic.c.emit(legacy.AddedYou{From: m.From})
		return nil
	case oscarwire.MessageWebPager, oscarwire.MessageEmailPager:
		m.Text = strings.TrimSpace("(from " + field(0) + " <" + field(3) + ">)\n" + field(5))
	case oscarwire.MessageContacts:
		m.Text = contactsText(oscarwire.SplitFE(text, page))
	case oscarwire.MessageServer:
		m.Text = page.Decode(text)
	default:
		return nil // plugins: x-status and others
	}
	ic.received(m)
	return nil
}

// contactsText formats a list of contacts sent by a peer: their number, then UIN and
// nick of each.
func contactsText(fields []string) string {
	var b strings.Builder
	b.WriteString("(contacts)")
	for i := 1; i+1 < len(fields); i += 2 {
		b.WriteString("\n" + fields[i] + " " + fields[i+1])
	}
	return b.String()
}

// requestStored requests stored messages by family 15, because 04/17 did not arrive.
// (Shutko, "offline messages")
func (ic *icbm) requestStored() {
	ic.offlineBy = time.Time{}
	if uin, ok := oscarwire.ParseUIN(ic.c.s.self); ok && ic.c.families[oscarwire.FamilyICQ] {
		ic.c.rates.submit(&packet{id: oscarwire.ICQRequest, body: oscarwire.ICQData{UIN: uin, Command: oscarwire.ICQOfflineQuery, Sequence: 1}})
	}
}

// flushLimit is the core's time limit to store offline messages durably.
const flushLimit = 30 * time.Second

// onICQ handles 15/03: stored messages of the older form. The server keeps them until
// the client deletes them.
func (ic *icbm) onICQ(body []byte) error {
	d, err := oscarwire.ParseICQData(body)
	if err != nil {
		return err
	}
	switch d.Command {
	case oscarwire.ICQOfflineMessage:
		m, err := d.OldOffline()
		if err != nil {
			return err
		}
		from := legacy.Peer{ID: oscarwire.FormatUIN(m.From)}
		return ic.onICQMessage(m.Type, m.Text, legacy.MessageReceived{From: from, Time: ic.past(m.Sent)})
	case oscarwire.ICQMetaReply:
		return ic.c.directory.onMeta(d)
	case oscarwire.ICQOfflineDone:
		ic.flushStored(d.UIN)
	}
	return nil
}

// flushStored deletes the stored messages on the server after Env.Flush has returned.
// It waits on a goroutine of its own, because the core's progress depends on this one.
func (ic *icbm) flushStored(uin uint32) {
	ic.c.background.Go(func() {
		ctx, cancel := context.WithTimeout(ic.c.life, flushLimit)
		defer cancel()
		if err := ic.c.s.env.Flush(ctx); err != nil {
			ic.c.s.env.Log.Warn().Err(err).Msg("stored messages stay on the server and will be delivered again")
			return
		}
		_ = ic.c.s.enqueue(func(c *client) {
			c.rates.submit(&packet{id: oscarwire.ICQRequest, body: oscarwire.ICQData{UIN: uin, Command: oscarwire.ICQOfflineDelete, Sequence: 2}})
		}) // after an error the messages arrive again
	})
}
