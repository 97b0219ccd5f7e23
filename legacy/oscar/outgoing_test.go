package oscar_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
	"transport/legacy/split"
)

// longTexts take more room in their encoded form than in UTF-8 or in runes.
var longTexts = map[string]string{
	"emoji":              strings.Repeat("😀", 2000),
	"tags":               strings.Repeat("<", 2000),
	"quotes":             strings.Repeat("\"", 1500) + "ж",
	"letters and emoji":  strings.Repeat("x", 2000) + strings.Repeat("😀", 2000),
	"families":           strings.Repeat("👨\u200d👩\u200d👧\u200d👦", 300),
	"flags":              strings.Repeat("🇩🇪", 1200),
	"entities":           strings.Repeat("&amp;\n", 1500),
	"addresses":          strings.Repeat("see http://example.org/a?b=c&d=e and ", 200),
	"carriage returns":   strings.Repeat("č", 4000), // UTF-16 with the byte 0D
	"letters":            strings.Repeat("word ", 4000),
	"accents":            strings.Repeat("e\u0301\u0302", 2500),
	"one with Cyrillic":  strings.Repeat("word ", 1500) + "ж",
	"just fits as ASCII": strings.Repeat("x", 7000),
}

// sendLong sends a text as the core does, and returns the number of its parts.
func (u *user) sendLong(t *testing.T, to legacy.Peer, text string) int {
	t.Helper()
	ps := u.Session.(legacy.PartSender)
	var parts []legacy.Outgoing
	for i, part := range split.Text(text, func(s string) int { return ps.Fit(to, s) }) {
		if r := []rune(part)[0]; r == '\u200d' || r == '\u0301' || r == '\u0302' {
			t.Errorf("part %d begins with %U", i, r)
		}
		parts = append(parts, legacy.Outgoing{Ref: fmt.Sprint("p", i), To: to, Text: part})
	}
	u.Do(ps.SendParts(t.Context(), parts))
	return len(parts)
}

// same compares texts but for white space and what hides markup from a server.
func same(a, b string) bool {
	bare := strings.NewReplacer(" ", "", "\n", "", "\u200b", "", "c\u030c", "č").Replace
	return bare(a) == bare(b)
}

// TestLongTexts: a text of any length arrives in parts that the server accepts, whatever it
// consists of.
func TestLongTexts(t *testing.T) {
	for _, tt := range []struct {
		name, flavor, from, to string
		plain                  bool // the recipient's client does not advertise XHTML
	}{
		{"icq", "icq", alice, bob, false},
		{"icq without XHTML", "icq", alice, bob, true},
		{"aim", "aim", "aliceaim", "bobaim", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{})
			mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: password})
			b := mock.Bot(tt.to, oscarmock.BotOptions{})
			b.SignOn()
			if tt.plain {
				b.SetCapabilities(oscarwire.CapTyping)
			}
			o := optionsFor(mock.Addr())
			o.Flavor = tt.flavor
			u := signOn(t, mock, newNetwork(t, o), tt.from)
			u.Do(u.roster().AddContact(t.Context(), contact(tt.to, ""), ""))
			expect(u, any[legacy.PresenceChanged])
			for name, text := range longTexts {
				var arrived strings.Builder
				parts := u.sendLong(t, legacy.Peer{ID: tt.to}, text)
				for i := range parts {
					if got := expect(u, any[legacy.MessageSent]); got.Ref != fmt.Sprint("p", i) {
						t.Errorf("%s: %+v as number %d", name, got, i)
					}
					select {
					case m := <-b.Messages():
						arrived.WriteString(m.Text)
					case <-time.After(patience):
						t.Fatalf("%s: part %d is lost", name, i)
					}
				}
				if !same(arrived.String(), text) {
					t.Errorf("%s: %.80q arrived as %.80q", name, text, arrived.String())
				}
				if most := 1 + len(text)*12/7900; parts > most {
					t.Errorf("%s: %d parts", name, parts)
				}
			}
		})
	}
}

// TestLongTextsInRooms: a room has a limit of its own.
func TestLongTextsInRooms(t *testing.T) {
	mock, _, n := aim(t, oscarmock.Options{})
	a, c := signOn(t, mock, n, aliceAIM), signOn(t, mock, n, carolAIM)
	c.join(lobby)
	a.join(lobby)
	for name, text := range longTexts {
		var arrived strings.Builder
		parts := a.sendLong(t, lobby, text)
		for i := range parts {
			a.sent(fmt.Sprint("p", i))
			arrived.WriteString(expect(c, any[legacy.RoomMessage]).Text)
		}
		if !same(arrived.String(), text) {
			t.Errorf("%s: %.80q arrived as %.80q", name, text, arrived.String())
		}
	}
}

// TestTooManyParts: the session takes all parts of a text or none.
func TestTooManyParts(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SignOn()
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	parts := make([]legacy.Outgoing, 100)
	for i := range parts {
		parts[i] = legacy.Outgoing{Ref: fmt.Sprint(i), To: legacy.Peer{ID: bob}, Text: "part"}
	}
	if err := u.Session.(legacy.PartSender).SendParts(t.Context(), parts); legacy.KindOf(err) != legacy.TooLong {
		t.Errorf("error is %v", err)
	}
	u.send("short", bob, "short")
	if got := expect(u, any[legacy.MessageSent]); got.Ref != "short" {
		t.Errorf("got %+v", got)
	}
	if m := <-b.Messages(); m.Text != "short" {
		t.Errorf("%q arrived", m.Text)
	}
}
