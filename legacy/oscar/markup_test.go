package oscar_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// TestMarkup: formatting is converted both ways, for users and for rooms.
func TestMarkup(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: password})
	b := mock.Bot("Bob AIM", oscarmock.BotOptions{})
	b.SignOn()
	o := optionsFor(mock.Addr())
	o.Flavor = "aim"
	u := signOn(t, mock, newNetwork(t, o), "aliceaim")
	link := []legacy.Span{{Text: "look "}, {Text: "here", Style: legacy.Bold, Link: "http://x/"}, {Text: " <http://x/>"}}
	text := "look here <http://x/>"
	send := func(ref, to string, room bool, text string, markup []legacy.Span) {
		t.Helper()
		if err := u.Send(t.Context(), legacy.Outgoing{Ref: ref, To: legacy.Peer{ID: to, Room: room}, Text: text, Markup: markup}); err != nil {
			t.Fatal(err)
		}
		if sent := expect(u, any[legacy.MessageSent]); sent.Ref != ref {
			t.Errorf("sent is %+v", sent)
		}
	}
	heard := func() oscarmock.BotMessage {
		t.Helper()
		select {
		case m := <-b.Messages():
			return m
		case <-time.After(patience):
			t.Fatal("bob hears nothing")
			return oscarmock.BotMessage{}
		}
	}
	send("1", "bobaim", false, text, link)
	if m := heard(); m.HTML != `<HTML><BODY>look <B><A HREF="http://x/">here</A></B></BODY></HTML>` || m.Text != text {
		t.Errorf("bob reads %+v", m)
	}
	send("2", "bobaim", false, "<see> http://x/", nil)
	if m := heard(); m.HTML != `<HTML><BODY>&lt;see&gt; <A HREF="http://x/">http://x/</A></BODY></HTML>` {
		t.Errorf("bob reads %+v", m)
	}
	// A text that is too long with its formatting is sent without it.
	long := strings.Repeat("x ", 900)
	var many []legacy.Span
	for i := range 900 {
		many = append(many, legacy.Span{Text: "x ", Style: legacy.Style(1 << (i % 2))})
	}
	send("3", "bobaim", false, long, many)
	if m := heard(); strings.Contains(m.HTML, "<B>") || strings.TrimSpace(m.Text) != strings.TrimSpace(long) {
		t.Errorf("bob reads %+v", m)
	}
	im := oscarwire.IMText{Features: []byte{1}, Parts: []oscarwire.IMPart{{Data: []byte(`<HTML>look <a href="http://x/"><b>here</b></a></HTML>`)}}}
	if err := b.SendIM("aliceaim", im); err != nil {
		t.Fatal(err)
	}
	if m := expect(u, any[legacy.MessageReceived]); m.Text != text || !reflect.DeepEqual(m.Markup, link) {
		t.Errorf("alice reads %+v", m)
	}
	b.EnterRoom("Lobby")
	lobby := legacy.Peer{ID: "#lobby", Room: true}
	if err := u.Session.(legacy.Roomer).JoinRoom(t.Context(), lobby, "Alice AIM", ""); err != nil {
		t.Fatal(err)
	}
	expect(u, any[legacy.RoomJoined])
	send("4", "#lobby", true, text, link)
	if m := heard(); m.Room == "" || m.Text != text {
		t.Errorf("bob reads %+v", m)
	}
	b.Say("Lobby", `<b>so</b> it is`)
	for {
		if m := expect(u, any[legacy.RoomMessage]); m.Nick == "Bob AIM" {
			if want := []legacy.Span{{Text: "so", Style: legacy.Bold}, {Text: " it is"}}; m.Text != "so it is" || !reflect.DeepEqual(m.Markup, want) {
				t.Errorf("alice reads %+v", m)
			}
			break
		}
	}
}
