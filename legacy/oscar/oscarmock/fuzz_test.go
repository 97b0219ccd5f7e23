package oscarmock_test

import (
	"net"
	"testing"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// handled are SNACs that the network answers, each with a valid body.
var handled = map[oscarwire.ID]oscarwire.Appender{
	oscarwire.ServiceClientReady:     oscarwire.ClientReady{{Family: 1, Version: 4}},
	oscarwire.ServiceRequest:         oscarwire.ServiceQuery{Family: 0x10},
	oscarwire.ServiceRateQuery:       nil,
	oscarwire.ServiceRateAck:         oscarwire.RateClassIDs{1, 3},
	oscarwire.ServicePauseAck:        oscarwire.FamilyList{1, 2},
	oscarwire.ServiceSelfQuery:       nil,
	oscarwire.ServiceIdle:            oscarwire.Number(60),
	oscarwire.ServicePrivacyFlags:    oscarwire.Number(3),
	oscarwire.ServiceClientVersions:  oscarwire.FamilyVersions{{Family: 1, Version: 4}},
	oscarwire.ServiceSetStatus:       oscarwire.SetStatus{BART: oscarwire.BARTItems{oscarwire.NewStatusText("text")}},
	oscarwire.LocationRightsQuery:    nil,
	oscarwire.LocationSetInfo:        oscarwire.LocationInfo{Caps: []oscarwire.GUID{oscarwire.CapChat}},
	oscarwire.LocationQuery:          oscarwire.LocationQueryOld{Type: 1, Name: bob},
	oscarwire.LocationQuery2:         oscarwire.LocationQueryNew{Flags: 7, Name: bob},
	oscarwire.BuddyRightsQuery:       nil,
	oscarwire.BuddyAdd:               oscarwire.Names{bob, carol},
	oscarwire.BuddyRemove:            oscarwire.Names{bob},
	oscarwire.BuddyAddTemp:           oscarwire.Names{bob},
	oscarwire.BuddyRemoveTemp:        oscarwire.Names{bob},
	oscarwire.ICBMParamsQuery:        nil,
	oscarwire.ICBMSetParams:          oscarwire.ICBMParams{Flags: oscarwire.ICBMDefaultFlags},
	oscarwire.ICBMResetParams:        nil,
	oscarwire.ICBMSend:               oscarwire.NewOutgoingText(oscarwire.Cookie{1}, bob, oscarwire.NewIMText("grüße", oscarwire.Encoder{}, nil), oscarwire.IMRequestAck|oscarwire.IMStore),
	oscarwire.ICBMClientAck:          oscarwire.ClientAck{Channel: 2, Name: bob, Reason: 3, Data: []byte{1}},
	oscarwire.ICBMTyping:             oscarwire.Typing{Channel: 1, Name: bob, Event: 2},
	oscarwire.ICBMOfflineQuery:       nil,
	oscarwire.PrivacyRightsQuery:     nil,
	oscarwire.PrivacyAddPermit:       oscarwire.Names{alice, bob},
	oscarwire.PrivacyRemovePermit:    oscarwire.Names{alice, bob},
	oscarwire.PrivacyAddDeny:         oscarwire.Names{carol},
	oscarwire.PrivacyRemoveDeny:      oscarwire.Names{carol},
	oscarwire.LookupByEmail:          oscarwire.Raw("bob@example.net"),
	oscarwire.StatsReport:            oscarwire.Raw{0, 0},
	oscarwire.FeedbagRightsQuery:     nil,
	oscarwire.FeedbagQuery:           nil,
	oscarwire.FeedbagQueryIfModified: oscarwire.FeedbagStamp{Modified: 1, Count: 2},
	oscarwire.FeedbagUse:             nil,
	oscarwire.FeedbagInsert:          oscarwire.FeedbagItems{friends, buddy(1, bob)},
	oscarwire.FeedbagUpdate:          oscarwire.FeedbagItems{friends, buddy(1, bob)},
	oscarwire.FeedbagDelete:          oscarwire.FeedbagItems{buddy(1, bob)},
	oscarwire.FeedbagStart:           nil,
	oscarwire.FeedbagEnd:             nil,
	oscarwire.FeedbagPreauthorize:    oscarwire.AuthRequest{Name: bob, Reason: "x"},
	oscarwire.FeedbagAuthRequest:     oscarwire.AuthRequest{Name: bob, Reason: "x"},
	oscarwire.FeedbagAuthReply:       oscarwire.AuthReply{Name: bob, Granted: true, Reason: "x"},
	oscarwire.FeedbagRemoveMe:        oscarwire.AuthName{Name: bob},
	oscarwire.ICQRequest:             oscarwire.NewMetaRequest(100001, 1, oscarwire.MetaFullInfo, oscarwire.MetaUINArgs(100002)),
	oscarwire.LocationSetDir:         oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagDirFirst, "Alice")},
	oscarwire.LocationDirQuery:       oscarwire.Names{bob},
	oscarwire.MakeID(0x7777, 2):      oscarwire.Raw("unknown"),
}

// moreBodies are further bodies for SNACs with several forms.
var moreBodies = map[oscarwire.ID][]oscarwire.Appender{
	oscarwire.ICQRequest: {
		oscarwire.ICQData{UIN: 100001, Command: oscarwire.ICQOfflineQuery},
		oscarwire.ICQData{UIN: 100001, Command: oscarwire.ICQOfflineDelete},
		oscarwire.NewMetaRequest(100001, 1, oscarwire.MetaShortInfo, oscarwire.MetaUINArgs(100002)),
		oscarwire.NewMetaRequest(100001, 1, oscarwire.MetaSearchUINTLV, oscarwire.MetaUINTLVArgs(100002)),
		oscarwire.NewMetaRequest(100001, 1, oscarwire.MetaSearchWhiteTLV, oscarwire.MetaTextTLVArgs([]uint16{oscarwire.TagMetaNick}, [][]byte{[]byte("Bob")})),
	},
	oscarwire.ICBMSend: {
		oscarwire.NewOutgoingICQ(oscarwire.Cookie{}, bob, oscarwire.ICQMessage{UIN: 100001, Type: oscarwire.MessagePlain, Text: []byte("x")}, oscarwire.IMStore),
		oscarwire.NewOutgoingICQ(oscarwire.Cookie{}, "300001", oscarwire.ICQMessage{UIN: 100001, Type: oscarwire.MessagePlain, Text: []byte("x")}, 0),
		oscarwire.NewOutgoingText(oscarwire.Cookie{}, "300001", oscarwire.NewIMText("<b>ж", oscarwire.Encoder{}, nil), 0),
	},
}

func bodies() map[oscarwire.ID][][]byte {
	all := make(map[oscarwire.ID][][]byte)
	for id, body := range handled {
		for _, b := range append(moreBodies[id], body) {
			var raw []byte
			if b != nil {
				raw = b.Append(nil)
			}
			all[id] = append(all[id], raw)
		}
	}
	return all
}

// TestMalformed truncates, extends and changes the body of every SNAC that the network
// answers: at worst it answers with an error, and the session continues.
func TestMalformed(t *testing.T) {
	n := start(t, oscarmock.Options{})
	n.Bot("300001", oscarmock.BotOptions{}).SignOn()
	signOn(t, n, bob)
	for id, all := range bodies() {
		t.Run(id.String(), func(t *testing.T) {
			c := signOn(t, n, alice)
			go discard(c.nc) // drop the answers
			for _, body := range all {
				for cut := range len(body) {
					c.send(id, oscarwire.Raw(body[:cut]))
					garbled := append([]byte{}, body...)
					garbled[cut] ^= 0xFF
					c.send(id, oscarwire.Raw(garbled))
				}
				c.send(id, oscarwire.Raw(append(append([]byte{}, body...), body...)))
			}
			c.send(id, oscarwire.Raw(make([]byte, 100)))
			c.write(oscarwire.ChannelKeepAlive, nil)
			c.write(oscarwire.ChannelError, oscarwire.Raw{0})
			c.send(oscarwire.ServiceNoOp, nil)
			if err := n.WaitSNAC(within(t), alice, oscarwire.ServiceNoOp, 1); err != nil {
				t.Error(err)
			}
			c.nc.Close()
			if err := n.WaitSignedOff(within(t), alice); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBadFrames sends frames after which the stream is unusable.
func TestBadFrames(t *testing.T) {
	n := start(t, oscarmock.Options{})
	for what, b := range map[string][]byte{
		"marker": []byte("GET / HTTP/1.1\r\n\r\n"),
		"length": {0x2A, 2, 0, 1, 0xFF, 0xFF, 1, 2},
		"snac":   {0x2A, 2, 0, 1, 0, 3, 1, 2, 3},
	} {
		t.Run(what, func(t *testing.T) {
			c := dial(t, n.Addr())
			if _, err := c.nc.Write(b); err != nil {
				t.Fatal(err)
			}
			c.end()
			c = signOn(t, n, alice)
			if _, err := c.nc.Write(b); err != nil {
				t.Fatal(err)
			}
			c.end()
		})
	}
}

// FuzzConnection feeds a connection, signed on or not, with any input. Without a panic,
// it ends when the client does.
func FuzzConnection(f *testing.F) {
	frame := func(id oscarwire.ID, body []byte) []byte {
		b, err := oscarwire.AppendFLAP(nil, oscarwire.ChannelData, 1, oscarwire.SNAC{Header: oscarwire.Header{ID: id, RequestID: 1}, Body: body}.Append(nil))
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	for id, all := range bodies() {
		for _, body := range all {
			f.Add(true, frame(id, body))
		}
	}
	f.Add(false, frame(oscarwire.BUCPChallengeRequest, oscarwire.ChallengeRequest{ScreenName: alice}.Append(nil)))
	f.Add(false, frame(oscarwire.BUCPLogin, oscarwire.Login{ScreenName: alice, Hash: make([]byte, 16)}.Append(nil)))
	f.Add(false, []byte("*\x01\x00\x01\x00\x04\x00\x00\x00\x01"))
	n := oscarmock.New(oscarmock.Options{ExtraHeaders: true, SplitList: 1})
	f.Cleanup(n.Close)
	n.Bot(bob, oscarmock.BotOptions{Reply: func(_, text string) string { return text }}).SignOn()
	n.AddAccount(oscarmock.Account{Name: alice, Password: password})
	pipe := func(t *testing.T) *client {
		ours, theirs := net.Pipe()
		n.Serve(theirs)
		c := newClient(t, ours)
		c.read()
		return c
	}
	f.Fuzz(func(t *testing.T, signedOn bool, data []byte) {
		c := pipe(t)
		if signedOn {
			c.write(oscarwire.ChannelSignOn, oscarwire.RoastedSignOn{ScreenName: alice, Password: []byte(password)})
			r, err := oscarwire.ParseLoginReply(c.read().Payload)
			if err != nil {
				t.Fatal(err)
			}
			c = pipe(t)
			c.write(oscarwire.ChannelSignOn, oscarwire.CookieSignOn(r.Cookie, 0))
			c.complete()
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			discard(c.nc)
		}()
		_, _ = c.nc.Write(data) // the network may already have closed it
		c.nc.Close()
		<-read
		if err := n.WaitSignedOff(within(t), alice); err != nil {
			t.Error(err)
		}
	})
}
