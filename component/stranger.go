package component

import (
	"sync"
	"time"

	"transport/component/stanza"
)

// invitations remembers who was told lately how to register. People are told by a message,
// which their server may keep for them, so that they must not be able to ask for many.
type invitations struct {
	mu   sync.Mutex
	sent map[string]time.Time // by bare JID
}

const (
	invitationPause = 10 * time.Minute // between two to the same person
	maxInvitations  = 1024
)

// allow reports whether somebody may be told now, and counts it.
func (i *invitations) allow(user string, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if at, told := i.sent[user]; told && now.Sub(at) < invitationPause {
		return false
	}
	if len(i.sent) >= maxInvitations {
		for name, at := range i.sent {
			if now.Sub(at) >= invitationPause {
				delete(i.sent, name)
			}
		}
	}
	if len(i.sent) >= maxInvitations {
		return false
	}
	lazySet(&i.sent, user, now)
	return true
}

// refuseSubscription answers the request of somebody who is not registered: no client
// shows an error of it, so a message says what to do. (RFC 6121 §3.1.4)
func (c *Component) refuseSubscription(st *stanza.Inbound) {
	c.counters.refused.Add(1)
	c.sendPresence(st.To.Bare().String(), st.User, "unsubscribed", st.ID)
	if c.invitations.allow(st.User, c.clock.Now()) {
		text := "You asked to see " + st.To.Bare().String() + ", but you are not registered with this gateway to " + c.info.Name + ". " +
			c.howToRegister() + "\nThen add " + st.To.Bare().String() + " again."
		c.say(st.User, text)
	}
}
