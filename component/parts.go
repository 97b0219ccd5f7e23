package component

import (
	"context"
	"fmt"
	"slices"

	"transport/component/stanza"
	"transport/legacy"
	"transport/legacy/split"
)

// sentMessage is a message of the user that the network has not confirmed yet.
type sentMessage struct {
	stanza *stanza.Inbound
	refs   []string // of its parts, in order
	parts  int      // accepted and not yet confirmed
	state  legacy.DeliveryState
}

// splitFor splits a text into the messages that a session can send to a peer. most is
// legacy.Info.MaxText.
func splitFor(s legacy.Session, peer legacy.Peer, text string, most int) []string {
	if ps, ok := s.(legacy.PartSender); ok {
		return split.Text(text, func(rest string) int { return ps.Fit(peer, rest) })
	}
	return split.Text(text, split.Runes(most))
}

// send passes the parts of the message to the session. With an error none of them is sent,
// unless the network takes them one by one: then m.parts are sent.
func (m *sentMessage) send(ctx context.Context, s legacy.Session, parts []legacy.Outgoing) error {
	for _, part := range parts {
		m.refs = append(m.refs, part.Ref)
	}
	if ps, ok := s.(legacy.PartSender); ok && len(parts) > 1 {
		err := ps.SendParts(ctx, parts)
		if err == nil {
			m.parts = len(parts)
		}
		return err
	}
	for _, part := range parts {
		if err := s.Send(ctx, part); err != nil {
			return err
		}
		m.parts++
	}
	return nil
}

// failure returns the error of a message of which a part failed, with the number of the
// part. ref is "" if the session did not accept the part.
func (m *sentMessage) failure(ref string, why stanza.Error) stanza.Error {
	part := slices.Index(m.refs, ref) + 1
	if ref == "" {
		part = m.parts + 1
	}
	switch {
	case len(m.refs) < 2, ref == "" && m.parts == 0: // nothing was sent
	case part == 1:
		why.Text = fmt.Sprintf("The message is too long for one part, and the first of its %d parts was not delivered. %s", len(m.refs), why.Text)
	default:
		why.Text = fmt.Sprintf("The message was sent in %d parts, and part %d was not delivered. %s", len(m.refs), part, why.Text)
	}
	return why
}

// firstOf returns the ref of the message's first part among the unconfirmed ones.
func (m *sentMessage) firstOf(unconfirmed map[string]*sentMessage) string {
	for _, ref := range m.refs {
		if unconfirmed[ref] == m {
			return ref
		}
	}
	return ""
}
