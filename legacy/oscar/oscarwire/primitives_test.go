package oscarwire

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestReader(t *testing.T) {
	r := NewReader([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x02hi\x00\x03abc\x04\x00xy\x00zend"))
	if r.U8() != 1 || r.U16() != 0x0203 || r.U32() != 0x04050607 || r.U16LE() != 0x0908 || r.U32LE() != 0x0D0C0B0A {
		t.Error("numbers")
	}
	if r.String8() != "hi" || r.String16() != "abc" || string(r.CString16LE()) != "xy" || r.Len() != 3 || string(r.Rest()) != "end" {
		t.Error("strings")
	}
	if r.Err() != nil || r.Rest() != nil || r.Err() != nil {
		t.Errorf("at the end: %v", r.Err())
	}
	if r.U16() != 0 || !errors.Is(r.Err(), ErrShort) {
		t.Errorf("past the end: %v", r.Err())
	}
	first := r.Err()
	if r.U8() != 0 || r.String8() != "" || r.TLVsN(3) != nil || r.Len() != 0 || r.Err() != first {
		t.Error("not sticky")
	}
	if r := NewReader([]byte("abc")); r.Bytes(-1) != nil || r.Err() == nil {
		t.Error("negative length")
	}
}

func TestReaderFailureConsumesNothingMore(t *testing.T) {
	r := NewReader([]byte{0, 9, 1, 2})
	if r.String16() != "" || r.U8() != 0 || r.Err() == nil {
		t.Error("read on after a failure")
	}
}

func TestTLVs(t *testing.T) {
	in := []byte("\x00\x01\x00\x01\x7f\x00\x02\x00\x04\x01\x02\x03\x04\x00\x01\x00\x02hi\x00\x05\x00\x00")
	l, err := ParseTLVs(in)
	if err != nil || len(l) != 4 {
		t.Fatalf("%v, %v", l, err)
	}
	if v, ok := l.U8(1); v != 0x7F || !ok {
		t.Error("U8: first of duplicates")
	}
	if v, ok := l.U16(2); v != 0x0102 || !ok {
		t.Error("U16 of a longer value")
	}
	if v, ok := l.U32(2); v != 0x01020304 || !ok {
		t.Error("U32")
	}
	for _, ok := range []bool{second(l.U16(1)), second(l.U32(1)), second(l.U8(5)), second(l.U16(5)), second(l.Uint(5)), second(l.U8(9)), l.Has(9)} {
		if ok {
			t.Error("a short, empty or absent value was accepted")
		}
	}
	if s, ok := l.String(5); s != "" || !ok || !l.Has(5) {
		t.Error("empty value")
	}
	if got := l.All(1); len(got) != 2 || string(got[1]) != "hi" || l.All(9) != nil {
		t.Errorf("All: %q", got)
	}
	if !bytes.Equal(l.Append(nil), in) {
		t.Error("Append")
	}
	c := l.Clone()
	in[4] = 0
	if v, _ := c.U8(1); v != 0x7F {
		t.Error("Clone shares memory")
	}
	if c.Without(1).Has(1) || len(c.Without(1)) != 2 {
		t.Error("Without")
	}
	c = c.Set(5, []byte("x")).Set(6, nil)
	if s, _ := c.String(5); s != "x" || !c.Has(6) || len(c) != 5 {
		t.Error("Set")
	}
}

func second[T any](_ T, ok bool) bool { return ok }

func TestTLVsTrailing(t *testing.T) {
	for _, c := range []struct {
		in string
		n  int
	}{
		{"\x00", 0}, {"\x00\x01\x00", 0}, {"\x00\x01\x00\x01", 0},
		{"\x00\x01\x00\x00\x00", 1}, {"\x00\x01\x00\x01x\x00\x02\xff\xffy", 1},
	} {
		l, err := ParseTLVs([]byte(c.in))
		if !errors.Is(err, ErrTrailing) || len(l) != c.n {
			t.Errorf("%x: %v, %v", c.in, l, err)
		}
		if got := NewReader([]byte(c.in)).TLVs(); len(got) != c.n {
			t.Errorf("%x: reader kept %v", c.in, got)
		}
	}
	if l, err := ParseTLVs(nil); l != nil || err != nil {
		t.Errorf("empty: %v, %v", l, err)
	}
}

func TestTLVsCounts(t *testing.T) {
	in := []byte("\x00\x01\x00\x00\x00\x02\x00\x00rest")
	r := NewReader(in)
	if l := r.TLVsN(2); len(l) != 2 || string(r.Rest()) != "rest" {
		t.Error("TLVsN")
	}
	r = NewReader(in[:8])
	if l := r.TLVsN(0xFFFF); len(l) != 2 || cap(l) > 2 || !errors.Is(r.Err(), ErrShort) {
		t.Errorf("lying count: %v, %v", l, r.Err())
	}
	r = NewReader(in)
	if l := r.TLVsLen(4); len(l) != 1 || r.Len() != 8 {
		t.Error("TLVsLen")
	}
	if l := NewReader(in).TLVsLen(99); l != nil {
		t.Error("TLVsLen beyond the end")
	}
}

func TestWriterCuts(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 70000)
	var w Writer
	w.String8(string(long))
	w.Bytes8(long)
	if len(w.B) != 512 || w.B[0] != 255 || w.B[256] != 255 {
		t.Errorf("8-bit lengths: %d bytes", len(w.B))
	}
	w = Writer{}
	w.TLV(1, long)
	w.TLVString(2, string(long))
	mark := w.BeginTLV(3)
	w.Bytes(long)
	w.End16(mark)
	w.U8(7)
	r := NewReader(w.B)
	for range 3 {
		r.U16()
		if n := len(r.Bytes16()); n != 0xFFFF {
			t.Errorf("16-bit length: %d", n)
		}
	}
	if r.U8() != 7 || r.Len() != 0 || r.Err() != nil {
		t.Error("not well-formed after cutting")
	}
	w = Writer{}
	w.CString16LE(long)
	if r := NewReader(w.B); len(r.CString16LE()) != 0xFFFE || r.Len() != 0 {
		t.Error("CString16LE")
	}
	w = Writer{}
	m := w.Begin16()
	w.U32LE(0x01020304)
	w.U16LE(0x0506)
	w.End16LE(m)
	if string(w.B) != "\x06\x00\x04\x03\x02\x01\x06\x05" {
		t.Errorf("little-endian: %x", w.B)
	}
}

func TestNames(t *testing.T) {
	if got := NormalizeScreenName("Alice A I M"); got != "aliceaim" {
		t.Errorf("normalize: %q", got)
	}
	for s, want := range map[string]bool{
		"1": true, "100001": true, "4294967295": true, "4294967296": false, "0": false, "012": false,
		"": false, "12a": false, "-1": false, "+1": false, "1_0": false, "１２": false, " 1": false,
	} {
		if IsUIN(s) != want {
			t.Errorf("IsUIN(%q)", s)
		}
	}
	if uin, ok := ParseUIN("100001"); uin != 100001 || !ok || FormatUIN(uin) != "100001" {
		t.Error("uin")
	}
	g, err := ParseGUID("{0946134E-4C7F-11D1-8222-444553540000}")
	if err != nil || g != CapUTF8 || "{"+g.String()+"}" != utf8GUIDText {
		t.Errorf("guid %v, %v", g, err)
	}
	for _, bad := range []string{"", "0946", "{0946134E-4C7F-11D1-8222-44455354000g}", g.String() + "00"} {
		if _, err := ParseGUID(bad); err == nil {
			t.Errorf("guid %q accepted", bad)
		}
	}
	if v, ok := CapFile.Short(); v != 0x1343 || !ok {
		t.Error("short capability")
	}
	if _, ok := CapTyping.Short(); ok {
		t.Error("a capability that has no short form")
	}
	l := []GUID{CapFile, CapTyping}
	if b := AppendCapabilities(nil, l); !slices.Equal(ParseCapabilities(append(b, 1, 2)), l) {
		t.Error("capabilities")
	}
	if (Cookie{0xAB}).String() != "ab00000000000000" {
		t.Error("cookie")
	}
}
