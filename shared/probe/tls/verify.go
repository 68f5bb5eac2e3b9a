package tls

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"
	"time"
)

// verify asks the three questions apart. The dates are taken out of the question of trust, because crypto/x509 would
// answer an expired and unknown certificate with only one of the two.
func verify(presented []*x509.Certificate, t Target) Verification {
	key := keyOf(presented, t.Roots)
	v, known := t.Chains.known(key, t.Now)
	if !known {
		v = vouched(presented, t)
		t.Chains.keep(key, v)
	}
	v.At = t.Now.UTC()
	v.NameProblem = nameProblem(presented[0], t.ServerName)
	v.NameMatches = v.NameProblem == ""
	return v
}

// vouched answers the questions of trust and of dates.
func vouched(presented []*x509.Certificate, t Target) Verification {
	v := Verification{At: t.Now.UTC()}
	chain, err := trust(presented, t)
	v.Trusted = err == nil
	if err != nil {
		v.Distrust = distrust(presented[0], err)
		chain = presented[:1]
	}
	v.narrow(chain)
	return v
}

// narrow finds the dates that bind the whole chain.
func (v *Verification) narrow(chain []*x509.Certificate) {
	for i, c := range chain {
		if i == 0 || c.NotBefore.After(v.NotBefore) {
			v.NotBefore, v.NotBeforeOf = c.NotBefore.UTC(), clean(c.Subject.String())
		}
		if i == 0 || c.NotAfter.Before(v.NotAfter) {
			v.NotAfter, v.NotAfterOf = c.NotAfter.UTC(), clean(c.Subject.String())
		}
	}
}

// trust returns the best chain to a root, with the dates that the certificates really have.
func trust(presented []*x509.Certificate, t Target) ([]*x509.Certificate, error) {
	original := map[string]*x509.Certificate{}
	options := x509.VerifyOptions{Roots: t.Roots, Intermediates: x509.NewCertPool(), CurrentTime: t.Now}
	for _, c := range presented[1:] {
		original[string(c.Raw)] = c
		options.Intermediates.AddCert(undated(c, t.Now))
	}
	original[string(presented[0].Raw)] = presented[0]
	found, err := undated(presented[0], t.Now).Verify(options)
	if err != nil {
		return nil, err
	}
	var best []*x509.Certificate
	for _, chain := range found {
		for i, c := range chain {
			if dated, ours := original[string(c.Raw)]; ours {
				chain[i] = dated
			}
		}
		if best == nil || lasts(chain, t.Now).After(lasts(best, t.Now)) {
			best = chain
		}
	}
	return best, nil
}

// undated is the same certificate with dates that include now; its signature is checked over the original bytes.
func undated(c *x509.Certificate, now time.Time) *x509.Certificate {
	same := *c
	same.NotBefore, same.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
	return &same
}

// lasts is until when a chain holds; the zero time where it does not hold yet.
func lasts(chain []*x509.Certificate, now time.Time) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain {
		if now.Before(c.NotBefore) {
			return time.Time{}
		}
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

func distrust(leaf *x509.Certificate, err error) Distrust {
	var invalid x509.CertificateInvalidError
	var noRoots x509.SystemRootsError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &noRoots):
		return NoSystemRoots
	case insecure(leaf.SignatureAlgorithm):
		return InsecureSignature
	case errors.As(err, &unknown) && selfSigned(leaf):
		return SelfSigned
	case errors.As(err, &unknown):
		return UnknownAuthority
	case errors.As(err, &invalid):
		return invalidReason(invalid.Reason)
	}
	return InvalidOtherwise
}

func invalidReason(reason x509.InvalidReason) Distrust {
	switch reason {
	case x509.IncompatibleUsage:
		return NotForServers
	case x509.Expired:
		// The presented certificates have no dates here, so that it is a root of ours.
		return RootOutOfDate
	case x509.CANotAuthorizedForThisName, x509.UnconstrainedName, x509.TooManyConstraints, x509.NameConstraintsWithoutSANs,
		x509.CANotAuthorizedForExtKeyUsage:
		return ConstraintViolated
	}
	return InvalidOtherwise
}

// insecure signatures are refused by crypto/x509, and by OpenSSL 3 at its default security level.
func insecure(algorithm x509.SignatureAlgorithm) bool {
	switch algorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// nameProblem is empty where the certificate is for the name.
func nameProblem(leaf *x509.Certificate, name string) NameProblem {
	if leaf.VerifyHostname(name) == nil {
		return ""
	}
	sans := len(leaf.DNSNames) + len(leaf.IPAddresses) + len(leaf.EmailAddresses) + len(leaf.URIs)
	switch {
	case isAddress(name) && len(leaf.IPAddresses) == 0:
		return NoAddresses
	case sans > 0:
		return OtherNames
	case matchesCommonName(leaf.Subject.CommonName, name):
		return LegacyCommonName
	}
	return NoNames
}

// matchesCommonName follows libpq (wildcard_certificate_match): a star stands for exactly one label, the first.
func matchesCommonName(pattern, name string) bool {
	if strings.EqualFold(pattern, name) {
		return pattern != ""
	}
	rest, wild := strings.CutPrefix(pattern, "*.")
	_, domain, labels := strings.Cut(name, ".")
	return wild && labels && strings.Contains(rest, ".") && strings.EqualFold(rest, domain)
}
