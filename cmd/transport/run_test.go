package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/cmd/transport/internal/config"
	"transport/component"
)

// patience is the deadline for an expected event.
const patience = 20 * time.Second

// logLines records log lines. A test can wait for one of them.
type logLines struct {
	t     *testing.T
	lines chan string
	mu    sync.Mutex
	all   strings.Builder
}

// captureLog returns a writer for a log, and its recorder.
func captureLog(t *testing.T) (io.Writer, *logLines) {
	r, w := io.Pipe()
	l := &logLines{t: t, lines: make(chan string, 10_000)}
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			l.mu.Lock()
			l.all.WriteString(s.Text() + "\n")
			l.mu.Unlock()
			l.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { w.Close() })
	return w, l
}

func (l *logLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// await waits for a line that contains a text.
func (l *logLines) await(text string) {
	l.t.Helper()
	late := time.After(patience)
	for {
		select {
		case line := <-l.lines:
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			l.t.Fatalf("the log does not say %q:\n%s", text, l.text())
		}
	}
}

func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("timed out waiting for %s", what)
	}
	return v
}

// signalSelf sends this process a signal, for which there must be a handler.
func signalSelf(t *testing.T, s syscall.Signal) {
	t.Helper()
	must(t, syscall.Kill(os.Getpid(), s))
}

// run serves until SIGTERM, shuts down cleanly, and logs JSON without secrets even at the
// lowest level.
func TestRunUntilSIGTERM(t *testing.T) {
	file := writeConfig(t, fakeServer(t, testSecret, ""), "")
	database, key := makeDatabase(t, file)
	w, log := captureLog(t)
	code := make(chan int, 1)
	var out strings.Builder
	go func() {
		code <- dispatch(t.Context(), []string{"run", "--config", file, "--log-level", "trace"}, stdio{&out, w})
	}()
	log.await(`"connected to the XMPP server"`)
	signalSelf(t, syscall.SIGHUP)
	log.await("restart to apply changes")
	began := time.Now()
	signalSelf(t, syscall.SIGTERM)
	if got := await(t, "the end of run", code); got != exitOK {
		t.Errorf("code %d, want %d", got, exitOK)
	}
	if took := time.Since(began); took > stopLimit {
		t.Errorf("ending took %v", took)
	}
	log.await(`"message":"stopped"`)
	if out.Len() > 0 {
		t.Errorf("stdout: %s", out.String())
	}
	for line := range strings.Lines(log.text()) {
		var fields struct{ Level, Time, Message string }
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields.Level == "" || fields.Time == "" || fields.Message == "" {
			t.Errorf("no JSON object with level, time and message: %s", line)
		}
		if _, err := time.Parse(time.RFC3339, fields.Time); err != nil {
			t.Errorf("time: %v", err)
		}
	}
	for _, secret := range []string{testSecret, "s3sam3"} {
		if strings.Contains(log.text(), secret) {
			t.Errorf("the log has a secret:\n%s", log.text())
		}
	}
	must(t, openDatabase(t, database, key).Close()) // it was closed
}

// Without a server, run retries, and logs a remedy.
func TestRunWithoutServer(t *testing.T) {
	file := writeConfig(t, goneServer(t), "[log]\nlevel = \"warn\"\nformat = \"text\"")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w, log := captureLog(t)
	code := make(chan int, 1)
	go func() { code <- dispatch(ctx, []string{"run", "--config", file}, stdio{io.Discard, w}) }()
	log.await("start the XMPP server, or correct server.address")
	log.await("not connected to the XMPP server") // again
	cancel()
	if got := await(t, "the end of run", code); got != exitOK {
		t.Errorf("code %d, want %d", got, exitOK)
	}
	text := log.text()
	requireMatches(t, text, `(?m)^\d\d:\d\d:\d\d\.\d{3} WRN `)
	if strings.Contains(text, "\x1b[") {
		t.Errorf("colours for something that is no terminal:\n%q", text)
	}
	if strings.Contains(text, " INF ") {
		t.Errorf("log.level is not heeded:\n%s", text)
	}
}

func TestSecondSignal(t *testing.T) {
	exits := make(chan int, 2)
	w, log := captureLog(t)
	ctx, release := onSignals(t.Context(), newLogger(w, zerolog.InfoLevel, config.FormatAuto), func(code int) { exits <- code })
	defer release()
	signalSelf(t, syscall.SIGHUP)
	log.await("SIGHUP")
	if ctx.Err() != nil {
		t.Error("SIGHUP ends the process")
	}
	signalSelf(t, syscall.SIGTERM)
	await(t, "the context's end", ctx.Done())
	if len(exits) > 0 {
		t.Error("one signal ends the process at once")
	}
	signalSelf(t, syscall.SIGINT)
	if code := await(t, "the exit", exits); code != 128+int(syscall.SIGINT) {
		t.Errorf("exit code %d", code)
	}
}

func TestStoppingTooLong(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	exits := make(chan int, 2)
	_, release := onSignals(t.Context(), zerolog.Nop(), func(code int) { exits <- code })
	defer release()
	began := time.Now()
	signalSelf(t, syscall.SIGTERM)
	if code := await(t, "the exit", exits); code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took < stopLimit-100*time.Millisecond {
		t.Errorf("ended after %v", took)
	}
}

func TestSupervise(t *testing.T) {
	wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
	fail := func(context.Context) error { return errors.New("cannot go on") }
	crash := func(context.Context) error { panic("a fault") }
	early := func(context.Context) error { return nil }

	w, log := captureLog(t)
	logger := newLogger(w, zerolog.InfoLevel, config.FormatJSON)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- supervise(ctx, logger, []instance{{"a", wait}, {"b", fail}, {"c", crash}, {"d", early}})
	}()
	for range 3 {
		log.await(`"message":"network ended"`)
	}
	requireMatches(t, log.text(), `"error":"cannot go on","network":"b"`, `"error":"panic: a fault\\ngoroutine .*"network":"c"`, `"error":"ended unexpectedly","network":"d"`)
	select {
	case err := <-ended:
		t.Errorf("one network is left, but: %v", err)
	default:
	}
	cancel()
	if err := await(t, "the end", ended); err != nil {
		t.Errorf("a clean end: %v", err)
	}
	if err := supervise(t.Context(), zerolog.Nop(), []instance{{"b", fail}, {"c", crash}}); !errors.Is(err, errNoneLeft) {
		t.Errorf("all have failed: %v", err)
	}
}

func TestReloadPolicy(t *testing.T) {
	file := writeConfig(t, goneServer(t), "")
	data, err := os.ReadFile(file)
	must(t, err)
	write := func(old, fresh string) {
		must(t, os.WriteFile(file, []byte(strings.Replace(string(data), old, fresh, 1)), 0o600))
	}
	write("secret =", "allow = [\"example.org\"]\ndeny = [\"x@example.org\"]\nadmins = [\"root@example.org\"]\nsecret =")
	got, err := reloadPolicy(file, "icq.localhost")
	must(t, err)
	if want := (component.Policy{Allow: []string{"example.org"}, Deny: []string{"x@example.org"}, Admins: []string{"root@example.org"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, broken := range [][2]string{{"icq.localhost", "aim.localhost"}, {"[server]", "[servr]"}} {
		write(broken[0], broken[1])
		if _, err := reloadPolicy(file, "icq.localhost"); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: error is %v", broken, err)
		}
	}
}

func TestRotateKey(t *testing.T) {
	file := writeConfig(t, goneServer(t), "")
	code, out, errs := runCLI(t, "rotate-key", "--config", file)
	if code != exitFailure || out != "" {
		t.Errorf("without a database: code %d, stdout %q", code, out)
	}
	requireMatches(t, errs, `^transport rotate-key: the database "/\S+/transport\.db" does not exist yet`)
	if names := listFolder(t, filepath.Dir(file)); len(names) != 1 {
		t.Errorf("made files: %q", names)
	}

	database, key := makeDatabase(t, file)
	before, err := os.ReadFile(key)
	must(t, err)
	code, out, errs = runCLI(t, "rotate-key", "--config", file)
	if code != exitOK || errs != "" {
		t.Errorf("code %d, stderr %q", code, errs)
	}
	requireMatches(t, out, `^/\S+/transport\.db is encrypted with a new key; back up /\S+/transport\.key`)
	after, err := os.ReadFile(key)
	must(t, err)
	if string(before) == string(after) {
		t.Error("the key is the old one")
	}
	db := openDatabase(t, database, key)
	a, err := db.Account(t.Context(), "icq.localhost", "alice@localhost")
	if err != nil || a.Fields["password"] != "s3sam3" {
		t.Errorf("the account reads %+v, %v", a.Fields, err)
	}
	must(t, db.Close())
	must(t, os.WriteFile(key, before, 0o600))
	if code, _, errs := runCLI(t, "rotate-key", "--config", file); code != exitFailure || !strings.Contains(errs, "remedy: ") {
		t.Errorf("with the old key: code %d, stderr %q", code, errs)
	}
}
