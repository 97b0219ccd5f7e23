package registry

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

func journalRing(t testing.TB) *ring {
	t.Helper()
	r, err := newRing([]key{{version: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testJournal(t testing.TB, path string) *Journal {
	t.Helper()
	r := journalRing(t)
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

// add adds an entry.
func (j *Journal) add(t testing.TB, e JournalEntry) uint64 {
	t.Helper()
	id, err := j.Add(e)
	if err != nil {
		t.Fatal(err)
	}
	return id
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
		ids = append(ids, j.add(t, entry(n)))
	}
	session := j.add(t, JournalEntry{Kind: SignedOn, Network: "irc.example.org", User: testUser, Created: testNow.Add(time.Second)})
	j.Done(ids[1], ids[3], 0, 1<<40)
	for range 2 { // also after a second crash
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
	if id := j.add(t, entry(9)); id <= session {
		t.Errorf("the ID %d was used before", id)
	}
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte("<message")) || bytes.Contains(raw, []byte(testUser)) {
		t.Errorf("the file is readable, or %v", err)
	}
	var none *Journal
	none.Done(none.add(t, entry(1)))
}

// used returns the part of a journal's file that has content.
func used(t testing.TB, j *Journal) []byte {
	t.Helper()
	raw, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	return raw[:j.file.Load().end+4]
}

// A file that ends anywhere, or has a changed byte anywhere, gives what comes before, is
// kept aside if something is missing, and does not keep the journal from its work.
func TestJournalDamaged(t *testing.T) {
	dir := t.TempDir()
	j := testJournal(t, filepath.Join(dir, "j"))
	for n := range 3 {
		id := j.add(t, entry(n))
		if n == 1 {
			j.Done(id)
		}
	}
	whole, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(used(t, j))
	var places []int // without most of the head, which is empty
	for n := range end {
		if n < headSize+2 || n > journalHead-2 {
			places = append(places, n)
		}
	}
	other := filepath.Join(dir, "other")
	for i, n := range places {
		for _, cut := range []bool{true, false} {
			damaged := slices.Clone(whole)
			if cut {
				clear(damaged[n:]) // a file system that has not written the rest
			} else {
				damaged[n] ^= 0xff
			}
			found := (&Journal{ring: j.ring}).recover(damaged)
			if len(found.entries) > 3 || found.damaged != nil && !errors.Is(found.damaged, ErrCorrupt) {
				t.Fatalf("%d: found %d, %v", n, len(found.entries), found.damaged)
			}
			if i%29 != 0 { // each file that is opened is synced
				continue
			}
			if err := os.WriteFile(other, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			testJournal(t, other).add(t, entry(7))
			if _, missing := os.Stat(other + ".damaged"); (found.damaged != nil) != (missing == nil) {
				t.Fatalf("%d: %v, but the file that is kept: %v", n, found.damaged, missing)
			}
			again, _ := testJournal(t, other).Unfinished(testNet)
			if len(again) != len(found.entries)+1 || string(again[len(again)-1].Payload) != "<message id='7'/>" {
				t.Fatalf("%d: found %d, and then %d", n, len(found.entries), len(again))
			}
			os.Remove(other + ".damaged")
		}
	}
	for _, n := range []int{0, 1, 2, 3, len(whole)/4096 - 1} { // files that end early
		if err := os.WriteFile(other, whole[:n*4096], 0o600); err != nil {
			t.Fatal(err)
		}
		if found, _ := testJournal(t, other).Unfinished(testNet); n > 0 && len(found) > 0 && len(found) != 2 {
			t.Errorf("%d pages: found %d", n, len(found))
		}
	}
}

// The journal of a newer version is refused and not changed. A file that is no journal is
// kept under another name, and reported.
func TestJournalOfAnotherFormat(t *testing.T) {
	for _, test := range []struct {
		text  string
		newer bool
	}{
		{"transport journal 3\nsomething", true},
		{"transport journal 17\n", true},
		{"transport journal 0\nsomething", false},
		{"transport journal x\nsomething", false},
		{"transport journal 99999999999\nsomething", false},
		{string(make([]byte, 100)), false},
		{journalMagic1 + "\x00\x00\x00\xffE\x00\x00\x00\x00\x00\x00\x00\x01torn", false},
		{journalMagic1 + "\x00\x00\x00\x0dX\x00\x00\x00\x00\x00\x00\x00\x01", false},
	} {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := journalRing(t)
		j, err := openJournal(path, func() *ring { return r })
		if test.newer {
			if !errors.Is(err, ErrNewer) || !bytes.Contains([]byte(err.Error()), []byte(path)) || !bytes.Contains([]byte(err.Error()), []byte("this program supports format 2")) {
				t.Errorf("%q: %v", test.text, err)
			}
			if string(readFile(t, path)) != test.text {
				t.Errorf("%q was changed", test.text)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Unfinished(testNet); !errors.Is(err, ErrCorrupt) || string(readFile(t, path+".damaged")) != test.text {
			t.Errorf("%q: %v", test.text, err)
		}
		j.add(t, entry(1))
		if err := j.close(); err != nil {
			t.Error(err)
		}
		if got := payloads(t, testJournal(t, path)); len(got) != 1 {
			t.Errorf("%q: then found %q", test.text, got)
		}
	}
}

// LeftJournal finds the journal that a database without one does not read.
func TestLeftJournal(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	d.Journal().Done(d.Journal().add(t, entry(1)))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if left := LeftJournal(opts.Path); left != "" {
		t.Errorf("an empty one is %q", left)
	}
	d = open(t, opts)
	d.Journal().add(t, entry(1))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if left := LeftJournal(opts.Path); left != opts.Path+".journal" {
		t.Errorf("found %q", left)
	}
}

// The first version's file: its entries are taken over.
func TestJournalVersion1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	r := journalRing(t)
	old := []byte(journalMagic1)
	for n := range 3 {
		plain := append([]byte{byte(FromUser)}, binary.BigEndian.AppendUint64(nil, uint64(toMicro(testNow)))...)
		for _, part := range []string{testNet, testUser} {
			plain = append(binary.AppendUvarint(plain, uint64(len(part))), part...)
		}
		plain = fmt.Appendf(plain, "<message id='%d'/>", n)
		id := binary.BigEndian.AppendUint64(nil, uint64(n+1))
		sealed := r.seal(plain, append([]byte("journal"), id...))
		old = binary.BigEndian.AppendUint32(old, uint32(recordHead+len(sealed)))
		old = append(append(append(old, recordEntry), id...), sealed...)
	}
	old = append(binary.BigEndian.AppendUint32(old, recordHead), recordDone)
	old = binary.BigEndian.AppendUint64(old, 2)
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := payloads(t, testJournal(t, path)); !slices.Equal(got, []string{"<message id='0'/>", "<message id='2'/>"}) {
			t.Errorf("found %q", got)
		}
	}
}

// FuzzJournal: no file makes the journal fail or use more memory than the file has bytes.
func FuzzJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	j := testJournal(f, path)
	j.Done(j.add(f, entry(1)))
	j.add(f, entry(2))
	seed := used(f, j)
	binary.BigEndian.PutUint64(seed[headHalf:], uint64(len(seed)-journalHead)) // a small file is a fast one
	f.Add(seed)
	f.Add([]byte(journalMagic1 + "\xff\xff\xff\xffE\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if newerJournal("", file) != nil {
			return // it is refused
		}
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		j := testJournal(t, path)
		before, _ := j.Unfinished(testNet)
		j.add(t, entry(1))
		if after, _ := testJournal(t, path).Unfinished(testNet); len(after) != len(before)+1 {
			t.Errorf("%d entries, and then %d", len(before), len(after))
		}
	})
}

// Entries move to the other half when one is full, and to a larger or smaller file.
func TestJournalSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	size := func() int64 {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	big := entry(0)
	big.Payload = bytes.Repeat([]byte("x"), 64<<10)
	first := j.add(t, entry(1))
	for range 1000 {
		j.Done(j.add(t, big))
	}
	if want := int64(journalHead + 2*minHalf); size() != want {
		t.Errorf("the file has %d bytes, want %d", size(), want)
	}
	var ids []uint64
	for range 100 {
		ids = append(ids, j.add(t, big))
	}
	if got := payloads(t, testCopy(t, j)); len(got) != 101 || got[0] != "<message id='1'/>" || got[100] != string(big.Payload) {
		t.Errorf("found %d", len(got))
	}
	large := size()
	j.Done(ids...)
	for range 1000 {
		j.Done(j.add(t, big))
	}
	if size() >= large/4 {
		t.Errorf("the file had %d bytes, and still has %d", large, size())
	}
	if got := payloads(t, testCopy(t, j)); !slices.Equal(got, []string{"<message id='1'/>"}) {
		t.Errorf("found %q", got)
	}
	j.Done(first)
	// Its bound
	big.Payload = bytes.Repeat([]byte("x"), 1<<20)
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = j.Add(big)
	}
	if !errors.Is(err, ErrFull) || n < 60 || size() > journalHead+2*maxHalf {
		t.Errorf("%v after %d entries at %d bytes", err, n, size())
	}
	big.Payload = bytes.Repeat([]byte("x"), maxJournalEntry)
	if _, err := testJournal(t, filepath.Join(t.TempDir(), "k")).Add(big); !errors.Is(err, ErrFull) {
		t.Errorf("a huge entry: %v", err)
	}
}

// testCopy opens a copy of a journal's file: what the next process would find.
func testCopy(t *testing.T, j *Journal) *Journal {
	t.Helper()
	raw, err := os.ReadFile(j.path)
	path := filepath.Join(t.TempDir(), "copy")
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return testJournal(t, path)
}

// Random entries come and go, move and are resealed: a crash at any time finds those that
// are unfinished.
func TestJournalRandom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	random := rand.New(rand.NewPCG(1, 2))
	open := make(map[uint64]string)
	for step := range 6_000 {
		e := entry(step)
		e.Payload = append(e.Payload, bytes.Repeat([]byte("x"), random.IntN(4000))...)
		open[j.add(t, e)] = string(e.Payload)
		for id := range open {
			if len(open) < 300 && random.IntN(10) < 6 {
				break
			}
			j.Done(id)
			delete(open, id)
		}
		if step%1000 == 0 {
			if err := j.reseal(); err != nil {
				t.Fatal(err)
			}
		}
		if step%600 != 0 {
			continue
		}
		entries, err := testCopy(t, j).Unfinished(testNet)
		if err != nil || len(entries) != len(open) {
			t.Fatalf("step %d: found %d of %d, %v", step, len(entries), len(open), err)
		}
		for _, e := range entries {
			if open[e.ID] != string(e.Payload) {
				t.Fatalf("step %d: entry %d has changed", step, e.ID)
			}
		}
	}
}

// Entries are added, finished and resealed by several goroutines.
func TestJournalConcurrent(t *testing.T) {
	j := testJournal(t, filepath.Join(t.TempDir(), "j"))
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for step := range 500 {
				if id := j.add(t, entry(n*1000+step)); step != 0 {
					j.Done(id)
				}
				if step%100 == n {
					if err := j.reseal(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if got := payloads(t, testCopy(t, j)); len(got) != 8 {
		t.Errorf("found %q", got)
	}
}

// A disk that fails under the mapping is an error, and the next sync makes a new file.
func TestJournalDiskError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	j.add(t, entry(1))
	if err := os.Truncate(path, 0); err != nil { // the kernel has no page for the mapping
		t.Fatal(err)
	}
	if _, err := j.Add(entry(2)); !errors.Is(err, ErrDisk) {
		t.Errorf("Add: %v", err)
	}
	if _, err := j.Add(entry(3)); !errors.Is(err, ErrDisk) {
		t.Errorf("Add without a file: %v", err)
	}
	if err := j.sync(); err != nil {
		t.Fatal(err)
	}
	j.add(t, entry(4))
	if got := payloads(t, testCopy(t, j)); !slices.Equal(got, []string{"<message id='4'/>"}) {
		t.Errorf("found %q", got)
	}
}

// A folder that takes no file: the journal goes on with the old one, and says so.
func TestJournalFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := testJournal(t, path)
	if err := os.Mkdir(path+".new", 0o700); err != nil { // root may write to any folder
		t.Fatal(err)
	}
	big := entry(0)
	big.Payload = bytes.Repeat([]byte("x"), 64<<10)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		_, err = j.Add(big)
	}
	if !errors.Is(err, ErrDisk) {
		t.Errorf("after %d: %v", n, err)
	}
	if got := payloads(t, testCopy(t, j)); len(got) != n-1 {
		t.Errorf("found %d of %d", len(got), n-1)
	}
	if err := os.Remove(path + ".new"); err != nil {
		t.Fatal(err)
	}
	j.add(t, big)
}

// The entries of a crashed process survive a change of the key, and an orderly end.
func TestJournalOfDatabase(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	d.Journal().add(t, entry(1))
	d.Journal().Done(d.Journal().add(t, entry(2)))
	if err := d.Rotate(context.Background()); err != nil {
		t.Fatal(err)
	}
	last := d.Journal().add(t, entry(3))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, opts)
	if got := payloads(t, d.Journal()); !slices.Equal(got, []string{"<message id='1'/>", "<message id='3'/>"}) {
		t.Errorf("found %q", got)
	}
	d.Journal().Done(last, last-2)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(opts.Path + ".journal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty journal is still there: %v", err)
	}
	opts = testOptions(t.TempDir())
	opts.NoJournal = true
	if j := open(t, opts).Journal(); j != nil {
		t.Error("a journal that is disabled is there")
	}
}

// BenchmarkJournal is the price of a message: an entry and its end.
func BenchmarkJournal(b *testing.B) {
	j := testJournal(b, filepath.Join(b.TempDir(), "j"))
	e := entry(1)
	e.Payload = bytes.Repeat([]byte("x"), 250)
	b.ReportAllocs()
	for b.Loop() {
		j.Done(j.add(b, e))
	}
}
