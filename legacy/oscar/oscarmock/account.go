package oscarmock

import (
	"slices"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// account is an account with all that the network knows of it. Network.mu guards
// it.
type account struct {
	Account
	id       string // normalised name
	bot      *Bot
	sessions []*session
	offline  []stored
	granted  map[string]bool // who may have the account on their list

	items    []oscarwire.FeedbagItem
	modified uint32
	edits    uint32 // makes modified grow

	status     oscarwire.Status
	statusText string
	away       string // HTML, "" when not away
	profile    string
	caps       []oscarwire.GUID
	idleSince  time.Time
	signedOn   time.Time
}

// stored is a message that waits for its receiver.
type stored struct {
	im   oscarwire.IncomingIM
	sent time.Time
}

const (
	maxStored  = 100
	maxSession = 8
)

func newAccount(id string, a Account) *account {
	return &account{Account: a, id: id, granted: make(map[string]bool)}
}

// isICQ reports whether the account is a number.
func (a *account) isICQ() bool { return oscarwire.IsUIN(a.id) }

// online reports whether the account is signed on, seen or not.
func (a *account) online() bool {
	return a.bot != nil && a.bot.online || slices.ContainsFunc(a.sessions, func(s *session) bool { return s.ready })
}

// visible reports whether others see the account.
func (a *account) visible() bool { return a.online() && !a.status.Invisible() }

// info is the userinfo block of the account.
func (a *account) info(now time.Time) oscarwire.UserInfo {
	class := oscarwire.ClassAIM
	if a.isICQ() {
		class |= oscarwire.ClassICQ
	}
	if a.away != "" {
		class |= oscarwire.ClassAway
	}
	u := oscarwire.UserInfo{Name: a.Name}
	u.TLVs = append(u.TLVs,
		oscarwire.TLV16(oscarwire.TagUserClass, uint16(class)),
		oscarwire.TLV32(oscarwire.TagUserStatus, uint32(a.status)),
		oscarwire.TLV32(oscarwire.TagUserSignedOn, uint32(a.signedOn.Unix())))
	if !a.idleSince.IsZero() {
		u.TLVs = append(u.TLVs, oscarwire.TLV16(oscarwire.TagUserIdle, uint16(now.Sub(a.idleSince)/time.Minute)))
	}
	if len(a.caps) > 0 {
		u.TLVs = append(u.TLVs, oscarwire.TLVBytes(oscarwire.TagUserCaps, oscarwire.AppendCapabilities(nil, a.caps)))
	}
	if a.statusText != "" {
		u.TLVs = append(u.TLVs, oscarwire.TLVBytes(oscarwire.TagUserBART,
			oscarwire.BARTItems{oscarwire.NewStatusText(a.statusText)}.Append(nil)))
	}
	return u
}

// lists reports whether the account has somebody on its list, and is not waiting
// to be let.
func (a *account) lists(id string) bool {
	for _, i := range a.items {
		if i.Class == oscarwire.FeedbagBuddy && !i.AwaitsAuth() && oscarwire.NormalizeScreenName(i.Name) == id {
			return true
		}
	}
	return false
}

// denies reports whether the account has blocked somebody.
func (a *account) denies(id string) bool {
	for _, i := range a.items {
		if i.Class == oscarwire.FeedbagDeny && oscarwire.NormalizeScreenName(i.Name) == id {
			return true
		}
	}
	return false
}

// sees reports whether the account is shown another one's presence.
func (a *account) sees(other *account, s *session) bool {
	if other.denies(a.id) {
		return false
	}
	return a.lists(other.id) || s != nil && s.buddies[other.id]
}

// needsAuth reports whether somebody must ask before having the account on their
// list.
func (a *account) needsAuth(asker *account) bool {
	return a.NeedsAuth && a.isICQ() && asker.isICQ() && !a.granted[asker.id]
}

// show tells everybody who may know how the account's presence is now. n.mu is
// held.
func (n *Network) show(a *account) {
	info := a.info(n.opts.Now())
	for _, other := range n.accounts {
		for _, s := range other.sessions {
			if s.ready && other.sees(a, s) {
				s.showBuddy(a, info)
			}
		}
	}
}

// showBuddy tells a session of somebody's presence, unless that is that they are
// offline still.
func (s *session) showBuddy(a *account, info oscarwire.UserInfo) {
	switch {
	case a.visible():
		s.seen[a.id] = true
		s.send(oscarwire.BuddyArrived, 0, oscarwire.UserInfos{info})
	case s.seen[a.id]:
		delete(s.seen, a.id)
		s.send(oscarwire.BuddyDeparted, 0, oscarwire.UserInfos{{Name: a.Name,
			TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagUserClass, 0)}}})
	}
}

// showAll tells a session of everybody whom it sees.
func (s *session) showAll() {
	for _, other := range s.net.accounts {
		if other != s.account && s.account.sees(other, s) {
			s.showBuddy(other, other.info(s.net.opts.Now()))
		}
	}
}
