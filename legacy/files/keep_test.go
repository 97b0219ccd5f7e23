//go:build unix

package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"transport/legacy"
)

func mkfifo(file string) error { return syscall.Mkfifo(file, 0o600) }

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func fileOf(name string, size int64) legacy.File { return legacy.File{Name: name, Size: size} }

// testClock is a clock that a test moves.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func newTestClock() *testClock { return &testClock{at: time.Now().Truncate(time.Second)} }

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A file is served until Keep has passed, then neither served nor on the disk. A restart
// does not prolong that.
func TestKeep(t *testing.T) {
	for _, restart := range []bool{false, true} {
		o, clock := testOptions(t), newTestClock()
		o.Now = clock.now
		on := goOnline(t, o, func(l *limits) { l.expire = 10 * time.Millisecond })
		path := on.path(t, "x.txt", "content")
		clock.pass(o.Keep - time.Second)
		if restart {
			on = goOnline(t, o, func(l *limits) { l.expire = 10 * time.Millisecond })
		}
		if r := on.do(t, "GET", path); r.StatusCode != 200 || body(t, r) != "content" {
			t.Errorf("restart %v: a second before: %s", restart, r.Status)
		}
		clock.pass(time.Second)
		if r := on.do(t, "GET", path); r.StatusCode != 404 || body(t, r) == "content" {
			t.Errorf("restart %v: at the time: %s", restart, r.Status)
		}
		await(t, "the file is deleted", func() bool { return len(listed(t, o.Dir)) == 0 })
	}
}

// A file from a clock that was ahead is not kept for longer.
func TestKeepAfterClockChange(t *testing.T) {
	o, clock := testOptions(t), newTestClock()
	o.Now = clock.now
	clock.pass(1000 * time.Hour)
	save(t, open(t, o), "x", "x")
	clock.pass(-1000 * time.Hour)
	s := open(t, o)
	clock.pass(o.Keep)
	s.expire()
	if names := listed(t, o.Dir); len(names) > 0 {
		t.Errorf("left: %q", names)
	}
}

// A file that cannot be deleted is not served, counts, and is deleted later.
func TestDeletionFails(t *testing.T) {
	o, clock := testOptions(t), newTestClock()
	o.Now = clock.now
	s := open(t, o)
	link := save(t, s, "x.txt", "x")
	file := filepath.Join(o.Dir, listed(t, o.Dir)[0])
	// A folder that is not empty cannot be removed, not even by root.
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700), os.Mkdir(filepath.Join(file, "y"), 0o700)); err != nil {
		t.Fatal(err)
	}
	second := save(t, s, "second", "2")
	clock.pass(o.Keep)
	s.expire()
	if at(s, link) || at(s, second) || len(listed(t, o.Dir)) != 1 || s.used != 1+overhead {
		t.Errorf("%q, %d bytes", listed(t, o.Dir), s.used)
	}
	if err := os.Remove(filepath.Join(file, "y")); err != nil {
		t.Fatal(err)
	}
	s.expire()
	if names := listed(t, o.Dir); len(names) > 0 || s.used != 0 {
		t.Errorf("%q, %d bytes", names, s.used)
	}
}

// A process that is killed while it stores a file leaves no half file to the next one.
func TestKilledWhileStoring(t *testing.T) {
	const folder = "TRANSPORT_FILES_TEST"
	if dir := os.Getenv(folder); dir != "" { // the process to kill
		o := testOptions(t)
		o.Dir = dir
		s := open(t, o)
		save(t, s, "complete", "content")
		r, w := io.Pipe()
		go func() {
			_, _ = w.Write(make([]byte, 1000))
			fmt.Println("half")
		}()
		_, err := s.Save(t.Context(), fileOf("half", 2000), r)
		t.Fatal(err)
	}
	o := testOptions(t)
	child := exec.Command(os.Args[0], "-test.run", "^TestKilledWhileStoring$")
	child.Env = append(os.Environ(), folder+"="+o.Dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("half"))); err != nil {
		t.Error(err)
	}
	await(t, "both files are there", func() bool { return len(listed(t, o.Dir)) == 2 })
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = child.Wait() // it was killed
	s := open(t, o)
	if names := listed(t, o.Dir); len(names) != 1 || !strings.HasSuffix(names[0], "-complete") || s.used != 7+overhead {
		t.Errorf("%q, %d bytes", names, s.used)
	}
}

// A disk that fills up while a file arrives: the user is told, and no half file is left.
func TestDiskFull(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Skip(err)
	}
	o := testOptions(t)
	s := open(t, o)
	signal.Ignore(syscall.SIGXFSZ) // write then returns EFBIG
	defer signal.Reset(syscall.SIGXFSZ)
	full := was
	full.Cur = 50_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Skip(err)
	}
	_, err := s.Save(t.Context(), fileOf("x", 90_000), zeros{})
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if legacy.KindOf(err) != legacy.Temporary || err.Error() == "" || !strings.Contains(err.Error(), "disk is full") {
		t.Error(err)
	}
	if names := listed(t, o.Dir); len(names) > 0 || s.used != 0 || len(s.senders) > 0 {
		t.Errorf("left: %q, %d bytes", names, s.used)
	}
	save(t, s, "x", strings.Repeat("x", 90_000))
}

// from stores a file of a sender.
func from(s *Store, sender string, size int64) error {
	_, err := s.Save(context.Background(), legacy.File{Sender: sender, Name: "x", Size: size}, zeros{})
	return err
}

// The quotas of a sender refuse further files and say why; other senders have their own. A
// restart does not reset them.
func TestSenderQuotas(t *testing.T) {
	o, clock := testOptions(t), newTestClock()
	const file = 10_000 - overhead
	o.Now, o.Keep, o.SenderDay, o.SenderTotal = clock.now, 10*day, 20_000, 50_000
	s := open(t, o)
	refused := func(text string) {
		t.Helper()
		names := len(listed(t, o.Dir))
		err := from(s, "mallory", file)
		if legacy.KindOf(err) != legacy.RateLimited || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v, want %q", err, text)
		}
		if len(listed(t, o.Dir)) != names {
			t.Error("a refused file is stored")
		}
	}
	accepted := func(sender string) {
		t.Helper()
		if err := from(s, sender, file); err != nil {
			t.Error(err)
		}
	}
	accepted("mallory")
	accepted("mallory")
	refused("20000 bytes a day from each sender")
	accepted("alice")
	accepted("") // an adapter that knows no sender
	s.Close()
	s = open(t, o)
	refused("20000 bytes a day")
	clock.pass(day)
	accepted("mallory")
	accepted("mallory")
	clock.pass(day)
	accepted("mallory")
	refused("50000 bytes from each sender")
	s.Close()
	s = open(t, o)
	refused("50000 bytes from each sender")
	clock.pass(8 * day) // the first two are deleted
	s.expire()
	accepted("mallory")
}

// Files that arrive at the same time count, and those that fail do not.
func TestSenderQuotaOfTransfers(t *testing.T) {
	o := testOptions(t)
	o.SenderDay, o.SenderTotal = 100_000, 100_000
	s := open(t, o)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := s.Save(context.Background(), legacy.File{Sender: "mallory", Name: "x", Size: 60_000}, r)
		ended <- err
	}()
	if _, err := w.Write([]byte("x")); err != nil { // it has begun
		t.Fatal(err)
	}
	if err := from(s, "mallory", 60_000); legacy.KindOf(err) != legacy.RateLimited {
		t.Errorf("two at a time exceed the quota: %v", err)
	}
	w.CloseWithError(io.ErrUnexpectedEOF)
	if err := <-ended; err == nil {
		t.Error("half a file is stored")
	}
	if len(s.senders) > 0 {
		t.Errorf("%d senders are remembered", len(s.senders))
	}
	if err := from(s, "mallory", 60_000); err != nil {
		t.Error(err)
	}
	// An evicted file no longer counts.
	for _, other := range []string{"a", "b", "c"} {
		if err := from(s, other, 60_000); err != nil {
			t.Error(err)
		}
	}
	if s.senders[senderCode("mallory")] != nil || len(s.senders) != 3 {
		t.Errorf("%d senders are remembered", len(s.senders))
	}
}

// Names of older versions, without a sender and not safe by today's rules, are served and
// deleted.
func TestOldNames(t *testing.T) {
	o, clock := testOptions(t), newTestClock()
	o.Now = clock.now
	id := strings.Repeat("A", idLen)
	save(t, open(t, o), "new", "x") // makes the folder
	if err := os.WriteFile(filepath.Join(o.Dir, id+"-NUL.txt"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	on := goOnline(t, o, nil)
	r := on.do(t, "GET", "/some/"+id+"/NUL.txt")
	if got := r.Header.Get("Content-Disposition"); r.StatusCode != 200 || got != "attachment; filename=_UL.txt" {
		t.Errorf("%s, %s", r.Status, got)
	}
	clock.pass(2 * o.Keep)
	on.expire()
	if names := listed(t, o.Dir); len(names) > 0 {
		t.Errorf("left: %q", names)
	}
}

// Links cannot be guessed: an ID has 128 random bits or more. No character of it is the
// same in all.
func TestUnguessable(t *testing.T) {
	s := open(t, testOptions(t))
	var seen [idLen]map[byte]bool
	for i := range seen {
		seen[i] = make(map[byte]bool)
	}
	for range 50 {
		id, _, _ := strings.Cut(strings.TrimPrefix(save(t, s, "x", ""), s.o.URL+"/"), "/")
		if !isCode(id, idLen) || idLen*5 < 128 {
			t.Fatalf("ID %s", id)
		}
		for i := range id {
			seen[i][id[i]] = true
		}
	}
	for i := range seen {
		if len(seen[i]) < 10 {
			t.Errorf("character %d has %d values", i, len(seen[i]))
		}
	}
}
