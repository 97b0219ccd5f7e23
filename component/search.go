package component

import (
	"slices"
	"strconv"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// searchColumns are the columns of a table of people.
var searchColumns = [][2]string{{"jid", "Address"}, {"first", "First name"}, {"last", "Last name"},
	{"nick", "Nickname"}, {"email", "E-mail"}, {"status", "Status"}}

// foundRoomColumns are the columns of a table of rooms.
var foundRoomColumns = [][2]string{{"jid", "Address"}, {"name", "Name"}, {"topic", "Topic"}, {"occupants", "People"}}

// searchFields are the legacy search fields, outside a data form. (XEP-0055 §2)
var searchFields = []string{"first", "last", "nick", "email"}

// onSearch answers a search IQ with its form or the results. (XEP-0055 §2)
func (ca *calls) onSearch(r *stanza.Request) {
	if !ca.u.c.info.Features.Has(legacy.FeatureSearch) {
		r.Fail(stanza.ErrServiceUnavail)
		return
	}
	if !ca.u.account.exists() && !ca.u.c.info.Guests {
		r.Fail(stanza.ErrRegisterFirst)
		return
	}
	if r.Type == "get" {
		r.Reply(ca.searchForm())
		return
	}
	query, form := make(map[string]string), r.Payload.Child(xep.NSDataForm, "x")
	if form != nil {
		query = xep.Values(form).Joined()
	} else {
		for e := range r.Payload.Children(xep.NSSearch, "") {
			query[e.Name] = e.Text()
		}
	}
	wanted := make(map[string]string)
	for _, f := range ca.u.c.info.Search {
		if v := body.Clean(strings.TrimSpace(query[f.Var])); v != "" && len(v) <= maxLine {
			wanted[f.Var] = v
		}
	}
	if len(wanted) == 0 {
		r.Fail(stanza.ErrBadRequest.With("Fill in at least one field."))
		return
	}
	ca.u.login.visit(func() { ca.search(r, wanted, form != nil) }, func(why stanza.Error) { r.Fail(why) })
}

// search sends a search to the network.
func (ca *calls) search(r *stanza.Request, wanted map[string]string, byForm bool) {
	searcher, ok := ca.u.login.legacySession().(legacy.Searcher)
	if !ok {
		r.Fail(ca.u.login.notOnline())
		return
	}
	ca.query(r, func(u *user, r *stanza.Request, ev legacy.Event) {
		found := ev.(legacy.SearchFinished)
		switch {
		case found.Err != nil && legacy.KindOf(found.Err) != legacy.NotFound:
			r.Fail(stanza.Translate(found.Err))
		case byForm:
			r.Reply(u.calls.foundForm(found))
		default:
			r.Reply(u.calls.foundItems(found))
		}
	}, func(ref string) error { return searcher.Search(ca.u.ctx, ref, wanted) })
}

func (ca *calls) searchForm() *element.Element {
	text := "Fill in what you know, and search."
	q := element.New(xep.NSSearch, "query").Add(element.New(xep.NSSearch, "instructions").AddText(text))
	form := xep.NewForm("form", xep.NSSearch, "Search on "+ca.u.c.info.Name, text)
	for _, f := range ca.u.c.info.Search {
		if slices.Contains(searchFields, f.Var) {
			q.Add(element.New(xep.NSSearch, f.Var))
		}
		form.Add(xep.NewField(f.Var, "text-single", f.Label))
	}
	return q.Add(form)
}

func (ca *calls) foundForm(found legacy.SearchFinished) *element.Element {
	columns := searchColumns
	if found.Rooms {
		columns = foundRoomColumns
	}
	form := xep.NewForm("result", xep.NSSearch, "Found on "+ca.u.c.info.Name, "").Add(xep.Reported(columns...))
	for _, f := range found.Results {
		jid := ca.u.c.peers.JID(f.Peer.ID)
		switch {
		case found.Rooms != f.Peer.Room: // these are of the other columns
		case found.Rooms:
			form.Add(xep.Item(columns, jid, f.Peer.ID, f.Topic, strconv.Itoa(f.Occupants)))
		default:
			form.Add(xep.Item(columns, jid, f.Profile.First, f.Profile.Last, f.Profile.Nick, firstOf(f.Profile.Emails), onlineText(f.Online)))
		}
	}
	return element.New(xep.NSSearch, "query").Add(form)
}

// foundItems is foundForm for clients without forms. They know persons alone: a room has
// its name as the nick, and its topic as the first name.
func (ca *calls) foundItems(found legacy.SearchFinished) *element.Element {
	q := element.New(xep.NSSearch, "query")
	for _, f := range found.Results {
		if f.Peer.Room {
			f.Profile = legacy.Profile{Nick: f.Peer.ID, First: f.Topic}
		}
		item := element.New(xep.NSSearch, "item").Set("jid", ca.u.c.peers.JID(f.Peer.ID))
		for i, v := range []string{f.Profile.First, f.Profile.Last, f.Profile.Nick, firstOf(f.Profile.Emails)} {
			item.Add(element.New(xep.NSSearch, searchFields[i]).AddText(v))
		}
		q.Add(item)
	}
	return q
}
