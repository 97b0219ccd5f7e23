package oscarwire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestFeedbagItem(t *testing.T) {
	i := FeedbagItem{Name: "100002", GroupID: 1, ItemID: 2, TLVs: TLVs{
		{Tag: TagFeedbagAwaitAuth}, TLVText(TagFeedbagAlias, "B\u00f6b"),
	}}
	l, err := ParseFeedbagItems(FeedbagItems{i, {GroupID: 1, Class: FeedbagGroup, Name: "Friends"}}.Append(nil))
	if err != nil || len(l) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	if !l[0].AwaitsAuth() || l[0].Alias(nil) != "B\u00f6b" || l[1].AwaitsAuth() || l[1].Alias(nil) != "" {
		t.Errorf("%+v", l)
	}
	g := l[1].Clone()
	g.SetOrder([]uint16{2, 0x103})
	if !slices.Equal(g.Order(), []uint16{2, 0x103}) || len(l[1].Order()) != 0 {
		t.Errorf("order %v", g.Order())
	}
	c := l[0].Clone()
	c.TLVs[1].Value[0] = 'X'
	if l[0].Alias(nil) != "B\u00f6b" {
		t.Error("Clone shares memory")
	}
}

func TestFeedbagRights(t *testing.T) {
	for _, rec := range transcripts(t) {
		if s, err := rec.frame.SNAC(); err == nil && s.ID == FeedbagRightsReply {
			p, err := ParseFeedbagRights(s.Body)
			buddies, _ := p.Max(FeedbagBuddy)
			groups, _ := p.Max(FeedbagGroup)
			if err != nil || buddies != 61 || groups != 61 || second(p.Max(0x1000)) {
				t.Fatalf("%v: %d %d, %v", rec, buddies, groups, err)
			}
			break
		}
	}
	p := NewFeedbagRights([]uint16{1000, 61})
	if n, ok := p.Max(FeedbagGroup); n != 61 || !ok || second(p.Max(2)) {
		t.Error("NewFeedbagRights")
	}
	r := Rights{TLVs{TLV16(TagBuddyMaxBuddies, 1000)}}
	if n, ok := r.Limit(TagBuddyMaxBuddies); n != 1000 || !ok || second(r.Limit(9)) {
		t.Error("Rights.Limit")
	}
}

func TestFeedbagListParts(t *testing.T) {
	full := FeedbagList{Items: FeedbagItems{{Name: "a"}, {Name: "b"}}, Modified: 77}.Append(nil)
	lying := slices.Clone(full)
	lying[2] = 9 // nine items claimed
	p, err := ParseFeedbagList(lying)
	if !errors.Is(err, ErrShort) || len(p.Items) != 2 {
		t.Errorf("lying count: %+v, %v", p, err)
	}
	lying[1], lying[2] = 0xFF, 0xFF
	if p, err := ParseFeedbagList(lying); err == nil || cap(p.Items) > 4 {
		t.Errorf("%d allocated", cap(p.Items))
	}
	if p, err := ParseFeedbagList(full[:12]); !errors.Is(err, ErrShort) || len(p.Items) != 0 {
		t.Errorf("cut: %+v, %v", p, err)
	}
}

func TestAuthorization(t *testing.T) {
	for _, c := range []struct {
		v    Appender
		id   ID
		want string
	}{
		{AuthRequest{Name: "bob", Reason: "hi"}, FeedbagAuthRequest, "03626f62" + "00026869" + "0000"},
		{AuthReply{Name: "bob", Granted: true}, FeedbagAuthReply, "03626f62" + "01" + "0000"},
		{AuthReply{Name: "bob", Reason: "no"}, FeedbagAuthReplied, "03626f62" + "00" + "00026e6f"},
		{AuthName{Name: "bob"}, FeedbagRemoveMe, "03626f62"},
		{AuthName{Name: "bob", Rest: []byte{0, 0}}, FeedbagYouWereAdded, "03626f62" + "0000"},
		{FeedbagStamp{1, 2}, FeedbagQueryIfModified, "00000001" + "0002"},
		{FeedbagStatuses{FeedbagOK, FeedbagNeedsAuth}, FeedbagAck, "0000" + "000e"},
	} {
		b := c.v.Append(nil)
		if got := hex.EncodeToString(b); got != c.want {
			t.Errorf("%v: %T\n got %s\nwant %s", c.id, c.v, got, c.want)
		}
		checkCuts(t, c.id, b)
	}
	m, err := ParseAuthReply([]byte("\x03bob\x01\x00\x00"))
	if err != nil || !m.Granted || m.Rest != nil {
		t.Errorf("reply without trailing bytes: %+v, %v", m, err)
	}
}

func TestMetaTranscripts(t *testing.T) {
	commands := make(map[ICQCommand]int)
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil || s.ID != ICQRequest && s.ID != ICQReply {
			continue
		}
		d, err := ParseICQData(s.Body)
		if err != nil {
			t.Fatalf("%v: %v", rec, err)
		}
		commands[d.Command]++
		switch d.Command {
		case ICQMetaRequest:
			sub, args, err := d.MetaRequest()
			if err != nil || !bytes.Equal(NewMetaRequest(d.UIN, d.Sequence, sub, args).Append(nil), s.Body) {
				t.Errorf("%v: %04x, %v", rec, sub, err)
			}
			if uin, err := ParseMetaUIN(sub, args); sub == MetaShortInfo && (err != nil || uin != 100004) {
				t.Errorf("%v: %d, %v", rec, uin, err)
			}
		case ICQMetaReply:
			m, err := d.MetaReply()
			if err != nil || m.Subtype != MetaShortReply || !m.OK() {
				t.Fatalf("%v: %+v, %v", rec, m, err)
			}
			if u, err := m.ShortInfo(); err != nil || len(u.Nick) != 0 {
				t.Errorf("%v: %+v, %v", rec, u, err)
			}
			if !bytes.Equal(m.Wrap(d.UIN, d.Sequence).Append(nil), s.Body) {
				t.Errorf("%v: encoded again %x", rec, m.Wrap(d.UIN, d.Sequence).Append(nil))
			}
		}
	}
	for _, c := range []ICQCommand{ICQOfflineQuery, ICQOfflineDelete, ICQOfflineDone, ICQMetaRequest, ICQMetaReply} {
		if commands[c] == 0 {
			t.Errorf("no command %04x in the transcripts", uint16(c))
		}
	}
}

func TestMetaUsers(t *testing.T) {
	u := MetaUser{
		UIN: 100002, Nick: []byte("bob"), First: []byte("B"), Email: []byte("b@x"), OpenAuth: true, Status: 1, Gender: 2, Age: 33,
	}
	d := NewSearchRow(u, true, 7).Wrap(100001, 5)
	d, err := ParseICQData(d.Append(nil))
	if err != nil || d.UIN != 100001 || d.Sequence != 5 {
		t.Fatalf("%+v, %v", d, err)
	}
	m, err := d.MetaReply()
	if err != nil || m.Subtype != MetaSearchLast {
		t.Fatalf("%+v, %v", m, err)
	}
	got, left, err := m.SearchRow()
	if err != nil || left != 7 || got.UIN != u.UIN || string(got.Nick) != "bob" || string(got.Email) != "b@x" ||
		!got.OpenAuth || got.Status != 1 || got.Gender != 2 || got.Age != 33 {
		t.Errorf("%+v, %d, %v", got, left, err)
	}
	if m := NewSearchRow(u, false, 7); m.Subtype != MetaSearchRow {
		t.Errorf("%+v", m)
	} else if _, left, err := m.SearchRow(); left != 0 || err != nil {
		t.Errorf("%d, %v", left, err)
	}
	short, err := NewShortInfo(u).ShortInfo()
	if err != nil || string(short.First) != "B" || !short.OpenAuth || short.Gender != 2 {
		t.Errorf("%+v, %v", short, err)
	}
	short0 := slices.Clone(m.Data)
	short0[0] -= 4 // a size without the UIN
	if got, left, err := (MetaReply{MetaSearchLast, MetaOK, short0}).SearchRow(); err != nil || left != 7 || got.Age != 33 {
		t.Errorf("short size: %+v, %d, %v", got, left, err)
	}
	longer := slices.Insert(slices.Clone(m.Data), len(m.Data)-4, 1, 2)
	longer[0] += 2 // two bytes more in the row
	if got, left, err := (MetaReply{MetaSearchLast, MetaOK, longer}).SearchRow(); err != nil || left != 7 || got.Age != 33 {
		t.Errorf("longer row: %+v, %d, %v", got, left, err)
	}
	for n := range m.Data {
		if _, _, err := (MetaReply{MetaSearchLast, MetaOK, m.Data[:n]}).SearchRow(); err == nil && n < len(m.Data)-4 {
			t.Errorf("row cut to %d bytes: no error", n)
		}
	}
}

func TestMetaUIN(t *testing.T) {
	for _, c := range []struct {
		s    MetaSubtype
		args []byte
	}{
		{MetaShortInfo, MetaUINArgs(100002)},
		{MetaSearchUIN, MetaUINArgs(100002)},
		{MetaSearchUINTLV, MetaUINTLVArgs(100002)},
		{MetaSearchUINTLV, append([]byte{1, 0, 2, 0, 9, 9}, MetaUINTLVArgs(100002)...)},
	} {
		if uin, err := ParseMetaUIN(c.s, c.args); err != nil || uin != 100002 {
			t.Errorf("%04x %x: %d, %v", c.s, c.args, uin, err)
		}
		if _, err := ParseMetaUIN(c.s, c.args[:len(c.args)-1]); !errors.Is(err, ErrShort) {
			t.Errorf("%04x cut: %v", c.s, err)
		}
	}
	if _, err := ParseMetaUIN(MetaSearchUINTLV, nil); !errors.Is(err, ErrShort) {
		t.Errorf("%v", err)
	}
}

func TestOldOffline(t *testing.T) {
	m := OldOffline{100002, time.Date(2004, 2, 29, 23, 59, 0, 0, time.UTC), MessagePlain, MessageFlagNormal, []byte("late")}
	d, err := ParseICQData(NewOldOffline(100001, 3, m).Append(nil))
	if err != nil || d.Command != ICQOfflineMessage {
		t.Fatalf("%+v, %v", d, err)
	}
	got, err := d.OldOffline()
	if err != nil || got.From != m.From || !got.Sent.Equal(m.Sent) || got.Type != m.Type || string(got.Text) != "late" {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range d.Data {
		if _, err := (ICQData{Data: d.Data[:n]}).OldOffline(); !errors.Is(err, ErrShort) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := ParseICQData(nil); !errors.Is(err, ErrMissing) {
		t.Errorf("%v", err)
	}
}

func TestChat(t *testing.T) {
	texts := make(map[string]int)
	for _, rec := range transcripts(t) {
		s, err := rec.frame.SNAC()
		if err != nil {
			continue
		}
		switch s.ID {
		case ChatSend, ChatIncoming:
			m, _ := ParseChatMessage(s.Body)
			text, err := m.Text(nil)
			if u, ok := m.Sender(); err != nil || ok != (s.ID == ChatIncoming) || ok && u.Name == "" {
				t.Errorf("%v: %+v, %v", rec, u, err)
			}
			texts[text]++
			var from *UserInfo
			if u, ok := m.Sender(); ok {
				from = &u
			}
			// Clients differ in the charset's capitals and in TLV order only.
			if again := NewChatMessage(m.Cookie, text, Encoder{}, from).Append(nil); !bytes.Equal(again, s.Body) {
				t.Errorf("%v: built again\n got %x\nwant %x", rec, again, s.Body)
			}
		case ChatNavReply:
			p, _ := ParseNavReply(s.Body)
			if m, err := p.Room(); err == nil {
				if m.Title(nil) != "testroom" || m.Exchange != 4 || !bytes.Equal(NewNavRoom(m).Append(nil), s.Body) {
					t.Errorf("%v: %+v", rec, m)
				}
			} else if !errors.Is(err, ErrMissing) {
				t.Errorf("%v: %v", rec, err)
			}
		case ChatNavCreate:
			if got := NewRoomCreate(4, "testroom").Append(nil); !bytes.Equal(got, s.Body) {
				t.Errorf("%v\n got %x\nwant %x", rec, got, s.Body)
			}
		}
	}
	if texts["hello room"] != 3 || texts["hi back \u2603"] != 3 {
		t.Errorf("%v", texts)
	}
	sender := UserInfo{Name: "bob"}
	for _, c := range []struct {
		enc  Encoder
		from *UserInfo
	}{{Encoder{}, nil}, {Encoder{Latin1: true}, &sender}, {Encoder{UTF16: true}, &sender}} {
		m, err := ParseChatMessage(NewChatMessage(Cookie{1}, "h\u00e9", c.enc, c.from).Append(nil))
		text, err2 := m.Text(nil)
		if u, ok := m.Sender(); err != nil || err2 != nil || text != "h\u00e9" || ok != (c.from != nil) || ok && u.Name != "bob" {
			t.Errorf("%+v: %q, %v, %v", c, text, err, err2)
		}
	}
}
