package irc

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// chanTypes are the kinds of channel that every server has.
const chanTypes = "#&"

// isChannel reports whether a name is a channel's.
func isChannel(name string) bool { return ircwire.IsChannel(name, chanTypes) }

// isName reports whether a server can call somebody so. Some have nicks that IsNick
// refuses, such as those that services give, but none is nothing, or has spaces or
// control characters.
func isName(nick string) bool {
	return nick != "" && len(nick) <= maxName && !strings.ContainsFunc(nick, func(r rune) bool { return r == ' ' || unicode.IsControl(r) })
}

const maxName = 200 // bytes

// isPlainNick reports whether a nick is one that every server allows, unless it is too
// long, or not for everybody. (RFC 2812 §2.3.1)
func isPlainNick(nick string) bool {
	return ircwire.IsNick(nick) && !strings.ContainsFunc(nick, func(r rune) bool {
		return (r < 'A' || r > '}') && (r < '0' || r > '9') && r != '-'
	})
}

// plainNick is a nick without what only some servers have in nicks: letters lose their
// accents, and those of other scripts are left out. It is "" if no nick is left.
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

// undecomposed are the letters of Latin scripts that Unicode does not take apart.
var undecomposed = strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L",
	"đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i")

// LegalNick implements legacy.NickLimiter.
func (n *network) LegalNick(wanted string) string { return ircwire.NearestNick(wanted) }

// RoomNick implements legacy.NickTeller: the nick of the server's settings, or of the
// registration.
func (n *network) RoomNick(a legacy.Account, room legacy.Peer) string {
	_, server := n.split(room.ID)
	return first(a.Settings[n.service(server).ID]["nick"], a.Fields["username"])
}

// isServer reports whether a name can be that of a server, or of its address:
// host, host:port or an alias that the user has given an address.
func isServer(name string) bool {
	if name == "" || len(name) > 255 || strings.HasPrefix(name, "-") || strings.HasPrefix(name, ".") {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:", r)
	}) < 0
}

// lower folds a name as the servers of XMPP fold addresses, as far as IRC's names
// are concerned.
func lower(name string) string { return ircwire.ASCII.Fold(name) }

// ParsePeer implements legacy.Network: #channel or nick at the one server;
// #channel%server, nick%server or server where users name it. What follows the
// last % is the server, since channels may have a % in their names.
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
			return legacy.Peer{}, legacy.Errorf(legacy.Forbidden, "This gateway does not go to %s. Its administrator decides where it goes.", server)
		case at < 0:
			return legacy.Peer{ID: server, Service: true}, nil
		}
	}
	switch {
	case isChannel(local):
		return legacy.Peer{ID: n.id(local, server), Room: true}, nil
	case ircwire.IsNick(local):
		return legacy.Peer{ID: n.id(local, server)}, nil
	}
	return legacy.Peer{}, n.badName()
}

func (n *network) badName() error {
	if n.named {
		return legacy.Errorf(legacy.NotFound, "A channel is written as #name%%irc.example.net, a person as nick%%irc.example.net, a server as irc.example.net.")
	}
	return legacy.Errorf(legacy.NotFound, "A channel is written as #name, a person as their nick.")
}

// id is the Peer.ID of a name at a server.
func (n *network) id(local, server string) string {
	if n.named {
		return lower(local) + "%" + server
	}
	return lower(local)
}

// split is what id was made of; local is "" for a server.
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

// Nick implements legacy.Nicker. A server is called by its name.
func (n *network) Nick(p legacy.Peer) string {
	nick, server := n.split(p.ID)
	if nick == "" {
		return server
	}
	return nick
}

// service is the server as a peer: the zero Peer, the gateway itself, where there
// is one only.
func (n *network) service(server string) legacy.Peer {
	return legacy.Peer{ID: server, Service: n.named}
}

// allows reports whether users may name a server.
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
