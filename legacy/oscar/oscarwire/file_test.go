package oscarwire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// A file offer made by libpurple and relayed by Open OSCAR Server.
func TestFileOfferOfTranscript(t *testing.T) {
	var offers []Rendezvous
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil || s.ID != ICBMIncoming {
			continue
		}
		m, err := ParseIncomingIM(s.Body)
		if v, err2 := m.Rendezvous(); err == nil && err2 == nil && v.Capability == CapFile {
			offers = append(offers, v)
		}
	}
	if len(offers) != 1 {
		t.Fatalf("%d offers", len(offers))
	}
	v := offers[0]
	info, err := v.FileInfo()
	if err != nil || info.Kind != FileSingle || info.Count != 1 || info.Size != 10_000 || string(info.Name) != "send.txt" {
		t.Errorf("%+v, %v", info, err)
	}
	raw, _ := v.TLVs.Get(TagRendezvousData)
	if got := info.Append(nil); !bytes.Equal(got, raw) {
		t.Errorf("encoded as %x, not %x", got, raw)
	}
	client, _ := v.Addr(TagRendezvousClient)
	verified, _ := v.Addr(TagRendezvousVerified)
	port, _ := v.TLVs.U16(TagRendezvousPort)
	if !client.IsLoopback() || !verified.IsLoopback() || port != 0x1447 || v.TLVs.Has(TagRendezvousUseProxy) {
		t.Errorf("%v, %v, %d", client, verified, port)
	}
}

func TestFileInfo(t *testing.T) {
	for in, want := range map[string]FileInfo{
		"0001000100000005612e6200":   {FileSingle, 1, 5, []byte("a.b")},
		"0001000100000005612e62":     {FileSingle, 1, 5, []byte("a.b")},
		"00020003ffffffff6100620000": {FileSeveral, 3, 0xFFFFFFFF, []byte("a")},
		"0001000100000000":           {FileSingle, 1, 0, nil},
	} {
		b, _ := hex.DecodeString(in)
		got, err := ParseFileInfo(b)
		if err != nil || got.Kind != want.Kind || got.Count != want.Count || got.Size != want.Size || !bytes.Equal(got.Name, want.Name) {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	b, _ := hex.DecodeString("0001000100000005")
	for n := range b {
		if _, err := ParseFileInfo(b[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := (Rendezvous{}).FileInfo(); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

func testOFT() OFT {
	h := OFT{Kind: OFTPrompt, Cookie: Cookie{1, 2, 3, 4, 5, 6, 7, 8}, Files: 2, FilesLeft: 1, Parts: 1, PartsLeft: 1,
		TotalSize: 300, Size: 200, Modified: 1, Checksum: 0x12340000, ForkReceivedChecksum: NoChecksum, ForkChecksum: NoChecksum,
		ReceivedChecksum: NoChecksum, Flags: 0x20, NameOffset: 0x1C, SizeShift: 0x11, Name: []byte("a.txt")}
	copy(h.Version[:], "Cool FileXfer")
	return h
}

// The header byte by byte. (libpurple, oft.c, peer_oft_send)
func TestOFT(t *testing.T) {
	h := testOFT()
	want := "4f465432" + "0100" + "0101" + "0102030405060708" + "0000" + "0000" + "0002" + "0001" + "0001" + "0001" +
		"0000012c" + "000000c8" + "00000001" + "12340000" + "ffff0000" + "00000000" + "00000000" + "ffff0000" + "00000000" + "ffff0000" +
		hex.EncodeToString(append([]byte("Cool FileXfer"), make([]byte, 19)...)) + "20" + "1c" + "11" +
		strings.Repeat("00", 69+16) + "0000" + "0000" + hex.EncodeToString([]byte("a.txt")) + strings.Repeat("00", 59)
	b := h.Append(nil)
	if got := hex.EncodeToString(b); got != want || len(b) != 256 {
		t.Errorf("%d bytes\n got %s\nwant %s", len(b), got, want)
	}
	r := bytes.NewReader(append(slices.Clone(b), "data"...))
	got, err := ReadOFT(iotest.OneByteReader(r))
	if err != nil || r.Len() != 4 || !bytes.Equal(got.Append(nil), b) {
		t.Errorf("%+v, %v, %d bytes behind", got, err, r.Len())
	}
	for n := range b {
		if _, err := ReadOFT(bytes.NewReader(b[:n])); n == 0 && err != io.EOF || n > 0 && !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes read: %v", n, err)
		}
		if _, err := ParseOFT(b[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes parsed: %v", n, err)
		}
	}
	h.Name = bytes.Repeat([]byte("n"), 5000)
	if long, err := ParseOFT(h.Append(nil)); err != nil || len(long.Name) != oftMax-oftFixed-2 {
		t.Errorf("a long name: %d bytes, %v", len(long.Name), err)
	}
	h.Charset, h.Name = CharsetUTF16, []byte("\x00a\x04\x00\x00b")
	if wide, err := ParseOFT(h.Append(nil)); err != nil || !bytes.Equal(wide.Name, h.Name) {
		t.Errorf("a wide name: %x, %v", wide.Name, err)
	}
}

func TestOFTThatIsNone(t *testing.T) {
	good := testOFT().Append(nil)
	with := func(at int, s string) []byte { return slices.Concat(good[:at], []byte(s), good[at+len(s):]) }
	for _, tt := range []struct {
		in   []byte
		want error
	}{
		{with(0, "OFT3"), ErrMagic}, {with(0, "HTTP"), ErrMagic}, {with(4, "\x00\x00"), ErrShort}, {with(4, "\x00\x06"), ErrShort},
		{with(4, "\x00\xbf"), ErrShort}, {with(4, "\x08\x01"), ErrOversize}, {with(4, "\xff\xff"), ErrOversize},
		{with(4, "\x01\x01"), ErrTruncated},
	} {
		if _, err := ReadOFT(bytes.NewReader(tt.in)); !errors.Is(err, tt.want) {
			t.Errorf("%x: %v, want %v", tt.in[:8], err, tt.want)
		}
	}
}

// The checksums of libpurple's algorithm, which computes them differently.
func TestChecksum(t *testing.T) {
	libpurple := func(b []byte) uint32 { // (oft.c, peer_oft_checksum_chunk)
		sum := uint32(0xFFFF)
		for i, v := range b {
			before, word := sum, uint32(v)
			if i%2 == 0 {
				word <<= 8
			}
			if sum -= word; sum > before {
				sum--
			}
		}
		sum = sum&0xFFFF + sum>>16
		sum = sum&0xFFFF + sum>>16
		return sum << 16
	}
	big := bytes.Repeat([]byte("\xff\xfe\x80\x01odd"), 10_000)
	for _, b := range [][]byte{nil, {0}, {1}, {0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFF}, []byte("hello"), []byte("hello!"), big, make([]byte, 1000)} {
		var whole, pieces Checksum
		whole.Write(b)
		for rest := b; len(rest) > 0; {
			n := min(3, len(rest))
			pieces.Write(rest[:n])
			rest = rest[n:]
		}
		want := libpurple(b)
		if !whole.Fits(want) || whole != pieces || len(b) < 10 && len(b) > 0 && b[0] != 0xFF && b[0] != 0 && whole.Sum() != want {
			t.Errorf("%d bytes: %08x and %08x, libpurple has %08x", len(b), whole.Sum(), pieces.Sum(), want)
		}
		if whole.Fits(want ^ 0x0002_0000) {
			t.Errorf("%d bytes fit another sum", len(b))
		}
	}
	var c Checksum
	c.Write([]byte("x"))
	if !c.Fits(0) || !c.Fits(NoChecksum) {
		t.Error("an unknown sum does not fit")
	}
	if new(Checksum).Sum() != NoChecksum {
		t.Errorf("nothing sums up to %08x", new(Checksum).Sum())
	}
}

// The frames with which a receiver joins a proxied connection. (libpurple,
// peer_proxy.c, peer_proxy_send_join_existing_conn)
func TestProxyRequest(t *testing.T) {
	want := ProxyRequest{"100001", Cookie{1, 2}, TLVs{TLVBytes(TagProxyCapability, CapFile[:])}}
	got, err := ParseProxyRequest(want.Append(nil))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	place := ProxyPlace{0x1234, netip.MustParseAddr("192.0.2.1")}
	b := place.Append(nil)
	if got, err := ParseProxyPlace(b); err != nil || got != place {
		t.Errorf("got %+v, %v", got, err)
	}
	for n := range b {
		if _, err := ParseProxyPlace(b[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestProxyFrame(t *testing.T) {
	peer := ProxyPeer{"100001", 0x1234, Cookie{1, 2, 3, 4, 5, 6, 7, 8}, TLVs{TLVBytes(TagProxyCapability, CapFile[:])}}
	b := ProxyFrame{Kind: ProxyJoin, Payload: peer.Append(nil)}.Append(nil)
	want := "002f" + "044a" + "0004" + "00000000" + "0000" + "06313030303031" + "1234" + "0102030405060708" + "00010010" + "094613434c7f11d18222444553540000"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	r := bytes.NewReader(append(slices.Clone(b), "OFT2"...))
	f, err := ReadProxyFrame(iotest.OneByteReader(r))
	if err != nil || f.Kind != ProxyJoin || r.Len() != 4 {
		t.Fatalf("%+v, %v", f, err)
	}
	got, err := ParseProxyPeer(f.Payload)
	if err != nil || got.Name != "100001" || got.PIN != 0x1234 || got.Cookie != peer.Cookie || !got.TLVs.Has(TagProxyCapability) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range b {
		if _, err := ReadProxyFrame(bytes.NewReader(b[:n])); n == 0 && err != io.EOF || n > 0 && !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for n := range f.Payload {
		if _, err := ParseProxyPeer(f.Payload[:n]); n < 17 && !errors.Is(err, ErrShort) || n >= 17 && err != nil {
			t.Errorf("%d bytes of the payload: %v", n, err)
		}
	}
	for in, want := range map[string]error{
		"000a" + "0001" + "0005" + "00000000" + "0000": ErrMalformed,
		"0009" + "044a" + "0005" + "00000000" + "0000": ErrShort,
		"ffff" + "044a" + "0005" + "00000000" + "0000": ErrOversize,
	} {
		b, _ := hex.DecodeString(in)
		if _, err := ReadProxyFrame(bytes.NewReader(b)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", in, err, want)
		}
	}
	if code, ok := (ProxyFrame{Payload: []byte{0, 0x1A, 9}}).Code(); code != ProxyNobodyCame || !ok {
		t.Error(code, ok)
	}
	if _, ok := (ProxyFrame{Payload: []byte{0}}).Code(); ok {
		t.Error("half a code")
	}
}

// FuzzPeer reads the input of a peer or a proxy: no panic, every error is classified,
// and every value read encodes to bytes that read as the same value.
func FuzzPeer(f *testing.F) {
	f.Add(testOFT().Append(nil))
	f.Add(ProxyFrame{Kind: ProxyJoin, Payload: ProxyPeer{Name: "x", TLVs: TLVs{TLV16(1, 1)}}.Append(nil)}.Append(nil))
	f.Add(FileInfo{FileSingle, 1, 5, []byte("name")}.Append(nil))
	classified := func(err error) bool {
		return slices.ContainsFunc([]error{io.EOF, ErrTruncated, ErrShort, ErrOversize, ErrMalformed, ErrMagic},
			func(kind error) bool { return errors.Is(err, kind) })
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ReadOFT(bytes.NewReader(b)); err == nil {
			first := h.Append(nil)
			again, err := ReadOFT(bytes.NewReader(first))
			if err != nil || !bytes.Equal(again.Append(nil), first) {
				t.Errorf("%+v became %+v, %v", h, again, err)
			}
		} else if !classified(err) {
			t.Errorf("unclassified: %v", err)
		}
		if p, err := ReadProxyFrame(bytes.NewReader(b)); err == nil {
			if again, err := ReadProxyFrame(bytes.NewReader(p.Append(nil))); err != nil || again.Kind != p.Kind || !bytes.Equal(again.Payload, p.Payload) {
				t.Errorf("%+v became %+v, %v", p, again, err)
			}
			p.Code()
		} else if !classified(err) {
			t.Errorf("unclassified: %v", err)
		}
		if p, err := ParseProxyPeer(b); err == nil {
			if again, err := ParseProxyPeer(p.Append(nil)); err != nil || again.Name != p.Name || again.PIN != p.PIN {
				t.Errorf("%+v became %+v, %v", p, again, err)
			}
		}
		if i, err := ParseFileInfo(b); err == nil {
			if again, err := ParseFileInfo(i.Append(nil)); err != nil || again.Size != i.Size || !bytes.Equal(again.Name, i.Name) {
				t.Errorf("%+v became %+v, %v", i, again, err)
			}
		}
	})
}
