package stanza

import (
	"time"

	"transport/component/address"
	"transport/component/element"
)

// Host is the domain on whose behalf stanzas are answered.
type Host struct {
	Domain  string
	Send    func(*element.Element) // must not wait
	Refused func()                 // an error was sent; may be nil
}

// Inbound is a stanza from an XMPP user.
type Inbound struct {
	*element.Element
	From, To address.JID
	User     string // From, bare
	ID, Type string

	host *Host
}

// Read reads the attributes of a stanza. The error is that its sender has no usable
// address: nobody can be answered. An unusable receiver is left as the zero JID.
func Read(e *element.Element, host *Host) (*Inbound, error) {
	from, err := address.Parse(e.Attr("from"))
	if err != nil {
		return nil, err
	}
	st := &Inbound{Element: e, From: from, User: from.Bare().String(), ID: e.Attr("id"), Type: e.Attr("type"), host: host}
	st.To, _ = address.Parse(e.Attr("to"))
	return st, nil
}

// Parse reads one stanza that Append wrote.
func Parse(b []byte) (*element.Element, error) { return element.Parse(string(b), NS) }

// Refuse answers with an error, unless the stanza is one that is never answered so.
// (RFC 6120 §8.3.1)
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
	st.host.Send(st.reply("error").Add(why.Element()))
}

// Result answers an IQ with a result. The payload may be nil.
func (st *Inbound) Result(payload *element.Element) {
	st.host.Send(st.reply("result").Add(payload))
}

// reply is a stanza back to the sender, from the address that it was sent to.
// (RFC 6120 §8.3.1)
func (st *Inbound) reply(typ string) *element.Element {
	from := st.Attr("to")
	switch _, domain, _ := address.Split(from); {
	case st.To.Domain != st.host.Domain:
		from = st.host.Domain // it was malformed
	case domain != st.host.Domain: // another spelling of it would end the stream
		from = st.To.String()
	}
	reply := element.New(NS, st.Name).Set("type", typ).Set("from", from).Set("to", st.Attr("from"))
	if st.ID != "" {
		reply.Set("id", st.ID)
	}
	return reply
}

// Request is a stanza that is answered once: what comes after the first answer is
// dropped.
type Request struct {
	*Inbound
	Payload  *element.Element
	Deadline time.Time
	// OnFail takes an error in place of an error stanza, where the request is not one
	// that is answered so; nil for an IQ.
	OnFail func(Error)

	answered bool
}

// Answered reports whether there was an answer, or is to be none.
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

// Drop makes Reply and Fail do nothing: the sender is gone, or has its answer already.
func (r *Request) Drop() { r.answered = true }
