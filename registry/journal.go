package registry

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// JournalKind is the kind of an entry of the journal.
type JournalKind byte

const (
	// FromUser is a message from a user whose outcome on the network is not known yet.
	FromUser JournalKind = 1 + iota
	// ToUser is a message to a user that the XMPP server has not acknowledged yet.
	ToUser
	// SignedOn says that a user is signed on to the network.
	SignedOn
)

// JournalEntry is what the gateway has to finish.
type JournalEntry struct {
	ID            uint64 // assigned by Add
	Kind          JournalKind
	Network, User string
	Payload       []byte // the stanza; nil for SignedOn
	Created       time.Time
}

// Journal has the entries that are not finished, in a file that is mapped into memory. If the
// process ends without closing the database, the next process finds them in the file. Any
// goroutine may call its methods.
//
// Add and Done only write to the mapping, which costs no system call: the kernel has the
// entry, so that it survives a crash of the process at the next instruction. The journal syncs
// the file to the disk once a second, so that older entries survive a power failure, too.
type Journal struct {
	path string
	ring func() *ring

	stop    chan struct{} // closed by close
	syncing sync.WaitGroup

	lastID atomic.Uint64
	file   atomic.Pointer[journalFile] // replaced while mu is held; nil after a disk error
	dirty  atomic.Bool                 // changed since the last sync
	fault  atomic.Pointer[error]       // of the disk, for the next Add

	mu     sync.Mutex
	open   map[uint64]span // unfinished entries
	live   int             // bytes of them
	before leftover
}

// leftover is what the process before has not finished.
type leftover struct {
	entries []JournalEntry
	damaged error // the entries that cannot be read
}

// span is the place of a record in the file.
type span struct{ at, size int }

const (
	maxJournal      = 64 << 20 // limit: bytes of unfinished entries of the journal | further ones are not added
	maxJournalEntry = 2 << 20  // limit: bytes of an entry of the journal | it is not added
	journalSync     = time.Second
)

// openJournal reads the entries that the process before has not finished, and moves them to
// a new file.
func openJournal(path string, ring func() *ring) (*Journal, error) {
	j := &Journal{path: path, ring: ring, open: make(map[uint64]span), stop: make(chan struct{})}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, locate("open: %w: %w: give the gateway's user read and write access to it", ErrDisk, err)
	}
	if err := newerJournal(path, old); err != nil {
		return nil, err
	}
	if j.before = j.recover(old); j.before.damaged != nil {
		aside := path + ".damaged"
		if err := os.Rename(path, aside); err != nil {
			return nil, locate("open: %w: %w", ErrDisk, err)
		}
		j.before.damaged = fmt.Errorf("%w (the file is kept as %s)", j.before.damaged, aside)
	}
	if err := j.reseal(); err != nil {
		return nil, err
	}
	j.syncing.Go(j.run)
	return j, nil
}

// Add adds an entry and returns its ID, for Done. The ID is 0, which Done ignores, if the
// journal is nil, and if the entry is not added: the error is ErrFull or ErrDisk. ErrDisk
// with an ID is that of an earlier sync.
func (j *Journal) Add(e JournalEntry) (uint64, error) {
	if j == nil {
		return 0, nil
	}
	e.ID = j.lastID.Add(1)
	buf, ok := recordBuffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer recordBuffers.Put(buf)
	file := j.file.Load()
	*buf = file.appendEntry((*buf)[:0], e)
	j.mu.Lock()
	defer j.mu.Unlock()
	if now := j.file.Load(); now != file { // sealed for the file before
		file = now
		*buf = file.appendEntry((*buf)[:0], e)
	}
	if err := j.put(e.ID, *buf); err != nil {
		return 0, err
	}
	j.dirty.Store(true)
	if fault := j.fault.Swap(nil); fault != nil {
		return e.ID, *fault
	}
	return e.ID, nil
}

// recordBuffers are the buffers of Add, *[]byte.
var recordBuffers sync.Pool

// put writes a record. mu is held.
func (j *Journal) put(id uint64, record []byte) error {
	switch {
	case j.file.Load() == nil:
		return locate("journal: %w: the file cannot be written", ErrDisk)
	case len(record) > maxJournalEntry || j.live+len(record) > maxJournal:
		return locate("journal: %w", ErrFull)
	}
	if !j.file.Load().fits(len(record)) {
		if err := j.compact(len(record)); err != nil {
			return err
		}
	}
	at, err := j.file.Load().put(record)
	if err != nil {
		return j.lost(err)
	}
	j.open[id] = span{at, len(record)}
	j.live += len(record)
	return nil
}

// Done removes finished entries.
func (j *Journal) Done(ids ...uint64) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		s, unfinished := j.open[id]
		if !unfinished {
			continue
		}
		if err := j.file.Load().finish(s.at); err != nil {
			j.fault.Store(new(j.lost(err)))
			return
		}
		delete(j.open, id)
		j.live -= s.size
		j.dirty.Store(true)
	}
}

// Unfinished returns the entries of a network that the process before has not finished,
// oldest first. They stay in the journal until Done. If some cannot be read, it returns the
// others together with an error that wraps ErrCorrupt.
func (j *Journal) Unfinished(network string) (all []JournalEntry, err error) {
	if j == nil {
		return nil, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.before.entries {
		if _, unfinished := j.open[e.ID]; unfinished && e.Network == network {
			all = append(all, e)
		}
	}
	return all, j.before.damaged
}

// unfinished returns the IDs of the unfinished entries, oldest first. mu is held.
func (j *Journal) unfinished() []uint64 {
	ids := make([]uint64, 0, len(j.open))
	for id := range j.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// compact makes room for a record: it moves the unfinished entries to the other half of the
// file, or to a larger or smaller file. mu is held.
func (j *Journal) compact(room int) error {
	file := j.file.Load()
	to, half := file, halfFor(j.live+room)
	if half > file.half || half <= file.half/4 {
		var err error
		if to, err = createJournal(j.path+".new", half, file.head); err != nil {
			return err
		}
	}
	places, err := file.move(to, j.unfinished(), j.open)
	if err != nil {
		if to != file {
			to.close()
		}
		return j.lost(err)
	}
	if to != file {
		if err := j.replace(to); err != nil { // the old file is as it was
			return locate("journal: %w: %w", ErrDisk, err)
		}
	}
	j.open = places
	return nil
}

// replace makes to the file of the journal. It does not wait for the disk: the stream's reader
// may be waiting for mu. mu is held.
func (j *Journal) replace(to *journalFile) error {
	if err := os.Rename(to.f.Name(), j.path); err != nil {
		to.close()
		return err
	}
	if old := j.file.Swap(to); old != nil {
		old.close()
	}
	return nil
}

// reseal moves all entries to a new file, which is sealed with the newest key.
func (j *Journal) reseal() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	head, err := newHead(j.ring())
	if err != nil {
		return err
	}
	size := j.live
	for _, e := range j.before.entries {
		if j.file.Load() == nil { // at the start
			size += len(e.Payload) + len(e.Network) + len(e.User) + maxRecordRest
		}
	}
	to, err := createJournal(j.path+".new", halfFor(size), head)
	if err != nil {
		return err
	}
	places, live, from := make(map[uint64]span, len(j.open)), 0, j.file.Load()
	keep := func(e JournalEntry) error {
		record := to.appendEntry(nil, e)
		at, err := to.put(record)
		places[e.ID], live = span{at, len(record)}, live+len(record)
		return err
	}
	if from == nil {
		for _, e := range j.before.entries {
			err = errors.Join(err, keep(e))
		}
	} else {
		for _, id := range j.unfinished() {
			e, bad := from.entry(id, j.open[id])
			if bad == nil {
				bad = keep(e)
			}
			err = errors.Join(err, bad)
		}
	}
	if err != nil {
		to.close()
		return locate("journal: %w: %w", ErrDisk, err)
	}
	err = to.f.Sync()
	if err != nil {
		to.close()
	} else {
		err = j.replace(to)
	}
	if err != nil {
		return locate("journal: %w: %w", ErrDisk, err)
	}
	j.open, j.live = places, live
	return nil
}

// lost gives up the file after an error of the disk. The entries so far are no longer in the
// journal; run tries to make a new file. mu is held.
func (j *Journal) lost(err error) error {
	if file := j.file.Swap(nil); file != nil {
		file.close()
	}
	clear(j.open)
	j.live, j.before.entries = 0, nil
	return locate("journal: %w: %w", ErrDisk, err)
}
