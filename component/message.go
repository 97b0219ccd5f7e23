package component

import (
	"strconv"
	"strings"
	"time"

	"transport/component/element"
	"transport/component/stream"
	"transport/component/xep"
	"transport/legacy"
)

// sentMessage is a message of the user's that the network has not yet answered
// for.
type sentMessage struct {
	stanza *inbound
	parts  int // still unanswered
	state  legacy.DeliveryState
}

const (
	maxSent = 200 // parts of messages of one user that may wait for the network's answer, less than an adapter's queue holds
	maxBody = 64 << 10
)

// onMessage handles a message from the user. (RFC 6121 §5)
func (u *user) onMessage(st *inbound) {
	if _, ours := u.echos[st.id]; ours && st.id != "" {
		delete(u.echos, st.id)
		return
	}
	if peer, ok := u.c.roomAt(st.to); ok {
		if st.typ != "headline" {
			u.onRoomText(st, peer)
		}
		return
	}
	switch st.typ {
	case "", "normal", "chat":
	case "headline", "error":
		return // never answered, and nothing a person said
	default: // groupchat, and what no specification knows
		u.c.refuse(st, errNoGroupchatHere)
		return
	}
	text, a := plainText(st.Element), actOf(st.Element)
	switch {
	case xep.IsEncrypted(st.Element):
		u.c.refuse(st, errEncrypted)
		return
	case u.passInvite(st):
		return
	case text == "" && a == actSay:
		u.onChatState(st)
		return
	case u.account == nil && st.to.Local != "":
		u.c.refuse(st, errRegisterFirst)
		return
	case len(text) > maxBody:
		u.c.refuse(st, errTooLarge)
		return
	case a == actRetract, a == actReact:
		if st.to.Local == "" {
			return // the gateway's own texts
		}
		if peer, err := u.c.peer(st.to); err != nil {
			u.c.refuse(st, translateError(err))
		} else {
			u.actAlone(st, a, peer)
		}
		return
	case st.to.Local == "":
		u.onText(st, text)
		return
	}
	if text = cleanText(text); strings.TrimSpace(text) == "" {
		return
	}
	u.sendText(st, text)
}

// sendText sends a message to the network, or keeps it while the user is being
// signed on, or says why it can't be sent.
func (u *user) sendText(st *inbound, text string) {
	peer, err := u.c.peer(st.to)
	if err != nil {
		u.c.refuse(st, translateError(err))
		return
	}
	delete(u.private, peer.ID) // the user talks to them outside of any room
	u.sendTo(st, peer, text)
}

// sendTo is sendText to a person or a room. It is false if the session has not taken the
// message.
func (u *user) sendTo(st *inbound, peer legacy.Peer, text string) bool {
	s := u.legacySession()
	switch {
	case s == nil && u.block != nil:
		u.c.refuse(st, translateError(u.block))
		return false
	case s == nil && u.wanted():
		u.keepForNetwork(st)
		return false
	case s == nil:
		u.c.refuse(st, u.notOnline())
		return false
	case len(u.sent) >= maxSent:
		u.c.refuse(st, errBusy.with("Too many messages wait for the network. Try again in a moment."))
		return false
	}
	if u.blocked[peer.ID] && !peer.Room {
		u.c.refuse(st, errBlocked)
		return false
	}
	u.keepThread(peer, st.Element)
	m := &sentMessage{stanza: st, state: legacy.Delivered}
	var markup []legacy.Span
	if u.c.info.Features.Has(legacy.FeatureMarkup) {
		markup, text = outgoingMarkup(st.Element, text)
	}
	reply := u.replyTo(st, peer)
	if reply != "" && markup == nil {
		text = addressed(u.rooms[peer.ID], reply, withoutQuote(st.Element, text))
	}
	if actOf(st.Element) == actCorrect && !peer.Service { // a corrected command is a command
		text, markup = correctionOf(text, markup)
	}
	if u.c.info.Lines && markup == nil {
		text, _ = compact(text, [2]int{})
	}
	parts := splitText(text, u.c.info.MaxText)
	if len(parts) > 1 {
		markup = nil
	}
	u.noteRendition(st, peer, parts)
	for _, part := range parts {
		u.refs++
		ref := strconv.FormatUint(u.refs, 36)
		if err := s.Send(u.ctx, legacy.Outgoing{Ref: ref, To: peer, Text: part, Markup: markup, Reply: reply}); err != nil {
			why := translateError(err)
			if m.parts > 0 {
				why.Text = "Only the beginning of the message was sent. " + why.Text
			}
			u.dropSent(m)
			u.c.refuse(st, why)
			return false
		}
		m.parts++
		u.sent[ref] = m
		u.c.counters.toNetwork.Add(1)
	}
	if !peer.Room && !peer.Service && actOf(st.Element) == actSay {
		u.noteChat(chatLine{peer: peer.ID, id: st.id, origin: st.Child(xep.NSStanzaID, "origin-id").Attr("id"), words: firstWords(text), own: true})
	}
	return true
}

// replyTo is the message that another one answers, where the network knows of
// answers. (XEP-0461 §3)
func (u *user) replyTo(st *inbound, peer legacy.Peer) string {
	if r := u.rooms[peer.ID]; r != nil && r.tags {
		if reply := st.Child(xep.NSReply, "reply"); reply != nil {
			return reply.Attr("id")
		}
	}
	return ""
}

const (
	maxThreads = 256 // conversations of which the thread is remembered
	maxThread  = 256 // bytes of a thread's name
)

// keepThread remembers the thread of a conversation, if the user's client has
// given it one: the answers belong to it. (RFC 6121 §5.2.5)
func (u *user) keepThread(peer legacy.Peer, st *element.Element) {
	thread := st.ChildText(nsComponent, "thread")
	switch _, known := u.threads[peer.ID]; {
	case thread == "" || len(thread) > maxThread:
		delete(u.threads, peer.ID)
	case known || len(u.threads) < maxThreads:
		put(&u.threads, peer.ID, thread)
	}
}

// dropSent forgets a message whose answer is known.
func (u *user) dropSent(m *sentMessage) {
	for ref, other := range u.sent {
		if other == m {
			delete(u.sent, ref)
		}
	}
}

// onMessageSent: the network has taken a message, or a part of one. Only what
// the receiver is known to have got is acknowledged. (XEP-0184 §5.3)
func (u *user) onMessageSent(ev legacy.MessageSent) {
	m := u.sent[ev.Ref]
	if m == nil {
		return
	}
	delete(u.sent, ev.Ref)
	m.parts--
	m.state = min(m.state, ev.State)
	st := m.stanza
	if m.parts == 0 {
		u.reflect(st, ev.ID)
	}
	if m.parts > 0 || m.state != legacy.Delivered || st.id == "" || st.typ == "groupchat" || st.Child(xep.NSReceipts, "request") == nil {
		return
	}
	from := u.c.full(st.to.Bare().String())
	if _, room := u.c.roomAt(st.to); room { // to an occupant
		from = st.to.String()
	}
	u.c.send(element.New(nsStanza, "message").Set("from", from).Set("to", st.from.String()).
		Set("type", "chat").Set("id", newID()).Add(xep.Received(st.id)))
}

// onOwnMessage: the user has written to somebody with another client of the
// network. The user's clients show it as sent, where the server lets us; else the
// user is told so by the contact's chat.
func (u *user) onOwnMessage(ev legacy.OwnMessage) {
	if ev.To.ID == "" || ev.Text == "" {
		return
	}
	if !ev.Time.IsZero() {
		ev.Time = u.stampStored(ev.To, ev.Time)
	}
	jid := u.c.contactJID(ev.To.ID)
	if u.showOwn(jid, ev.Text, ev.Time) {
		return
	}
	u.passMessage(legacy.MessageReceived{From: ev.To, Text: "[you wrote elsewhere] " + ev.Text, Time: ev.Time, Auto: false})
}

// onMessageFailed: a message will not arrive; its sender is told.
func (u *user) onMessageFailed(ref string, err error) {
	m := u.sent[ref]
	if m == nil {
		return
	}
	u.dropSent(m)
	u.c.counters.failed.Add(1)
	if legacy.KindOf(err) == legacy.Internal {
		u.log.Error().Err(err).Msg("cannot send a message")
	}
	why := translateError(err)
	if m.stanza.typ == "groupchat" {
		why = roomError(err)
	}
	u.forgetReactions(m.stanza)
	u.c.refuse(m.stanza, why)
}

// failSent answers every message that the network has not answered for, since it
// no longer will.
func (u *user) failSent(why stanzaError) {
	told := make(map[*sentMessage]bool)
	for _, m := range u.sent {
		if !told[m] {
			told[m] = true
			u.c.refuse(m.stanza, why)
		}
	}
	clear(u.sent)
}

// onMessageReceived: somebody has written to the user. The message goes to the
// user's server, which stores it for a user who is offline; without a link it is
// kept until there is one.
func (u *user) onMessageReceived(ev legacy.MessageReceived) {
	if ev.From.ID == "" || ev.Text == "" || u.blocked[ev.From.ID] {
		return
	}
	u.passMessage(ev)
}

// passMessage hands the user a message from the network.
func (u *user) passMessage(ev legacy.MessageReceived) {
	u.c.counters.fromNetwork.Add(1)
	delete(u.typing, ev.From.ID)
	if !ev.Time.IsZero() {
		ev.Time = u.stampStored(ev.From, ev.Time)
	}
	u.deliverKept() // what is older goes first
	if len(u.private) > 0 && u.passPrivately(ev) {
		return
	}
	jid := u.c.contactJID(ev.From.ID)
	if ct := u.contacts[ev.From.ID]; ct != nil {
		jid = ct.jid
	}
	msg := stream.Message{User: u.bare, Peer: ev.From.ID, ID: newID()}
	u.noteChat(chatLine{peer: ev.From.ID, id: msg.ID, words: firstWords(ev.Text)})
	u.pass(func(dst []byte) []byte {
		return u.c.appendMessage(dst, u.c.full(jid), u.bare, msg.ID, u.threads[ev.From.ID], ev)
	}, msg)
}

// stampStored is the time of a message that the network has stored: networks tell it in
// seconds or minutes, and clients that sort by it would show those of one conversation in
// any order.
func (u *user) stampStored(from legacy.Peer, at time.Time) time.Time {
	last, known := u.stored[from.ID]
	if known {
		at = grown(at, last)
	} else if len(u.stored) >= maxThreads {
		clear(u.stored)
	}
	put(&u.stored, from.ID, at)
	return at
}

// appendMessage appends a message from the network. (RFC 6121 §5.2, XEP-0203 §2,
// XEP-0066 §3)
func (c *Component) appendMessage(dst []byte, from, to, id, thread string, ev legacy.MessageReceived) []byte {
	dst = appendMessageStart(dst, from, to, id)
	text := ev.Text
	if ev.Auto {
		text, ev.Markup = "[automatic reply] "+text, nil
	}
	dst = append(dst, "<body>"...)
	dst = element.AppendText(dst, styled(text, ev.Markup))
	dst = append(dst, "</body>"...)
	dst = appendXHTML(dst, ev.Markup)
	dst = appendChild(dst, "thread", thread)
	if ev.URL != "" {
		dst = append(dst, "<x xmlns='"+xep.NSOOB+"'>"...)
		dst = appendChild(dst, "url", ev.URL)
		dst = append(dst, "</x>"...)
	}
	if isUnstyled(text, ev.Markup) {
		dst = append(dst, unstyled...)
	}
	if !ev.Time.IsZero() {
		dst = xep.Delay(c.domain, ev.Time).Append(dst, nsComponent)
	}
	if c.info.Features.Has(legacy.FeatureTyping) && !ev.Auto {
		dst = append(dst, "<active xmlns='"+xep.NSChatStates+"'/>"...)
	}
	return append(dst, "</message>"...)
}

const unstyled = "<unstyled xmlns='" + xep.NSStyling + "'/>"

// isUnstyled reports whether a text of the network's, which has its own formatting, has
// marks that clients would take for styling. (XEP-0393 §6.1)
func isUnstyled(text string, markup []legacy.Span) bool {
	return markup == nil && strings.ContainsAny(text, "*_~`>")
}

// appendMessageStart appends the start tag of a chat message.
func appendMessageStart(dst []byte, from, to, id string) []byte {
	dst = append(dst, "<message type='chat'"...)
	dst = appendAttr(dst, "from", from)
	dst = appendAttr(dst, "to", to)
	dst = appendAttr(dst, "id", id)
	return append(dst, '>')
}

// onStateSaved keeps what the adapter wants to find again.
func (u *user) onStateSaved(state []byte) {
	if !u.isRegistered() {
		return
	}
	u.account.State = state
	ctx, cancel := u.storing()
	defer cancel()
	if err := u.c.cfg.Registry.SaveState(ctx, u.c.domain, u.bare, state); err != nil {
		u.log.Error().Err(err).Msg("cannot store the session's state")
	}
}

func (c *Component) exampleJID() string {
	return "<" + c.info.PeerName + ">@" + c.domain
}
