package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const certificateFile, keyFile, authorityFile = "server.crt", "server.key", "authority.crt"

// writeCertificate writes a key, a certificate for some names, and the certificate of a
// new authority that has signed only this one. They are valid for one day.
func writeCertificate(dir string, names ...string) error {
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "authority of " + names[0]},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1),
		Subject:      pkix.Name{CommonName: names[0]},
		DNSNames:     names,
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	files, err := sign(authority, server)
	if err != nil {
		return fmt.Errorf("lab: certificate: %w", err)
	}
	for file, block := range files {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			return fmt.Errorf("lab: certificate: %w", err)
		}
	}
	return nil
}

// sign makes keys for both. It does not return the authority's key, which is not stored.
func sign(authority, server *x509.Certificate) (map[string]*pem.Block, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.CreateCertificate(rand.Reader, server, authority, &serverKey.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return nil, err
	}
	return map[string]*pem.Block{
		authorityFile:   {Type: "CERTIFICATE", Bytes: root},
		certificateFile: {Type: "CERTIFICATE", Bytes: leaf},
		keyFile:         {Type: "PRIVATE KEY", Bytes: secret},
	}, nil
}
