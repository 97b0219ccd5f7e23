package oscarwire

import (
	"testing"
)

// incoming returns the payload of a recorded 04/07 of channel 1 with the
// sender's full userinfo block.
func incoming(tb testing.TB) []byte {
	for _, rec := range transcripts(tb) {
		if s, err := rec.frame.SNAC(); err == nil && s.ID == ICBMIncoming {
			if m, _ := ParseIncomingIM(s.Body); m.Channel == IMChannelText && len(m.From.TLVs) > 3 {
				return rec.frame.Payload
			}
		}
	}
	tb.Fatal("no message")
	return nil
}

func decodeIM(payload []byte) (string, error) {
	s, err := ParseSNAC(payload)
	if err != nil {
		return "", err
	}
	m, err := ParseIncomingIM(s.Body)
	if err != nil {
		return "", err
	}
	text, err := m.Text()
	return text.Text(nil), err
}

func encodeIM(dst []byte, text string) ([]byte, error) {
	t := NewIMText(text, Encoder{}, DefaultFeatures)
	m := NewOutgoingText(Cookie{1, 2, 3}, "BobAIM", t, IMRequestAck|IMStore|IMWantsTyping)
	dst = m.Append(BeginSNAC(dst, 1, Header{ID: ICBMSend, RequestID: 1}))
	return EndFrame(dst, 0)
}

func BenchmarkDecodeIM(b *testing.B) {
	payload := incoming(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeIM(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeIM(b *testing.B) {
	for name, text := range map[string]string{"ascii": "hello from alice ascii", "utf16": "hello from \u00fcn\u00efcode \u2603"} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if buf, err = encodeIM(buf[:0], text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHTMLToText(b *testing.B) {
	const in = `<HTML><BODY BGCOLOR="#ffffff"><FONT FACE="Arial">hello <b>barnowl</b> &amp; <a href="http://x/">friends</a></FONT></BODY></HTML>`
	b.ReportAllocs()
	for b.Loop() {
		HTMLToText(in)
	}
}

func BenchmarkTextToHTML(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		TextToHTML("hello barnowl & friends, 1 < 2\nsecond line")
	}
}

func BenchmarkRateParams(b *testing.B) {
	for _, rec := range transcripts(b) {
		if s, err := rec.frame.SNAC(); err == nil && s.ID == ServiceRateReply {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseRateParams(s.Body); err != nil {
					b.Fatal(err)
				}
			}
			return
		}
	}
}

// The budget of the hot paths.
func TestAllocations(t *testing.T) {
	payload := incoming(t)
	if n := testing.AllocsPerRun(100, func() { decodeIM(payload) }); n > 6 {
		t.Errorf("decoding a message costs %v allocations", n)
	}
	buf := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() { buf, _ = encodeIM(buf[:0], "hello from \u00fcn\u00efcode") }); n > 6 {
		t.Errorf("encoding a message costs %v allocations", n)
	}
}
