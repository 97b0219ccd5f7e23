package main

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testSecret must not occur in any output of the program.
const testSecret = "k33p-th1s-quiet"

// fakeServer is the component port of an XMPP server, with one secret. If refuse is set, it
// answers every handshake with that stream error. After the handshake it reads everything
// and sends nothing.
func fakeServer(t *testing.T, secret, refuse string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveFake(conn, secret, refuse)
		}
	}()
	return l.Addr().String()
}

func serveFake(conn net.Conn, secret, refuse string) {
	defer conn.Close()
	if _, err := readUntil(conn, "<stream:stream", ">"); err != nil {
		return
	}
	fmt.Fprint(conn, "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'"+
		" xmlns='jabber:component:accept' from='icq.localhost' id='4711'>")
	text, err := readUntil(conn, "<handshake", "</handshake>")
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte("4711" + secret)) // XEP-0114 §3
	if refuse == "" && !strings.Contains(text, hex.EncodeToString(sum[:])) {
		refuse = "not-authorized"
	}
	if refuse != "" {
		fmt.Fprintf(conn, "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>", refuse)
		return
	}
	fmt.Fprint(conn, "<handshake/>")
	_, _ = readUntil(conn, "</stream:stream>", ">")
	fmt.Fprint(conn, "</stream:stream>")
}

// readUntil reads until it has read one text and then another.
func readUntil(r io.Reader, start, end string) (string, error) {
	var seen strings.Builder
	buf := make([]byte, 1)
	for {
		if _, err := r.Read(buf); err != nil {
			return "", err
		}
		seen.Write(buf)
		if _, rest, ok := strings.Cut(seen.String(), start); ok && strings.HasSuffix(start+rest, end) {
			return seen.String(), nil
		}
	}
}

// goneServer returns an address on which no server listens.
func goneServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// writeConfig writes a configuration with the test's secret, and returns its path.
func writeConfig(t *testing.T, server, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "t.toml")
	text := fmt.Sprintf("[server]\naddress = %q\n%s\n[[network]]\ndriver = \"oscar\"\ndomain = \"icq.localhost\"\nsecret = %q\n"+
		"[network.options]\nserver = \"127.0.0.1:9\"\n", server, more, testSecret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runCLI runs a command like the shell.
func runCLI(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = dispatch(t.Context(), args, stdio{&out, &errs})
	if strings.Contains(out.String()+errs.String(), testSecret) {
		t.Errorf("%s prints the secret:\n%s%s", strings.Join(args, " "), out.String(), errs.String())
	}
	return code, out.String(), errs.String()
}

// requireMatches checks that a text matches all regular expressions.
func requireMatches(t *testing.T, text string, expressions ...string) {
	t.Helper()
	for _, expr := range expressions {
		if !regexp.MustCompile(expr).MatchString(text) {
			t.Errorf("no match of %q in\n%s", expr, text)
		}
	}
}
