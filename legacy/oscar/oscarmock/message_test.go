package oscarmock_test

import (
	"bytes"
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

func TestMessages(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a, b := signOn(t, n, alice), signOn(t, n, carol)
	for _, text := range []string{"hello", "grüße", "привет", "𝄞 🜚"} {
		cookie := a.im("carol SMITH", text, oscarwire.IMRequestAck)
		if ack := parse(t, oscarwire.ParseHostAck, a.expect(oscarwire.ICBMHostAck)); ack.Cookie != cookie {
			t.Errorf("cookie %x, want %x", ack.Cookie, cookie)
		}
		in, got := b.text()
		if got != text || in.From.Name != alice || in.Cookie != cookie || in.Flags()&oscarwire.IMWantsTyping == 0 ||
			in.Flags()&oscarwire.IMRequestAck != 0 {
			t.Errorf("got %q of %+v, want %q", got, in, text)
		}
	}
	b.im(alice, "back", 0)
	if in, got := a.text(); got != "back" || in.From.Name != carol {
		t.Errorf("got %q of %s", got, in.From.Name)
	}
	none(t, b.sync(), oscarwire.ICBMHostAck)
}

// TestSelfMessage: an account can send messages to itself.
func TestSelfMessage(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	a.im(alice, "note", 0)
	if _, got := a.text(); got != "note" {
		t.Errorf("got %q", got)
	}
}

// TestStripped: tags in messages between UINs.
func TestStripped(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a, b := signOn(t, n, alice), signOn(t, n, bob)
	a.im(bob, "1 &lt; 2 <i>x</i>", 0)
	if _, got := b.text(); got != "1 < 2 x" {
		t.Errorf("got %q", got)
	}
	b.send(oscarwire.LocationSetInfo, oscarwire.LocationInfo{Caps: []oscarwire.GUID{oscarwire.CapXHTML}})
	b.sync()
	a.im(bob, "<i>x</i>", 0)
	if _, got := b.text(); got != "<i>x</i>" {
		t.Errorf("got %q", got)
	}
}

func TestOtherChannels(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a, b := signOn(t, n, alice), signOn(t, n, bob)
	a.send(oscarwire.ICBMSend, oscarwire.NewOutgoingICQ(oscarwire.Cookie{1}, bob,
		oscarwire.ICQMessage{UIN: 100001, Type: oscarwire.MessagePlain, Text: []byte("old")}, oscarwire.IMRequestAck))
	a.expect(oscarwire.ICBMHostAck)
	in := parse(t, oscarwire.ParseIncomingIM, b.expect(oscarwire.ICBMIncoming))
	if m, err := in.ICQMessage(); err != nil || string(m.Text) != "old" || m.UIN != 100001 {
		t.Errorf("got %+v, %v", m, err)
	}
	data := oscarwire.TLVBytes(oscarwire.TagIMData, []byte("rendezvous"))
	a.send(oscarwire.ICBMSend, oscarwire.OutgoingIM{Cookie: oscarwire.Cookie{2}, Channel: oscarwire.IMChannelRendezvous, To: bob, TLVs: oscarwire.TLVs{data}})
	in = parse(t, oscarwire.ParseIncomingIM, b.expect(oscarwire.ICBMIncoming))
	if v, _ := in.TLVs.Get(oscarwire.TagIMData); in.Channel != oscarwire.IMChannelRendezvous || !bytes.Equal(v, data.Value) {
		t.Errorf("got %+v", in)
	}
	b.send(oscarwire.ICBMClientAck, oscarwire.ClientAck{Cookie: in.Cookie, Channel: 2, Name: alice, Reason: oscarwire.AckChannelSpecific, Data: []byte{7}})
	if ack := parse(t, oscarwire.ParseClientAck, a.expect(oscarwire.ICBMClientAck)); ack.Cookie != in.Cookie || ack.Name != bob || !bytes.Equal(ack.Data, []byte{7}) {
		t.Errorf("got %+v", ack)
	}
}

func TestTyping(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a, b := signOn(t, n, alice), signOn(t, n, bob)
	typing := oscarwire.Typing{Channel: 1, Name: bob, Event: oscarwire.TypingBegun}
	a.send(oscarwire.ICBMTyping, typing)
	if got := parse(t, oscarwire.ParseTyping, b.expect(oscarwire.ICBMTyping)); got.Name != alice || got.Event != oscarwire.TypingBegun {
		t.Errorf("got %+v", got)
	}
	b.send(oscarwire.ICBMResetParams, nil)
	b.sync()
	a.send(oscarwire.ICBMTyping, typing)
	a.sync()
	none(t, b.sync(), oscarwire.ICBMTyping)
	bot := n.Bot("300001", oscarmock.BotOptions{})
	bot.SignOn()
	bot.SetTyping(alice, oscarwire.TypingText)
	if got := parse(t, oscarwire.ParseTyping, a.expect(oscarwire.ICBMTyping)); got.Name != "300001" {
		t.Errorf("got %+v", got)
	}
	for times := 1; times <= 2; times++ {
		a.send(oscarwire.ICBMTyping, oscarwire.Typing{Channel: 1, Name: "300001", Event: oscarwire.TypingBegun})
		a.send(oscarwire.ICBMTyping, oscarwire.Typing{Channel: 1, Name: "300001", Event: oscarwire.TypingNone})
		if err := bot.WaitTyping(t.Context(), alice, times); err != nil {
			t.Error(err)
		}
	}
}

func TestUndeliverable(t *testing.T) {
	n := start(t, oscarmock.Options{})
	a := signOn(t, n, alice)
	refused := func(to string, flags oscarwire.IMFlags, want oscarwire.ErrorCode) {
		t.Helper()
		a.im(to, "x", flags)
		if e := parse(t, oscarwire.ParseSNACError, a.expect(oscarwire.ICBMError)); e.Code != want {
			t.Errorf("%s: got %v, want %v", to, e.Code, want)
		}
	}
	refused("999999", oscarwire.IMStore, oscarwire.CodeNotLoggedOn)
	refused(bob, 0, oscarwire.CodeNotLoggedOn)
	n.Inject(oscarmock.Fault{Step: oscarmock.StepRefuseMessage, Code: 0x10})
	refused(bob, oscarwire.IMStore, oscarwire.CodeBlockedLocally)
	for range 100 {
		a.im(bob, "x", oscarwire.IMStore|oscarwire.IMRequestAck)
		a.expect(oscarwire.ICBMHostAck)
	}
	refused(bob, oscarwire.IMStore, oscarwire.CodeNotLoggedOn) // the limit is reached
}

func TestOffline(t *testing.T) {
	now := newClock()
	n := start(t, oscarmock.Options{Now: now.Now})
	a := signOn(t, n, alice)
	store := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			a.im(bob, text, oscarwire.IMStore|oscarwire.IMRequestAck)
			a.expect(oscarwire.ICBMHostAck)
		}
		if got := n.Stored(bob); got != len(texts) {
			t.Errorf("%d are stored", got)
		}
	}
	store("one", "zwölf")
	sent := now.Now()
	now.add(time.Hour)
	b := signOn(t, n, bob)
	none(t, b.sync(), oscarwire.ICBMIncoming)
	b.send(oscarwire.ICBMOfflineQuery, nil)
	for _, want := range []string{"one", "zwölf"} {
		in, got := b.text()
		if at, ok := in.Time(); got != want || !ok || !at.Equal(sent) {
			t.Errorf("got %q of %v, want %q of %v", got, at, want, sent)
		}
	}
	b.expect(oscarwire.ICBMOfflineDone)
	b.ask(oscarwire.ICBMOfflineQuery, nil, oscarwire.ICBMOfflineDone)
	if n.Stored(bob) != 0 {
		t.Error("they are stored still")
	}
	n.Disconnect(bob, oscarmock.DisconnectClose)
	store("old way")
	n.AddAccount(oscarmock.Account{Name: bob, Password: password, NeedsAuth: true})
	a.send(oscarwire.FeedbagAuthRequest, oscarwire.AuthRequest{Name: bob, Reason: "please"})
	a.sync()

	b = enter(t, roasted(t, n.Addr(), bob, password, 0), 0)
	b.prepare()
	query := oscarwire.ICQData{UIN: 100002, Command: oscarwire.ICQOfflineQuery, Sequence: 7}
	b.send(oscarwire.ICQRequest, query)
	none(t, b.sync(), oscarwire.ICQReply) // not before 01/02
	b.complete()
	b.send(oscarwire.ICQRequest, query)
	var texts []string
	for {
		d := parse(t, oscarwire.ParseICQData, b.expect(oscarwire.ICQReply))
		if d.Command == oscarwire.ICQOfflineDone {
			break
		}
		m, err := d.OldOffline()
		if err != nil || m.From != 100001 || d.Sequence != 7 || m.Flags != 0 {
			t.Fatalf("got %+v, %v", m, err)
		}
		texts = append(texts, string(m.Text))
	}
	if len(texts) != 2 || texts[0] != "old way" || !bytes.Contains([]byte(texts[1]), []byte("please")) {
		t.Errorf("got %q", texts)
	}
	if n.Stored(bob) != 2 {
		t.Error("they are not stored until they are deleted")
	}
	b.send(oscarwire.ICQRequest, oscarwire.ICQData{UIN: 100002, Command: oscarwire.ICQOfflineDelete})
	b.sync()
	if n.Stored(bob) != 0 {
		t.Error("they are stored still")
	}
}

func TestBot(t *testing.T) {
	n := start(t, oscarmock.Options{})
	b := n.Bot("300001", oscarmock.BotOptions{Nick: "Bot", AddBack: true, Reply: func(from, text string) string { return from + " said " + text }})
	a := signOn(t, n, alice)
	a.edit(oscarwire.FeedbagInsert, friends, buddy(1, "300001"))
	a.im("300001", "waiting", oscarwire.IMStore)
	a.sync()
	b.SignOn()
	if u := a.arrived(); u.Name != "300001" {
		t.Errorf("%s arrived", u.Name)
	}
	if _, got := a.text(); got != "100001 said waiting" {
		t.Errorf("got %q", got)
	}
	if m := <-b.Messages(); !m.Offline || m.From != alice || m.Text != "waiting" {
		t.Errorf("got %+v", m)
	}
	a.im("300001", "<html>now", 0)
	if _, got := a.text(); got != "100001 said now" {
		t.Errorf("got %q", got)
	}
	b.SetStatus(oscarwire.ModeDND.Status(), "busy", "<b>away</b>")
	u := a.arrived()
	status, _ := u.Status()
	if text, _ := u.StatusText(nil); status.Mode() != oscarwire.ModeDND || !u.Away() || text != "busy" {
		t.Errorf("got %v %q", status, text)
	}
	if status, online := b.Sees(alice); !online || status != 0 {
		t.Error("the bot does not see who added it")
	}
	b.SignOff()
	a.departed("300001")
	if err := b.Send("999999", "x"); err == nil {
		t.Error("a message to nobody was sent")
	}
}
