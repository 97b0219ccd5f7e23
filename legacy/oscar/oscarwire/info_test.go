package oscarwire

import (
	"reflect"
	"testing"
)

func TestUserDetails(t *testing.T) {
	want := UserDetails{
		Nick: []byte("Bob"), First: []byte("Robert"), Last: []byte("Tables"), Email: []byte("bob@example.net"),
		City: []byte("Paris"), State: []byte("IDF"), Phone: []byte("1"), Mobile: []byte("2"), Country: 33,
		Age: 40, Gender: 2, Homepage: []byte("http://example.net/"), BirthYear: 1986, BirthMonth: 2, BirthDay: 28,
		Street: []byte("Main Street 1"), Zip: []byte("12345"), Interests: [][]byte{[]byte("chess"), []byte("go")}, Affiliations: [][]byte{[]byte("club")},
		Emails:  [][]byte{[]byte("b@example.org"), []byte("c@example.org")},
		Company: []byte("ACME"), Department: []byte("R&D"), Position: []byte("Tester"), Notes: []byte("hello"),
	}
	var got UserDetails
	for _, m := range want.Replies() {
		if err := got.Take(m); err != nil {
			t.Errorf("%04x: %v", uint16(m.Subtype), err)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, m := range want.Replies() { // every truncation: an error or less, never a panic
		for n := range m.Data {
			var d UserDetails
			_ = d.Take(MetaReply{m.Subtype, MetaOK, m.Data[:n]})
		}
	}
}

func TestMetaSetFull(t *testing.T) {
	want := UserDetails{
		Nick: []byte("Bob"), First: []byte("Robert"), Last: []byte("Tables"), Email: []byte("bob@example.net"),
		City: []byte("Paris"), State: []byte("IDF"), Phone: []byte("1"), Mobile: []byte("2"), Gender: 2, Country: 49,
		Street: []byte("Main Street 1"), Zip: []byte("12345"), Department: []byte("R&D"),
		Homepage: []byte("http://example.net/"), BirthYear: 1986, BirthMonth: 2, BirthDay: 28,
		Company: []byte("ACME"), Position: []byte("Tester"), Notes: []byte("hello"),
	}
	args := MetaSetFullArgs(want)
	var got UserDetails
	if err := got.TakeSetFull(args); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if err := got.TakeSetFull(MetaSetFullArgs(UserDetails{})); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("nothing changed to %+v, %v", got, err)
	}
	for n := range args {
		var d UserDetails
		_ = d.TakeSetFull(args[:n])
	}
}

func TestMetaTextTLVs(t *testing.T) {
	args := MetaTextTLVArgs([]uint16{TagMetaNick, TagMetaEmail}, [][]byte{[]byte("Bob"), []byte("b@example.net")})
	got, err := ParseMetaTextTLVs(args)
	if err != nil || string(got[TagMetaNick]) != "Bob" || string(got[TagMetaEmail]) != "b@example.net" {
		t.Errorf("got %v, %v", got, err)
	}
	// CLI_WHITE_PAGES_SEARCH2 as Open OSCAR Server reads it: tag, size, text with
	// its own size and NUL.
	if want := "\x54\x01\x06\x00\x04\x00Bob\x00"; string(args[:len(want)]) != want {
		t.Errorf("got %x", args)
	}
	for n := range args {
		_, _ = ParseMetaTextTLVs(args[:n])
	}
}

func FuzzUserDetails(f *testing.F) {
	for _, m := range (UserDetails{Nick: []byte("Bob"), Emails: [][]byte{[]byte("b@example.net")}}).Replies() {
		f.Add(uint16(m.Subtype), m.Data)
	}
	f.Fuzz(func(_ *testing.T, subtype uint16, data []byte) {
		var d UserDetails
		_ = d.Take(MetaReply{MetaSubtype(subtype), MetaOK, data})
		_, _ = ParseMetaTextTLVs(data)
		_ = d.TakeSetFull(data)
	})
}

func TestMood(t *testing.T) {
	user := func(number string, caps ...GUID) UserInfo {
		return UserInfo{Name: "100002", TLVs: TLVs{
			TLVBytes(TagUserBART, BARTItems{{Type: BARTMood, Data: []byte(number)}}.Append(nil)),
			TLVBytes(TagUserCaps, AppendCapabilities(nil, caps)),
		}}
	}
	studying := GUID{0x60, 0x9D, 0x52, 0xF8, 0xA2, 0x9A, 0x49, 0xA6, 0xB2, 0xA0, 0x25, 0x24, 0xC5, 0xE9, 0xD2, 0x60}
	for _, tt := range []struct {
		user UserInfo
		want string
	}{
		{user("icqmood23"), "Angry"}, {user("0icqmood0"), "Shopping"}, {user("icqmood24"), ""}, {user("icqmood-1"), ""}, {user("icqmood"), ""}, {user(""), ""},
		{user("", CapTyping, studying), "Studying"}, {user("icqmood5", studying), "Thinking"}, {UserInfo{}, ""},
	} {
		if got := tt.user.Mood(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.user, got, tt.want)
		}
	}
	for c, name := range moods {
		if name == "" || name != Clean(name) {
			t.Errorf("%v is called %q", c, name)
		}
	}
}
