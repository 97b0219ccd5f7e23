// Package biboumi implements "transport import-biboumi": it reads the SQLite database of a
// biboumi gateway and writes registrations, subscriptions and archives into the registry.
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

// Database is biboumi's database, open for reading. Only one goroutine may use it.
type Database struct{ db *sql.DB }

// Open opens biboumi's database read-only.
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

// Counts are the results of an import.
type Counts struct {
	Users      int // new registrations
	Lines      int // archived messages
	Registered int // users who were already registered; they are not changed
	Skipped    int // items that could not be imported
}

// Import imports the database into the registry, for one network with the IRC driver. It
// prints the items that it skips to out. It can run again, also after an error: it skips
// what is already imported.
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

// skip reports an item of a user that cannot be imported.
func (m *migration) skip(user, item string) {
	m.counts.Skipped++
	fmt.Fprintf(m.out, "not imported: %s: %s\n", user, item)
}

// rows calls f for each row of a query. Columns are strings, "" for NULL.
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

// user returns the user with a JID, or nil if the JID is invalid.
func (m *migration) user(owner string) *component.Imported {
	jid, err := address.Parse(owner)
	if err != nil || jid.Local == "" {
		m.skip(config.Quote(owner), "not a valid user JID")
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

// service returns the ID of an IRC server on the network, "" for its fixed server. ok is
// false if the network has another fixed server.
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
			m.skip(u.User, "settings of "+row[2]+": not the server of this network")
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
		if name != "" && (row[4] != "" || row[5] != "") && (row[4] != "6697;6670" || row[5] != "6667") { // skip biboumi's defaults
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

// channel returns the ID of a channel on the network.
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
			m.skip(u.User, "settings of "+row[2]+" at "+row[1]+": not the server of this network")
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
			m.skip(u.User, "the subscription of "+row[0]+": not the domain of this network")
		case local != "" && (!ok || name == ""):
			m.skip(u.User, "the subscription of "+row[0])
		case local == "":
			u.Contacts = append(u.Contacts, "")
		default:
			u.Contacts = append(u.Contacts, name)
		}
	})
}

// register registers the users who are not registered yet.
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
			m.skip(bare, text)
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

// maxBatch is the number of archived messages in one commit.
const maxBatch = 500 // limit: archived messages of an import in one commit | the next commit has the rest

// history imports the archives of channels that have no archive yet.
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
			m.skip(p.user, "the archive of "+p.channel+" at "+p.server)
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
		if err := m.channelHistory(ctx, p.user, p.channel, p.server, since, registry.Line{Network: m.network.Domain, User: bare, Room: room.ID}); err != nil {
			return err
		}
	}
	return nil
}

// channelHistory imports the archive of one channel. like has the fields that its lines
// share.
func (m *migration) channelHistory(ctx context.Context, owner, channel, server string, since int64, like registry.Line) error {
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
