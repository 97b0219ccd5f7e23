package files

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
)

// Options are the settings of a Store. All but the quotas, Log and Now are required.
type Options struct {
	Listen    string // host:port of the HTTP listener
	URL       string // prefix of all links, without a trailing slash
	Dir       string // created if its parent exists
	MaxSize   int64  // bytes of one file
	TotalSize int64  // bytes of all files; more than MaxSize
	// SenderDay and SenderTotal are the quotas of each sender in bytes, of the files of
	// the last 24 hours and of all files; 0 for none.
	SenderDay, SenderTotal int64
	Keep                   time.Duration
	Log                    zerolog.Logger
	Now                    func() time.Time // nil for time.Now

	limits limits // defaultLimits if they are zero
}

// Store stores files. Open creates it; the caller must call Close.
type Store struct {
	o        Options
	prefix   string // path of the URL
	root     *os.Root
	listener *boundedListener
	saves    chan struct{} // one slot per file being stored

	mu      sync.Mutex // guards the fields below
	kept    []*entry   // oldest first
	byID    map[string]*entry
	senders map[string]*sender // by entry.sender
	stuck   []*entry           // deleted, but the folder refused it: expire tries again
	used    int64              // bytes, including files being stored
}

// entry is a complete file.
type entry struct {
	id, name string
	sender   string // senderCode; "" if it is unknown
	size     int64
	stored   time.Time
}

const (
	partPrefix = ".part-" // of incomplete files
	idLen      = 26       // of rand.Text: more than 128 bits
	maxSaves   = 64       // limit: files that are being stored | a further one is refused: the user gets a notice
	overhead   = 4 << 10  // minimum size that a file counts, so that the number of small files is bounded
	copySize   = 32 << 10
)

// file returns the name in the folder.
func (e *entry) file() string {
	if e.sender == "" {
		return e.id + "-" + e.name
	}
	return e.id + "." + e.sender + "-" + e.name
}

// parseFile reads a name in the folder; ok is false if no store has made it.
func parseFile(file string) (e *entry, ok bool) {
	head, name, found := strings.Cut(file, "-")
	id, from, known := strings.Cut(head, ".")
	if !found || name == "" || !isCode(id, idLen) || known && !isCode(from, senderLen) {
		return nil, false
	}
	return &entry{id: id, sender: from, name: name}, true
}

// isCode reports whether a text is n characters of base32.
func isCode(text string, n int) bool {
	return len(text) == n && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

func (e *entry) cost() int64 { return e.size + overhead }

// Overhead is the size that a file counts against Options.TotalSize in addition to its
// bytes.
const Overhead = overhead

// Open opens or creates the folder, reads its contents, and listens. It removes files
// that an earlier process left incomplete.
func Open(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.limits.conns == 0 {
		o.limits = defaultLimits
	}
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	if err := os.Mkdir(o.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("files: %w", err)
	}
	s := &Store{o: o, prefix: strings.TrimSuffix(base.Path, "/"), saves: make(chan struct{}, maxSaves),
		byID: make(map[string]*entry), senders: make(map[string]*sender)}
	if s.root, err = os.OpenRoot(o.Dir); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	var listener net.Listener
	if err = s.scan(); err == nil {
		listener, err = net.Listen("tcp", o.Listen)
	}
	if err != nil {
		s.root.Close()
		return nil, fmt.Errorf("files: %w", err)
	}
	s.listener = newBoundedListener(listener, o.limits)
	return s, nil
}

// Close closes the folder and the listener. The store must not be used afterwards.
func (s *Store) Close() error {
	s.listener.Close() // already closed if Run was called
	return s.root.Close()
}

// scan reads the contents of the folder.
func (s *Store) scan() error {
	list, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	now := s.o.Now()
	for _, f := range list {
		info, err := f.Info() // of a symbolic link itself
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if strings.HasPrefix(f.Name(), partPrefix) {
			if err := s.root.Remove(f.Name()); err != nil {
				return err
			}
			continue
		}
		e, ok := parseFile(f.Name())
		if !ok {
			continue
		}
		// A time in the future, from a clock that was wrong, would keep it for longer.
		e.size, e.stored = info.Size(), info.ModTime()
		if e.stored.After(now) {
			e.stored = now
		}
		s.kept = append(s.kept, e)
	}
	slices.SortFunc(s.kept, func(a, b *entry) int { return cmp.Compare(a.stored.UnixNano(), b.stored.UnixNano()) })
	for _, e := range s.kept {
		s.byID[e.id] = e
		s.used += e.cost()
		s.owner(e.sender).add(e)
	}
	s.expire()
	return nil
}

// Save stores f.Size bytes of r and returns the link. It reads no more than that, and
// stores nothing when it fails. Its errors are classified (legacy.KindOf): TooLong above
// MaxSize, RateLimited for too many files at once or above a quota of the sender,
// Temporary if the folder is full; classified errors of r are returned unchanged.
func (s *Store) Save(ctx context.Context, f legacy.File, r io.Reader) (string, error) {
	if f.Size < 0 || f.Size > s.o.MaxSize {
		return "", legacy.Errorf(legacy.TooLong, "The gateway accepts files of up to %d bytes.", s.o.MaxSize)
	}
	select {
	case s.saves <- struct{}{}:
		defer func() { <-s.saves }()
	default:
		return "", legacy.Errorf(legacy.RateLimited, "The gateway is receiving too many files at the moment. Try again later.")
	}
	e := &entry{id: rand.Text(), sender: senderCode(f.Sender), name: SafeName(f.Name), size: f.Size}
	if err := s.admit(e); err != nil {
		return "", err
	}
	part := partPrefix + e.id
	taken, err := s.write(ctx, part, e.size, r)
	if err == nil {
		err = diskError(s.complete(part, e))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dismiss(e)
	if err != nil {
		_ = s.root.Remove(part) // it may not exist
		s.used -= taken
		return "", err
	}
	s.kept = append(s.kept, e)
	s.byID[e.id] = e
	s.owner(e.sender).add(e)
	return s.o.URL + "/" + e.id + "/" + url.PathEscape(e.name), nil
}

// complete makes an incomplete file a complete one. The file has the time of its end on
// the disk, too, because the next process counts Options.Keep from there.
func (s *Store) complete(part string, e *entry) error {
	e.stored = s.o.Now()
	if err := s.root.Chtimes(part, e.stored, e.stored); err != nil {
		return err
	}
	if err := s.root.Rename(part, e.file()); err != nil {
		return err
	}
	folder, err := s.root.Open(".")
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync() // the sender is told that the file has arrived
}

// write writes the file. It returns the bytes that it reserved of the total, also with
// an error.
func (s *Store) write(ctx context.Context, part string, size int64, r io.Reader) (taken int64, err error) {
	take := func(n int64) error {
		if !s.take(n) {
			return legacy.Errorf(legacy.Temporary, "The gateway's file storage is full at the moment.")
		}
		taken += n
		return nil
	}
	if err := take(overhead); err != nil {
		return taken, err
	}
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return taken, diskError(err)
	}
	defer f.Close()
	buf := make([]byte, min(size, copySize))
	for left := size; left > 0; {
		n, err := r.Read(buf[:min(left, int64(len(buf)))])
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		left -= int64(n)
		if err != nil && (left > 0 || !errors.Is(err, io.EOF)) {
			return taken, sourceError(err)
		}
		if err := take(int64(n)); err != nil {
			return taken, err
		}
		if _, err := f.Write(buf[:n]); err != nil {
			return taken, diskError(err)
		}
	}
	return taken, diskError(errors.Join(f.Sync(), f.Close()))
}

// sourceError returns the error of a file that arrived incompletely.
func sourceError(err error) error {
	if errors.As(err, new(*legacy.Error)) {
		return err
	}
	return legacy.Wrap(legacy.Temporary, err, "The file arrived incompletely.")
}

// reason returns the system's error without the path: the file name is private, and
// anybody who has the ID, too, has the link.
func reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}

// diskError converts an error of the folder to one for the user.
func diskError(err error) error {
	switch err = reason(err); {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return legacy.Wrap(legacy.Temporary, err, "The gateway's disk is full.")
	}
	return legacy.Wrap(legacy.Temporary, err, "The gateway cannot store files at the moment.")
}

// take reserves n more bytes, evicting the oldest files. It returns false if there is
// not enough space: incomplete files are never evicted.
func (s *Store) take(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.used+n > s.o.TotalSize && len(s.kept) > 0 {
		if !s.dropOldest() {
			return false
		}
	}
	if s.used+n > s.o.TotalSize {
		return false
	}
	s.used += n
	return true
}

// dropOldest deletes the oldest file, and reports whether that has freed its space. The
// caller holds s.mu.
func (s *Store) dropOldest() bool {
	e := s.kept[0]
	s.kept[0] = nil
	s.kept = s.kept[1:]
	delete(s.byID, e.id)
	s.owner(e.sender).drop(e)
	s.forget(e.sender)
	if err := s.remove(e); err != nil {
		s.o.Log.Error().Err(reason(err)).Msg("cannot delete a file; the gateway tries again every minute")
		s.stuck = append(s.stuck, e)
		return false
	}
	return true
}

// remove deletes a file from the folder. The caller holds s.mu.
func (s *Store) remove(e *entry) error {
	if err := s.root.Remove(e.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.used -= e.cost()
	return nil
}

// expire deletes files that have expired or, after a change of the settings, exceed the
// limits.
func (s *Store) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck = slices.DeleteFunc(s.stuck, func(e *entry) bool { return s.remove(e) == nil })
	for len(s.kept) > 0 && s.expired(s.kept[0]) {
		s.dropOldest()
	}
	for len(s.kept) > 0 && s.used > s.o.TotalSize && s.dropOldest() {
	}
}

func (s *Store) expired(e *entry) bool { return s.o.Now().Sub(e.stored) >= s.o.Keep }

// find returns the file of a link, nil if there is none.
func (s *Store) find(id, name string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e == nil || e.name != name || s.expired(e) {
		return nil
	}
	return e
}

// Check reports whether Open would succeed. It changes nothing.
func Check(o Options) error {
	dir := o.Dir
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".transport-check-*")
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	f.Close()
	os.Remove(f.Name())
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	return l.Close()
}
