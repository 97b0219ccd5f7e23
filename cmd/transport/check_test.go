package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"transport/registry"
)

// makeDatabase creates the database of a configuration, with one registration.
func makeDatabase(t *testing.T, config string) (database, key string) {
	t.Helper()
	dir := filepath.Dir(config)
	database, key = filepath.Join(dir, "transport.db"), filepath.Join(dir, "transport.key")
	db := openDatabase(t, database, key)
	err := db.PutAccount(t.Context(), registry.Account{
		Network: "icq.localhost", User: "alice@localhost", Login: "100001",
		Fields: map[string]string{"username": "100001", "password": "s3sam3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return database, key
}

func openDatabase(t *testing.T, database, key string) *registry.DB {
	t.Helper()
	db, err := registry.Open(t.Context(), registry.Options{Path: database, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestCheckWhenAllIsWell(t *testing.T) {
	file := writeConfig(t, fakeServer(t, testSecret, ""), "")
	dir := filepath.Dir(file)
	before := listFolder(t, dir)
	code, out, errs := runCLI(t, "check", "--config", file)
	if code != exitOK || errs != "" {
		t.Errorf("code %d, stderr %q", code, errs)
	}
	requireMatches(t, out,
		`^ok      configuration: /\S+/t\.toml\n`,
		`\nok      database: /\S+/transport\.db does not exist yet; transport run will create it\n`,
		`\nok      icq\.localhost: driver oscar \(ICQ\), secret: set \(in /\S+/t\.toml\)\n`,
		`\nok      icq\.localhost: XMPP server 127\.0\.0\.1:\d+ accepts the component\n        it grants no privileges: users confirm each contact\.`,
		`\n\nall 4 steps ok\n$`)
	if after := listFolder(t, dir); !slices.Equal(before, after) {
		t.Errorf("check changed the folder: %q, was %q", after, before)
	}
	makeDatabase(t, file)
	code, out, _ = runCLI(t, "check", "--config", file)
	if code != exitOK {
		t.Errorf("with a database: code %d", code)
	}
	requireMatches(t, out, `\nok      database: \S+/transport\.db, key \S+/transport\.key, 1 registered, 0 contacts, 0 undelivered messages\n`)
	if strings.Contains(out, "other users") {
		t.Errorf("a warning without reason: %s", out)
	}
	must(t, os.Chmod(filepath.Join(dir, "transport.db"), 0o644))
	_, out, _ = runCLI(t, "check", "--config", file)
	requireMatches(t, out, `\n +warning: \S+/transport\.db: with mode 0644 other users can read or change it: chmod go= \S+/transport\.db\n`)
}

func TestCheckOfFiles(t *testing.T) {
	const block = "[files]\nurl = \"https://files.example.org\"\nlisten = "
	file := writeConfig(t, fakeServer(t, testSecret, ""), block+"\"127.0.0.1:5290\"\n")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := busy.Addr().String()
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, bytes.ReplaceAll(text, []byte("127.0.0.1:5290"), []byte(addr)), 0o600))
	code, out, _ := runCLI(t, "check", "--config", file)
	if code != exitFailure {
		t.Errorf("busy address: code %d", code)
	}
	requireMatches(t, out, `\nFAILED  files: listen tcp \S+: bind: address already in use\n +remedy: another process listens on this address`)
	must(t, busy.Close())
	before := listFolder(t, filepath.Dir(file))
	if code, out, _ = runCLI(t, "check", "--config", file); code != exitOK {
		t.Errorf("code %d", code)
	}
	requireMatches(t, out, `\nok      files: /\S+/files, up to 100000000 bytes each`)
	if after := listFolder(t, filepath.Dir(file)); !slices.Equal(before, after) {
		t.Errorf("check changed the folder: %q, was %q", after, before)
	}
}

func listFolder(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCheckOfServers(t *testing.T) {
	tests := []struct {
		name   string
		server func(*testing.T) string
		want   []string
	}{
		{"nothing listens", goneServer, []string{`connection refused\n`, `remedy: no server listens at this address: start the XMPP server, or correct server\.address`}},
		{"wrong secret", func(t *testing.T) string { return fakeServer(t, "another", "") }, []string{
			`the XMPP server refuses the secret`, `remedy: the secret \(in /\S+/t\.toml\) differs from the one in the XMPP server's configuration`,
			`Prosody: component_secret below Component "icq\.localhost"\.\n +ejabberd: password of the host`}},
		{"unknown component", func(t *testing.T) string { return fakeServer(t, testSecret, "host-unknown") }, []string{
			`knows no component of this name`, `remedy: the XMPP server has no component of this name; add it there`}},
		{"connected twice", func(t *testing.T) string { return fakeServer(t, testSecret, "conflict") }, []string{
			`connected already`, `remedy: another process is connected with this domain`}},
		{"another refusal", func(t *testing.T) string { return fakeServer(t, testSecret, "system-shutdown") }, []string{
			`system-shutdown`, `remedy: check that this is the port for components`}},
		{"no such host", func(*testing.T) string { return "no-such-host.invalid:5347" }, []string{
			`remedy: (the host name does not exist; correct server\.address|the server does not answer)`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := runCLI(t, "check", "--config", writeConfig(t, tt.server(t), ""))
			if code != exitFailure || errs != "" {
				t.Errorf("code %d, want %d; stderr %q", code, exitFailure, errs)
			}
			requireMatches(t, out, `(?m)^FAILED  icq\.localhost: XMPP server \S+: `, `\n\n1 of 4 steps failed\n$`)
			requireMatches(t, out, tt.want...)
		})
	}
}

func TestCheckIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	file := writeConfig(t, goneServer(t), "")
	if code := dispatch(ctx, []string{"check", "--config", file}, stdio{&out, &out}); code != exitFailure {
		t.Errorf("code %d, want %d", code, exitFailure)
	}
	requireMatches(t, out.String(), `FAILED  icq\.localhost: interrupted`)
}

// spoiled are unusable databases, with the expected messages.
var spoiled = []struct {
	name  string
	spoil func(t *testing.T, database, key string)
	want  []string
}{
	{"no database at all", func(t *testing.T, database, _ string) {
		must(t, os.WriteFile(database, []byte(strings.Repeat("no database. ", 1000)), 0o600))
	}, []string{`transport\.db`, `restore the file from a backup`}},
	{"damaged page", func(t *testing.T, database, _ string) {
		data, err := os.ReadFile(database)
		must(t, err)
		for i := 4096; i < min(len(data), 5*4096); i++ {
			data[i] ^= 0x5a
		}
		must(t, os.WriteFile(database, data, 0o600))
	}, []string{`transport\.db`, `restore the file from a backup`}},
	{"newer schema", func(t *testing.T, database, _ string) {
		data, err := os.ReadFile(database)
		must(t, err)
		binary.BigEndian.PutUint32(data[60:], 9999) // PRAGMA user_version
		must(t, os.WriteFile(database, data, 0o600))
	}, []string{`9999`, `install the newer version of the program again`}},
	{"key for everybody", func(t *testing.T, _, key string) {
		must(t, os.Chmod(key, 0o644))
	}, []string{`transport\.key`, `mode 0600`}},
	{"no key", func(t *testing.T, _, key string) {
		must(t, os.Remove(key))
	}, []string{`transport\.key`, `without the key, the stored passwords cannot be decrypted`}},
	{"key of another database", func(t *testing.T, _, key string) {
		_, other := makeDatabase(t, filepath.Join(t.TempDir(), "t.toml"))
		data, err := os.ReadFile(other)
		must(t, err)
		must(t, os.WriteFile(key, data, 0o600))
	}, []string{`transport\.key`, `database\.key_file is the key file of this database`}},
	{"in use", func(t *testing.T, database, key string) {
		db := openDatabase(t, database, key)
		t.Cleanup(func() { db.Close() })
	}, []string{`stop the other process first`}},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSpoiledDatabases(t *testing.T) {
	server := fakeServer(t, testSecret, "")
	for _, tt := range spoiled {
		t.Run(tt.name, func(t *testing.T) {
			file := writeConfig(t, server, "")
			database, key := makeDatabase(t, file)
			tt.spoil(t, database, key)

			code, out, _ := runCLI(t, "check", "--config", file)
			if code != exitFailure {
				t.Errorf("check: code %d, want %d", code, exitFailure)
			}
			requireMatches(t, out, `(?m)^FAILED  database: `, `(?m)^        remedy: `, `\n\n1 of 4 steps failed\n$`)
			requireMatches(t, out, tt.want...)
			if tt.name == "damaged page" {
				return // opening does not read every page
			}
			for _, command := range []string{"run", "rotate-key"} {
				code, out, errs := runCLI(t, command, "--config", file)
				if code != exitFailure || out != "" {
					t.Errorf("%s: code %d, want %d; stdout %q", command, code, exitFailure, out)
				}
				requireMatches(t, errs, `"?remedy"?:`)
				requireMatches(t, errs, tt.want...)
			}
		})
	}
}

func TestUnwritableFolder(t *testing.T) {
	folder := "/proc" // nobody can write here, not even root
	if runtime.GOOS != "linux" {
		folder = t.TempDir()
		must(t, os.Chmod(folder, 0o500))
		if os.Getuid() == 0 {
			t.Skip("root may write everywhere")
		}
	}
	file := writeConfig(t, fakeServer(t, testSecret, ""), "[database]\npath = \""+folder+"/transport.db\"")
	code, out, _ := runCLI(t, "check", "--config", file)
	if code != exitFailure {
		t.Errorf("check: code %d, want %d", code, exitFailure)
	}
	requireMatches(t, out, `(?m)^FAILED  database: \S+/transport\.db does not exist and cannot be created: `, `remedy: give the user running the program write access to the folder`)
	code, _, errs := runCLI(t, "run", "--config", file)
	if code != exitFailure {
		t.Errorf("run: code %d, want %d", code, exitFailure)
	}
	requireMatches(t, errs, `"remedy":"check that the folder exists, that its disk has free space`)
}
