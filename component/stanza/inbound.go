package stanza

import (
	"strings"
	"time"

	"transport/component/address"
	"transport/component/element"
)

// Host sends the answers to stanzas for a domain.
type Host struct {
	Domain  string
	Send    func(*element.Element) // must not block
	Refused func()                 // called for each error that is sent; may be nil
}

// Inbound is a stanza from an XMPP user.
type Inbound struct {
	*element.Element
	From, To address.JID
	User     string // From, bare
	ID, Type string
	Bouncer  Bouncer // of a message; may be nil
	Entry    uint64  // of the journal, 0 for none
	Held     bool    // its outcome comes later

	host *Host
}

// Bouncer tells the sender of a message that it was not delivered. The sender's client may
// be offline by then.
type Bouncer interface {
	Bounce(st *Inbound, why Error)
}

// Read reads the attributes of a stanza. It returns an error if the sender's JID is
// invalid, since the stanza cannot be answered then. An invalid receiver becomes the zero
// JID.
func Read(e *element.Element, host *Host) (*Inbound, error) {
	from, err := address.Parse(e.Attr("from"))
	if err != nil {
		return nil, err
	}
	st := &Inbound{Element: e, From: from, User: bare(e.Attr("from"), from), ID: e.Attr("id"), Type: e.Attr("type"), host: host}
	st.To, _ = address.Parse(e.Attr("to"))
	return st, nil
}

// Parse parses one stanza that Append wrote.
func Parse(b []byte) (*element.Element, error) { return element.Parse(string(b), NS) }

// Refuse answers with an error, unless the stanza is of a type that must not be answered
// with one. The Bouncer sends the error of a message, if there is one. (RFC 6120 §8.3.1)
func (st *Inbound) Refuse(why Error) {
	switch st.Name {
	case "iq":
		if st.Type != "get" && st.Type != "set" {
			return
		}
	case "presence":
		if st.Type == "error" || st.Type == "unavailable" || st.Type == "unsubscribed" || st.Type == "unsubscribe" {
			return
		}
	case "message":
		if st.Type == "error" || st.Type == "headline" {
			return
		}
	default:
		return
	}
	if st.host.Refused != nil {
		st.host.Refused()
	}
	if st.Bouncer != nil && st.Name == "message" {
		st.Bouncer.Bounce(st, why)
		return
	}
	st.host.Send(st.ErrorStanza(why))
}

// ErrorStanza returns the error stanza that Refuse sends.
func (st *Inbound) ErrorStanza(why Error) *element.Element {
	if why.Uncertain && st.Name == "message" {
		why.Text = strings.TrimSpace(why.Text + " The message may not have arrived.")
	}
	return st.reply("error").Add(why.Element())
}

// Result answers an IQ with a result. The payload may be nil.
func (st *Inbound) Result(payload *element.Element) {
	st.host.Send(st.reply("result").Add(payload))
}

// reply returns a stanza to the sender, from the JID that the original was sent to.
// (RFC 6120 §8.3.1)
func (st *Inbound) reply(typ string) *element.Element {
	from := st.Attr("to")
	switch _, domain, _ := address.Split(from); {
	case st.To.Domain != st.host.Domain:
		from = st.host.Domain // the original JID was malformed
	case domain != st.host.Domain: // the server would close the stream for another spelling
		from = st.To.String()
	}
	reply := element.New(NS, st.Name).Set("type", typ).Set("from", from).Set("to", st.Attr("from"))
	if st.ID != "" {
		reply.Set("id", st.ID)
	}
	return reply
}

// Request is a stanza that is answered once: every further answer is dropped.
type Request struct {
	*Inbound
	Payload  *element.Element
	Deadline time.Time
	// OnFail receives the error instead of an error stanza, if the request is not an IQ. It
	// is nil for an IQ.
	OnFail func(Error)

	answered bool
}

// Answered reports whether the request was answered or dropped.
func (r *Request) Answered() bool { return r.answered }

// Reply answers with a result. The payload may be nil.
func (r *Request) Reply(payload *element.Element) {
	if !r.answered {
		r.answered = true
		r.Result(payload)
	}
}

// Fail answers with an error.
func (r *Request) Fail(why Error) {
	if r.answered {
		return
	}
	r.answered = true
	if r.OnFail != nil {
		r.OnFail(why)
		return
	}
	r.Refuse(why)
}

// Drop makes Reply and Fail do nothing: the sender is offline, or was answered otherwise.
func (r *Request) Drop() { r.answered = true }

// bare returns the bare JID of a sender, as a part of the attribute if that is normalised,
// which saves a string for each stanza.
func bare(attr string, from address.JID) string {
	if n := len(from.Local) + 1; from.Local != "" && len(attr) >= n+len(from.Domain) &&
		attr[:n-1] == from.Local && attr[n-1] == '@' && attr[n:n+len(from.Domain)] == from.Domain {
		return attr[:n+len(from.Domain)]
	}
	return from.Bare().String()
}
