package peers

import (
	"encoding/base32"
	"strings"
	"unicode/utf8"

	"transport/component/address"
)

// aliasCode encodes an ID in characters that stringprep leaves unchanged in a localpart.
var aliasCode = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

const (
	aliasMark   = "~"
	maxAliasTop = 64  // limit: bytes of the readable part of an alias | it is cut
	maxAliased  = 500 // limit: bytes of an ID, whose alias still fits a localpart | item-not-found
)

// NameOf returns the legacy name of a localpart, for the network's ParsePeer.
func NameOf(local string) string {
	if id, ok := aliased(local); ok {
		return id
	}
	return address.UnescapeLocal(local)
}

// aliasOf returns the alias of an ID: its readable part and the encoded ID.
func aliasOf(id string) string {
	top := address.SafeLocal(address.EscapeLocal(id))
	if len(top) > maxAliasTop {
		top = strings.TrimRight(strings.ToValidUTF8(top[:maxAliasTop], ""), " \\")
	}
	code := aliasMark + aliasCode.EncodeToString([]byte(id))
	if alias := top + code; address.SafeLocal(alias) == alias {
		return alias
	}
	return "x" + code // stringprep forbids mixing the code with right-to-left scripts
}

// aliased returns the ID of an alias.
func aliased(local string) (id string, ok bool) {
	i := strings.LastIndex(local, aliasMark)
	if i < 1 {
		return "", false
	}
	b, err := aliasCode.DecodeString(local[i+1:])
	if err != nil || len(b) == 0 || len(b) > maxAliased || !utf8.Valid(b) || aliasOf(string(b)) != local {
		return "", false
	}
	return string(b), true
}
