package e2e

import (
	"fmt"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// archived returns the texts of all messages in a user's archive. (XEP-0313 §4)
func (p *person) archived() map[string]bool {
	p.w.t.Helper()
	const ns, rsm, forward = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm", "urn:xmpp:forward:0"
	texts, after := make(map[string]bool), ""
	for {
		page := "<max>50</max>"
		if after != "" {
			page += "<after>" + after + "</after>"
		}
		reply := p.iq("set", "", "<query xmlns='"+ns+"'><set xmlns='"+rsm+"'>"+page+"</set></query>")
		for {
			// The result of the IQ comes after the messages.
			isResult := func(e *element.Element) bool { return e.Name == "message" && e.Child(ns, "result") != nil }
			if p.Count(isResult) == 0 {
				break
			}
			inner := p.expect("a result", isResult).Child(ns, "result").Child(forward, "forwarded").Child(lab.NSClient, "message")
			texts[inner.ChildText(lab.NSClient, "body")] = true
		}
		fin := reply.Child(ns, "fin")
		set := fin.Child(rsm, "set")
		if fin.Attr("complete") == "true" || set == nil || set.ChildText(rsm, "last") == "" {
			return texts
		}
		after = set.ChildText(rsm, "last")
	}
}

// TestServerKilledWhileBobTalks kills the XMPP server during a conversation: afterwards the
// user's archive contains every message, including those that it was processing.
func TestServerKilledWhileBobTalks(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		if w.name != "prosody" {
			t.Skip("it has no archive here")
		}
		alice := w.ready()
		const lines = 300
		for i := range lines {
			if err := w.bob.Send(demo.AliceUIN, fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
			if i == 100 {
				alice.message(bobICQ) // it has begun
				w.server.Kill()
			}
		}
		w.waitLog(`"not connected to the XMPP server"`, 2)
		if err := w.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.waitLinks(4)
		again := w.login(aliceJID + "/two")
		again.presence(bobICQ, "", "")
		if err := w.bob.Send(demo.AliceUIN, "the last"); err != nil {
			t.Fatal(err)
		}
		for again.message(bobICQ).ChildText(lab.NSClient, "body") != "the last" {
		}
		texts := again.archived()
		for i := range lines {
			if !texts[fmt.Sprint("line ", i)] {
				t.Errorf("line %d is lost", i)
			}
		}
	})
}
