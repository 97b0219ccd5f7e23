package muc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// maxPage limits the lines in one page of the archive.
const maxPage = 100 // limit: lines in one page of the archive | the client requests the next page

// onArchive answers an IQ to a room's archive. Each user has an archive of their own, which
// is readable without a join. (XEP-0313 §4, §5)
func (u *user) onArchive(req *stanza.Request, peer legacy.Peer) {
	switch {
	case !u.shared.Archive.Enabled():
		req.Fail(stanza.ErrServiceUnavail)
	case req.Payload.Is(xep.NSMAM, "metadata") && req.Type == "get":
		u.archiveMetadata(req, peer)
	case req.Payload.Is(xep.NSMAM, "query") && req.Type == "get":
		form := xep.NewForm("form", xep.NSMAM, "", "").Add(
			xep.NewField("start", "text-single", "From this time on"), xep.NewField("end", "text-single", "Until this time"),
			xep.NewField("with", "jid-single", "Of this occupant"), xep.NewField("before-id", "text-single", "Before this message"),
			xep.NewField("after-id", "text-single", "After this message"), xep.NewField("ids", "list-multi", "These messages"))
		req.Reply(element.New(xep.NSMAM, "query").Add(form))
	case req.Payload.Is(xep.NSMAM, "query"):
		u.queryArchive(req, peer)
	case req.Payload.Is(xep.NSMAM, "metadata"):
		req.Fail(stanza.ErrBadRequest)
	default: // archiving preferences (XEP-0441)
		req.Fail(stanza.ErrNotImplemented)
	}
}

// readArchive reads a page of the archive, after the queued lines are written.
func (u *user) readArchive(q registry.LineQuery, peer legacy.Peer) (registry.LinePage, *stanza.Error) {
	q.User, q.Room = u.bare, peer.ID
	page, err := u.archived(q)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return page, &stanza.ErrItemNotFound // XEP-0313 §4.3.1
	case err != nil:
		u.log.Error().Err(err).Msg("cannot read the archive")
		return page, &stanza.ErrDatabase
	}
	return page, nil
}

// archived reads a page of the archive. Lines that cannot be decrypted are set aside and
// reported to the user, once.
func (u *user) archived(q registry.LineQuery) (registry.LinePage, error) {
	for {
		page, err := u.shared.Archive.read(u.ctx, q)
		var damaged *registry.Damaged
		if !errors.As(err, &damaged) {
			return page, err
		}
		u.log.Error().Err(err).Int("lines", len(damaged.Lines)).Msg("lines of the archive are damaged and set aside")
		if err := damaged.SetAside(u.ctx, nil); err != nil {
			u.log.Error().Err(err).Msg("cannot set damaged lines aside")
			return page, nil // the next reading tries again
		}
		var times []string
		for _, l := range damaged.Lines {
			times = append(times, l.Created.UTC().Format("2006-01-02 15:04 MST"))
		}
		u.host.Notify(fmt.Sprintf("The gateway's database was damaged: messages in the archive of %s cannot be read any more: %s.", q.Room, strings.Join(slices.Compact(times), ", ")))
	}
}

func (u *user) queryArchive(req *stanza.Request, peer legacy.Peer) {
	q, why := archiveQuery(req.Payload)
	if why != nil {
		req.Fail(*why)
		return
	}
	jid := u.shared.Peers.JID(peer.ID)
	read, with := u.readArchive, xep.Values(req.Payload.Child(xep.NSDataForm, "x"))["with"]
	narrowed := len(with) > 0 && with[0] != "" && with[0] != jid
	if narrowed {
		read = func(q registry.LineQuery, peer legacy.Peer) (registry.LinePage, *stanza.Error) {
			return u.readArchiveOf(q, peer, with[0])
		}
	}
	page, why := read(q, peer)
	if why != nil {
		req.Fail(*why)
		return
	}
	lines := page.Lines
	if req.Payload.Child(xep.NSMAM, "flip-page") != nil { // XEP-0313 §4.1.4
		for i := range lines {
			u.sendArchived(req, jid, lines[len(lines)-1-i])
		}
	} else {
		for _, l := range lines {
			u.sendArchived(req, jid, l)
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
	if !narrowed { // the count would require a search of the whole archive
		set.Add(element.New(xep.NSRSM, "count").AddText(strconv.Itoa(page.Count)))
	}
	req.Reply(fin.Add(set))
}

// Bounds of a search for one occupant's messages.
const (
	searchPage  = 500
	searchLines = 20_000 // limit: lines that a search in the archive reads | the result is marked as incomplete
)

// readArchiveOf reads the messages of one occupant. It searches line by line, since the
// sender of a line is encrypted in the registry. (XEP-0313 §4.1.1)
func (u *user) readArchiveOf(q registry.LineQuery, peer legacy.Peer, occupant string) (found registry.LinePage, why *stanza.Error) {
	most, full, room := q.Limit, false, u.shared.Peers.JID(peer.ID)
	q.Limit = searchPage
	for seen := 0; seen < searchLines; seen += searchPage {
		page, why := u.readArchive(q, peer)
		if why != nil {
			return page, why
		}
		if q.Last {
			slices.Reverse(page.Lines)
		}
		for _, row := range page.Lines {
			if l, err := decodeLine(row); err != nil || occupantJID(room, l.nick) != occupant {
				continue
			}
			if len(found.Lines) == most {
				full = true
				break
			}
			found.Lines = append(found.Lines, row)
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

// archiveQuery translates a query's form and result set. (XEP-0313 §4.1, XEP-0059 §2)
func archiveQuery(query *element.Element) (registry.LineQuery, *stanza.Error) {
	var q registry.LineQuery
	values := xep.Values(query.Child(xep.NSDataForm, "x"))
	for name, to := range map[string]*time.Time{"start": &q.Start, "end": &q.End} {
		if v := values[name]; len(v) > 0 && v[0] != "" {
			t, err := time.Parse(time.RFC3339, v[0])
			if err != nil {
				why := stanza.ErrBadRequest.With(strconv.Quote(v[0]) + " is not a time. Use the form 2026-01-31T12:00:00Z.")
				return q, &why
			}
			*to = t
		}
	}
	q.IDs = values["ids"]
	if len(q.IDs) > maxPage {
		why := stanza.ErrBadRequest.With("Too many message IDs. Request at most " + strconv.Itoa(maxPage) + " at once.")
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
func (u *user) sendArchived(req *stanza.Request, room string, row registry.Line) {
	l, err := decodeLine(row)
	if err != nil {
		u.log.Error().Err(err).Msg("cannot decode a line of the archive")
		return
	}
	u.shared.write(func(dst []byte) []byte {
		dst = append(dst, "<message"...)
		dst = stanza.AppendAttr(dst, "from", room)
		dst = stanza.AppendAttr(dst, "to", req.From.String())
		dst = append(dst, "><result xmlns='"+xep.NSMAM+"'"...)
		dst = stanza.AppendAttr(dst, "queryid", req.Payload.Attr("queryid"))
		dst = stanza.AppendAttr(dst, "id", l.stanzaID)
		dst = append(dst, "><forwarded xmlns='"+xep.NSForward+"'><delay xmlns='"+xep.NSDelay+"'"...)
		dst = stanza.AppendAttr(dst, "stamp", xep.Stamp(l.at))
		dst = append(dst, "/>"...)
		dst = l.appendTo(dst, room, "", false)
		return append(dst, "</forwarded></result></message>"...)
	})
}

// archiveMetadata answers with the first and the last line of the archive.
// (XEP-0313 §5)
func (u *user) archiveMetadata(req *stanza.Request, peer legacy.Peer) {
	answer := element.New(xep.NSMAM, "metadata")
	for _, end := range []struct {
		name string
		last bool
	}{{"start", false}, {"end", true}} {
		page, why := u.readArchive(registry.LineQuery{Limit: 1, Last: end.last}, peer)
		if why != nil {
			req.Fail(*why)
			return
		}
		if len(page.Lines) > 0 {
			answer.Add(element.New(xep.NSMAM, end.name).Set("id", page.Lines[0].StanzaID).Set("timestamp", xep.Stamp(page.Lines[0].Created)))
		}
	}
	req.Reply(answer)
}
