package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"transport/cmd/transport/internal/lab"
)

// TestChaos is a short "make chaos": users chat in all directions while the gateway and the
// servers are killed and their connections break. No message may be lost without a word, or
// come twice in a way that its receiver cannot recognise.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	programBuilt = true
	gateway, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	chaos := filepath.Join(t.TempDir(), "chaos")
	if out, err := exec.Command("go", "build", "-o", chaos, "../internal/chaos").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // on a very busy machine
	defer cancel()
	cmd := exec.CommandContext(ctx, chaos, "-for", "24s", "-users", "6", "-seed", "25", "-transport", gateway,
		"-only", "gateway: kill|client: closes|XMPP server: kill|XMPP link: (cut|half-open, )|IRC links: cut|ICQ links: cut")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends its servers
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil && strings.Contains(string(out), lab.ErrMissing.Error()) && os.Getenv("TRANSPORT_E2E") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"prosody+ngircd", "ejabberd+inspircd", "gateway: kill -9"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the campaign lacks %s", want)
		}
	}
}
