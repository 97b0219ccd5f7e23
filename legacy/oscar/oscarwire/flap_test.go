package oscarwire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrameReader(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		max  int
		want []Frame
		err  error
	}{
		{"empty", "", 0, nil, io.EOF},
		{"one", "\x2a\x02\x00\x07\x00\x02hi", 0, []Frame{{Channel: 2, Seq: 7, Payload: []byte("hi")}}, io.EOF},
		{"coalesced", "\x2a\x05\xff\xff\x00\x00\x2a\x02\x00\x00\x00\x01x", 0,
			[]Frame{{Channel: 5, Seq: 0xFFFF}, {Channel: 2, Payload: []byte("x")}}, io.EOF},
		{"short sign-off", "\x2a\x04\x01\x02", 0, []Frame{{Channel: 4, Seq: 0x0102, Short: true}}, io.EOF},
		{"short other", "\x2a\x02\x01\x02", 0, nil, ErrTruncated},
		{"three bytes", "\x2a\x04\x01", 0, nil, ErrTruncated},
		{"five bytes", "\x2a\x04\x01\x02\x00", 0, nil, ErrTruncated},
		{"marker", "HTTP/1", 0, nil, ErrStartMarker},
		{"marker short", "H", 0, nil, ErrStartMarker},
		{"no payload", "\x2a\x02\x00\x00\x00\x01", 0, nil, ErrTruncated},
		{"part of payload", "\x2a\x02\x00\x00\x00\x03xy", 0, nil, ErrTruncated},
		{"at cap", "\x2a\x02\x00\x00\x00\x02hi", 2, []Frame{{Channel: 2, Payload: []byte("hi")}}, io.EOF},
		{"over cap", "\x2a\x02\x00\x00\x00\x03hi!", 2, nil, ErrOversize},
	} {
		for mode, read := range map[string]func(*FrameReader) (Frame, error){
			"own": (*FrameReader).ReadFrame, "reuse": (*FrameReader).ReadFrameReuse,
		} {
			fr := NewFrameReader(iotest.OneByteReader(strings.NewReader(c.in)), c.max)
			var err error
			for i := 0; ; i++ {
				var f Frame
				if f, err = read(fr); err != nil {
					if i != len(c.want) {
						t.Errorf("%s/%s: %d frames, then %v", c.name, mode, i, err)
					}
					break
				}
				if i >= len(c.want) {
					t.Fatalf("%s/%s: more frames: %+v", c.name, mode, f)
				}
				w := c.want[i]
				if f.Channel != w.Channel || f.Seq != w.Seq || f.Short != w.Short || !bytes.Equal(f.Payload, w.Payload) {
					t.Errorf("%s/%s: %+v, want %+v", c.name, mode, f, w)
				}
			}
			if !errors.Is(err, c.err) {
				t.Errorf("%s/%s: %v, want %v", c.name, mode, err, c.err)
			}
		}
	}
	boom := errors.New("boom")
	if _, err := NewFrameReader(iotest.ErrReader(boom), 0).ReadFrame(); !errors.Is(err, boom) {
		t.Errorf("stream error: %v", err)
	}
}

func TestReuseKeepsOneBuffer(t *testing.T) {
	var in []byte
	for i := range 3 {
		in, _ = AppendFLAP(in, ChannelData, uint16(i), bytes.Repeat([]byte{byte(i)}, 100))
	}
	fr := NewFrameReader(bytes.NewReader(in), 0)
	a, _ := fr.ReadFrameReuse()
	b, _ := fr.ReadFrameReuse()
	if &a.Payload[0] != &b.Payload[0] {
		t.Error("ReadFrameReuse allocated a second buffer")
	}
	c, _ := fr.ReadFrame()
	if &c.Payload[0] == &b.Payload[0] || c.Payload[0] != 2 {
		t.Error("ReadFrame handed out the shared buffer")
	}
}

func TestFrameWriter(t *testing.T) {
	var out bytes.Buffer
	fw := NewFrameWriter(&out, 0xFFFF)
	h := Header{ID: ICBMSend, RequestID: 5}
	if err := errors.Join(
		fw.WriteSNAC(h, Raw("abc")),
		fw.WriteFrame(ChannelKeepAlive, nil),
		fw.WriteSNAC(Header{ID: FeedbagUse, Flags: FlagExtra | FlagMore, RequestID: 6, Extra: []byte{9}}, nil),
	); err != nil {
		t.Fatal(err)
	}
	want := "\x2a\x02\xff\xff\x00\x0d\x00\x04\x00\x06\x00\x00\x00\x00\x00\x05abc" +
		"\x2a\x05\x00\x00\x00\x00" +
		"\x2a\x02\x00\x01\x00\x0d\x00\x13\x00\x07\x80\x01\x00\x00\x00\x06\x00\x01\x09"
	if out.String() != want {
		t.Errorf("got  %x\nwant %x", out.String(), want)
	}
	if fw.Seq() != 2 {
		t.Errorf("seq %d", fw.Seq())
	}
	if err := fw.WriteSNAC(h, Raw(make([]byte, MaxPayload))); !errors.Is(err, ErrOversize) {
		t.Errorf("oversize: %v", err)
	}
	if fw.Seq() != 2 || out.Len() != len(want) {
		t.Error("an oversize frame was counted or written")
	}
	if err := fw.WriteFrame(ChannelData, Raw(make([]byte, MaxPayload))); err != nil {
		t.Errorf("largest frame: %v", err)
	}
}

func TestAppendFLAPOversize(t *testing.T) {
	dst, err := AppendFLAP([]byte("x"), 2, 0, make([]byte, MaxPayload+1))
	if !errors.Is(err, ErrOversize) || string(dst) != "x" {
		t.Errorf("%d bytes, %v", len(dst), err)
	}
	if got := AppendShortSignOff(nil, 0x0102); string(got) != "\x2a\x04\x01\x02" {
		t.Errorf("%x", got)
	}
}

func TestSNACHeader(t *testing.T) {
	s, err := ParseSNAC([]byte("\x00\x13\x00\x19\x80\x01\x00\x00\x00\x07\x00\x06\x00\x01\x00\x02\x00\x02body"))
	if err != nil || s.ID != FeedbagAuthRequested || !s.More() || string(s.Body) != "body" ||
		string(s.Extra) != "\x00\x01\x00\x02\x00\x02" || s.RequestID != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	if s.ID.String() != "13/19" || s.ID != MakeID(0x13, 0x19) {
		t.Errorf("%v", s.ID)
	}
	if _, err := ParseSNAC([]byte("\x00\x13\x00\x19\x80\x00\x00\x00\x00\x07\x00\x06\x00")); !errors.Is(err, ErrShort) {
		t.Errorf("extra header cut short: %v", err)
	}
	if _, err := (Frame{Channel: ChannelError}).SNAC(); !errors.Is(err, ErrMalformed) {
		t.Errorf("snac on channel 3: %v", err)
	}
	for n := range SNACHeaderLen {
		if _, err := ParseSNAC(make([]byte, n)); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
