package oscarwire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

// The messages of the recorded sessions, as their clients sent them.
func TestTranscriptTexts(t *testing.T) {
	want := map[string]int{
		"hello from alice ascii": 2, "\u043f\u0440\u0438\u0432\u0435\u0442 \u2020 \u00fcn\u00efcode \u2603": 0,
		"<HTML><BODY>hello <b>barnowl</b></BODY></HTML>": 4,
		"reply from barnowl icq \u2603\n":                2,
	}
	got := make(map[string]int)
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil || s.ID != ICBMSend && s.ID != ICBMIncoming {
			continue
		}
		var text IMText
		if s.ID == ICBMSend {
			m, _ := ParseOutgoingIM(s.Body)
			if m.Channel != IMChannelText {
				continue
			}
			text, err = m.Text()
			if again := NewOutgoingText(m.Cookie, m.To, text, m.Flags()).Append(nil); !bytes.Equal(again, s.Body) {
				t.Errorf("%v: built again\n got %x\nwant %x", rec, again, s.Body)
			}
		} else {
			m, _ := ParseIncomingIM(s.Body)
			if m.Channel != IMChannelText {
				continue
			}
			text, err = m.Text()
			sent, _ := m.Time()
			if again := NewIncomingText(m.Cookie, m.From, text, m.Flags(), sent).Append(nil); !bytes.Equal(again, s.Body) {
				t.Errorf("%v: built again\n got %x\nwant %x", rec, again, s.Body)
			}
		}
		if err != nil {
			t.Fatalf("%v: %v", rec, err)
		}
		plain := text.Text(nil)
		got[plain]++
		if enc := NewIMText(plain, Encoder{}, text.Features); !bytes.Equal(enc.Append(nil), text.Append(nil)) {
			t.Errorf("%v: %q: other charset or bytes: %x", rec, plain, enc.Append(nil))
		}
	}
	for s, n := range want {
		if n > 0 && got[s] < n {
			t.Errorf("%q seen %d times, want %d: all: %v", s, got[s], n, got)
		}
	}
	if len(got) < 8 {
		t.Errorf("only %d different messages: %v", len(got), got)
	}
}

func TestOfflineTime(t *testing.T) {
	n := 0
	for _, rec := range transcripts(t) {
		if s, err := rec.frame.SNAC(); err == nil && s.ID == ICBMIncoming {
			m, _ := ParseIncomingIM(s.Body)
			if at, ok := m.Time(); ok {
				n++
				if at.Year() < 2020 || m.Flags()&IMStore == 0 || len(m.From.TLVs) != 0 {
					t.Errorf("%v: %v %+v", rec, at, m)
				}
			}
		}
	}
	if n < 4 {
		t.Errorf("%d offline messages", n)
	}
}

func TestIMFlags(t *testing.T) {
	all := IMRequestAck | IMStore | IMAuto | IMWantsTyping
	m := NewOutgoingText(Cookie{1}, "x", NewIMText("hi", Encoder{}, DefaultFeatures), all)
	got, err := ParseOutgoingIM(m.Append(nil))
	if err != nil || got.Flags() != all || got.To != "x" || got.Cookie != (Cookie{1}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestIMTextMalformed(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		want string
		err  error
	}{
		{"lying length", "\x05\x01\x00\x01\x01\x01\x01\x00\x63\x00\x00\x00\x00hi", "hi", ErrShort},
		{"lying features", "\x05\x01\x00\xff\x01", "", ErrShort},
		{"no text", "\x05\x01\x00\x01\x01", "", ErrMissing},
		{"empty", "", "", ErrMissing},
		{"text of 3 bytes", "\x01\x01\x00\x03\x00\x00\x00", "", ErrShort},
		{"empty text", "\x01\x01\x00\x04\x00\x00\x00\x00", "", nil},
		{"cut header", "\x01\x01\x00\x06\x00\x00\x00\x00hi\x01", "hi", ErrShort},
		{"two parts", "\x01\x01\x00\x05\x00\x00\x00\x00a\x01\x01\x00\x06\x00\x02\x00\x00\x26\x03", "a\u2603", nil},
		{"unknown fragment", "\x09\x09\x00\x01z\x01\x01\x00\x05\x00\x00\x00\x00a", "a", nil},
	} {
		m, err := ParseIMText([]byte(c.in))
		if !errors.Is(err, c.err) || m.Text(nil) != c.want {
			t.Errorf("%s: %q, %v", c.name, m.Text(nil), err)
		}
	}
	if _, err := (IncomingIM{}).Text(); !errors.Is(err, ErrMissing) {
		t.Errorf("no TLV 02: %v", err)
	}
}

func TestRendezvous(t *testing.T) {
	n := 0
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil || s.ID != ICBMSend && s.ID != ICBMIncoming {
			continue
		}
		var v Rendezvous
		if s.ID == ICBMSend {
			m, _ := ParseOutgoingIM(s.Body)
			if m.Channel != IMChannelRendezvous {
				continue
			}
			v, err = m.Rendezvous()
			if again := NewOutgoingRendezvous(m.To, v, m.Flags()); len(again.Append(nil)) != len(s.Body) {
				t.Errorf("%v: built again\n got %x\nwant %x", rec, again.Append(nil), s.Body)
			}
		} else {
			m, _ := ParseIncomingIM(s.Body)
			if m.Channel != IMChannelRendezvous {
				continue
			}
			v, err = m.Rendezvous()
			if again := NewIncomingRendezvous(m.From, v, m.Flags()).Append(nil); !bytes.Equal(again, s.Body) {
				t.Errorf("%v: built again\n got %x\nwant %x", rec, again, s.Body)
			}
			if a, ok := v.Addr(TagRendezvousVerified); !ok || !a.IsLoopback() {
				t.Errorf("%v: verified address %v", rec, a)
			}
		}
		if err != nil || v.Capability != CapFile || v.Kind != RendezvousRequest {
			t.Errorf("%v: %+v, %v", rec, v, err)
		}
		if _, err := v.Type2(); !errors.Is(err, ErrMissing) {
			t.Errorf("%v: a file offer is no type-2 message: %v", rec, err)
		}
		n++
	}
	if n < 2 {
		t.Errorf("%d rendezvous", n)
	}
	if _, ok := (Rendezvous{TLVs: TLVs{TLV16(2, 1)}}).Addr(2); ok {
		t.Error("address of two bytes")
	}
}

// A type-2 message in the layout of Shutko's document.
const type2Hex = "1b000800" + "00000000000000000000000000000000" + "0000" + "03000000" + "00" + "feff" +
	"0e00" + "feff" + "000000000000000000000000" +
	"01" + "01" + "0000" + "0100" + "0600" + "68656c6c6f00" +
	"00000000" + "ffffff00" +
	"26000000" + "7b30393436313334452d344337462d313144312d383232322d3434343535333534303030307d"

func TestType2(t *testing.T) {
	b, err := hex.DecodeString(type2Hex)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseType2(b)
	if err != nil || string(m.Text) != "hello" || !m.UTF8 || m.Sequence != 0xFFFE || m.Version != 8 ||
		m.Type != MessagePlain || m.Background != 0xFFFFFF || m.Rest != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if got := m.Append(nil); !bytes.Equal(got, b) {
		t.Errorf("got  %x\nwant %x", got, b)
	}
	if got := NewType2Text("hello", 0xFFFE, StatusOnline).Append(nil); !bytes.Equal(got, b) {
		t.Errorf("built\n got %x\nwant %x", got, b)
	}
	for n := range b {
		if _, err := ParseType2(b[:n]); err == nil && n < len(b)-50 {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}

func TestType2Text(t *testing.T) {
	cp1251 := mustPage(t, "cp1251")
	m := Type2{Text: []byte("\xef\xf0\xe8\xe2\xe5\xf2")}
	if got := m.String(cp1251); got != "\u043f\u0440\u0438\u0432\u0435\u0442" {
		t.Errorf("%q", got)
	}
	m = NewType2Text("\u043f\u0440\u0438", 1, 0)
	v, err := ParseRendezvous(m.Rendezvous(Cookie{7}).Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	back, err := v.Type2()
	if err != nil || back.String(cp1251) != "\u043f\u0440\u0438" || v.Cookie != (Cookie{7}) {
		t.Errorf("%+v, %v", back, err)
	}
	ack := ClientAck{Cookie{7}, IMChannelRendezvous, "100002", AckChannelSpecific, back.Ack().Append(nil)}
	got, err := ParseClientAck(ack.Append(nil))
	if err != nil || got.Name != "100002" || got.Reason != AckChannelSpecific {
		t.Fatalf("%+v, %v", got, err)
	}
	if a, err := ParseType2(got.Data); err != nil || a.Sequence != 1 || len(a.Text) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
	plugin := Type2{Type: MessagePlugin, Text: []byte("x"), Rest: []byte("0123456789abcdef")}
	if got, err := ParseType2(plugin.Append(nil)); err != nil || string(got.Rest) != "0123456789abcdef" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestICQMessage(t *testing.T) {
	m := ICQMessage{UIN: 100001, Type: MessageURL, Flags: MessageFlagNormal, Text: []byte("look\xfehttp://x/")}
	im := NewOutgoingICQ(Cookie{1}, "100002", m, IMStore)
	want := "0100000000000000" + "0004" + "06313030303032" + "0005001" + "7" +
		"a1860100" + "0401" + "0f00" + "6c6f6f6bfe687474703a2f2f782f00" + "00060000"
	if got := hex.EncodeToString(im.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err := im.ICQMessage()
	if err != nil || got.UIN != m.UIN || string(got.Text) != string(m.Text) {
		t.Errorf("%+v, %v", got, err)
	}
	if f := SplitFE(got.Text, nil); len(f) != 2 || f[1] != "http://x/" {
		t.Errorf("%q", f)
	}
	if b := JoinFE([]string{"look", "http://x/"}, nil); string(b) != string(m.Text) {
		t.Errorf("%q", b)
	}
	in := NewIncomingICQ(Cookie{1}, UserInfo{Name: "100001"}, m, 0)
	if got, err := in.ICQMessage(); err != nil || got.Type != MessageURL {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "\xa1\x86\x01", "\xa1\x86\x01\x00\x01\x01\xff\xffhi"} {
		if _, err := ParseICQMessage([]byte(bad)); !errors.Is(err, ErrShort) {
			t.Errorf("%x: %v", bad, err)
		}
	}
	if _, err := (OutgoingIM{}).ICQMessage(); !errors.Is(err, ErrMissing) {
		t.Errorf("%v", err)
	}
	if _, err := (OutgoingIM{}).Rendezvous(); !errors.Is(err, ErrMissing) {
		t.Errorf("%v", err)
	}
}

func TestICBMEvents(t *testing.T) {
	user := UserInfo{Name: "bob", Warning: 10, TLVs: TLVs{TLV16(TagUserClass, 0x50)}}
	for _, c := range []struct {
		v    Appender
		id   ID
		want string
	}{
		{Typing{Channel: 1, Name: "bob", Event: TypingBegun}, ICBMTyping, "0000000000000000" + "0001" + "03626f62" + "0002"},
		{HostAck{Cookie{1}, 1, "bob"}, ICBMHostAck, "0100000000000000" + "0001" + "03626f62"},
		{MissedMessages{{1, user, 3, MissedTooLarge}}, ICBMMissed, "0001" + "03626f62000a0001" + "000100020050" + "00030001"},
		{Warned{Level: 10, From: &user}, ServiceWarned, "000a" + "03626f62000a0001" + "000100020050"},
		{Warned{Level: 10}, ServiceWarned, "000a"},
		{SNACError{Code: CodeNotLoggedOn}, ICBMError, "0004"},
		{ICBMParams{0, 0xB, 8000, 999, 999, 0}, ICBMSetParams, "00000000000b1f4003e703e700000000"},
		{Names{"a", "bob"}, BuddyAdd, "0161" + "03626f62"},
		{Migration{FamilyList{4}, "h:1", []byte("c"), nil}, ServiceMigrate, "00010004" + "00050003683a31" + "0006000163"},
		{Migration{nil, "h:1", []byte("c"), nil}, ServiceMigrate, "0000" + "00050003683a31" + "0006000163"},
		{ServiceQuery{Family: FamilyChat, Room: &RoomID{4, "c", 0}}, ServiceRequest, "000e" + "00010006" + "000401630000"},
		{LocationQueryOld{LocationOldAway, "bob"}, LocationQuery, "0003" + "03626f62"},
		{IconUpload{BARTIcon, []byte("img")}, BARTUpload, "0001" + "0003696d67"},
		{IconUploadReply{0, BARTItem{BARTIcon, 1, []byte("h")}}, BARTUploadReply, "00" + "0001010168"},
		{Number(3600), ServiceIdle, "00000e10"},
	} {
		b := c.v.Append(nil)
		if got := hex.EncodeToString(b); got != c.want {
			t.Errorf("%v: %T\n got %s\nwant %s", c.id, c.v, got, c.want)
		}
		back, err := decoders[c.id](b)
		if err != nil || !bytes.Equal(back.Append(nil), b) {
			t.Errorf("%v: %+v, %v", c.id, back, err)
		}
		checkCuts(t, c.id, b)
	}
	if MissedRate.String() != "missed: sender over the rate limit (code 02)" {
		t.Error(MissedRate)
	}
}

func TestLocationInfo(t *testing.T) {
	away, none := "gone <i>\u2603</i>", ""
	p := LocationInfo{Away: &away, Caps: []GUID{CapTyping}}
	got, err := ParseLocationInfo(p.Append(nil), nil)
	if err != nil || *got.Away != away || got.Profile != nil || len(got.Caps) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	got, _ = ParseLocationInfo(LocationInfo{Away: &none, Caps: []GUID{}}.Append(nil), nil)
	if got.Away == nil || *got.Away != "" || got.Caps == nil || len(got.Caps) != 0 {
		t.Errorf("back from away: %+v", got)
	}
	latin := TLVs{TLVText(TagProfileType, `text/aolrtf; charset="ISO-8859-1"`), TLVText(TagProfile, "\xfc")}
	if got, _ = ParseLocationInfo(latin.Append(nil), nil); *got.Profile != "\u00fc" {
		t.Errorf("latin-1: %q", *got.Profile)
	}
}

func TestUserInfo(t *testing.T) {
	u := UserInfo{Name: "100001", TLVs: TLVs{
		TLV16(TagUserClass, 0x0070), TLV32(TagUserSignedOn, 1700000000), TLV16(TagUserIdle, 5),
		TLV32(TagUserMember, 1000000000), TLV32(TagUserStatus, 0x10020013),
		TLVBytes(TagUserCaps, AppendCapabilities(nil, []GUID{CapTyping})), TLVBytes(TagUserShortCaps, []byte{0x13, 0x4E, 1}),
		TLVBytes(TagUserBART, BARTItems{{BARTIcon, 1, []byte("hash")}, NewStatusText("at \u2603")}.Append(nil)),
	}}
	got, rest, err := ParseUserInfo(append(u.Append(nil), "rest"...))
	if err != nil || string(rest) != "rest" || got.Name != "100001" {
		t.Fatalf("%+v, %v", got, err)
	}
	if !got.Away() || got.Class()&ClassICQ == 0 {
		t.Error("class")
	}
	if at, ok := got.SignedOn(); !ok || !at.Equal(time.Unix(1700000000, 0)) {
		t.Error("signed on")
	}
	if at, ok := got.MemberSince(); !ok || at.Year() != 2001 {
		t.Error("member since")
	}
	if d, ok := got.Idle(); !ok || d != 5*time.Minute {
		t.Error("idle")
	}
	if s, ok := got.Status(); !ok || s.Mode() != ModeDND || s.Flags() != StatusShowAddress|StatusDirectAuth {
		t.Error("status")
	}
	if l := got.Capabilities(); len(l) != 2 || l[0] != CapTyping || l[1] != CapUTF8 {
		t.Errorf("capabilities %v", l)
	}
	if s, ok := got.StatusText(nil); !ok || s != "at \u2603" {
		t.Errorf("status text %q", s)
	}
	if i, ok := got.BART().Icon(); !ok || string(i.Data) != "hash" {
		t.Error("icon")
	}
	var zero UserInfo
	if second(zero.SignedOn()) || second(zero.Idle()) || second(zero.Status()) || second(zero.StatusText(nil)) ||
		second(zero.BART().Icon()) || zero.Away() || zero.Capabilities() != nil {
		t.Error("zero userinfo")
	}
}

func TestStatusText(t *testing.T) {
	utf16 := BARTItem{Type: BARTStatusText, Data: []byte("\x00\x02\x26\x03\x00\x01\x00\x01\x00\x0bunicode-2-0")}
	if s, ok := utf16.Text(nil); !ok || s != "\u2603" {
		t.Errorf("%q", s)
	}
	for _, i := range []BARTItem{{}, {Type: BARTStatusText}, {Type: BARTStatusText, Data: []byte("\x00\x09x")}, NewStatusText("")} {
		if s, ok := i.Text(nil); ok {
			t.Errorf("%+v: %q", i, s)
		}
	}
	// As libpurple sends it in 01/1E and the server relays it.
	if got := hex.EncodeToString(BARTItems{NewStatusText("gone fishing")}.Append(nil)); got != "00020410000c676f6e652066697368696e670000" {
		t.Errorf("%s", got)
	}
	long := string(bytes.Repeat([]byte("\u2603"), 200))
	if s, ok := NewStatusText(long).Text(nil); !ok || len(s) != 249 {
		t.Errorf("%d bytes", len(s))
	}
	if second((BARTItems{{BARTIcon, 0, BARTNone}}).Icon()) {
		t.Error("the hash of no icon was taken for an icon")
	}
}

func TestModes(t *testing.T) {
	for s, want := range map[Status]Mode{
		0: ModeOnline, 1: ModeAway, 2: ModeDND, 4: ModeNA, 5: ModeNA, 0x10: ModeOccupied, 0x11: ModeOccupied,
		0x13: ModeDND, 0x20: ModeFree, 0x21: ModeAway, 0x100: ModeOnline, 0x10020000: ModeOnline, 0x17: ModeDND,
	} {
		if got := s.Mode(); got != want {
			t.Errorf("%04x: %v, want %v", uint32(s), got, want)
		}
	}
	for m := ModeOnline; m <= ModeDND; m++ {
		if m.Status().Mode() != m || m.String() == "unknown" {
			t.Errorf("%v: %04x", m, uint32(m.Status()))
		}
	}
	if ModeDND.Status() != 0x13 || ModeNA.Status() != 5 || ModeOccupied.Status() != 0x11 || Mode(99).Status() != 0 || Mode(99).String() != "unknown" {
		t.Error("usual masks")
	}
	if !(StatusInvisible | StatusAway).Invisible() || StatusAway.Invisible() {
		t.Error("invisible")
	}
	if _, err := ParseSetStatus([]byte("\x00\x06\x00\x01\x00")); err != nil {
		t.Errorf("status of one byte: %v", err)
	}
	if _, err := ParseSetStatus([]byte("\x00\x06\x00\x03\x00\x00\x00")); !errors.Is(err, ErrMissing) {
		t.Errorf("status of three bytes: %v", err)
	}
}
