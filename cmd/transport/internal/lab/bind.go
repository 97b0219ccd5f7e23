package lab

import (
	"context"
	"fmt"
	"io"

	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"transport/component/element"
)

const nsBind = "urn:ietf:params:xml:ns:xmpp-bind"

// bind binds the resource of the client's JID, or one that the server chooses. The
// library's own feature always lets the server choose. (RFC 6120 §7)
func bind() xmpp.StreamFeature {
	feature := xmpp.BindResource()
	feature.Negotiate = func(_ context.Context, s *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, error) {
		request := element.New(nsBind, "bind")
		if resource := s.LocalAddr().Resourcepart(); resource != "" {
			request.Add(element.New(nsBind, "resource").AddText(resource))
		}
		iq := element.New(NSClient, "iq").Set("type", "set").Set("id", "bind").Add(request)
		w := s.TokenWriter()
		defer w.Close()
		if _, err := xmlstream.Copy(w, iq.Reader()); err != nil {
			return 0, nil, err
		}
		if err := w.Flush(); err != nil {
			return 0, nil, err
		}
		r := s.TokenReader()
		defer r.Close()
		reply, err := element.FromTokens(r)
		if err != nil {
			return 0, nil, err
		}
		bound := reply.Child(nsBind, "bind")
		if reply.Attr("type") != "result" || bound == nil {
			return 0, nil, fmt.Errorf("bind a resource: %s", reply)
		}
		j, err := jid.Parse(bound.ChildText(nsBind, "jid"))
		if err != nil {
			return 0, nil, fmt.Errorf("bind a resource: %w", err)
		}
		s.UpdateAddr(j)
		return xmpp.Ready, nil, nil
	}
	return feature
}
