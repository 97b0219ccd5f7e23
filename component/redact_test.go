package component_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

const (
	nsRetract  = "urn:xmpp:message-retract:1"
	nsModerate = "urn:xmpp:message-moderate:1"
)

// XEP-0424, XEP-0425: messages that are taken back, by the user and by others
func TestRedaction(t *testing.T) {
	asked := make(chan string, 1000)
	stage(t, setup{network: newCity(asked), echo: silence, config: keeping, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{MessageTags: true, Redacts: true, Occupants: []legacy.Occupant{{Nick: "bob"}, {Nick: "zoe"}}})
		info, _ := w.ask("get", phone, club, "i", "<query xmlns='"+nsInfo+"'/>")
		if info == nil { // the settings are asked for
			w.emit(h, legacy.RoomConfigReceived{Ref: w.hear(asked, "config * #club")})
			info = w.Expect("<iq id='i'/>")
		}
		if !hasFeature(info, nsRetract) || !hasFeature(info, nsModerate) {
			t.Errorf("it is not announced: %s", info)
		}
		for _, id := range []string{"id1", "id2", "id3"} {
			w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "said " + id, ID: id})
		}
		w.Take()
		// XEP-0424 §3: by whoever has said it
		w.emit(h, legacy.RoomRedaction{Room: clubPeer, Nick: "bob", ID: "id1"})
		m := w.Next("<message type='groupchat' from='" + club + "/bob' to='" + phone + "'><body/><retract xmlns='" + nsRetract + "' id='id1'/><occupant-id xmlns='" + nsOccupant + "'/><fallback xmlns='" + nsFallback + "' for='" + nsRetract + "'/></message>")
		if strings.Contains(m.String(), "moderated") {
			t.Errorf("it is taken for a moderator's: %s", m)
		}
		// XEP-0425 §3: by a moderator, or by the network
		w.emit(h, legacy.RoomRedaction{Room: clubPeer, Nick: "zoe", ID: "id2", Reason: "rude"}, legacy.RoomRedaction{Room: clubPeer, ID: "unknown"})
		w.Next("<message type='groupchat' from='" + club + "' to='" + phone + "'><body/><retract xmlns='" + nsRetract + "' id='id2'><moderated xmlns='" + nsModerate + "' by='" + club + "/zoe'><occupant-id xmlns='" + nsOccupant + "'/></moderated><reason>rude</reason></retract></message>")
		w.Next("<message type='groupchat' from='" + club + "' to='" + phone + "'><body/><retract xmlns='" + nsRetract + "' id='unknown'><moderated xmlns='" + nsModerate + "'/></retract></message>")
		if p := w.archive(phone, mamQuery("", "")); p.allText != "said id3" {
			t.Errorf("the archive still has %q", p.allText)
		}
		w.Send("<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		w.settle()
		for _, e := range w.Take() {
			if body := e.ChildText("", "body"); body != "" && body != "said id3" {
				t.Errorf("the history still has %q", body)
			}
		}
		// The user's own, and as a moderator
		w.groupchat(phone, "r1", "<retract xmlns='"+nsRetract+"' id='id3'/><body>I took it back</body>")
		w.emit(h, legacy.Done{Ref: w.hear(asked, `redact * #club id3 ""`), Err: legacy.Errorf(legacy.Forbidden, "not yours")})
		isError(t, w.Next("<message type='error' from='"+club+"' to='"+phone+"' id='r1'/>"), "forbidden", "auth", "")
		w.groupchat(phone, "r2", "<retract xmlns='"+nsRetract+"' id='id3'/>")
		w.emit(h, legacy.Done{Ref: w.hear(asked, `redact * #club id3 ""`)})
		w.groupchat(phone, "r3", "<retract xmlns='"+nsRetract+"'/>")
		isError(t, w.Next("<message type='error' id='r3'/>"), "bad-request", "modify", "")
		w.groupchat(phone, "r4", "<retract xmlns='"+nsRetract+"' id='id4'/>") // never answered
		w.hear(asked, `redact * #club id4 ""`)
		w.pass(time.Minute)
		isError(t, w.Next("<message type='error' id='r4'/>"), "remote-server-timeout", "wait", "")
		moderate := "<moderate xmlns='" + nsModerate + "' id='id3'><retract xmlns='" + nsRetract + "'/><reason>rude</reason></moderate>"
		for err, want := range map[error]string{nil: "result", legacy.Errorf(legacy.Forbidden, "no operator"): "error"} {
			w.ask("set", phone, club, "m", moderate)
			w.emit(h, legacy.Done{Ref: w.hear(asked, `redact * #club id3 "rude"`), Err: err})
			w.Next("<iq type='" + want + "' id='m' from='" + club + "'/>")
		}
		answer, _ := w.ask("set", phone, club, "m", "<moderate xmlns='"+nsModerate+"' id='id3'/>")
		isError(t, answer, "bad-request", "modify", "")
		// The user's own are reflected as the client knows them that has sent them, without
		// words beside them; the network knows the message by its own id.
		for i, retraction := range []string{
			"<retract xmlns='" + nsRetract + "' id='%s'/><body>I took it back</body><fallback xmlns='" + nsFallback + "' for='" + nsRetract + "'/>",
			"<apply-to xmlns='urn:xmpp:fasten:0' id='%s'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to><body>I took it back</body>",
		} {
			id, own := fmt.Sprint("own", i), fmt.Sprint("net", i)
			h.Stall()
			w.groupchat(phone, id, "<body>oops</body>")
			for ref := range 50 { // whichever it is
				h.Emit(legacy.MessageSent{Ref: strconv.FormatInt(int64(ref), 36), ID: own})
			}
			h.Resume()
			w.settle()
			w.Take()
			w.groupchat(phone, "r"+id, fmt.Sprintf(retraction, id))
			ref := w.hear(asked, "redact * #club "+own+` ""`)
			w.emit(h, legacy.RoomRedaction{Room: clubPeer, Nick: "alice", ID: own}, legacy.Done{Ref: ref})
			pattern, _, _ := strings.Cut(fmt.Sprintf(retraction, id), "<body>")
			for range 2 {
				got := w.Next("<message type='groupchat' from='" + club + "/alice' id='r" + id + "'>" + pattern + "</message>")
				if got.Child(nsComponent, "body") != nil || got.Child(nsFallback, "fallback") != nil {
					t.Errorf("reflected %s", got)
				}
			}
			w.Quiet()
		}
		if p := w.archive(phone, mamQuery("", "")); strings.Contains(p.allText, "oops") {
			t.Errorf("the archive still has %q", p.allText)
		}
		// Where the network cannot, the room is told so in a line of text, and the user's
		// clients get a retraction.
		w.emit(h, legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}}})
		w.Take()
		answer, _ = w.ask("set", phone, club, "m", moderate)
		isError(t, answer, "service-unavailable", "cancel", "")
		w.groupchat(phone, "r5", "<retract xmlns='"+nsRetract+"' id='id3'/><body>I took it back</body>")
		isError(t, w.Next("<message type='error' from='"+club+"' id='r5'/>"), "forbidden", "auth", "") // bob's
		w.groupchat(phone, "r6", "<retract xmlns='"+nsRetract+"' id='unknown'/><body>I took it back</body>")
		got := w.Next("<message type='groupchat' from='" + club + "/alice' id='r6'><retract xmlns='" + nsRetract + "' id='unknown'/></message>")
		if got.Child(nsComponent, "body") != nil {
			t.Errorf("reflected %s", got)
		}
		w.nothingAsked(asked)
	})
}
