// Package pki makes throw-away certificate authorities and certificates for the local run and for tests. Nothing of it
// is linked into the handler.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs certificates. The zero value is not usable; make one with NewAuthority.
type Authority struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	// above are the certificates between this authority's issuees and the root, its own first; none for a root.
	above [][]byte
}

// NewAuthority makes a self-signed root with the given common name, valid for ten years.
func NewAuthority(name string) (*Authority, error) {
	return newAuthority(pkix.Name{CommonName: name}, nil)
}

// NewAuthorityOf is NewAuthority with an organisation, for names whose issuer's organisation is looked at.
func NewAuthorityOf(organization, name string) (*Authority, error) {
	return newAuthority(pkix.Name{Organization: []string{organization}, CommonName: name}, nil)
}

// Subordinate makes an authority that a signs. What it issues carries its certificate along, so that only the root has
// to be trusted.
func (a *Authority) Subordinate(name string) (*Authority, error) {
	return newAuthority(pkix.Name{Organization: a.Certificate.Subject.Organization, CommonName: name}, a)
}

// newAuthority is a root where no parent signs it.
func newAuthority(subject pkix.Name, parent *Authority) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate root key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               subject,
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	signer, signerKey := template, key
	if parent != nil {
		signer, signerKey = parent.Certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, key.Public(), signerKey)
	if err != nil {
		return nil, fmt.Errorf("sign authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse authority: %w", err)
	}
	authority := &Authority{Certificate: certificate, key: key}
	if parent != nil {
		authority.above = append([][]byte{der}, parent.above...)
	}
	return authority, nil
}

// PEM is the root certificate in PEM.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
}

// Pool holds the root alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// Options describe a certificate. Zero times mean valid from an hour ago until in a year.
type Options struct {
	CommonName string
	// Names are DNS names or IP addresses; none makes a certificate without a subject alternative name.
	Names               []string
	NotBefore, NotAfter time.Time
	// Usages are the extended key usages; none means server and client.
	Usages []x509.ExtKeyUsage
}

// Issue makes a certificate, by default one that serves both servers and clients.
func (a *Authority) Issue(o Options) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("generate key: %w", err)
	}
	if o.NotBefore.IsZero() {
		o.NotBefore = time.Now().Add(-time.Hour)
	}
	if o.NotAfter.IsZero() {
		o.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	if o.Usages == nil {
		o.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: o.CommonName},
		NotBefore:    o.NotBefore,
		NotAfter:     o.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  o.Usages,
	}
	for _, name := range o.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("parse certificate: %w", err)
	}
	chain := append([][]byte{der}, a.above...)
	return tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}, nil
}

// WriteFiles stores a certificate and its key as server.crt and server.key in dir, the key readable by its owner only.
func WriteFiles(dir string, c tls.Certificate) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return "", "", fmt.Errorf("encode key: %w", err)
	}
	var certPEM []byte
	for _, der := range c.Certificate {
		certPEM = append(certPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if err := os.WriteFile(certFile, certPEM, 0o644); err != nil {
		return "", "", fmt.Errorf("write certificate: %w", err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	if err := os.WriteFile(keyFile, keyPEM, 0o600); err != nil {
		return "", "", fmt.Errorf("write key: %w", err)
	}
	return certFile, keyFile, nil
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic("pki: no randomness: " + err.Error())
	}
	return n
}
