package component

import (
	"slices"
	"strconv"
	"time"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// maxPage is how many lines of an archive are given out at once.
const maxPage = 100

// onArchive answers a question to a room's archive: the user's own view of it, also
// while they are not in the room. (XEP-0313 §4, §5)
func (u *user) onArchive(r *request, peer legacy.Peer) {
	switch {
	case !u.c.archives():
		u.fail(r, errServiceUnavail)
	case r.payload.Is(xep.NSMAM, "metadata") && r.typ == "get":
		u.archiveMetadata(r, peer)
	case r.payload.Is(xep.NSMAM, "query") && r.typ == "get":
		form := xep.NewForm("form", xep.NSMAM, "", "").Add(
			xep.NewField("start", "text-single", "From this time on"), xep.NewField("end", "text-single", "Until this time"),
			xep.NewField("with", "jid-single", "Of this occupant"), xep.NewField("before-id", "text-single", "Before this message"),
			xep.NewField("after-id", "text-single", "After this message"), xep.NewField("ids", "list-multi", "These messages"))
		u.reply(r, element.New(xep.NSMAM, "query").Add(form))
	case r.payload.Is(xep.NSMAM, "query"):
		u.queryArchive(r, peer)
	case r.payload.Is(xep.NSMAM, "metadata"):
		u.fail(r, errBadRequest)
	default: // there is nothing to prefer (XEP-0441)
		u.fail(r, errNotImplemented)
	}
}

// readArchive reads what was said up to now.
func (u *user) readArchive(q registry.LineQuery, peer legacy.Peer) (registry.LinePage, *stanzaError) {
	ctx, cancel := u.storing()
	defer cancel()
	u.c.archive.flush(ctx)
	q.Network, q.User, q.Room = u.c.domain, u.bare, peer.ID
	page, err := u.c.cfg.Registry.Lines(ctx, q)
	switch {
	case isNotFound(err):
		return page, &errItemNotFound // XEP-0313 §4.3.1
	case err != nil:
		u.log.Error().Err(err).Msg("cannot read the archive")
		return page, &errDatabase
	}
	return page, nil
}

func (u *user) queryArchive(r *request, peer legacy.Peer) {
	q, why := archiveQuery(r.payload)
	if why != nil {
		u.fail(r, *why)
		return
	}
	room := &room{peer: peer, jid: u.c.contactJID(peer.ID)}
	read, with := u.readArchive, xep.Values(r.payload.Child(xep.NSDataForm, "x"))["with"]
	narrowed := len(with) > 0 && with[0] != "" && with[0] != room.jid
	if narrowed {
		read = func(q registry.LineQuery, peer legacy.Peer) (registry.LinePage, *stanzaError) {
			return u.readArchiveOf(q, room, with[0])
		}
	}
	page, why := read(q, peer)
	if why != nil {
		u.fail(r, *why)
		return
	}
	lines := page.Lines
	if r.payload.Child(xep.NSMAM, "flip-page") != nil { // XEP-0313 §4.1.4
		for i := range lines {
			u.sendArchived(r, room, lines[len(lines)-1-i])
		}
	} else {
		for _, l := range lines {
			u.sendArchived(r, room, l)
		}
	}
	fin := element.New(xep.NSMAM, "fin")
	if page.Complete {
		fin.Set("complete", "true")
	}
	set := element.New(xep.NSRSM, "set")
	if len(lines) > 0 {
		begin := element.New(xep.NSRSM, "first").AddText(lines[0].StanzaID)
		if !narrowed {
			begin.Set("index", strconv.Itoa(page.Index))
		}
		set.Add(begin, element.New(xep.NSRSM, "last").AddText(lines[len(lines)-1].StanzaID))
	}
	if !narrowed { // else one would have to read all of it
		set.Add(element.New(xep.NSRSM, "count").AddText(strconv.Itoa(page.Count)))
	}
	u.reply(r, fin.Add(set))
}

// Bounds of a search for what one occupant has said.
const (
	searchPage = 500
	searchMost = 20_000 // lines
)

// readArchiveOf reads what somebody has said up to now. Who has spoken is encrypted, so
// that all is looked through. (XEP-0313 §4.1.1)
func (u *user) readArchiveOf(q registry.LineQuery, room *room, jid string) (found registry.LinePage, why *stanzaError) {
	most, full := q.Limit, false
	q.Limit = searchPage
	for seen := 0; seen < searchMost; seen += searchPage {
		page, why := u.readArchive(q, room.peer)
		if why != nil {
			return page, why
		}
		if q.Last {
			slices.Reverse(page.Lines)
		}
		for _, kept := range page.Lines {
			if l, err := readLine(kept); err != nil || room.occupantJID(l.nick) != jid {
				continue
			}
			if len(found.Lines) == most {
				full = true
				break
			}
			found.Lines = append(found.Lines, kept)
		}
		if found.Complete = page.Complete && !full; page.Complete || full {
			break
		}
		if end := page.Lines[len(page.Lines)-1].StanzaID; q.Last {
			q.Before = end
		} else {
			q.After = end
		}
	}
	if q.Last {
		slices.Reverse(found.Lines)
	}
	return found, nil
}

// archiveQuery reads what is asked for. (XEP-0313 §4.1, XEP-0059 §2)
func archiveQuery(query *element.Element) (registry.LineQuery, *stanzaError) {
	var q registry.LineQuery
	values := xep.Values(query.Child(xep.NSDataForm, "x"))
	for name, to := range map[string]*time.Time{"start": &q.Start, "end": &q.End} {
		if v := values[name]; len(v) > 0 && v[0] != "" {
			t, err := time.Parse(time.RFC3339, v[0])
			if err != nil {
				why := errBadRequest.with(strconv.Quote(v[0]) + " is no time.")
				return q, &why
			}
			*to = t
		}
	}
	q.IDs = values["ids"]
	if len(q.IDs) > maxPage {
		why := errBadRequest.with("Ask for fewer messages at once.")
		return q, &why
	}
	for name, to := range map[string]*string{"after-id": &q.After, "before-id": &q.Before} {
		if v := values[name]; len(v) > 0 {
			*to = v[0]
		}
	}
	q.Limit = maxPage
	set := query.Child(xep.NSRSM, "set")
	if set == nil {
		return q, nil
	}
	if n, err := strconv.Atoi(set.ChildText(xep.NSRSM, "max")); err == nil && n >= 0 {
		q.Limit = min(n, maxPage)
	}
	if after := set.ChildText(xep.NSRSM, "after"); after != "" {
		q.After = after
	}
	if before := set.Child(xep.NSRSM, "before"); before != nil {
		q.Last = true
		if id := before.Text(); id != "" {
			q.Before = id
		}
	}
	return q, nil
}

// sendArchived sends one line of the archive. (XEP-0313 §4.2)
func (u *user) sendArchived(r *request, room *room, kept registry.Line) {
	l, err := readLine(kept)
	if err != nil {
		u.log.Error().Err(err).Msg("a line of the archive cannot be read")
		return
	}
	_ = u.c.write(func(dst []byte) []byte {
		dst = append(dst, "<message"...)
		dst = appendAttr(dst, "from", room.jid)
		dst = appendAttr(dst, "to", r.from.String())
		dst = append(dst, "><result xmlns='"+xep.NSMAM+"'"...)
		dst = appendAttr(dst, "queryid", r.payload.Attr("queryid"))
		dst = appendAttr(dst, "id", l.archived)
		dst = append(dst, "><forwarded xmlns='"+xep.NSForward+"'><delay xmlns='"+xep.NSDelay+"'"...)
		dst = appendAttr(dst, "stamp", xep.Stamp(l.at))
		dst = append(dst, "/>"...)
		dst = u.c.appendLine(dst, room, "", &l, false)
		return append(dst, "</forwarded></result></message>"...)
	})
}

// archiveMetadata tells where the archive begins and ends. (XEP-0313 §5)
func (u *user) archiveMetadata(r *request, peer legacy.Peer) {
	answer := element.New(xep.NSMAM, "metadata")
	for _, end := range []struct {
		name string
		last bool
	}{{"start", false}, {"end", true}} {
		page, why := u.readArchive(registry.LineQuery{Limit: 1, Last: end.last}, peer)
		if why != nil {
			u.fail(r, *why)
			return
		}
		if len(page.Lines) > 0 {
			answer.Add(element.New(xep.NSMAM, end.name).Set("id", page.Lines[0].StanzaID).Set("timestamp", xep.Stamp(page.Lines[0].Created)))
		}
	}
	u.reply(r, answer)
}
