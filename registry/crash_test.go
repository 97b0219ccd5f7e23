package registry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// crashEnv is an environment variable. If it is set, this test binary writes to the
// database in that folder until it is killed, see TestMain.
const crashEnv = "REGISTRY_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		fmt.Println("error", writeUntilKilled(dir)) // returns only an error
		os.Exit(1)
	}
	if dir := os.Getenv(openEnv); dir != "" {
		if err := openInChild(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints a line after each committed write.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	opts := testOptions(dir)
	opts.MaxMessages = 1 << 30
	d, err := Open(ctx, opts)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	ack := func(kind, name string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(kind, name) // not buffered
	}
	failed := make(chan error)
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				user := fmt.Sprintf("user%d-%d-%d@example.org", os.Getpid(), g, i)
				if err := d.PutAccount(ctx, Account{Network: testNet, User: user, Login: user, Fields: map[string]string{"password": user}}); err != nil {
					failed <- err
				}
				ack("account", user)
				for n := range 3 {
					contacts := []Contact{{Network: testNet, User: user, Peer: "a"}, {Network: testNet, User: user, Peer: "b"}}
					if err := d.PutContacts(ctx, contacts); err != nil {
						failed <- err
					}
					ack("contacts", user)
					if _, err := d.KeepMessage(ctx, Message{Network: testNet, User: user, Direction: Inbound, Payload: fmt.Append(nil, n)}); err != nil {
						failed <- err
					}
					ack("message", user)
				}
			}
		}()
	}
	go func() {
		for {
			if err := d.Rotate(ctx); err != nil {
				failed <- err
			}
			ack("rotated", "-")
		}
	}()
	return <-failed
}

// After a process was killed while it wrote and rotated its key, the database opens and
// contains every committed write.
func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	acked := map[string]map[string]int{"account": {}, "contacts": {}, "message": {}, "rotated": {}}
	for round := range rounds {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			kind, name, _ := strings.Cut(lines.Text(), " ")
			if acked[kind] == nil {
				t.Errorf("the writer failed: %s", lines.Text())
				break
			}
			acked[kind][name]++
			if n == 20 { // it is in the middle of it
				_, err := Open(t.Context(), testOptions(dir))
				if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "process "+strconv.Itoa(cmd.Process.Pid)) {
					t.Errorf("opening it meanwhile: %v", err)
				}
			}
			if n == 200+31*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			return
		}

		d, err := Open(t.Context(), testOptions(dir))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := d.Check(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for user := range acked["account"] {
			a, err := d.Account(t.Context(), testNet, user)
			if err != nil || a.Fields["password"] != user {
				t.Errorf("round %d: account %+v, %v", round, a, err)
			}
			if found, err := d.AccountByLogin(t.Context(), testNet, user); err != nil || found != user {
				t.Errorf("round %d: login of %s: %q, %v", round, user, found, err)
			}
		}
		for user := range acked["contacts"] {
			if got, err := d.Contacts(t.Context(), testNet, user); err != nil || len(got) != 2 {
				t.Errorf("round %d: %d contacts of %s, %v", round, len(got), user, err)
			}
		}
		for user, n := range acked["message"] {
			if got, err := d.KeptMessages(t.Context(), testNet, user, Inbound); err != nil || len(got) < n {
				t.Errorf("round %d: %d messages of %s, not %d, %v", round, len(got), user, n, err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked["message"]) == 0 || len(acked["rotated"]) == 0 {
		t.Errorf("nothing was tested: %d messages, %d rotations", len(acked["message"]), acked["rotated"]["-"])
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || len(names) > 1 {
		t.Errorf("left over: %q, %v", names, err)
	}
}
