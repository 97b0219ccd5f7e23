// Package xep has the payloads of XMPP extensions that our XMPP library lacks: namespaces,
// and functions that build or read one element. It is independent of streams, users and
// networks.
package xep

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"transport/component/element"
)

// Namespaces, by specification.
const (
	NSDataForm       = "jabber:x:data"                         // XEP-0004
	NSDiscoInfo      = "http://jabber.org/protocol/disco#info" // XEP-0030
	NSDiscoItems     = "http://jabber.org/protocol/disco#items"
	NSCommands       = "http://jabber.org/protocol/commands" // XEP-0050
	NSVCard          = "vcard-temp"                          // XEP-0054
	NSRegister       = "jabber:iq:register"                  // XEP-0077
	NSChatStates     = "http://jabber.org/protocol/chatstates"
	NSVersion        = "jabber:iq:version"                  // XEP-0092
	NSGateway        = "jabber:iq:gateway"                  // XEP-0100
	NSEscaping       = `jid\20escaping`                     // XEP-0106
	NSCaps           = "http://jabber.org/protocol/caps"    // XEP-0115
	NSCaps2          = "urn:xmpp:caps"                      // XEP-0390
	NSHashes         = "urn:xmpp:hashes:2"                  // XEP-0300
	NSNick           = "http://jabber.org/protocol/nick"    // XEP-0172
	NSReceipts       = "urn:xmpp:receipts"                  // XEP-0184
	NSPing           = "urn:xmpp:ping"                      // XEP-0199
	NSTime           = "urn:xmpp:time"                      // XEP-0202
	NSDelay          = "urn:xmpp:delay"                     // XEP-0203
	NSLast           = "jabber:iq:last"                     // XEP-0012
	NSIdle           = "urn:xmpp:idle:1"                    // XEP-0319
	NSOMEMO          = "eu.siacs.conversations.axolotl"     // XEP-0384 0.3
	NSOMEMO2         = "urn:xmpp:omemo:2"                   // XEP-0384
	NSEME            = "urn:xmpp:eme:0"                     // XEP-0380
	NSEncrypted      = "jabber:x:encrypted"                 // XEP-0027
	NSOpenPGP        = "urn:xmpp:openpgp:0"                 // XEP-0373
	NSRoster         = "jabber:iq:roster"                   // RFC 6121 §2
	NSRosterX        = "http://jabber.org/protocol/rosterx" // XEP-0144
	NSForward        = "urn:xmpp:forward:0"                 // XEP-0297
	NSPrivilege1     = "urn:xmpp:privilege:1"               // XEP-0356 0.2
	NSPrivilege2     = "urn:xmpp:privilege:2"               // XEP-0356
	NSSearch         = "jabber:iq:search"                   // XEP-0055
	NSVCard4         = "urn:ietf:params:xml:ns:vcard-4.0"   // XEP-0292
	NSVCardUpdate    = "vcard-temp:x:update"                // XEP-0153
	NSPubSub         = "http://jabber.org/protocol/pubsub"  // XEP-0060
	NSPubSubEvent    = "http://jabber.org/protocol/pubsub#event"
	NSAvatarData     = "urn:xmpp:avatar:data" // XEP-0084
	NSAvatarMeta     = "urn:xmpp:avatar:metadata"
	NSAvatarNotify   = "urn:xmpp:avatar:metadata+notify"
	NSOOB            = "jabber:x:oob"                        // XEP-0066
	NSUpload         = "urn:xmpp:http:upload:0"              // XEP-0363
	NSChatMarkers    = "urn:xmpp:chat-markers:0"             // XEP-0333
	NSCorrect        = "urn:xmpp:message-correct:0"          // XEP-0308
	NSRetract        = "urn:xmpp:message-retract:1"          // XEP-0424
	NSRetract0       = "urn:xmpp:message-retract:0"          // its earlier version
	NSFasten         = "urn:xmpp:fasten:0"                   // XEP-0422
	NSModerate       = "urn:xmpp:message-moderate:1"         // XEP-0425
	NSReactions      = "urn:xmpp:reactions:0"                // XEP-0444
	NSFileSharing    = "urn:xmpp:sfs:0"                      // XEP-0447
	NSURLData        = "http://jabber.org/protocol/url-data" // XEP-0103
	NSMUC            = "http://jabber.org/protocol/muc"      // XEP-0045
	NSConference     = "jabber:x:conference"                 // XEP-0249
	NSMUCAdmin       = "http://jabber.org/protocol/muc#admin"
	NSMUCOwner       = "http://jabber.org/protocol/muc#owner"
	NSMUCConfig      = "http://jabber.org/protocol/muc#roomconfig"
	NSMUCInfo        = "http://jabber.org/protocol/muc#roominfo"
	NSMUCTraffic     = "http://jabber.org/protocol/muc#traffic"
	NSStableID       = "http://jabber.org/protocol/muc#stable_id"
	NSSelfPing       = "http://jabber.org/protocol/muc#self-ping-optimization"
	NSOccupantID     = "urn:xmpp:occupant-id:0"              // XEP-0421
	NSStanzaID       = "urn:xmpp:sid:0"                      // XEP-0359
	NSMAM            = "urn:xmpp:mam:2"                      // XEP-0313
	NSMAMExtended    = "urn:xmpp:mam:2#extended"             // XEP-0313
	NSRSM            = "http://jabber.org/protocol/rsm"      // XEP-0059
	NSXHTMLIM        = "http://jabber.org/protocol/xhtml-im" // XEP-0071
	NSXHTML          = "http://www.w3.org/1999/xhtml"
	NSStyling        = "urn:xmpp:styling:0"  // XEP-0393
	NSReply          = "urn:xmpp:reply:0"    // XEP-0461
	NSFallback       = "urn:xmpp:fallback:0" // XEP-0428
	NSMUCUser        = "http://jabber.org/protocol/muc#user"
	NSBlocking       = "urn:xmpp:blocking" // XEP-0191
	NSBlockingErrors = "urn:xmpp:blocking:errors"
	NSStanzaErrors   = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// Stamp is a time as XEP-0082 writes it.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Increasing returns a time in whole milliseconds (XEP-0082 §3.2) that is later than last:
// clients sort by stamp, and would reorder messages with the same stamp. A time that is
// older than last by more than backdated is only truncated.
func Increasing(at, last time.Time) time.Time {
	at = at.Truncate(time.Millisecond)
	if !at.After(last) && last.Sub(at) < backdated {
		return last.Add(time.Millisecond)
	}
	return at
}

// backdated is the difference from which an older stamp counts as a message of an earlier
// time, and not as the next message with an imprecise stamp.
const backdated = time.Minute

// Delay returns the time at which a stanza was first received, and by which entity.
// (XEP-0203 §2)
func Delay(from string, t time.Time) *element.Element {
	return element.New(NSDelay, "delay").Set("from", from).Set("stamp", Stamp(t))
}

// Nick returns the nickname of a sender. (XEP-0172 §3)
func Nick(name string) *element.Element {
	return element.New(NSNick, "nick").AddText(name)
}

// Received acknowledges the message with that id. (XEP-0184 §5.3)
func Received(id string) *element.Element {
	return element.New(NSReceipts, "received").Set("id", id)
}

// IsEncrypted reports whether a message carries its text encrypted, so that
// only its recipient could read it. (XEP-0027, XEP-0364, XEP-0373, XEP-0380, XEP-0384)
func IsEncrypted(message *element.Element) bool {
	return message.Child(NSOMEMO, "encrypted") != nil ||
		message.Child(NSOMEMO2, "encrypted") != nil ||
		message.Child(NSEncrypted, "x") != nil ||
		message.Child(NSOpenPGP, "openpgp") != nil ||
		message.Child(NSEME, "encryption") != nil ||
		isOTR(message)
}

// isOTR reports whether a body is a message of OTR: data, a fragment, or the request to
// begin. (XEP-0364 §3)
func isOTR(message *element.Element) bool {
	for body := range message.Children(message.Space, "body") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(body.Text()), "?OTR"); ok && rest != "" && strings.IndexByte(":,|?v", rest[0]) >= 0 {
			return true
		}
	}
	return false
}

// chatStates are the states of XEP-0085 §2.
var chatStates = [...]string{"active", "composing", "paused", "inactive", "gone"}

// ChatState is the chat state that a message carries. (XEP-0085 §5)
func ChatState(message *element.Element) (string, bool) {
	for _, state := range chatStates {
		if message.Child(NSChatStates, state) != nil {
			return state, true
		}
	}
	return "", false
}

// NewID returns a stanza id that cannot be guessed: the generator is seeded by the
// operating system. Any goroutine may call it.
func NewID() string { return strconv.FormatUint(rand.Uint64()|1<<63, 36) }

// ConferenceIdentity returns the disco identity of a room or a service with rooms. Clients
// support only the type text: with conference/irc, Gajim disables nick changes, reactions
// and corrections.
func ConferenceIdentity(name string) *element.Element {
	return element.New(NSDiscoInfo, "identity").Set("category", "conference").Set("type", "text").Set("name", name)
}
