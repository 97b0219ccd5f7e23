package oscarwire

import (
	"encoding/hex"
	"errors"
	"testing"
)

func TestInvitation(t *testing.T) {
	want := Invitation{RoomID{4, "4-0-chess", 1}, "komm schön"}
	v := want.Rendezvous(Cookie{1, 2, 3, 4, 5, 6, 7, 8})
	// as libpurple writes it: sequence 0A, empty 0F, text 0C, room 2711
	const sent = "0000" + "0102030405060708" + "748f2420628711d18222444553540000" +
		"000a00020001" + "000f0000" + "000c000b" + "6b6f6d6d20736368c3b66e" +
		"2711000e" + "0004" + "09342d302d6368657373" + "0001"
	if got := hex.EncodeToString(v.Append(nil)); got != sent {
		t.Errorf("\n got %s\nwant %s", got, sent)
	}
	again, err := ParseRendezvous(v.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Invitation(nil); err != nil || got != want || again.Capability != CapChat {
		t.Errorf("got %+v, %v", got, err)
	}
	im := NewIncomingRendezvous(UserInfo{Name: "bob"}, v, 0)
	checkCuts(t, ICBMIncoming, im.Append(nil))
	room, _ := v.TLVs.Get(TagRendezvousData)
	for n := range room {
		if _, err := (Rendezvous{TLVs: TLVs{{TagRendezvousData, room[:n:n]}}}).Invitation(nil); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes of the room: %v", n, err)
		}
	}
	if _, err := (Rendezvous{}).Invitation(nil); !errors.Is(err, ErrMissing) {
		t.Errorf("no room: %v", err)
	}
}

func TestRoomName(t *testing.T) {
	for cookie, want := range map[string]string{
		"4-0-chess":                "chess",
		"4-0-a-b":                  "a-b",
		"!aol://2719:10-4-chess":   "chess",
		"chess":                    "chess",
		"a-b":                      "a-b",
		"4-0-":                     "",
		"":                         "",
		"4-0-name with \xff bytes": "name with \xff bytes",
	} {
		if got := (RoomID{Cookie: cookie}).Name(); got != want {
			t.Errorf("%q: got %q, want %q", cookie, got, want)
		}
	}
}

func TestRoomLimits(t *testing.T) {
	tests := []struct {
		tlvs         TLVs
		all, visible int
	}{
		{nil, 0, 0},
		{TLVs{TLV16(TagRoomMaxMessage, 2048), TLV16(TagRoomMaxVisible, 1024)}, 2048, 1024},
		{TLVs{TLV8(TagRoomMaxMessage, 1), TLV16(TagRoomMaxVisible, 5)}, 0, 5},
	}
	for _, tt := range tests {
		if all, visible := (Room{TLVs: tt.tlvs}).MaxMessage(); all != tt.all || visible != tt.visible {
			t.Errorf("%v: got %d, %d", tt.tlvs, all, visible)
		}
	}
}

func TestChatCharset(t *testing.T) {
	for _, tt := range []struct{ charset, text, want string }{
		{"us-ascii", "h\u00e9", "h\u00e9"},
		{"utf-8", "h\u00e9", "h\u00e9"},
		{"iso-8859-1", "h\xe9", "h\u00e9"},
		{"ISO-8859-1", "h\xe9", "h\u00e9"},
		{"unicode-2-0", "\x00h\x26\x03", "h\u2603"},
		{"Unicode-2-0", "\x00h\x26\x03", "h\u2603"},
		{"", "h\xe9", "h\u00e9"},
	} {
		content := TLVs{TLVText(TagChatText, tt.text), TLVText(TagChatCharset, tt.charset)}
		m := ChatMessage{TLVs: TLVs{{TagChatMessage, content.Append(nil)}}}
		if got, err := m.Text(nil); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v", tt.charset, got, err)
		}
		if m.Size() != len(tt.text) {
			t.Errorf("%s: %d bytes", tt.charset, m.Size())
		}
	}
	if (ChatMessage{}).Size() != 0 {
		t.Error("a message without a text has a size")
	}
}
