package component

import (
	"encoding/base32"
	"strings"
	"unicode/utf8"

	"transport/component/address"
)

// aliasCode writes an ID in what servers leave as it is in a localpart.
var aliasCode = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

const (
	aliasMark   = "~"
	maxAliasTop = 64  // bytes of what can be read of an ID
	maxAliased  = 500 // bytes of an ID: with its code it is still a localpart
)

// nameOf is the name that a localpart stands for: what the network's ParsePeer takes.
func nameOf(local string) string {
	if id, ok := aliased(local); ok {
		return id
	}
	return address.UnescapeLocal(local)
}

// aliasOf is what can be read of an ID, with all of it behind.
func aliasOf(id string) string {
	top := address.SafeLocal(address.EscapeLocal(id))
	if len(top) > maxAliasTop {
		top = strings.TrimRight(strings.ToValidUTF8(top[:maxAliasTop], ""), " \\")
	}
	code := aliasMark + aliasCode.EncodeToString([]byte(id))
	if alias := top + code; address.SafeLocal(alias) == alias {
		return alias
	}
	return "x" + code // the code does not go with every script
}

// aliased is the ID of which a localpart is the alias.
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
