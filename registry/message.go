package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// place returns the place of a message's payload. It does not contain the ID, which is
// assigned when the sealed payload is inserted.
func (m *Message) place() []byte {
	return place("messages", "payload", m.Network, m.User, m.Direction.String(), m.Peer, m.StanzaID,
		strconv.FormatInt(toMicro(m.Created), 10))
}

// KeepMessage spools a message until ForgetMessages, and returns its ID. It ignores m.ID.
// The user need not be registered. ErrFull if the user's spool in this direction already
// has Options.MaxMessages. Durable.
func (d *DB) KeepMessage(ctx context.Context, m Message) (int64, error) {
	if m.Direction != Inbound && m.Direction != Outbound {
		return 0, fmt.Errorf("registry: keep message: %s", m.Direction)
	}
	if m.Created.IsZero() {
		m.Created = d.now()
	}
	m.Payload = bytes.Clone(m.Payload)
	at := m.place()
	answer := make(chan int64, 1) // not a variable: the caller may have returned
	err := d.write(ctx, "keep message", op{durable: true, run: func(c *conn) error {
		res, err := c.exec(`INSERT INTO messages (network, user, direction, peer, stanza_id, sealed_payload, created)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
				WHERE (SELECT count(*) FROM messages WHERE network = ?1 AND user = ?2 AND direction = ?3) < ?8`,
			m.Network, m.User, int64(m.Direction), m.Peer, m.StanzaID, d.ring.Load().seal(m.Payload, at), toMicro(m.Created), d.maxMessages)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return ErrFull
		}
		id, err := res.LastInsertId()
		select { // run may run again
		case <-answer:
		default:
		}
		answer <- id
		return err
	}})
	if err != nil {
		return 0, err
	}
	return <-answer, nil
}

// KeptMessages returns a user's spooled messages in one direction, oldest first. If some
// payloads cannot be decrypted, it returns the other messages together with a Damaged.
func (d *DB) KeptMessages(ctx context.Context, network, user string, dir Direction) ([]Message, error) {
	var messages []Message
	damaged := &Damaged{d: d}
	o := d.opener()
	err := d.read(ctx, "kept messages", func(c *conn) error {
		return c.each(ctx, `SELECT id, peer, stanza_id, sealed_payload, created FROM messages
			WHERE network = ? AND user = ? AND direction = ? ORDER BY id`,
			[]any{network, user, int64(dir)}, func(scan func(...any) error) error {
				m := Message{Network: network, User: user, Direction: dir}
				var sealed []byte
				var created int64
				if err := scan(&m.ID, &m.Peer, &m.StanzaID, &sealed, &created); err != nil {
					return err
				}
				m.Created = fromMicro(created)
				var err error
				if m.Payload, err = o.open(sealed, m.place()); err != nil {
					damaged.Messages = append(damaged.Messages, m)
					damaged.errs = append(damaged.errs, fmt.Errorf("message %d: %w", m.ID, err))
					return nil
				}
				messages = append(messages, m)
				return nil
			})
	})
	if err != nil {
		return nil, err
	}
	return messages, d.wrap("kept messages", damaged.orNil())
}

// KeptUsers returns the users with spooled messages in one direction.
func (d *DB) KeptUsers(ctx context.Context, network string, dir Direction) ([]string, error) {
	return d.users(ctx, "kept users", `SELECT user FROM messages
		WHERE network = ? AND direction = ? GROUP BY user ORDER BY min(id)`, network, int64(dir))
}

// ForgetMessages deletes delivered messages from the spool, and ignores unknown IDs. Not
// durable: after a power failure, a deleted message can be delivered a second time.
func (d *DB) ForgetMessages(ctx context.Context, ids ...int64) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("registry: forget messages: %w", err)
	}
	return d.write(ctx, "forget messages", op{frees: true, run: func(c *conn) error {
		_, err := c.exec("DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?))", string(list))
		return err
	}})
}
