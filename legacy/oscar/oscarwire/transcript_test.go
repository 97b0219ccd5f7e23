package oscarwire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// record is one line of a transcript of testdata/oscar.
type record struct {
	file       string
	line       int
	conn       string
	fromClient bool
	frame      Frame
}

func (r record) String() string { return fmt.Sprintf("%s:%d", filepath.Base(r.file), r.line) }

// transcripts reads every recorded session. The payloads are rebuilt byte for
// byte, without the package's encoders.
func transcripts(tb testing.TB) []record {
	tb.Helper()
	files, err := filepath.Glob("../../../testdata/oscar/*.txt")
	if err != nil || len(files) < 5 {
		tb.Fatalf("transcripts: %v %v", files, err)
	}
	var all []record
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for n := 1; sc.Scan(); n++ {
			rec, err := parseRecord(strings.Fields(sc.Text()))
			if err != nil {
				tb.Fatalf("%s:%d: %v", name, n, err)
			}
			rec.file, rec.line = name, n
			all = append(all, rec)
		}
		if err := sc.Err(); err != nil {
			tb.Fatal(err)
		}
		f.Close()
	}
	return all
}

// parseRecord reads the fields of a line:
//
//	time conn dir seq=hhhh FLAP chN [version] [tag=hex ...]
//	time conn dir seq=hhhh SNAC ffff/ssss fl=hhhh rq=hhhhhhhh len=n hex
func parseRecord(f []string) (record, error) {
	if len(f) < 6 {
		return record{}, fmt.Errorf("only %d fields", len(f))
	}
	rec := record{conn: f[1], fromClient: f[2] == "C>S"}
	seq, err := strconv.ParseUint(strings.TrimPrefix(f[3], "seq="), 16, 16)
	if err != nil {
		return rec, err
	}
	rec.frame.Seq = uint16(seq)
	if f[4] == "SNAC" {
		rec.frame.Channel = ChannelData
		rec.frame.Payload, err = parseSNACRecord(f[5:])
		return rec, err
	}
	ch, err := strconv.ParseUint(strings.TrimPrefix(f[5], "ch"), 10, 8)
	if err != nil {
		return rec, err
	}
	rec.frame.Channel = uint8(ch)
	for _, part := range f[6:] {
		tag, value, isTLV := strings.Cut(part, "=")
		b, err := hex.DecodeString(tag + value)
		if err != nil {
			return rec, err
		}
		if isTLV {
			n := len(b) - 2
			b = bytes.Join([][]byte{b[:2], {byte(n >> 8), byte(n)}, b[2:]}, nil)
		}
		rec.frame.Payload = append(rec.frame.Payload, b...)
	}
	return rec, nil
}

func parseSNACRecord(f []string) ([]byte, error) {
	head := strings.ReplaceAll(f[0], "/", "") + strings.TrimPrefix(f[1], "fl=") + strings.TrimPrefix(f[2], "rq=")
	body := ""
	if len(f) > 4 {
		body = f[4]
	}
	b, err := hex.DecodeString(head + body)
	if err != nil {
		return nil, err
	}
	if n := strings.TrimPrefix(f[3], "len="); n != strconv.Itoa(len(body)/2) {
		return nil, fmt.Errorf("%s, but %d bytes", f[3], len(body)/2)
	}
	return b, nil
}

// decoder parses a body into an Appender.
type decoder func([]byte) (Appender, error)

func dec[T Appender](f func([]byte) (T, error)) decoder {
	return func(b []byte) (Appender, error) { return f(b) }
}

func empty(b []byte) (Appender, error) {
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes in an empty body", ErrMalformed, len(b))
	}
	return Raw(nil), nil
}

// decoders contains every SNAC that the package can decode.
var decoders = map[ID]decoder{
	ServiceError:            dec(ParseSNACError),
	ServiceClientReady:      dec(ParseClientReady),
	ServiceHostFamilies:     dec(ParseFamilyList),
	ServiceRequest:          dec(ParseServiceQuery),
	ServiceRedirect:         dec(ParseRedirect),
	ServiceRateQuery:        empty,
	ServiceRateReply:        dec(ParseRateParams),
	ServiceRateAck:          dec(ParseRateClassIDs),
	ServiceRateChange:       dec(ParseRateChange),
	ServicePause:            empty,
	ServicePauseAck:         dec(ParseFamilyList),
	ServiceResume:           empty,
	ServiceSelfQuery:        empty,
	ServiceSelfInfo:         dec(ParseUserInfos),
	ServiceWarned:           dec(ParseWarned),
	ServiceIdle:             dec(ParseNumber),
	ServiceMigrate:          dec(ParseMigration),
	ServiceMOTD:             dec(ParseMOTD),
	ServicePrivacyFlags:     dec(ParseNumber),
	ServiceNoOp:             empty,
	ServiceClientVersions:   dec(ParseFamilyVersions),
	ServiceHostVersions:     dec(ParseFamilyVersions),
	ServiceSetStatus:        dec(ParseSetStatus),
	ServiceBARTReply:        dec(ParseBARTItems),
	LocationError:           dec(ParseSNACError),
	LocationRightsQuery:     empty,
	LocationRightsReply:     dec(ParseRights),
	LocationSetInfo:         dec(func(b []byte) (LocationInfo, error) { return ParseLocationInfo(b, nil) }),
	LocationQuery:           dec(ParseLocationQueryOld),
	LocationReply:           dec(func(b []byte) (LocationReplyInfo, error) { return ParseLocationReply(b, nil) }),
	LocationQuery2:          dec(ParseLocationQueryNew),
	LocationSetDir:          dec(ParseTLVs),
	LocationDirReply:        dec(ParseDirectoryInfo),
	AdminChange:             dec(ParseTLVs),
	AdminChangeReply:        dec(ParseAdminAnswer),
	AdminConfirm:            empty,
	AdminConfirmReply:       dec(ParseAdminConfirmation),
	DirectorySearch:         dec(ParseTLVs),
	DirectoryReply:          dec(ParseDirectoryAnswer),
	BuddyError:              dec(ParseSNACError),
	BuddyRightsQuery:        empty,
	BuddyRightsReply:        dec(ParseRights),
	BuddyAdd:                dec(ParseNames),
	BuddyRemove:             dec(ParseNames),
	BuddyRejected:           dec(ParseNames),
	BuddyArrived:            dec(ParseUserInfos),
	BuddyDeparted:           dec(ParseUserInfos),
	ICBMError:               dec(ParseSNACError),
	ICBMSetParams:           dec(ParseICBMParams),
	ICBMParamsQuery:         empty,
	ICBMParamsReply:         dec(ParseICBMParams),
	ICBMSend:                dec(ParseOutgoingIM),
	ICBMIncoming:            dec(ParseIncomingIM),
	ICBMMissed:              dec(ParseMissedMessages),
	ICBMClientAck:           dec(ParseClientAck),
	ICBMHostAck:             dec(ParseHostAck),
	ICBMOfflineQuery:        empty,
	ICBMTyping:              dec(ParseTyping),
	ICBMOfflineDone:         empty,
	PrivacyError:            dec(ParseSNACError),
	PrivacyRightsQuery:      empty,
	PrivacyRightsReply:      dec(ParseRights),
	PrivacySetMask:          dec(ParseNumber),
	PrivacyAddPermit:        dec(ParseNames),
	ChatNavRightsQuery:      empty,
	ChatNavCreate:           dec(ParseRoom),
	ChatNavReply:            dec(ParseNavReply),
	ChatRoomUpdate:          dec(ParseRoom),
	ChatJoined:              dec(ParseUserInfos),
	ChatLeft:                dec(ParseUserInfos),
	ChatSend:                dec(ParseChatMessage),
	ChatIncoming:            dec(ParseChatMessage),
	BARTUpload:              dec(ParseIconUpload),
	BARTUploadReply:         dec(ParseIconUploadReply),
	BARTDownload:            dec(ParseIconQuery),
	BARTDownloadReply:       dec(ParseIconReply),
	FeedbagError:            dec(ParseSNACError),
	FeedbagRightsQuery:      empty,
	FeedbagRightsReply:      dec(ParseFeedbagRights),
	FeedbagQuery:            empty,
	FeedbagQueryIfModified:  dec(ParseFeedbagStamp),
	FeedbagReply:            dec(ParseFeedbagList),
	FeedbagUse:              empty,
	FeedbagInsert:           dec(ParseFeedbagItems),
	FeedbagUpdate:           dec(ParseFeedbagItems),
	FeedbagDelete:           dec(ParseFeedbagItems),
	FeedbagAck:              dec(ParseFeedbagStatuses),
	FeedbagNotModified:      dec(ParseFeedbagStamp),
	FeedbagStart:            empty,
	FeedbagEnd:              empty,
	FeedbagPreauthorize:     dec(ParseAuthRequest),
	FeedbagPreauthorized:    dec(ParseAuthRequest),
	FeedbagRemoveMe:         dec(ParseAuthName),
	FeedbagRemoveMeReceived: dec(ParseAuthName),
	FeedbagAuthRequest:      dec(ParseAuthRequest),
	FeedbagAuthRequested:    dec(ParseAuthRequest),
	FeedbagAuthReply:        dec(ParseAuthReply),
	FeedbagAuthReplied:      dec(ParseAuthReply),
	FeedbagYouWereAdded:     dec(ParseAuthName),
	ICQError:                dec(ParseSNACError),
	ICQRequest:              dec(ParseICQData),
	ICQReply:                dec(ParseICQData),
	BUCPLogin:               dec(ParseLogin),
	BUCPLoginReply:          dec(ParseLoginReply),
	BUCPChallengeRequest:    dec(ParseChallengeRequest),
	BUCPChallenge:           dec(ParseChallenge),
}

// undecoded are the SNACs of the transcripts that the package deliberately does not
// decode: statistics and alerts.
var undecoded = map[ID]bool{StatsInterval: true, 0x0018_0006: true, 0x0018_0016: true}

// inexact returns the bodies whose second encoding is equivalent but differs in the
// order of TLVs or in omitted ones.
func inexact(rec record, s SNAC) bool {
	switch s.ID {
	case BUCPLogin: // BitLBee sends no TLV 14, and country before language
		return strings.Contains(rec.file, "bitlbee")
	}
	return false
}

func TestTranscriptBodies(t *testing.T) {
	seen := make(map[ID]int)
	for _, rec := range transcripts(t) {
		if rec.frame.Channel != ChannelData {
			continue
		}
		s, err := rec.frame.SNAC()
		if err != nil {
			t.Fatalf("%v: %v", rec, err)
		}
		if got := s.Append(nil); s.Flags&FlagExtra == 0 && !bytes.Equal(got, rec.frame.Payload) {
			t.Errorf("%v: snac\n got %x\nwant %x", rec, got, rec.frame.Payload)
		}
		d := decoders[s.ID]
		if d == nil {
			if !undecoded[s.ID] {
				t.Errorf("%v: no decoder of %v", rec, s.ID)
			}
			continue
		}
		v, err := d(s.Body)
		if err != nil {
			t.Errorf("%v: %v: %v", rec, s.ID, err)
			continue
		}
		seen[s.ID]++
		if got := v.Append(nil); !bytes.Equal(got, s.Body) && !inexact(rec, s) {
			t.Errorf("%v: %v: encoded again\n got %x\nwant %x", rec, s.ID, got, s.Body)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d kinds of snac decoded", len(seen))
	}
}

func TestTranscriptFrames(t *testing.T) {
	for _, rec := range transcripts(t) {
		b, err := AppendFLAP(nil, rec.frame.Channel, rec.frame.Seq, rec.frame.Payload)
		if err != nil {
			t.Fatal(err)
		}
		f, err := NewFrameReader(bytes.NewReader(b), 0).ReadFrame()
		if err != nil || f.Channel != rec.frame.Channel || f.Seq != rec.frame.Seq || !bytes.Equal(f.Payload, rec.frame.Payload) {
			t.Fatalf("%v: %+v, %v", rec, f, err)
		}
		switch f.Channel {
		case ChannelSignOn:
			v, err := ParseSignOn(f.Payload)
			if err != nil || v.Version != FLAPVersion {
				t.Fatalf("%v: %+v, %v", rec, v, err)
			}
			if got := v.Append(nil); !bytes.Equal(got, f.Payload) {
				t.Errorf("%v: sign-on\n got %x\nwant %x", rec, got, f.Payload)
			}
			if r, ok := v.Roasted(); ok && !bytes.Equal(r.Append(nil), f.Payload) {
				t.Errorf("%v: roasted sign-on\n got %x\nwant %x", rec, r.Append(nil), f.Payload)
			}
		case ChannelSignOff:
			if len(f.Payload) == 0 {
				continue
			}
			p, err := ParseLoginReply(f.Payload)
			if err != nil || !bytes.Equal(p.Append(nil), f.Payload) {
				t.Errorf("%v: login reply %+v, %v\n got %x\nwant %x", rec, p, err, p.Append(nil), f.Payload)
			}
		}
	}
}
