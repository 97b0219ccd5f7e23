package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Line is a message in a user's archive of a room.
type Line struct {
	Network, User, Room string
	// StanzaID is unique within the user's archive of the room. (XEP-0359)
	StanzaID string
	// Payload is the message, in the caller's encoding. Sealed.
	Payload []byte
	Created time.Time
}

func (l *Line) place() []byte {
	return place("archive", "payload", l.Network, l.User, l.Room, l.StanzaID, strconv.FormatInt(toMicro(l.Created), 10))
}

// LineQuery selects a part of a room's archive. (XEP-0313 §4, XEP-0059)
type LineQuery struct {
	Network, User, Room string
	// Start and End limit the times; zero is no limit.
	Start, End time.Time
	// After and Before are the StanzaIDs around the result, both excluded; "" is no
	// limit.
	After, Before string
	// IDs, if set, are the StanzaIDs of the result. A missing one is ErrNotFound.
	IDs []string
	// Limit is the largest number of lines in the result: the last ones if Last is
	// set, otherwise the first.
	Limit int
	Last  bool
}

// LinePage is the result of a LineQuery. Lines are ordered by time, oldest first.
type LinePage struct {
	Lines []Line
	// Complete: there are no more lines in the direction of the query.
	Complete bool
	// Count is the number of lines between Start and End; Index is the index of the
	// first of Lines among them.
	Count, Index int
}

// AppendLines adds lines to the archive. It skips a line whose StanzaID already exists.
// Not durable: a power failure can lose the last lines.
func (d *DB) AppendLines(ctx context.Context, lines []Line) error {
	lines = slices.Clone(lines)
	return d.write(ctx, "append to the archive", op{compound: true, run: func(c *conn) error {
		rooms := make(map[[3]string]int64)
		for i := range lines {
			l := &lines[i]
			name := [3]string{l.Network, l.User, l.Room}
			id, known := rooms[name]
			if !known {
				if _, err := c.exec("INSERT INTO archive_rooms (network, user, room) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", l.Network, l.User, l.Room); err != nil {
					return err
				}
				if err := c.row("SELECT id FROM archive_rooms WHERE network = ? AND user = ? AND room = ?", []any{l.Network, l.User, l.Room}, &id); err != nil {
					return err
				}
				rooms[name] = id
			}
			if _, err := c.exec("INSERT INTO archive (room, stanza_id, sealed_payload, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
				id, l.StanzaID, d.ring.Load().seal(l.Payload, l.place()), toMicro(l.Created)); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Lines returns a part of a room's archive. ErrNotFound if After, Before or one of IDs
// does not exist. If some lines cannot be decrypted, it returns the others together with a
// Damaged.
func (d *DB) Lines(ctx context.Context, q LineQuery) (LinePage, error) {
	var page LinePage
	o, damaged := d.opener(), &Damaged{d: d}
	err := d.read(ctx, "read the archive", func(c *conn) error {
		var room int64
		err := c.row("SELECT id FROM archive_rooms WHERE network = ? AND user = ? AND room = ?", []any{q.Network, q.User, q.Room}, &room)
		if errors.Is(err, ErrNotFound) {
			if q.After != "" || q.Before != "" || len(q.IDs) > 0 {
				return ErrNotFound
			}
			page.Complete = true
			return nil
		}
		if err != nil {
			return err
		}
		where, args, err := q.where(c, room)
		if err != nil {
			return err
		}
		return page.read(ctx, c, o, q, where, args, damaged)
	})
	if err != nil {
		return page, err
	}
	return page, d.wrap("read the archive", damaged.orNil())
}

// where returns two conditions: where[0] on the times, where[1] also on After, Before and
// IDs.
func (q LineQuery) where(c *conn, room int64) (where [2]string, args []any, err error) {
	end := int64(1) << 62
	if !q.End.IsZero() {
		end = toMicro(q.End)
	}
	start := int64(-1) << 62
	if !q.Start.IsZero() {
		start = toMicro(q.Start)
	}
	id := func(stanza string, otherwise int64) (int64, error) {
		if stanza == "" {
			return otherwise, nil
		}
		var n int64
		err := c.row("SELECT id FROM archive WHERE room = ? AND stanza_id = ?", []any{room, stanza}, &n)
		return n, err
	}
	after, err := id(q.After, -1)
	if err != nil {
		return where, nil, err
	}
	before, err := id(q.Before, 1<<62)
	if err != nil {
		return where, nil, err
	}
	where[0] = "room = ?1 AND created >= ?2 AND created <= ?3"
	where[1] = where[0] + " AND id > ?4 AND id < ?5"
	args = []any{room, start, end, after, before, q.Limit + 1}
	if len(q.IDs) > 0 {
		for _, stanza := range q.IDs {
			if _, err := id(stanza, 0); err != nil {
				return where, nil, err
			}
		}
		list, err := json.Marshal(q.IDs)
		if err != nil {
			return where, nil, err
		}
		where[1] += " AND stanza_id IN (SELECT value FROM json_each(?7))"
		args = append(args, string(list))
	}
	return where, args, nil
}

func (p *LinePage) read(ctx context.Context, c *conn, o opener, q LineQuery, where [2]string, args []any, damaged *Damaged) error {
	if err := c.row("SELECT count(*) FROM archive WHERE "+where[0], args[:3], &p.Count); err != nil {
		return err
	}
	order := "ASC"
	if q.Last {
		order = "DESC"
	}
	first, rows := int64(0), 0
	err := c.each(ctx, "SELECT id, stanza_id, sealed_payload, created FROM archive WHERE "+where[1]+" ORDER BY id "+order+" LIMIT ?6", args, func(scan func(...any) error) error {
		l := Line{Network: q.Network, User: q.User, Room: q.Room}
		var id, created int64
		var sealed []byte
		if err := scan(&id, &l.StanzaID, &sealed, &created); err != nil {
			return err
		}
		if rows++; rows > q.Limit {
			return nil
		}
		l.Created = fromMicro(created)
		var err error
		if l.Payload, err = o.open(sealed, l.place()); err != nil {
			damaged.Lines = append(damaged.Lines, l)
			damaged.errs = append(damaged.errs, fmt.Errorf("line %d: %w", id, err))
			return nil
		}
		if len(p.Lines) == 0 || q.Last {
			first = id
		}
		p.Lines = append(p.Lines, l)
		return nil
	})
	if err != nil {
		return err
	}
	p.Complete = rows <= q.Limit
	if q.Last {
		slices.Reverse(p.Lines)
	}
	if len(p.Lines) == 0 {
		return nil
	}
	return c.row("SELECT count(*) FROM archive WHERE "+where[0]+" AND id < ?4", append(slices.Clone(args[:3]), first), &p.Index)
}

// Trim selects what TrimLines deletes: in all rooms of a network the lines from before a
// time, and all but the newest Lines of each; or the latter only in Room of User, if that is
// set.
type Trim struct {
	Network    string
	User, Room string
	Before     time.Time
	Lines      int
}

// TrimLines deletes lines from the archive.
func (d *DB) TrimLines(ctx context.Context, t Trim) error {
	return d.write(ctx, "trim the archive", op{compound: true, frees: true, run: func(c *conn) error {
		query, args := "SELECT id FROM archive_rooms WHERE network = ?", []any{t.Network}
		if t.Room != "" {
			query, args = query+" AND user = ? AND room = ?", append(args, t.User, t.Room)
		} else if _, err := c.exec("DELETE FROM archive WHERE created < ?2 AND room IN (SELECT id FROM archive_rooms WHERE network = ?1)", t.Network, toMicro(t.Before)); err != nil {
			return err
		}
		var rooms []int64
		if err := c.each(ctx, query, args, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			rooms = append(rooms, id)
			return err
		}); err != nil {
			return err
		}
		for _, id := range rooms {
			if _, err := c.exec("DELETE FROM archive WHERE room = ?1 AND id <= (SELECT id FROM archive WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", id, t.Lines); err != nil {
				return err
			}
		}
		if t.Room != "" {
			return nil
		}
		_, err := c.exec("DELETE FROM archive_rooms WHERE network = ? AND NOT EXISTS (SELECT 1 FROM archive WHERE archive.room = archive_rooms.id)", t.Network)
		return err
	}})
}

// DeleteLine deletes a line from a room's archive. A missing line is no error.
func (d *DB) DeleteLine(ctx context.Context, network, user, room, stanzaID string) error {
	return d.write(ctx, "delete a line of the archive", op{run: func(c *conn) error {
		_, err := c.exec("DELETE FROM archive WHERE stanza_id = ?4 AND room = (SELECT id FROM archive_rooms WHERE network = ?1 AND user = ?2 AND room = ?3)", network, user, room, stanzaID)
		return err
	}})
}

// resealLines is resealAccounts for the archive.
func resealLines(c *conn, r *ring, after int64) (int64, error) {
	type row struct {
		Line
		id     int64
		sealed []byte
	}
	var batch []row
	err := c.each(context.Background(), `SELECT a.id, r.network, r.user, r.room, a.stanza_id, a.created, a.sealed_payload
		FROM archive a JOIN archive_rooms r ON r.id = a.room
		WHERE a.id > ? ORDER BY a.id LIMIT ?`, []any{after, rotateBatch}, func(scan func(...any) error) error {
		var l row
		var created int64
		err := scan(&l.id, &l.Network, &l.User, &l.Room, &l.StanzaID, &created, &l.sealed)
		l.Created = fromMicro(created)
		batch = append(batch, l)
		return err
	})
	if err != nil || len(batch) == 0 {
		return -1, err
	}
	for _, l := range batch {
		sealed, err := r.reseal(l.sealed, l.place())
		if err != nil {
			return 0, fmt.Errorf("line %d of %s on %s: %w", l.id, l.User, l.Network, err)
		}
		if _, err := c.exec("UPDATE archive SET sealed_payload = ?2 WHERE id = ?1", l.id, sealed); err != nil {
			return 0, err
		}
	}
	return batch[len(batch)-1].id, nil
}
