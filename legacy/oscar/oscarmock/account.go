package oscarmock

import (
	"maps"
	"slices"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// account is an account of the network with all of its data. Network.mu guards it.
type account struct {
	Account
	id       string // normalised name
	bot      *Bot
	sessions []*session
	offline  []stored
	granted  map[string]bool // names that may have the account on their list

	permits, blocks map[string]bool // of family 9, until the last session ends

	contactList

	status     oscarwire.Status
	statusText string
	away       string // HTML, "" when not away
	profile    string
	details    oscarwire.UserDetails
	iconItem   []byte // hash of the icon that the list names, nil for none
	icon       []byte
	fakeIcon   []byte // result of downloads, nil for the icon
	caps       []oscarwire.GUID
	idleSince  time.Time
	signedOn   time.Time
	confirmed  bool // by 07/06
	begun      int  // complete sessions so far
}

// contactList is the list of an account.
type contactList struct {
	items    []oscarwire.FeedbagItem
	onList   map[string]bool // result of lists by name, nil after a change of items
	modified uint32
	edits    uint32 // edits so far; modified grows with it
}

// stored is a message for an offline account.
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

// isICQ reports whether the account's name is a UIN.
func (a *account) isICQ() bool { return oscarwire.IsUIN(a.id) }

// online reports whether the account is signed on, possibly invisible.
func (a *account) online() bool {
	return a.bot != nil && a.bot.online || slices.ContainsFunc(a.sessions, func(s *session) bool { return s.ready })
}

// visible reports whether others see the account online.
func (a *account) visible() bool { return a.online() && !a.status.Invisible() }

// info returns the userinfo block of the account.
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
	} else if a.iconItem != nil { // named in the list, but not uploaded
		items = append(items, oscarwire.BARTItem{Type: oscarwire.BARTIcon, Flags: oscarwire.BARTFlagUnknown, Data: a.iconItem})
	}
	if items != nil {
		u.TLVs = append(u.TLVs, oscarwire.TLVBytes(oscarwire.TagUserBART, items.Append(nil)))
	}
	return u
}

// lists reports whether the account has a name on its list and is not waiting for its
// authorization.
func (a *account) lists(id string) bool {
	if a.onList == nil {
		a.onList = make(map[string]bool)
		for _, i := range a.items {
			if i.Class == oscarwire.FeedbagBuddy && !i.AwaitsAuth() {
				a.onList[oscarwire.NormalizeScreenName(i.Name)] = true
			}
		}
	}
	return a.onList[id]
}

// denies reports whether the account blocks a name: it can neither see the account nor
// send messages. A list without a privacy item blocks nobody, as in Open OSCAR Server.
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

// sees reports whether the account receives another one's presence.
func (a *account) sees(other *account, s *session) bool {
	return (a.lists(other.id) || s != nil && s.buddies[other.id]) && !other.denies(a.id)
}

// needsAuth reports whether asker needs authorization to have the account on its list.
func (a *account) needsAuth(asker *account) bool {
	return a.NeedsAuth && a.isICQ() && asker.isICQ() && !a.granted[asker.id]
}

// sendPresence sends the account's present presence to everybody who may see it. n.mu is held.
func (n *Network) sendPresence(a *account) {
	info := a.info(n.opts.Now())
	for _, other := range n.accounts {
		for _, s := range other.sessions {
			switch {
			case !s.ready:
			case other.sees(a, s):
				s.showBuddy(a, info)
			default: // it may have seen it before an edit of either list
				s.hideBuddy(a)
			}
		}
	}
}

// showBuddy sends an account's presence to a session, unless it is offline and was not
// shown.
func (s *session) showBuddy(a *account, info oscarwire.UserInfo) {
	switch {
	case a.visible():
		s.seen[a.id] = true
		s.send(oscarwire.BuddyArrived, 0, oscarwire.UserInfos{info})
	default:
		s.hideBuddy(a)
	}
}

// hideBuddy sends "offline" to a session, unless the account was not shown.
func (s *session) hideBuddy(a *account) {
	if s.seen[a.id] {
		delete(s.seen, a.id)
		s.send(oscarwire.BuddyDeparted, 0, oscarwire.UserInfos{{Name: a.Name,
			TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagUserClass, 0)}}})
	}
}

// showAll sends a session the presence of every account that it may see.
func (s *session) showAll() {
	listed := maps.Clone(s.buddies)
	for _, i := range s.account.items {
		if i.Class == oscarwire.FeedbagBuddy {
			listed[oscarwire.NormalizeScreenName(i.Name)] = true
		}
	}
	// Sorted, so that two sign-ons are equal.
	for _, id := range slices.Sorted(maps.Keys(listed)) {
		if other := s.net.accounts[id]; other != nil && other != s.account && s.account.sees(other, s) {
			s.showBuddy(other, other.info(s.net.opts.Now()))
		}
	}
}
