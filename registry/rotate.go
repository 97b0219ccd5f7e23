package registry

import (
	"context"
	"encoding/json"
	"fmt"
)

// rotateBatch is the number of rows that Rotate seals in one transaction. Other calls run
// between these transactions.
const rotateBatch = 100

// Rotate makes a new key, seals all values with it, and removes the old keys from the key
// file. Other calls may run at the same time. After an error or a crash at any point,
// Rotate can be repeated: the old keys stay in the key file until all values are sealed
// with the new one, and a repetition makes another new key. Afterwards, copies of the old
// key file decrypt only old backups.
func (d *DB) Rotate(ctx context.Context) error {
	if err := d.lockRotation(ctx); err != nil {
		return d.wrap("rotate", err)
	}
	defer d.unlockRotation()
	return d.wrap("rotate", d.rotate(ctx))
}

func (d *DB) rotate(ctx context.Context) error {
	old := d.ring.Load()
	k, err := newKey(old.keys)
	if err != nil {
		return err
	}
	r, err := newRing(append([]key{k}, old.keys...))
	if err != nil {
		return err
	}
	last, err := newRing([]key{k})
	if err != nil {
		return err
	}
	// Write the key to the disk before sealing any value with it.
	if err := writeKeys(d.keyFile, r.keys); err != nil {
		return err
	}
	if err := d.crash("key added"); err != nil {
		return err
	}
	// Operations seal values on the writer's goroutine: those that run from now on
	// use the new key, and the loop below finds the rows of earlier ones.
	d.ring.Store(r)
	for _, reseal := range []func(*conn, *ring, int64) (int64, error){resealAccounts, resealMessages, resealLines} {
		for after := int64(0); after >= 0; {
			next := make(chan int64, 1)
			err := d.write(ctx, "rotate", op{compound: true, run: func(c *conn) error {
				id, err := reseal(c, r, after)
				select {
				case <-next:
				default:
				}
				next <- id
				return err
			}})
			if err != nil {
				return err
			}
			after = <-next
			if err := d.crash("batch sealed"); err != nil {
				return err
			}
		}
	}
	if d.journal != nil {
		if err := d.journal.reseal(); err != nil {
			return err
		}
	}
	// This operation is durable, which makes all earlier ones durable, too.
	err = d.write(ctx, "rotate", op{durable: true, compound: true, run: func(c *conn) error {
		if err := writeSentinel(c, r); err != nil {
			return err
		}
		return checkSealed(c, r.current())
	}})
	if err != nil {
		return err
	}
	if err := d.crash("all sealed"); err != nil {
		return err
	}
	if err := writeKeys(d.keyFile, last.keys); err != nil {
		return err
	}
	d.ring.Store(last)
	return d.crash("old keys dropped")
}

// checkSealed returns an error if a value is not sealed with the key of version v. Values
// that are set aside do not count: no key decrypts them.
func checkSealed(c *conn, v byte) error {
	var n int
	err := c.row(`SELECT
		(SELECT count(*) FROM accounts WHERE substr(sealed_fields, 1, 1) <> ?1
			OR substr(sealed_options, 1, 1) <> ?1 OR substr(sealed_state, 1, 1) <> ?1) +
		(SELECT count(*) FROM messages WHERE direction <= ?2 AND substr(sealed_payload, 1, 1) <> ?1) +
		(SELECT count(*) FROM archive WHERE substr(sealed_payload, 1, 1) <> ?1) +
		(SELECT count(*) FROM meta WHERE name = ?3 AND substr(value, 1, 1) <> ?1)`, []any{[]byte{v}, asideBy, sentinelName}, &n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d rows are still sealed with an old key", n)
	}
	return err
}

// resealAccounts seals a batch of accounts, those with an ID above after, with the newest
// key. It returns the last ID of the batch, or -1 if there are no more.
func resealAccounts(c *conn, r *ring, after int64) (int64, error) {
	type account struct {
		id                     int64
		network, user          string
		fields, options, state []byte
	}
	var batch []account
	err := c.each(context.Background(), `SELECT id, network, user, sealed_fields, sealed_options, sealed_state
		FROM accounts WHERE id > ? ORDER BY id LIMIT ?`, []any{after, rotateBatch}, func(scan func(...any) error) error {
		var a account
		err := scan(&a.id, &a.network, &a.user, &a.fields, &a.options, &a.state)
		batch = append(batch, a)
		return err
	})
	if err != nil || len(batch) == 0 {
		return -1, err
	}
	for _, a := range batch {
		plain, err := r.open(a.fields, accountPlace("fields", a.network, a.user))
		if err != nil {
			return 0, fmt.Errorf("account %s on %s: %w", a.user, a.network, err)
		}
		var f sealedFields
		if err := json.Unmarshal(plain, &f); err != nil {
			return 0, fmt.Errorf("account %s on %s: %w: fields are not JSON", a.user, a.network, ErrCorrupt)
		}
		var hash []byte
		if f.Login != "" {
			hash = r.hash(r.current(), a.network, f.Login)
		}
		for _, column := range []struct {
			name  string
			value *[]byte
		}{{"fields", &a.fields}, {"options", &a.options}, {"state", &a.state}} {
			if *column.value, err = r.reseal(*column.value, accountPlace(column.name, a.network, a.user)); err != nil {
				return 0, fmt.Errorf("account %s on %s: %w", a.user, a.network, err)
			}
		}
		_, err = c.exec("UPDATE accounts SET login_hash = ?2, sealed_fields = ?3, sealed_options = ?4, sealed_state = ?5 WHERE id = ?1",
			a.id, hash, a.fields, a.options, a.state)
		if err != nil {
			return 0, err
		}
	}
	return batch[len(batch)-1].id, nil
}

// resealMessages is resealAccounts for messages.
func resealMessages(c *conn, r *ring, after int64) (int64, error) {
	type message struct {
		Message
		sealed []byte
	}
	var batch []message
	err := c.each(context.Background(), `SELECT id, network, user, direction, peer, stanza_id, created, sealed_payload
		FROM messages WHERE id > ? AND direction <= ? ORDER BY id LIMIT ?`, []any{after, asideBy, rotateBatch}, func(scan func(...any) error) error {
		var m message
		var created int64
		err := scan(&m.ID, &m.Network, &m.User, &m.Direction, &m.Peer, &m.StanzaID, &created, &m.sealed)
		m.Created = fromMicro(created)
		batch = append(batch, m)
		return err
	})
	if err != nil || len(batch) == 0 {
		return -1, err
	}
	for _, m := range batch {
		sealed, err := r.reseal(m.sealed, m.place())
		if err != nil {
			return 0, fmt.Errorf("message %d of %s on %s: %w", m.ID, m.User, m.Network, err)
		}
		if _, err := c.exec("UPDATE messages SET sealed_payload = ?2 WHERE id = ?1", m.ID, sealed); err != nil {
			return 0, err
		}
	}
	return batch[len(batch)-1].ID, nil
}
