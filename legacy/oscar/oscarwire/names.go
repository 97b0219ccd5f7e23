package oscarwire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Cookie identifies a message; acks and errors repeat it.
type Cookie [8]byte

// String returns the cookie in hexadecimal.
func (c Cookie) String() string { return hex.EncodeToString(c[:]) }

// GUID is a capability or plugin identifier in network byte order.
type GUID [16]byte

// String returns the usual form without braces: 8-4-4-4-12 digits, upper case.
func (g GUID) String() string {
	return fmt.Sprintf("%X-%X-%X-%X-%X", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

var errGUID = errors.New("oscarwire: bad guid")

// ParseGUID parses a GUID of 32 digits; it skips hyphens and braces.
func ParseGUID(s string) (g GUID, err error) {
	digits := strings.NewReplacer("-", "", "{", "", "}", "").Replace(s)
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(g) {
		return g, fmt.Errorf("%w: %q", errGUID, s)
	}
	copy(g[:], b)
	return g, nil
}

// NormalizeScreenName returns the form in which equal screen names are equal strings:
// lower case, without spaces.
func NormalizeScreenName(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, " ", ""))
}

// IsUIN reports whether a screen name is an ICQ number: digits only, from 1 to
// 4294967295, not beginning with 0. Spaces and hyphens are not accepted.
func IsUIN(s string) bool {
	_, ok := ParseUIN(s)
	return ok
}

// ParseUIN returns the number of an ICQ screen name; see IsUIN.
func ParseUIN(s string) (uint32, bool) {
	if s == "" || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// FormatUIN returns the screen name of an ICQ number.
func FormatUIN(uin uint32) string { return strconv.FormatUint(uint64(uin), 10) }
