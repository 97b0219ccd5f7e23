package oscarwire

import (
	"bytes"
	"errors"
	"testing"
)

// checkCuts decodes every prefix of a body: no panic, and every accepted value can be
// encoded and decoded again.
func checkCuts(t testing.TB, id ID, body []byte) {
	t.Helper()
	for n := range body {
		decodeAgain(t, id, bytes.Clone(body[:n:n]))
	}
}

// decodeAgain decodes a body, encodes the result, and decodes that: both encodings must
// be equal, so that the decoder reads everything that the encoder writes.
func decodeAgain(t testing.TB, id ID, body []byte) {
	t.Helper()
	d := decoders[id]
	if d == nil {
		return
	}
	v, err := d(body)
	deepen(v)
	if err != nil {
		if !errors.Is(err, ErrShort) && !errors.Is(err, ErrMissing) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTrailing) {
			t.Fatalf("%v: %x: unclassified error %v", id, body, err)
		}
		return
	}
	first := v.Append(nil)
	again, err := d(first)
	if err != nil {
		t.Fatalf("%v: %x: own encoding %x: %v", id, body, first, err)
	}
	if second := again.Append(nil); !bytes.Equal(first, second) {
		t.Fatalf("%v: %x:\n first %x\nsecond %x", id, body, first, second)
	}
}

// deepen calls every accessor that parses further.
func deepen(v Appender) {
	switch v := v.(type) {
	case IncomingIM:
		text, _ := v.Text()
		HTMLToText(text.Text(nil))
		v.ICQMessage()
		v.Flags()
		v.Time()
		rv, _ := v.Rendezvous()
		rv.Invitation(nil)
		m, _ := rv.Type2()
		m.String(nil)
		m.Append(nil)
		deepenUser(v.From)
	case OutgoingIM:
		text, _ := v.Text()
		text.Text(nil)
		v.ICQMessage()
		rv, _ := v.Rendezvous()
		rv.Type2()
		rv.Addr(TagRendezvousClient)
	case ClientAck:
		ParseType2(v.Data)
	case UserInfos:
		for _, u := range v {
			deepenUser(u)
		}
	case FeedbagItems:
		for _, i := range v {
			i.Alias(nil)
			i.Order()
			i.AwaitsAuth()
		}
	case ICQData:
		v.OldOffline()
		sub, args, _ := v.MetaRequest()
		ParseMetaUIN(sub, args)
		m, _ := v.MetaReply()
		m.ShortInfo()
		m.SearchRow()
	case FeedbagRights:
		v.Max(FeedbagGroup)
	case ChatMessage:
		v.Sender()
		v.Text(nil)
		v.Size()
	case NavReply:
		m, _ := v.Room()
		m.Title(nil)
		m.Name()
		m.MaxMessage()
	}
}

func deepenUser(u UserInfo) {
	u.Status()
	u.SignedOn()
	u.Idle()
	u.Capabilities()
	u.BART().Icon()
	u.StatusText(nil)
}

// unique returns the first SNAC of each kind, direction and length.
func unique(tb testing.TB) []SNAC {
	type key struct {
		id  ID
		n   int
		dir bool
	}
	seen := make(map[key]bool)
	var l []SNAC
	for _, rec := range transcripts(tb) {
		if s, err := rec.frame.SNAC(); err == nil {
			if k := (key{s.ID, len(s.Body), rec.fromClient}); !seen[k] {
				seen[k] = true
				l = append(l, s)
			}
		}
	}
	return l
}

func TestTruncations(t *testing.T) {
	for _, s := range unique(t) {
		checkCuts(t, s.ID, s.Body)
	}
	for _, rec := range transcripts(t) {
		p := rec.frame.Payload
		switch rec.frame.Channel {
		case ChannelSignOn:
			for n := range p {
				s, err := ParseSignOn(p[:n])
				if (err == nil) != (n >= 4) {
					t.Fatalf("%v: %d bytes: %v", rec, n, err)
				}
				s.Roasted()
				s.Cookie()
			}
		case ChannelSignOff:
			for n := range p {
				ParseSignOff(p[:n])
				ParseLoginReply(p[:n])
			}
		}
	}
}

// Every byte of every vector is set to extreme values: wrong lengths and counts, other
// tags.
func TestMutations(t *testing.T) {
	for _, s := range unique(t) {
		if len(s.Body) > 400 {
			continue // the long ones contain the same structures as the short ones
		}
		b := bytes.Clone(s.Body)
		for i := range b {
			old := b[i]
			for _, v := range [...]byte{0, 1, old + 1, old - 1, 0x7F, 0xFF} {
				b[i] = v
				decodeAgain(t, s.ID, b)
			}
			b[i] = old
		}
	}
}

// A huge count in a small body must not allocate memory.
func TestLyingCountsCostNothing(t *testing.T) {
	for id, d := range decoders {
		body := bytes.Repeat([]byte{0xFF}, 64)
		n := testing.AllocsPerRun(5, func() { d(body) })
		if n > 100 {
			t.Errorf("%v: %v allocations", id, n)
		}
	}
}
