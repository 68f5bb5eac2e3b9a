package lab

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// handshakeSituations are section 2.3 of the mission's facts up to the end of the handshake.
func handshakeSituations() []situation {
	hello := then(readRequest, say("S"), readSome)
	with := func(change func(*tls.Config)) func(*bench) {
		return func(b *bench) {
			config := b.certs.healthy()
			change(config)
			serves(secure(config))(b)
		}
	}
	return []situation{
		{name: "no TLS is offered, verify-full", ids: "TLS-01", arrange: serves(then(readRequest, say("N"), wait)),
			want: finding.TLSNotOffered},
		{name: "no TLS is offered, require", ids: "TLS-01", arrange: serves(then(readRequest, say("N"), wait)),
			request: bothTLS(request.TLSRequire), want: finding.TLSNotOffered},
		{name: "no TLS is offered, disable", ids: "TLS-01", arrange: serves(then(readRequest, say("N"), wait)),
			request: source(func(e *request.Endpoint) { e.TLS = request.TLS{Mode: request.TLSDisable} })},
		{name: "S, then closed", ids: "TLS-11", arrange: serves(then(readRequest, say("S"), closeGently)), want: finding.TLSClosed},
		{name: "S, then closed after our hello", ids: "TLS-11", arrange: serves(then(hello, closeGently)), want: finding.TLSClosed},
		{name: "S, then reset after our hello", ids: "TLS-12", arrange: serves(then(hello, reset)), want: finding.TLSReset},
		{name: "an intrusion detection resets our hello", ids: "TLS-12", want: finding.TLSReset,
			arrange: forward("ip daddr " + sourceAddress + " tcp dport 5432 ip length > 120 reject with tcp reset")},
		{name: "S, then plain text", ids: "TLS-13", arrange: serves(then(hello, say("Proxy: no such back end\r\n"), wait)),
			want: finding.TLSNotTLS},
		{name: "S, then a PostgreSQL error in plain text", ids: "TLS-13", want: finding.TLSNotTLS,
			arrange: serves(then(hello, say(serverError("08P01", "no TLS here")), wait))},
		{name: "S, then nothing", ids: "NET-15", arrange: serves(then(hello, wait)), want: finding.TLSStalled},
		{name: "a firewall drops our hello", ids: "NET-15", want: finding.TLSStalled,
			arrange: forward("ip daddr " + sourceAddress + " tcp dport 5432 ip length > 120 drop")},
		{name: "stalls in the middle of the first flight", ids: "NET-15", want: finding.TLSStalled, arrange: func(b *bench) {
			config := serverConfig(b.certs.authority, largeOptions())
			serves(then(readRequest, say("S"), func(conn *net.TCPConn) {
				_ = tls.Server(&cutAfter{TCPConn: conn, left: 700}, config).Handshake()
			}))(b)
		}},
		{name: "TLS 1.2 only", arrange: with(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })},
		{name: "TLS 1.3 only", arrange: with(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })},
		{name: "TLS 1.1 only", ids: "TLS-09", want: finding.TLSVersion, arrange: with(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		})},
		{name: "TLS 1.0 only, and it does not say so", ids: "TLS-09", want: finding.TLSVersion,
			arrange: serves(then(hello, say(oldHello), wait))},
		{name: "P-256 is refused", arrange: with(func(c *tls.Config) {
			c.CurvePreferences = []tls.CurveID{tls.X25519}
			c.MaxVersion = tls.VersionTLS12
		})},
		{name: "P-256 is refused, TLS 1.3", arrange: with(func(c *tls.Config) {
			c.CurvePreferences = []tls.CurveID{tls.X25519}
		})},
		{name: "no common cipher", ids: "TLS-10", want: finding.TLSHandshake, arrange: with(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}
		})},
		{name: "an alert for our hello", ids: "TLS-10", want: finding.TLSHandshake, args: finding.Args{"alertName": "internal_error"},
			arrange: serves(then(hello, say("\x15\x03\x03\x00\x02\x02\x50"), closeGently))},
		{name: "a client certificate is wanted, TLS 1.2", ids: "TLS-14", want: finding.TLSClientCertificateRequired,
			arrange: with(func(c *tls.Config) { c.MaxVersion, c.ClientAuth = tls.VersionTLS12, tls.RequireAnyClientCert })},
		{name: "a client certificate is wanted, TLS 1.3", ids: "TLS-16", want: finding.TLSClientCertificateRequired,
			arrange: with(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })},
		{name: "a client certificate is asked for, and not needed", ids: "TLS-14",
			arrange: with(func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert })},
	}
}

// oldHello is a ServerHello of TLS 1.0.
var oldHello = "\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + fmt.Sprintf("%032d", 0) + "\x00\xc0\x09\x00"

// certificateSituations are certificates with one fault, each looked at by a mode that verifies and one that does not.
func certificateSituations() []situation {
	var all []situation
	type kind struct {
		ids, name string
		by        func(certificates) *pki.Authority
		change    func(*pki.Options)
		want      finding.Code
		args      finding.Args
		// lenient is the verdict where the mode does not demand it: a warning, or for information only.
		lenient report.Verdict
	}
	lab := func(c certificates) *pki.Authority { return c.authority }
	now := time.Now()
	for _, k := range []kind{
		{"TLS-02", "an unknown authority", func(c certificates) *pki.Authority { return c.corporate }, nil,
			finding.TLSUntrusted, finding.Args{"selfSigned": false}, report.ReadyWithWarnings},
		{"TLS-03", "another name", lab, func(o *pki.Options) { o.Names = []string{"other.corp.example"} },
			finding.TLSNameMismatch, finding.Args{"problem": "otherNames"}, report.Ready},
		{"TLS-07", "no names at all", lab, func(o *pki.Options) { o.Names, o.CommonName = nil, "elsewhere" },
			finding.TLSNameMismatch, nil, report.Ready},
		{"TLS-05", "expired", lab, func(o *pki.Options) {
			o.NotBefore, o.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(0, 0, -3)
		}, finding.TLSExpired, finding.Args{"daysAgo": 3}, report.ReadyWithWarnings},
		{"TLS-06", "not valid yet", lab, func(o *pki.Options) { o.NotBefore = now.Add(50 * time.Hour) },
			finding.TLSNotYetValid, finding.Args{"daysAhead": 2}, report.ReadyWithWarnings},
		{"TLS-02", "a certificate for clients alone", lab, func(o *pki.Options) {
			o.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, finding.TLSUntrusted, nil, report.ReadyWithWarnings},
	} {
		arrange := func(b *bench) {
			o := healthyOptions()
			if k.change != nil {
				k.change(&o)
			}
			serves(secure(serverConfig(k.by(b.certs), o)))(b)
		}
		all = append(all,
			situation{name: k.name + ", verify-full", ids: k.ids, want: k.want, args: k.args, arrange: arrange},
			situation{name: k.name + ", require", ids: k.ids, want: k.want, args: k.args, arrange: arrange,
				verdict: k.lenient, request: bothTLS(request.TLSRequire)})
	}
	return append(all, certificateOddities()...)
}

func certificateOddities() []situation {
	byAddress := source(func(e *request.Endpoint) { e.Host = sourceAddress })
	nameless := func(b *bench) {
		o := healthyOptions()
		o.Names = []string{sourceName}
		serves(secure(serverConfig(b.certs.authority, o)))(b)
	}
	commonName := func(b *bench) {
		serves(secure(serverConfig(b.certs.authority, pki.Options{CommonName: sourceName})))(b)
	}
	return []situation{
		{name: "another name, verify-ca", ids: "TLS-03", want: finding.TLSNameMismatch, verdict: report.Ready,
			request: bothTLS(request.TLSVerifyCA), arrange: func(b *bench) {
				o := healthyOptions()
				o.Names = []string{"other.corp.example"}
				serves(secure(serverConfig(b.certs.authority, o)))(b)
			}},
		{name: "no address in the certificate, verify-full", ids: "TLS-04", arrange: nameless, request: byAddress,
			want: finding.TLSNameMismatch, also: []finding.Code{finding.DNSHostIsAddress}},
		{name: "a common name alone, verify-full", ids: "TLS-07", arrange: commonName, want: finding.TLSNameMismatch,
			verdict: report.Ready},
		{name: "expires in ten days, verify-full", ids: "TLS-05", want: finding.TLSExpiresSoon,
			verdict: report.ReadyWithWarnings, args: finding.Args{"daysLeft": 9}, arrange: expiring},
		{name: "expires in ten days, require", ids: "TLS-05", want: finding.TLSExpiresSoon, verdict: report.ReadyWithWarnings,
			arrange: expiring, request: bothTLS(request.TLSRequire)},
		{name: "self-signed, verify-full", ids: "TLS-02", arrange: selfSigned, want: finding.TLSUntrusted,
			args: finding.Args{"selfSigned": true}},
		{name: "self-signed, require", ids: "TLS-02", arrange: selfSigned, want: finding.TLSUntrusted,
			verdict: report.ReadyWithWarnings, request: bothTLS(request.TLSRequire)},
		{name: "an authority in between", arrange: func(b *bench) { serves(secure(between(b, true)))(b) }},
		{name: "an authority in between that is not sent", ids: "TLS-21", want: finding.TLSUntrusted,
			arrange: func(b *bench) { serves(secure(between(b, false)))(b) }},
		{name: "intercepted, and its authority is unknown", ids: "TLS-22", leg: "target", want: finding.TLSUntrusted,
			also: []finding.Code{finding.TLSIntercepted}, arrange: intercepted},
		{name: "intercepted, and its authority is trusted", ids: "TLS-22", leg: "target", want: finding.TLSIntercepted,
			verdict: report.ReadyWithWarnings, arrange: func(b *bench) {
				intercepted(b)
				b.order.Roots[rootsSetting] += string(b.certs.corporate.PEM())
			}},
		{name: "the roots' setting holds none", want: finding.CredentialUnavailable, verdict: report.Inconclusive,
			arrange: func(b *bench) { b.order.Roots[rootsSetting] = "" }, also: []finding.Code{finding.CredentialUnavailable}},
		{name: "expired, unknown and of another name", ids: "TLS-02 TLS-03 TLS-05", want: finding.TLSUntrusted,
			also: []finding.Code{finding.TLSNameMismatch, finding.TLSExpired}, arrange: func(b *bench) {
				serves(secure(serverConfig(b.certs.corporate, pki.Options{Names: []string{"old.corp.example"},
					NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(-1, 0, 0)})))(b)
			}},
	}
}

func expiring(b *bench) {
	o := healthyOptions()
	o.NotAfter = time.Now().Add(10*24*time.Hour - time.Hour)
	serves(secure(serverConfig(b.certs.authority, o)))(b)
}

// selfSigned is what initdb's neighbours make: a certificate that signed itself.
func selfSigned(b *bench) {
	own, err := pki.NewAuthority(sourceName)
	must(err)
	serves(secure(serverConfig(own, healthyOptions())))(b)
}

func intercepted(b *bench) {
	b.target.stop()
	b.target.serve(5432, secure(serverConfig(b.certs.corporate, healthyOptions())))
}

// between is a server whose certificate an authority below the root has signed.
func between(b *bench, sent bool) *tls.Config {
	below, err := b.certs.authority.Subordinate("Lab Issuing CA 04")
	must(err)
	config := serverConfig(below, healthyOptions())
	if !sent {
		config.Certificates[0].Certificate = config.Certificates[0].Certificate[:1]
	}
	return config
}

// cutAfter lets only the first bytes through.
type cutAfter struct {
	*net.TCPConn
	left int
}

// Write implements net.Conn.
func (c *cutAfter) Write(p []byte) (int, error) {
	n := min(c.left, len(p))
	c.left -= n
	if _, err := c.TCPConn.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
