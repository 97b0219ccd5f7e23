package component_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// RFC 6121 §5.2.2: which messages go to the network, and as what text.
func TestMessageToNetwork(t *testing.T) {
	for _, tt := range []struct {
		name, typ, inner, want string // "" for nothing
	}{
		{"chat", "chat", "<body>hello</body>", "hello"},
		{"normal", "normal", "<body>hello</body>", "hello"},
		{"no type", "", "<body>hello</body>", "hello"},
		{"markup", "chat", "<body>&lt;b> &amp;amp; ]]&gt; 🎉</body>", "<b> &amp; ]]> 🎉"},
		{"lines", "chat", "<body>a&#13;\nb&#13;c\n&#9;d</body>", "a\nb\nc\n\td"}, // conformance M5
		{"controls", "chat", "<body>a\u0085b\u009fc\u007fd</body>", "abcd"},
		{"subject", "normal", "<subject>On</subject><body>and on</body>", "On\nand on"}, // conformance M4
		{"subject of a chat", "chat", "<subject>On</subject><body>and on</body>", "and on"},
		{"language", "chat", "<body xml:lang='de'>nein</body><body>no</body>", "no"}, // RFC 6121 §5.2.3
		{"another namespace", "chat", "<body xmlns='urn:other'>hello</body>", ""},
		{"headline", "headline", "<body>news</body>", ""},
		{"error", "error", "<body>hello</body><error type='cancel'/>", ""}, // RFC 6120 §8.3.1
		{"empty beside a chat state", "chat", "<body/><composing xmlns='http://jabber.org/protocol/chatstates'/>", ""},
		{"nothing", "chat", "", ""},
		{"marker", "chat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}, echo: legacytest.Options{Silent: true}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.Send("<message type='" + tt.typ + "' id='m' from='" + phone + "' to='" + carol + "'>" + tt.inner + "</message>")
				w.settle()
				w.Quiet() // no answer either way
				if tt.want == "" {
					legacytest.Refute[legacytest.Send](t, h)
					return
				}
				if got := legacytest.Expect[legacytest.Send](t, h); got.Text != tt.want || got.To != carolPeer || got.Ref == "" {
					t.Errorf("got %+v, want %q to carol", got, tt.want)
				}
			})
		})
	}
}

// What is refused before the network sees it. (XEP-0364 §3, XEP-0380 §3, XEP-0384)
func TestMessageRefused(t *testing.T) {
	for _, tt := range []struct {
		name, attrs, inner, condition, typ string
	}{
		// conformance M1, M2, M20
		{"groupchat", "type='groupchat' to='" + carol + "'", "<body>hello</body>", "bad-request", "modify"},
		{"unknown type", "type='shout' to='" + carol + "'", "<body>hello</body>", "bad-request", "modify"},
		{"nobody", `type='chat' to='no\40one@` + gw + "'", "<body>hello</body>", "item-not-found", "cancel"},
		{"omemo", "type='chat' to='" + carol + "'", "<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>fallback</body>", "not-acceptable", "modify"},
		{"openpgp", "type='chat' to='" + carol + "'", "<x xmlns='jabber:x:encrypted'>abc</x><body>fallback</body>", "not-acceptable", "modify"},
		{"otr", "type='chat' to='" + carol + "'", "<body>?OTR:AAMDJ+MVmSfjFZcAAAAAAQAAAAIAAADA.</body>", "not-acceptable", "modify"},
		{"otr fragment", "type='chat' to='" + carol + "'", "<body>?OTR,1,3,?OTR:AAMDJ+MVmSfjFZ,</body>", "not-acceptable", "modify"},
		{"otr request", "type='chat' to='" + carol + "'", "<body>?OTRv23?\nAlice requests an off-the-record conversation.</body>", "not-acceptable", "modify"},
		{"unknown encryption", "type='chat' to='" + carol + "'", "<body>fallback</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:new'/>", "not-acceptable", "modify"},
		{"unknown encryption without a body", "type='chat' to='" + carol + "'", "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:new'/>", "not-acceptable", "modify"},
		{"spaces", "type='chat' to='" + carol + "'", "<body>   </body>", "not-acceptable", "modify"},
		{"newlines", "type='chat' to='" + carol + "'", "<body>\n\n</body><active xmlns='http://jabber.org/protocol/chatstates'/>", "not-acceptable", "modify"},
		{"controls", "type='chat' to='" + carol + "'", "<body>\u0085\u007f</body>", "not-acceptable", "modify"},
		{"empty", "type='chat' to='" + carol + "'", "<body/>", "not-acceptable", "modify"},
		{"blank command", "type='chat' to='" + gw + "'", "<body> </body>", "not-acceptable", "modify"},
		{"long", "type='chat' to='" + carol + "'", "<body>" + strings.Repeat("x", 65<<10) + "</body>", "policy-violation", "modify"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				w.Send("<message id='m&apos;&lt;' from='" + phone + "' " + tt.attrs + ">" + tt.inner + "</message>")
				// RFC 6120 §8.3.1: from is the address written to, and the id comes back.
				_, to, _ := strings.Cut(tt.attrs, "to=")
				w.expectError("<message id='m&apos;&lt;' to='"+phone+"' from="+to+"/>", tt.condition, tt.typ)
				w.settle()
				w.Quiet()
				legacytest.Refute[legacytest.Send](t, h)
			})
		})
	}
}

// A blank message to a room is answered, too.
func TestBlankMessageInRoom(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		h := joinClub(t, w, asked)
		for _, to := range []string{club, club + "/bob"} {
			typ := map[bool]string{true: "groupchat", false: "chat"}[to == club]
			for _, blank := range []string{"<body> </body>", "<body>\n\n</body>", "<body/>"} {
				w.Send("<message type='" + typ + "' from='" + phone + "' to='" + to + "' id='b1'>" + blank + "</message>")
				w.expectError("<message id='b1' from='"+to+"' to='"+phone+"'/>", "not-acceptable", "modify")
			}
		}
		legacytest.Refute[legacytest.Send](t, h)
	})
}

// Each kind of error of a network, as the sender sees it: at once or later.
func TestMessageErrors(t *testing.T) {
	for _, tt := range []struct {
		err             error
		condition, typ  string
		text, forbidden string
	}{
		{legacy.Errorf(legacy.Internal, "secret cause"), "internal-server-error", "cancel", "inside the gateway", "secret"},
		{errors.New("secret cause"), "internal-server-error", "cancel", "inside the gateway", "secret"},
		{legacy.Errorf(legacy.Auth, "Signed off."), "not-authorized", "auth", "Signed off.", ""},
		{legacy.Errorf(legacy.Temporary, "Broken."), "remote-server-timeout", "wait", "Broken.", ""},
		{legacy.Errorf(legacy.NotFound, "Who?"), "item-not-found", "cancel", "Who?", ""},
		{legacy.Errorf(legacy.Forbidden, "No."), "not-allowed", "cancel", "No.", ""},
		{legacy.Errorf(legacy.Unsupported, "Cannot."), "feature-not-implemented", "cancel", "Cannot.", ""},
		{legacy.Errorf(legacy.TooLong, "Long."), "policy-violation", "modify", "Long.", ""},
		{legacy.Errorf(legacy.RateLimited, "Slow down."), "resource-constraint", "wait", "Slow down.", ""},
		{legacy.Errorf(legacy.Offline, "Gone."), "recipient-unavailable", "wait", "Gone.", ""},
		{legacy.Errorf(legacy.Replaced, "Elsewhere."), "recipient-unavailable", "wait", "Elsewhere.", ""},
		{legacy.Wrap(legacy.NotFound, errors.New("secret cause"), ""), "item-not-found", "cancel", "no such address", "secret"},
		{legacy.Wrap(legacy.Temporary, errors.New("secret cause"), "Bad \x00 text"), "remote-server-timeout", "wait", "Bad", "secret"},
		{fmt.Errorf("wrapped: %w", legacy.Errorf(legacy.TooLong, "Long.")), "policy-violation", "modify", "Long.", "wrapped"},
	} {
		for name, script := range map[string]func(*legacytest.Handle){
			"at once": func(h *legacytest.Handle) { h.RefuseSend(tt.err) },
			"later":   func(h *legacytest.Handle) { h.FailSend(tt.err) },
		} {
			t.Run(legacy.KindOf(tt.err).String()+" "+name, func(t *testing.T) {
				stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
					h := w.signOn(phone)
					script(h)
					w.message(phone, carol, "m1", "hello")
					e := w.Expect("<message type='error' id='m1' from='" + carol + "' to='" + phone + "'><error type='" + tt.typ + "'><" +
						tt.condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
					text := e.Child("", "error").ChildText("", "text")
					if !strings.Contains(text, tt.text) || tt.forbidden != "" && strings.Contains(text, tt.forbidden) {
						t.Errorf("the text is %q", text)
					}
					h.RefuseSend(nil)
					h.FailSend(nil)
					w.message(phone, carol, "m2", "again")
					w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>again</body></message>")
					w.settle()
					w.Quiet()
				})
			})
		}
	}
}

// The parts of a long message: sent in order, failed once.
func TestLongMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{MaxText: 10, Silent: true}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, carol, "m1", "one two three four five six")
		var parts []string
		for range 3 {
			parts = append(parts, legacytest.Expect[legacytest.Send](t, h).Text)
		}
		if got := strings.Join(parts, "|"); got != "one two|three four|five six" {
			t.Errorf("got %q", got)
		}
		h.FailSend(legacy.Errorf(legacy.Forbidden, "No."))
		w.message(phone, carol, "m2", "one two three four five six")
		w.expectError("<message id='m2'/>", "not-allowed", "cancel")
		w.settle()
		w.Quiet()
	})
}

// Conformance M3, M6: a message from the network.
func TestMessageFromNetwork(t *testing.T) {
	at := time.Date(1999, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))
	for _, tt := range []struct {
		name  string
		event legacy.MessageReceived
		want  string
	}{
		{"plain", legacy.MessageReceived{Text: "hello"}, "<body>hello</body><active xmlns='http://jabber.org/protocol/chatstates'/>"},
		{"markup", legacy.MessageReceived{Text: "<b>&amp;]]></b>\n\t🎉"}, "<body>&lt;b&gt;&amp;amp;]]&gt;&lt;/b&gt;\n\t🎉</body>"},
		// XEP-0203 §2
		{"stored", legacy.MessageReceived{Text: "late", Time: at}, "<body>late</body><delay xmlns='urn:xmpp:delay' from='" + gw + "' stamp='1999-05-06T06:08:09.000Z'/>"},
		{"automatic", legacy.MessageReceived{Text: "away", Auto: true}, "<body>[automatic reply] away</body>"},
		// XML 1.0 §2.2: either would end the stream. (conformance Q9)
		{"illegal", legacy.MessageReceived{Text: "a\x02b\x1fc\uffffd\xff\xfee"}, "<body>a</body>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				for _, from := range []string{"carol", "a stranger"} {
					tt.event.From = legacy.Peer{ID: from}
					w.emit(h, tt.event)
					jid := strings.ReplaceAll(from, " ", `\20`) + "@" + gw // XEP-0106 §3.2
					e := w.Next("<message type='chat' from='" + fullJID(jid) + "' to='" + alice + "'>" + tt.want + "</message>")
					if e.Attr("id") == "" {
						t.Error("there is no id")
					}
				}
				w.Quiet()
			})
		})
	}
}

// Messages go to the user's server whether or not a client is there.
func TestOrderOfMessages(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		for i := range 200 {
			h.Emit(legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("number ", i)})
		}
		ids := make(map[string]bool)
		for i := range 200 {
			e := w.Next(fmt.Sprintf("<message from='%s'><body>number %d</body></message>", fullJID(carol), i))
			ids[e.Attr("id")] = true
		}
		if len(ids) != 200 {
			t.Errorf("%d different ids", len(ids))
		}
	})
}

// XEP-0184 §5.3: what the receiver is known to have got, and was asked for.
func TestReceipts(t *testing.T) {
	const request = "<request xmlns='urn:xmpp:receipts'/>"
	for _, tt := range []struct {
		name    string
		state   legacy.DeliveryState
		message string
		want    bool
	}{
		{"delivered", legacy.Delivered, "<message type='chat' id='m' from='" + phone + "' to='" + carol + "'><body>a</body>" + request + "</message>", true},
		{"not asked for", legacy.Delivered, "<message type='chat' id='m' from='" + phone + "' to='" + carol + "'><body>a</body></message>", false},
		{"no id", legacy.Delivered, "<message type='chat' from='" + phone + "' to='" + carol + "'><body>a</body>" + request + "</message>", false},
		{"stored", legacy.Stored, "<message type='chat' id='m' from='" + phone + "' to='" + carol + "'><body>a</body>" + request + "</message>", false},
		{"accepted", legacy.Accepted, "<message type='chat' id='m' from='" + phone + "' to='" + carol + "'><body>a</body>" + request + "</message>", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stage(t, setup{users: []string{alice}, echo: legacytest.Options{State: tt.state, Silent: true}}, func(t *testing.T, w *world) {
				w.signOn(phone)
				w.Send(tt.message)
				w.settle()
				if tt.want {
					e := w.Next("<message from='" + fullJID(carol) + "' to='" + phone + "'><received xmlns='urn:xmpp:receipts' id='m'/></message>")
					if e.Attr("id") == "" || e.Attr("id") == "m" {
						t.Errorf("got %s", e)
					}
				}
				w.Quiet()
			})
		})
	}
}

// XEP-0085 §5, in both directions.
func TestTyping(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		for state, want := range map[string]legacy.Typing{
			"composing": legacy.TypingActive, "paused": legacy.TypingPaused,
			"active": legacy.TypingStopped, "inactive": legacy.TypingStopped, "gone": legacy.TypingStopped,
		} {
			w.Send("<message type='chat' from='" + phone + "' to='" + carol + "'><" + state + " xmlns='http://jabber.org/protocol/chatstates'/></message>")
			if got := legacytest.Expect[legacytest.SetTyping](t, h); got.State != want || got.Peer != carolPeer {
				t.Errorf("%s: got %+v", state, got)
			}
		}
		for state, want := range map[legacy.Typing]string{
			legacy.TypingActive: "composing", legacy.TypingPaused: "paused", legacy.TypingStopped: "active",
		} {
			w.emit(h, legacy.TypingChanged{From: carolPeer, State: state})
			e := w.Next("<message type='chat' from='" + fullJID(carol) + "' to='" + alice + "'><" + want + " xmlns='http://jabber.org/protocol/chatstates'/></message>")
			if e.Child("", "body") != nil {
				t.Errorf("got %s", e)
			}
		}
		w.settle()
		w.Quiet()
	})
}

// XEP-0100 §4.8.2, conformance M2, M23: messages of those who are not there.
func TestMessageOfStrangers(t *testing.T) {
	stage(t, setup{users: []string{bob}}, func(t *testing.T, w *world) {
		w.message(phone, carol, "m1", "hello")
		w.expectError("<message id='m1' from='"+carol+"' to='"+phone+"'/>", "registration-required", "auth")
		w.message("mallory@elsewhere.example/x", carol, "m2", "hello")
		w.expectError("<message id='m2' to='mallory@elsewhere.example/x'/>", "forbidden", "auth")
		w.Send("<message type='chat' from='" + phone + "' to='" + carol + "'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		w.settle()
		w.Quiet()
		// Registered, but not online.
		w.message(bob+"/x", carol, "m3", "hello")
		w.expectError("<message id='m3' from='"+carol+"' to='"+bob+"/x'/>", "recipient-unavailable", "wait")
		// The gateway itself explains.
		w.message(phone, gw, "m4", "help")
		w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + phone + "'><body>gateway</body></message>")
		w.settle()
		w.Quiet()
	})
}

// What the network says of its own.
func TestNotice(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.emit(w.signOn(phone), legacy.Notice{Text: "Down on Sunday."})
		w.Next("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'><body>Down on Sunday.</body></message>")
	})
}

// Two users of one network talk to each other over it.
func TestTwoUsers(t *testing.T) {
	stage(t, setup{users: []string{alice, bob}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.signOn(bob + "/x")
		w.message(phone, "bob@"+gw, "m1", "hello bob")
		w.Next("<message from='" + fullJID("alice@"+gw) + "' to='" + bob + "'><body>hello bob</body></message>")
		w.message(bob+"/x", "alice@"+gw, "m2", "hello alice")
		w.Next("<message from='" + fullJID("bob@"+gw) + "' to='" + alice + "'><body>hello alice</body></message>")
		w.settle()
		w.Quiet()
	})
}

// A file comes as a link that clients know to be one. (XEP-0066 §3)
func TestFileMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		const link = "https://files.example.org/x/a%20b.png?x=1&y=2"
		h.Emit(legacy.MessageReceived{From: legacy.Peer{ID: "carol"}, Text: link, URL: link})
		e := w.Expect("<message type='chat' from='" + fullJID(carol) + "' to='" + alice + "'/>")
		if got := e.ChildText("", "body"); got != link {
			t.Errorf("the body is %q", got)
		}
		if x := e.Child("jabber:x:oob", "x"); x == nil || x.ChildText("jabber:x:oob", "url") != link {
			t.Errorf("no link in %s", e)
		}
		h.Emit(legacy.MessageReceived{From: legacy.Peer{ID: "carol"}, Text: link})
		if e := w.Expect("<message type='chat' from='" + fullJID(carol) + "' to='" + alice + "'/>"); e.Child("jabber:x:oob", "x") != nil {
			t.Errorf("a text that looks like a link is none: %s", e)
		}
	})
}
