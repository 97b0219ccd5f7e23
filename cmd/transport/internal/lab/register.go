package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"transport/component/element"
)

// registerUser registers an account on an XMPP server in-band. (XEP-0077 §3.1)
func registerUser(ctx context.Context, addr, domain, user, password string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := fmt.Fprintf(conn, "<stream:stream xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='%s'>", NSClient, domain); err != nil {
		return err
	}
	if err := skipHeader(conn); err != nil {
		return err
	}
	r := element.NewReader(conn, NSClient, element.Limits{})
	if _, err := r.Next(); err != nil { // the stream features
		return err
	}
	const ns = "jabber:iq:register"
	q := element.New(ns, "query").Add(element.New(ns, "username").AddText(user)).Add(element.New(ns, "password").AddText(password))
	iq := element.New(NSClient, "iq").Set("type", "set").Set("id", "register").Add(q)
	if _, err := conn.Write(iq.Append(nil, NSClient)); err != nil {
		return err
	}
	reply, err := r.Next()
	if err != nil {
		return err
	}
	if reply.Attr("type") != "result" && !strings.Contains(reply.String(), "conflict") {
		return errors.New(reply.String())
	}
	return nil
}

// skipHeader reads to the end of the stream header.
func skipHeader(r io.Reader) error {
	var tag strings.Builder
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if tag.WriteByte(b[0]); b[0] != '>' {
			continue
		}
		if strings.Contains(tag.String(), "<stream:stream") {
			return nil
		}
		tag.Reset()
	}
}
