package main

import (
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transport/registry"
)

// oldBiboumi creates a database of biboumi 9.
func oldBiboumi(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "old.sqlite")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().Unix()
	for _, query := range []string{
		`CREATE TABLE muclogline_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, uuid_ TEXT, owner_ TEXT, ircchanname_ TEXT, ircservername_ TEXT, date_ INTEGER, body_ TEXT, nick_ TEXT)`,
		`CREATE TABLE globaloptions_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, owner_ TEXT, maxhistorylength_ INTEGER, recordhistory_ INTEGER, persistent_ INTEGER)`,
		`CREATE TABLE ircserveroptions_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, owner_ TEXT, server_ TEXT, pass_ TEXT, tlsports_ TEXT, ports_ TEXT, username_ TEXT, realname_ TEXT,
			verifycert_ INTEGER, trustedfingerprint_ TEXT, encodingout_ TEXT, encodingin_ TEXT, maxhistorylength_ INTEGER, address_ TEXT, nick_ TEXT, saslpassword_ TEXT, throttlelimit_ INTEGER)`,
		`CREATE TABLE ircchanneloptions_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, owner_ TEXT, server_ TEXT, channel_ TEXT, encodingout_ TEXT, encodingin_ TEXT, maxhistorylength_ INTEGER, persistent_ INTEGER, recordhistory_ INTEGER)`,
		`CREATE TABLE roster (local TEXT, remote TEXT)`,
		`CREATE TABLE after_connection_commands_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, fk_ INTEGER, afterconnectioncommand_ TEXT)`,
		`INSERT INTO globaloptions_ VALUES (1, 'ann@localhost', 42, 0, 1)`,
		`INSERT INTO ircserveroptions_ VALUES (7, 'ann@localhost', 'irc.example.net', 'pw', '7000;7001', '', 'annie', 'Ann', 0, '12:12', 'koi8-r', NULL, 0, '', 'ann_', 's3cret', 42)`,
		`INSERT INTO ircserveroptions_ VALUES (8, 'ben@localhost', 'irc.example.net', '', '6697;6670', '6667', '', '', 1, '', '', '', 20, '', '', '', 10)`,
		`INSERT INTO after_connection_commands_ VALUES (1, 7, 'MODE ann_ +x'), (2, 7, 'OPER a b')`,
		`INSERT INTO ircchanneloptions_ VALUES (1, 'ann@localhost', 'irc.example.net', '#chat', 'UTF-8', 'latin1', 10, 1, -1)`,
		`INSERT INTO roster VALUES ('gw.localhost', 'ben@localhost'), ('irc.example.net@gw.localhost', 'ben@localhost'), ('irc.example.net@elsewhere.localhost', 'ben@localhost'), ('gw.localhost', 'no body')`,
		fmt.Sprintf(`INSERT INTO muclogline_ VALUES (1, 'u1', 'ann@localhost', '#chat', 'irc.example.net', %d, 'too old', 'bob'), (2, 'u2', 'ann@localhost', '#chat', 'irc.example.net', %d, 'first', 'bob'),
			(3, 'u3', 'ann@localhost', '#chat', 'irc.example.net', %d, 'second', 'ann_'), (4, 'u4', 'ann@localhost', '#chat', 'irc.else.net', %d, 'there', 'x')`, now-30*86400, now-60, now-30, now),
	} {
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// ircConfig writes a configuration with an IRC network.
func ircConfig(t *testing.T, options string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "t.toml")
	text := "[[network]]\ndriver = \"irc\"\ndomain = \"gw.localhost\"\nsecret = \"" + testSecret + "\"\n[network.options]\n" + options
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestImportBiboumi imports settings, subscriptions and history once, and checks that a
// second import changes nothing.
func TestImportBiboumi(t *testing.T) {
	for name, tt := range map[string]struct{ options, service, room string }{
		"named": {"", "irc.example.net", "#chat%irc.example.net"},
		"fixed": {"server = \"irc.example.net:6697\"\n", "", "#chat"},
	} {
		t.Run(name, func(t *testing.T) {
			file := ircConfig(t, tt.options)
			dir := filepath.Dir(file)
			oldBiboumi(t, dir)
			t.Chdir(dir)
			database, key := filepath.Join(dir, "transport.db"), filepath.Join(dir, "transport.key")
			run := func() string {
				t.Helper()
				code, out, errs := runCLI(t, "import-biboumi", "--config", file, "--network", "gw.localhost", "--from", "old.sqlite")
				if code != exitOK || errs != "" {
					t.Fatalf("code %d, stderr %q", code, errs)
				}
				return out
			}
			out := run()
			requireMatches(t, out, `not imported: "no body": `, `not imported: ann@localhost: fingerprint of `, `not imported: ben@localhost: the subscription of irc.example.net@elsewhere.localhost`,
				`\nimported: 2 users, (2|3) archived messages; already registered: 0 users; not imported: \d\n$`)
			if strings.Contains(out, "s3cret") || strings.Contains(out, "pw") {
				t.Errorf("it prints passwords: %s", out)
			}
			db := openDatabase(t, database, key)
			ann, err := db.Account(t.Context(), "gw.localhost", "ann@localhost")
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"no-history": "1", "stay-in-rooms": "1", "max-history": "42"}
			set := func(id, key, value string) { want["set "+id+" "+key] = value }
			for key, value := range map[string]string{"pass": "pw", "username": "annie", "realname": "Ann", "verify_cert": "false", "encoding_out": "koi8-r",
				"nick": "ann_", "sasl_password": "s3cret", "throttle_limit": "42", "after_connect_commands": "MODE ann_ +x\nOPER a b"} {
				set(tt.service, key, value)
			}
			if tt.service != "" {
				set(tt.service, "tls_ports", "7000\n7001")
				set(tt.service, "ports", "")
			}
			for key, value := range map[string]string{"encoding_out": "UTF-8", "encoding_in": "latin1", "max_history_length": "10", "persistent": "true", "record_history": "false"} {
				set(tt.room, key, value)
			}
			if !maps.Equal(ann.Options, want) || ann.Fields["username"] != "ann_" {
				t.Errorf("ann has %q %q,\nwant %q", ann.Fields, ann.Options, want)
			}
			ben, err := db.Account(t.Context(), "gw.localhost", "ben@localhost")
			if err != nil || len(ben.Options) > 0 || ben.Fields["username"] != "ben" {
				t.Errorf("ben has %q %q: %v", ben.Fields, ben.Options, err)
			}
			contacts, err := db.Contacts(t.Context(), "gw.localhost", "ben@localhost")
			if err != nil || len(contacts) == 0 || contacts[0].Peer != "" || contacts[0].Subscription != registry.To|registry.From {
				t.Errorf("ben's contacts: %v %v", contacts, err)
			}
			page, err := db.Lines(t.Context(), registry.LineQuery{Network: "gw.localhost", User: "ann@localhost", Room: tt.room, Limit: 10})
			if err != nil || page.Count != 2 || page.Lines[0].StanzaID != "u2" || !strings.Contains(string(page.Lines[1].Payload), `"second"`) {
				t.Errorf("history: %v %v", page, err)
			}
			// A second import keeps later changes.
			if err := db.SetOptions(t.Context(), "gw.localhost", "ann@localhost", map[string]string{"stay": "1"}); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			requireMatches(t, run(), `\nimported: 0 users, 0 archived messages; already registered: 2 users; `)
			db = openDatabase(t, database, key)
			defer db.Close()
			if ann, _ = db.Account(t.Context(), "gw.localhost", "ann@localhost"); !maps.Equal(ann.Options, map[string]string{"stay": "1"}) {
				t.Errorf("changed to %q", ann.Options)
			}
		})
	}
}

func TestImportBiboumiRefused(t *testing.T) {
	file := ircConfig(t, "")
	empty := filepath.Join(t.TempDir(), "empty.sqlite")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		network, from string
		code          int
		want          string
	}{
		{"", empty, exitUsage, "are required"},
		{"other.localhost", empty, exitFailure, "has no network"},
		{"gw.localhost", empty + "x", exitFailure, "no such file"},
		{"gw.localhost", empty, exitFailure, "cannot read biboumi's database"},
	} {
		code, _, errs := runCLI(t, "import-biboumi", "--config", file, "--network", tt.network, "--from", tt.from)
		if code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%s, %s: code %d, %s", tt.network, tt.from, code, errs)
		}
	}
}
