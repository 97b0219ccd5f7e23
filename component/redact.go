package component

import (
	"slices"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// retract takes a message back for one of the user's clients, where the network can.
// (XEP-0424 §3)
func (u *user) retract(st *inbound, room *room) {
	r := &request{inbound: st, payload: retraction(st.Element), deadline: u.c.clock.Now().Add(requestTime)}
	u.requests = append(u.requests, r)
	u.redact(r, room, "", func() { r.answered = true }) // the room tells it to everybody
}

// reflectRetraction tells the user's clients that the user has taken a message back which
// the network keeps. (XEP-0424 §3)
func (u *user) reflectRetraction(r *room, st *inbound) {
	e := retraction(st.Element)
	id := e.Attr("id")
	if old := r.said(id); old != nil {
		u.unsay(r, old.archived)
	}
	var attached *element.Element // as the client knows it that has sent it
	if e.Name == "apply-to" {
		attached = element.New(xep.NSFasten, "apply-to").Set("id", id).Add(element.New(xep.NSRetract0, "retract"))
	}
	o := u.c.idOf(r, r.nick)
	u.toClients(r, func(full string) {
		u.put(element.New(nsStanza, "message").Set("from", r.occupantJID(r.nick)).Set("to", full).Set("type", "groupchat").
			Set("id", first(st.id, newID())).Add(element.New(xep.NSRetract, "retract").Set("id", id), attached, o, element.New("urn:xmpp:hints", "store")))
	})
}

// onModerateMessage takes somebody's message back for a moderator. (XEP-0425 §3)
func (u *user) onModerateMessage(r *request, room *room) {
	if r.payload.Child(xep.NSRetract, "retract") == nil {
		u.fail(r, errBadRequest)
		return
	}
	reason := cleanText(r.payload.ChildText(xep.NSModerate, "reason"))
	u.redact(r, room, reason, func() { u.reply(r, nil) })
}

// redact has the network take the message back that the payload of a request names.
func (u *user) redact(r *request, room *room, reason string, done func()) {
	retractor, ok := u.legacySession().(legacy.MessageRetractor)
	id := r.payload.Attr("id")
	switch {
	case !ok:
		u.fail(r, u.notOnline())
		return
	case id == "":
		u.fail(r, errBadRequest)
		return
	}
	u.look(r, func(u *user, r *request, ev legacy.Event) {
		if err := ev.(legacy.Done).Err; err != nil {
			u.fail(r, roomError(err))
			return
		}
		done()
	}, func(ref string) error { return retractor.Redact(u.ctx, ref, room.peer, id, reason) })
}

// onRoomRedaction: a message was taken back. It is remembered no longer.
// (XEP-0424 §3, §5, XEP-0425 §3)
func (u *user) onRoomRedaction(r *room, ev legacy.RoomRedaction) {
	u.recall(r)
	from, retract := r.jid, element.New(xep.NSRetract, "retract").Set("id", ev.ID)
	text := "A message was removed, which your client cannot show."
	var id *element.Element
	if old := r.said(ev.ID); old != nil && ev.Nick != "" && (old.nick == ev.Nick || r.isOf(old, ev.Nick)) {
		from, id = r.occupantJID(ev.Nick), u.c.idOf(r, ev.Nick)
		text = "/me took back an earlier message, which your client cannot show."
	} else {
		moderated := element.New(xep.NSModerate, "moderated")
		if ev.Nick != "" {
			moderated.Set("by", r.occupantJID(ev.Nick)).Add(u.c.idOf(r, ev.Nick))
		}
		retract.Add(moderated)
	}
	if ev.Reason != "" {
		retract.Add(element.New(xep.NSRetract, "reason").AddText(ev.Reason))
	}
	u.unsay(r, ev.ID)
	u.toClients(r, func(full string) {
		u.put(element.New(nsStanza, "message").Set("from", from).Set("to", full).Set("type", "groupchat").Set("id", newID()).
			Add(element.New(nsStanza, "body").AddText(text), retract, id,
				element.New(xep.NSFallback, "fallback").Set("for", xep.NSRetract), element.New("urn:xmpp:hints", "store")))
	})
}

// isOf reports whether an occupant, perhaps by another nick then, has said a line.
func (r *room) isOf(l *line, nick string) bool {
	o := r.occupants[nick]
	return o != nil && o.id != "" && l.occupant == o.id
}

// unsay forgets what was said.
func (u *user) unsay(r *room, id string) {
	r.history = slices.DeleteFunc(r.history, func(l line) bool { return l.archived == id })
	if !u.c.archives() {
		return
	}
	ctx, cancel := u.storing()
	defer cancel()
	u.c.archive.flush(ctx)
	if err := u.c.cfg.Registry.DeleteLine(ctx, u.c.domain, u.bare, r.peer.ID, id); err != nil {
		u.log.Error().Err(err).Msg("a message that was taken back stays in the archive")
	}
}
