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

// growing checks that stamps grow strictly, and returns them.
func growing(t *testing.T, what string, stamps []string) {
	t.Helper()
	last := ""
	for i, stamp := range stamps {
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", stamp); err != nil { // XEP-0082 §3.2
			t.Errorf("%s: stamp %d is %q", what, i, stamp)
		}
		if stamp <= last { // of one length, so that the order of texts is that of times
			t.Errorf("%s: stamp %d is %s, after %s", what, i, stamp, last)
		}
		last = stamp
	}
}

func stampOf(e *element.Element) string {
	return e.Child("urn:xmpp:delay", "delay").Attr("stamp")
}

// TestHistoryKeepsItsTime: what the network plays back is archived under its own time, also if
// something newer has been said already.
func TestHistoryKeepsItsTime(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.pass(time.Hour)
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "live"})
		want := []time.Time{time.Now().Add(-45 * time.Second), time.Now().Add(-30 * time.Second), time.Now().Add(-5 * time.Minute)}
		for i, at := range want {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint("history ", i), Time: at})
		}
		w.settle()
		w.Take()
		p := w.archive(phone, mamQuery("", ""))
		got := make(map[string]string)
		for i, e := range p.results {
			got[p.bodies[i]] = stampOf(e.Child(nsMAM, "result").Child(nsForward, "forwarded"))
		}
		for i, at := range want {
			if stamp := at.UTC().Format("2006-01-02T15:04:05.000Z"); got[fmt.Sprint("history ", i)] != stamp {
				t.Errorf("line %d is archived at %s, want %s", i, got[fmt.Sprint("history ", i)], stamp)
			}
		}
	})
}

// XEP-0203 §3, XEP-0313 §4.2: lines that are said in one moment have stamps that grow, so
// that clients which sort by them keep their order: in the history, in the archive, and
// where both go on.
func TestStampsGrow(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		for i := range 5 {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint("line ", i)})
			w.groupchat(phone, fmt.Sprint("m", i), fmt.Sprint("<body>own ", i, "</body>"))
			w.settle()
		}
		w.Take()
		check := func(what string, want int) {
			t.Helper()
			var stamps []string
			w.Send("<presence from='" + laptop + "' to='" + club + "' type='unavailable'/>")
			bodies, stanzas := w.history(laptop, "<history maxstanzas='50'/>")
			for _, e := range stanzas {
				stamps = append(stamps, stampOf(e))
			}
			growing(t, what+": history", stamps)
			p := w.archive(phone, mamQuery("", ""))
			if len(bodies) != want || len(p.bodies) != want {
				t.Fatalf("%s: %d lines in the history and %d in the archive, want %d", what, len(bodies), len(p.bodies), want)
			}
			for i, e := range p.results {
				stamp := stampOf(e.Child(nsMAM, "result").Child(nsForward, "forwarded"))
				if stamp != stamps[i] || bodies[i] != p.bodies[i] {
					t.Errorf("%s: %q has the stamp %s in the history, %q %s in the archive", what, bodies[i], stamps[i], p.bodies[i], stamp)
				}
			}
			growing(t, what, stamps)
		}
		check("at once", 10)
		// What the network repeats, in its own resolution
		at := time.Now().Add(2 * time.Second).Truncate(time.Second)
		w.pass(10 * time.Second)
		for i := range 3 {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: fmt.Sprint("repeated ", i), ID: fmt.Sprint("id", i), Time: at})
		}
		var stamps []string
		for _, e := range w.Take() {
			if e.Attr("to") == phone {
				stamps = append(stamps, stampOf(e))
			}
		}
		if growing(t, "repeated", stamps); len(stamps) != 3 || stamps[0] != at.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("the stamps are %v", stamps)
		}
		check("repeated", 13)
	})
	// Two lines that are really of long ago keep their time, and their order.
	stage(t, setup{network: newCity(asked), echo: silence}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "now"})
		w.Take()
		at := time.Date(1999, 5, 6, 7, 8, 9, 0, time.UTC)
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "a", Time: at}, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "b", Time: at})
		for _, want := range []string{"1999-05-06T07:08:09.000Z", "1999-05-06T07:08:09.001Z"} {
			if got := stampOf(w.Expect("<message from='" + club + "/bob'/>")); got != want {
				t.Errorf("the stamp is %s, want %s", got, want)
			}
		}
	})
}

// XEP-0045 §7.4: where each line is a message of its own, the reflection has those that
// were sent, not the blank ones between them; and says which of them repeat another
// message. (XEP-0428 §2.2)
func TestReflectedLines(t *testing.T) {
	asked := make(chan string, 1000)
	for _, lines := range []bool{false, true} {
		network := func(n legacy.Network) legacy.Network { return lineCity{newCity(asked)(n).(city), lines} }
		stage(t, setup{network: network, echo: silence, config: keeping}, func(t *testing.T, w *world) {
			h := joinClub(t, w, asked)
			w.Take()
			text, quoted, end := "> was\n\n one\n \n\ntwo\n", "> was\n\n one\n \n\ntwo\n", "7"
			if lines {
				text, end = "> was\n one\ntwo", "6"
			}
			w.groupchat(phone, "m1", "<body>"+strings.ReplaceAll(quoted, ">", "&gt;")+"</body><reply xmlns='urn:xmpp:reply:0' id='x'/>"+
				"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='7'/></fallback>")
			if got := legacytest.Expect[legacytest.Send](t, h).Text; got != text {
				t.Errorf("lines %t: sent %q, want %q", lines, got, text)
			}
			e := w.Expect("<message type='groupchat' from='" + club + "/alice' to='" + phone + "' id='m1'><fallback xmlns='urn:xmpp:fallback:0'><body start='0' end='" + end + "'/></fallback></message>")
			if got := e.ChildText(nsComponent, "body"); got != text {
				t.Errorf("lines %t: reflected %q, want %q", lines, got, text)
			}
			if p := w.archive(phone, mamQuery("", "")); len(p.bodies) != 1 || p.bodies[0] != text {
				t.Errorf("lines %t: archived %q, want %q", lines, p.bodies, text)
			}
			w.message(phone, carol, "m2", "\n \n")
			w.settle()
			legacytest.Refute[legacytest.Send](t, h)
		})
	}
}

// lineCity is a city where each line of a text is a message of its own.
type lineCity struct {
	city
	lines bool
}

func (n lineCity) Info() legacy.Info {
	info := n.city.Info()
	info.Lines = n.lines
	return info
}

// XEP-0203 §3: messages that the network has stored in the resolution of seconds, and
// those that were kept while there was no link
func TestStoredStampsGrow(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		at := time.Date(1999, 5, 6, 7, 8, 9, 0, time.UTC)
		for i := range 4 {
			w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint(i), Time: at.Add(time.Duration(i/2) * time.Second)})
		}
		w.emit(h, legacy.MessageReceived{From: legacy.Peer{ID: "dave"}, Text: "another", Time: at})
		for _, want := range []string{"09.000Z", "09.001Z", "10.000Z", "10.001Z", "09.000Z"} {
			e := w.Expect("<message type='chat'><body/><delay xmlns='urn:xmpp:delay'/></message>")
			if got := stampOf(e); got != "1999-05-06T07:08:"+want {
				t.Errorf("%s has the stamp %s, want %s", e.ChildText("", "body"), got, want)
			}
		}
		w.SetDown(true)
		w.Drop()
		w.settle()
		for i := range 3 {
			h.Emit(legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("kept ", i)})
		}
		w.settle()
		w.SetDown(false)
		w.Linked(2)
		var stamps []string
		for range 3 {
			stamps = append(stamps, stampOf(w.Expect("<message type='chat' from='"+fullJID(carol)+"'><delay xmlns='urn:xmpp:delay'/></message>")))
		}
		growing(t, "kept", stamps)
	})
}
