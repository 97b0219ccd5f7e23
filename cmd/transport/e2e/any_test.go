package e2e

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy"
)

// scripts is a text in twelve scripts, with characters that some servers treat as markup.
var scripts = strings.Join([]string{
	"The quick brown fox & <b>dog</b>", "Příliš žluťoučký kůň", "Съешь же ещё этих булок", "Γαζέες καὶ μυρτιὲς", "דג סקרן שט בים",
	"نص حكيم له سر قاطع", "ऋषियों को सताने वाले", "เป็นมนุษย์สุดประเสริฐ", "いろはにほへと ちりぬるを", "키스의 고유조건은", "天地玄黃 宇宙洪荒", "Բել դղյակի ձախ ժամն",
}, "\n")

// looks normalises a text to its appearance: servers may decompose letters into base and
// accent, with invisible characters between them.
func looks(text string) string { return norm.NFC.String(strings.ReplaceAll(text, "\u200B", "")) }

// TestAnyServer tests features that every server must have: messages in every script,
// offline messages, and searches.
func TestAnyServer(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		icq := w.icq()
		bobICQ, bob := icq.bobJID(), icq.friend
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.register(icqDomain, icq.alice)
		bob.SignOn()
		alice.add(bobICQ)
		alice.presence(bobICQ, "", "")
		reads := func(want string) {
			t.Helper()
			from, got := bob.heard()
			if looks(got) != looks(want) || from != icq.alice {
				t.Errorf("bob reads %q from %s, want %q", got, from, want)
			}
		}
		alice.say(bobICQ, "m1", scripts)
		reads(scripts)
		if err := bob.Send(icq.alice, scripts); err != nil {
			t.Fatal(err)
		}
		if got := alice.message(bobICQ).ChildText("jabber:client", "body"); looks(got) != looks(scripts) {
			t.Errorf("alice reads %q", got)
		}

		// Bob is offline, then Alice is.
		bob.SignOff()
		alice.presence(bobICQ, "unavailable", "")
		alice.say(bobICQ, "m2", "for later")
		alice.say(bobICQ, "m3", "Для тебя")
		alice.iq("get", icqDomain, "<query xmlns='jabber:iq:search'/>") // behind them
		bob.SignOn()
		reads("for later")
		reads("Для тебя")
		alice.presence(bobICQ, "", "")
		w.wait("sight of Alice", func() bool { return bob.sees(icq.alice).Show == legacy.ShowOnline })
		alice.send("<presence type='unavailable'/>")
		w.wait("end of Bob's sight of Alice", func() bool { return bob.sees(icq.alice).Show == legacy.ShowOffline })
		if err := bob.Send(icq.alice, "when you are back"); err != nil {
			t.Fatal(err)
		}
		alice.send("<presence/>")
		// XEP-0203 §4
		alice.expect("what Bob wrote meanwhile, with its time", func(e *element.Element) bool {
			return lab.From(e, bobICQ) && e.ChildText("jabber:client", "body") == "when you are back" && e.Child("urn:xmpp:delay", "delay") != nil
		})

		// XEP-0055 §2.1
		found := alice.iq("set", icqDomain, "<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'><field var='username'><value>"+icq.bob+"</value></field></x></query>").String()
		if !strings.Contains(found, bobICQ) {
			t.Errorf("found %s", found)
		}
		// XEP-0054 §3.3
		alice.iq("get", bobICQ, "<vCard xmlns='vcard-temp'/>")
	})
}
