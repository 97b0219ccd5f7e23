package component

import (
	"strings"
	"sync"
	"time"

	"transport/component/stanza"
)

// invitations rate-limits the messages that explain how to register. The user's server
// may store each of them, so that nobody must be able to trigger many.
type invitations struct {
	mu   sync.Mutex
	sent map[string]time.Time // by bare JID
}

const (
	invitationPause = 10 * time.Minute // between two to the same user
	maxInvitations  = 1024             // limit: strangers who were told how to register in the last 10 minutes | others are refused without that message
)

// allow reports whether a user may be sent such a message now, and counts it.
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

// refuseSubscription denies the subscription of an unregistered user. Clients do not show
// the denial's reason, so that a message explains how to register. (RFC 6121 §3.1.4)
func (c *Component) refuseSubscription(st *stanza.Inbound) {
	c.counters.refused.Add(1)
	c.sendPresence(st.To.Bare().String(), st.User, "unsubscribed", st.ID)
	if c.invitations.allow(strings.Clone(st.User), c.clock.Now()) {
		text := "You asked to see " + st.To.Bare().String() + ", but you are not registered with this gateway to " + c.info.Name + ". " +
			c.howToRegister() + "\nThen add " + st.To.Bare().String() + " again."
		c.say(st.User, text)
	}
}

// refuseNewcomer refuses a stanza of a user who is neither registered nor signed on if the
// memory is short.
func (c *Component) refuseNewcomer(st *stanza.Inbound) bool {
	if c.cfg.Memory == nil || c.isKnown(st.User) || !c.cfg.Memory.short(memoryNewcomers) {
		return false
	}
	st.Refuse(errMemory)
	return true
}
