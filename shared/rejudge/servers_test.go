package rejudge_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/check"
	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/guard"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// host is a name that the tests' own DNS server knows as a loopback address.
const host = "orders.corp.example"

var words = sync.OnceValues(catalog.Load)

func catalogue(t *testing.T) *catalog.Catalog {
	t.Helper()
	loaded, err := words()
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// given are the credentials of the tests; LOST is a setting that is not there.
type given struct{ roots *x509.CertPool }

func (given) Resolve(_ context.Context, c request.Credential) (secret.String, error) {
	if c.Setting == "LOST" {
		return secret.String{}, &credential.Unavailable{Source: "setting LOST", Why: "is not set"}
	}
	return secret.New("planted"), nil
}

func (g given) Roots(name string) (*x509.CertPool, error) {
	if name == "LOST" {
		return nil, &credential.Unavailable{Source: "setting LOST", Why: "is not set"}
	}
	return g.roots, nil
}

// run runs a real check and gives its report as it is stored.
func run(t *testing.T, c request.Check, roots *x509.CertPool, at report.Vantage) []byte {
	t.Helper()
	return runWith(t, c, roots, at, nil)
}

func runWith(t *testing.T, c request.Check, roots *x509.CertPool, at report.Vantage, reader check.Reader) []byte {
	t.Helper()
	names, err := dnsserver.Start(dnsserver.Options{Names: map[string]dnsserver.Script{
		host: {Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(names.Close)
	policy, err := guard.Parse("127.0.0.1/32", "1024-65535")
	if err != nil {
		t.Fatal(err)
	}
	r, err := check.New(check.Parts{
		Resolvers: func() ([]netip.AddrPort, error) { return []netip.AddrPort{names.Address()}, nil },
		Dialer:    policy.Dialer, CheckPort: policy.CheckPort, CheckName: policy.CheckName,
		Credentials: given{roots}, Words: words, Vantage: at, Azure: reader,
	}).Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return reporttest.JSON(t, r)
}

// serve answers every connection on a loopback port.
func serve(t *testing.T, answer func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		open.Wait()
	})
	return listener.Addr().(*net.TCPAddr).Port
}

// say reads once, writes and waits for the other side to go.
func say(text string) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 4096)
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			return
		}
		hold(conn)
	}
}

// hold is silent until the other side goes.
func hold(conn net.Conn) {
	buffer := make([]byte, 4096)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}

// refusing is a port that is bound and that nobody listens on.
func refusing(t *testing.T) int {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", portText(serve(t, hold))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().(*net.TCPAddr).Port
}

func end(port int) request.Endpoint {
	return request.Endpoint{Host: host, Port: port, User: "migrator", Databases: []string{"orders"},
		Credential: request.Credential{Setting: "PW"}, TLS: request.TLS{Mode: request.TLSRequire}}
}

func pair(source, target request.Endpoint, depth request.Depth) request.Check {
	return request.Check{Version: 1, ID: "one", Mode: request.Online, Depth: depth, TimeoutSeconds: 4, Source: source,
		Target: target}
}

// database is PostgreSQL with TLS, two databases and a migrator.
func database(t *testing.T, init ...string) (int, *x509.CertPool) {
	t.Helper()
	if _, err := postgres.Find(); err != nil {
		t.Skip(err)
	}
	authority, err := pki.NewAuthority("rejudge")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue(pki.Options{CommonName: host, Names: []string{host}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := postgres.Start(ctx, postgres.Options{TLS: &certificate, Init: append([]string{
		"CREATE ROLE migrator LOGIN REPLICATION CREATEROLE CREATEDB PASSWORD 'planted'",
		"GRANT pg_signal_backend TO migrator", "CREATE DATABASE orders OWNER migrator",
		"CREATE DATABASE billing OWNER migrator"}, init...),
		Settings: map[string]string{"wal_level": "logical", "wal_sender_timeout": "0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server.Port, authority.Pool()
}
