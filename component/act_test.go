package component_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const (
	nsCorrect   = "urn:xmpp:message-correct:0"
	nsReactions = "urn:xmpp:reactions:0"
)

func reactionsTo(id string, emojis ...string) string {
	all := ""
	for _, e := range emojis {
		all += "<reaction>" + e + "</reaction>"
	}
	return "<reactions xmlns='" + nsReactions + "' id='" + id + "'>" + all + "</reactions>"
}

// sent is what the network got since, each text of a line.
func sent(h *legacytest.Handle) (texts []string) {
	for {
		m, ok := legacytest.Take[legacytest.Send](h)
		if !ok {
			return texts
		}
		texts = append(texts, m.Text)
	}
}

func (w *world) wantSent(h *legacytest.Handle, want ...string) {
	w.t.Helper()
	w.settle()
	if got := sent(h); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		w.t.Errorf("the network got %q, want %q", got, want)
	}
}

// couple is two users in the club, whose network has neither corrections, nor
// retractions, nor reactions. What alice says there is passed on to bob by pass.
type couple struct {
	*world
	alice, bob *legacytest.Handle
}

const desk = bob + "/desk"

func newCouple(t *testing.T, f func(t *testing.T, w *couple)) {
	t.Helper()
	asked := make(chan string, 1000)
	network := func(n legacy.Network) legacy.Network { return lineCity{newCity(asked)(n).(city), true} }
	stage(t, setup{network: network, echo: silence, config: keeping, users: []string{alice, bob}}, func(t *testing.T, w *world) {
		c := &couple{w, w.signOn(phone), w.signOn(desk)}
		others := []legacy.Occupant{{Nick: "ircjoe"}, {Nick: "bob"}}
		w.enter(c.alice, asked, phone, legacy.RoomJoined{Occupants: others})
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.enter(c.bob, asked, desk, legacy.RoomJoined{Nick: "bob", Occupants: []legacy.Occupant{{Nick: "ircjoe"}, {Nick: "alice"}}})
		w.Take()
		f(t, c)
	})
}

// relay says to bob's session what alice's has sent, and returns what each client got, in
// the order phone, laptop, desk.
func (w *couple) relay(want ...string) [3][]*element.Element {
	w.t.Helper()
	w.settle()
	got := sent(w.alice)
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		w.t.Errorf("the network got %q, want %q", got, want)
	}
	for _, text := range got {
		w.emit(w.bob, legacy.RoomMessage{Room: clubPeer, Nick: "alice", Text: text})
	}
	var all [3][]*element.Element
	for _, e := range w.Take() {
		for i, to := range []string{phone, laptop, desk} {
			if e.Name == "message" && e.Attr("to") == to {
				all[i] = append(all[i], e)
			}
		}
	}
	return all
}

// each checks that each client got one stanza, as a pattern says that has %s for the id
// by which the client knows the message meant.
func (w *couple) each(got [3][]*element.Element, pattern string, ids [3]string) {
	w.t.Helper()
	for i, stanzas := range got {
		if len(stanzas) != 1 {
			w.t.Errorf("client %d got %v", i, stanzas)
			continue
		}
		w.mustMatch(stanzas[0], fmt.Sprintf(pattern, ids[i]))
	}
}

// stanzaIDs are the ids of messages in the archive; ids are those of the stanzas.
func stanzaIDs(got [3][]*element.Element) (archived, ids [3]string) {
	for i, stanzas := range got {
		archived[i], ids[i] = stanzas[0].Child(nsStanzaID, "stanza-id").Attr("id"), stanzas[0].Attr("id")
	}
	return archived, ids
}

// A command of the network's that is written in a room was not said there.
func TestCommandInRoom(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})
		for text, command := range map[string]bool{"/mode +m": true, "hello": false} {
			h.Stall()
			w.groupchat(phone, "m", "<body>"+text+"</body>")
			for ref := range 50 { // whichever it is
				h.Emit(legacy.MessageSent{Ref: strconv.FormatInt(int64(ref), 36), Command: command})
			}
			h.Resume()
			w.settle()
			if shown := w.Take(); len(shown) != map[bool]int{false: 1}[command] {
				t.Errorf("%q: the room shows %s", text, shown)
			}
		}
		if p := w.archive(phone, mamQuery("", "")); p.allText != "hello" {
			t.Errorf("the archive has %q", p.allText)
		}
	})
}

// XEP-0308 §3, §4: a correction is one for the user's clients and for other users of the
// gateway, with the user's own text; the network reads a line that is marked.
func TestCorrectionInRoom(t *testing.T) {
	newCouple(t, func(t *testing.T, w *couple) {
		w.groupchat(phone, "m1", "<body>teh cat</body>")
		_, ids := stanzaIDs(w.relay("teh cat"))
		w.groupchat(phone, "m2", "<body>the cat</body><replace xmlns='"+nsCorrect+"' id='m1'/>")
		got := w.relay("* the cat")
		w.each(got, "<message type='groupchat' from='"+club+"/alice'><body>the cat</body><replace xmlns='"+nsCorrect+"' id='%s'/></message>", ids)
		if got[0][0].Attr("id") != "m2" {
			t.Errorf("reflected %s", got[0][0])
		}
		// Again, of the first one; an action
		w.groupchat(phone, "m3", "<body>/me is the cat</body><replace xmlns='"+nsCorrect+"' id='m1'/>")
		w.each(w.relay("/me * is the cat"), "<message from='"+club+"/alice'><body>/me is the cat</body><replace xmlns='"+nsCorrect+"' id='%s'/></message>", ids)
		// The archive and the history have what corrects.
		for _, full := range []string{phone, desk} {
			p := w.archive(full, mamQuery("", ""))
			if p.allText != "teh cat the cat /me is the cat" || strings.Contains(p.results[0].String(), nsCorrect) || !strings.Contains(p.results[1].String(), "<replace xmlns='"+nsCorrect+"' id='") {
				t.Errorf("the archive has %v", p.results)
			}
		}
		w.Send("<presence from='" + laptop + "' to='" + club + "' type='unavailable'/>")
		_, stanzas := w.history(laptop, "")
		if len(stanzas) != 3 || stanzas[2].Child(nsCorrect, "replace").Attr("id") != "m1" {
			t.Errorf("the history has %v", stanzas)
		}
		// What looks like one and is none, and one of somebody else's message
		w.emit(w.bob, legacy.RoomMessage{Room: clubPeer, Nick: "alice", Text: "* a star"}, legacy.RoomMessage{Room: clubPeer, Nick: "ircjoe", Text: "* the cat", ID: "joe-1"})
		for _, text := range []string{"* a star", "* the cat"} {
			if e := w.Expect("<message to='" + desk + "'><body>" + text + "</body></message>"); e.Child(nsCorrect, "replace") != nil {
				t.Errorf("got %s", e)
			}
		}
		w.groupchat(desk, "b1", "<body>not mine</body><replace xmlns='"+nsCorrect+"' id='joe-1'/>")
		if e := w.Expect("<message to='" + desk + "' id='b1'/>"); e.Child(nsCorrect, "replace") != nil {
			t.Errorf("got %s", e)
		}
		// What has been said twice is corrected where it was.
		w.Take()
		sent(w.alice)
		w.groupchat(phone, "o1", "<body>ok</body>")
		_, ids = stanzaIDs(w.relay("ok"))
		w.groupchat(phone, "o2", "<body>ok</body>")
		w.relay("ok")
		w.groupchat(phone, "o3", "<body>no</body><replace xmlns='"+nsCorrect+"' id='o1'/>")
		w.each(w.relay("* no"), "<message><replace xmlns='"+nsCorrect+"' id='%s'/></message>", ids)
	})
}

// XEP-0444 §4.2: where the network has no reactions, the user's clients and other users of
// the gateway see one, and the network reads one line that says to whom and to what.
func TestReactionInRoom(t *testing.T) {
	newCouple(t, func(t *testing.T, w *couple) {
		info, _ := w.ask("get", phone, club, "i", "<query xmlns='"+nsInfo+"'/>")
		if info != nil && hasFeature(info, nsReactions) {
			t.Errorf("reactions are announced: %s", info)
		}
		traffic, _ := w.ask("get", phone, club, "t", "<query xmlns='"+nsInfo+"' node='http://jabber.org/protocol/muc#traffic'/>")
		if hasFeature(traffic, nsReactions) {
			t.Errorf("reactions are announced: %s", traffic)
		}
		long := "> quoted\nshall we all go to the pub tonight or shall we not?\nor what?"
		m := legacy.RoomMessage{Room: clubPeer, Nick: "ircjoe", Text: long}
		w.emit(w.alice, m)
		w.emit(w.bob, m)
		archived, _ := stanzaIDs(w.relay())
		react := func(id string, emojis ...string) {
			w.groupchat(phone, id, reactionsTo(archived[0], emojis...)+"<body>fallback</body><fallback xmlns='"+nsFallback+"' for='"+nsReactions+"'/>")
		}
		expect := func(got [3][]*element.Element, id string, clients int, emojis ...string) {
			t.Helper()
			for i := range clients {
				if len(got[i]) != 1 || got[i][0].Child(nsComponent, "body") != nil || i < 2 && got[i][0].Attr("id") != id {
					t.Errorf("client %d got %v", i, got[i])
					continue
				}
				w.mustMatch(got[i][0], "<message type='groupchat' from='"+club+"/alice'>"+reactionsTo(archived[i], emojis...)+"<occupant-id xmlns='"+nsOccupant+"'/></message>")
				all := 0
				for range got[i][0].Child(nsReactions, "reactions").Children(nsReactions, "reaction") {
					all++
				}
				if all != len(emojis) {
					t.Errorf("client %d got %v", i, got[i])
				}
			}
			if clients == 2 && len(got[2]) > 0 {
				t.Errorf("bob got %v", got[2])
			}
		}
		const about = `to "shall we all go to the pub tonight or sh…"`
		react("r1", "😃")
		expect(w.relay("ircjoe: 😃 "+about), "r1", 3, "😃")
		// What is new is told; what is taken away, or was there, is not.
		react("r2", "😃", "👍")
		expect(w.relay("ircjoe: 👍 "+about), "r2", 3, "😃", "👍")
		react("r3", "👍")
		expect(w.relay(), "r3", 2, "👍")
		react("r4")
		expect(w.relay(), "r4", 2)
		// To the user's own message nobody is addressed, and to an unknown one.
		w.groupchat(laptop, "m1", "<body>/me is here</body>")
		own, _ := stanzaIDs(w.relay("/me is here"))
		w.groupchat(phone, "r5", reactionsTo(own[0], "🎉", "/mode +i", strings.Repeat("x", 65), "a\nb"))
		w.relay(`🎉 a b to "is here"`)
		w.groupchat(phone, "r6", reactionsTo("elsewhere", "😃"))
		if got := w.relay("😃 to an earlier message"); len(got[0]) != 1 || got[2][0].ChildText(nsComponent, "body") != "😃 to an earlier message" {
			t.Errorf("got %v", got)
		}
		w.groupchat(phone, "r7", reactionsTo("", "😃"))
		w.expectError("<message id='r7' from='"+club+"'/>", "bad-request", "modify")
		// What the network refuses is not shown, and told again.
		w.alice.FailSend(legacy.Errorf(legacy.Forbidden, "no voice"))
		react("r8", "🎈")
		w.expectError("<message id='r8' from='"+club+"'/>", "forbidden", "auth")
		w.alice.FailSend(nil)
		sent(w.alice)
		react("r9", "🎈")
		expect(w.relay("ircjoe: 🎈 "+about), "r9", 3, "🎈")
		if p := w.archive(desk, mamQuery("", "")); strings.Contains(p.allText, "🎈") {
			t.Errorf("the archive has %q", p.allText)
		}
	})
}

// XEP-0424 §3: where the network cannot take messages back, the user's clients and other
// users of the gateway are told that it was, and the network reads which.
func TestRetractionInRoom(t *testing.T) {
	newCouple(t, func(t *testing.T, w *couple) {
		w.groupchat(phone, "m1", "<body>my secret is this</body>")
		archived, _ := stanzaIDs(w.relay("my secret is this"))
		w.groupchat(phone, "r1", "<retract xmlns='"+nsRetract+"' id='"+archived[0]+"'/><body>/me retracted a previous message</body><fallback xmlns='"+nsFallback+"' for='"+nsRetract+"'/>")
		got := w.relay("(took back the last message)")
		w.each(got, "<message type='groupchat' from='"+club+"/alice'><retract xmlns='"+nsRetract+"' id='%s'/><occupant-id xmlns='"+nsOccupant+"'/></message>", archived)
		for i, e := range got[:2] {
			if e[0].Child(nsComponent, "body") != nil || e[0].Attr("id") != "r1" {
				t.Errorf("client %d got %v", i, e)
			}
		}
		for _, full := range []string{phone, desk} {
			if p := w.archive(full, mamQuery("", "")); p.allText != "" {
				t.Errorf("the archive of %s has %q", full, p.allText)
			}
		}
		// With its corrections
		w.groupchat(phone, "m1b", "<body>a secret</body>")
		archived, _ = stanzaIDs(w.relay("a secret"))
		w.groupchat(phone, "m1c", "<body>a better secret</body><replace xmlns='"+nsCorrect+"' id='m1b'/>")
		w.relay("* a better secret")
		w.groupchat(phone, "r1b", "<retract xmlns='"+nsRetract+"' id='"+archived[0]+"'/>")
		w.each(w.relay("(took back the message of 00:00 UTC)"), "<message><retract xmlns='"+nsRetract+"' id='%s'/></message>", archived)
		for _, full := range []string{phone, desk} {
			if p := w.archive(full, mamQuery("", "")); p.allText != "" {
				t.Errorf("the archive of %s has %q", full, p.allText)
			}
		}
		// One after the other: the lines about them are the same.
		retract := func(id string) { w.groupchat(phone, "r", "<retract xmlns='"+nsRetract+"' id='"+id+"'/>") }
		w.groupchat(phone, "m2", "<body>first</body>")
		first, _ := stanzaIDs(w.relay("first"))
		w.groupchat(phone, "m3", "<body>second</body>")
		second, _ := stanzaIDs(w.relay("second"))
		retract(second[0])
		retract(first[0])
		got = w.relay("(took back the last message)", "(took back the last message)")
		for i, stanzas := range got {
			if len(stanzas) != 2 {
				t.Errorf("client %d got %v", i, stanzas)
				continue
			}
			w.mustMatch(stanzas[0], "<message><retract xmlns='"+nsRetract+"' id='"+second[i]+"'/></message>")
			w.mustMatch(stanzas[1], "<message><retract xmlns='"+nsRetract+"' id='"+first[i]+"'/></message>")
		}
		// What is not the last one is named by its time; as older clients write it.
		// (XEP-0422 §3)
		w.groupchat(phone, "m4", "<body>third</body>")
		said := time.Now().UTC()
		third, _ := stanzaIDs(w.relay("third"))
		w.pass(time.Hour)
		w.groupchat(phone, "m5", "<body>fourth</body>")
		w.relay("fourth")
		attached := "<apply-to xmlns='urn:xmpp:fasten:0' id='" + third[0] + "'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>"
		w.groupchat(phone, "r5", attached+"<body>/me retracted a message</body>")
		got = w.relay("(took back the message of " + said.Format("15:04 UTC") + ")")
		w.each(got, "<message><retract xmlns='"+nsRetract+"' id='%s'/></message>", third)
		w.mustMatch(got[1][0], "<message>"+attached+"</message>")
	})
}

// A user who wants nothing of that said in words
func TestActsAreNotTold(t *testing.T) {
	newCouple(t, func(t *testing.T, w *couple) {
		form := w.run(phone, "options", "", "")
		w.run(phone, "options", " sessionid='"+form.Attr("sessionid")+"' action='complete'", submit("no-reactions", "1"))
		w.Take()
		w.groupchat(phone, "m1", "<body>hello</body>")
		archived, _ := stanzaIDs(w.relay("hello"))
		w.groupchat(phone, "r1", reactionsTo(archived[0], "😃"))
		if got := w.relay(); len(got[0]) != 1 || len(got[1]) != 1 || len(got[2]) != 0 || got[0][0].Child(nsReactions, "reactions") == nil {
			t.Errorf("got %v", got)
		}
		w.groupchat(phone, "r2", "<retract xmlns='"+nsRetract+"' id='"+archived[0]+"'/><body>x</body>")
		if got := w.relay(); len(got[0]) != 1 || len(got[1]) != 1 || len(got[2]) != 0 || got[0][0].Child(nsRetract, "retract") == nil {
			t.Errorf("got %v", got)
		}
		w.Send("<message type='chat' from='" + phone + "' to='" + carol + "' id='c1'>" + reactionsTo("x", "😃") + "</message>")
		w.Send("<message type='chat' from='" + phone + "' to='" + carol + "' id='c2'><retract xmlns='" + nsRetract + "' id='x'/><body>x</body></message>")
		w.wantSent(w.alice)
		w.Quiet()
	})
}

// The same between two people: the contact reads what it is about, and the gateway and
// its services read nothing.
func TestActsInChat(t *testing.T) {
	stage(t, setup{echo: silence, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		chat := func(id, children string) {
			w.Send("<message type='chat' from='" + phone + "' to='" + carol + "' id='" + id + "'>" + children + "</message>")
		}
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "shall we meet?"})
		id := w.Expect("<message from='" + fullJID(carol) + "'/>").Attr("id")
		chat("r1", reactionsTo(id, "😃"))
		w.wantSent(h, `😃 to "shall we meet?"`)
		chat("r2", reactionsTo(id, "😃", "👍")+"<body>👍</body><fallback xmlns='"+nsFallback+"' for='"+nsReactions+"'/>")
		w.wantSent(h, `👍 to "shall we meet?"`)
		chat("r3", reactionsTo(id))
		w.wantSent(h)
		chat("r4", reactionsTo("unknown", "👍"))
		w.wantSent(h, "👍 to an earlier message")
		chat("m1", "<body>at niny</body><origin-id xmlns='"+nsStanzaID+"' id='o1'/>")
		chat("m2", "<body>at nine</body><replace xmlns='"+nsCorrect+"' id='m1'/>")
		chat("m3", "<retract xmlns='"+nsRetract+"' id='o1'/><body>/me retracted a previous message</body>")
		chat("m4", "<retract xmlns='"+nsRetract+"' id='unknown'/><body>/me retracted a previous message</body>")
		w.wantSent(h, "at niny", "* at nine", "(took back the last message)", "(took back an earlier message)")
		for i := range 120 {
			w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("line ", i)})
		}
		chat("r5", reactionsTo(id, "🎉"))
		w.wantSent(h, "🎉 to an earlier message")
		w.Take()
		// XEP-0444 §2.2: contacts do not announce them
		if info, _ := w.ask("get", phone, carol, "i", "<query xmlns='"+nsInfo+"'/>"); hasFeature(info, nsReactions) {
			t.Errorf("announced by %s", info)
		}
		w.Send("<message type='chat' from='" + phone + "' to='" + gw + "' id='g1'>" + reactionsTo("x", "😃") + "</message>")
		w.Send("<message type='chat' from='" + phone + "' to='" + gw + "' id='g2'><retract xmlns='" + nsRetract + "' id='x'/><body>x</body></message>")
		w.settle()
		w.Quiet()
		w.Send("<message type='chat' from='" + phone + "' to='" + gw + "' id='g3'><body>help</body><replace xmlns='" + nsCorrect + "' id='x'/></message>")
		w.Expect("<message type='chat' from='" + fullJID(gw) + "'><body>gateway</body></message>")
	})
}

// Where the network has reactions and retractions, but no id for a message, they are told
// in words.
func TestActsOnUnnamed(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{MessageTags: true, Redacts: true, Occupants: []legacy.Occupant{{Nick: "bob"}}})
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "named", ID: "net-1"}, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "unnamed"})
		w.Expect("<message from='" + club + "/bob'><body>named</body></message>")
		id := w.Expect("<message from='"+club+"/bob'><body>unnamed</body></message>").Child(nsStanzaID, "stanza-id").Attr("id")
		w.groupchat(phone, "r1", reactionsTo("net-1", "😃")+"<body>😃</body><fallback xmlns='"+nsFallback+"'/>")
		w.hear(asked, `react #club net-1 ["😃"]`)
		w.wantSent(h)
		w.groupchat(phone, "r2", reactionsTo(id, "😃"))
		w.wantSent(h, `bob: 😃 to "unnamed"`)
		for _, id := range []string{"r1", "r2"} {
			if e := w.Next("<message type='groupchat' from='" + club + "/alice' id='" + id + "'><reactions xmlns='" + nsReactions + "'/></message>"); e.Child(nsComponent, "body") != nil {
				t.Errorf("reflected %s", e)
			}
		}
		w.groupchat(phone, "m1", "<body>hello</body>") // the network confirms it without an id
		own := w.Next("<message id='m1'/>").Child(nsStanzaID, "stanza-id").Attr("id")
		w.groupchat(phone, "r3", "<retract xmlns='"+nsRetract+"' id='"+own+"'/>")
		w.wantSent(h, "hello", "(took back the last message)")
		w.Next("<message id='r3'><retract xmlns='" + nsRetract + "' id='" + own + "'/></message>")
		w.nothingAsked(asked)
	})
}

// A line about reactions is one line of IRC at most.
func TestReactionLine(t *testing.T) {
	stage(t, setup{echo: silence, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: strings.Repeat("ä", 1000) + "\n" + strings.Repeat("ö", 1000)})
		id := w.Expect("<message from='" + fullJID(carol) + "'/>").Attr("id")
		emojis := make([]string, 20)
		for i := range emojis {
			emojis[i] = strings.Repeat(string(rune('a'+i)), 30)
		}
		w.Send("<message type='chat' from='" + phone + "' to='" + carol + "' id='r1'>" + reactionsTo(id, emojis...) + "</message>")
		w.settle()
		got := sent(h)
		if len(got) != 1 || len(got[0]) > 250 || strings.Contains(got[0], "\n") || !strings.HasPrefix(got[0], emojis[0]+" "+emojis[1]) {
			t.Errorf("the network got %q", got)
		}
	})
}
