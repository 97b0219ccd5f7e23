package registry

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	hexA = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	hexB = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
)

func TestParseKeys(t *testing.T) {
	for _, test := range []struct {
		name, text string
		versions   []byte
		err        string
	}{
		{"one", "1:" + hexA + "\n", []byte{1}, ""},
		{"no line end", "1:" + hexA, []byte{1}, ""},
		{"Windows line ends and comments", "# x\r\n\r\n 200:" + strings.ToUpper(hexA) + "\r\n1:" + hexB + "\r\n", []byte{200, 1}, ""},
		{"empty", "", nil, "no key"},
		{"only the header", keyFileHeader, nil, "no key"},
		{"header cut short", "# Keys of the gat", nil, "no key"},
		{"cut short in the key", "1:" + hexA[:63], nil, "line 1: a key has 64 hexadecimal digits, not 63: the file may be truncated"},
		{"cut short after the version", "2:" + hexA + "\n1:", nil, "line 2: a key has 64 hexadecimal digits, not 0: the file may be truncated"},
		{"cut short in the version", "2:" + hexA + "\n1", nil, "line 2 is not version:hex"},
		{"a digit lost", "1:" + hexA[1:] + "\n", nil, "it may be mistyped"},
		{"no version", ":" + hexA, nil, "line 1: the version"},
		{"version 0", "0:" + hexA, nil, "line 1: the version"},
		{"version 256", "256:" + hexA, nil, "line 1: the version"},
		{"negative", "-1:" + hexA, nil, "line 1: the version"},
		{"twice", "1:" + hexA + "\n\n1:" + hexB, nil, "line 3: version 1 occurs twice"},
		{"not hexadecimal", "1:" + strings.Replace(hexA, "7", "g", 1), nil, "line 1: the key is not hexadecimal"},
		{"zeros", "1:" + strings.Repeat("0", 64), nil, "line 1: the key is all zeros"},
	} {
		keys, err := parseKeys([]byte(test.text))
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want %q", test.name, err, test.err)
			}
			if keys != nil {
				t.Errorf("%s: keys and an error", test.name)
			}
			continue
		}
		var versions []byte
		for _, k := range keys {
			versions = append(versions, k.version)
		}
		if err != nil || !bytes.Equal(versions, test.versions) {
			t.Errorf("%s: versions %v, %v", test.name, versions, err)
		}
	}
}

// A key file that is truncated anywhere never parses as another key.
func TestParseKeysTruncated(t *testing.T) {
	text := formatKeys(testRing(t, 2, 1).keys)
	whole, err := parseKeys(text)
	if err != nil || len(whole) != 2 {
		t.Fatal(whole, err)
	}
	for n := range text {
		keys, err := parseKeys(text[:n])
		switch {
		case err == nil && len(keys) == 1 && keys[0] == whole[0]: // at the end of a line
		case err == nil && n == len(text)-1: // without the last line end
		case err == nil:
			t.Errorf("%d bytes: %d keys", n, len(keys))
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("1:" + hexA + "\n"))
	f.Add(formatKeys(testRing(f, 3, 255, 1).keys))
	f.Add([]byte("# c\n7:" + hexB[:60]))
	f.Add([]byte("1:" + strings.Repeat("zz", 32)))
	f.Add([]byte(":version:hex\n25"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		if err != nil {
			if keys != nil {
				t.Error("keys and an error")
			}
			// No error contains any part of a key. "version:" is what an error says of the form.
			for field := range bytes.FieldsSeq(text) {
				if _, digits, ok := bytes.Cut(field, []byte(":")); ok && len(digits) >= 8 && string(digits[:8]) != "version:" && strings.Contains(err.Error(), string(digits[:8])) {
					t.Errorf("error %q quotes the file", err)
				}
			}
			return
		}
		if len(keys) == 0 {
			t.Fatal("neither keys nor an error")
		}
		again, err := parseKeys(formatKeys(keys))
		if err != nil || len(again) != len(keys) {
			t.Fatalf("formatted: %d keys, %v", len(again), err)
		}
		for i := range keys {
			if again[i] != keys[i] {
				t.Errorf("key %d changed", i)
			}
			if !bytes.Contains(bytes.ToLower(text), []byte(hex.EncodeToString(keys[i].secret[:]))) {
				t.Errorf("key %d is not in the file", i)
			}
		}
		if _, err := newRing(keys); err != nil {
			t.Error(err)
		}
	})
}

func TestNewKey(t *testing.T) {
	var keys []key
	seen := map[[keySize]byte]bool{}
	for i := range 255 {
		k, err := newKey(keys)
		if err != nil || int(k.version) != i+1 || seen[k.secret] {
			t.Fatalf("key %d has version %d, %v", i+1, k.version, err)
		}
		seen[k.secret] = true
		keys = append([]key{k}, keys...)
	}
	if _, err := newKey(keys); err == nil {
		t.Error("a 256th key")
	}
	if k, err := newKey([]key{{version: 255}, {version: 1}}); err != nil || k.version != 2 {
		t.Errorf("after 255 and 1: %d, %v", k.version, err)
	}
}

func TestWriteKeys(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	keys := testRing(t, 1).keys
	check := func(path string, want []key) {
		t.Helper()
		got, err := readKeys(path)
		if err != nil || len(got) != len(want) || got[0] != want[0] {
			t.Errorf("%d keys, %v", len(got), err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
	if err := writeKeys(path, keys); err != nil {
		t.Fatal(err)
	}
	check(path, keys)
	// A file left by a crash during a write.
	if err := os.WriteFile(path+".new", []byte("9:12"), 0o644); err != nil {
		t.Fatal(err)
	}
	keys = testRing(t, 2, 1).keys
	if err := writeKeys(path, keys); err != nil {
		t.Fatal(err)
	}
	check(path, keys)
	// A symbolic link stays a link.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	keys = testRing(t, 3).keys
	if err := writeKeys(link, keys); err != nil {
		t.Fatal(err)
	}
	check(path, keys)
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left in the folder: %v, %v", names, err)
	}
	// A failed write leaves the old file unchanged.
	if err := os.MkdirAll(filepath.Join(path+".new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := writeKeys(path, testRing(t, 4).keys)
	if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	check(path, keys)
}

func TestReadKeysRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := "1:" + hexA + "\n"
	for _, test := range []struct {
		name, path, want string
	}{
		{"readable by all", file("0644", good, 0o644), "chmod 600"},
		{"readable by the group", file("0640", good, 0o640), "chmod 600"},
		{"writable by others", file("0602", good, 0o602), "chmod 600"},
		{"folder", dir, "not a regular file"},
		{"missing", filepath.Join(dir, "missing"), "no such file"},
		{"too long", file("long", strings.Repeat("#\n", maxKeyFile), 0o600), "too long"},
		{"binary", file("binary", "\x00\x01\xff", 0o600), "line 1 is not version:hex"},
		{"empty", file("empty", "", 0o600), "no key"},
	} {
		_, err := readKeys(test.path)
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := readKeys(file("good", good, 0o400)); err != nil {
		t.Errorf("read-only key file: %v", err)
	}
}
