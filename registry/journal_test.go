package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func testJournal(t testing.TB, path string) *Journal {
	t.Helper()
	r, err := newRing([]key{{version: 1}})
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(path, func() *ring { return r })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.close() })
	return j
}

func entry(n int) JournalEntry {
	return JournalEntry{Kind: FromUser, Network: testNet, User: testUser, Payload: fmt.Appendf(nil, "<message id='%d'/>", n), Created: testNow}
}

func payloads(t testing.TB, j *Journal) (all []string) {
	t.Helper()
	entries, err := j.Unfinished(testNet)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		all = append(all, string(e.Payload))
	}
	return all
}

// What was added and not finished is there after a crash, in order, with all its fields.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	var ids []uint64
	for n := range 5 {
		ids = append(ids, j.Add(entry(n)))
	}
	session := j.Add(JournalEntry{Kind: SignedOn, Network: "irc.example.org", User: testUser, Created: testNow.Add(time.Second)})
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	j.Done(ids[1], ids[3], 0, 1<<40)
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	j.Done(ids[0]) // not flushed: it is not known after a crash
	for range 2 {  // also after a second crash
		j = testJournal(t, path)
		if got, want := payloads(t, j), []string{"<message id='0'/>", "<message id='2'/>", "<message id='4'/>"}; !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
		others, err := j.Unfinished("irc.example.org")
		if err != nil || len(others) != 1 || others[0].ID != session || others[0].Kind != SignedOn || others[0].User != testUser ||
			!others[0].Created.Equal(testNow.Add(time.Second)) || others[0].Payload != nil {
			t.Errorf("found %+v, %v", others, err)
		}
	}
	if id := j.Add(entry(9)); id <= session {
		t.Errorf("the ID %d was used before", id)
	}
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte("<message")) || bytes.Contains(raw, []byte(testUser)) {
		t.Errorf("the file is readable: %q, %v", raw, err)
	}
	var none *Journal
	if none.Done(none.Add(entry(1))); none.Flush() != nil {
		t.Error("a journal that is disabled fails")
	}
}

// A file that ends anywhere, or has a changed byte anywhere, gives what comes before, and is
// written on.
func TestJournalDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	j := testJournal(t, path)
	for n := range 3 {
		id := j.Add(entry(n))
		if n == 1 {
			j.Done(id)
		}
	}
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 * len(whole) {
		damaged := slices.Clone(whole[:min(n, len(whole))])
		if n >= len(whole) {
			damaged = slices.Clone(whole)
			damaged[n-len(whole)] ^= 0xff
		}
		other := filepath.Join(dir, "other")
		if err := os.WriteFile(other, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		j := testJournal(t, other)
		found, err := j.Unfinished(testNet)
		if len(found) > 3 || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d: found %d, %v", n, len(found), err)
		}
		j.Add(entry(7))
		if err := j.Flush(); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		again, _ := testJournal(t, other).Unfinished(testNet)
		if len(again) != len(found)+1 || string(again[len(again)-1].Payload) != "<message id='7'/>" {
			t.Fatalf("%d: found %d, and then %d", n, len(found), len(again))
		}
	}
}

// FuzzJournal: no file makes the journal fail or use more memory than the file has bytes.
func FuzzJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	j := testJournal(f, path)
	j.Done(j.Add(entry(1)))
	j.Add(entry(2))
	if err := j.Flush(); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(journalHeader + "\xff\xff\xff\xffE\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		j := testJournal(t, path)
		before, _ := j.Unfinished(testNet)
		j.Add(entry(1))
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		if after, _ := testJournal(t, path).Unfinished(testNet); len(after) != len(before)+1 {
			t.Errorf("%d entries, and then %d", len(before), len(after))
		}
	})
}

// The file is emptied when nothing is unfinished, and rewritten when most is finished.
func TestJournalSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	big := entry(0)
	big.Payload = bytes.Repeat([]byte("x"), 64<<10)
	size := func() int64 {
		t.Helper()
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	first := j.Add(entry(1))
	most := int64(0)
	for range 1000 {
		j.Done(j.Add(big))
		most = max(most, size())
	}
	if most > journalCompact+1<<20 {
		t.Errorf("the file grew to %d bytes", most)
	}
	if got := payloads(t, testJournal(t, path)); !slices.Equal(got, []string{"<message id='1'/>"}) {
		t.Errorf("found %q", got)
	}
	for range 8 {
		j.Done(j.Add(big))
	}
	j.Done(first)
	if n := size(); n > 100 {
		t.Errorf("an empty journal has %d bytes", n)
	}
	// Its bound
	big.Payload = bytes.Repeat([]byte("x"), 1<<20)
	full := false
	for range 100 {
		full = full || j.Add(big) == 0
	}
	if !full || size() > maxJournal+4<<20 {
		t.Errorf("full %v at %d bytes", full, size())
	}
	big.Payload = bytes.Repeat([]byte("x"), maxJournalEntry)
	if j.Add(big) != 0 {
		t.Error("a huge entry is added")
	}
}

// A write error is reported, and later entries are journaled again.
func TestJournalDiskError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	good := j.f                  // nothing else replaces it here
	broken, err := os.Open(path) // not writable
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	use := func(f *os.File) {
		j.writing.Lock()
		defer j.writing.Unlock()
		j.f = f
	}
	use(broken)
	j.Add(entry(1))
	if err := j.Flush(); !errors.Is(err, ErrDisk) {
		t.Errorf("Flush: %v", err)
	}
	use(good)
	j.Add(entry(2))
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := payloads(t, testJournal(t, path)); !slices.Equal(got, []string{"<message id='2'/>"}) {
		t.Errorf("found %q", got)
	}
}

// The entries of a crashed process survive a change of the key, and an orderly end.
func TestJournalOfDatabase(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	d.Journal().Add(entry(1))
	d.Journal().Done(d.Journal().Add(entry(2)))
	if err := d.Rotate(context.Background()); err != nil {
		t.Fatal(err)
	}
	d.Journal().Add(entry(3))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, opts)
	if got := payloads(t, d.Journal()); !slices.Equal(got, []string{"<message id='1'/>", "<message id='3'/>"}) {
		t.Errorf("found %q", got)
	}
	opts = testOptions(t.TempDir())
	opts.NoJournal = true
	if j := open(t, opts).Journal(); j != nil {
		t.Error("a journal that is disabled is there")
	}
}

// BenchmarkJournal is the price of a message: an entry, its end, and a share of a write.
func BenchmarkJournal(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			j := testJournal(b, filepath.Join(b.TempDir(), "j"))
			e := entry(1)
			e.Payload = bytes.Repeat([]byte("x"), 250)
			var last uint64
			for n := range b.N {
				j.Done(last)
				last = j.Add(e)
				if n%batch == 0 {
					if err := j.Flush(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
