package component

import (
	"strings"
	"time"

	"transport/component/body"
	"transport/component/element"
	"transport/component/muc"
	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
	"transport/legacy"
)

const maxSent = 200 // limit: unconfirmed parts of a user's messages; an adapter's queue is longer | further stanzas wait in the queue, then: resource-constraint

// onMessage handles a message from the user. (RFC 6121 §5)
func (ob *outbox) onMessage(st *stanza.Inbound) {
	if _, ours := ob.echos[st.ID]; ours && st.ID != "" {
		delete(ob.echos, st.ID)
		return
	}
	if peer, ok := ob.u.c.peers.Room(st.To); ok {
		if st.Type != "headline" {
			ob.u.rooms.OnMessage(st, peer)
		}
		return
	}
	switch st.Type {
	case "", "normal", "chat":
	case "headline", "error":
		return // never answered, and not written by a person
	default: // groupchat, and unknown types
		st.Refuse(stanza.ErrNoGroupchatHere)
		return
	}
	text, a := body.Plain(st.Element), body.ActOf(st.Element)
	switch {
	case xep.IsEncrypted(st.Element):
		st.Refuse(stanza.ErrEncrypted)
		return
	case ob.u.rooms.RelayInvite(st):
		return
	case a == body.Say && body.IsBlank(st.Element, text):
		st.Refuse(stanza.ErrBlank)
		return
	case text == "" && a == body.Say:
		ob.onChatState(st)
		return
	case !ob.u.account.exists() && st.To.Local != "":
		st.Refuse(stanza.ErrRegisterFirst)
		return
	case len(text) > body.MaxSize:
		st.Refuse(stanza.ErrTooLarge)
		return
	case a == body.Retract, a == body.React:
		if st.To.Local == "" {
			return // a reaction to the gateway's own message
		}
		if peer, err := ob.u.c.peers.Contact(st.To); err != nil {
			st.Refuse(stanza.Translate(err))
		} else {
			ob.relayAct(st, a, peer)
		}
		return
	case st.To.Local == "":
		ob.u.commands.onText(st, text)
		return
	}
	ob.sendText(st, body.Clean(text))
}

// sendText sends a message to the network, spools it during a sign-on, or answers it with
// an error.
func (ob *outbox) sendText(st *stanza.Inbound, text string) {
	peer, err := ob.u.c.peers.Contact(st.To)
	if err != nil {
		st.Refuse(stanza.Translate(err))
		return
	}
	ob.u.rooms.EndPrivateChat(peer) // the message is to the contact's own JID
	ob.sendTo(st, peer, text)
}

// sendTo is sendText for a known peer: a contact, a service or a room. It returns false if
// the session did not accept the message.
func (ob *outbox) sendTo(st *stanza.Inbound, peer legacy.Peer, text string) bool {
	s := ob.u.login.legacySession()
	switch {
	case s == nil && ob.u.login.signOnError() != nil:
		st.Refuse(stanza.Translate(ob.u.login.signOnError()))
		return false
	case s == nil && ob.u.login.wantsSession():
		ob.u.login.hasten()
		ob.spoolOutbound(st)
		return false
	case s == nil:
		st.Refuse(ob.u.login.notOnline())
		return false
	case len(ob.sent) >= maxSent:
		st.Refuse(stanza.ErrBusy.With("Too many messages are waiting for the network. Try again in a moment."))
		return false
	}
	if ob.u.roster.isBlocked(peer.ID) && !peer.Room {
		st.Refuse(stanza.ErrBlocked)
		return false
	}
	ob.noteThread(peer, st.Element)
	m := &sentMessage{stanza: st, state: legacy.Delivered}
	reply := ob.replyTo(st, peer)
	if reply != "" {
		text = body.WithoutQuote(st.Element, text)
	}
	var markup []legacy.Span
	if ob.u.c.info.Features.Has(legacy.FeatureMarkup) {
		markup, text = body.Markup(st.Element, text)
	}
	if reply != "" {
		answer := text
		text = ob.u.rooms.PrefixAddressee(peer, reply, answer)
		if prefix := strings.TrimSuffix(text, answer); prefix != "" && markup != nil {
			markup = append([]legacy.Span{{Text: prefix}}, markup...)
		}
	}
	if body.ActOf(st.Element) == body.Correct && !peer.Service { // a corrected command is a command
		text, markup = body.Correction(text, markup)
	}
	if ob.u.c.info.Lines && markup == nil {
		text, _ = body.Compact(text, [2]int{})
	}
	parts := splitFor(s, peer, text, ob.u.c.info.MaxText)
	switch n := len(parts); {
	case n == 0:
		st.Refuse(stanza.ErrBlank)
		return false
	case n > maxSent:
		st.Refuse(stanza.ErrTooLarge)
		return false
	case n > 1 && len(ob.sent)+n > maxSent: // all parts or none
		st.Refuse(stanza.ErrBusy.With("Too many messages are waiting for the network. Try again in a moment."))
		return false
	case n > 1:
		markup = nil
	}
	ob.u.rooms.NoteRendition(st, peer, parts)
	out := make([]legacy.Outgoing, len(parts))
	for i, part := range parts {
		out[i] = legacy.Outgoing{Ref: ob.u.calls.newRef(), To: peer, Text: part, Markup: markup, Reply: reply}
	}
	err := m.send(ob.u.ctx, s, out)
	ob.u.c.counters.toNetwork.Add(int64(m.parts))
	if err != nil {
		st.Refuse(m.failure("", stanza.Translate(err)))
		return false
	}
	st.Held = true
	for _, part := range out {
		ob.sent[part.Ref] = m
	}
	if !peer.Room && !peer.Service && body.ActOf(st.Element) == body.Say {
		ob.noteChat(chatLine{peer: peer.ID, id: st.ID, origin: st.Child(xep.NSStanzaID, "origin-id").Attr("id"),
			words: body.FirstWords(text), own: true})
	}
	return true
}

// replyTo returns the ID of the message that a message replies to, or "" if the network has
// no replies. (XEP-0461 §3)
func (ob *outbox) replyTo(st *stanza.Inbound, peer legacy.Peer) string {
	if ob.u.rooms.HasMessageTags(peer) {
		if reply := st.Child(xep.NSReply, "reply"); reply != nil {
			return reply.Attr("id")
		}
	}
	return ""
}

const (
	maxThreads = 256 // limit: conversations of a user whose thread is stored | threads of others are not sent back
	maxThread  = 256 // limit: bytes of a thread ID | it is ignored
)

// noteThread stores the thread ID of the user's message for the contact's answers.
// (RFC 6121 §5.2.5)
func (ob *outbox) noteThread(peer legacy.Peer, st *element.Element) {
	thread := st.ChildText(stanza.NS, "thread")
	switch _, known := ob.threads[peer.ID]; {
	case thread == "" || len(thread) > maxThread:
		delete(ob.threads, peer.ID)
	case known || len(ob.threads) < maxThreads:
		lazySet(&ob.threads, peer.ID, thread)
	}
}

// dropSent removes all parts of a message that has failed. The caller refuses it.
func (ob *outbox) dropSent(m *sentMessage) {
	m.stanza.Held = false
	defer ob.u.c.journal.settled(m.stanza)
	for ref, other := range ob.sent {
		if other == m {
			delete(ob.sent, ref)
		}
	}
}

// onMessageSent handles the network's confirmation of a message or a part of one. The
// gateway sends a receipt only if the network reports the delivery to the receiver.
// (XEP-0184 §5.3)
func (ob *outbox) onMessageSent(ev legacy.MessageSent) {
	m := ob.sent[ev.Ref]
	if m == nil {
		return
	}
	delete(ob.sent, ev.Ref)
	m.parts--
	m.state = min(m.state, ev.State)
	st := m.stanza
	if m.parts == 0 {
		ob.u.c.journal.settled(st)
	}
	if m.parts == 0 && !ev.Command {
		ob.u.rooms.Reflect(st, ev.ID)
	}
	if m.parts > 0 || m.state != legacy.Delivered || st.ID == "" || st.Type == "groupchat" ||
		st.Child(xep.NSReceipts, "request") == nil {
		return
	}
	from := ob.u.c.peers.Full(st.To.Bare().String())
	if _, room := ob.u.c.peers.Room(st.To); room { // to an occupant
		from = st.To.String()
	}
	ob.u.c.send(element.New(stanza.NS, "message").Set("from", from).Set("to", st.From.String()).
		Set("type", "chat").Set("id", newID()).Add(xep.Received(st.ID)))
}

// onOwnMessage handles a message that the user sent with another client of the network. If
// the user's server permits it, the user's clients show it as sent; otherwise it is
// delivered as a marked message from the contact.
func (ob *outbox) onOwnMessage(ev legacy.OwnMessage) {
	if ev.To.ID == "" || ev.Text == "" {
		return
	}
	if !ev.Time.IsZero() {
		ev.Time = ob.stampStored(ev.To, ev.Time)
	}
	jid := ob.u.c.peers.JID(ev.To.ID)
	if ob.showOwn(jid, ev.Text, ev.Time) {
		return
	}
	ob.relayMessage(legacy.MessageReceived{From: ev.To, Text: "[you wrote elsewhere] " + ev.Text, Time: ev.Time, Auto: false})
}

// onMessageFailed bounces a message that the network did not accept.
func (ob *outbox) onMessageFailed(ref string, err error) {
	m := ob.sent[ref]
	if m == nil {
		return
	}
	ob.dropSent(m)
	ob.u.c.counters.failed.Add(1)
	if legacy.KindOf(err) == legacy.Internal {
		ob.u.log.Error().Err(err).Msg("cannot send a message")
	}
	why := stanza.Translate(err)
	if m.stanza.Type == "groupchat" {
		why = muc.Translate(err)
	}
	ob.forgetReactions(m.stanza)
	m.stanza.Refuse(m.failure(ref, why))
}

// failSent bounces every unconfirmed message: the network will not confirm them any more.
// They may have arrived.
func (ob *outbox) failSent(why stanza.Error) {
	why.Uncertain = true
	bounced := make(map[*sentMessage]bool)
	for _, m := range ob.sent {
		if !bounced[m] {
			bounced[m] = true
			ob.forgetReactions(m.stanza)
			m.stanza.Refuse(m.failure(m.firstOf(ob.sent), why))
			ob.u.c.journal.settled(m.stanza)
		}
	}
	clear(ob.sent)
}

// onMessageReceived handles a message from the network. It goes to the user's server,
// which stores it for an offline user; without a link it is spooled in the registry.
func (ob *outbox) onMessageReceived(ev legacy.MessageReceived) {
	if ev.From.ID == "" || ev.Text == "" || ob.u.roster.isBlocked(ev.From.ID) {
		return
	}
	if ev.Service && !ob.u.clients.present() {
		ob.hold(ev.From, ev.Text)
		return
	}
	ob.relayMessage(ev)
}

// relayMessage delivers a message from the network to the user.
func (ob *outbox) relayMessage(ev legacy.MessageReceived) {
	ob.u.c.counters.fromNetwork.Add(1)
	delete(ob.typing, ev.From.ID)
	if !ev.Time.IsZero() {
		ev.Time = ob.stampStored(ev.From, ev.Time)
	}
	ob.deliverSpooled() // older messages go first
	if ob.u.c.conn.Load() != nil {
		if id, ok := ob.u.rooms.DeliverPrivate(ev); ok {
			ob.noteChat(chatLine{peer: ev.From.ID, id: id, words: body.FirstWords(ev.Text)})
			return
		}
	}
	jid := ob.u.c.peers.JID(ev.From.ID)
	if ct := ob.u.roster.known(ev.From.ID); ct != nil {
		jid = ct.jid
	}
	msg := stream.Message{User: ob.u.bare, Peer: ev.From.ID, ID: newID()}
	ob.noteChat(chatLine{peer: ev.From.ID, id: msg.ID, words: body.FirstWords(ev.Text)})
	ob.u.markers.Note(ev.From, msg.ID, ev.ReadMark)
	ob.deliver(func(dst []byte) []byte {
		return ob.u.c.appendMessage(dst, ob.u.c.peers.Full(jid), ob.u.bare, msg.ID, ob.threads[ev.From.ID], ev)
	}, msg)
}

// stampStored returns the stamp of an offline message. Networks send times in seconds or
// minutes; the stamps of one conversation are made to increase, for clients that sort by
// them.
func (ob *outbox) stampStored(from legacy.Peer, at time.Time) time.Time {
	last, known := ob.storedStamps[from.ID]
	if known {
		at = xep.Increasing(at, last)
	} else if len(ob.storedStamps) >= maxThreads {
		clear(ob.storedStamps)
	}
	lazySet(&ob.storedStamps, from.ID, at)
	return at
}

// appendMessage appends the stanza of a message from the network. (RFC 6121 §5.2,
// XEP-0203 §2, XEP-0066 §3)
func (c *Component) appendMessage(dst []byte, from, to, id, thread string, ev legacy.MessageReceived) []byte {
	dst = stanza.AppendMessageStart(dst, from, to, id)
	text := ev.Text
	if ev.Auto {
		text, ev.Markup = "[automatic reply] "+text, nil
	}
	dst = append(dst, "<body>"...)
	dst = element.AppendText(dst, body.Styled(text, ev.Markup))
	dst = append(dst, "</body>"...)
	dst = body.AppendXHTML(dst, ev.Markup)
	dst = stanza.AppendChild(dst, "thread", thread)
	if ev.URL != "" {
		dst = append(dst, "<x xmlns='"+xep.NSOOB+"'>"...)
		dst = stanza.AppendChild(dst, "url", ev.URL)
		dst = append(dst, "</x>"...)
	}
	if body.IsUnstyled(text, ev.Markup) {
		dst = append(dst, body.Unstyled...)
	}
	if !ev.Time.IsZero() {
		dst = xep.Delay(c.domain, ev.Time).Append(dst, stanza.NS)
	}
	if c.info.Features.Has(legacy.FeatureTyping) && !ev.Auto {
		dst = append(dst, "<active xmlns='"+xep.NSChatStates+"'/>"...)
	}
	if !ev.ReadMark.IsZero() {
		dst = append(dst, markableTag...)
	}
	return append(dst, "</message>"...)
}

// onStateSaved stores the adapter's state for the next session.
func (ac *account) onStateSaved(state []byte) {
	if !ac.isRegistered() {
		return
	}
	ac.row.State = state
	ctx, cancel := ac.u.storing()
	defer cancel()
	if err := ac.u.c.cfg.Registry.SaveState(ctx, ac.u.c.domain, ac.u.bare, state); err != nil {
		ac.u.log.Error().Err(err).Msg("cannot store the session's state")
	}
}
