package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
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

	writing  sync.Mutex // held for the file; before mu
	f        *os.File
	spare    []byte // the buffer that is not in use
	unsynced bool

	mu      sync.Mutex
	buf     []byte          // records that are not written yet
	end     int64           // length of the file with buf
	fault   error           // of the last sync, for Flush
	open    map[uint64]span // unfinished entries
	live    int64           // bytes of them
	found   []JournalEntry  // of the process before
	damaged error           // entries of it that cannot be read
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

// The types of records: a length of four bytes, a type, an ID of eight bytes, and for an
// entry the sealed content.
const (
	recordEntry = 'E'
	recordDone  = 'D'
	recordHead  = 4 + 1 + 8
)

// openJournal opens or creates the journal and reads the entries that the process before
// has not finished.
func openJournal(path string, ring func() *ring) (*Journal, error) {
	j := &Journal{ring: ring, open: make(map[uint64]span)}
	var err error
	if j.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, locate("open: %w: %w: give the gateway's user read and write access to it", ErrDisk, err)
	}
	if err := j.recover(); err != nil {
		j.f.Close()
		return nil, locate("open: %w: %w", ErrDisk, err)
	}
	return j, nil
}

// recover reads the file up to its end, or to a record that was not written completely.
func (j *Journal) recover() error {
	all, err := io.ReadAll(j.f)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(all, []byte(journalHeader)) {
		return j.empty()
	}
	at := int64(len(journalHeader))
	for rest := all[at:]; len(rest) >= recordHead; rest = all[at:] {
		size := int64(binary.BigEndian.Uint32(rest))
		if size < recordHead || size > maxJournalEntry || size > int64(len(rest)) {
			break
		}
		id := binary.BigEndian.Uint64(rest[5:])
		switch rest[4] {
		case recordEntry:
			j.open[id] = span{at, int32(size)}
			j.live += size
		case recordDone:
			j.live -= int64(j.open[id].size)
			delete(j.open, id)
		}
		j.lastID.Store(max(j.lastID.Load(), id))
		at += size
	}
	if len(j.open) == 0 {
		return j.empty()
	}
	ids := make([]uint64, 0, len(j.open))
	for id := range j.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		s := j.open[id]
		e, err := j.decode(id, all[s.at:s.at+int64(s.size)])
		if err != nil {
			j.damaged = errors.Join(j.damaged, locate("%w: entry %d of the journal: %w", ErrCorrupt, id, err))
			j.live -= int64(s.size)
			delete(j.open, id)
			continue
		}
		j.found = append(j.found, e)
	}
	j.end = at
	return j.f.Truncate(at) // without the incomplete record
}

// empty makes the file that of a journal without entries.
func (j *Journal) empty() error {
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	if _, err := j.f.WriteAt([]byte(journalHeader), 0); err != nil {
		return err
	}
	j.end = int64(len(journalHeader))
	return nil
}

// journalPlace is the place of an entry's content.
func journalPlace(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte("journal"), id) }

// appendEntry appends the record of an entry.
func (j *Journal) appendEntry(dst []byte, e JournalEntry) []byte {
	plain := make([]byte, 0, 32+len(e.Network)+len(e.User)+len(e.Payload))
	plain = append(plain, byte(e.Kind))
	plain = binary.BigEndian.AppendUint64(plain, uint64(toMicro(e.Created)))
	plain = append(binary.AppendUvarint(plain, uint64(len(e.Network))), e.Network...)
	plain = append(binary.AppendUvarint(plain, uint64(len(e.User))), e.User...)
	plain = append(plain, e.Payload...)
	sealed := j.ring().seal(plain, journalPlace(e.ID))
	dst = appendHead(dst, recordHead+len(sealed), recordEntry, e.ID)
	return append(dst, sealed...)
}

func appendHead(dst []byte, size int, kind byte, id uint64) []byte {
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(size)), kind)
	return binary.BigEndian.AppendUint64(dst, id)
}

// decode reads the record of an entry.
func (j *Journal) decode(id uint64, record []byte) (e JournalEntry, err error) {
	plain, err := j.ring().open(record[recordHead:], journalPlace(id))
	if err != nil {
		return e, err
	}
	if len(plain) < 9 {
		return e, errSealed
	}
	e = JournalEntry{ID: id, Kind: JournalKind(plain[0]), Created: fromMicro(int64(binary.BigEndian.Uint64(plain[1:])))}
	rest := plain[9:]
	for _, part := range []*string{&e.Network, &e.User} {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return e, errSealed
		}
		*part, rest = string(rest[used:used+int(n)]), rest[used+int(n):]
	}
	if len(rest) > 0 {
		e.Payload = rest
	}
	return e, nil
}

// Add adds an entry and returns its ID, for Done. It returns 0, which Done ignores, if the
// journal is full or nil.
func (j *Journal) Add(e JournalEntry) uint64 {
	if j == nil {
		return 0
	}
	e.ID = j.lastID.Add(1)
	record := j.appendEntry(nil, e)
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
	for _, e := range j.found {
		if _, unfinished := j.open[e.ID]; unfinished && e.Network == network {
			all = append(all, e)
		}
	}
	return all, j.damaged
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
	j.buf = j.spare[:0]
	compact := j.end > journalCompact && j.live < j.end/2
	j.mu.Unlock()
	j.spare = batch
	if len(batch) == 0 {
		return nil
	}
	if cap(j.spare) > 1<<20 {
		j.spare = nil
	}
	_, err := j.f.WriteAt(batch, at)
	j.unsynced = true
	if err == nil && compact {
		err = j.rewrite()
	}
	return j.failed(err)
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

// rewrite replaces the file by one with the unfinished entries only, sealed with the newest
// key. writing is held.
func (j *Journal) rewrite() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.buf) > 0 { // their places would change
		if _, err := j.f.WriteAt(j.buf, j.end-int64(len(j.buf))); err != nil {
			return err
		}
		j.buf = j.buf[:0]
	}
	ids := make([]uint64, 0, len(j.open))
	for id := range j.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out, places, live := []byte(journalHeader), make(map[uint64]span, len(ids)), int64(0)
	for _, id := range ids {
		record := make([]byte, j.open[id].size)
		if _, err := j.f.ReadAt(record, j.open[id].at); err != nil {
			return err
		}
		e, err := j.decode(id, record)
		if err != nil {
			return err
		}
		at := int64(len(out))
		out = j.appendEntry(out, e)
		places[id] = span{at, int32(int64(len(out)) - at)}
		live += int64(len(out)) - at
	}
	path := j.f.Name()
	f, err := os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(out)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		f.Close()
		return err
	}
	j.f.Close()
	if j.f, err = os.OpenFile(path, os.O_RDWR, 0o600); err != nil {
		j.f = f
	} else {
		f.Close()
	}
	j.open, j.end, j.live = places, int64(len(out)), live
	return nil
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

// run syncs the journal every second until closing.
func (j *Journal) run(closing <-chan struct{}) {
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
		case <-closing:
			return
		}
	}
}

// close ends the journal properly. The next process finds only entries that are unfinished
// now.
func (j *Journal) close() error {
	return errors.Join(j.sync(), j.f.Close())
}
