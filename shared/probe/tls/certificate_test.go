package tls

import (
	cryptotls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// The certificates that servers really have, and what each mode makes of them. A code with a leading "~" is advisory.
func TestCertificates(t *testing.T) {
	t.Parallel()
	a, other := authority(t), authority(t)
	sub, err := a.Subordinate("test issuing authority")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	named := []string{host}
	untrusted, mismatch := string(finding.TLSUntrusted), string(finding.TLSNameMismatch)
	for name, test := range map[string]struct {
		config *cryptotls.Config
		server string // name to verify; host where empty
		want   map[request.TLSMode][]string
		check  func(Verification) bool
	}{
		"good": {config: certificate(t, a, pki.Options{Names: named}), want: modes(nil, nil, nil)},
		"wildcard": {config: certificate(t, a, pki.Options{Names: []string{"*.example.test"}}),
			want: modes(nil, nil, nil)},
		"address in the certificate": {config: certificate(t, a, pki.Options{Names: []string{"127.0.0.1"}}),
			server: "127.0.0.1", want: modes(nil, nil, nil)},
		"with its issuing authority": {config: certificate(t, sub, pki.Options{Names: named}), want: modes(nil, nil, nil)},
		"without its issuing authority": {config: leafOnly(certificate(t, sub, pki.Options{Names: named})),
			want:  modes([]string{"~" + untrusted}, []string{untrusted}, []string{untrusted}),
			check: func(v Verification) bool { return v.Distrust == UnknownAuthority }},
		"unknown authority": {config: certificate(t, other, pki.Options{Names: named}),
			want:  modes([]string{"~" + untrusted}, []string{untrusted}, []string{untrusted}),
			check: func(v Verification) bool { return v.Distrust == UnknownAuthority }},
		"self-signed": {config: &cryptotls.Config{Certificates: []cryptotls.Certificate{rsaCertificate(t)}},
			want: modes([]string{"~" + untrusted, "~TLS_EXPIRES_SOON"}, []string{untrusted, "TLS_EXPIRES_SOON"},
				[]string{untrusted, "TLS_EXPIRES_SOON"}),
			check: func(v Verification) bool { return v.Distrust == SelfSigned }},
		"for clients only": {config: certificate(t, a, pki.Options{Names: named,
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}),
			want:  modes([]string{"~" + untrusted}, []string{untrusted}, []string{untrusted}),
			check: func(v Verification) bool { return v.Distrust == NotForServers }},
		"another name": {config: certificate(t, a, pki.Options{Names: []string{"gateway.example.test"}}),
			want:  modes([]string{"~" + mismatch}, []string{"~" + mismatch}, []string{mismatch}),
			check: func(v Verification) bool { return v.NameProblem == OtherNames }},
		"an address, names only": {config: certificate(t, a, pki.Options{Names: named}), server: "127.0.0.1",
			want:  modes([]string{"~" + mismatch}, []string{"~" + mismatch}, []string{mismatch}),
			check: func(v Verification) bool { return v.NameProblem == NoAddresses }},
		"the name as common name only": {config: certificate(t, a, pki.Options{CommonName: host}),
			want:  modes([]string{"~" + mismatch}, []string{"~" + mismatch}, []string{"~" + mismatch}),
			check: func(v Verification) bool { return v.NameProblem == LegacyCommonName }},
		"another common name, no names": {config: certificate(t, a, pki.Options{CommonName: "pg"}),
			want:  modes([]string{"~" + mismatch}, []string{"~" + mismatch}, []string{mismatch}),
			check: func(v Verification) bool { return v.NameProblem == NoNames }},
		"expired": {config: certificate(t, a, pki.Options{Names: named, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(0, 0, -3)}),
			want:  modes([]string{"~TLS_EXPIRED"}, []string{"TLS_EXPIRED"}, []string{"TLS_EXPIRED"}),
			check: func(v Verification) bool { return v.Trusted }},
		"not yet valid": {config: certificate(t, a, pki.Options{Names: named, NotBefore: now.Add(time.Hour)}),
			want:  modes([]string{"~TLS_NOT_YET_VALID"}, []string{"TLS_NOT_YET_VALID"}, []string{"TLS_NOT_YET_VALID"}),
			check: func(v Verification) bool { return v.Trusted }},
		"expires soon": {config: certificate(t, a, pki.Options{Names: named, NotAfter: now.AddDate(0, 0, 29)}),
			want: modes([]string{"~TLS_EXPIRES_SOON"}, []string{"TLS_EXPIRES_SOON"}, []string{"TLS_EXPIRES_SOON"})},
		"expires in time": {config: certificate(t, a, pki.Options{Names: named, NotAfter: now.AddDate(0, 0, 31)}),
			want: modes(nil, nil, nil)},
		"everything at once": {config: certificate(t, other, pki.Options{Names: []string{"old"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.Add(-time.Hour)}),
			want: modes([]string{"~" + untrusted, "~" + mismatch, "~TLS_EXPIRED"}, []string{untrusted, "~" + mismatch, "TLS_EXPIRED"},
				[]string{untrusted, mismatch, "TLS_EXPIRED"})},
	} {
		for mode, want := range test.want {
			t.Run(name+", "+string(mode), func(t *testing.T) {
				t.Parallel()
				server := host
				if test.server != "" {
					server = test.server
				}
				o, next := observe(t, connectTo(t, secure(test.config)), 3*time.Second,
					Target{ServerName: server, Mode: mode, Roots: a.Pool()})
				if o.Verification == nil {
					t.Fatalf("observation: %+v", o)
				}
				if test.check != nil && !test.check(*o.Verification) {
					t.Errorf("verification: %+v", o.Verification)
				}
				got := marked(judge(t, o, mode))
				if !slices.Equal(got, want) {
					t.Errorf("findings %v, want %v; %+v", got, want, o.Verification)
				}
				if hindered := slices.ContainsFunc(want, hinders); hindered != (next == nil) {
					t.Errorf("hindered is %v, the connection %v", hindered, next)
				}
			})
		}
	}
}

// hinders says that a finding must keep the password from being sent.
func hinders(code string) bool { return code[0] != '~' && code != string(finding.TLSExpiresSoon) }

func marked(found []finding.Finding) []string {
	var out []string
	for _, f := range found {
		code := string(f.Code)
		if f.Advisory {
			code = "~" + code
		}
		out = append(out, code)
	}
	return out
}

func modes(require, verifyCA, verifyFull []string) map[request.TLSMode][]string {
	return map[request.TLSMode][]string{
		request.TLSRequire: require, request.TLSVerifyCA: verifyCA, request.TLSVerifyFull: verifyFull}
}

func leafOnly(config *cryptotls.Config) *cryptotls.Config {
	config.Certificates[0].Certificate = config.Certificates[0].Certificate[:1]
	return config
}

// A server that fails a demanded verification gets a close by the rules and not one byte of PostgreSQL.
func TestUnverifiedServerGetsNothing(t *testing.T) {
	t.Parallel()
	config := certificate(t, authority(t), pki.Options{Names: []string{host}})
	got := make(chan error, 1)
	server := func(t *testing.T, conn *net.TCPConn) {
		readRequest(t, conn)
		_, _ = conn.Write([]byte{'S'})
		n, err := cryptotls.Server(conn, config).Read(make([]byte, 1))
		if n > 0 {
			err = errors.New("a byte of PostgreSQL arrived")
		}
		got <- err
	}
	o, next := observe(t, connectTo(t, server), 3*time.Second,
		Target{ServerName: host, Mode: request.TLSVerifyFull, Roots: authority(t).Pool()})
	if next != nil || o.Ended != EndedUnverified {
		t.Errorf("observation: %+v", o)
	}
	if err := <-got; !errors.Is(err, io.EOF) {
		t.Errorf("the server saw %v, want a close_notify", err)
	}
}

func TestExpiredIntermediateIsNamed(t *testing.T) {
	t.Parallel()
	a := authority(t)
	sub, err := a.Subordinate("test issuing authority")
	if err != nil {
		t.Fatal(err)
	}
	config := certificate(t, sub, pki.Options{Names: []string{host}, NotAfter: time.Now().AddDate(30, 0, 0)})
	later := time.Now().AddDate(10, 0, 0).Add(-20 * 24 * time.Hour)
	o, _ := observe(t, connectTo(t, secure(config)), 3*time.Second,
		Target{ServerName: host, Mode: request.TLSVerifyFull, Roots: a.Pool(), Now: later})
	found := judge(t, o, request.TLSVerifyFull)
	if len(found) != 1 || found[0].Code != finding.TLSExpiresSoon {
		t.Fatalf("findings: %v", found)
	}
	if days := found[0].Args["daysLeft"]; days != 19 && days != 20 {
		t.Errorf("days left: %v", days)
	}
	if of := found[0].Args["notAfterOf"]; of != "CN=test issuing authority" && of != "CN=test root" {
		t.Errorf("it is %v that expires", of)
	}
}

func TestCommonNameMatchesAsInLibpq(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"db.example.test", "DB.example.test", true},
		{"*.example.test", "db.example.test", true},
		{"*.example.test", "a.db.example.test", false},
		{"*.example.test", "example.test", false},
		{"*.test", "example.test", false},
		{"*", "example", false},
		{"", "", false},
	} {
		if got := matchesCommonName(test.pattern, test.name); got != test.want {
			t.Errorf("%q for %q: %v", test.pattern, test.name, got)
		}
	}
}
