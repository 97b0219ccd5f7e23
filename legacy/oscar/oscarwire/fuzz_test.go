package oscarwire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzFLAP reads a stream of frames: no panic, every frame encodes to the bytes that it
// was read from, and every error is classified.
func FuzzFLAP(f *testing.F) {
	var stream []byte
	for i, rec := range transcripts(f) {
		stream, _ = AppendFLAP(stream, rec.frame.Channel, rec.frame.Seq, rec.frame.Payload)
		if i%25 == 24 {
			f.Add(stream)
			stream = nil
		}
	}
	f.Add(AppendShortSignOff(nil, 7))
	f.Fuzz(func(t *testing.T, in []byte) {
		fr := NewFrameReader(bytes.NewReader(in), 8192)
		var out []byte
		for {
			frame, err := fr.ReadFrame()
			if err != nil {
				if err != io.EOF && !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrStartMarker) && !errors.Is(err, ErrOversize) {
					t.Fatalf("unclassified: %v", err)
				}
				break
			}
			if frame.Short {
				out = AppendShortSignOff(out, frame.Seq)
			} else {
				out, _ = AppendFLAP(out, frame.Channel, frame.Seq, frame.Payload)
			}
			s, err := frame.SNAC()
			if err == nil && !bytes.Equal(s.Append(nil), frame.Payload) {
				t.Fatalf("snac %x became %x", frame.Payload, s.Append(nil))
			}
		}
		if !bytes.HasPrefix(in, out) {
			t.Fatalf("%x\nread as %x", in, out)
		}
	})
}

// FuzzSNACBodies runs a body through its decoder and every accessor.
func FuzzSNACBodies(f *testing.F) {
	for _, s := range unique(f) {
		f.Add(uint32(s.ID), s.Body)
	}
	for id := range decoders {
		f.Add(uint32(id), []byte{0, 1, 3, 'b', 'o', 'b', 0, 1, 0, 1, 0, 2, 0, 5})
	}
	m := NewType2Text("hi", 1, StatusAway)
	f.Add(uint32(ICBMSend), NewOutgoingRendezvous("100002", m.Rendezvous(Cookie{1}), IMStore).Append(nil))
	invitation := Invitation{RoomID{4, "4-0-chess", 0}, "come"}.Rendezvous(Cookie{1})
	f.Add(uint32(ICBMIncoming), NewIncomingRendezvous(UserInfo{Name: "bob"}, invitation, 0).Append(nil))
	f.Add(uint32(ICBMSend), NewOutgoingICQ(Cookie{}, "100002", ICQMessage{UIN: 1, Type: MessagePlain, Text: []byte("hi")}, 0).Append(nil))
	row := MetaUser{UIN: 7, Nick: []byte("n")}
	f.Add(uint32(ICQReply), NewSearchRow(row, true, 1).Wrap(1, 2).Append(nil))
	f.Fuzz(func(t *testing.T, id uint32, body []byte) {
		decodeAgain(t, ID(id), body)
		s := ParseSignOff(body)
		ParseSignOff(s.Append(nil))
		if so, err := ParseSignOn(body); err == nil {
			so.Roasted()
		}
	})
}

// FuzzHTML checks the guarantees of HTMLToText: clean and bounded text, and the inverse
// of TextToHTML.
func FuzzHTML(f *testing.F) {
	for _, rec := range transcripts(f) {
		if s, err := rec.frame.SNAC(); err == nil && s.ID == ICBMIncoming {
			m, _ := ParseIncomingIM(s.Body)
			text, _ := m.Text()
			f.Add(text.Text(nil))
		}
	}
	for _, s := range []string{`<a href="u>x`, "<!-- <b>&amp;", "<script></SCRIPT >", "a<br/>\n b  c", "<p class='x'y\"z>", "&#x1F600;&nbsp;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := HTMLToText(s)
		if !isClean(out) || len(out) > 4*len(s)+16 {
			t.Fatalf("%q became %q", s, out)
		}
		LooksLikeHTML(s)
		want := strings.Trim(Clean(s), "\n ")
		if got := HTMLToText(WrapHTML(TextToHTML(s))); got != want && !strings.Contains(s, "\u00A0") {
			t.Fatalf("%q escaped and back: %q, want %q", s, got, want)
		}
	})
}

// FuzzText checks that any input decodes to clean text, and that clean text survives
// encoding and decoding with every encoder.
func FuzzText(f *testing.F) {
	for _, rec := range transcripts(f) {
		if s, err := rec.frame.SNAC(); err == nil && s.ID == ICBMSend {
			m, _ := ParseOutgoingIM(s.Body)
			text, _ := m.Text()
			for _, p := range text.Parts {
				f.Add(p.Charset, p.Data)
			}
		}
	}
	f.Add(CharsetUTF16, []byte("\xd8\x3d\xd8\x3d\xde\x00\xde"))
	f.Add(CharsetASCII, []byte("\xcf\xf0\xe8\x00\r\n"))
	page := mustPage(f, "cp1251")
	f.Fuzz(func(t *testing.T, charset uint16, b []byte) {
		for _, p := range []*CodePage{nil, page} {
			s := DecodeText(charset, b, p)
			if !isClean(s) || !utf8.ValidString(s) {
				t.Fatalf("%d %x: %q", charset, b, s)
			}
			for _, enc := range []Encoder{{}, {Latin1: true}, {UTF16: true}} {
				c, e := enc.Encode(s)
				if got := DecodeText(c, e, p); got != strings.TrimPrefix(s, "\uFEFF") && got != s {
					t.Fatalf("%+v: %q became %q", enc, s, got)
				}
			}
			p.Decode(p.Encode(s))
		}
	})
}
