package check

import (
	"context"
	"crypto/x509"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
)

// secure asks for TLS. The connection goes on only where what was demanded of it holds.
func (l *legRun) secure(ctx context.Context) (diagnosis.Layer, bool) {
	roots, err := l.roots()
	if err != nil {
		return diagnosis.Layer{Inconclusive: err.Error(),
			Findings: []finding.Finding{unavailable(err, finding.TLS)}}, false
	}
	if l.starved(ctx) {
		return diagnosis.Layer{Inconclusive: shareOver}, false
	}
	o, conn := tls.Observe(ctx, l.conn, l.tlsTarget(roots, tls.P256First))
	seen := evidence.TLS{Observation: o}
	if o.GroupsRefused {
		if again := l.redial(ctx); again != nil {
			first := o
			o, conn = tls.Observe(ctx, again, l.tlsTarget(roots, tls.Full))
			seen = evidence.TLS{Observation: o, FirstOffer: &first}
		}
	}
	if conn != nil && !l.leg.WantsLogin() && o.Handshake != nil && o.Handshake.ClientCertificateRequested {
		// A login would show whether the certificate was only asked for; without one, the alert is waited for.
		if again, late := tls.Revisit(o, conn); late {
			_ = conn.Close()
			o, conn = again, nil
			seen.Observation = o
		}
	}
	l.conn, l.secured = conn, o
	l.tlsOffered = evidence.Offered(o)
	l.verified = verified(o)
	declined := seen.Declined()
	if declined {
		seen.WithoutTLS = l.withoutTLS(ctx)
	}
	return diagnosis.Layer{Observation: seen, Findings: seen.Judge(l.leg)}, conn != nil && !declined
}

func (l *legRun) tlsTarget(roots *x509.CertPool, groups tls.Groups) tls.Target {
	return tls.Target{ServerName: l.leg.Endpoint.Host, Mode: l.leg.Endpoint.TLS.Mode, Roots: roots,
		Now: l.runner.parts.Now(), Groups: groups, Chains: l.runner.chains}
}

func (l *legRun) roots() (*x509.CertPool, error) {
	if name := l.leg.Endpoint.TLS.RootsSetting; name != "" {
		return l.runner.parts.Credentials.Roots(name)
	}
	return nil, nil
}

// verified tells whether the certificate would have passed verify-full, whatever was demanded.
func verified(o tls.Observation) bool {
	v := o.Verification
	return v != nil && v.Trusted && v.NameMatches && v.Holds(v.At)
}

// withoutTLS sees how the server would answer a login on the connection where it declined TLS: the demand was for TLS,
// so no password goes out and nothing is passed on. It needs a user's name, and so a request that goes as deep as login.
func (l *legRun) withoutTLS(ctx context.Context) *login.Observation {
	conn := l.conn
	l.conn = nil
	if !l.leg.WantsLogin() {
		_ = conn.Close()
		return nil
	}
	target := l.loginTarget()
	target.PasswordNever, target.Attempt = true, login.WithoutTLS
	o, session := login.Observe(ctx, conn, target)
	if session != nil {
		_ = session.Close(ctx)
	}
	return &o
}
