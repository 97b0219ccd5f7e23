package component_test

import (
	"context"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// profiled is a network that knows who everybody is.
type profiled struct{ legacy.Network }

type profiledSession struct {
	*legacytest.Session
	emit func(legacy.Event)
}

func (n profiled) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return profiledSession{s.(*legacytest.Session), env.Emit}, nil
}

func (s profiledSession) RequestProfile(_ context.Context, ref string, _ legacy.Peer) error {
	go s.emit(legacy.ProfileReceived{Ref: ref, Profile: legacy.Profile{
		Nick: "Bobby", First: "Robert", Last: "Tables", Emails: []string{"bob@example.net"}, Gender: "M", Birthday: "1986-02-28",
		Street: "Main Street 1", City: "Springfield", State: "IL", PostalCode: "12345", Country: "USA",
		Organization: "ACME", Department: "R&D", Title: "Tester", About: "hello",
	}})
	return nil
}

// XEP-0054 §3, XEP-0292 §3: what a network tells of somebody, as both kinds of
// vCard.
func TestContactVCards(t *testing.T) {
	stage(t, setup{users: []string{alice}, network: func(n legacy.Network) legacy.Network { return profiled{n} }}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.Send("<iq type='get' from='" + phone + "' to='" + carol + "' id='v'><vCard xmlns='vcard-temp'/></iq>")
		w.Expect("<iq type='result' id='v' from='" + carol + "'><vCard xmlns='vcard-temp'><FN>Robert Tables</FN><NICKNAME>Bobby</NICKNAME><BDAY>1986-02-28</BDAY>" +
			"<ADR><STREET>Main Street 1</STREET><LOCALITY>Springfield</LOCALITY><REGION>IL</REGION><PCODE>12345</PCODE><CTRY>USA</CTRY></ADR>" +
			"<ORG><ORGNAME>ACME</ORGNAME><ORGUNIT>R&amp;D</ORGUNIT></ORG><TITLE>Tester</TITLE><DESC>hello</DESC></vCard></iq>")
		w.Send("<iq type='get' from='" + phone + "' to='" + carol + "' id='4'><vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/></iq>")
		w.Expect("<iq type='result' id='4' from='" + carol + "'><vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Robert Tables</text></fn>" +
			"<adr><pobox/><ext/><street>Main Street 1</street><locality>Springfield</locality><region>IL</region><code>12345</code><country>USA</country></adr>" +
			"<gender><sex>M</sex></gender><org><text>ACME</text><text>R&amp;D</text></org><title><text>Tester</text></title><note><text>hello</text></note></vcard></iq>")
	})
}

// A password that was changed on the network is the one to sign on with.
func TestCredentialsChanged(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.CredentialsChanged{Fields: map[string]string{"password": "another " + hidden}})
		account, err := w.db.Account(context.Background(), gw, alice)
		if err != nil || account.Fields["password"] != "another "+hidden || account.Fields["username"] != "alice" {
			t.Errorf("got %+v, %v", account, err)
		}
		w.presence(phone, gw, "unavailable")
		w.settle()
		w.signOn(phone)
	})
}
