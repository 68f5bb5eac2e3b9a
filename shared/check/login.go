package check

import (
	"context"
	"errors"
	"net"

	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// password is a secret, or why there is none.
type password struct {
	value secret.String
	err   error
}

// fetch looks for the credential beside the first layers, so that a vault costs no time of its own.
func (r *Runner) fetch(ctx context.Context, c request.Credential) <-chan password {
	found := make(chan password, 1)
	go func() {
		value, err := r.parts.Credentials.Resolve(ctx, c)
		found <- password{value, err}
	}()
	return found
}

func (l *legRun) login(ctx context.Context) (diagnosis.Layer, bool) {
	given, err := l.awaitPassword(ctx)
	if err != nil {
		return diagnosis.Layer{Inconclusive: err.Error(), Findings: []finding.Finding{unavailable(err, finding.Login)}}, false
	}
	if l.starved(ctx) {
		return diagnosis.Layer{Inconclusive: shareOver}, false
	}
	target := l.loginTarget()
	l.secret = given
	target.Password, target.Flight = given, l.flight()
	conn := l.conn
	l.conn = nil
	first, session := login.Observe(ctx, conn, target)
	l.session, l.version = session, first.ServerVersionNum
	seen := evidence.Login{Attempts: []login.Observation{first}}
	offered := l.tlsOffered
	if again, late := l.lateAlert(conn, first); late {
		seen.LateAlert = &again
		return diagnosis.Layer{Observation: seen, Findings: seen.Judge(l.leg, offered)}, false
	}
	if login.WorthOtherAttempt(first, evidence.LoginExpect(l.leg, offered)) {
		l.otherAttempt(ctx, &seen)
	}
	return diagnosis.Layer{Observation: seen, Findings: seen.Judge(l.leg, offered)}, session != nil
}

// lateAlert looks whether the login got no answer because of a TLS alert that came after the handshake: a server of TLS
// 1.3 that misses a client certificate says so only then.
func (l *legRun) lateAlert(conn net.Conn, o login.Observation) (tls.Observation, bool) {
	if o.Passed() || o.Error != nil || o.Stopped != "" || o.Violation != "" || o.End == login.EndTimeout {
		return tls.Observation{}, false
	}
	return tls.Revisit(l.secured, conn)
}

// otherAttempt makes the attempt with the other TLS state. It has a connection of its own and never gets the password.
func (l *legRun) otherAttempt(ctx context.Context, seen *evidence.Login) {
	conn := l.redial(ctx)
	if conn == nil {
		return
	}
	if !seen.Attempts[0].TLS {
		if conn = l.encrypt(ctx, conn, seen); conn == nil {
			return
		}
	}
	target := l.loginTarget()
	target.PasswordNever = true
	o, session := login.Observe(ctx, conn, target)
	if session != nil {
		_ = session.Close(ctx)
	}
	seen.Attempts = append(seen.Attempts, o)
}

// encrypt adds TLS without verification: no secret goes over it. Where there is no TLS, how it ended is kept.
func (l *legRun) encrypt(ctx context.Context, conn net.Conn, seen *evidence.Login) net.Conn {
	target := l.tlsTarget(nil, tls.Full)
	target.Mode = request.TLSRequire
	o, secured := tls.Observe(ctx, conn, target)
	if secured != nil && evidence.Offered(o) == login.Yes {
		return secured
	}
	if secured != nil {
		_ = secured.Close()
	}
	seen.OtherTLS = &o
	return nil
}

// awaitPassword waits for the credential as long as the layer may take.
func (l *legRun) awaitPassword(ctx context.Context) (secret.String, error) {
	select {
	case found := <-l.password:
		return found.value, found.err
	case <-ctx.Done():
		return secret.String{}, context.Cause(ctx)
	}
}

func (l *legRun) loginTarget() login.Target {
	e := l.leg.Endpoint
	return login.Target{User: e.User, Database: e.Databases[0], Password: l.secret, TLSVerified: l.verified,
		Keys: l.runner.keys}
}

// unavailable is a credential or a list of roots that could not be had. The error never carries the value.
func unavailable(err error, layer finding.Layer) finding.Finding {
	f := finding.Finding{Code: finding.CredentialUnavailable, Layer: layer,
		Args: finding.Args{"source": "the credential", "why": err.Error()}}
	var known *credential.Unavailable
	if errors.As(err, &known) {
		f.Args["source"], f.Args["why"] = known.Source, known.Why
	}
	return f
}
