package oscar

import (
	"context"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const (
	directoryLimit    = 20 * time.Second // for a search
	directoryPatience = 8 * time.Second  // for what the directory has of one person
)

// dirField is a part of a profile that AIM's directory has.
type dirField struct {
	tag   uint16
	query string // its name in a search
	value *string
}

// dirFields are the parts of a profile that the directory has.
func dirFields(p *legacy.Profile) []dirField {
	return []dirField{
		{oscarwire.TagDirFirst, "first", &p.First}, {oscarwire.TagDirLast, "last", &p.Last}, {oscarwire.TagDirNick, "nick", &p.Nick},
		{oscarwire.TagDirCity, "city", &p.City}, {oscarwire.TagDirState, "state", &p.State}, {oscarwire.TagDirCountry, "country", &p.Country},
		{oscarwire.TagDirStreet, "", &p.Street}, {oscarwire.TagDirZip, "", &p.PostalCode},
	}
}

// readDirectory is what the directory says of somebody.
func (n *network) readDirectory(l oscarwire.TLVs) (p legacy.Profile) {
	for _, f := range dirFields(&p) {
		b, _ := l.Get(f.tag)
		*f.value = strings.TrimSpace(n.page.Decode(b))
	}
	return p
}

// searchAIM looks AIM users up: by their e-mail address, or else in the directory.
func (di *directory) searchAIM(query map[string]string, then func(legacy.SearchFinished)) {
	fail := func(text string) { then(legacy.SearchFinished{Err: legacy.Errorf(legacy.Unsupported, "%s", text)}) }
	switch {
	case query["email"] != "" && di.c.families[oscarwire.FamilyLookup]:
		di.searchEmail(query["email"], then)
	case query["email"] != "":
		fail("This server does not find people by their e-mail address.")
	case query["first"] == "" && query["last"] == "":
		fail("AIM finds people by a first or a last name, or by an e-mail address.")
	default:
		di.searchDirectory(query, then)
	}
}

// searchEmail looks an AIM user up. (AOL, "Lookup")
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

// found adds somebody to what was found.
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

// searchDirectory looks people up by what they tell of themselves. (AOL, "ODir")
func (di *directory) searchDirectory(query map[string]string, then func(legacy.SearchFinished)) {
	ask := oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagDirCharset, "us-ascii"), oscarwire.TLV16(oscarwire.TagDirKind, 0)}
	for _, f := range dirFields(new(legacy.Profile)) {
		if v := query[f.query]; v != "" && f.query != "" {
			ask = append(ask, oscarwire.TLVBytes(f.tag, di.c.s.net.page.Encode(v)))
		}
	}
	var answer oscarwire.DirectoryAnswer
	di.c.visit(oscarwire.FamilyDirectory, directoryLimit, func(ctx context.Context, v *client) error {
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
			done.Err = legacy.Errorf(legacy.Temporary, "%s cannot search now, or finds too many. Say more of whom you look for.", c.s.net.name())
		}
		then(done)
	})
}

// classified is an error of a service's connection, for the user.
func (n *network) classified(err error) error {
	if err == nil || legacy.KindOf(err) != legacy.Internal {
		return err
	}
	return n.lost(err)
}

// requestAIMProfile asks who an AIM user is: the directory, which knows those who are
// offline, too, and then for the text that they wrote.
func (di *directory) requestAIMProfile(ref string, p legacy.Peer) {
	di.askDirectory(p.ID, func(profile legacy.Profile) {
		di.c.rates.submit(&packet{id: oscarwire.LocationQuery2, body: oscarwire.LocationQueryNew{Flags: oscarwire.LocationProfile, Name: p.ID},
			answered: func(snac oscarwire.SNAC, err error) {
				if profile.Nick == "" {
					profile.Nick = p.ID
				}
				err = di.c.answerError(snac, err)
				if err == nil {
					reply, bad := oscarwire.ParseLocationReply(snac.Body)
					if bad == nil && profile.Nick == p.ID {
						profile.Nick = oscarwire.Clean(reply.User.Name)
					}
					if bad == nil && reply.Info.Profile != nil {
						profile.About = oscarwire.HTMLToText(*reply.Info.Profile)
					}
				} else if legacy.KindOf(err) == legacy.Offline { // they are not there to be asked
					err = nil
				}
				di.c.emit(legacy.ProfileReceived{Ref: ref, Profile: profile, Err: err})
			}})
	})
}

// askDirectory asks what the directory has of somebody; what is not known is nothing.
func (di *directory) askDirectory(name string, then func(legacy.Profile)) {
	di.c.rates.submit(&packet{id: oscarwire.LocationDirQuery, body: oscarwire.Names{name}, patience: directoryPatience,
		answered: func(snac oscarwire.SNAC, err error) {
			var d oscarwire.DirectoryInfo
			if err == nil && snac.ID == oscarwire.LocationDirReply {
				d, _ = oscarwire.ParseDirectoryInfo(snac.Body)
			}
			then(di.c.s.net.readDirectory(d.TLVs))
		}})
}

// listSelf tells the directory who the user is. It forgets what it is not told, so
// that it is asked first what it knows.
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
