package component_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"transport/legacy"
	"transport/legacy/legacytest"
)

const (
	nsReply    = "urn:xmpp:reply:0"
	nsFallback = "urn:xmpp:fallback:0"
)

// XEP-0461 §3, XEP-0428 §2.2: an answer repeats what it answers for clients that know
// none, both ways, and from the archive.
func TestReplies(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{MessageTags: true, Occupants: []legacy.Occupant{{Nick: "bob"}}})
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "one\ntwo", ID: "id1"},
			legacy.RoomMessage{Room: clubPeer, Nick: "zoe", Text: "indeed", ID: "id2", Reply: "id1"},
			legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "no", ID: "id3", Reply: "id2"},
			legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "what?", ID: "id4", Reply: "unknown"})
		reply := func(to, id, end string) string {
			return "<reply xmlns='" + nsReply + "' to='" + club + "/" + to + "' id='" + id + "'/><fallback xmlns='" + nsFallback + "' for='" + nsReply + "'><body start='0' end='" + end + "'/></fallback>"
		}
		w.Expect("<message from='" + club + "/zoe'><body>&gt; one\n&gt; two\nindeed</body>" + reply("bob", "id1", "12") + "</message>")
		w.Expect("<message from='" + club + "/bob'><body>&gt; indeed\nno</body>" + reply("zoe", "id2", "9") + "</message>")
		if plain := w.Expect("<message from='" + club + "/bob'><body>what?</body><reply xmlns='" + nsReply + "' id='unknown'/></message>").String(); strings.Contains(plain, nsFallback) || strings.Contains(plain, "to='"+club+"/") {
			t.Errorf("an answer to something unknown: %s", plain)
		}
		sent := func(want, reply string) {
			t.Helper()
			if got := legacytest.Expect[legacytest.Send](t, h); got.Text != want || got.Reply != reply {
				t.Errorf("sent %q, an answer to %q, want %q", got.Text, got.Reply, want)
			}
		}
		own := "<reply xmlns='" + nsReply + "' to='" + club + "/zoe' id='id2'/><fallback xmlns='" + nsFallback + "' for='" + nsReply + "'><body start='0' end='9'/></fallback>"
		w.groupchat(phone, "m1", "<body>&gt; indeed\nit is</body>"+own)
		w.Expect("<message from='" + club + "/alice' id='m1'><body>&gt; indeed\nit is</body>" + reply("zoe", "id2", "9") + "</message>")
		sent("zoe: it is", "id2")
		w.groupchat(phone, "m2", "<body>&gt; indeed\n</body>"+own)
		sent("zoe: > indeed\n", "id2") // nothing else is there
		w.groupchat(phone, "m3", "<body>&gt; indeed\n/me nods</body>"+own)
		sent("/me nods", "id2")
		w.groupchat(phone, "m4", "<body>&gt; indeed\nzoe, yes</body>"+strings.Replace(own, "end='9'", "end='900'", 1))
		sent("zoe: > indeed\nzoe, yes", "id2")
		// Styling in the quotation, in the answer, and a link beside the body
		quoting := func(quote, answer string) string {
			return strings.Replace("<body>"+quote+answer+"</body>"+own, "end='9'", fmt.Sprintf("end='%d'", utf8.RuneCountInString(strings.ReplaceAll(quote, "&gt;", ">"))), 1)
		}
		w.groupchat(phone, "m5", quoting("&gt; this is *really* late 🚀\n", "agreed"))
		sent("zoe: agreed", "id2")
		w.groupchat(phone, "m6", quoting("&gt; *one*\n&gt; two\n", "it *is* so"))
		styled := legacytest.Expect[legacytest.Send](t, h)
		if want := []legacy.Span{{Text: "zoe: "}, {Text: "it "}, {Text: "*is*", Style: legacy.Bold}, {Text: " so"}}; !slices.Equal(styled.Markup, want) || styled.Text != "zoe: it *is* so" {
			t.Errorf("sent %q as %v, want %v", styled.Text, styled.Markup, want)
		}
		w.groupchat(phone, "m7", quoting("&gt; *indeed*\n", "look")+"<x xmlns='jabber:x:oob'><url>https://example.org/a.png</url></x>")
		sent("zoe: look\nhttps://example.org/a.png", "id2")
		w.groupchat(phone, "m8", quoting("&gt; indeed\n", "it is")+
			"<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>&gt; <strong>indeed</strong><br/>it is</p></body></html>")
		sent("zoe: it is", "id2")
		w.Take()
		p := w.archive(phone, mamQuery("", ""))
		for i, want := range []string{"", reply("bob", "id1", "12"), reply("zoe", "id2", "9")} {
			w.mustMatch(p.results[i], "<message><result xmlns='"+nsMAM+"'><forwarded xmlns='"+nsForward+"'><message xmlns='"+nsClient+"'>"+want+"</message></forwarded></result></message>")
		}
	})
}
