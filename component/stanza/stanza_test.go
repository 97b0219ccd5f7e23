package stanza

import (
	"errors"
	"testing"

	"transport/component/element"
	"transport/legacy"
)

// hosted reads a stanza on behalf of gw.example.org and collects what is sent.
func hosted(t *testing.T, xml string) (*Inbound, *[]string) {
	t.Helper()
	var sent []string
	host := &Host{Domain: "gw.example.org", Send: func(e *element.Element) { sent = append(sent, string(e.Append(nil, NS))) }}
	e, err := Parse([]byte(xml))
	if err != nil {
		t.Fatal(err)
	}
	st, err := Read(e, host)
	if err != nil {
		t.Fatal(err)
	}
	return st, &sent
}

const notFound = "<error type='cancel' code='404'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

// RFC 6120 §8.3.1: what is answered with an error, from which address, and what never is.
func TestRefuse(t *testing.T) {
	for _, tt := range []struct {
		in     string
		answer bool
		from   string
	}{
		{"<iq type='get' id='1' from='a@x/y' to='Carol@gw.example.org'/>", true, "Carol@gw.example.org"},
		{"<iq type='set' id='1' from='a@x/y' to='carol@GW.example.org'/>", true, "carol@gw.example.org"}, // another spelling of our domain would end the stream
		{"<iq type='get' id='1' from='a@x/y' to='@'/>", true, "gw.example.org"},
		{"<iq type='result' id='1' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<iq type='error' id='1' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<presence from='a@x/y' to='gw.example.org'/>", true, "gw.example.org"},
		{"<presence type='subscribe' from='a@x/y' to='gw.example.org'/>", true, "gw.example.org"},
		{"<presence type='unavailable' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<presence type='unsubscribe' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<presence type='unsubscribed' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<presence type='error' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<message from='a@x/y' to='gw.example.org'/>", true, "gw.example.org"},
		{"<message type='headline' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<message type='error' from='a@x/y' to='gw.example.org'/>", false, ""},
		{"<other from='a@x/y' to='gw.example.org'/>", false, ""},
	} {
		st, sent := hosted(t, tt.in)
		st.Refuse(ErrItemNotFound)
		if len(*sent) > 1 || (len(*sent) == 1) != tt.answer {
			t.Errorf("%s is answered by %q", tt.in, *sent)
			continue
		}
		if !tt.answer {
			continue
		}
		got, _ := Parse([]byte((*sent)[0]))
		if got.Attr("from") != tt.from || got.Attr("to") != "a@x/y" || got.Attr("type") != "error" || got.Attr("id") != st.ID ||
			got.Child(NS, "error").Child(NSErrors, "item-not-found") == nil {
			t.Errorf("%s is answered by %s", tt.in, got)
		}
	}
}

// RFC 6120 §8.2.3: a request is answered once.
func TestRequest(t *testing.T) {
	const in = "<iq type='get' id='1' from='a@x/y' to='gw.example.org'/>"
	for name, first := range map[string]func(*Request){
		"reply": func(r *Request) { r.Reply(nil) },
		"fail":  func(r *Request) { r.Fail(ErrBadRequest) },
		"drop":  func(r *Request) { r.Drop() },
	} {
		t.Run(name, func(t *testing.T) {
			st, sent := hosted(t, in)
			r := &Request{Inbound: st}
			if r.Answered() {
				t.Error("it is answered before it is")
			}
			first(r)
			n := len(*sent)
			r.Reply(nil)
			r.Fail(ErrInternal)
			if !r.Answered() || len(*sent) != n || n > 1 || (n == 0) != (name == "drop") {
				t.Errorf("answered %v: %q", r.Answered(), *sent)
			}
		})
	}
	var failed []Error
	st, sent := hosted(t, in)
	r := &Request{Inbound: st, OnFail: func(why Error) { failed = append(failed, why) }}
	r.Fail(ErrBusy)
	r.Fail(ErrBusy)
	if len(failed) != 1 || len(*sent) != 0 {
		t.Errorf("got %v, sent %q", failed, *sent)
	}
}

// A stanza without a usable sender cannot be answered.
func TestRead(t *testing.T) {
	for _, from := range []string{"", "@", "a@", "a@x/"} {
		e := element.New(NS, "message").Set("from", from).Set("to", "gw.example.org")
		if st, err := Read(e, &Host{}); err == nil {
			t.Errorf("%q is read as %+v", from, st.From)
		}
	}
}

// Every kind of error has a condition and a text, and an unknown one does not show its
// cause.
func TestTranslate(t *testing.T) {
	for kind := legacy.Kind(0); kind < 64; kind++ {
		why := Translate(legacy.Errorf(kind, ""))
		if why.Condition == "" || why.Type == "" || why.Text == "" {
			t.Errorf("%v becomes %+v", kind, why)
		}
		if got := Translate(legacy.Errorf(kind, "in words")); got.Text != "in words" && got.Condition != ErrInternal.Condition {
			t.Errorf("%v loses its text: %+v", kind, got)
		}
	}
	if got := Translate(errors.New("secret")); got.Text != ErrInternal.Text {
		t.Errorf("a cause is shown: %+v", got)
	}
}

// RFC 6120 §8.3.2, XEP-0086 §3
func TestErrorElement(t *testing.T) {
	if got := string(ErrItemNotFound.Element().Append(nil, NS)); got != notFound {
		t.Errorf("got %s", got)
	}
	x := ErrBlocked.Element()
	if x.Child("urn:xmpp:blocking:errors", "blocked") == nil { // XEP-0191 §3.2
		t.Errorf("got %s", x)
	}
	if got := ErrBusy.With("other").Text; got != "other" || ErrBusy.Text == "other" {
		t.Errorf("got %q", got)
	}
}

// The user of a stanza is its sender's bare JID, however the sender is written.
func TestUser(t *testing.T) {
	for from, want := range map[string]string{
		"alice@example.org/home": "alice@example.org", "alice@example.org": "alice@example.org", "Alice@Example.org/x": "alice@example.org",
		"example.org": "example.org", "example.org/a@b": "example.org", "a@b/c@d/e": "a@b", "alice@example.orgx/y": "alice@example.orgx",
	} {
		st, err := Read(element.New(NS, "message").Set("from", from), &Host{})
		if err != nil || st.User != want || st.User != st.From.Bare().String() {
			t.Errorf("%q: got %q, %v", from, st.User, err)
		}
	}
}
