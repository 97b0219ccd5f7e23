package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"transport/component"
	"transport/component/address"
	"transport/registry"
)

func importCommand() *command {
	return &command{
		name:    "import-biboumi",
		summary: "take over the users of a biboumi",
		about: `
Reads the SQLite database of a biboumi: settings of users, servers and channels,
subscriptions, and what was said in channels, as far back as history_days reaches.
Stop both gateways first. The network must have driver = "irc", and the domain that
biboumi had, so that addresses stay good.

Who is registered already stays as they are, and so does a channel whose history
there is: it can be run again. What could not be taken is told. biboumi's database
is not changed.`,
		prepare: func(fs *flag.FlagSet) action {
			file := configFlag(fs)
			domain := fs.String("network", "", "`DOMAIN` of the network in the configuration")
			from := fs.String("from", "", "`FILE` with biboumi's database")
			return func(ctx context.Context, std stdio) int { return importBiboumi(ctx, *file, *domain, *from, std) }
		},
	}
}

func importBiboumi(ctx context.Context, file, domain, from string, std stdio) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fail := func(format string, args ...any) int {
		fmt.Fprintf(std.err, "transport import-biboumi: "+format+"\n", args...)
		return exitFailure
	}
	if domain == "" || from == "" {
		fail("--network and --from are needed")
		return exitUsage
	}
	cfg, err := loadConfig(file)
	if err != nil {
		return fail("%s", describe(err))
	}
	at := slices.IndexFunc(cfg.networks, func(n network) bool { return n.domain == strings.ToLower(domain) && n.driver == "irc" })
	if at < 0 {
		return fail("%s has no network %s with driver \"irc\"", show(file), show(domain))
	}
	if _, err := os.Stat(from); err != nil {
		return fail("%v", err)
	}
	full, err := filepath.Abs(from)
	if err != nil {
		return fail("%v", err)
	}
	source := url.URL{Scheme: "file", Path: full, RawQuery: "mode=ro"}
	old, err := sql.Open("sqlite3", source.String())
	if err != nil {
		return fail("%v", err)
	}
	defer old.Close()
	db, err := cfg.openRegistry(ctx)
	if err != nil {
		return fail("%v\nremedy: %s", err, registryRemedy(err))
	}
	m := &migration{old: old, db: db, network: &cfg.networks[at], users: make(map[string]*component.Imported), out: std}
	err = m.run(ctx)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fail("%v\nremedy: run it again; what has been taken stays", err)
	}
	fmt.Fprintf(std.out, "taken: %d users, %d lines of history; registered already: %d users; not taken: %d\n", m.taken, m.lines, m.there, m.left)
	return exitOK
}

// migration moves what a biboumi has kept into a registry.
type migration struct {
	old     *sql.DB
	db      *registry.DB
	network *network
	users   map[string]*component.Imported
	out     stdio

	taken, there, left, lines int
}

func (m *migration) run(ctx context.Context) error {
	for _, read := range []func(context.Context) error{m.globals, m.servers, m.channels, m.roster} {
		if err := read(ctx); err != nil {
			return fmt.Errorf("cannot read biboumi's database: %w", err)
		}
	}
	if err := m.register(ctx); err != nil {
		return err
	}
	return m.history(ctx)
}

// leave tells of something that is not taken.
func (m *migration) leave(whose, what string) {
	m.left++
	fmt.Fprintf(m.out.out, "not taken: %s: %s\n", whose, what)
}

// rows calls f for each row, whose columns are texts, "" for NULL.
func (m *migration) rows(ctx context.Context, columns int, query string, f func(row []string), args ...any) error {
	rows, err := m.old.QueryContext(ctx, query, args...)
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
		m.leave(show(owner), "That is nobody's address.")
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
	if p, err := m.network.legacy.ParsePeer(server); err == nil && p.Service {
		return server, true
	}
	own, fixed := m.network.legacy.(interface{ Serves(host string) bool })
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
		case strings.ToLower(domain) != m.network.domain:
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
		_, err := m.db.Account(ctx, m.network.domain, bare)
		switch {
		case err == nil:
			m.there++
			continue
		case !errors.Is(err, registry.ErrNotFound):
			return err
		}
		account, contacts, left := u.Account(m.network.legacy, m.network.domain)
		for _, text := range left {
			m.leave(bare, text)
		}
		if err := m.db.PutAccount(ctx, account); err != nil {
			return err
		}
		if err := m.db.PutContacts(ctx, contacts); err != nil {
			return err
		}
		m.taken++
	}
	return nil
}

// maxBatch is how many lines of history are stored at once.
const maxBatch = 500

// history takes what was said in channels, of which nothing is there yet.
func (m *migration) history(ctx context.Context) error {
	if m.network.history.Keep == 0 {
		return nil
	}
	type place struct{ user, channel, server string }
	var places []place
	since := time.Now().Add(-m.network.history.Keep).Unix()
	err := m.rows(ctx, 3, `SELECT DISTINCT owner_, ircchanname_, ircservername_ FROM muclogline_ WHERE date_ >= ?`, func(row []string) {
		places = append(places, place{row[0], row[1], row[2]})
	}, since)
	if err != nil {
		return fmt.Errorf("cannot read biboumi's database: %w", err)
	}
	for _, p := range places {
		jid, err := address.Parse(p.user)
		name, ok := m.channel(p.channel, p.server)
		room, wrong := m.network.legacy.ParsePeer(name)
		if err != nil || !ok || wrong != nil || !room.Room {
			m.leave(p.user, "what was said in "+p.channel+" at "+p.server)
			continue
		}
		bare := jid.Bare().String()
		page, err := m.db.Lines(ctx, registry.LineQuery{Network: m.network.domain, User: bare, Room: room.ID, Limit: 1})
		if err != nil {
			return err
		}
		if page.Count > 0 {
			continue
		}
		if err := m.lore(ctx, p.user, p.channel, p.server, since, registry.Line{Network: m.network.domain, User: bare, Room: room.ID}); err != nil {
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
		m.lines += len(batch)
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
