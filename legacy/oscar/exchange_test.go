package oscar_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// texts must arrive unchanged.
var texts = []string{
	"hello",
	"1 < 2 & 3 > 2",
	"<b>bold</b> &lt;b&gt; <tag> <!-- no comment -->",
	"Grüße, naïve façade",
	"Привет, как дела?",
	"žluťoučký kůň",
	"日本語 emoji 😀🎉👩‍👩‍👧",
	"two\nlines and\n\nan empty one",
	"  spaces  inside  ",
	strings.Repeat("long ", 400),
}

// comparable removes characters that are invisible or trimmed in transit.
func comparable(s string) string { return strings.Trim(s, " \n") }

func TestMessages(t *testing.T) {
	for _, flavor := range []string{"icq", "aim"} {
		t.Run(flavor, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{})
			mock.AddAccount(oscarmock.Account{Name: bob, Password: password})
			mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: password})
			mock.AddAccount(oscarmock.Account{Name: "Bob AIM", Password: password})
			o := optionsFor(mock.Addr())
			o.Flavor = flavor
			n := newNetwork(t, o)
			from, to := alice, bob
			if flavor == "aim" {
				from, to = "aliceaim", "bobaim"
			}
			a, b := signOn(t, mock, n, from), signOn(t, mock, n, to)
			for i, text := range texts {
				a.send(fmt.Sprint(i), to, text)
				got := expect(b, any[legacy.MessageReceived])
				if got.From.ID != from || comparable(strings.ReplaceAll(got.Text, "c\u030C", "č")) != comparable(text) || !got.Time.IsZero() || got.Auto {
					t.Errorf("%q arrived as %+v", text, got)
				}
				sent := expect(a, any[legacy.MessageSent])
				if sent.Ref != fmt.Sprint(i) || sent.State != legacy.Accepted {
					t.Errorf("%q was reported as %+v", text, sent)
				}
			}
		})
	}
}

// TestParsedByServer: texts arrive unchanged where the server parses them byte by byte.
func TestParsedByServer(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	b.SetCapabilities(oscarwire.CapTyping) // and no XHTML
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	expect(u, any[legacy.PresenceChanged])
	for i, text := range []string{"不是", "ใหญ่ ญ", "👩\u200D👩\u200D👧\u200D👦", "മലയാളം", "čau", "1 < 2 & 3", "\u563C\u6100"} {
		u.send(fmt.Sprint(i), bob, text)
		select {
		case m := <-b.Messages():
			if m.Text != text {
				t.Errorf("%q arrived as %q", text, m.Text)
			}
		case <-time.After(patience):
			t.Fatalf("%q is lost", text)
		}
	}
}

// TestOwnMessages: messages of another client of the account are emitted (carbons).
func TestOwnMessages(t *testing.T) {
	for _, flavor := range []string{"icq", "aim"} {
		mock := startMock(t, oscarmock.Options{RelayOwn: true})
		mock.Bot(bob, oscarmock.BotOptions{}).SignOn()
		o := optionsFor(mock.Addr())
		o.Flavor = flavor
		n := newNetwork(t, o)
		here, there := signOn(t, mock, n, alice), signOn(t, mock, n, alice)
		there.send("1", bob, "Привет & <hello>")
		if got := expect(here, any[legacy.OwnMessage]); got.To.ID != bob || got.Text != "Привет & <hello>" {
			t.Errorf("%s: got %+v", flavor, got)
		}
		expect(there, any[legacy.MessageSent])
		for _, im := range []oscarwire.OutgoingIM{
			oscarwire.NewOutgoingICQ(oscarwire.Cookie{}, bob, oscarwire.ICQMessage{Type: oscarwire.MessagePlain, Text: []byte("four")}, 0),
			oscarwire.NewOutgoingRendezvous(bob, oscarwire.NewType2Text("two", 1, 0).Rendezvous(oscarwire.Cookie{2}), 0),
		} {
			mock.SendAll(alice, oscarwire.ICBMSend, im.Append(nil))
		}
		for _, want := range []string{"four", "two"} {
			if got := expect(here, any[legacy.OwnMessage]); got.To.ID != bob || got.Text != want {
				t.Errorf("%s: got %+v, want %q", flavor, got, want)
			}
		}
	}
}

// TestOddTimes: stored messages with times in the future or before ICQ existed.
func TestOddTimes(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	now := time.Now()
	for _, sent := range []time.Time{now.Add(-time.Hour), now.Add(10 * 365 * 24 * time.Hour), time.Unix(1, 0)} {
		text := oscarwire.NewIMText("hello", oscarwire.Encoder{}, nil)
		if err := b.SendRaw(alice, oscarwire.NewIncomingText(oscarwire.Cookie{1}, oscarwire.UserInfo{}, text, 0, sent)); err != nil {
			t.Fatal(err)
		}
		got := expect(u, any[legacy.MessageReceived]).Time
		switch {
		case sent.Before(now) && sent.Year() > 2000 && got.Unix() != sent.Unix(),
			sent.After(now) && (got.Before(now) || got.After(time.Now())), sent.Year() < 2000 && !got.IsZero():
			t.Errorf("%v became %v", sent, got)
		}
	}
}

// TestReached: the delivery state claims no more than the server knows. The server
// acknowledges stored messages, too.
func TestReached(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: "100003"}) // not on the list
	mock.AddAccount(oscarmock.Account{Name: "100004", NeedsAuth: true})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	expect(u, func(p legacy.PresenceChanged) bool { return p.Presence.Show == legacy.ShowOnline })
	u.Do(u.roster().AddContact(t.Context(), contact("100004", ""), ""))
	reached := func(to string, want legacy.DeliveryState) {
		t.Helper()
		u.send(to, to, "hello")
		if got := expect(u, any[legacy.MessageSent]); got.State != want {
			t.Errorf("got %v, want %v", got.State, want)
		}
	}
	reached(bob, legacy.Delivered)
	reached("100003", legacy.Accepted)
	reached("100004", legacy.Accepted) // may be online
	b.SignOff()
	expect(u, func(p legacy.PresenceChanged) bool { return p.Presence.Show == legacy.ShowOffline })
	reached(bob, legacy.Stored)
	// A server that never acknowledges.
	silent := startMock(t, oscarmock.Options{NoAcks: true})
	silent.Bot(bob, oscarmock.BotOptions{}).SignOn()
	defer oscar.SetAckPatience(100 * time.Millisecond)()
	u = signOn(t, silent, newNetwork(t, optionsFor(silent.Addr())), alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	expect(u, any[legacy.PresenceChanged])
	reached(bob, legacy.Accepted)
}

// TestIncoming: messages in the forms of other clients.
func TestIncoming(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	aim := mock.Bot("Bob AIM", oscarmock.BotOptions{})
	aim.SignOn()
	o := optionsFor(mock.Addr())
	o.Encoding = "windows-1251"
	u := signOn(t, mock, newNetwork(t, o), alice)

	part := func(charset uint16, data string) oscarwire.IMText {
		return oscarwire.IMText{Features: []byte{1}, Parts: []oscarwire.IMPart{{Charset: charset, Data: []byte(data)}}}
	}
	tests := []struct {
		name string
		from *oscarmock.Bot
		im   oscarwire.IMText
		want string
	}{
		{"ascii", b, part(oscarwire.CharsetASCII, "hello"), "hello"},
		{"code page", b, part(oscarwire.CharsetASCII, "\xCF\xF0\xE8\xE2\xE5\xF2"), "Привет"},
		{"utf-8 without saying so", b, part(oscarwire.CharsetASCII, "Привет"), "Привет"},
		{"latin-1", b, part(oscarwire.CharsetLatin1, "Gr\xFC\xDFe"), "Grüße"},
		{"utf-16", b, part(oscarwire.CharsetUTF16, "\x04\x1F\xD8\x3D\xDE\x00"), "П😀"},
		{"odd length utf-16", b, part(oscarwire.CharsetUTF16, "\x04\x1F\x04"), "П"},
		{"lone surrogate", b, part(oscarwire.CharsetUTF16, "\x00A\xD8\x3D\x00B"), "A\uFFFDB"},
		{"html to a number", b, part(oscarwire.CharsetASCII, "<HTML><BODY>1 &lt; 2<BR>three</BODY></HTML>"), "1 < 2\nthree"},
		{"text that is no html", b, part(oscarwire.CharsetASCII, "1 < 2 &lt; 3"), "1 < 2 &lt; 3"},
		{"html of an aim user", aim, part(oscarwire.CharsetASCII, "<b>hi</b> &amp; <a href=\"http://a.example/\">see</a>"), "hi & see <http://a.example/>"},
		{"control characters", b, part(oscarwire.CharsetASCII, "a\x02b\x00c\r\nd"), "abc\nd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.from.SendIM(alice, tt.im); err != nil {
				t.Fatal(err)
			}
			if got := expect(u, any[legacy.MessageReceived]); got.Text != tt.want {
				t.Errorf("got %q, want %q", got.Text, tt.want)
			}
		})
	}
	uin, _ := oscarwire.ParseUIN(bob)
	icq := func(kind oscarwire.MessageType, text string) oscarwire.ICQMessage {
		return oscarwire.ICQMessage{UIN: uin, Type: kind, Text: []byte(text)}
	}
	for _, tt := range []struct {
		m    oscarwire.ICQMessage
		want string
	}{
		{icq(oscarwire.MessagePlain, "\xCF\xF0\xE8"), "При"},
		{icq(oscarwire.MessageURL, "look\xFEhttp://a.example/"), "look\nhttp://a.example/"},
		{icq(oscarwire.MessageContacts, "1\xFE12345\xFECarol\xFE"), "(contacts)\n12345 Carol"},
	} {
		if err := b.SendICQ(alice, tt.m); err != nil {
			t.Fatal(err)
		}
		if got := expect(u, any[legacy.MessageReceived]); got.Text != tt.want {
			t.Errorf("got %q, want %q", got.Text, tt.want)
		}
	}
	// A message of channel 2 is acknowledged. (Shutko, "TLV 2711")
	v := oscarwire.NewType2Text("Привет 😀", 0xFFFF, oscarwire.StatusOnline).Rendezvous(oscarwire.Cookie{1, 2, 3})
	if err := b.SendRaw(alice, oscarwire.NewIncomingRendezvous(oscarwire.UserInfo{}, v, 0)); err != nil {
		t.Fatal(err)
	}
	if got := expect(u, any[legacy.MessageReceived]); got.Text != "Привет 😀" {
		t.Errorf("got %q", got.Text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitSNAC(ctx, alice, oscarwire.ICBMClientAck, 1); err != nil {
		t.Error(err)
	}
}

func TestOffline(t *testing.T) {
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprint("old form ", old), func(t *testing.T) {
			if old {
				defer oscar.SetOfflinePatience(100 * time.Millisecond)()
			}
			mock := startMock(t, oscarmock.Options{NoOfflineEnd: old})
			b := mock.Bot(bob, oscarmock.BotOptions{})
			b.SignOn()
			for i := range 3 {
				if err := b.Send(alice, fmt.Sprint("while you were out ", i)); err != nil {
					t.Fatal(err)
				}
			}
			u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
			for i := range 3 {
				got := expect(u, any[legacy.MessageReceived])
				if got.Text != fmt.Sprint("while you were out ", i) || got.Time.IsZero() {
					t.Errorf("got %+v", got)
				}
			}
			if old {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := mock.WaitSNAC(ctx, alice, oscarwire.ICQRequest, 2); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestRefusedMessages(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	tests := []struct {
		code oscarwire.ErrorCode
		kind legacy.Kind
	}{
		{oscarwire.CodeNotLoggedOn, legacy.Offline},
		{oscarwire.CodeServerRate, legacy.RateLimited},
		{oscarwire.CodeRefused, legacy.Forbidden},
		{oscarwire.CodeReplyTooBig, legacy.TooLong},
		{oscarwire.CodeBusted, legacy.Internal},
		{oscarwire.CodeNotSupported, legacy.Unsupported},
		{oscarwire.ErrorCode(0x99), legacy.Temporary},
	}
	for i, tt := range tests {
		mock.Inject(oscarmock.Fault{Step: oscarmock.StepRefuseMessage, Code: oscarwire.SignOnCode(tt.code)})
		u.send(fmt.Sprint(i), bob, "hello")
		failed := expect(u, any[legacy.MessageFailed])
		if failed.Ref != fmt.Sprint(i) || legacy.KindOf(failed.Err) != tt.kind {
			t.Errorf("%v: got %+v, want %v", tt.code, failed, tt.kind)
		}
	}
	u.send("nobody", "999999", "hello")
	if failed := expect(u, any[legacy.MessageFailed]); failed.Ref != "nobody" {
		t.Errorf("got %+v", failed)
	}
	u.send("long", bob, strings.Repeat("<", 8000))
	if failed := expect(u, any[legacy.MessageFailed]); legacy.KindOf(failed.Err) != legacy.TooLong {
		t.Errorf("got %+v", failed)
	}
}

// TestAcks: a message without its acknowledgement does not count as sent, and a
// repeated acknowledgement is reported once.
func TestAcks(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	mock.Inject(oscarmock.Fault{Step: oscarmock.StepAck, Action: oscarmock.Repeat})
	u.send("twice", bob, "one")
	expect(u, func(m legacy.MessageSent) bool { return m.Ref == "twice" })
	u.send("once", bob, "two")
	if m := expect(u, any[legacy.MessageSent]); m.Ref != "once" {
		t.Errorf("got %+v", m)
	}
}

// TestRates sends more at once than a live server accepts: nothing is lost, and nothing
// is dropped.
func TestRates(t *testing.T) {
	rates := []oscarwire.RateClass{
		{ID: 1, Window: 80, Clear: 10, Alert: 8, Limit: 4, Disconnect: 1, Current: 6000, Max: 6000},
		// As on a live server, twenty times faster.
		{ID: 3, Window: 20, Clear: 255, Alert: 250, Limit: 200, Disconnect: 150, Current: 300, Max: 300},
	}
	mock := startMock(t, oscarmock.Options{Rates: rates})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	const count = 16
	for i := range count {
		u.send(fmt.Sprint(i), bob, fmt.Sprint("message ", i))
	}
	for i := range count {
		select {
		case m := <-b.Messages():
			if m.Text != fmt.Sprint("message ", i) {
				t.Fatalf("got %q as number %d", m.Text, i)
			}
		case <-time.After(patience):
			t.Fatalf("message %d is lost", i)
		}
		expect(u, any[legacy.MessageSent])
	}
}

// TestDropped makes the server drop messages: they are sent again.
func TestDropped(t *testing.T) {
	mock := startMock(t, oscarmock.Options{Rates: []oscarwire.RateClass{
		{ID: 1, Window: 80, Clear: 10, Alert: 8, Limit: 4, Disconnect: 1, Current: 6000, Max: 6000},
		{ID: 3, Window: 4, Clear: 100, Alert: 90, Limit: 80, Disconnect: 1, Current: 300, Max: 300},
	}})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.send("first", bob, "first") // shows that this server acknowledges
	expect(u, any[legacy.MessageSent])
	mock.SetLevel(alice, 3, 70)
	for i := range 5 {
		u.send(fmt.Sprint(i), bob, fmt.Sprint(i))
	}
	for i := range 5 {
		if m := expect(u, any[legacy.MessageSent]); m.Ref != fmt.Sprint(i) {
			t.Errorf("got %+v as number %d", m, i)
		}
	}
}

// TestBacklog: Send returns an error when too many messages are queued.
func TestBacklog(t *testing.T) {
	slow := []oscarwire.RateClass{
		{ID: 1, Window: 80, Clear: 10, Alert: 8, Limit: 4, Disconnect: 1, Current: 6000, Max: 6000},
		{ID: 3, Window: 20, Clear: 51000, Alert: 50000, Limit: 40000, Disconnect: 30000, Current: 60000, Max: 60000},
	}
	mock := startMock(t, oscarmock.Options{Rates: slow})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	for i := range 1000 {
		err := u.Send(t.Context(), legacy.Outgoing{Ref: fmt.Sprint(i), To: legacy.Peer{ID: bob}, Text: "x"})
		if err == nil {
			continue
		}
		if legacy.KindOf(err) != legacy.RateLimited {
			t.Fatalf("got %v", err)
		}
		return
	}
	t.Error("a thousand messages may wait")
}
