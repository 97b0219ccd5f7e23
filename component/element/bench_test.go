package element

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// chat is a typical message of a chat: 60 characters, a chat state and a
// request for a receipt.
const chat = `<message from='juliet@example.com/balcony' to='romeo@irc.example.org' type='chat' id='b4a5c1de-91f2' xml:lang='en'>` +
	`<body>Wherefore art thou, Romeo? Deny thy father and refuse thy na</body>` +
	`<active xmlns='http://jabber.org/protocol/chatstates'/>` +
	`<request xmlns='urn:xmpp:receipts'/></message>`

// chatEscaped differs in that its text has references.
var chatEscaped = strings.ReplaceAll(chat, "thou,", "thou &amp;")

// presence is what joins and status changes look like.
const presence = `<presence from='room@conference.example.org/nick' to='juliet@example.com/balcony'>` +
	`<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/><status code='110'/></x></presence>`

// endless repeats a text n times.
type endless struct {
	text string
	n    int
	rest string
}

func (r *endless) Read(p []byte) (int, error) {
	total := 0
	for total < len(p) {
		if r.rest == "" {
			if r.n == 0 {
				break
			}
			r.n--
			r.rest = r.text
		}
		n := copy(p[total:], r.rest)
		r.rest = r.rest[n:]
		total += n
	}
	if total == 0 {
		return 0, io.EOF
	}
	return total, nil
}

func rate(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stanzas/s")
}

func benchDecode(b *testing.B, doc string) {
	r := NewReader(&endless{text: doc, n: b.N}, "jabber:component:accept", Limits{})
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		e, err := r.Next()
		if err != nil || e.Name == "" {
			b.Fatal(err)
		}
	}
	rate(b)
}

func BenchmarkDecode(b *testing.B) {
	b.Run("message", func(b *testing.B) { benchDecode(b, chat) })
	b.Run("escaped", func(b *testing.B) { benchDecode(b, chatEscaped) })
	b.Run("presence", func(b *testing.B) { benchDecode(b, presence) })
	b.Run("cyrillic", func(b *testing.B) {
		benchDecode(b, strings.Replace(chat, "Wherefore art thou, Romeo?", "Зачем ты Ромео? Отринь отца", 1))
	})
	b.Run("vcard64k", func(b *testing.B) {
		benchDecode(b, `<iq type='result' id='1'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>`+
			strings.Repeat("iVBORw0KGgoAAAANSUhEUgAAAAUA", 2400)+`</BINVAL></PHOTO></vCard></iq>`)
	})
}

// BenchmarkDecodeStdlib is what encoding/xml takes to find the end of the
// stanza, without making anything of it.
func BenchmarkDecodeStdlib(b *testing.B) {
	d := xml.NewDecoder(&endless{text: chat, n: b.N})
	b.ReportAllocs()
	for range b.N {
		for depth := -1; depth != 0; {
			t, err := d.RawToken()
			if err != nil {
				b.Fatal(err)
			}
			if depth < 0 {
				depth = 0
			}
			switch t.(type) {
			case xml.StartElement:
				depth++
			case xml.EndElement:
				depth--
			}
		}
	}
	rate(b)
}

func BenchmarkAppend(b *testing.B) {
	for name, doc := range map[string]string{"message": chat, "escaped": chatEscaped, "presence": presence} {
		b.Run(name, func(b *testing.B) {
			const ns = "jabber:component:accept"
			e, err := Parse(doc, ns)
			if err != nil {
				b.Fatal(err)
			}
			var buf []byte
			b.ReportAllocs()
			for range b.N {
				buf = e.Append(buf[:0], ns)
			}
			b.SetBytes(int64(len(buf)))
			rate(b)
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		e := New("", "message").Set("from", "juliet@example.com/balcony").Set("to", "romeo@irc.example.org").
			Set("type", "chat").Set("id", "b4a5c1de-91f2").
			Add(New("", "body").AddText("Wherefore art thou, Romeo? Deny thy father and refuse thy na"),
				New("http://jabber.org/protocol/chatstates", "active"), New("urn:xmpp:receipts", "request"))
		buf = e.Append(buf[:0], "")
	}
	rate(b)
}
