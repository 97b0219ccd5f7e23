package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
)

// run runs another command of the program until it ends.
func (w *world) run(args ...string) (output string, ok bool) {
	w.t.Helper()
	path, err := builtProgram()
	if err != nil {
		w.t.Fatal(err)
	}
	args = append(args, "--config", filepath.Join(w.dir, "transport.toml"))
	out, err := exec.CommandContext(w.t.Context(), path, args...).CombinedOutput()
	return string(out), err == nil
}

// TestBackupUnderLoad backs up the database of a gateway that spools messages, kills the
// gateway, and restores the backup. Alice gets the messages that the backup has, in order and
// without a gap.
func TestBackupUnderLoad(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.ready()
		w.server.Kill()
		w.waitLog(`"not connected to the XMPP server"`, 2)
		stop, spooled := make(chan struct{}), make(chan int, 1000)
		var sending sync.WaitGroup
		sending.Go(func() {
			defer close(spooled)
			for n := 0; n < 600; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := w.bob.Send(demo.AliceUIN, fmt.Sprint("line ", n)); err != nil {
					t.Error(err)
					return
				}
				spooled <- n
			}
		})
		for range 20 {
			<-spooled
		}
		file, kept := filepath.Join(t.TempDir(), "backup.db"), 0
		for range 3 {
			out, ok := w.run("backup", file, "--force")
			found := regexp.MustCompile(`: 1 registered, \d+ contacts, (\d+) undelivered messages`).FindStringSubmatch(out)
			if !ok || found == nil {
				t.Fatalf("backup: %s", out)
			}
			n, err := strconv.Atoi(found[1])
			if err != nil || n < kept {
				t.Errorf("%d messages, and earlier %d, %v", n, kept, err)
			}
			kept = n
		}
		close(stop)
		sending.Wait()
		if kept == 0 {
			t.Fatal("no message is in the backup")
		}
		w.process.Kill()
		out, ok := w.run("restore", file)
		if !ok || !strings.Contains(out, "restored: 1 registered, ") || !strings.Contains(out, "the former database is ") {
			t.Fatalf("restore: %s", out)
		}
		t.Log(out)

		if err := w.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		alice := w.login(aliceJID + "/two")
		w.start()
		w.signedOn(demo.AliceUIN)
		for n := range kept {
			if got := alice.message(bobICQ).ChildText(lab.NSClient, "body"); got != fmt.Sprint("line ", n) {
				t.Fatalf("message %d of %d is %q", n, kept, got)
			}
		}
		if out, ok := w.run("backup", file, "--force"); !ok {
			t.Errorf("another backup: %s", out)
		}
	})
}

// TestOneProcess: every command that needs the database alone is refused while the gateway
// runs, and names its process. The gateway goes on.
func TestOneProcess(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		if w.name != "prosody" {
			t.Skip("the XMPP server does not matter")
		}
		w.second = fmt.Sprintf("driver = \"irc\"\ndomain = %q\nsecret = %q\n", aimDomain, xmppSecret)
		alice := w.ready()
		file := filepath.Join(t.TempDir(), "backup.db")
		if out, ok := w.run("backup", file); !ok {
			t.Fatal(out)
		}
		biboumi := filepath.Join(t.TempDir(), "biboumi.sqlite")
		if err := os.WriteFile(biboumi, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		in := fmt.Sprintf("database is in use by process %d", w.process.PID())
		for _, args := range [][]string{{"run"}, {"check"}, {"rotate-key"}, {"restore", file}, {"import-biboumi", "--network", aimDomain, "--from", biboumi}} {
			out, ok := w.run(args...)
			if ok || !strings.Contains(out, in) || !strings.Contains(out, "remedy") {
				t.Errorf("%s: %s", args[0], out)
			}
		}
		alice.say(bobICQ, "m1", "undisturbed")
		if got := w.heard().Text; got != "undisturbed" {
			t.Errorf("bob reads %q", got)
		}
	})
}
