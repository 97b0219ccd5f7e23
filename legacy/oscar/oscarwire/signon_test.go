package oscarwire

import (
	"errors"
	"testing"
)

func TestRoast(t *testing.T) {
	// The password of the recorded roasted sign-on.
	if got := string(Roast([]byte("\x83\x47\xf2\xb7\x4e\xb2"))); got != "passw4" {
		t.Errorf("%q", got)
	}
	long := []byte("a password of more than sixteen bytes")
	if got := string(Roast(Roast(long))); got != string(long) {
		t.Errorf("%q", got)
	}
	if long[0] != 'a' {
		t.Error("the input was changed")
	}
}

// The hashes that BitLBee (weak) and libpurple (strong) sent for keys of the
// recorded server.
func TestHashes(t *testing.T) {
	passwords := map[string]string{"100001": "passw1", "100002": "passw2", "100003": "passw3", "AliceAIM": "alicepw"}
	keys := make(map[string][]byte)
	weak, strong := 0, 0
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil {
			continue
		}
		conn := rec.file + rec.conn
		switch s.ID {
		case BUCPChallenge:
			c, _ := ParseChallenge(s.Body)
			keys[conn] = c.Key
		case BUCPLogin:
			l, err := ParseLogin(s.Body)
			if err != nil {
				t.Fatalf("%v: %v", rec, err)
			}
			password, ok := passwords[l.ScreenName]
			if !ok {
				continue
			}
			want := HashWeak(keys[conn], []byte(password))
			if l.Strong {
				want = HashStrong(keys[conn], []byte(password))
				strong++
			} else {
				weak++
			}
			if string(l.Hash) != string(want[:]) {
				t.Errorf("%v: %s: hash %x, want %x", rec, l.ScreenName, l.Hash, want)
			}
			if l.Client.Language != "en" || l.Client.Country != "us" || l.Client.ID == 0 || l.MultiConn != MultiConnAllow {
				t.Errorf("%v: %+v", rec, l)
			}
		}
	}
	if weak != 2 || strong < 5 {
		t.Errorf("%d weak, %d strong", weak, strong)
	}
}

func TestRoastedSignOn(t *testing.T) {
	in := RoastedSignOn{
		ScreenName: "100004", Password: []byte("passw4"), MultiConn: MultiConnSingle,
		Client: ClientInfo{"ICQ", 0x109, 5, 1, 0, 3036, 0xD2, "en", "us"},
	}
	s, err := ParseSignOn(in.Append(nil))
	out, ok := s.Roasted()
	if err != nil || !ok || string(out.Password) != "passw4" || out.Client != in.Client ||
		out.ScreenName != in.ScreenName || out.MultiConn != MultiConnSingle {
		t.Errorf("%+v, %v, %v", out, ok, err)
	}
	if _, ok := Hello().Roasted(); ok {
		t.Error("a bare hello is no sign-on")
	}
	if _, err := ParseSignOn([]byte{0, 0, 0}); !errors.Is(err, ErrShort) {
		t.Errorf("%v", err)
	}
}

func TestCookieSignOn(t *testing.T) {
	s, err := ParseSignOn(CookieSignOn([]byte("biscuit"), MultiConnAllow).Append(nil))
	c, ok := s.Cookie()
	if err != nil || !ok || string(c) != "biscuit" || s.MultiConn() != MultiConnAllow {
		t.Errorf("%+v, %v", s, err)
	}
	s = CookieSignOn(nil, MultiConnAbsent)
	if _, ok := s.Cookie(); ok || s.TLVs.Has(TagMultiConn) {
		t.Error("empty cookie accepted, or 4A sent")
	}
}

func TestLoginReply(t *testing.T) {
	for _, c := range []struct {
		name string
		in   TLVs
		code SignOnCode
		err  error
	}{
		{"good", TLVs{TLVText(TagReconnectHere, "h:5190"), TLVText(TagCookie, "c")}, 0, nil},
		{"refused", TLVs{TLV16(TagSignOnError, 5)}, SignOnBadPassword, nil},
		{"refused, one byte", TLVs{TLV8(TagSignOnError, 0x1D)}, SignOnRateLimited2, nil},
		{"no cookie", TLVs{TLVText(TagReconnectHere, "h:5190")}, 0, ErrMissing},
		{"no address", TLVs{TLVText(TagCookie, "c")}, 0, ErrMissing},
		{"empty", nil, 0, ErrMissing},
	} {
		p, err := ParseLoginReply(c.in.Append(nil))
		if !errors.Is(err, c.err) || p.Code != c.code || (p.Err() != nil) != (c.code != 0) {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
	var code SignOnCode
	if err := (LoginReply{Code: 5}).Err(); !errors.As(err, &code) || err.Error() != "sign-on refused: wrong password (code 05)" {
		t.Errorf("%v", err)
	}
}

func TestSignOff(t *testing.T) {
	for _, c := range []struct {
		in   string
		want SignOff
	}{
		{"", SignOff{}},
		{"\x00\x09\x00\x01\x01\x00\x0b\x00\x03url", SignOff{Code: DisconnectNewSignOn, CodeLen: 1, URL: "url"}},
		{"\x00\x09\x00\x02\x00\x01", SignOff{Code: DisconnectNewSignOn, CodeLen: 2}},
	} {
		got := ParseSignOff([]byte(c.in))
		if got.Code != c.want.Code || got.CodeLen != c.want.CodeLen || got.URL != c.want.URL {
			t.Errorf("%x: %+v", c.in, got)
		}
		if string(got.Append(nil)) != c.in {
			t.Errorf("%x: encoded again %x", c.in, got.Append(nil))
		}
	}
	if got := ParseSignOff([]byte("\x00\x09\x00\x00junk")); got.Code != DisconnectUnknown {
		t.Errorf("empty code: %+v", got)
	}
}

func TestErrorTexts(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{CodeNotLoggedOn, "refused: recipient is not logged on (code 04)"},
		{ErrorCode(0x99), "refused: code 99"},
		{FeedbagNeedsAuth, "contact list: authorization required (code 0E)"},
		{SignOnRateLimited, "sign-on refused: signing on too often, wait some minutes (code 18)"},
	} {
		if c.err.Error() != c.want {
			t.Errorf("%q, want %q", c.err, c.want)
		}
	}
	if FeedbagOK.Err() != nil || FeedbagLimit.Err() == nil {
		t.Error("FeedbagStatus.Err")
	}
	e, err := ParseSNACError([]byte("\x00\x0e\x00\x08\x00\x02\x00\x07"))
	if sub, ok := e.Subcode(); err != nil || e.Code != CodeBusted || sub != 7 || !ok {
		t.Errorf("%+v, %v", e, err)
	}
}
