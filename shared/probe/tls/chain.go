package tls

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
)

const (
	maxChain = 10
	maxNames = 20
)

// describe keeps what people need of a chain; every text is the peer's and therefore cleaned.
func describe(presented []*x509.Certificate) []Certificate {
	var chain []Certificate
	for _, c := range presented[:min(len(presented), maxChain)] {
		names := alternativeNames(c)
		fingerprint := sha256.Sum256(c.Raw)
		chain = append(chain, Certificate{
			Subject:             clean(c.Subject.String()),
			Issuer:              clean(c.Issuer.String()),
			IssuerOrganizations: cleanAll(c.Issuer.Organization, maxNames),
			NotBefore:           c.NotBefore.UTC(),
			NotAfter:            c.NotAfter.UTC(),
			Names:               cleanAll(names, maxNames),
			MoreNames:           max(0, len(names)-maxNames),
			SHA256:              hex.EncodeToString(fingerprint[:]),
			Key:                 keyName(c),
			Signature:           c.SignatureAlgorithm.String(),
			SelfSigned:          selfSigned(c),
		})
	}
	return chain
}

func alternativeNames(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

func cleanAll(texts []string, limit int) []string {
	var out []string
	for _, text := range texts[:min(len(texts), limit)] {
		out = append(out, clean(text))
	}
	return out
}

func keyName(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return clean(c.PublicKeyAlgorithm.String())
}
