package muc

import (
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

var errNewerSubject = stanza.Error{Type: stanza.Wait, Condition: stanza.Conflict,
	Text: "You have changed the subject again before the network confirmed this change."}

// refuseSubject answers a change of the subject that the network will not confirm, if one
// is pending.
func (r *Room) refuseSubject(why stanza.Error) {
	if r.pendingSubject != nil {
		r.pendingSubject.Refuse(why)
		r.pendingSubject = nil
	}
}

// sendSubject sends the room's subject from the occupant that set it. At the end of a
// join it carries the time of the change. (XEP-0045 §7.2.15, §8.1)
func (r *Room) sendSubject(full string, joining bool) {
	from, topic := r.jid, r.topic
	if joining && topic.Text == "" { // the room has no subject
		topic = legacy.Topic{}
	}
	if topic.By != "" { // an occupant that may have left since
		from = r.occupantJID(topic.By)
	}
	m := element.New(stanza.NS, "message").Set("from", from).Set("to", full).Set("type", "groupchat").Set("id", xep.NewID()).
		Add(element.New(stanza.NS, "subject").AddText(topic.Text), r.idOf(topic.By))
	if joining && !topic.Time.IsZero() {
		m.Add(xep.Delay(r.jid, topic.Time))
	}
	r.rs.shared.writeElement(m)
}
