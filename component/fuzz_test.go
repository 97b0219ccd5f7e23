package component_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"transport/component/element"
	"transport/legacy/legacytest"
)

// FuzzStanza sends a stanza of arbitrary attributes and content to a component
// with one user signed on. Whatever it is, nothing panics, nothing is answered
// twice, a well-formed one leaves the stream alone, and others are served
// afterwards.
func FuzzStanza(f *testing.F) {
	for _, seed := range []struct{ from, to, typ, id, inner string }{
		{phone, gw, "get", "1", "<query xmlns='jabber:iq:register'/>"},
		{phone, gw, "set", "1", plain("alice", "x")},
		{phone, gw, "set", "1", submitForm("submit", "alice", "x")},
		{bob + "/x", gw, "set", "1", plain("bob", "x")},
		{phone, gw, "set", "1", registerQuery("<remove/>")},
		{phone, gw, "set", "1", "<command xmlns='http://jabber.org/protocol/commands' node='options'/>"},
		{phone, gw, "get", "1", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>"},
		{phone, gw, "set", "1", "<query xmlns='jabber:iq:gateway'><prompt>carol</prompt></query>"},
		{phone, carol, "get", "1", "<ping xmlns='urn:xmpp:ping'/>"},
		{phone, carol, "chat", "1", "<body>hello</body><request xmlns='urn:xmpp:receipts'/>"},
		{phone, carol, "chat", "1", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"},
		{phone, carol, "subscribe", "", "<status>please</status>"},
		{phone, carol, "unsubscribed", "", ""},
		{phone, carol, "error", "1", "<error type='cancel'/>"},
		{phone, gw, "", "", "<show>away</show><priority>-1</priority>"},
		{alice, "☃@" + gw, "probe", "1", ""},
		{phone, `\20@` + gw + "/\x00", "chat", "\x01", "<body>\x02</body>"},
		{gw, gw, "result", "1", ""},
		{phone, gw, "chat", "1", "<body>register a b</body>"},
		{phone, gw, "get", "1", "<!-- x --><a b='c' b='d'/></iq>"},
		{phone, gw, "get", "1", "<x:y/><![CDATA[>]]>&#0;&lt;"},
	} {
		for kind := range uint8(3) {
			f.Add(kind, seed.from, seed.to, seed.typ, seed.id, seed.inner)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, from, to, typ, id, inner string) {
		name := []string{"iq", "presence", "message"}[kind%3]
		open := []byte("<" + name)
		for _, a := range [][2]string{{"from", from}, {"to", to}, {"type", typ}, {"id", id}} {
			if a[1] != "" {
				open = append(open, " "+a[0]+`="`...)
				open = append(element.AppendAttr(open, a[1]), '"')
			}
		}
		xml := string(open) + ">" + inner + "</" + name + ">"
		sent, err := element.Parse(xml, "jabber:component:accept")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, setup{users: []string{alice}, echo: legacytest.Options{State: 2, MaxText: 100}})
			w.start()
			w.Linked(1)
			w.signOn(phone)
			w.Send(xml)
			w.settle()
			if err == nil {
				w.checkAnswers(sent)
			} else { // what is not well-formed may end the stream, or be half a stanza
				w.Drop()
				w.Linked(2)
			}
			w.Barrier()
			if n := len(w.Dials()); err == nil && n != 1 {
				t.Errorf("the link has ended")
			}
			if strings.Contains(w.log.String(), "panic") {
				t.Error("there was a panic")
			}
		})
	})
}

// checkAnswers checks how a stanza was answered. (RFC 6120 §8.2.3, §8.3.1)
func (w *world) checkAnswers(sent *element.Element) {
	w.t.Helper()
	n := 0
	for _, e := range w.Take() {
		typ := e.Attr("type")
		if e.Name == sent.Name && e.Attr("id") == sent.Attr("id") && e.Attr("to") == sent.Attr("from") && (typ == "error" || typ == "result") {
			n++
		}
	}
	typ := sent.Attr("type")
	asks := sent.Name == "iq" && (typ == "get" || typ == "set")
	switch {
	case n > 1, n == 1 && typ == "error", n == 1 && sent.Name == "iq" && !asks:
		w.t.Errorf("%d answers to %s", n, sent)
	case n == 0 && asks && sent.Attr("id") != "" && sent.Attr("from") == phone && (sent.Attr("to") == gw || sent.Attr("to") == carol):
		w.t.Errorf("no answer to %s", sent)
	}
}
