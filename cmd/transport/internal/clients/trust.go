package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
)

// certificatePin is the hash by which Chromium is told to trust the server's key, and
// none but that.
func (st *stage) certificatePin() (string, error) {
	authority, err := os.ReadFile(st.prosody.Authority)
	if err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	conn, err := tls.Dial("tcp", st.prosody.Web, &tls.Config{RootCAs: roots, ServerName: domain})
	if err != nil {
		return "", fmt.Errorf("the server's certificate: %w", err)
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}
