package irc_test

import (
	"crypto/tls"
	"testing"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/irc/ircwire"
)

// TestSTS: a server with STS that was reached without TLS is used with TLS or not at
// all. (IRCv3 sts)
func TestSTS(t *testing.T) {
	pem := irc.SelfSigned(t, "srv")
	pair, err := tls.X509KeyPair([]byte(pem), []byte(pem))
	if err != nil {
		t.Fatal(err)
	}
	secure := startPeerAt(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{pair}}), func(c *line, m ircwire.Message) bool {
		if m.Command == "CAP" && m.Param(0) == "LS" { // advertised with TLS, too, without effect there
			c.send(":srv CAP * LS :sts=port=1,duration=1000")
			return true
		}
		return false
	})
	for _, tt := range []struct {
		name, policy, verify string
		want                 legacy.Kind // zero: the join succeeds
		over                 *bool       // with TLS
	}{
		{"with a port", "duration=1000,port=" + portOf(secure.listener), "false", legacy.KindOf(nil), new(true)},
		{"certificate is not good", "port=" + portOf(secure.listener), "true", legacy.Forbidden, nil},
		{"nobody there", "port=" + closedPort(t), "false", legacy.Temporary, nil},
		{"no port", "duration=1000", "false", legacy.KindOf(nil), new(false)},
		{"not a port", "port=x", "false", legacy.KindOf(nil), new(false)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plain := startPeer(t, func(c *line, m ircwire.Message) bool {
				if m.Command == "CAP" && m.Param(0) == "LS" {
					c.send(":srv CAP * LS :batch sts=" + tt.policy)
					return true
				}
				return false
			})
			u := signedOn(t, named(t, nil), at([]string{"srv.test", "ports", portOf(plain.listener), "verify_cert", tt.verify}), dial)
			join(u, "#room%srv.test")
			if tt.over == nil {
				if failed := expect[legacy.RoomFailed](u); legacy.KindOf(failed.Err) != tt.want {
					t.Errorf("failed %+v", failed)
				}
				return
			}
			expect[legacy.RoomJoined](u)
			if *tt.over {
				secure.wait("JOIN #room")
			} else {
				plain.wait("JOIN #room")
			}
		})
	}
}
