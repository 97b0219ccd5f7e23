package irc

import (
	"fmt"
	"strings"
	"testing"
)

// TestTargets: a port in an address is used with or without TLS as configured, and
// secrets are sent without TLS only if the user has removed the TLS ports.
func TestTargets(t *testing.T) {
	for _, tt := range []struct {
		server string
		set    map[string]string
		secret bool
		want   string
	}{
		{"irc.test", nil, false, "irc.test:6697+ irc.test:6670+ irc.test:6667"},
		{"irc.test", nil, true, "irc.test:6697+ irc.test:6670+"},
		{"irc.test", map[string]string{"tls_ports": ""}, true, "irc.test:6667"},
		{"irc.test", map[string]string{"tls_ports": "1", "ports": "2,3"}, false, "irc.test:1+ irc.test:2 irc.test:3"},
		{"irc.test", map[string]string{"address": "10.0.0.1"}, true, "10.0.0.1:6697+ 10.0.0.1:6670+"},
		{"irc.test:6697", nil, false, "irc.test:6697+"},
		{"irc.test:6667", nil, false, "irc.test:6667"},
		{"irc.test:6667", nil, true, "irc.test:6667"},
		{"irc.test:7000", nil, false, "irc.test:7000+ irc.test:7000"},
		{"irc.test:7000", nil, true, "irc.test:7000+"},
		{"irc.test:7000", map[string]string{"tls_ports": ""}, true, "irc.test:7000"},
		{"irc.test:7000", map[string]string{"ports": ""}, false, "irc.test:7000+"},
		{"irc.test", map[string]string{"address": "10.0.0.1:6667"}, false, "10.0.0.1:6667"},
	} {
		n, err := New(DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, to := range n.(*network).targets(tt.server, tt.set, tt.secret) {
			secure := ""
			if to.tls {
				secure = "+"
			}
			got = append(got, fmt.Sprintf("%s:%s%s", to.host, to.port, secure))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}
