package oscar

import (
	"context"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const (
	directoryLimit = 20 * time.Second // for a search
	profileTimeout = 8 * time.Second  // for the directory's entry of one user
)

// dirField is a profile field of AIM's directory.
type dirField struct {
	tag   uint16
	query string // key of its answer in the search form
	value *string
}

// dirFields maps the fields of the directory to those of p.
func dirFields(p *legacy.Profile) []dirField {
	return []dirField{
		{oscarwire.TagDirFirst, "first", &p.First}, {oscarwire.TagDirLast, "last", &p.Last}, {oscarwire.TagDirNick, "nick", &p.Nick},
		{oscarwire.TagDirCity, "city", &p.City}, {oscarwire.TagDirState, "state", &p.State}, {oscarwire.TagDirCountry, "country", &p.Country},
		{oscarwire.TagDirStreet, "", &p.Street}, {oscarwire.TagDirZip, "", &p.PostalCode},
	}
}

// readDirectory parses a directory entry.
func (n *network) readDirectory(l oscarwire.TLVs) (p legacy.Profile) {
	for _, f := range dirFields(&p) {
		b, _ := l.Get(f.tag)
		*f.value = strings.TrimSpace(n.page.Decode(b))
	}
	return p
}

// searchAIM searches for AIM users by e-mail address, or in the directory.
func (di *directory) searchAIM(query map[string]string, then func(legacy.SearchFinished)) {
	fail := func(text string) { then(legacy.SearchFinished{Err: legacy.Errorf(legacy.Unsupported, "%s", text)}) }
	switch {
	case query["email"] != "" && di.c.families[oscarwire.FamilyLookup]:
		di.searchEmail(query["email"], then)
	case query["email"] != "":
		fail("This server does not support searching by e-mail address.")
	case query["first"] == "" && query["last"] == "":
		fail("Enter a first name, a last name or an e-mail address.")
	default:
		di.searchDirectory(query, then)
	}
}

// searchEmail looks up an AIM user by e-mail address. (AOL, "Lookup")
func (di *directory) searchEmail(email string, then func(legacy.SearchFinished)) {
	di.c.rates.submit(&packet{id: oscarwire.LookupByEmail, body: oscarwire.Raw(email), answered: func(snac oscarwire.SNAC, err error) {
		done := legacy.SearchFinished{Err: di.c.answerError(snac, err)}
		if done.Err == nil {
			names, _ := oscarwire.ParseTLVs(snac.Body)
			for _, name := range names.All(oscarwire.TagScreenName) {
				done.Results = di.found(done.Results, name, legacy.Profile{Emails: []string{email}})
			}
		}
		then(done)
	}})
}

// found appends a user to the search results.
func (di *directory) found(list []legacy.SearchResult, name []byte, p legacy.Profile) []legacy.SearchResult {
	id := oscarwire.NormalizeScreenName(string(name))
	if id == "" || len(list) >= maxFound {
		return list
	}
	if p.Nick == "" {
		p.Nick = oscarwire.Clean(string(name))
	}
	_, online := di.c.buddies.seen[id]
	return append(list, legacy.SearchResult{Peer: legacy.Peer{ID: id}, Profile: p, Online: online})
}

// searchDirectory searches the directory by profile fields. (AOL, "ODir")
func (di *directory) searchDirectory(query map[string]string, then func(legacy.SearchFinished)) {
	ask := oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagDirCharset, "us-ascii"), oscarwire.TLV16(oscarwire.TagDirKind, 0)}
	for _, f := range dirFields(new(legacy.Profile)) {
		if v := query[f.query]; v != "" && f.query != "" {
			ask = append(ask, oscarwire.TLVBytes(f.tag, di.c.s.net.page.Encode(v)))
		}
	}
	var answer oscarwire.DirectoryAnswer
	di.c.withService(oscarwire.FamilyDirectory, directoryLimit, func(ctx context.Context, v *client) error {
		snac, err := v.ask(ctx, oscarwire.DirectorySearch, ask, oscarwire.DirectoryReply)
		if err == nil {
			answer, err = oscarwire.ParseDirectoryAnswer(snac.Body)
		}
		return err
	}, func(c *client, err error) {
		done := legacy.SearchFinished{Err: c.s.net.classified(err), More: answer.Status == oscarwire.DirectoryTooMany}
		for _, l := range answer.Found {
			name, _ := l.Get(oscarwire.TagDirName)
			done.Results = c.directory.found(done.Results, name, c.s.net.readDirectory(l))
		}
		if err == nil && answer.Status != oscarwire.DirectoryOK && len(done.Results) == 0 {
			done.Err = legacy.Errorf(legacy.Temporary, "%s cannot search now, or found too many results. Enter more details and try again.", c.s.net.name())
		}
		then(done)
	})
}

// classified converts an error of a service connection to one for the user.
func (n *network) classified(err error) error {
	if err == nil || legacy.KindOf(err) != legacy.Internal {
		return err
	}
	return n.lost(err)
}

// requestAIMProfile fetches an AIM user's directory entry, which exists for offline
// users, too, and then the profile text.
func (di *directory) requestAIMProfile(ref string, p legacy.Peer) {
	di.askDirectory(p.ID, func(profile legacy.Profile) {
		di.c.rates.submit(&packet{id: oscarwire.LocationQuery2, body: oscarwire.LocationQueryNew{Flags: oscarwire.LocationProfile, Name: p.ID},
			answered: func(snac oscarwire.SNAC, err error) {
				if profile.Nick == "" {
					profile.Nick = p.ID
				}
				err = di.c.answerError(snac, err)
				if err == nil {
					reply, bad := oscarwire.ParseLocationReply(snac.Body, di.c.s.net.page)
					if bad == nil && profile.Nick == p.ID {
						profile.Nick = oscarwire.Clean(reply.User.Name)
					}
					if bad == nil && reply.Info.Profile != nil {
						profile.About = oscarwire.HTMLToText(*reply.Info.Profile)
					}
				} else if legacy.KindOf(err) == legacy.Offline { // offline: there is no profile text
					err = nil
				}
				di.c.emit(legacy.ProfileReceived{Ref: ref, Profile: profile, Err: err})
			}})
	})
}

// askDirectory fetches a directory entry; an unknown user has an empty profile.
func (di *directory) askDirectory(name string, then func(legacy.Profile)) {
	di.c.rates.submit(&packet{id: oscarwire.LocationDirQuery, body: oscarwire.Names{name}, timeout: profileTimeout,
		answered: func(snac oscarwire.SNAC, err error) {
			var d oscarwire.DirectoryInfo
			if err == nil && snac.ID == oscarwire.LocationDirReply {
				d, _ = oscarwire.ParseDirectoryInfo(snac.Body)
			}
			then(di.c.s.net.readDirectory(d.TLVs))
		}})
}

// listSelf stores the user's profile in the directory. An update deletes the fields
// that it omits, so listSelf fetches the present entry first.
func (di *directory) listSelf(p legacy.Profile) {
	di.askDirectory(di.c.s.self, func(known legacy.Profile) {
		var told oscarwire.TLVs
		before, changed := dirFields(&known), false
		for i, f := range dirFields(&p) {
			v := *f.value
			if v == "" {
				v = *before[i].value
			}
			changed = changed || v != *before[i].value
			b := di.c.s.net.page.Encode(v)
			told = append(told, oscarwire.TLVBytes(f.tag, b[:min(len(b), maxDetail)]))
		}
		if changed {
			di.c.rates.submit(&packet{id: oscarwire.LocationSetDir, body: append(told, oscarwire.TLVText(oscarwire.TagDirCharset, "us-ascii"))})
		}
	})
}
