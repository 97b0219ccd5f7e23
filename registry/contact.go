package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// PutContact inserts or replaces a contact. ErrNotFound if its account is not
// registered. Not durable: the network's list and the next presence repeat its contents.
func (d *DB) PutContact(ctx context.Context, contact Contact) error {
	row, err := encodeContact(contact)
	if err != nil {
		return fmt.Errorf("registry: put contact: %w", err)
	}
	return d.write(ctx, "put contact", op{run: row.put})
}

// PutContacts inserts or replaces contacts: all of them or, if it returns an error, none.
// They may belong to several accounts. Otherwise like PutContact.
func (d *DB) PutContacts(ctx context.Context, contacts []Contact) error {
	if len(contacts) == 0 {
		return nil
	}
	rows := make([]contactRow, len(contacts))
	for i, contact := range contacts {
		var err error
		if rows[i], err = encodeContact(contact); err != nil {
			return fmt.Errorf("registry: put contacts: %w", err)
		}
	}
	return d.write(ctx, "put contacts", op{compound: true, run: func(c *conn) error {
		for _, row := range rows {
			if err := row.put(c); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Contacts returns all contacts of an account, ordered by Peer. It returns none, and no
// error, if there is no such account.
func (d *DB) Contacts(ctx context.Context, network, user string) ([]Contact, error) {
	var contacts []Contact
	err := d.read(ctx, "contacts", func(c *conn) error {
		return c.each(ctx, `SELECT peer, name, nick, groups, subscription, listed, last_seen FROM contacts
			WHERE account = (SELECT id FROM accounts WHERE network = ? AND user = ?) ORDER BY peer`,
			[]any{network, user}, func(scan func(...any) error) error {
				contact := Contact{Network: network, User: user}
				var groups []byte
				var seen int64
				if err := scan(&contact.Peer, &contact.Name, &contact.Nick, &groups, &contact.Subscription, &contact.Listed, &seen); err != nil {
					return err
				}
				if len(groups) > 0 {
					if err := json.Unmarshal(groups, &contact.Groups); err != nil {
						return fmt.Errorf("%w: groups of %s: %w", ErrCorrupt, contact.Peer, err)
					}
				}
				contact.LastSeen = fromMicro(seen)
				contacts = append(contacts, contact)
				return nil
			})
	})
	if err != nil {
		return nil, err
	}
	return contacts, nil
}

// DeleteContact deletes a contact. ErrNotFound if there is none. Not durable.
func (d *DB) DeleteContact(ctx context.Context, network, user, peer string) error {
	return d.write(ctx, "delete contact", op{run: func(c *conn) error {
		return c.execFound(`DELETE FROM contacts
			WHERE account = (SELECT id FROM accounts WHERE network = ? AND user = ?) AND peer = ?`, network, user, peer)
	}})
}

// contactRow is a row of contacts. It shares no memory with the caller's Contact.
type contactRow struct {
	network, user, peer, name, nick, groups string
	subscription                            Subscription
	listed                                  bool
	seen                                    int64
}

func encodeContact(contact Contact) (contactRow, error) {
	row := contactRow{contact.Network, contact.User, contact.Peer, contact.Name, contact.Nick, "",
		contact.Subscription, contact.Listed, toMicro(contact.LastSeen)}
	if contact.Network == "" || contact.User == "" {
		return row, errors.New("network or user is empty")
	}
	if len(contact.Groups) > 0 {
		groups, err := json.Marshal(contact.Groups)
		if err != nil {
			return row, err
		}
		row.groups = string(groups)
	}
	return row, nil
}

func (row contactRow) put(c *conn) error {
	return c.execFound(`INSERT INTO contacts (account, peer, name, groups, subscription, listed, last_seen, nick)
		SELECT id, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM accounts WHERE network = ?1 AND user = ?2
		ON CONFLICT (account, peer) DO UPDATE SET
			name = excluded.name,
			groups = excluded.groups,
			subscription = excluded.subscription,
			listed = excluded.listed,
			last_seen = excluded.last_seen,
			nick = excluded.nick`,
		row.network, row.user, row.peer, row.name, row.groups, int64(row.subscription), row.listed, row.seen, row.nick)
}
