package component_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const (
	nsMAM       = "urn:xmpp:mam:2"
	nsRSM       = "http://jabber.org/protocol/rsm"
	nsStanzaID  = "urn:xmpp:sid:0"
	nsOccupant  = "urn:xmpp:occupant-id:0"
	nsForward   = "urn:xmpp:forward:0"
	nsClient    = "jabber:client"
	nsComponent = "jabber:component:accept"
)

// mamQuery is a filled-in form of an archive's, with an RSM part behind it.
func mamQuery(queryid, rsm string, fields ...string) string {
	q := "<query xmlns='" + nsMAM + "' queryid='" + queryid + "'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" + nsMAM + "</value></field>"
	for i := 0; i < len(fields); i += 2 {
		q += "<field var='" + fields[i] + "'><value>" + fields[i+1] + "</value></field>"
	}
	q += "</x>"
	if rsm != "" {
		q += "<set xmlns='" + nsRSM + "'>" + rsm + "</set>"
	}
	return q + "</query>"
}

// page is an answer of an archive.
type page struct {
	bodies, ids  []string
	first, last  string
	index, count string
	complete     bool
	results      []*element.Element
	allText      string // the bodies
}

// archive asks the club's archive for a page.
func (w *world) archive(from, query string) page {
	w.t.Helper()
	answer, before := w.ask("set", from, club, "mam", query)
	if answer == nil || answer.Attr("type") != "result" {
		w.t.Fatalf("the archive says %s", answer)
	}
	fin := answer.Child(nsMAM, "fin")
	set := fin.Child(nsRSM, "set")
	p := page{first: set.ChildText(nsRSM, "first"), last: set.ChildText(nsRSM, "last"), count: set.ChildText(nsRSM, "count"),
		index: set.Child(nsRSM, "first").Attr("index"), complete: fin.Attr("complete") == "true"}
	for _, e := range before {
		result := e.Child(nsMAM, "result")
		if result == nil {
			continue
		}
		p.results = append(p.results, e)
		p.ids = append(p.ids, result.Attr("id"))
		p.bodies = append(p.bodies, result.Child(nsForward, "forwarded").Child(nsClient, "message").ChildText(nsClient, "body"))
	}
	p.allText = strings.Join(p.bodies, " ")
	return p
}

// talk has bob say some things a minute apart, and returns their ids.
func (w *world) talk(h *legacytest.Handle, n int) (ids []string) {
	w.t.Helper()
	for i := range n {
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint("n", i)})
		m := w.Expect("<message type='groupchat' from='" + club + "/bob'><stanza-id xmlns='" + nsStanzaID + "' by='" + club + "'/></message>")
		ids = append(ids, m.Child(nsStanzaID, "stanza-id").Attr("id"))
		w.pass(time.Minute)
	}
	w.Take()
	return ids
}

// The archive of a room, page by page.
func TestArchive(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.Take()
		ids := w.talk(h, 10)
		check := func(what string, p page, want string, first, last int, index string, complete bool) {
			t.Helper()
			if p.allText != want || p.first != ids[first] || p.last != ids[last] || p.index != index || p.count != "10" || p.complete != complete {
				t.Errorf("%s: %+v", what, p)
			}
		}
		// XEP-0313 §4.1.5: the form
		form, _ := w.ask("get", phone, club, "f", "<query xmlns='"+nsMAM+"'/>")
		for _, name := range []string{"FORM_TYPE", "start", "end", "before-id", "after-id", "ids"} {
			if !strings.Contains(form.String(), `var="`+name+`"`) && !strings.Contains(form.String(), "var='"+name+"'") {
				t.Errorf("the form lacks %s: %s", name, form)
			}
		}
		// XEP-0313 §4.2, §4.3, XEP-0359 §3: each result has the id that the live message had
		all := w.archive(phone, mamQuery("q1", ""))
		check("everything", all, "n0 n1 n2 n3 n4 n5 n6 n7 n8 n9", 0, 9, "0", true)
		for i, e := range all.results {
			w.mustMatch(e, "<message from='"+club+"' to='"+phone+"' type=''><result xmlns='"+nsMAM+"' queryid='q1' id='"+ids[i]+"'><forwarded xmlns='"+nsForward+
				"'><delay xmlns='urn:xmpp:delay'/><message xmlns='"+nsClient+"' type='groupchat' from='"+club+"/bob' to=''><occupant-id xmlns='"+nsOccupant+"'/></message></forwarded></result></message>")
		}
		// XEP-0059 §2.2, XEP-0313 §4.3: forwards
		p := w.archive(phone, mamQuery("", "<max>4</max>"))
		check("the first page", p, "n0 n1 n2 n3", 0, 3, "0", false)
		p = w.archive(phone, mamQuery("", "<max>4</max><after>"+p.last+"</after>"))
		check("the second page", p, "n4 n5 n6 n7", 4, 7, "4", false)
		p = w.archive(phone, mamQuery("", "<max>4</max><after>"+p.last+"</after>"))
		check("the last page", p, "n8 n9", 8, 9, "8", true)
		// XEP-0059 §2.3, §2.5: backwards, from the end
		p = w.archive(phone, mamQuery("", "<max>4</max><before/>"))
		check("the page at the end", p, "n6 n7 n8 n9", 6, 9, "6", false)
		p = w.archive(phone, mamQuery("", "<max>6</max><before>"+p.first+"</before>"))
		check("the page before it", p, "n0 n1 n2 n3 n4 n5", 0, 5, "0", true)
		// XEP-0313 §4.1.4: flipped, the page is the same but its order
		p = w.archive(phone, strings.Replace(mamQuery("", "<max>3</max>"), "</query>", "<flip-page/></query>", 1))
		check("flipped", p, "n2 n1 n0", 0, 2, "0", false)
		// XEP-0059 §2.6: how many there are
		if p = w.archive(phone, mamQuery("", "<max>0</max>")); len(p.bodies) > 0 || p.count != "10" {
			t.Errorf("counting: %+v", p)
		}
		// XEP-0313 §4.1.3: before and after ids, and ids themselves
		if p = w.archive(phone, mamQuery("", "", "after-id", ids[2], "before-id", ids[6])); p.allText != "n3 n4 n5" {
			t.Errorf("between two ids: %+v", p)
		}
		if p = w.archive(phone, mamQuery("", "", "ids", ids[7]+"</value><value>"+ids[1])); p.allText != "n1 n7" {
			t.Errorf("by ids: %+v", p)
		}
		// XEP-0313 §4.1.2: times
		stamps := make([]string, len(all.results))
		for i, e := range all.results {
			stamps[i] = e.Child(nsMAM, "result").Child(nsForward, "forwarded").Child("urn:xmpp:delay", "delay").Attr("stamp")
		}
		if p = w.archive(phone, mamQuery("", "", "start", stamps[3], "end", stamps[5])); p.allText != "n3 n4 n5" || p.count != "3" {
			t.Errorf("between two times: %+v", p)
		}
		// XEP-0313 §4.3.1: what is not there
		for _, q := range []string{mamQuery("", "<after>nonsense</after>"), mamQuery("", "<before>nonsense</before>"),
			mamQuery("", "", "after-id", "nonsense"), mamQuery("", "", "before-id", "nonsense"), mamQuery("", "", "ids", "nonsense")} {
			answer, _ := w.ask("set", phone, club, "x", q)
			isError(t, answer, "item-not-found", "cancel", "")
		}
		for _, q := range []string{mamQuery("", "", "start", "yesterday"), mamQuery("", "", "ids", strings.Repeat("a</value><value>", 110))} {
			answer, _ := w.ask("set", phone, club, "x", q)
			isError(t, answer, "bad-request", "modify", "")
		}
		// XEP-0313 §4.1.1: what one of them has said
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "zoe", Text: "z0"}, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "n10"}, legacy.RoomMessage{Room: clubPeer, Nick: "zoe", Text: "z1"})
		w.Take()
		if p = w.archive(phone, mamQuery("", "", "with", club+"/zoe")); p.allText != "z0 z1" || !p.complete || p.first != p.ids[0] || p.last != p.ids[1] || p.count != "" || p.index != "" {
			t.Errorf("of zoe: %+v", p)
		}
		if p = w.archive(phone, mamQuery("", "<max>1</max>", "with", club+"/zoe")); p.allText != "z0" || p.complete {
			t.Errorf("of zoe, the first: %+v", p)
		}
		if p = w.archive(phone, mamQuery("", "<max>3</max><before/>", "with", club+"/bob")); p.allText != "n8 n9 n10" || p.complete {
			t.Errorf("of bob, the last: %+v", p)
		}
		if p = w.archive(phone, mamQuery("", "<max>3</max><before>"+ids[2]+"</before>", "with", club+"/bob")); p.allText != "n0 n1" || !p.complete {
			t.Errorf("of bob, the first: %+v", p)
		}
		if p = w.archive(phone, mamQuery("", "", "with", club)); len(p.ids) != 13 {
			t.Errorf("of the room: %+v", p)
		}
		if p = w.archive(phone, mamQuery("", "", "with", bob2)); len(p.ids) != 0 || !p.complete {
			t.Errorf("of nobody there: %+v", p)
		}
		// XEP-0441: there are no preferences
		prefs, _ := w.ask("get", phone, club, "p", "<prefs xmlns='"+nsMAM+"'/>")
		isError(t, prefs, "feature-not-implemented", "cancel", "")
		// XEP-0313 §5: where it begins and ends
		answer, _ := w.ask("get", phone, club, "m", "<metadata xmlns='"+nsMAM+"'/>")
		w.mustMatch(answer, "<iq type='result'><metadata xmlns='"+nsMAM+"'><start id='"+ids[0]+"' timestamp='"+stamps[0]+"'/><end/></metadata></iq>")
		// XEP-0313 §7: everybody sees what they themselves have seen
		if p = w.archive(bob+"/x", mamQuery("", "")); len(p.results) > 0 || !p.complete || p.count != "0" {
			t.Errorf("somebody else sees %+v", p)
		}
		// also while they are not in the room, and after a restart
		w.presence(phone, club+"/alice", "unavailable")
		w.settle()
		w.Take()
		w.stop()
		w.start()
		w.Linked(2)
		w.settle()
		w.Take()
		if p = w.archive(laptop, mamQuery("", "<max>2</max>", "after-id", ids[4])); p.allText != "n5 n6" || p.ids[0] != ids[5] {
			t.Errorf("after a restart: %+v", p)
		}
		// XEP-0313 §4.1: of a room where nothing was ever said
		answer, _ = w.ask("set", phone, "#empty@"+gw, "e", mamQuery("", ""))
		w.mustMatch(answer, "<iq type='result'><fin xmlns='"+nsMAM+"' complete='true'><set xmlns='"+nsRSM+"'><count>0</count></set></fin></iq>")
	})
}

// XEP-0313 §3.1: without an archive, none is announced or answered for
func TestNoArchive(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		info, _ := w.ask("get", phone, club, "i", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
		if hasFeature(info, nsMAM) || hasFeature(info, nsMAM+"#extended") {
			t.Errorf("an archive is announced: %s", info)
		}
		for _, payload := range []string{mamQuery("", ""), "<metadata xmlns='" + nsMAM + "'/>"} {
			answer, _ := w.ask("set", phone, club, "q", payload)
			isError(t, answer, "service-unavailable", "cancel", "")
		}
	})
}
