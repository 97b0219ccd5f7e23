package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// sealedFields are the contents of accounts.sealed_fields, as JSON.
type sealedFields struct {
	Login  string            `json:"login,omitempty"` // Rotate hashes it with another key
	Fields map[string]string `json:"fields,omitempty"`
}

// accountPlace returns the place of a sealed column of an account.
func accountPlace(column, network, user string) []byte {
	return place("accounts", column, network, user)
}

// PutAccount inserts a registration, or updates it and keeps contacts, messages and the
// time of creation. Durable.
func (d *DB) PutAccount(ctx context.Context, a Account) error {
	if a.Network == "" || a.User == "" {
		return errors.New("registry: put account: network or user is empty")
	}
	if !utf8.ValidString(a.Login) {
		return errors.New("registry: put account: login is not UTF-8")
	}
	if err := validMap(a.Fields); err != nil {
		return fmt.Errorf("registry: put account: field %w", err)
	}
	fields, err := json.Marshal(sealedFields{a.Login, a.Fields})
	if err != nil {
		return fmt.Errorf("registry: put account: %w", err)
	}
	options, err := encodeOptions(a.Options)
	if err != nil {
		return fmt.Errorf("registry: put account: %w", err)
	}
	var state []byte
	if a.State != nil {
		state = append([]byte{}, a.State...)
	}
	now := d.now()
	if a.Created.IsZero() {
		a.Created = now
	}
	return d.write(ctx, "put account", op{durable: true, run: func(c *conn) error {
		r := d.ring.Load()
		var hash []byte
		if a.Login != "" {
			hash = r.hash(r.current(), a.Network, a.Login)
		}
		_, err := c.exec(`INSERT INTO accounts (network, user, login_hash, sealed_fields, sealed_options, sealed_state, created, updated)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
			ON CONFLICT (network, user) DO UPDATE SET
				login_hash = excluded.login_hash,
				sealed_fields = excluded.sealed_fields,
				sealed_options = coalesce(excluded.sealed_options, sealed_options),
				sealed_state = coalesce(excluded.sealed_state, sealed_state),
				updated = excluded.updated`,
			a.Network, a.User, hash,
			r.seal(fields, accountPlace("fields", a.Network, a.User)),
			r.sealUnlessNil(options, accountPlace("options", a.Network, a.User)),
			r.sealUnlessNil(state, accountPlace("state", a.Network, a.User)),
			toMicro(a.Created), toMicro(now))
		return err
	}})
}

// Account returns a registration, or ErrNotFound. If some columns cannot be decrypted, it
// returns the others together with a Damaged.
func (d *DB) Account(ctx context.Context, network, user string) (Account, error) {
	a := Account{Network: network, User: user}
	o, damaged := d.opener(), &Damaged{d: d}
	err := d.read(ctx, "account", func(c *conn) error {
		var row accountRow
		err := c.row(`SELECT sealed_fields, sealed_options, sealed_state, created, updated
			FROM accounts WHERE network = ? AND user = ?`, []any{network, user},
			&row.fields, &row.options, &row.state, &row.created, &row.updated)
		if err != nil {
			return err
		}
		row.open(o, &a, damaged)
		return nil
	})
	if err != nil {
		return Account{}, err
	}
	return a, d.wrap("account", damaged.orNil())
}

// Accounts returns all registrations with a network, oldest first. If some columns cannot
// be decrypted, it returns the others together with a Damaged, whose SetAside has no effect.
func (d *DB) Accounts(ctx context.Context, network string) ([]Account, error) {
	var accounts []Account
	o, damaged := d.opener(), &Damaged{d: d}
	err := d.read(ctx, "accounts", func(c *conn) error {
		return c.each(ctx, `SELECT user, sealed_fields, sealed_options, sealed_state, created, updated
			FROM accounts WHERE network = ? ORDER BY id`, []any{network}, func(scan func(...any) error) error {
			a := Account{Network: network}
			var row accountRow
			if err := scan(&a.User, &row.fields, &row.options, &row.state, &row.created, &row.updated); err != nil {
				return err
			}
			row.open(o, &a, damaged)
			accounts = append(accounts, a)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	damaged.Columns = nil // of several accounts
	return accounts, d.wrap("accounts", damaged.orNil())
}

// accountRow is a row of accounts.
type accountRow struct {
	fields, options, state []byte
	created, updated       int64
}

// open decrypts a row into a, whose Network and User are set. It adds the columns that
// cannot be decrypted to damaged.
func (row accountRow) open(o opener, a *Account, damaged *Damaged) {
	damaged.account = *a
	a.Created, a.Updated = fromMicro(row.created), fromMicro(row.updated)
	column := func(name string, sealed []byte, use func(plain []byte) error) {
		if sealed == nil {
			return
		}
		plain, err := o.open(sealed, accountPlace(name, a.Network, a.User))
		if err == nil {
			err = use(plain)
		}
		if err != nil {
			damaged.Columns = append(damaged.Columns, name)
			damaged.errs = append(damaged.errs, fmt.Errorf("%s of account %s on %s: %w", name, a.User, a.Network, err))
		}
	}
	column("fields", row.fields, func(plain []byte) error {
		var f sealedFields
		if json.Unmarshal(plain, &f) != nil { // its error might quote them
			return fmt.Errorf("%w: they are not JSON", ErrCorrupt)
		}
		a.Login, a.Fields = f.Login, f.Fields
		return nil
	})
	column("options", row.options, func(plain []byte) error {
		if json.Unmarshal(plain, &a.Options) != nil {
			a.Options = nil
			return fmt.Errorf("%w: they are not JSON", ErrCorrupt)
		}
		return nil
	})
	column("state", row.state, func(plain []byte) error {
		a.State = plain
		return nil
	})
}

// Users returns the bare JIDs of all registered users of a network, oldest registration
// first.
func (d *DB) Users(ctx context.Context, network string) ([]string, error) {
	return d.users(ctx, "users", "SELECT user FROM accounts WHERE network = ? ORDER BY id", network)
}

func (d *DB) users(ctx context.Context, name, query string, args ...any) ([]string, error) {
	var users []string
	err := d.read(ctx, name, func(c *conn) error {
		return c.each(ctx, query, args, func(scan func(...any) error) error {
			var user string
			err := scan(&user)
			users = append(users, user)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return users, nil
}

// AccountByLogin returns the user with the given Account.Login, a normalised name. If
// there are several, it returns the earliest registration. ErrNotFound if there is none.
func (d *DB) AccountByLogin(ctx context.Context, network, login string) (user string, err error) {
	if login == "" {
		return "", d.wrap("account by login", ErrNotFound)
	}
	for {
		r := d.ring.Load()
		user, err = d.accountByLogin(ctx, r, network, login)
		// Try again if Rotate has hashed the row with a new key in the meantime.
		if !errors.Is(err, ErrNotFound) || r == d.ring.Load() {
			return user, err
		}
	}
}

func (d *DB) accountByLogin(ctx context.Context, r *ring, network, login string) (user string, err error) {
	err = d.read(ctx, "account by login", func(c *conn) error {
		var first int64
		// There is one key, except during a rotation. Rotate moves rows from old
		// keys to the newest one, so query that last.
		for _, k := range slices.Backward(r.keys) {
			var id int64
			var name string
			err := c.row("SELECT id, user FROM accounts WHERE network = ? AND login_hash = ? ORDER BY id LIMIT 1",
				[]any{network, r.hash(k.version, network, login)}, &id, &name)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err == nil && (first == 0 || id < first) {
				first, user = id, name
			}
		}
		if first == 0 {
			return ErrNotFound
		}
		return nil
	})
	return user, err
}

// SaveState replaces the adapter's state of an account; nil or empty clears it.
// ErrNotFound if there is no such account. Not durable.
func (d *DB) SaveState(ctx context.Context, network, user string, state []byte) error {
	state = append([]byte{}, state...)
	return d.write(ctx, "save state", op{run: func(c *conn) error {
		sealed := d.ring.Load().seal(state, accountPlace("state", network, user))
		return c.execFound("UPDATE accounts SET sealed_state = ?3 WHERE network = ?1 AND user = ?2", network, user, sealed)
	}})
}

// SetOptions replaces the user's settings. ErrNotFound if there is no such
// account. Durable.
func (d *DB) SetOptions(ctx context.Context, network, user string, options map[string]string) error {
	if options == nil {
		options = map[string]string{}
	}
	plain, err := encodeOptions(options)
	if err != nil {
		return fmt.Errorf("registry: set options: %w", err)
	}
	now := d.now()
	return d.write(ctx, "set options", op{durable: true, run: func(c *conn) error {
		sealed := d.ring.Load().seal(plain, accountPlace("options", network, user))
		return c.execFound("UPDATE accounts SET sealed_options = ?3, updated = ?4 WHERE network = ?1 AND user = ?2",
			network, user, sealed, toMicro(now))
	}})
}

// DeleteAccount deletes a registration with its contacts, messages and archives.
// ErrNotFound if there is none. Durable.
func (d *DB) DeleteAccount(ctx context.Context, network, user string) error {
	return d.write(ctx, "delete account", op{durable: true, compound: true, frees: true, run: func(c *conn) error {
		if _, err := c.exec("DELETE FROM archive_rooms WHERE network = ? AND user = ?", network, user); err != nil {
			return err
		}
		if err := forgetAside(c, network, user); err != nil {
			return err
		}
		if _, err := c.exec("DELETE FROM messages WHERE network = ? AND user = ?", network, user); err != nil {
			return err
		}
		return c.execFound("DELETE FROM accounts WHERE network = ? AND user = ?", network, user)
	}})
}

// encodeOptions returns nil for nil, and JSON otherwise.
func encodeOptions(options map[string]string) ([]byte, error) {
	if options == nil {
		return nil, nil
	}
	if err := validMap(options); err != nil {
		return nil, fmt.Errorf("option %w", err)
	}
	return json.Marshal(options)
}

// validMap rejects strings that are not UTF-8, which JSON would change silently.
func validMap(m map[string]string) error {
	for name, value := range m {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return fmt.Errorf("%q is not UTF-8", name)
		}
	}
	return nil
}

func toMicro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
