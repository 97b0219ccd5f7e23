package oscarmock

import (
	"maps"
	"slices"
	"strings"

	"transport/legacy/oscar/oscarwire"
)

// ownPrivacy handles the permit and deny lists of family 9, which live until the
// account's last session ends. AIM clients without a feedbag use them.
func (s *session) ownPrivacy(snac oscarwire.SNAC) error {
	names, err := oscarwire.ParseNames(snac.Body)
	a := s.account
	for _, name := range names {
		id := oscarwire.NormalizeScreenName(name)
		switch {
		case snac.ID == oscarwire.PrivacyRemovePermit:
			delete(a.permits, id)
		case snac.ID == oscarwire.PrivacyRemoveDeny:
			delete(a.blocks, id)
		case len(a.permits)+len(a.blocks) >= s.net.opts.MaxBuddies:
		case snac.ID == oscarwire.PrivacyAddPermit:
			a.permits[id] = true
		default:
			a.blocks[id] = true
		}
	}
	s.net.sendPresence(a)
	return err
}

// lookUp handles 0A/02: a lookup by e-mail address.
func (s *session) lookUp(snac oscarwire.SNAC) error {
	var found oscarwire.TLVs
	for _, id := range slices.Sorted(maps.Keys(s.net.accounts)) {
		if a := s.net.accounts[id]; a.Email != "" && strings.EqualFold(a.Email, string(snac.Body)) {
			found = append(found, oscarwire.TLVText(oscarwire.TagScreenName, a.Name))
		}
	}
	if len(found) == 0 {
		s.fail(snac, oscarwire.CodeNoMatch)
		return nil
	}
	s.send(oscarwire.LookupReply, snac.RequestID, found)
	return nil
}

// entry is a field of AIM's directory.
type entry struct {
	tag   uint16
	value *string
}

// entries returns the directory fields of an account.
func (a *account) entries() []entry {
	all := []entry{{oscarwire.TagDirFirst, &a.First}, {oscarwire.TagDirLast, &a.Last}, {oscarwire.TagDirNick, &a.Nick}}
	for i := range a.Address {
		all = append(all, entry{addressTags[i], &a.Address[i]})
	}
	return all
}

var addressTags = [...]uint16{oscarwire.TagDirStreet, oscarwire.TagDirZip, oscarwire.TagDirCity, oscarwire.TagDirState, oscarwire.TagDirCountry}

// listed returns an account's directory fields as TLVs.
func (a *account) listed() (l oscarwire.TLVs) {
	for _, e := range a.entries() {
		l = append(l, oscarwire.TLVText(e.tag, *e.value))
	}
	return l
}

// setDirectory handles 02/09: an update of the account's directory entry.
func (s *session) setDirectory(snac oscarwire.SNAC) error {
	l, err := oscarwire.ParseTLVs(snac.Body)
	for _, e := range s.account.entries() {
		*e.value, _ = l.String(e.tag) // an omitted field is deleted
	}
	s.send(oscarwire.LocationSetDirReply, snac.RequestID, oscarwire.Raw{0, 1})
	return err
}

// directoryInfo handles 02/0B: a directory entry, empty for an unknown name.
func (s *session) directoryInfo(snac oscarwire.SNAC) error {
	names, err := oscarwire.ParseNames(snac.Body)
	if err != nil {
		return err
	}
	d := oscarwire.DirectoryInfo{Status: oscarwire.DirectoryInfoOK}
	for _, name := range names[:min(len(names), 1)] {
		if a := s.net.find(name); a != nil {
			d.TLVs = a.listed()
		}
	}
	s.send(oscarwire.LocationDirReply, snac.RequestID, d)
	return nil
}

// serveDirectory handles a SNAC on a connection of family 0F: a directory search. (AOL,
// "ODir")
func (s *session) serveDirectory(snac oscarwire.SNAC) error {
	if snac.ID != oscarwire.DirectorySearch {
		s.serveCommon(snac)
		return nil
	}
	l, err := oscarwire.ParseTLVs(snac.Body)
	if err != nil {
		return err
	}
	answer := oscarwire.DirectoryAnswer{Status: oscarwire.DirectoryOK}
	mail, byMail := l.String(oscarwire.TagDirEmail)
	if !byMail && !l.Has(oscarwire.TagDirFirst) && !l.Has(oscarwire.TagDirLast) {
		answer.Status = oscarwire.DirectoryNameMissing
		s.send(oscarwire.DirectoryReply, snac.RequestID, answer)
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(s.net.accounts)) {
		a := s.net.accounts[id]
		fits := !byMail || strings.EqualFold(a.Email, mail)
		for _, e := range a.entries() {
			want, asked := l.String(e.tag)
			fits = fits && (!asked || strings.EqualFold(want, *e.value))
		}
		if fits {
			answer.Found = append(answer.Found, append(a.listed(), oscarwire.TLVText(oscarwire.TagDirName, a.Name)))
		}
	}
	s.send(oscarwire.DirectoryReply, snac.RequestID, answer)
	return nil
}

// Directory returns an account's data without the password.
func (n *Network) Directory(name string) Account {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		told := a.Account
		told.Password = ""
		return told
	}
	return Account{}
}

// Password returns an account's password, which its user may have changed.
func (n *Network) Password(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return a.Password
	}
	return ""
}
