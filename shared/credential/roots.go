package credential

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// Roots gives the system's roots and those of the app setting, PEM with line breaks or literal \n. No name gives nil,
// which means the system's roots. Every error is an *Unavailable.
func (r *Resolver) Roots(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	value, err := r.setting(name)
	if err != nil {
		return nil, err
	}
	pool, why := r.pool(value)
	if why != "" {
		return nil, &Unavailable{Source: "setting " + name, Why: why}
	}
	return pool, nil
}

// pool reads each text once: a fleet's checks name the same few settings. Whoever gets a pool must not add to it.
func (r *Resolver) pool(value string) (*x509.CertPool, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.roots[value]; ok {
		return known, ""
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		// A machine without roots of its own can still verify against the ones that are given.
		pool = x509.NewCertPool()
	}
	// Most ways to fill in an app setting end a value at its first line break, so people write \n.
	if why := addRoots(pool, []byte(strings.ReplaceAll(value, `\n`, "\n"))); why != "" {
		return nil, why
	}
	r.roots[value] = pool
	return pool, ""
}

// addRoots is strict where AppendCertsFromPEM and pem.Decode skip what they cannot read: a root that is silently left out
// comes back as an untrusted server.
func addRoots(pool *x509.CertPool, text []byte) string {
	blocks := bytes.Count(text, []byte("-----BEGIN "))
	if blocks == 0 {
		return "holds no PEM certificate"
	}
	for number := 1; number <= blocks; number++ {
		block, rest := pem.Decode(text)
		if block == nil {
			return fmt.Sprintf("holds %d PEM blocks, not all of which can be read", blocks)
		}
		if block.Type != "CERTIFICATE" {
			return "must hold certificates and nothing else"
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Sprintf("certificate %d cannot be parsed", number)
		}
		pool.AddCert(certificate)
		text = rest
	}
	return ""
}
