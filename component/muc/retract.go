package muc

import (
	"cmp"
	"slices"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// retract has the network retract a message of the user. (XEP-0424 §3)
func (r *Room) retract(st *stanza.Inbound) {
	req := &stanza.Request{Inbound: st, Payload: body.Retraction(st.Element)}
	id := req.Payload.Attr("id")
	if own := r.history.byID(id); own != nil { // the client may use the stanza's ID
		id = own.stanzaID
	}
	if len(r.retracted) >= maxRetracted {
		clear(r.retracted)
	}
	if r.retracted == nil {
		r.retracted = make(map[string]*stanza.Inbound)
	}
	r.retracted[id] = st
	r.redact(req, id, "", func() { req.Drop() }) // the answer is the room's retraction
}

// maxRetracted limits the user's retractions that the network has not confirmed.
const maxRetracted = 50 // limit: retractions of a user in a room that the network has not confirmed | a further one is refused: resource-constraint

// reflectRetraction sends the user's retraction to the user's clients, with the message ID
// that the client used. It has no fallback body, which clients would show as a message.
// (XEP-0424 §3)
func (r *Room) reflectRetraction(st *stanza.Inbound) {
	e := body.Retraction(st.Element)
	id := e.Attr("id")
	if old := r.history.byID(id); old != nil {
		r.removeLine(old.stanzaID)
	}
	var attached *element.Element // the form of the older client that sent it (XEP-0422 §3)
	if e.Name == "apply-to" {
		attached = element.New(xep.NSFasten, "apply-to").Set("id", id).Add(element.New(xep.NSRetract0, "retract"))
	}
	o := r.idOf(r.nick)
	r.eachClient(func(full string) {
		r.rs.shared.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(r.nick)).Set("to", full).Set("type", "groupchat").
			Set("id", cmp.Or(st.ID, xep.NewID())).
			Add(element.New(xep.NSRetract, "retract").Set("id", id), attached, o, element.New("urn:xmpp:hints", "store")))
	})
}

// onModerateMessage retracts an occupant's message for a moderator. (XEP-0425 §3)
func (r *Room) onModerateMessage(req *stanza.Request) {
	if req.Payload.Child(xep.NSRetract, "retract") == nil {
		req.Fail(stanza.ErrBadRequest)
		return
	}
	reason := body.Clean(req.Payload.ChildText(xep.NSModerate, "reason"))
	r.redact(req, req.Payload.Attr("id"), reason, func() { req.Reply(nil) })
}

// redact has the network retract a message, and calls done when the network confirms it.
func (r *Room) redact(req *stanza.Request, id, reason string, done func()) {
	retractor, ok := r.rs.session().(legacy.MessageRetractor)
	switch {
	case !ok:
		req.Fail(r.rs.offline())
		return
	case id == "":
		req.Fail(stanza.ErrBadRequest)
		return
	}
	r.rs.query(req, func(ev legacy.Event) {
		if err := ev.(legacy.Done).Err; err != nil {
			delete(r.retracted, id)
			req.Fail(Translate(err))
			return
		}
		done()
	}, func(ref string) error { return retractor.Redact(r.rs.ctx, ref, r.peer, id, reason) })
}

// onRoomRedaction handles the retraction of a message by its sender or a moderator. It
// removes the message from history and archive. (XEP-0424 §3, §5, XEP-0425 §3)
func (r *Room) onRoomRedaction(ev legacy.RoomRedaction) {
	r.loadHistory()
	if st := r.retracted[ev.ID]; st != nil && ev.Nick == r.nick {
		delete(r.retracted, ev.ID)
		r.reflectRetraction(st)
		return
	}
	from, retract := r.jid, element.New(xep.NSRetract, "retract").Set("id", ev.ID)
	text := "A message was removed, but your client does not support that."
	var id *element.Element
	if old := r.history.byID(ev.ID); old != nil && ev.Nick != "" && (old.nick == ev.Nick || r.saidBy(old, ev.Nick)) {
		from, id = r.occupantJID(ev.Nick), r.idOf(ev.Nick)
		text = "An earlier message was retracted, but your client does not support that."
	} else {
		moderated := element.New(xep.NSModerate, "moderated")
		if ev.Nick != "" {
			moderated.Set("by", r.occupantJID(ev.Nick)).Add(r.idOf(ev.Nick))
		}
		retract.Add(moderated)
	}
	if ev.Reason != "" {
		retract.Add(element.New(xep.NSRetract, "reason").AddText(ev.Reason))
	}
	r.removeLine(ev.ID)
	r.eachClient(func(full string) {
		r.rs.shared.writeElement(element.New(stanza.NS, "message").Set("from", from).Set("to", full).
			Set("type", "groupchat").Set("id", xep.NewID()).Add(element.New(stanza.NS, "body").AddText(text), retract, id,
			element.New(xep.NSFallback, "fallback").Set("for", xep.NSRetract), element.New("urn:xmpp:hints", "store")))
	})
}

// saidBy reports whether an occupant sent a line, possibly with another nick.
func (r *Room) saidBy(l *line, nick string) bool {
	o := r.occupants[nick]
	return o != nil && o.id != "" && l.occupantID == o.id
}

// removeLine removes a line with an ID of the archive, and its corrections, from the history
// and the archive. (XEP-0424 §5, XEP-0308 §3)
func (r *Room) removeLine(id string) {
	gone := []string{id}
	if old := r.history.byID(id); old != nil {
		for _, l := range r.history.lines {
			corrects := l.replaces != "" && (l.replaces == old.id || l.replaces == old.origin || l.replaces == old.stanzaID)
			if corrects && (l.nick == old.nick || l.occupantID != "" && l.occupantID == old.occupantID) {
				gone = append(gone, l.stanzaID)
			}
		}
	}
	r.history.lines = slices.DeleteFunc(r.history.lines, func(l line) bool { return slices.Contains(gone, l.stanzaID) })
	if !r.rs.shared.Archive.Enabled() {
		return
	}
	if err := r.rs.shared.Archive.remove(r.rs.ctx, r.rs.bare, r.peer.ID, gone); err != nil {
		r.rs.log.Error().Err(err).Msg("cannot delete a retracted message from the archive")
	}
}
