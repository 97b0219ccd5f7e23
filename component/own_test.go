package component_test

import (
	"crypto/sha1" //nolint:gosec // what XEP-0153 prescribes
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// settings changes switches of a user's by the command.
func (w *world) settings(from string, fields ...string) {
	w.t.Helper()
	form := w.run(from, "options", "", "")
	done := w.run(from, "options", " sessionid='"+form.Attr("sessionid")+"'", submit(fields...))
	if done.Attr("status") != "completed" {
		w.t.Fatalf("the settings: %s", done)
	}
}

// tellVCard answers the gateway's question for alice's vCard.
func (w *world) tellVCard(card string) {
	w.t.Helper()
	q := w.Expect("<iq type='get' from='" + gw + "' to='" + alice + "'><vCard xmlns='vcard-temp'/></iq>")
	w.Send("<iq type='result' from='" + alice + "' to='" + gw + "' id='" + q.Attr("id") + "'><vCard xmlns='vcard-temp'>" + card + "</vCard></iq>")
	w.settle()
}

func photo(image string) string {
	if image == "" {
		return ""
	}
	return "<PHOTO><TYPE>image/png</TYPE><BINVAL>\n" + base64.StdEncoding.EncodeToString([]byte(image)) + "\n</BINVAL></PHOTO>"
}

func photoHash(image string) string {
	sum := sha1.Sum([]byte(image)) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// Nothing of the user's vCard is asked for unless the user wants that.
func TestOwnVCardUnwanted(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.Send("<presence from='" + phone + "' to='" + gw + "'><x xmlns='vcard-temp:x:update'><photo>" + photoHash("x") + "</photo></x></presence>")
		w.settle()
		for _, e := range w.Take() {
			if strings.Contains(e.String(), "vcard-temp'/>") {
				t.Errorf("asked: %s", e)
			}
		}
		legacytest.Refute[legacytest.SetAvatar](t, h)
		legacytest.Refute[legacytest.SetProfile](t, h)
	})
}

// XEP-0153 §4.3: the picture follows the hash in the user's presence
func TestOwnAvatar(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.settings(phone, "send-avatar", "1")
		w.tellVCard("<FN>Alice</FN>" + photo("one"))
		if got := legacytest.Expect[legacytest.SetAvatar](t, h); string(got.Image) != "one" {
			t.Errorf("shown %q", got.Image)
		}
		shows := func(hash string) {
			w.Send("<presence from='" + phone + "' to='" + gw + "'><x xmlns='vcard-temp:x:update'><photo>" + hash + "</photo></x></presence>")
			w.settle()
		}
		shows(photoHash("one")) // known
		w.Send("<presence from='" + phone + "' to='" + gw + "'><x xmlns='vcard-temp:x:update'/></presence>")
		w.settle()
		for _, e := range w.Take() {
			if e.Name == "iq" {
				t.Errorf("asked again: %s", e)
			}
		}
		shows(photoHash("two"))
		w.tellVCard(photo("two"))
		if got := legacytest.Expect[legacytest.SetAvatar](t, h); string(got.Image) != "two" {
			t.Errorf("shown %q", got.Image)
		}
		shows("")
		w.tellVCard("")
		if got := legacytest.Expect[legacytest.SetAvatar](t, h); got.Image != nil {
			t.Errorf("shown %q", got.Image)
		}
		shows(photoHash("three")) // and the server does not answer well
		q := w.Expect("<iq type='get' to='" + alice + "'><vCard xmlns='vcard-temp'/></iq>")
		w.Send("<iq type='error' from='" + alice + "' to='" + gw + "' id='" + q.Attr("id") + "'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
		w.settle()
		shows(photoHash("four"))
		w.tellVCard("<PHOTO><BINVAL>no base64!</BINVAL></PHOTO>")
		legacytest.Refute[legacytest.SetAvatar](t, h)
		legacytest.Refute[legacytest.SetProfile](t, h)

		h.End(legacy.Errorf(legacy.Temporary, "Gone.")) // the next session is told anew
		w.tellVCard(photo("two"))
		if got := legacytest.Expect[legacytest.SetAvatar](t, h); string(got.Image) != "two" {
			t.Errorf("shown %q", got.Image)
		}
	})
}

// XEP-0054 §3: what the vCard says
func TestOwnProfile(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.settings(phone, "send-profile", "1")
		w.tellVCard(photo("not wanted") + "<FN>Alice Liddell</FN><N><GIVEN>Alice</GIVEN><FAMILY>Liddell</FAMILY></N><NICKNAME> Ally </NICKNAME>" +
			"<BDAY>1852-05-04</BDAY><EMAIL><INTERNET/><USERID>alice@example.net</USERID></EMAIL><TEL><HOME/><NUMBER>1</NUMBER></TEL>" +
			"<TEL><CELL/><NUMBER>2</NUMBER></TEL><ADR><LOCALITY>Oxford</LOCALITY><REGION>Oxon</REGION><CTRY>UK</CTRY></ADR>" +
			"<URL>http://example.net/</URL><ORG><ORGNAME>Christ Church</ORGNAME></ORG><TITLE>Muse</TITLE><DESC>" + strings.Repeat("x", 5000) + "</DESC>")
		want := legacy.Profile{FullName: "Alice Liddell", First: "Alice", Last: "Liddell", Nick: "Ally", Birthday: "1852-05-04",
			Emails: []string{"alice@example.net"}, Phone: "1", Mobile: "2", City: "Oxford", State: "Oxon", Country: "UK",
			Homepage: "http://example.net/", Organization: "Christ Church", Title: "Muse"}
		if got := legacytest.Expect[legacytest.SetProfile](t, h).Profile; !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		legacytest.Refute[legacytest.SetAvatar](t, h)
	})
}
