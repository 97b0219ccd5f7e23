package main

import (
	"path/filepath"
	"testing"

	"transport/registry"
)

// backup and restore in the order in which an administrator uses them: with the key that is
// kept elsewhere, with one beside the backup, and after a rotation of the key.
func TestBackupAndRestore(t *testing.T) {
	file := writeConfig(t, goneServer(t), "")
	to := filepath.Join(t.TempDir(), "b.db")
	code, out, errs := runCLI(t, "backup", to, "--config", file)
	if code != exitFailure || out != "" {
		t.Errorf("without a database: code %d, stdout %q", code, out)
	}
	requireMatches(t, errs, `^transport backup: registry: backup: .*no such file.*\nremedy: check database\.path`)

	database, key := makeDatabase(t, file)
	db := openDatabase(t, database, key) // the gateway
	code, out, errs = runCLI(t, "backup", "--config", file, to)
	if code != exitOK || errs != "" {
		t.Fatalf("code %d, stderr %q", code, errs)
	}
	requireMatches(t, out, `^\S+/b\.db: 1 registered, 0 contacts, 0 undelivered messages, schema \d+\nit does not contain the key: back up \S+/transport\.key, too`)
	if names := listFolder(t, filepath.Dir(to)); len(names) != 1 {
		t.Errorf("there are %q", names)
	}
	code, _, errs = runCLI(t, "backup", "--config", file, to)
	if code != exitFailure {
		t.Errorf("over a file: code %d", code)
	}
	requireMatches(t, errs, `file already exists.*\nremedy: .*--force\n$`)
	if code, out, errs = runCLI(t, "backup", to, "--force", "--with-key", "--config", file); code != exitOK || errs != "" {
		t.Errorf("code %d, stderr %q", code, errs)
	}
	requireMatches(t, out, `b\.db\.key: the key, with which anybody can read the backup\n$`)

	code, _, errs = runCLI(t, "restore", "--config", file, to)
	if code != exitFailure {
		t.Errorf("in use: code %d", code)
	}
	requireMatches(t, errs, `^transport restore: registry: .*database is in use by process \d+: stop that process first\nremedy: stop the gateway first`)
	must(t, db.DeleteAccount(t.Context(), "icq.localhost", "alice@localhost"))
	_, err := db.Journal().Add(registry.JournalEntry{Kind: registry.FromUser, Network: "icq.localhost", User: "alice@localhost", Payload: []byte("<message/>")})
	must(t, err)
	must(t, db.Close())
	code, out, errs = runCLI(t, "restore", to, "--config", file)
	if code != exitOK || errs != "" {
		t.Fatalf("code %d, stderr %q", code, errs)
	}
	requireMatches(t, out, `^restored: 1 registered, .*\nthe former database is \S+/transport\.db\.before-restore-\d{8}T\d{6}Z, with 0 undelivered messages\n`+
		`the journal has 1 entries from before: `)
	alice := func() {
		t.Helper()
		db := openDatabase(t, database, key)
		if a, err := db.Account(t.Context(), "icq.localhost", "alice@localhost"); err != nil || a.Fields["password"] != "s3sam3" {
			t.Errorf("the account reads %+v, %v", a.Fields, err)
		}
		must(t, db.Close())
	}
	alice()

	if code, _, errs := runCLI(t, "rotate-key", "--config", file); code != exitOK {
		t.Fatal(errs)
	}
	code, _, errs = runCLI(t, "restore", to, "--config", file)
	if code != exitFailure {
		t.Errorf("with the new key: code %d", code)
	}
	requireMatches(t, errs, `it does not belong to this database\nremedy: give the key file of the time of the backup with --key`)
	alice()
	code, out, errs = runCLI(t, "restore", to, "--key", to+".key", "--config", file)
	if code != exitOK || errs != "" {
		t.Fatalf("code %d, stderr %q", code, errs)
	}
	requireMatches(t, out, `the former key is \S+/transport\.key\.before-restore-`, `the key does not decrypt the journal`)
	alice()
}
