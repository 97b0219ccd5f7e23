package component_test

import (
	"strings"
	"testing"

	"transport/component"
	"transport/legacy/legacytest"
)

// RFC 6120 §8.2.3, §8.4: every get and set has its one answer.
func TestIQRouting(t *testing.T) {
	const ping, disco = "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='http://jabber.org/protocol/disco#info'/>"
	for _, tt := range []struct {
		name, typ, to, payload string
		condition, errType     string // "" for a result
		want                   string
	}{
		{"ping", "get", gw, ping, "", "", ""}, // XEP-0199 §4.4
		{"ping of a contact", "get", carol, ping, "", "", ""},
		{"ping of a contact's resource", "get", carol + "/x", ping, "", "", ""},
		{"set ping", "set", gw, ping, "feature-not-implemented", "cancel", ""},
		{"set ping of a contact", "set", carol, ping, "service-unavailable", "cancel", ""},
		{"unknown namespace", "get", gw, "<q xmlns='urn:unknown'/>", "service-unavailable", "cancel", ""},
		{"unknown namespace, set", "set", carol, "<q xmlns='urn:unknown'/>", "service-unavailable", "cancel", ""},
		{"unknown element", "get", gw, "<q xmlns='urn:xmpp:ping'/>", "feature-not-implemented", "cancel", ""},
		{"no namespace", "get", gw, "<q xmlns=''/>", "service-unavailable", "cancel", ""},
		{"the stream's namespace", "get", gw, "<q/>", "service-unavailable", "cancel", ""},
		{"empty", "get", gw, "", "bad-request", "modify", ""},
		{"empty, of a contact", "set", carol, " \n ", "bad-request", "modify", ""},
		{"two", "get", gw, ping + ping, "bad-request", "modify", ""},
		{"disco", "get", gw, disco, "", "", "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='gateway' type='echo' name='Echo'/>" +
			"<feature var='jabber:iq:register'/><feature var='jabber:iq:gateway'/><feature var='jid\\20escaping'/><feature var='urn:xmpp:ping'/></query>"},
		{"disco of a contact", "get", carol, disco, "", "", "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc'/></query>"},
		{"disco of a node", "get", gw, "<query xmlns='http://jabber.org/protocol/disco#info' node='other'/>", "item-not-found", "cancel", ""},
		{"disco of a contact's node", "get", carol, "<query xmlns='http://jabber.org/protocol/disco#info' node='other'/>", "item-not-found", "cancel", ""},
		{"items", "get", gw, "<query xmlns='http://jabber.org/protocol/disco#items'/>", "", "", "<query xmlns='http://jabber.org/protocol/disco#items'/>"},
		{"items of a contact", "get", carol, "<query xmlns='http://jabber.org/protocol/disco#items'/>", "", "", "<query xmlns='http://jabber.org/protocol/disco#items'/>"},
		{"version", "get", gw, "<query xmlns='jabber:iq:version'/>", "", "", "<query xmlns='jabber:iq:version'><name>transport</name><version/></query>"},
		{"version of a contact", "get", carol, "<query xmlns='jabber:iq:version'/>", "service-unavailable", "cancel", ""},
		{"time", "get", gw, "<time xmlns='urn:xmpp:time'/>", "", "", "<time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>2000-01-01T</utc></time>"},
		{"uptime", "get", gw, "<query xmlns='jabber:iq:last'/>", "", "", "<query xmlns='jabber:iq:last' seconds='0'/>"},
		{"vCard", "get", gw, "<vCard xmlns='vcard-temp'/>", "", "", "<vCard xmlns='vcard-temp'><FN>Echo</FN></vCard>"},
		{"prompt", "get", gw, "<query xmlns='jabber:iq:gateway'/>", "", "", "<query xmlns='jabber:iq:gateway'><desc/><prompt>Echo name</prompt></query>"}, // XEP-0100 §6.3
		{"prompted", "set", gw, "<query xmlns='jabber:iq:gateway'><prompt> C a r o l </prompt></query>", "", "", "<query xmlns='jabber:iq:gateway'><jid>" + carol + "</jid></query>"},
		{"prompted for nobody", "set", gw, "<query xmlns='jabber:iq:gateway'><prompt>?</prompt></query>", "item-not-found", "cancel", ""},
		{"prompted for nothing", "set", gw, "<query xmlns='jabber:iq:gateway'/>", "bad-request", "modify", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{}, func(t *testing.T, w *world) {
				got := w.Ask(tt.typ, phone, tt.to, tt.payload)
				if tt.condition != "" {
					isError(t, got, tt.condition, tt.errType, "")
				} else {
					w.mustMatch(got, "<iq type='result'>"+tt.want+"</iq>")
				}
				w.settle()
				w.Quiet()
			})
		})
	}
}

// RFC 6120 §8.3.1: what is never answered.
func TestNotAnswered(t *testing.T) {
	const answer = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	for _, stanza := range []string{
		"<iq type='result' id='1' from='" + phone + "' to='%'/>",
		"<iq type='result' id='1' from='" + phone + "' to='%'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq type='error' id='1' from='" + phone + "' to='%'>" + answer + "</iq>",
		"<iq type='error' from='" + phone + "' to='%'/>",
		"<message type='error' id='1' from='" + phone + "' to='%'><body>hello</body>" + answer + "</message>",
		"<presence type='error' id='1' from='" + phone + "' to='%'>" + answer + "</presence>",
		"<presence type='error' from='" + phone + "' to='%'/>",
		// From our own domain: it would go round for ever. (conformance Q13)
		"<message from='" + carol + "' to='%'><body>hello</body></message>",
		"<iq type='get' id='1' from='" + gw + "' to='%'><ping xmlns='urn:xmpp:ping'/></iq>",
		// Not to us.
		"<message from='" + phone + "' to='other.example.org'><body>hello</body></message>",
		// From nobody.
		"<message to='%'><body>hello</body></message>",
		"<message from='@' to='%'><body>hello</body></message>",
		// No stanza.
		"<unknown from='" + phone + "' to='%'/>",
		"<iq type='get' id='1' from='" + phone + "' to='%' xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>",
	} {
		for name, users := range map[string][]string{"stranger": nil, "registered": {alice}} {
			for _, to := range []string{gw, carol, `no\40one@` + gw} {
				t.Run(name, func(t *testing.T) {
					stage(t, setup{users: users}, func(t *testing.T, w *world) {
						w.Send(strings.ReplaceAll(stanza, "'%'", "'"+to+"'"))
						w.settle()
						if strings.Contains(stanza, "jabber:client") {
							w.Take() // another namespace: answered or not, as long as the stream lives
						}
						w.Quiet()
						w.Barrier()
					})
				})
			}
		}
	}
}

// RFC 6120 §8.1.3: without an id there is nothing to answer to, but the stream
// lives.
func TestOddIQs(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		for _, iq := range []string{
			"<iq type='get' from='" + phone + "' to='" + gw + "'><ping xmlns='urn:xmpp:ping'/></iq>",
			"<iq type='nonsense' id='1' from='" + phone + "' to='" + gw + "'><ping xmlns='urn:xmpp:ping'/></iq>",
			"<iq id='1' from='" + phone + "' to='" + gw + "'><ping xmlns='urn:xmpp:ping'/></iq>",
		} {
			w.Send(iq)
			w.settle()
			w.Refute("<iq type='result'/>")
		}
		w.Take()
		w.Barrier()
	})
}

// Addresses that servers let through, or that no server should: whoever sends
// them, the stream goes on. (conformance J4–J6; one user must not end it for all)
func TestWeirdAddresses(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for _, to := range []string{
		"☃@" + gw, "🎉@" + gw, "\u202e@" + gw, "\u00ad@" + gw, "ﬁ@" + gw, "ß@" + gw, "ａｂ@" + gw,
		long + "@" + gw, strings.Repeat("☃", 400) + "@" + gw, carol + "/" + long, gw + "/" + long,
		`\@` + gw, `\20@` + gw, `\20x\20@` + gw, `\5c\5c@` + gw, `a\40b\2fc@` + gw, `\zz@` + gw, `\4@` + gw,
		"a/b@" + gw, "@" + gw, "carol@" + gw + "/", "a@b@" + gw, "CAROL@" + gw, "carol@GW.EXAMPLE.ORG", "&lt;x>@" + gw,
		"a b@" + gw, "&#10;@" + gw, "", "@", "/", "carol@", "gw.example.org.", "xn--@" + gw,
	} {
		name := to
		if len(name) > 30 {
			name = name[:30]
		}
		t.Run(name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				w.signOn(phone)
				answered := func(stanza string) {
					t.Helper()
					w.Send(stanza)
					w.settle()
					n := 0
					for _, e := range w.Take() {
						if e.Attr("id") == "weird" {
							n++
						}
					}
					if n > 1 {
						t.Errorf("%d answers to %.200s", n, stanza)
					}
				}
				for _, inner := range []string{"", "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:register'/>", "<query xmlns='http://jabber.org/protocol/disco#info'/>"} {
					answered("<iq type='get' id='weird' from='" + phone + "' to='" + to + "'>" + inner + "</iq>")
				}
				for _, typ := range []string{"probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "unavailable", "nonsense", ""} {
					answered("<presence type='" + typ + "' id='weird' from='" + phone + "' to='" + to + "'/>")
				}
				answered("<message type='chat' id='weird' from='" + phone + "' to='" + to + "'><body>hello</body></message>")
				w.Barrier()
			})
		})
	}
}

// The same for senders.
func TestWeirdSenders(t *testing.T) {
	for _, from := range []string{
		"☃@example.org/🎉", "a_b@under_score.example.org/x", "alice@example.org/\u202e", "ALICE@EXAMPLE.ORG/Phone",
		strings.Repeat("x", 3000) + "@example.org", "example.org", "alice@[::1]/x", "alice@127.0.0.1/x", "&quot;@example.org/&apos;&lt;",
	} {
		t.Run(from[:min(len(from), 30)], func(t *testing.T) {
			stage(t, setup{config: func(c *component.Config) { c.Policy.Allow = []string{"*"} }}, func(t *testing.T, w *world) {
				w.Send("<iq type='get' id='1' from='" + from + "' to='" + gw + "'><ping xmlns='urn:xmpp:ping'/></iq>")
				w.Send("<iq type='set' id='2' from='" + from + "' to='" + gw + "'>" + plain("someone", hidden) + "</iq>")
				w.Send("<presence from='" + from + "' to='" + gw + "'/>")
				w.message(from, carol, "3", "hello")
				w.settle()
				for _, e := range w.Take() { // answered to the address as it came
					if e.Name == "iq" && !componentMatch(e.Attr("to"), from) {
						t.Errorf("got %s", e)
					}
				}
				w.Barrier()
			})
		})
	}
}

// componentMatch compares an address with how it is written in XML.
func componentMatch(address, xml string) bool {
	return strings.NewReplacer("&quot;", `"`, "&apos;", "'", "&lt;", "<").Replace(xml) == address
}

// XEP-0106 §4: how a contact's address is written, and read.
func TestEscapedContacts(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, `B\20o\20B@`+gw, "m", "hello") // the network ignores case and spaces
		if got := legacytest.Expect[legacytest.Send](t, h); got.To.ID != "bob" {
			t.Errorf("got %+v, want bob", got.To)
		}
	})
}

// Stanzas over the reader's limits are refused, one by one.
func TestStanzaTooLarge(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, carol, "m1", strings.Repeat("x", 2<<20))
		w.expectError("<message id='m1' from='"+carol+"' to='"+phone+"'/>", "policy-violation", "modify")
		w.Send("<message id='m2' from='" + phone + "' to='" + carol + "'>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</message>")
		w.expectError("<message id='m2' from='"+carol+"' to='"+phone+"'/>", "policy-violation", "modify")
		w.message(phone, carol, "m3", "small")
		if got := legacytest.Expect[legacytest.Send](t, h); got.Text != "small" {
			t.Errorf("got %q", got.Text)
		}
	})
}

// Whom the gateway serves: by default the domain above it.
func TestPolicy(t *testing.T) {
	everybody := []string{"*"}
	for _, tt := range []struct {
		name   string
		policy component.Policy
		from   string
		served bool
	}{
		{"default", component.Policy{}, phone, true},
		{"default, elsewhere", component.Policy{}, "alice@elsewhere.example/x", false},
		{"default, below", component.Policy{}, "alice@sub.example.org/x", false},
		{"everybody", component.Policy{Allow: everybody}, "alice@elsewhere.example/x", true},
		{"denied", component.Policy{Allow: everybody, Deny: []string{alice}}, phone, false},
		{"denied in other letters", component.Policy{Allow: everybody, Deny: []string{alice}}, "ALICE@example.ORG/x", false},
		{"denied domain", component.Policy{Allow: everybody, Deny: []string{"example.org"}}, phone, false},
		{"one user", component.Policy{Allow: []string{alice}}, phone, true},
		{"another user", component.Policy{Allow: []string{alice}}, bob + "/x", false},
		{"administrator", component.Policy{Allow: []string{"elsewhere.example"}, Deny: []string{"*"}, Admins: []string{alice}}, phone, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{config: func(c *component.Config) { c.Policy = tt.policy }}, func(t *testing.T, w *world) {
				got := w.Ask("get", tt.from, gw, registerQuery(""))
				if tt.served != (got.Attr("type") == "result") {
					t.Errorf("got %s", got)
				}
				if !tt.served { // XEP-0077 §3.1, conformance R9
					isError(t, got, "forbidden", "auth", "403")
				}
				// What tells nothing is for everybody.
				w.mustMatch(w.Ask("get", tt.from, gw, "<query xmlns='http://jabber.org/protocol/disco#info'/>"), "<iq type='result'/>")
			})
		})
	}
}
