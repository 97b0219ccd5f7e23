package registry

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Layout of a sealed value: one byte key version, 12 bytes random nonce, ciphertext, 16
// bytes tag. The version byte needs no authentication: a changed version selects another
// key, which cannot open the value.

// errSealed: a sealed value cannot be decrypted.
var errSealed = errors.New("a sealed value cannot be decrypted: it was changed or moved")

// errVersion: a value is sealed with a key version that the ring does not have.
type errVersion byte

func (v errVersion) Error() string {
	return fmt.Sprintf("a value is sealed with key version %d, which is not in the key file", byte(v))
}

// ring is the set of keys in use. It is immutable.
type ring struct {
	keys  []key // newest first; seal uses the newest
	aeads [256]cipher.AEAD
	macs  map[byte][]byte // keys of login hashes
}

// newRing derives an encryption key and a hash key from each key.
func newRing(keys []key) (*ring, error) {
	r := &ring{keys: slices.Clone(keys), macs: make(map[byte][]byte, len(keys))}
	for _, k := range keys {
		sub, err := hkdf.Key(sha256.New, k.secret[:], nil, "transport registry seal", keySize)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(sub)
		if err != nil {
			return nil, err
		}
		if r.aeads[k.version], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		if r.macs[k.version], err = hkdf.Key(sha256.New, k.secret[:], nil, "transport registry login", keySize); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// current returns the version of the key that seal uses.
func (r *ring) current() byte { return r.keys[0].version }

// seal encrypts plain for the given place.
func (r *ring) seal(plain []byte, place []byte) []byte {
	return r.appendSealed(make([]byte, 0, 1+12+len(plain)+16), plain, place)
}

// appendSealed is seal that appends to dst.
func (r *ring) appendSealed(dst, plain, place []byte) []byte {
	v := r.current()
	return r.aeads[v].Seal(append(dst, v), nil, plain, place)
}

// sealUnlessNil returns nil, NULL in the database, for nil, and otherwise seals plain.
func (r *ring) sealUnlessNil(plain, place []byte) []byte {
	if plain == nil {
		return nil
	}
	return r.seal(plain, place)
}

// reseal decrypts a value and seals it with the newest key.
func (r *ring) reseal(sealed, place []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := r.open(sealed, place)
	if err != nil {
		return nil, err
	}
	return r.seal(plain, place), nil
}

// open decrypts a value that was sealed for the same place.
func (r *ring) open(sealed []byte, place []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, errSealed
	}
	aead := r.aeads[sealed[0]]
	if aead == nil {
		return nil, errVersion(sealed[0])
	}
	plain, err := aead.Open(nil, nil, sealed[1:], place)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// hash returns the keyed hash of a login with the key of version v.
func (r *ring) hash(v byte, network, login string) []byte {
	m := hmac.New(sha256.New, r.macs[v])
	m.Write(place(network, login))
	return m.Sum(nil)
}

// place encodes the place of a sealed value. Length prefixes make ("a", "bc") and ("ab",
// "c") different.
func place(parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += binary.MaxVarintLen16 + len(p)
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}
