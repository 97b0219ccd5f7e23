package registry

import (
	"errors"
	"os"
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

// Journal is a file of the entries that are not finished. If the process ends without
// closing the database, the next process finds them in it. Any goroutine may call its
// methods.
//
// Add and Done only fill a buffer. Flush writes it with one system call, and does not wait
// for the disk: entries survive a crash of the process. The journal syncs the file to the
// disk once a second, so that older entries survive a power failure, too.
type Journal struct {
	ring   func() *ring
	lastID atomic.Uint64

	stop    chan struct{} // closed by close
	syncing sync.WaitGroup

	writing  sync.Mutex // held for the file; before mu
	f        *os.File
	unsynced bool

	mu     sync.Mutex
	buf    []byte          // records that are not written yet
	end    int64           // length of the file with buf
	fault  error           // of the last sync, for Flush
	open   map[uint64]span // unfinished entries
	live   int64           // bytes of them
	before leftover
}

// leftover is what the process before has not finished.
type leftover struct {
	entries []JournalEntry
	damaged error // the entries that cannot be read
}

// span is the place of a record in the file.
type span struct {
	at   int64
	size int32
}

const (
	journalHeader   = "transport journal 1\n"
	journalReset    = 256 << 10 // bytes of a file without unfinished entries that is emptied
	journalCompact  = 8 << 20   // bytes of a file that is rewritten if half of it is finished
	maxJournal      = 64 << 20  // bytes of unfinished entries; further ones are not added
	maxJournalEntry = 2 << 20   // bytes of a record
	journalSync     = time.Second
)

// openJournal opens or creates the journal and reads the entries that the process before
// has not finished.
func openJournal(path string, ring func() *ring) (*Journal, error) {
	j := &Journal{ring: ring, open: make(map[uint64]span), stop: make(chan struct{})}
	var err error
	if j.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, locate("open: %w: %w: give the gateway's user read and write access to it", ErrDisk, err)
	}
	if err := j.recover(); err != nil {
		j.f.Close()
		return nil, locate("open: %w: %w", ErrDisk, err)
	}
	j.syncing.Go(j.run)
	return j, nil
}

// Add adds an entry and returns its ID, for Done. It returns 0, which Done ignores, if the
// journal is full or nil.
func (j *Journal) Add(e JournalEntry) uint64 {
	if j == nil {
		return 0
	}
	e.ID = j.lastID.Add(1)
	buf, ok := recordBuffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer recordBuffers.Put(buf)
	record := j.appendEntry((*buf)[:0], e)
	*buf = record
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(record) > maxJournalEntry || j.live > maxJournal {
		return 0
	}
	j.open[e.ID] = span{j.end, int32(len(record))}
	j.buf = append(j.buf, record...)
	j.end += int64(len(record))
	j.live += int64(len(record))
	return e.ID
}

// recordBuffers are the buffers of Add, *[]byte.
var recordBuffers sync.Pool

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
		delete(j.open, id)
		j.live -= int64(s.size)
		j.buf = appendHead(j.buf, recordHead, recordDone, id)
		j.end += recordHead
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

// Flush writes the buffer to the file. After an error, which wraps ErrDisk, the entries so
// far are no longer in the journal. The error may be that of an earlier sync.
func (j *Journal) Flush() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	idle, fault := len(j.buf) == 0, j.fault
	j.fault = nil
	j.mu.Unlock()
	if idle || fault != nil {
		return fault
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.flush()
}

// flush is Flush with writing held.
func (j *Journal) flush() error {
	j.mu.Lock()
	if len(j.open) == 0 && j.end > journalReset {
		j.buf = j.buf[:0]
		err := j.empty()
		j.mu.Unlock()
		return j.failed(err)
	}
	batch, at := j.buf, j.end-int64(len(j.buf))
	j.buf = nil
	compact := j.end > journalCompact && j.live < j.end/2
	j.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	_, err := j.f.WriteAt(batch, at)
	j.reuse(batch)
	j.unsynced = true
	if err == nil && compact {
		err = j.rewrite()
	}
	return j.failed(err)
}

// reuse makes a written buffer the next one, unless there is one already or it is large.
func (j *Journal) reuse(batch []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.buf == nil && cap(batch) <= 1<<20 {
		j.buf = batch[:0]
	}
}

// failed empties the journal after an error.
func (j *Journal) failed(err error) error {
	if err == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.open)
	j.buf, j.live = j.buf[:0], 0
	if empty := j.empty(); empty != nil {
		j.end = int64(len(journalHeader))
	}
	return locate("journal: %w: %w", ErrDisk, err)
}

// reseal seals all entries with the newest key.
func (j *Journal) reseal() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.rewrite()
}

// sync flushes the buffer, and syncs the file if it has changed.
func (j *Journal) sync() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	err := j.flush()
	if err == nil && j.unsynced {
		j.unsynced = false
		err = j.f.Sync()
	}
	return err
}

// run syncs the journal every second until close.
func (j *Journal) run() {
	tick := time.NewTicker(journalSync)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := j.sync(); err != nil {
				j.mu.Lock()
				j.fault = err
				j.mu.Unlock()
			}
		case <-j.stop:
			return
		}
	}
}

// close ends the journal properly. The next process finds only entries that are unfinished
// now.
func (j *Journal) close() error {
	close(j.stop)
	j.syncing.Wait()
	return errors.Join(j.sync(), j.f.Close())
}
