package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
)

// entry reads the record at a place.
func (file *journalFile) entry(id uint64, s span) (e JournalEntry, err error) {
	bad := guard(func() { e, err = file.decode(id, file.data[s.at:][:s.size]) })
	return e, errors.Join(bad, err)
}

// decode reads the record of an entry.
func (h *head) decode(id uint64, record []byte) (e JournalEntry, err error) {
	plain, err := h.aead.Open(nil, h.nonce(id), record[recordHead:], nil)
	if err != nil {
		return e, errSealed
	}
	return decodeEntry(id, plain)
}

// decodeEntry reads the content of an entry.
func decodeEntry(id uint64, plain []byte) (e JournalEntry, err error) {
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

// recover reads the unfinished entries of a file, up to its end, or to a record that was not
// written completely.
func (j *Journal) recover(all []byte) (found leftover) {
	var decode func(id uint64, record []byte) (JournalEntry, error)
	records := []byte(nil)
	switch {
	case bytes.HasPrefix(all, []byte(journalMagic1)):
		records = all[len(journalMagic1):]
		decode = func(id uint64, record []byte) (JournalEntry, error) {
			plain, err := j.ring().open(record[recordHead:], binary.BigEndian.AppendUint64([]byte("journal"), id))
			if err != nil {
				return JournalEntry{}, err
			}
			return decodeEntry(id, plain)
		}
	case bytes.HasPrefix(all, []byte(journalMagic)) && len(all) >= journalHead:
		h := &head{version: all[headKey], salt: [saltSize]byte(all[headSalt:])}
		half, active := binary.BigEndian.Uint64(all[headHalf:]), uint64(all[headActive])
		if half > maxHalf || active > 1 || uint64(len(all)) < journalHead+(active+1)*half {
			found.damaged = locate("%w: the head of the journal is damaged", ErrCorrupt)
			return found
		}
		if err := h.derive(j.ring()); err != nil {
			found.damaged = locate("%w: the journal: %w", ErrCorrupt, err)
			return found
		}
		records, decode = all[journalHead+active*half:][:half], h.decode
	case len(all) == 0:
	default:
		found.damaged = locate("%w: %s is not a journal of this version", ErrCorrupt, j.path)
		return found
	}
	open, last, lost := walk(records)
	j.lastID.Store(last)
	if lost {
		found.damaged = locate("%w: the journal has records that cannot be read", ErrCorrupt)
	}
	for _, id := range slices.Sorted(maps.Keys(open)) {
		e, err := decode(id, open[id])
		if err != nil {
			found.damaged = errors.Join(found.damaged, locate("%w: entry %d of the journal: %w", ErrCorrupt, id, err))
			continue
		}
		found.entries = append(found.entries, e)
	}
	return found
}

// walk returns the records of unfinished entries, and the highest ID. lost reports that there
// is something else than records and the end.
func walk(records []byte) (open map[uint64][]byte, last uint64, lost bool) {
	open = make(map[uint64][]byte)
	for len(records) >= recordHead {
		size := binary.BigEndian.Uint32(records)
		if size == 0 {
			return open, last, lost
		}
		if size < recordHead || size > maxJournalEntry || int(size) > len(records) {
			return open, last, true
		}
		id := binary.BigEndian.Uint64(records[idAt:])
		switch records[stateAt] {
		case recordEntry:
			open[id] = records[:size]
		case recordDone:
			delete(open, id)
		case recordFinished:
		default:
			lost = true
		}
		last = max(last, id)
		records = records[size:]
	}
	return open, last, lost
}

// newerJournal returns ErrNewer if a newer version of the program has written a journal.
func newerJournal(path string, all []byte) error {
	rest, ok := bytes.CutPrefix(all, []byte(journalName))
	if !ok {
		return nil
	}
	digits, _, _ := bytes.Cut(rest[:min(len(rest), 10)], []byte("\n"))
	format, err := strconv.ParseUint(string(digits), 10, 31)
	if err != nil || format <= journalFormat {
		return nil
	}
	return locate("open: journal %s: %w: it has format %d, this program supports format %d: install the newer version again, or move the file away, and with it the messages that were under way",
		path, ErrNewer, format, journalFormat)
}

// LeftJournal returns the path of the journal of the database at path if a process has left
// one, otherwise "". It may have entries, which a database that is opened with NoJournal does
// not read.
func LeftJournal(path string) string {
	path, err := resolve(path)
	if err != nil {
		return ""
	}
	path += ".journal"
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return ""
	}
	return path
}
