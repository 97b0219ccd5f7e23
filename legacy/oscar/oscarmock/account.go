package oscarmock

import (
	"maps"
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

	permits, blocks map[string]bool // of family 9, as long as somebody is signed on

	items    []oscarwire.FeedbagItem
	modified uint32
	edits    uint32 // makes modified grow

	status     oscarwire.Status
	statusText string
	away       string // HTML, "" when not away
	profile    string
	details    oscarwire.UserDetails
	iconItem   []byte // the hash of the icon that the list names, nil for none
	icon       []byte
	fakeIcon   []byte // what downloads bring, nil for the icon
	caps       []oscarwire.GUID
	idleSince  time.Time
	signedOn   time.Time
	confirmed  bool // by 07/06
	begun      int  // sessions that were complete, those that are over too
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
	return &account{Account: a, id: id, granted: make(map[string]bool),
		permits: make(map[string]bool), blocks: make(map[string]bool)}
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
	var items oscarwire.BARTItems
	if a.statusText != "" {
		items = append(items, oscarwire.NewStatusText(a.statusText))
	}
	if hash := a.iconHash(); hash != nil {
		items = append(items, oscarwire.BARTItem{Type: oscarwire.BARTIcon, Flags: oscarwire.BARTFlagCustom, Data: hash})
	} else if a.iconItem != nil { // named and not uploaded
		items = append(items, oscarwire.BARTItem{Type: oscarwire.BARTIcon, Flags: oscarwire.BARTFlagUnknown, Data: a.iconItem})
	}
	if items != nil {
		u.TLVs = append(u.TLVs, oscarwire.TLVBytes(oscarwire.TagUserBART, items.Append(nil)))
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

// denies reports whether the account lets somebody neither see it nor write to
// it. A list without a privacy item lets everybody, as Open OSCAR Server does.
func (a *account) denies(id string) bool {
	if a.blocks[id] || len(a.permits) > 0 && !a.permits[id] {
		return true
	}
	mode := oscarwire.PrivacyAllowAll
	has := func(class uint16) bool {
		return slices.ContainsFunc(a.items, func(i oscarwire.FeedbagItem) bool {
			return i.Class == class && oscarwire.NormalizeScreenName(i.Name) == id
		})
	}
	for _, i := range a.items {
		if v, ok := i.TLVs.U8(oscarwire.TagFeedbagPrivacyMode); ok && i.Class == oscarwire.FeedbagPrivacy {
			mode = v
		}
	}
	switch mode {
	case oscarwire.PrivacyDenyListed:
		return has(oscarwire.FeedbagDeny)
	case oscarwire.PrivacyBlockAll:
		return true
	case oscarwire.PrivacyPermitListed:
		return !has(oscarwire.FeedbagPermit)
	case oscarwire.PrivacyAllowBuddies:
		return !has(oscarwire.FeedbagBuddy)
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
			switch {
			case !s.ready:
			case other.sees(a, s):
				s.showBuddy(a, info)
			default: // it may have, before an edit of either list
				s.hideBuddy(a)
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
	default:
		s.hideBuddy(a)
	}
}

// hideBuddy tells a session that somebody is offline, if it thinks otherwise.
func (s *session) hideBuddy(a *account) {
	if s.seen[a.id] {
		delete(s.seen, a.id)
		s.send(oscarwire.BuddyDeparted, 0, oscarwire.UserInfos{{Name: a.Name,
			TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagUserClass, 0)}}})
	}
}

// showAll tells a session of everybody whom it sees.
func (s *session) showAll() {
	// In order, so that two sign-ons look alike.
	for _, id := range slices.Sorted(maps.Keys(s.net.accounts)) {
		if other := s.net.accounts[id]; other != s.account && s.account.sees(other, s) {
			s.showBuddy(other, other.info(s.net.opts.Now()))
		}
	}
}
