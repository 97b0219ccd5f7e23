package peers

import (
	"strings"
	"testing"
	"unicode"

	"transport/component/address"
	"transport/legacy"
)

// letters is a network on which everybody is called as they like, in small letters.
type letters struct{ legacy.Network }

func (letters) ParsePeer(name string) (legacy.Peer, error) {
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "Nobody is called so.")
	}
	return legacy.Peer{ID: strings.ToLower(name)}, nil
}

var oddNames = []string{"bob", "bob%irc.example.org", "b~b", "ＢＯＢ", "bo\u00adb", "bob\u200b", "😀", "😀%irc.example.org", "?", "É", "é", "ß", "ss",
	"a/b", `c:\5commas`, "x\u202ey", "שלום%irc.example.org", "~", "_", "\u200b", "#ＢＯＢ%irc.example.org", strings.Repeat("ö", 200), strings.Repeat("Ｂ", 150)}

// TestAliases: no two are shown with the same localpart, and each is found by theirs.
func TestAliases(t *testing.T) {
	c := &Map{Network: letters{}}
	all := append([]string(nil), oddNames...)
	for _, id := range oddNames {
		all = append(all, aliasOf(id), aliasOf(aliasOf(id))) // who calls themselves so
	}
	seen := make(map[string]string)
	for _, id := range all {
		local := c.local(id)
		if len(id) > maxAliased { // cut off, but nobody else's
			if got, ok := aliased(local); ok {
				t.Errorf("%q is taken for %q", id, got)
			}
			continue
		}
		if other, taken := seen[local]; taken && other != id {
			t.Errorf("%q and %q are both %q", id, other, local)
		}
		seen[local] = id
		if got := NameOf(local); got != id && strings.ToLower(got) != id {
			t.Errorf("%q is shown as %q, which is read as %q", id, local, got)
		}
		if address.SafeLocal(local) != local || len(local) > 1023 {
			t.Errorf("%q is shown as %q, which servers change", id, local)
		}
	}
	for id, want := range map[string]string{"bob": "bob", "b~b": "b~b", "bob%irc.example.org": "bob%irc.example.org", "a/b": `a\2fb`, "ß": "ss~oefg"} {
		if got := c.local(id); got != want {
			t.Errorf("%q is shown as %q, want %q", id, got, want)
		}
	}
}

func FuzzAlias(f *testing.F) {
	for _, id := range oddNames {
		f.Add(id)
	}
	c := &Map{Network: letters{}}
	f.Fuzz(func(t *testing.T, id string) {
		p, err := letters{}.ParsePeer(id)
		if err != nil || len(id) > maxAliased || strings.TrimSpace(strings.ToValidUTF8(id, "")) != id {
			return
		}
		local := c.local(p.ID)
		if got, err := c.ParseLocal(local); err != nil || got != p || address.SafeLocal(local) != local {
			t.Errorf("%q is shown as %q, which is read as %+v, %v", p.ID, local, got, err)
		}
	})
}
