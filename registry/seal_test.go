package registry

import (
	"bytes"
	"errors"
	"testing"
)

func TestSeal(t *testing.T) {
	r := testRing(t, 1)
	at := accountPlace("fields", testNet, testUser)
	for _, plain := range [][]byte{nil, {}, {0}, []byte("sesame"), bytes.Repeat([]byte("x"), 100_000)} {
		sealed := r.seal(plain, at)
		if len(sealed) != 1+12+len(plain)+16 || sealed[0] != 1 {
			t.Errorf("%d bytes became %d, version %d", len(plain), len(sealed), sealed[0])
		}
		if bytes.Equal(sealed, r.seal(plain, at)) {
			t.Error("sealed twice alike")
		}
		got, err := r.open(sealed, at)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", len(plain), err)
		}
	}
}

// A sealed value with any change cannot be decrypted.
func TestOpenDamaged(t *testing.T) {
	r := testRing(t, 1)
	at := accountPlace("fields", testNet, testUser)
	sealed := r.seal([]byte("sesame"), at)
	for n := range sealed {
		if _, err := r.open(sealed[:n], at); !errors.Is(err, errSealed) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		for bit := range 8 {
			damaged := bytes.Clone(sealed)
			damaged[n] ^= 1 << bit
			_, err := r.open(damaged, at)
			if v := errVersion(0); n == 0 && !errors.As(err, &v) || n > 0 && !errors.Is(err, errSealed) {
				t.Errorf("byte %d bit %d: %v", n, bit, err)
			}
		}
	}
	if _, err := r.open(append(bytes.Clone(sealed), 0), at); !errors.Is(err, errSealed) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := testRing(t, 2, 1).open(sealed, at); err != nil {
		t.Errorf("an older key of the ring: %v", err)
	}
	other := testRing(t, 2)
	other.keys[0].version = 1
	other, err := newRing(other.keys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.open(sealed, at); !errors.Is(err, errSealed) {
		t.Errorf("another key of the same version: %v", err)
	}
}

func TestPlace(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{"a", "bc"}, {"ab", "c"}, {"abc"}, {"a", "b", "c"}, {"", "abc"}, {"abc", ""}, {}, {""}, {"", ""}, {"\x01a"}, {"a|b"}, {"a", "|b"},
		{string(bytes.Repeat([]byte("x"), 200))}, {string(bytes.Repeat([]byte("x"), 100_000))},
	} {
		p := string(place(parts...))
		if other, ok := seen[p]; ok {
			t.Errorf("%q and %q are one place", parts, other)
		}
		seen[p] = parts
	}
}

func TestHash(t *testing.T) {
	r := testRing(t, 2, 1)
	hashes := map[string]bool{}
	for _, h := range [][]byte{
		r.hash(1, testNet, "123"), r.hash(2, testNet, "123"), r.hash(1, testNet, "124"), r.hash(1, testNet+"1", "23"),
	} {
		hashes[string(h)] = true
	}
	if len(hashes) != 4 {
		t.Errorf("%d different hashes, want 4", len(hashes))
	}
	if !bytes.Equal(r.hash(1, testNet, "123"), testRing(t, 1).hash(1, testNet, "123")) {
		t.Error("a hash depends on the other keys")
	}
}

func FuzzOpen(f *testing.F) {
	r := testRing(f, 2, 1)
	at := accountPlace("fields", testNet, testUser)
	f.Add(r.seal([]byte("sesame"), at), at)
	f.Add(testRing(f, 1).seal(nil, nil), []byte(nil))
	f.Add([]byte{1}, at)
	f.Add([]byte{}, at)
	f.Add(bytes.Repeat([]byte{2}, 28), at)
	f.Add(bytes.Repeat([]byte{9}, 40), at)
	f.Fuzz(func(t *testing.T, sealed, at []byte) {
		plain, err := r.open(sealed, at)
		if err != nil {
			if v := errVersion(0); plain != nil || !errors.Is(err, errSealed) && !errors.As(err, &v) {
				t.Errorf("%q, %v", plain, err)
			}
			return
		}
		// Only a seed, unchanged, can be decrypted with these keys.
		again, err := r.reseal(sealed, at)
		if err != nil || again[0] != 2 {
			t.Fatalf("sealed anew: %v", err)
		}
		if got, err := r.open(again, at); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q became %q, %v", plain, got, err)
		}
	})
}
