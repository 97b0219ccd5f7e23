package registry

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// freezeEnv is an environment variable with a folder. If it is set, TestFreeze writes a
// dump of a database of the current schema to that folder:
//
//	FREEZE=../testdata/registry go test ./registry -run 'TestFreeze$'
//
// Do this once for each schema, with the version that is released, and never again.
const freezeEnv = "FREEZE"

// frozenAIM is a network of the frozen databases from schema 3 on.
const frozenAIM = "aim.example.org"

// TestFreeze makes the frozen database of a new schema. checkFrozen has its contents.
func TestFreeze(t *testing.T) {
	folder := os.Getenv(freezeEnv)
	if folder == "" {
		t.Skip(freezeEnv + " is not set")
	}
	scripts, err := readMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, fmt.Sprintf("v%d", len(scripts)))
	for _, suffix := range []string{".sql", ".key"} {
		if _, err := os.Stat(name + suffix); err == nil {
			t.Fatalf("%s exists: a frozen database never changes", name+suffix)
		}
	}
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	ctx := context.Background()
	// Messages begin with ID 2.
	if err := d.ForgetMessages(ctx, keepTestMessage(t, d, testUser, Inbound, "gone")); err != nil {
		t.Fatal(err)
	}
	account := Account{Network: testNet, User: testUser, Login: "123456",
		Fields:  map[string]string{"uin": "123456", "password": "sesame ☃"},
		Options: map[string]string{"away": "yes"}, State: []byte("cookie\x00\xff"), Created: testNow.Add(-time.Hour)}
	for _, a := range []Account{account, {Network: "irc.example.org", User: testUser},
		{Network: frozenAIM, User: testUser, Login: "romeo", Options: map[string]string{SettingOption("#room", "history"): "50"}}} {
		if err := d.PutAccount(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	err = d.PutContacts(ctx, []Contact{
		{Network: testNet, User: testUser, Subscription: To | From},
		{Network: testNet, User: testUser, Peer: "200", Name: "Rómeo", Groups: []string{"Friends", `A "b"`},
			Subscription: AskTo | AskFrom, Listed: true, LastSeen: testNow.Add(-time.Minute)},
		{Network: testNet, User: testUser, Peer: "300", Subscription: Refused},
		{Network: frozenAIM, User: testUser, Peer: "tybalt", Nick: "Tybalt ☃", Subscription: From},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Message{
		{Network: testNet, User: testUser, Peer: "200", Direction: Inbound, StanzaID: "s1", Payload: []byte("hello ☃"), Created: testNow},
		{Network: testNet, User: testUser, Peer: "300", Direction: Outbound, Payload: []byte{0, 255}, Created: testNow.Add(time.Second)},
		{Network: testNet, User: frozenGuest, Peer: "#room", Direction: Inbound, StanzaID: "s2", Payload: []byte("to a guest"), Created: testNow},
	} {
		if _, err := d.KeepMessage(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	err = d.AppendLines(ctx, []Line{
		{Network: testNet, User: testUser, Room: "#room", StanzaID: "a1", Payload: []byte("said ☃"), Created: testNow},
		{Network: testNet, User: frozenGuest, Room: "#room", StanzaID: "a1", Payload: []byte("said to a guest"), Created: testNow.Add(time.Second)},
	})
	if err != nil {
		t.Fatal(err)
	}
	key := readFile(t, opts.Path+".key")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	dump, err := exec.Command("sqlite3", opts.Path, ".dump").Output()
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("-- A database of schema %[1]d, made by TestFreeze. Frozen: every later version must be\n"+
		"-- able to read it. Its key is in v%[1]d.key.\n-- sqlite3 .dump, and the pragmas, which that leaves out.\n"+
		"PRAGMA application_id=%[2]d;\nPRAGMA user_version=%[1]d;\n", len(scripts), applicationID)
	if err := os.WriteFile(name+".sql", append([]byte(head), dump...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".key", key, 0o644); err != nil {
		t.Fatal(err)
	}
}
