package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Damaged is the error of a method that returns everything except values that cannot be
// decrypted. It wraps ErrCorrupt, or ErrKey if a value names a key that does not exist.
type Damaged struct {
	// Columns are those of an account: "fields", "options", "state".
	Columns []string
	// Messages are spooled messages, and Lines those of an archive, without payload.
	Messages []Message
	Lines    []Line

	account Account // of Columns
	d       *DB
	errs    []error
}

// NewDamaged returns the error about spooled messages whose decrypted payload is not valid.
func NewDamaged(d *DB, err error, messages ...Message) *Damaged {
	return &Damaged{Messages: messages, d: d, errs: []error{err}}
}

// Error implements error.
func (e *Damaged) Error() string { return errors.Join(e.errs...).Error() }

// Unwrap makes the errors of all values visible to errors.Is.
func (e *Damaged) Unwrap() []error { return e.errs }

// orNil returns e as an error, nil if nothing is damaged.
func (e *Damaged) orNil() error {
	if len(e.errs) == 0 {
		return nil
	}
	return e
}

// asideBy is added to the direction of a message that is set aside. The database contains
// the sums: never change it.
const asideBy = 2

// asidePrefix begins the names of rows of meta with values that are set aside. Network and
// user follow.
const asidePrefix = "damaged "

// SetAside moves the values where no method reads them: they stay in the database, for an
// expert, until the account is deleted. The fields of an account are left in place: it
// cannot sign on, and a new registration replaces them. A notice, if it is not nil, is
// spooled in the same transaction, so that its user gets it exactly once. Durable.
func (e *Damaged) SetAside(ctx context.Context, notice *Message) error {
	ids := make([]int64, 0, len(e.Messages))
	for _, m := range e.Messages {
		ids = append(ids, m.ID)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("registry: set aside: %w", err)
	}
	return e.d.write(ctx, "set aside", op{durable: true, compound: true, run: func(c *conn) error {
		if _, err := c.exec("UPDATE messages SET direction = direction + ?2 WHERE direction <= ?2 AND id IN (SELECT value FROM json_each(?1))", string(list), asideBy); err != nil {
			return err
		}
		for _, column := range e.Columns {
			if err := e.setAsideColumn(c, column); err != nil {
				return err
			}
		}
		for i := range e.Lines {
			if err := setAsideLine(c, &e.Lines[i]); err != nil {
				return err
			}
		}
		if notice == nil {
			return nil
		}
		m := *notice
		_, err := c.exec("INSERT INTO messages (network, user, direction, peer, stanza_id, sealed_payload, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			m.Network, m.User, int64(m.Direction), m.Peer, m.StanzaID, e.d.ring.Load().seal(m.Payload, m.place()), toMicro(m.Created))
		return err
	}})
}

// asideName returns the name of a row of meta.
func asideName(network, user, what string) string {
	return asidePrefix + network + " " + user + " " + what
}

func (e *Damaged) setAsideColumn(c *conn, column string) error {
	var from, to string
	switch column {
	case "options":
		from, to = "SELECT ?1, sealed_options FROM accounts WHERE network = ?2 AND user = ?3 AND sealed_options IS NOT NULL",
			"UPDATE accounts SET sealed_options = NULL WHERE network = ?1 AND user = ?2"
	case "state":
		from, to = "SELECT ?1, sealed_state FROM accounts WHERE network = ?2 AND user = ?3 AND sealed_state IS NOT NULL",
			"UPDATE accounts SET sealed_state = NULL WHERE network = ?1 AND user = ?2"
	default:
		return nil
	}
	network, user := e.account.Network, e.account.User
	name := asideName(network, user, column+" "+strconv.FormatInt(toMicro(e.d.now()), 10))
	if _, err := c.exec("INSERT OR REPLACE INTO meta (name, value) "+from, name, network, user); err != nil {
		return err
	}
	_, err := c.exec(to, network, user)
	return err
}

func setAsideLine(c *conn, l *Line) error {
	const at = "stanza_id = ?4 AND room = (SELECT id FROM archive_rooms WHERE network = ?1 AND user = ?2 AND room = ?3)"
	args := []any{l.Network, l.User, l.Room, l.StanzaID}
	name := asideName(l.Network, l.User, "line "+strconv.FormatInt(toMicro(l.Created), 10)+" "+l.Room+" "+l.StanzaID)
	if _, err := c.exec("INSERT OR REPLACE INTO meta (name, value) SELECT ?5, sealed_payload FROM archive WHERE "+at, append(args, name)...); err != nil {
		return err
	}
	_, err := c.exec("DELETE FROM archive WHERE "+at, args...)
	return err
}

// forgetAside deletes what is set aside of an account, apart from messages.
func forgetAside(c *conn, network, user string) error {
	prefix := asideName(network, user, "")
	_, err := c.exec("DELETE FROM meta WHERE substr(name, 1, length(?1)) = ?1", prefix)
	return err
}
