package oscar_test

import (
	"context"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// TestInlinePicture: a picture in a message becomes a file, and its text stays one.
func TestInlinePicture(t *testing.T) {
	const gif = "GIF89a\x00\xFF\x80picture"
	im := func(text string) oscarwire.IMText {
		return oscarwire.IMText{Parts: []oscarwire.IMPart{{Charset: oscarwire.CharsetASCII, Data: []byte(text)}}}
	}
	binary := `<BINARY><DATA ID="1" SIZE="16">` + gif + `</DATA></BINARY>`
	st := newFileStage(t, nil)
	for _, tt := range []struct{ in, text string }{
		{"<HTML><BODY>look <B>here</B></BODY></HTML>", "look here"},
		{"<HTML><BODY>caf\xC3\xA9</BODY></HTML>", "café"},
		{`<HTML><IMG SRC="a.gif" ID="1" DATASIZE="16"></HTML>`, ""},
	} {
		if err := st.bot.SendIM(alice, im(tt.in+binary)); err != nil {
			t.Fatal(err)
		}
		if tt.text != "" {
			if got := st.told(); got.Text != tt.text || got.URL != "" {
				t.Errorf("got %+v, want %q", got, tt.text)
			}
		}
		if got := st.told(); got.URL != "https://files.example.org/picture-1.gif" || got.Text != got.URL || got.Markup != nil {
			t.Errorf("got %+v", got)
		}
		if data, _ := st.get("picture-1.gif"); string(data) != gif {
			t.Errorf("stored %q", data)
		}
	}
	none := newFileStage(t, func(_ *oscar.Options, e *legacy.Env) { e.StoreFile, e.MaxFile = nil, 0 })
	if err := none.bot.SendIM(alice, im("<HTML>look</HTML>"+binary)); err != nil {
		t.Fatal(err)
	}
	none.told()
	if got := none.told(); !strings.Contains(got.Text, "does not accept files") || strings.Contains(got.Text, "GIF89a") {
		t.Errorf("got %+v", got)
	}
}

// TestWarnings: the user is told of warnings, and not of each step of their decay.
func TestWarnings(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	warn := func(level uint16, by string) {
		w := oscarwire.Warned{Level: level}
		if by != "" {
			w.From = &oscarwire.UserInfo{Name: by}
		}
		mock.SendAll(alice, oscarwire.ServiceWarned, w.Append(nil))
	}
	warn(100, "Bob AIM")
	warn(50, "") // decay
	warn(155, "")
	warn(0, "")
	for _, want := range [][]string{{"Bob AIM has warned you", "10 %"}, {"Somebody has warned you", "15.5 %"}, {"back to 0 %"}} {
		got := expect(u, any[legacy.Notice])
		for _, part := range want {
			if !strings.Contains(got.Text, part) {
				t.Errorf("got %q, want %q", got.Text, want)
			}
		}
	}
}

// TestAwayTextSurvives: the away text contains nothing but ASCII, because servers change its
// label; a long one is cut between characters.
func TestAwayTextSurvives(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: password})
	o := optionsFor(mock.Addr())
	o.Flavor = "aim"
	u := signOn(t, mock, newNetwork(t, o), "aliceaim")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, text := range []string{"обед & 😀", "lunch", strings.Repeat("👩\u200d👧", 1000), strings.Repeat("\"", 5000)} {
		u.Do(u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowAway, Status: text}))
		if err := mock.WaitSNAC(ctx, "aliceaim", oscarwire.LocationSetInfo, i+2); err != nil {
			t.Fatal(err)
		}
		_, _, away := mock.Presence("aliceaim")
		got := oscarwire.HTMLToText(away)
		if got == "" || !strings.HasPrefix(text, got) || len(away) > 4096 || len(text) < 1000 && got != text {
			t.Errorf("%.40q became %.40q of %d bytes", text, got, len(away))
		}
		if strings.ContainsFunc(away, func(r rune) bool { return r > 127 }) || strings.HasSuffix(got, "\u200d") || strings.Count(got, "👩") != strings.Count(got, "👧") {
			t.Errorf("%.40q became %q", text, away[max(0, len(away)-40):])
		}
	}
}
