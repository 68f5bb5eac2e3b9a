package check

import (
	"context"
	"crypto/x509"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
)

// securing is the evidence of the tls layer.
type securing struct {
	tls.Observation
	// FirstOffer is the attempt with P-256 alone, where the server refused that and a second one was made.
	FirstOffer *tls.Observation `json:"firstOffer,omitempty"`
	// WithoutTLS is what the server does without TLS, on the connection where it declined TLS. No password was sent.
	WithoutTLS *login.Observation `json:"withoutTls,omitempty"`
}

// secure asks for TLS. The connection goes on only where what was demanded of it holds.
func (l *legRun) secure(ctx context.Context) (diagnosis.Layer, bool) {
	roots, err := l.roots()
	if err != nil {
		return diagnosis.Layer{Inconclusive: err.Error(),
			Findings: []finding.Finding{unavailable(err, finding.TLS)}}, false
	}
	o, conn := tls.Observe(ctx, l.conn, l.tlsTarget(roots, tls.P256First))
	seen := securing{Observation: o}
	if o.GroupsRefused {
		if again := l.redial(ctx); again != nil {
			first := o
			o, conn = tls.Observe(ctx, again, l.tlsTarget(roots, tls.Full))
			seen = securing{Observation: o, FirstOffer: &first}
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
	l.tlsOffered = offered(o)
	l.verified = verified(o)
	found := tls.Judge(o, tls.Expect{Mode: l.leg.Endpoint.TLS.Mode})
	if l.tlsOffered == login.No && conn != nil {
		seen.WithoutTLS = l.withoutTLS(ctx)
		for i := range found {
			if found[i].Code == finding.TLSNotOffered {
				found[i].Args["withoutTLS"] = describe(seen.WithoutTLS)
			}
		}
		return diagnosis.Layer{Observation: seen, Findings: found}, false
	}
	return diagnosis.Layer{Observation: seen, Findings: found}, conn != nil
}

func (l *legRun) tlsTarget(roots *x509.CertPool, groups tls.Groups) tls.Target {
	return tls.Target{ServerName: l.leg.Endpoint.Host, Mode: l.leg.Endpoint.TLS.Mode, Roots: roots,
		Now: l.runner.parts.Now(), Groups: groups}
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
	return v != nil && v.Trusted && v.NameMatches && !v.At.Before(v.NotBefore) && !v.At.After(v.NotAfter)
}

func offered(o tls.Observation) login.Tri {
	switch o.Reply {
	case "S":
		return login.Yes
	case "N":
		return login.No
	}
	return login.Unknown
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

// describe is the short form of an attempt for an argument of a finding.
func describe(o *login.Observation) string {
	switch {
	case o == nil:
		return ""
	case o.Error != nil:
		return o.Error.Message
	case len(o.AuthMethods) > 0:
		return "asked for a password (" + strings.Join(o.AuthMethods, ", ") + ")"
	case o.Admitted():
		return "let in without a password"
	}
	return string(o.End)
}
