package oscar

import (
	"context"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// offlinePatience is how long to wait for 04/17, the end of the stored messages,
// before asking in the way of older servers.
var offlinePatience = 10 * time.Second

// onRendezvous handles a message of channel 2: an ICQ message, or a proposal.
func (c *client) onRendezvous(im oscarwire.IncomingIM, received legacy.MessageReceived) error {
	v, err := im.Rendezvous()
	if err != nil {
		return err
	}
	if v.Kind == oscarwire.RendezvousCancel {
		c.onInviteRefused(received.From, v.Cookie)
		c.onFileCancelled(received.From, v.Cookie)
	}
	if v.Kind != oscarwire.RendezvousRequest {
		return nil
	}
	if v.Capability == oscarwire.CapChat && c.s.net.aim {
		return c.onInvited(v, received)
	}
	switch v.Capability {
	case oscarwire.CapICQRelay:
		m, err := v.Type2()
		if err != nil {
			return err
		}
		return c.onType2(im, m, received)
	case oscarwire.CapFile:
		return c.onFileOffer(im, v, received)
	case oscarwire.CapChat:
		received.Text = "(invites you to a chat room, which this gateway cannot enter)"
	default:
		return nil // icons, games, direct connections
	}
	c.cancelRendezvous(im.From.Name, v)
	c.received(received)
	return nil
}

// cancelRendezvous declines what somebody proposes, or ends it.
func (c *client) cancelRendezvous(to string, v oscarwire.Rendezvous) {
	c.submit(&packet{id: oscarwire.ICBMSend, body: oscarwire.NewOutgoingRendezvous(to,
		oscarwire.Rendezvous{Kind: oscarwire.RendezvousCancel, Cookie: v.Cookie, Capability: v.Capability,
			TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagRendezvousReason, 1)}}, 0)})
}

// onType2 handles an ICQ message of channel 2, which its sender wants confirmed.
// (Shutko, "TLV 2711")
func (c *client) onType2(im oscarwire.IncomingIM, m oscarwire.Type2, received legacy.MessageReceived) error {
	switch m.Type {
	case oscarwire.MessageAwayQuery, oscarwire.MessageOccupiedQuery, oscarwire.MessageNAQuery,
		oscarwire.MessageDNDQuery, oscarwire.MessageFreeQuery:
		ack := m.Ack()
		ack.Text, ack.UTF8 = []byte(c.presence.Status), true
		c.confirm(im, ack)
		return nil
	}
	c.confirm(im, m.Ack())
	if m.Type == oscarwire.MessagePlain {
		received.Text, received.Markup = c.read(received.From.ID, m.String(c.s.net.page))
		c.received(received)
		return nil
	}
	text := m.Text
	if m.UTF8 {
		text = c.s.net.page.Encode(string(m.Text))
	}
	return c.onICQMessage(m.Type, text, received)
}

// confirm tells the sender of a type-2 message that it came.
func (c *client) confirm(im oscarwire.IncomingIM, ack oscarwire.Type2) {
	c.submit(&packet{id: oscarwire.ICBMClientAck, body: oscarwire.ClientAck{
		Cookie: im.Cookie, Channel: oscarwire.IMChannelRendezvous, Name: im.From.Name,
		Reason: oscarwire.AckChannelSpecific, Data: ack.Append(nil),
	}})
}

// onICQMessage handles a message of the old kinds: channel 4, some of channel 2,
// and offline messages of the old form. (Shutko, "Message types")
func (c *client) onICQMessage(kind oscarwire.MessageType, text []byte, m legacy.MessageReceived) error {
	page := c.s.net.page
	field := func(i int) string {
		fields := oscarwire.SplitFE(text, page)
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
	switch kind {
	case oscarwire.MessagePlain:
		m.Text, m.Markup = c.read(m.From.ID, page.Decode(text))
	case oscarwire.MessageURL:
		m.Text = strings.TrimSpace(field(0) + "\n" + field(1))
	case oscarwire.MessageAuthRequest:
		c.authRequested(m.From, field(0), field(5))
		return nil
	case oscarwire.MessageAuthDenied:
		c.emit(legacy.AuthDenied{From: m.From, Reason: page.Decode(text)})
		return nil
	case oscarwire.MessageAuthGranted:
		c.granted(m.From)
		return nil
	case oscarwire.MessageAdded:
		c.emit(legacy.AddedYou{From: m.From})
		return nil
	case oscarwire.MessageWebPager, oscarwire.MessageEmailPager:
		m.Text = strings.TrimSpace("(from " + field(0) + " <" + field(3) + ">)\n" + field(5))
	case oscarwire.MessageContacts:
		m.Text = contactsText(oscarwire.SplitFE(text, page))
	case oscarwire.MessageServer:
		m.Text = page.Decode(text)
	default:
		return nil // plugins: x-status and the like
	}
	c.received(m)
	return nil
}

// contactsText shows contacts that somebody sends: their number, then number and
// name of each.
func contactsText(fields []string) string {
	var b strings.Builder
	b.WriteString("(contacts)")
	for i := 1; i+1 < len(fields); i += 2 {
		b.WriteString("\n" + fields[i] + " " + fields[i+1])
	}
	return b.String()
}

// askStoredOldWay asks for stored messages by family 15, since the server did not
// say that there are none. (Shutko, "offline messages")
func (c *client) askStoredOldWay() {
	c.offlineBy = time.Time{}
	if uin, ok := oscarwire.ParseUIN(c.s.self); ok && c.families[oscarwire.FamilyICQ] {
		c.submit(&packet{id: oscarwire.ICQRequest, body: oscarwire.ICQData{UIN: uin, Command: oscarwire.ICQOfflineQuery, Sequence: 1}})
	}
}

// flushLimit is how long the core may take to make stored messages safe.
const flushLimit = 30 * time.Second

// onICQ handles 15/03: stored messages of the old form, which the server keeps
// until it is told to delete them.
func (c *client) onICQ(body []byte) error {
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
		return c.onICQMessage(m.Type, m.Text, legacy.MessageReceived{From: from, Time: c.past(m.Sent)})
	case oscarwire.ICQMetaReply:
		return c.onMeta(d)
	case oscarwire.ICQOfflineDone:
		c.flushStored(d.UIN)
	}
	return nil
}

// flushStored deletes the stored messages once the user has them for sure. It
// waits on a goroutine of its own, since the core needs ours to take events.
func (c *client) flushStored(uin uint32) {
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(c.life, flushLimit)
		defer cancel()
		if err := c.s.env.Flush(ctx); err != nil {
			c.s.env.Log.Warn().Err(err).Msg("stored messages stay on the server, and will come again")
			return
		}
		_ = c.s.enqueue(func(c *client) {
			c.submit(&packet{id: oscarwire.ICQRequest, body: oscarwire.ICQData{UIN: uin, Command: oscarwire.ICQOfflineDelete, Sequence: 2}})
		}) // an error costs a repetition
	})
}
