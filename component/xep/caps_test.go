package xep

import (
	"crypto/sha1"
	"encoding/xml"
	"testing"
	"unicode/utf8"

	"mellium.im/xmpp/disco"

	"transport/component/element"
)

// bombus is the simple example of XEP-0390 §4.5.
const bombus = `<query xmlns="http://jabber.org/protocol/disco#info">
<identity category="client" name="BombusMod" type="mobile"/>
<feature var="http://jabber.org/protocol/si"/><feature var="http://jabber.org/protocol/bytestreams"/>
<feature var="http://jabber.org/protocol/chatstates"/><feature var="http://jabber.org/protocol/disco#info"/>
<feature var="http://jabber.org/protocol/disco#items"/><feature var="urn:xmpp:ping"/><feature var="jabber:iq:time"/>
<feature var="jabber:iq:privacy"/><feature var="jabber:iq:version"/><feature var="http://jabber.org/protocol/rosterx"/>
<feature var="urn:xmpp:time"/><feature var="jabber:x:oob"/><feature var="http://jabber.org/protocol/ibb"/>
<feature var="http://jabber.org/protocol/si/profile/file-transfer"/><feature var="urn:xmpp:receipts"/>
<feature var="jabber:iq:roster"/><feature var="jabber:iq:last"/></query>`

// psi is the complex example of XEP-0115 §5.3, and exodus the simple one of §5.2.
const (
	psi = `<query xmlns='http://jabber.org/protocol/disco#info'>
<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/><identity xml:lang='el' category='client' name='&#936; 0.11' type='pc'/>
<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>
<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
<field var='ip_version' type='text-multi'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>
<field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field>
<field var='software_version'><value>0.11</value></field></x></query>`
	exodus = `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc' name='Exodus 0.9.1'/>
<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>
<feature var='http://jabber.org/protocol/muc'/><feature var='http://jabber.org/protocol/caps'/></query>`
)

// The examples of XEP-0115 §5.2, §5.3 and XEP-0390 §4.5.
func TestCaps(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		hash        func(*element.Element) string
		want        string
	}{
		{"ver, simple", exodus, CapsVer, "QgayPKawpkPSDYmwT/WM94uAlu0="},
		{"ver, complex", psi, CapsVer, "q07IKJEyjvHSyhy//CH0CxmKi8w="},
		{"hash, simple", bombus, CapsHash, "kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.hash(parse(t, tt.query)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// XEP-0115 §5.4: what is ill formed has no hash.
func TestCapsVerIllFormed(t *testing.T) {
	const form = "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>a</value></field></x>"
	for _, inner := range []string{
		"<identity category='client' type='pc'/><identity category='client' type='pc'/>",
		"<feature var='a'/><feature var='a'/>",
		form + form,
		"<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>a</value><value>b</value></field></x>",
		"<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'/></x>",
	} {
		if got := CapsVer(parse(t, "<query xmlns='"+NSDiscoInfo+"'>"+inner+"</query>")); got != "" {
			t.Errorf("%s has the hash %q", inner, got)
		}
	}
	// What has no FORM_TYPE is no part of it.
	plain := "<feature var='a'/>"
	with := plain + "<x xmlns='jabber:x:data'><field var='b'><value>c</value></field></x>"
	if a, b := CapsVer(parse(t, "<query xmlns='"+NSDiscoInfo+"'>"+plain+"</query>")), CapsVer(parse(t, "<query xmlns='"+NSDiscoInfo+"'>"+with+with[len(plain):]+"</query>")); a != b || a == "" {
		t.Errorf("got %q and %q", a, b)
	}
}

// FuzzCapsVer compares with the library, which is right where there are no forms.
func FuzzCapsVer(f *testing.F) {
	f.Add("client", "pc", "en", "Psi", "urn:a", "urn:b")
	f.Add("client", "web", "en", "", "", "a b")
	f.Fuzz(func(t *testing.T, category, typ, lang, name, one, two string) {
		identity := element.New(NSDiscoInfo, "identity").Set("category", category).Set("type", typ).Set("name", name)
		if lang == "en" {
			identity.SetLang(lang)
		}
		query := element.New(NSDiscoInfo, "query").Add(identity,
			element.New(NSDiscoInfo, "feature").Set("var", one), element.New(NSDiscoInfo, "feature").Set("var", two))
		query, err := element.Parse(string(query.Append(nil, "")), "")
		if err != nil {
			t.Fatal(err)
		}
		CapsHash(query)
		got := CapsVer(query)
		if got == "" || category == "" || typ == "" || lang != "en" || one == "" || two == "" || !utf8.ValidString(one+" "+two) {
			return // the library reads neither other languages nor what lacks something
		}
		var in disco.Info
		if err := xml.NewTokenDecoder(query.Reader()).Decode(&in); err != nil {
			return
		}
		if want := in.Hash(sha1.New()); got != want {
			t.Errorf("got %q, want %q for %s", got, want, query)
		}
	})
}

func parse(t *testing.T, doc string) *element.Element {
	t.Helper()
	e, err := element.Parse(doc, "")
	if err != nil {
		t.Fatal(err)
	}
	return e
}
