package registry

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"runtime/debug"
	"slices"
	"sync"
)

// The layout of the file: a head, and two halves of the same size. Records are appended to
// the half that the head names. When it is full, the unfinished ones move to the other half,
// and the head changes by one byte: there is no moment at which the file lacks an entry.
//
// A record is its length (four bytes, with this head), a state, an ID of eight bytes, and the
// sealed content. It is followed by a length of 0. The length is written last, so that what
// comes before it is complete.
const (
	journalName   = "transport journal "
	journalFormat = 2
	journalMagic  = journalName + "2\n"
	journalHead   = 4096

	headSalt   = len(journalMagic)   // saltSize bytes
	headKey    = headSalt + saltSize // the version of the key
	headActive = headKey + 1         // 0 or 1: the half in use
	headHalf   = headActive + 1      // the size of a half, eight bytes
	headSize   = headHalf + 8        // what is used of the head
	saltSize   = 32
	minHalf    = 1 << 20
	maxHalf    = 2 * maxJournal // limit: bytes of a half of the journal file | further entries are not added

	recordHead = 4 + 1 + 8
	stateAt    = 4
	idAt       = 5

	maxRecordRest = recordHead + 1 + 8 + 2*binary.MaxVarintLen32 + 16 // limit: bytes of a record of the journal that are not content | never exceeded
)

// The states of records. The first version of the file marked an entry as finished by a
// further record, recordDone.
const (
	recordEntry    = 'E'
	recordFinished = 'F'
	recordDone     = 'D'
)

const journalMagic1 = journalName + "1\n"

// head is what the head of a file says about its key.
type head struct {
	version byte
	salt    [saltSize]byte
	aead    cipher.AEAD
}

// newHead derives a key from the newest one. Each file has a key of its own, so that an
// entry's ID serves as its nonce.
func newHead(r *ring) (*head, error) {
	h := &head{version: r.current()}
	if _, err := rand.Read(h.salt[:]); err != nil {
		return nil, err
	}
	return h, h.derive(r)
}

// derive sets the AEAD.
func (h *head) derive(r *ring) error {
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.version == h.version })
	if i < 0 {
		return errVersion(h.version)
	}
	sub, err := hkdf.Key(sha256.New, r.keys[i].secret[:], h.salt[:], "transport registry journal", keySize)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return err
	}
	h.aead, err = cipher.NewGCM(block)
	return err
}

// nonce is that of an entry.
func (h *head) nonce(id uint64) []byte {
	var nonce [12]byte
	binary.BigEndian.PutUint64(nonce[4:], id)
	return nonce[:]
}

// journalFile is a file that is mapped into memory. The Journal's mutex guards it; head is
// constant.
type journalFile struct {
	*head
	f      *os.File
	data   []byte // the mapping
	half   int    // bytes of a half
	active int    // the half in use
	end    int    // where the next record begins
}

// halfFor returns the size of a half for so many bytes of unfinished entries: at least half
// as many again fit before the next move.
func halfFor(live int) int { return min(max(minHalf, 1<<bits.Len(uint(live+live/2))), maxHalf) }

// createJournal creates a file without entries. Its space on the disk is allocated: a
// mapping has no other way to report a full disk than a signal.
func createJournal(path string, half int, h *head) (*journalFile, error) {
	file := &journalFile{head: h, half: half, end: journalHead}
	var err error
	if file.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, locate("journal: %w: %w: give the gateway's user write access to its folder", ErrDisk, err)
	}
	if err = allocate(file.f, int64(journalHead+2*half)); err == nil {
		file.data, err = mapFile(file.f, journalHead+2*half)
	}
	if err != nil {
		file.f.Close()
		return nil, locate("journal: %w: %w", ErrDisk, errors.Join(err, os.Remove(path)))
	}
	err = guard(func() {
		copy(file.data, journalMagic)
		copy(file.data[headSalt:], h.salt[:])
		file.data[headKey] = h.version
		binary.BigEndian.PutUint64(file.data[headHalf:], uint64(half))
	})
	if err != nil {
		file.close()
		return nil, locate("journal: %w: %w", ErrDisk, err)
	}
	return file, nil
}

// writeZeros gives a new file a size by writing it.
func writeZeros(f *os.File, size int64) error {
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at); err != nil {
			return err
		}
	}
	return nil
}

// close unmaps and closes the file. Nobody may use it any more.
func (file *journalFile) close() {
	_ = unmapFile(file.data)
	file.data = nil
	_ = file.f.Close()
}

// guard calls f, which accesses a mapping, and returns the error of the disk that the kernel
// reports by a signal.
func guard(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface {
			error
			Addr() uintptr
		}:
			err = fmt.Errorf("the disk failed: %w", fault)
		default:
			panic(fault)
		}
	}()
	f()
	return nil
}

// base is the beginning of a half.
func (file *journalFile) base(half int) int { return journalHead + half*file.half }

// fits reports whether a record of n bytes fits into the half in use.
func (file *journalFile) fits(n int) bool {
	return file.end+n+4 <= file.base(file.active)+file.half
}

// put appends a record, which fits, and returns its place.
func (file *journalFile) put(record []byte) (at int, err error) {
	at = file.end
	err = guard(func() { file.write(at, record) })
	file.end += len(record)
	return at, err
}

// write writes a record, and its length at the end.
func (file *journalFile) write(at int, record []byte) {
	clear(file.data[at+len(record):][:4])
	copy(file.data[at+4:], record[4:])
	copy(file.data[at:], record[:4])
}

// finish marks the record at a place as finished.
func (file *journalFile) finish(at int) error {
	return guard(func() { file.data[at+stateAt] = recordFinished })
}

// move copies records to the other half of the file or to another file, and returns their
// new places.
func (file *journalFile) move(to *journalFile, ids []uint64, from map[uint64]span) (map[uint64]span, error) {
	places := make(map[uint64]span, len(from))
	half := 0
	if to == file {
		half = 1 - file.active
	}
	err := guard(func() {
		at := to.base(half)
		clear(to.data[at:][:4])
		for _, id := range ids {
			s := from[id]
			to.write(at, file.data[s.at:][:s.size])
			places[id] = span{at, s.size}
			at += s.size
		}
		to.data[headActive] = byte(half)
		to.active, to.end = half, at
	})
	return places, err
}

// appendEntry appends the record of an entry. file may be nil; then the record is not used.
func (file *journalFile) appendEntry(dst []byte, e JournalEntry) []byte {
	if file == nil {
		return dst
	}
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
	dst = append(dst, 0, 0, 0, 0, recordEntry)
	dst = binary.BigEndian.AppendUint64(dst, e.ID)
	dst = file.aead.Seal(dst, file.nonce(e.ID), plain, nil)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// plainBuffers are the buffers of appendEntry, *[]byte.
var plainBuffers sync.Pool
