package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"transport/legacy"
)

func testOptions(t *testing.T) Options {
	return Options{Listen: "127.0.0.1:0", URL: "https://files.example.org/some", Dir: filepath.Join(t.TempDir(), "files"),
		MaxSize: 100_000, TotalSize: 200_000, Keep: time.Hour}
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func save(t *testing.T, s *Store, name, content string) (link string) {
	t.Helper()
	link, err := s.Save(t.Context(), legacy.File{Name: name, Size: int64(len(content))}, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func listed(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"holiday.jpg":            "holiday.jpg",
		"../../etc/passwd":       "passwd",
		`..\..\boot.ini`:         "boot.ini",
		"folder\x01inner.txt":    "inner.txt",
		"/":                      "file",
		"..":                     "file",
		"":                       "file",
		" . ":                    "file",
		".htaccess":              "htaccess",
		"..htaccess. ":           "htaccess",
		"a\x00b\nc\x1b[31m.txt":  "ab c[31m.txt",
		"\u202Egpj.exe":          "gpj.exe",
		"bad\xffutf8.txt":        "bad\uFFFDutf8.txt",
		`what?<a>"b".html`:       "what__a__b_.html",
		"Grüße \u2603.txt":       "Grüße \u2603.txt",
		"tab\there":              "tab here",
		"x." + longName(300):     "x." + longName(98),
		longName(300) + ".jpeg":  longName(95) + ".jpeg",
		strings.Repeat("ü", 200): strings.Repeat("ü", 50),
		"\x01":                   "file",
		"con":                    "_on",
		"NUL.txt":                "_UL.txt",
		"Aux .tar.gz":            "_ux .tar.gz",
		"com1":                   "_om1",
		"LPT\u00b9.log":          "_PT\u00b9.log",
		"CONOUT$":                "_ONOUT$",
		"COM10.txt":              "COM10.txt",
		"console.log":            "console.log",
		"a:stream":               "a_stream",
	} {
		if got := SafeName(name); got != want {
			t.Errorf("SafeName(%q) = %q, want %q", name, got, want)
		}
	}
}

func longName(n int) string { return strings.Repeat("n", n) }

func FuzzSafeName(f *testing.F) {
	for _, seed := range []string{"a.jpg", "../x", ".htaccess", "\x00", strings.Repeat("ü.", 200), "a. .b", "CON" + strings.Repeat(" ", 200) + ".txt", "nul." + strings.Repeat("x", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := SafeName(name)
		if got == "" || len(got) > maxName || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\r\n\"<>") ||
			strings.Trim(got, ". ") != got || !filepath.IsLocal(got) || isDevice(got) {
			t.Errorf("SafeName(%q) = %q", name, got)
		}
		if again := SafeName(got); again != got {
			t.Errorf("SafeName(%q) = %q, and of that %q", name, got, again)
		}
	})
}

func TestSave(t *testing.T) {
	o := testOptions(t)
	s := open(t, o)
	link := save(t, s, "../a b#c%.txt", "content")
	rest, ok := strings.CutPrefix(link, "https://files.example.org/some/")
	id, name, _ := strings.Cut(rest, "/")
	if !ok || len(id) != idLen || name != "a%20b%23c%25.txt" {
		t.Errorf("the link is %s", link)
	}
	if _, err := url.Parse(link); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(filepath.Join(o.Dir, id+"-a b#c%.txt"))
	if err != nil || string(data) != "content" {
		t.Errorf("stored is %q, %v", data, err)
	}
	if info, err := os.Stat(o.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v, %v", info.Mode(), err)
	}
	if other := save(t, s, "../a b#c%.txt", "content"); other == link {
		t.Error("two files have one link")
	}
	save(t, s, "empty", "")
}

// Save reads no more than the given size.
func TestSaveReadsNoMore(t *testing.T) {
	s := open(t, testOptions(t))
	r := strings.NewReader("0123456789")
	if _, err := s.Save(t.Context(), legacy.File{Name: "x", Size: 4}, r); err != nil || r.Len() != 6 {
		t.Errorf("%v, %d bytes are left", err, r.Len())
	}
	// A reader may return EOF together with its last bytes.
	if _, err := s.Save(t.Context(), legacy.File{Name: "x", Size: 4}, iotest.DataErrReader(strings.NewReader("0123"))); err != nil {
		t.Error(err)
	}
}

// A failure is classified, and nothing is stored.
func TestSaveFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	refused := legacy.Errorf(legacy.Forbidden, "The peer took it back.")
	for _, tt := range []struct {
		name string
		ctx  context.Context
		size int64
		r    io.Reader
		kind legacy.Kind
		text string
	}{
		{"too large", t.Context(), 100_001, strings.NewReader("x"), legacy.TooLong, "up to 100000 bytes"},
		{"no size", t.Context(), -1, strings.NewReader("x"), legacy.TooLong, ""},
		{"ends early", t.Context(), 10, strings.NewReader("x"), legacy.Temporary, "arrived incompletely"},
		{"breaks", t.Context(), 10, io.MultiReader(strings.NewReader("x"), iotest.ErrReader(syscall.ECONNRESET)), legacy.Temporary, "arrived incompletely"},
		{"the adapter's error", t.Context(), 10, io.MultiReader(strings.NewReader("x"), iotest.ErrReader(refused)), legacy.Forbidden, "took it back"},
		{"the context ends", ended, 10, strings.NewReader("0123456789"), legacy.Temporary, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(t)
			s := open(t, o)
			link, err := s.Save(tt.ctx, legacy.File{Name: "x", Size: tt.size}, tt.r)
			if err == nil || link != "" || legacy.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%q, %v of kind %v", link, err, legacy.KindOf(err))
			}
			if names := listed(t, o.Dir); len(names) > 0 || s.used != 0 {
				t.Errorf("left behind: %q, %d bytes", names, s.used)
			}
		})
	}
}

// A folder that rejects writes. /dev/full cannot be a folder, so the folder is removed.
func TestSaveWithoutFolder(t *testing.T) {
	o := testOptions(t)
	s := open(t, o)
	if err := os.Remove(o.Dir); err != nil {
		t.Fatal(err)
	}
	_, err := s.Save(t.Context(), legacy.File{Name: "private name", Size: 1}, strings.NewReader("x"))
	if strings.Contains(err.Error(), "/") {
		t.Errorf("the error has a path: %v", err)
	}
	if legacy.KindOf(err) != legacy.Temporary || !strings.Contains(err.Error(), "cannot store files") || s.used != 0 {
		t.Errorf("%v, %d bytes are taken", err, s.used)
	}
	if full := diskError(&os.PathError{Op: "write", Err: syscall.ENOSPC}); legacy.KindOf(full) != legacy.Temporary || !strings.Contains(full.Error(), "disk is full") {
		t.Error(full)
	}
}

// New files evict the oldest ones, never files that are still being stored.
func TestTotalSize(t *testing.T) {
	o := testOptions(t)
	s := open(t, o)
	content := strings.Repeat("x", 80_000)
	first := save(t, s, "first", content)
	second := save(t, s, "second", content)
	save(t, s, "third", content) // 3 × (80,000 + 4,096) is more than 200,000
	if at(s, first) || !at(s, second) {
		t.Errorf("first is there: %v, second: %v", at(s, first), at(s, second))
	}
	if names := listed(t, o.Dir); len(names) != 2 || s.used != 2*(80_000+overhead) {
		t.Errorf("%q, %d bytes", names, s.used)
	}

	// There is no space for three at the same time. The stored file is evicted.
	results := make(chan error, 3)
	half, rest := make(chan struct{}), make(chan struct{})
	for range 3 {
		r, w := io.Pipe()
		go func() {
			_, err := s.Save(t.Context(), legacy.File{Name: "slow", Size: 90_000}, r)
			r.CloseWithError(err)
			results <- err
		}()
		go func() {
			part := bytes.Repeat([]byte("y"), 85_000)
			_, _ = w.Write(part)
			half <- struct{}{}
			<-rest // until all three have started
			_, _ = w.Write(part[:5_000])
		}()
	}
	for range 3 {
		<-half
	}
	close(rest)
	failed := 0
	for range 3 {
		if err := <-results; err != nil {
			failed++
			if legacy.KindOf(err) != legacy.Temporary || !strings.Contains(err.Error(), "storage is full") {
				t.Error(err)
			}
		}
	}
	if names := listed(t, o.Dir); failed == 0 || s.used != int64(len(names))*(90_000+overhead) {
		t.Errorf("%d have failed; %q, %d bytes", failed, names, s.used)
	}
}

// at reports whether a link returns a file.
func at(s *Store, link string) bool {
	id, name, _ := strings.Cut(strings.TrimPrefix(link, s.o.URL+"/"), "/")
	name, _ = url.PathUnescape(name)
	return s.find(id, name) != nil
}

func TestTooManyAtOnce(t *testing.T) {
	s := open(t, testOptions(t))
	for range maxSaves {
		s.saves <- struct{}{}
	}
	if _, err := s.Save(t.Context(), legacy.File{Name: "x", Size: 1}, strings.NewReader("x")); legacy.KindOf(err) != legacy.RateLimited {
		t.Error(err)
	}
}

// Stored files survive a restart; incomplete files are removed, and foreign files stay.
func TestReopen(t *testing.T) {
	o := testOptions(t)
	now := time.Now()
	o.Now = func() time.Time { return now }
	s := open(t, o)
	old, link := save(t, s, "old", "o"), save(t, s, "new.txt", "content")
	s.Close()
	id, _, _ := strings.Cut(strings.TrimPrefix(old, o.URL+"/"), "/")
	if err := errors.Join(
		os.Chtimes(filepath.Join(o.Dir, id+"-old"), now, now.Add(-2*time.Hour)),
		os.WriteFile(filepath.Join(o.Dir, partPrefix+"X"), nil, 0o600),
		os.WriteFile(filepath.Join(o.Dir, "notes.txt"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if at(s, old) || !at(s, link) || len(listed(t, o.Dir)) != 2 || s.used != 7+overhead {
		t.Errorf("old %v, new %v, %q, %d bytes", at(s, old), at(s, link), listed(t, o.Dir), s.used)
	}
	now = now.Add(2 * time.Hour)
	if at(s, link) {
		t.Error("a file is served after its time")
	}
	s.expire()
	if names := listed(t, o.Dir); len(names) != 1 || names[0] != "notes.txt" || s.used != 0 {
		t.Errorf("%q, %d bytes", names, s.used)
	}
}

func TestOpenFails(t *testing.T) {
	o := testOptions(t)
	first := open(t, o)
	taken := o
	taken.Listen = first.listener.Addr().String()
	lost := o
	lost.Dir = filepath.Join(o.Dir, "no", "such")
	for name, o := range map[string]Options{"address": taken, "folder": lost} {
		if s, err := Open(o); err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		}
		if err := Check(o); err == nil {
			t.Errorf("%s: Check finds nothing", name)
		}
	}
	fresh := testOptions(t)
	if err := Check(fresh); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(fresh.Dir); err == nil {
		t.Error("Check makes the folder")
	}
}
