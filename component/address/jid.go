package address

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPart is the size of a part of a JID in bytes (RFC 7622 §3.1).
const maxPart = 1023 // limit: bytes of a part of a JID (RFC 7622 §3.1) | jid-malformed

// ErrInvalid is wrapped by all errors of this package.
var ErrInvalid = errors.New("address: invalid")

var (
	errEmpty     = fmt.Errorf("%w: empty part", ErrInvalid)
	errLong      = fmt.Errorf("%w: part of more than 1023 bytes", ErrInvalid)
	errForbidden = fmt.Errorf("%w: forbidden character", ErrInvalid)
	errUTF8      = fmt.Errorf("%w: not UTF-8", ErrInvalid)
	errBidi      = fmt.Errorf("%w: mixed directions", ErrInvalid)
)

// A JID is an address in parts. JIDs are compared by ==.
type JID struct{ Local, Domain, Resource string }

// Split divides a JID at the first slash and the first @ before that (RFC 7622
// §3.2). Parts that are missing are empty; nothing is checked.
func Split(jid string) (local, domain, resource string) {
	domain, resource, _ = strings.Cut(jid, "/")
	if l, d, ok := strings.Cut(domain, "@"); ok {
		local, domain = l, d
	}
	return local, domain, resource
}

// Bare returns a JID without its resource.
func Bare(jid string) string {
	bare, _, _ := strings.Cut(jid, "/")
	return bare
}

// Parse splits a JID, checks its parts, and brings localpart and domain into
// the form in which they are compared. The resource is kept as it is, but is
// one that resourceprep allows.
func Parse(jid string) (JID, error) {
	j := JID{}
	bare, resource, hasResource := strings.Cut(jid, "/")
	local, domain, hasLocal := strings.Cut(bare, "@")
	if !hasLocal {
		domain = bare
	}
	var err error
	if j.Domain, err = NormalizeDomain(domain); err != nil {
		return JID{}, err
	}
	if hasLocal {
		if j.Local, err = Normalize(local); err != nil {
			return JID{}, err
		}
	}
	if hasResource {
		if _, err = NormalizeResource(resource); err != nil {
			return JID{}, err
		}
		j.Resource = resource
	}
	return j, nil
}

// Bare returns j without its resource.
func (j JID) Bare() JID {
	j.Resource = ""
	return j
}

// WithResource returns j with another resource.
func (j JID) WithResource(resource string) JID {
	j.Resource = resource
	return j
}

// IsBare reports whether j has no resource.
func (j JID) IsBare() bool { return j.Resource == "" }

// IsZero reports whether j is no address at all.
func (j JID) IsZero() bool { return j == JID{} }

// String returns j as it is written. What Parse returns comes out as it is.
// Parts that were put together otherwise and that a server might close the
// stream for are repaired as by SafeLocal and SafeResource. A j without a domain
// is the empty string.
func (j JID) String() string {
	if j.Domain == "" {
		return ""
	}
	local, domain, resource := j.Local, j.Domain, j.Resource
	if local != "" && !ValidLocal(local) {
		local = SafeLocal(local)
	}
	if d, err := NormalizeDomain(domain); err != nil {
		domain = "invalid." // RFC 6761 §6.4: is nobody's
	} else {
		domain = d
	}
	if resource != "" {
		if _, err := NormalizeResource(resource); err != nil {
			resource = SafeResource(resource)
		}
	}
	n := len(local) + len(domain) + len(resource) + 2
	b := make([]byte, 0, n)
	if local != "" {
		b = append(append(b, local...), '@')
	}
	b = append(b, domain...)
	if resource != "" {
		b = append(append(b, '/'), resource...)
	}
	return string(b)
}

// inNoDomain are the ASCII characters that stand in no domain.
var inNoDomain = func() (set [utf8.RuneSelf]bool) {
	for c := range set {
		set[c] = c <= ' ' || c == 0x7f || strings.ContainsRune("\"&'/<>@\\", rune(c))
	}
	return set
}()

// NormalizeDomain returns a domain in lower case and without a final dot (RFC
// 7622 §3.2). Internationalised names are not looked into, and unlike in host
// names an underscore is allowed: servers pass it.
func NormalizeDomain(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	switch {
	case s == "":
		return "", errEmpty
	case len(s) > maxPart:
		return "", errLong
	case s[len(s)-1] == '.': // an empty label: without its dot, the domain would be another one
		return "", errForbidden
	}
	lower := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf || 'A' <= c && c <= 'Z':
			lower = false
		case inNoDomain[c]:
			return "", errForbidden
		}
	}
	if lower {
		return s, nil
	}
	// The steps of nameprep (RFC 3491), with the checks of a resource.
	s, err := prepare(s, domainProfile)
	if err != nil {
		return "", err
	}
	return s, nil
}
