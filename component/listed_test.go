package component_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// promises are the features by which an entity promises to answer an IQ, and such an IQ. A
// feature without one promises nothing that an IQ asks for.
var promises = map[string][]string{
	nsDiscoInfo:         {"<query xmlns='" + nsDiscoInfo + "'/>"},
	nsItems:             {"<query xmlns='" + nsItems + "'/>"},
	xep.NSPing:          {"<ping xmlns='urn:xmpp:ping'/>"},
	xep.NSVersion:       {"<query xmlns='jabber:iq:version'/>"},
	xep.NSTime:          {"<time xmlns='urn:xmpp:time'/>"},
	xep.NSLast:          {"<query xmlns='jabber:iq:last'/>"},
	xep.NSVCard:         {"<vCard xmlns='vcard-temp'/>"},
	xep.NSVCard4:        {"<vcard xmlns='" + xep.NSVCard4 + "'/>"},
	xep.NSRegister:      {"<query xmlns='jabber:iq:register'/>"},
	xep.NSGateway:       {"<query xmlns='jabber:iq:gateway'/>"},
	xep.NSSearch:        {"<query xmlns='jabber:iq:search'/>"},
	xep.NSBlocking:      {"<blocklist xmlns='urn:xmpp:blocking'/>"},
	xep.NSMAM:           {"<query xmlns='" + xep.NSMAM + "'/>"},
	nsMAM + "#extended": {"<metadata xmlns='" + xep.NSMAM + "'/>"},
	xep.NSCommands: {"<query xmlns='" + nsItems + "' node='" + xep.NSCommands + "'/>",
		"<query xmlns='" + nsDiscoInfo + "' node='" + xep.NSCommands + "'/>"},
}

// XEP-0030 §3.1: an entity answers what its disco#info lists, for everybody who asks: with a
// result, or an error that says why not. It lists what it answers.
func TestListedIsAnswered(t *testing.T) {
	const server, other = "irc.net@" + gw, "#club%irc.net@" + gw
	type subject struct{ name, from, to string }
	always := []subject{
		{"the gateway", phone, gw}, {"the gateway, a stranger", bob + "/x", gw}, {"the gateway's client", phone, fullJID(gw)},
		{"a contact", phone, carol}, {"a contact's client", phone, fullJID(carol)}, {"a contact, a stranger", bob + "/x", carol},
		{"a contact nobody has", phone, "dave@" + gw},
		{"a room from outside", phone, "#elsewhere@" + gw}, {"a room from outside, a stranger", bob + "/x", club},
	}
	inside := []subject{{"a room", phone, club}, {"a room, another client", laptop, club}, {"the own occupant", phone, club + "/alice"}, {"an occupant", phone, club + "/bob"}}
	for _, tt := range []struct {
		name     string
		network  func(asked chan string) func(legacy.Network) legacy.Network
		users    []string
		joined   string // the room, "" for none
		subjects []subject
	}{
		{"echo", func(chan string) func(legacy.Network) legacy.Network { return nil }, []string{alice}, "", always[:7]},
		{"city", func(asked chan string) func(legacy.Network) legacy.Network { return newFinding(asked, false) }, []string{alice}, club, slices.Concat(always, inside)},
		{"city, not signed on", func(asked chan string) func(legacy.Network) legacy.Network { return newFinding(asked, false) }, []string{alice}, "", always},
		{"city, a guest", func(asked chan string) func(legacy.Network) legacy.Network { return newFinding(asked, false) }, nil, club, slices.Concat(always, inside)},
		{"city, nobody", func(asked chan string) func(legacy.Network) legacy.Network { return newFinding(asked, false) }, nil, "", always},
		{"services", func(asked chan string) func(legacy.Network) legacy.Network { return newFinding(asked, true) }, []string{alice}, "",
			[]subject{{"the gateway", phone, gw}, {"a server", phone, server}, {"a server, a stranger", bob + "/x", server},
				{"a person", phone, "carol%irc.net@" + gw}, {"a room", phone, other}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := make(chan string, 10000)
			stage(t, setup{network: tt.network(asked), users: tt.users, echo: silence, config: keeping}, func(t *testing.T, w *world) {
				w.Patience = 24 * time.Hour
				if tt.users != nil && tt.name != "city, not signed on" {
					w.signOn(phone)
				}
				var h *legacytest.Handle
				if tt.joined != "" {
					w.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
					w.settle()
					h = w.echo.Session("alice")
					w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob"}}})
				}
				w.settle()
				w.Take()
				if tt.joined != "" { // the network tells the configuration once
					w.Send("<iq type='get' id='c' from='" + phone + "' to='" + club + "'>" + promises[nsDiscoInfo][0] + "</iq>")
					w.settle()
					for got := range asked {
						if words := strings.Fields(got); words[0] == "config" {
							w.emit(h, legacy.RoomConfigReceived{Ref: words[1]})
							break
						}
					}
					w.Take()
				}
				for _, s := range tt.subjects {
					info := w.Ask("get", s.from, s.to, promises[nsDiscoInfo][0])
					if info.Attr("type") != "result" {
						t.Errorf("%s: disco#info is %s", s.name, info)
						continue
					}
					for feature, queries := range promises {
						listed := hasFeature(info, feature)
						for _, q := range queries {
							got := w.Ask("get", s.from, s.to, q)
							condition := conditionOf(got)
							no := condition == "service-unavailable" || condition == "feature-not-implemented"
							yes := condition == "" || condition == "remote-server-timeout"
							if listed && no || !listed && yes {
								t.Errorf("%s lists %s: %t, and answers %s with %s", s.name, feature, listed, q, got)
							}
						}
					}
					w.settle()
					w.Take()
				}
			})
		})
	}
}

// conditionOf returns the condition of an error stanza, "" for any other.
func conditionOf(e *element.Element) string {
	for x := range e.Child("", "error").Children("urn:ietf:params:xml:ns:xmpp-stanzas", "") {
		if x.Name != "text" {
			return x.Name
		}
	}
	return ""
}
