package oscar

import (
	"context"
	"fmt"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// lookup is a query of ICQ's user database. Several SNACs with its sequence number
// answer it.
type lookup struct {
	ref      string                      // of a profile query
	search   func(legacy.SearchFinished) // receives the results of a search
	deadline time.Time
	details  *oscarwire.UserDetails // profile so far, nil for a search
	found    []legacy.SearchResult
	isUpdate bool // an update of the user's own profile, not a query
}

const (
	lookupPatience = 20 * time.Second
	maxFound       = 100 // limit: results of a search | the answer says that there are more
)

var (
	_ legacy.Profiler = (*session)(nil)
	_ legacy.Searcher = (*session)(nil)
)

// searchForm returns the form of the user directory.
func (n *network) searchForm() []legacy.Field {
	if n.aim {
		return []legacy.Field{
			{Var: "first", Label: "First name"}, {Var: "last", Label: "Last name"}, {Var: "nick", Label: "Nickname"},
			{Var: "city", Label: "City"}, {Var: "state", Label: "State"}, {Var: "country", Label: "Country"},
			{Var: "email", Label: "E-mail address (without the other fields)"},
		}
	}
	return []legacy.Field{
		{Var: "username", Label: "ICQ number"}, {Var: "nick", Label: "Nickname"},
		{Var: "first", Label: "First name"}, {Var: "last", Label: "Last name"}, {Var: "email", Label: "E-mail address"},
	}
}

// RequestProfile implements legacy.Profiler.
func (s *session) RequestProfile(_ context.Context, ref string, p legacy.Peer) error {
	return s.enqueue(func(c *client) { c.directory.requestProfile(ref, p) })
}

// Search implements legacy.Searcher.
func (s *session) Search(_ context.Context, ref string, query map[string]string) error {
	return s.enqueue(func(c *client) {
		c.directory.search(query, func(found legacy.SearchFinished) {
			found.Ref = ref
			c.emit(found)
		})
	})
}

// directory queries profiles and searches for users.
type directory struct {
	c *client

	lookups      map[uint16]*lookup // pending queries, by sequence number
	metaSequence uint16
}

func newDirectory(c *client) directory {
	return directory{c: c, lookups: make(map[uint16]*lookup)}
}

// requestProfile fetches a profile: of an ICQ user by family 15, of an AIM user from
// the directory and by its text.
func (di *directory) requestProfile(ref string, p legacy.Peer) {
	self, own := oscarwire.ParseUIN(di.c.s.self)
	uin, number := oscarwire.ParseUIN(p.ID)
	if own && number && di.c.families[oscarwire.FamilyICQ] {
		di.meta(self, &lookup{ref: ref, details: new(oscarwire.UserDetails)}, oscarwire.MetaFullInfo, oscarwire.MetaUINArgs(uin))
		return
	}
	di.requestAIMProfile(ref, p)
}

// search searches for users.
func (di *directory) search(query map[string]string, then func(legacy.SearchFinished)) {
	self, own := oscarwire.ParseUIN(di.c.s.self)
	if !own || !di.c.families[oscarwire.FamilyICQ] {
		di.searchAIM(query, then)
		return
	}
	l := &lookup{search: then}
	if name := query["username"]; name != "" {
		peer, err := di.c.s.net.ParsePeer(name)
		uin, number := oscarwire.ParseUIN(peer.ID)
		if err != nil || !number {
			then(legacy.SearchFinished{Err: legacy.Errorf(legacy.NotFound, "An ICQ number has digits only.")})
			return
		}
		di.meta(self, l, oscarwire.MetaSearchUIN, oscarwire.MetaUINArgs(uin))
		return
	}
	var tags []uint16
	var texts [][]byte
	kind := oscarwire.MetaSearchWhiteTLV
	for _, f := range []struct {
		name string
		tag  uint16
	}{{"first", oscarwire.TagMetaFirst}, {"last", oscarwire.TagMetaLast}, {"nick", oscarwire.TagMetaNick}, {"email", oscarwire.TagMetaEmail}} {
		if v := query[f.name]; v != "" {
			tags, texts = append(tags, f.tag), append(texts, di.c.s.net.page.Encode(v))
		}
	}
	if len(tags) == 1 && tags[0] == oscarwire.TagMetaEmail {
		kind = oscarwire.MetaSearchEmailTLV
	}
	di.meta(self, l, kind, oscarwire.MetaTextTLVArgs(tags, texts))
}

// meta sends a query by family 15. (Shutko, "SNAC(15,02)/07D0")
func (di *directory) meta(self uint32, l *lookup, kind oscarwire.MetaSubtype, args []byte) {
	di.metaSequence++
	if di.metaSequence < 0x10 { // lower numbers are those of offline messages
		di.metaSequence = 0x10
	}
	l.deadline = di.c.now().Add(lookupPatience)
	di.lookups[di.metaSequence] = l
	di.c.rates.submit(&packet{id: oscarwire.ICQRequest, body: oscarwire.NewMetaRequest(self, di.metaSequence, kind, args)})
}

// onMeta handles a SNAC of the answer.
func (di *directory) onMeta(d oscarwire.ICQData) error {
	l := di.lookups[d.Sequence]
	if l == nil {
		return nil
	}
	m, err := d.MetaReply()
	if err != nil {
		return err
	}
	if l.isUpdate {
		di.endProfileUpdate(d.Sequence, m.OK())
		return nil
	}
	if l.details != nil {
		err = l.details.Take(m)
		if !m.OK() && m.Subtype == oscarwire.MetaHomeReply || m.Subtype == oscarwire.MetaAffiliatesReply {
			di.endLookup(d.Sequence, m.OK())
		}
		return err
	}
	last := m.Subtype == oscarwire.MetaSearchLast
	if m.OK() {
		u, left, bad := m.SearchRow()
		if bad == nil && u.UIN != 0 && len(l.found) < maxFound {
			l.found = append(l.found, di.searchResult(u))
		}
		if err = bad; last {
			delete(di.lookups, d.Sequence)
			l.search(legacy.SearchFinished{Results: l.found, More: left > 0})
		}
		return err
	}
	di.endLookup(d.Sequence, false)
	return nil
}

func (di *directory) searchResult(u oscarwire.MetaUser) legacy.SearchResult {
	r := legacy.SearchResult{Peer: legacy.Peer{ID: oscarwire.FormatUIN(u.UIN)}, Online: u.Status == 1}
	page := di.c.s.net.page
	r.Profile = legacy.Profile{Nick: page.Decode(u.Nick), First: page.Decode(u.First), Last: page.Decode(u.Last)}
	if mail := page.Decode(u.Email); mail != "" {
		r.Profile.Emails = []string{mail}
	}
	return r
}

// endLookup answers a query with the data received so far. found is false if the server
// reports that there is no such user.
func (di *directory) endLookup(sequence uint16, found bool) {
	l := di.lookups[sequence]
	delete(di.lookups, sequence)
	if l.details == nil {
		l.search(legacy.SearchFinished{Results: l.found})
		return
	}
	done := legacy.ProfileReceived{Ref: l.ref, Profile: di.profile(*l.details)}
	if !found {
		done.Err = legacy.Errorf(legacy.NotFound, "ICQ does not know this number.")
	}
	di.c.emit(done)
}

// endProfileUpdate ends an update of the user's profile.
func (di *directory) endProfileUpdate(sequence uint16, ok bool) {
	delete(di.lookups, sequence)
	if !ok {
		di.c.emit(legacy.Notice{Text: di.c.s.net.name() + " did not accept your profile."})
	}
}

// expireLookups ends the queries whose last SNAC did not arrive; some servers omit it
// occasionally. It returns the next deadline.
func (di *directory) expireLookups(now time.Time) (next time.Time) {
	for sequence, l := range di.lookups {
		switch {
		case !l.deadline.After(now) && l.isUpdate:
			di.endProfileUpdate(sequence, false)
		case !l.deadline.After(now):
			di.endLookup(sequence, l.details == nil || len(l.details.Nick) > 0)
		case next.IsZero() || l.deadline.Before(next):
			next = l.deadline
		}
	}
	return next
}

func (di *directory) profile(d oscarwire.UserDetails) legacy.Profile {
	text := func(b []byte) string { return strings.TrimSpace(di.c.s.net.page.Decode(b)) }
	p := legacy.Profile{
		Nick: text(d.Nick), First: text(d.First), Last: text(d.Last), Phone: text(d.Phone), Mobile: text(d.Mobile),
		Homepage: text(d.Homepage), Street: text(d.Street), City: text(d.City), State: text(d.State), PostalCode: text(d.Zip),
		Country: countries[d.Country], Organization: text(d.Company), Department: text(d.Department), Title: text(d.Position), About: text(d.Notes),
	}
	for _, more := range []struct {
		name string
		list [][]byte
	}{{"Interests", d.Interests}, {"Affiliations", d.Affiliations}} {
		var all []string
		for _, b := range more.list {
			if s := text(b); s != "" {
				all = append(all, s)
			}
		}
		if all != nil {
			p.About = strings.TrimSpace(p.About + "\n" + more.name + ": " + strings.Join(all, ", "))
		}
	}
	for _, mail := range append([][]byte{d.Email}, d.Emails...) {
		if m := text(mail); m != "" {
			p.Emails = append(p.Emails, m)
		}
	}
	if d.BirthYear > 1800 && d.BirthMonth >= 1 && d.BirthMonth <= 12 && d.BirthDay >= 1 && d.BirthDay <= 31 {
		p.Birthday = fmt.Sprintf("%04d-%02d-%02d", d.BirthYear, d.BirthMonth, d.BirthDay)
	}
	switch d.Gender {
	case 1:
		p.Gender = "F"
	case 2:
		p.Gender = "M"
	}
	return p
}
