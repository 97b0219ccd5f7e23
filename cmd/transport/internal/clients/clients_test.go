package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarmock"
)

// TestFollow: what a walk reports counts until its time is over. It is told to end, and
// killed only if it does not.
func TestFollow(t *testing.T) {
	const report = `printf 'ok\tdiscover\t1.png\tfine\n'; echo noise; `
	for name, tt := range map[string]struct {
		script string
		late   bool              // the context ends while the walk runs
		want   map[string]string // outcomes
	}{
		"to the end": {report + `printf 'failed\tchat\t2.png\tsilence\n'`, false, map[string]string{"discover": stepOK, "chat": stepFailed}},
		"too late": {report + `trap "printf 'ok\tchat\t2.png\tlate\n'; touch ended; exit 0" TERM; touch ready; while :; do sleep 0.05; done`, true,
			map[string]string{"discover": stepOK}},
		"a child holds the output": {report + `sleep 60 & touch ready; trap "touch ended; exit 0" TERM; wait`, true, map[string]string{"discover": stepOK}},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd := exec.Command("sh", "-c", tt.script)
			cmd.Dir = out
			exists := func(file string) bool { _, err := os.Stat(filepath.Join(out, file)); return err == nil }
			table := newTable(writer(func() {
				if tt.late {
					_ = waitFor(t.Context(), "the walk", func() bool { return exists("ready") })
					cancel()
				}
			}))
			began := time.Now()
			if err := table.follow(ctx, "dino", out, cmd, false); err != nil {
				t.Fatal(err)
			}
			got := table.results["dino"]
			if len(got) != len(tt.want) || len(table.order["dino"]) != len(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			for step, outcome := range tt.want {
				if got[step].Outcome != outcome {
					t.Errorf("%s: got %v, want %s", step, got[step], outcome)
				}
			}
			if tt.late && !exists("ended") {
				t.Error("the walk was killed at once")
			}
			if took := time.Since(began); took > 3*endLimit {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// writer calls a function for each step.
type writer func()

func (w writer) Write(b []byte) (int, error) {
	w()
	return len(b), nil
}

// TestGiveUp: a walk that fails counts the steps that it has not reached as failed.
func TestGiveUp(t *testing.T) {
	table := newTable(io.Discard)
	cmd := exec.Command("sh", "-c", `printf 'ok\tdiscover\t1.png\tfine\n'; exit 3`)
	if err := table.follow(t.Context(), "dino", t.TempDir(), cmd, false); err != nil {
		t.Fatal(err)
	}
	if n := table.failures(); n != len(steps)-1 {
		t.Errorf("%d steps failed, want %d", n, len(steps)-1)
	}
}

func TestKeep(t *testing.T) {
	err := run(t.Context(), []string{"gajim", "dino"}, options{keep: true})
	if err == nil || !strings.Contains(err.Error(), "-keep") {
		t.Errorf("error is %v", err)
	}
}

// TestClear: clearing a stage ends its requests, goroutines and programs, and removes its
// files.
func TestClear(t *testing.T) {
	work := t.TempDir()
	st := &stage{dir: filepath.Join(work, "stage"), out: t.TempDir(), mock: oscarmock.New(oscarmock.Options{})}
	st.bob = st.mock.Bot(bobUIN, oscarmock.BotOptions{})
	if err := os.Mkdir(st.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := st.makeTemp(); err != nil {
		t.Fatal(err)
	}
	irc, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer irc.Close()
	st.ircd = &lab.IRC{Addr: irc.Addr().String()}
	if st.others, err = newOthers(st); err != nil {
		t.Fatal(err)
	}
	st.ircd = nil // there is no program to end
	if _, err := st.serve(http.NotFoundHandler()); err != nil {
		t.Fatal(err)
	}
	// A program that leaves a file unless it is told to end.
	lock := filepath.Join(work, "lock")
	if err := st.background(exec.Command("sh", "-c", `touch "$0"; trap 'rm "$0"; exit' TERM; while :; do sleep 0.05; done`, lock), "sh.log"); err != nil {
		t.Fatal(err)
	}
	if err := waitFor(t.Context(), "the program", func() bool { _, err := os.Stat(lock); return err == nil }); err != nil {
		t.Fatal(err)
	}
	// Requests that wait: for a message to Bob, and for the welcome on IRC.
	answered := make(chan error, 2)
	for _, path := range []string{"/icq/heard?pattern=x", "/irc/line?nick=carol&line=x"} {
		go func() {
			r, err := http.Get(st.others.url + path)
			if err == nil {
				err = r.Body.Close()
			}
			answered <- err
		}()
	}
	conn, err := irc.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	if err := st.clear(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > endLimit {
		t.Errorf("it took %v", took)
	}
	for range 2 {
		<-answered
	}
	if left, _ := os.ReadDir(work); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
