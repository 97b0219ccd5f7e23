package registry

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	keySize = 32
	// maxKeyFile is the size limit of a key file in bytes; 255 keys need half of it.
	maxKeyFile = 64 << 10 // limit: bytes of a key file | the program does not start
)

const keyFileHeader = `# Keys of the gateway's database, one "version:hex" a line, newest first.
# This file and the database together give access to every stored password.
# Without this file the passwords are lost: keep a copy, separately from the database.
`

// key is one line of the key file.
type key struct {
	version byte
	secret  [keySize]byte
}

// errNoKeys: a key file without any key.
var errNoKeys = errors.New("it contains no key")

// parseKeys parses a key file. It returns at least one key, newest first, or an error
// that does not quote the file.
func parseKeys(text []byte) ([]key, error) {
	var keys []key
	n := 0
	for line := range bytes.Lines(text) {
		n++
		complete := bytes.HasSuffix(line, []byte("\n"))
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		version, digits, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return nil, fmt.Errorf("line %d is not version:hex", n)
		}
		v, err := strconv.ParseUint(string(version), 10, 8)
		if err != nil || v == 0 {
			return nil, fmt.Errorf("line %d: the version is not a number from 1 to 255", n)
		}
		if len(digits) != 2*keySize {
			fault := "the file may be truncated"
			if complete {
				fault = "it may be mistyped"
			}
			return nil, fmt.Errorf("line %d: a key has %d hexadecimal digits, not %d: %s", n, 2*keySize, len(digits), fault)
		}
		k := key{version: byte(v)}
		if _, err := hex.Decode(k.secret[:], digits); err != nil {
			return nil, fmt.Errorf("line %d: the key is not hexadecimal", n) // err would quote a digit
		}
		if k.secret == [keySize]byte{} {
			return nil, fmt.Errorf("line %d: the key is all zeros", n)
		}
		for _, other := range keys {
			if other.version == k.version {
				return nil, fmt.Errorf("line %d: version %d occurs twice", n, v)
			}
		}
		keys = append(keys, k)
	}
	if keys == nil {
		return nil, errNoKeys
	}
	return keys, nil
}

func formatKeys(keys []key) []byte {
	var b strings.Builder
	b.WriteString(keyFileHeader)
	for _, k := range keys {
		fmt.Fprintf(&b, "%d:%x\n", k.version, k.secret)
	}
	return []byte(b.String())
}

// newKey returns a random key with a version that keys does not contain.
func newKey(keys []key) (key, error) {
	var k key
	used := make(map[byte]bool, len(keys))
	for _, other := range keys {
		used[other.version] = true
	}
	if len(keys) > 0 {
		k.version = keys[0].version
	}
	for range 256 {
		k.version++
		if k.version != 0 && !used[k.version] {
			rand.Read(k.secret[:]) // never fails, Go 1.24
			return k, nil
		}
	}
	return key{}, errors.New("all 255 key versions are in use")
}

// readKeys reads the key file at path. All its errors are ErrKey; the error of a missing
// file is fs.ErrNotExist, too, and that of an empty file errNoKeys.
func readKeys(path string) ([]key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, locate("key file: %w: %w", ErrKey, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, locate("key file: %w: %w", ErrKey, err)
	}
	if !info.Mode().IsRegular() {
		return nil, locate("key file %s: %w: it is not a regular file", path, ErrKey)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, locate("key file %s: %w: with mode %04o other users can read or change it: chmod 600 %s", path, ErrKey, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, locate("key file: %w: %w", ErrKey, err)
	}
	if len(text) > maxKeyFile {
		return nil, locate("key file %s: %w: it is too long for a key file", path, ErrKey)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, locate("key file %s: %w: %w", path, ErrKey, err)
	}
	return keys, nil
}

// writeKeys replaces the key file at path. It is atomic: after a crash the file is either
// the old or the new one. After writeKeys has returned nil it is the new one, even after
// a power failure.
func writeKeys(path string, keys []key) (err error) {
	defer func() {
		if err != nil {
			err = locate("write key file %s: %w: %w", path, ErrDisk, err)
		}
	}()
	// Keep a symbolic link: replace its target.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by an earlier crash
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(formatKeys(keys)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := keepOwner(f.Name(), path); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
