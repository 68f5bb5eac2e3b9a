package tls

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	// soon leaves a month for a renewal that needs a change window.
	soon = 30 * 24 * time.Hour
	day  = 24 * time.Hour
)

// acceptable says whether what Mode demands holds. Only then is the connection handed on, so that a password never
// reaches a server that should have been verified. A legacy common name is good enough, as it is for libpq.
func acceptable(v Verification, mode request.TLSMode) bool {
	dated := v.Holds(v.At)
	switch mode {
	case request.TLSVerifyFull:
		return v.Trusted && dated && (v.NameMatches || v.NameProblem == LegacyCommonName)
	case request.TLSVerifyCA:
		return v.Trusted && dated
	}
	return true
}

// judgeCertificate lists every fault of the certificate.
func judgeCertificate(o Observation, e Expect) []finding.Finding {
	if o.Verification == nil || len(o.Chain) == 0 {
		return nil
	}
	v, leaf := *o.Verification, o.Chain[0]
	verified := e.Mode == request.TLSVerifyCA || e.Mode == request.TLSVerifyFull
	var found []finding.Finding
	add := func(code finding.Code, advisory bool) {
		found = append(found, finding.Finding{Code: code, Layer: layer, Advisory: advisory,
			Args: certificateArgs(o.ServerName, v, leaf)})
	}
	if !v.Trusted {
		add(finding.TLSUntrusted, !verified)
	}
	if !v.NameMatches {
		add(finding.TLSNameMismatch, e.Mode != request.TLSVerifyFull || v.NameProblem == LegacyCommonName)
	}
	switch {
	case v.At.After(v.NotAfter):
		add(finding.TLSExpired, !verified)
	case v.At.Before(v.NotBefore):
		add(finding.TLSNotYetValid, !verified)
	case v.NotAfter.Sub(v.At) < soon:
		add(finding.TLSExpiresSoon, !verified)
	}
	if foreignIssuer(o.ServerName, leaf.IssuerOrganizations) {
		add(finding.TLSIntercepted, false)
	}
	return found
}

// certificateArgs are the same keys for every finding on a certificate.
func certificateArgs(host string, v Verification, leaf Certificate) finding.Args {
	return finding.Args{
		"host":        host,
		"subject":     leaf.Subject,
		"issuer":      leaf.Issuer,
		"names":       append([]string{}, leaf.Names...),
		"selfSigned":  leaf.SelfSigned,
		"sha256":      leaf.SHA256,
		"reason":      string(v.Distrust),
		"problem":     string(v.NameProblem),
		"at":          v.At.Format(time.RFC3339),
		"notBefore":   v.NotBefore.Format(time.RFC3339),
		"notBeforeOf": v.NotBeforeOf,
		"notAfter":    v.NotAfter.Format(time.RFC3339),
		"notAfterOf":  v.NotAfterOf,
		// Whole days: left until the end, since the end, and until the beginning.
		"daysLeft":  max(0, int(v.NotAfter.Sub(v.At)/day)),
		"daysAgo":   max(0, int(v.At.Sub(v.NotAfter)/day)),
		"daysAhead": max(0, int(v.NotBefore.Sub(v.At)/day)),
	}
}
