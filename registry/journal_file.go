package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
)

// The types of records: a length of four bytes, a type, an ID of eight bytes, and for an
// entry the sealed content.
const (
	recordEntry = 'E'
	recordDone  = 'D'
	recordHead  = 4 + 1 + 8
)

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
			j.before.damaged = errors.Join(j.before.damaged, locate("%w: entry %d of the journal: %w", ErrCorrupt, id, err))
			j.live -= int64(s.size)
			delete(j.open, id)
			continue
		}
		j.before.entries = append(j.before.entries, e)
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

const journalPlaceSize = 15 // bytes of the place of an entry's content

// appendPlace appends the place of an entry's content.
func appendPlace(dst []byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, "journal"...), id)
}

// appendEntry appends the record of an entry.
func (j *Journal) appendEntry(dst []byte, e JournalEntry) []byte {
	buf, ok := plainBuffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer plainBuffers.Put(buf)
	plain := append((*buf)[:0], byte(e.Kind))
	plain = binary.BigEndian.AppendUint64(plain, uint64(toMicro(e.Created)))
	plain = append(binary.AppendUvarint(plain, uint64(len(e.Network))), e.Network...)
	plain = append(binary.AppendUvarint(plain, uint64(len(e.User))), e.User...)
	plain = append(plain, e.Payload...)
	*buf = plain
	start := len(dst)
	dst = appendHead(dst, 0, recordEntry, e.ID)
	var place [journalPlaceSize]byte
	dst = j.ring().appendSealed(dst, plain, appendPlace(place[:0], e.ID))
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// plainBuffers are the buffers of appendEntry, *[]byte.
var plainBuffers sync.Pool

func appendHead(dst []byte, size int, kind byte, id uint64) []byte {
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(size)), kind)
	return binary.BigEndian.AppendUint64(dst, id)
}

// decode reads the record of an entry.
func (j *Journal) decode(id uint64, record []byte) (e JournalEntry, err error) {
	plain, err := j.ring().open(record[recordHead:], appendPlace(nil, id))
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
