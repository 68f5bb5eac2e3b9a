package soak

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/check"
	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/guard"
)

const (
	sourceHost = "orders-db.corp.example"
	targetHost = "orders.private.postgres.database.azure.com"
	password   = "never-to-be-seen-7c1f"
)

// ground is what the checks are made on.
type ground struct {
	names          *dnsserver.Server
	authority      *pki.Authority
	source, target *postgres.Server
	runner         *check.Runner
}

func build(t *testing.T, names map[string]dnsserver.Script) *ground {
	t.Helper()
	authority, err := pki.NewAuthorityOf("Microsoft Corporation", "soak root")
	if err != nil {
		t.Fatal(err)
	}
	g := &ground{authority: authority}
	g.source, g.target = g.server(t, sourceHost), g.server(t, targetHost)
	if g.names, err = dnsserver.Start(dnsserver.Options{Names: names, WithoutQueries: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.names.Close)
	g.runner = g.newRunner(t)
	return g
}

// server has room for every check at once and logs no connection: its log is not what this is about.
func (g *ground) server(t *testing.T, name string) *postgres.Server {
	t.Helper()
	certificate := g.certificate(t, name)
	s, err := postgres.Start(t.Context(), postgres.Options{TLS: &certificate,
		HBA: []string{"host all unwanted 127.0.0.1/32 reject", "hostssl all migrator 127.0.0.1/32 scram-sha-256"},
		Settings: map[string]string{"max_connections": "300", "log_connections": "off", "log_disconnections": "off",
			"log_min_messages": "panic"},
		Init: []string{"CREATE ROLE migrator LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD '" + password + "'",
			"GRANT pg_signal_backend TO migrator"}})
	if errors.Is(err, postgres.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	if name == sourceHost {
		if err := s.Exec(t.Context(), "CREATE DATABASE orders OWNER migrator"); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (g *ground) certificate(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	certificate, err := g.authority.Issue(pki.Options{CommonName: names[0], Names: names})
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// newRunner is made of the parts that the function app has.
func (g *ground) newRunner(t *testing.T) *check.Runner {
	t.Helper()
	policy, err := guard.Parse("127.0.0.1/32", "1-65535")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"MIGRATOR_PASSWORD": password, "WRONG_PASSWORD": "guessed",
		"ROOTS": string(g.authority.PEM())}
	credentials := credential.New(credential.Options{Getenv: func(name string) string { return settings[name] }})
	return check.New(check.Parts{
		Resolvers: func() ([]netip.AddrPort, error) { return []netip.AddrPort{g.names.Address()}, nil },
		Dialer:    policy.Dialer, CheckPort: policy.CheckPort, CheckName: policy.CheckName, Credentials: credentials,
		Words: sync.OnceValues(catalog.Load),
	})
}
