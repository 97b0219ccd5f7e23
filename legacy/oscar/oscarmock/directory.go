package oscarmock

import (
	"maps"
	"slices"
	"strings"

	"transport/legacy/oscar/oscarwire"
)

// ownPrivacy handles the lists of family 9, which live as long as the account is
// signed on: AIM clients without a feedbag use them.
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
	s.net.show(a)
	return err
}

// lookUp answers who has an e-mail address, 0A/02.
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
