package irc

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// isChannel reports whether an address is that of a channel on some server. Which names
// are channels at a server is known only once it is connected (client.isChannel).
func isChannel(name string) bool { return ircwire.IsChannel(name, ircwire.ChanTypes) }

// isName reports whether a server may use a nick. No nick is empty or contains spaces or
// control characters. Not all of them can be addressed (ircwire.IsName).
func isName(nick string) bool {
	return nick != "" && len(nick) <= maxName && !strings.ContainsFunc(nick, func(r rune) bool { return r == ' ' || unicode.IsControl(r) })
}

const maxName = 200 // limit: bytes of a nick or channel | not-acceptable, or item-not-found

// isPlainNick reports whether every server allows a nick, apart from its length and
// from reservations. (RFC 2812 §2.3.1)
func isPlainNick(nick string) bool {
	return ircwire.IsNick(nick) && !strings.ContainsFunc(nick, func(r rune) bool {
		return (r < 'A' || r > '}') && (r < '0' || r > '9') && r != '-'
	})
}

// plainNick reduces a nick to the characters of RFC 2812: it removes accents, and
// letters of other scripts. It returns "" if nothing is left.
func plainNick(nick string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return -1
		}
		return r
	}, norm.NFKD.String(undecomposed.Replace(nick)))
	if !isPlainNick(plain) {
		plain = ircwire.NearestNick(plain)
	}
	if !isPlainNick(plain) {
		return ""
	}
	return plain
}

// undecomposed maps Latin letters that have no Unicode decomposition.
var undecomposed = strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L",
	"đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i")

// LegalNick implements legacy.NickLimiter.
func (n *network) LegalNick(wanted string) string { return ircwire.NearestNick(wanted) }

// RoomNick implements legacy.NickTeller: the nick from the server's settings, otherwise
// from the registration.
func (n *network) RoomNick(a legacy.Account, room legacy.Peer) string {
	_, server := n.split(room.ID)
	return cmp.Or(a.Settings[n.service(server).ID]["nick"], a.Fields["username"])
}

// isServer reports whether a name is a valid server name: host, host:port, or an alias
// for an address in the user's settings.
func isServer(name string) bool {
	if name == "" || len(name) > 255 || strings.HasPrefix(name, "-") || strings.HasPrefix(name, ".") {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:", r)
	}) < 0
}

// lower folds a name like XMPP servers fold JIDs, as far as IRC names are concerned.
func lower(name string) string { return ircwire.ASCII.Fold(name) }

// ParsePeer implements legacy.Network. With one configured server it accepts #channel
// and nick; otherwise #channel%server, nick%server and server. The last % separates the
// server, because channel names may contain a %.
func (n *network) ParsePeer(name string) (legacy.Peer, error) {
	name = strings.TrimSpace(name)
	if len(name) > 400 {
		return legacy.Peer{}, n.badName()
	}
	local, server := name, ""
	if n.named {
		at := strings.LastIndexByte(name, '%')
		local, server = name[:max(at, 0)], lower(name[at+1:])
		switch {
		case !isServer(server):
			return legacy.Peer{}, n.badName()
		case !n.allows(server):
			return legacy.Peer{}, legacy.Errorf(legacy.Forbidden, "This gateway does not connect to %s. Its administrator has limited the servers that users may name.", server)
		case at < 0:
			return legacy.Peer{ID: server, Service: true}, nil
		}
	}
	switch {
	case isChannel(local):
		return legacy.Peer{ID: n.id(local, server), Room: true}, nil
	case ircwire.IsName(local):
		return legacy.Peer{ID: n.id(local, server)}, nil
	}
	return legacy.Peer{}, n.badName()
}

func (n *network) badName() error {
	if n.named {
		return legacy.Errorf(legacy.NotFound, "Write a channel as #name%%irc.example.net, a user as nick%%irc.example.net, a server as irc.example.net.")
	}
	return legacy.Errorf(legacy.NotFound, "Write a channel as #name, a user as their nick.")
}

// id returns the Peer.ID of a name at a server.
func (n *network) id(local, server string) string {
	if n.named {
		return lower(local) + "%" + server
	}
	return lower(local)
}

// split is the inverse of id; local is "" for a server.
func (n *network) split(id string) (local, server string) {
	if !n.named {
		return id, ""
	}
	at := strings.LastIndexByte(id, '%')
	return id[:max(at, 0)], id[at+1:]
}

// OccupantName implements legacy.OccupantNamer.
func (n *network) OccupantName(room legacy.Peer, nick string) string {
	_, server := n.split(room.ID)
	if n.named {
		return nick + "%" + server
	}
	return nick
}

// Nick implements legacy.Nicker. For a server it returns the server's name.
func (n *network) Nick(p legacy.Peer) string {
	nick, server := n.split(p.ID)
	if nick == "" {
		return server
	}
	return nick
}

// service returns the server's address: the zero Peer (the gateway itself) if the
// network has one configured server.
func (n *network) service(server string) legacy.Peer {
	return legacy.Peer{ID: server, Service: n.named}
}

// allows reports whether the configuration lets users name a server.
func (n *network) allows(server string) bool {
	if len(n.opts.Servers) == 0 {
		return true
	}
	host, _, _ := strings.Cut(server, ":")
	for _, pattern := range n.opts.Servers {
		below, wild := strings.CutPrefix(pattern, "*")
		if pattern == host || pattern == server || wild && strings.HasSuffix(host, below) {
			return true
		}
	}
	return false
}
