// Package biboumi takes over the users of a biboumi, for "transport import-biboumi": it
// reads biboumi's SQLite database and writes registrations, subscriptions and room
// history into ours.
package biboumi

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"transport/cmd/transport/internal/config"
	"transport/component"
	"transport/component/address"
	"transport/registry"
)

// Database is the database of a biboumi, open for reading. It belongs to one goroutine.
type Database struct{ db *sql.DB }

// Open opens a biboumi's database, which stays as it is.
func Open(file string) (*Database, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	full, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Path: full, RawQuery: "mode=ro"}
	db, err := sql.Open("sqlite3", source.String())
	if err != nil {
		return nil, err
	}
	return &Database{db}, nil
}

// Close closes the database.
func (old *Database) Close() error { return old.db.Close() }

// Counts are what an import has done.
type Counts struct {
	Users      int // registrations made
	Lines      int // of room history
	Registered int // users that were registered already, and are left as they are
	Left       int // things that could not be taken
}

// Import writes what the database holds into the registry, for one network with the
// IRC driver, and prints to out what it leaves. After an error it can be run again:
// what has been taken is not taken twice.
func (old *Database) Import(ctx context.Context, db *registry.DB, network *config.Network, out io.Writer) (Counts, error) {
	m := &migration{old: old, db: db, network: network, users: make(map[string]*component.Imported), out: out}
	for _, read := range []func(context.Context) error{m.globals, m.servers, m.channels, m.roster} {
		if err := read(ctx); err != nil {
			return m.counts, fmt.Errorf("cannot read biboumi's database: %w", err)
		}
	}
	if err := m.register(ctx); err != nil {
		return m.counts, err
	}
	return m.counts, m.history(ctx)
}

// migration is one import.
type migration struct {
	old     *Database
	db      *registry.DB
	network *config.Network
	users   map[string]*component.Imported // by bare JID
	out     io.Writer
	counts  Counts
}

// leave tells of something that is not taken.
func (m *migration) leave(whose, what string) {
	m.counts.Left++
	fmt.Fprintf(m.out, "not imported: %s: %s\n", whose, what)
}

// rows calls f for each row, whose columns are texts, "" for NULL.
func (m *migration) rows(ctx context.Context, columns int, query string, f func(row []string), args ...any) error {
	rows, err := m.old.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values, into := make([]sql.NullString, columns), make([]any, columns)
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := make([]string, columns)
		for i, v := range values {
			row[i] = strings.ToValidUTF8(v.String, "\uFFFD")
		}
		f(row)
	}
	return rows.Err()
}

// user is the one with a JID, nil if that is none.
func (m *migration) user(owner string) *component.Imported {
	jid, err := address.Parse(owner)
	if err != nil || jid.Local == "" {
		m.leave(config.Quote(owner), "That is nobody's address.")
		return nil
	}
	bare := jid.Bare().String()
	if m.users[bare] == nil {
		m.users[bare] = &component.Imported{User: bare, Settings: make(map[string]map[string]string)}
	}
	return m.users[bare]
}

func (m *migration) globals(ctx context.Context) error {
	return m.rows(ctx, 4, `SELECT owner_, maxhistorylength_, recordhistory_, persistent_ FROM globaloptions_ ORDER BY id_`, func(row []string) {
		u := m.user(row[0])
		if u == nil {
			return
		}
		if n, err := strconv.Atoi(row[1]); err == nil {
			n = min(n, 100)
			u.History = &n
		}
		u.Unrecorded, u.Stays = row[2] == "0", row[3] == "1"
	})
}

// service is the name of a server on our network; ok is false where that has another
// one only.
func (m *migration) service(server string) (name string, ok bool) {
	server = strings.ToLower(server)
	if p, err := m.network.Legacy.ParsePeer(server); err == nil && p.Service {
		return server, true
	}
	own, fixed := m.network.Legacy.(interface{ Serves(host string) bool })
	return "", fixed && own.Serves(server)
}

func (m *migration) servers(ctx context.Context) error {
	after := make(map[string][]string)
	err := m.rows(ctx, 2, `SELECT fk_, afterconnectioncommand_ FROM after_connection_commands_ ORDER BY id_`, func(row []string) {
		after[row[0]] = append(after[row[0]], row[1])
	})
	if err != nil {
		return err
	}
	return m.rows(ctx, 16, `SELECT id_, owner_, server_, pass_, tlsports_, ports_, username_, realname_, verifycert_, trustedfingerprint_,
		encodingout_, encodingin_, address_, nick_, saslpassword_, throttlelimit_ FROM ircserveroptions_ ORDER BY id_`, func(row []string) {
		u := m.user(row[1])
		if u == nil {
			return
		}
		name, ok := m.service(row[2])
		if !ok {
			m.leave(u.User, "settings of "+row[2]+", which is not the server of this network")
			return
		}
		set := make(map[string]string)
		for key, value := range map[string]string{"pass": row[3], "username": row[6], "realname": row[7], "fingerprint": row[9],
			"encoding_out": row[10], "encoding_in": row[11], "address": row[12], "nick": row[13], "sasl_password": row[14],
			"after_connect_commands": strings.Join(after[row[0]], "\n")} {
			if value != "" {
				set[key] = value
			}
		}
		if name != "" && (row[4] != "" || row[5] != "") && (row[4] != "6697;6670" || row[5] != "6667") { // else as usual
			set["tls_ports"], set["ports"] = strings.ReplaceAll(row[4], ";", "\n"), strings.ReplaceAll(row[5], ";", "\n")
		}
		if row[8] == "0" {
			set["verify_cert"] = "false"
		}
		if row[15] != "10" && row[15] != "0" && row[15] != "" {
			set["throttle_limit"] = row[15]
		}
		u.Settings[name] = set
	})
}

// channel is the name of a channel on our network.
func (m *migration) channel(channel, server string) (string, bool) {
	name, ok := m.service(server)
	if name != "" {
		channel += "%" + name
	}
	return channel, ok
}

func (m *migration) channels(ctx context.Context) error {
	return m.rows(ctx, 8, `SELECT owner_, server_, channel_, encodingout_, encodingin_, maxhistorylength_, persistent_, recordhistory_
		FROM ircchanneloptions_ WHERE channel_ <> '' ORDER BY id_`, func(row []string) {
		u := m.user(row[0])
		if u == nil {
			return
		}
		name, ok := m.channel(row[2], row[1])
		if !ok {
			m.leave(u.User, "settings of "+row[2]+" at "+row[1]+", which is not the server of this network")
			return
		}
		set := make(map[string]string)
		for key, value := range map[string]string{"encoding_out": row[3], "encoding_in": row[4]} {
			if value != "" {
				set[key] = value
			}
		}
		if n, err := strconv.Atoi(row[5]); err == nil && n != 0 {
			set["max_history_length"] = strconv.Itoa(min(n, 100))
		}
		if row[6] == "1" {
			set["persistent"] = "true"
		}
		switch row[7] {
		case "1":
			set["record_history"] = "true"
		case "-1":
			set["record_history"] = "false"
		}
		u.Settings[name] = set
	})
}

func (m *migration) roster(ctx context.Context) error {
	return m.rows(ctx, 2, `SELECT local, remote FROM roster`, func(row []string) {
		u := m.user(row[1])
		if u == nil {
			return
		}
		local, domain, _ := address.Split(row[0])
		name, ok := m.service(address.UnescapeLocal(local))
		switch {
		case strings.ToLower(domain) != m.network.Domain:
			m.leave(u.User, "the subscription of "+row[0]+", which has another domain")
		case local != "" && (!ok || name == ""):
			m.leave(u.User, "the subscription of "+row[0])
		case local == "":
			u.Contacts = append(u.Contacts, "")
		default:
			u.Contacts = append(u.Contacts, name)
		}
	})
}

// register makes registrations of the users that are not there yet.
func (m *migration) register(ctx context.Context) error {
	for _, bare := range slices.Sorted(maps.Keys(m.users)) {
		u := m.users[bare]
		_, err := m.db.Account(ctx, m.network.Domain, bare)
		switch {
		case err == nil:
			m.counts.Registered++
			continue
		case !errors.Is(err, registry.ErrNotFound):
			return err
		}
		account, contacts, left := u.Account(m.network.Legacy, m.network.Domain)
		for _, text := range left {
			m.leave(bare, text)
		}
		if err := m.db.PutAccount(ctx, account); err != nil {
			return err
		}
		if err := m.db.PutContacts(ctx, contacts); err != nil {
			return err
		}
		m.counts.Users++
	}
	return nil
}

// maxBatch is how many lines of history are stored at once.
const maxBatch = 500

// history takes what was said in channels, of which nothing is there yet.
func (m *migration) history(ctx context.Context) error {
	if m.network.History.Keep == 0 {
		return nil
	}
	type place struct{ user, channel, server string }
	var places []place
	since := time.Now().Add(-m.network.History.Keep).Unix()
	err := m.rows(ctx, 3, `SELECT DISTINCT owner_, ircchanname_, ircservername_ FROM muclogline_ WHERE date_ >= ?`, func(row []string) {
		places = append(places, place{row[0], row[1], row[2]})
	}, since)
	if err != nil {
		return fmt.Errorf("cannot read biboumi's database: %w", err)
	}
	for _, p := range places {
		jid, err := address.Parse(p.user)
		name, ok := m.channel(p.channel, p.server)
		room, wrong := m.network.Legacy.ParsePeer(name)
		if err != nil || !ok || wrong != nil || !room.Room {
			m.leave(p.user, "what was said in "+p.channel+" at "+p.server)
			continue
		}
		bare := jid.Bare().String()
		page, err := m.db.Lines(ctx, registry.LineQuery{Network: m.network.Domain, User: bare, Room: room.ID, Limit: 1})
		if err != nil {
			return err
		}
		if page.Count > 0 {
			continue
		}
		if err := m.lore(ctx, p.user, p.channel, p.server, since, registry.Line{Network: m.network.Domain, User: bare, Room: room.ID}); err != nil {
			return err
		}
	}
	return nil
}

// lore takes what was said in one channel, as like.
func (m *migration) lore(ctx context.Context, owner, channel, server string, since int64, like registry.Line) error {
	var batch []registry.Line
	var failed error
	store := func() {
		if len(batch) == 0 || failed != nil {
			return
		}
		failed = m.db.AppendLines(ctx, batch)
		m.counts.Lines += len(batch)
		batch = nil
	}
	err := m.rows(ctx, 4, `SELECT uuid_, date_, nick_, body_ FROM muclogline_
		WHERE owner_ = ? AND ircchanname_ = ? AND ircservername_ = ? AND date_ >= ? ORDER BY date_, id_`, func(row []string) {
		seconds, _ := strconv.ParseInt(row[1], 10, 64)
		line := like
		line.StanzaID, line.Created = row[0], time.Unix(seconds, 0)
		var err error
		if line.Payload, err = component.ImportedLine(row[2], row[3]); err != nil || row[0] == "" {
			return
		}
		if batch = append(batch, line); len(batch) == maxBatch {
			store()
		}
	}, owner, channel, server, since)
	if err != nil {
		return fmt.Errorf("cannot read biboumi's database: %w", err)
	}
	store()
	return failed
}
