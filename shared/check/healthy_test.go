package check

import (
	"context"
	"crypto/x509"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// healthyHost is the name of the servers that are as they should be.
const healthyHost = "orders.corp.example"

// rooted knows the password and the roots of the healthy servers.
type rooted struct{ roots *x509.CertPool }

func (rooted) Resolve(context.Context, request.Credential) (secret.String, error) {
	return secret.New("planted"), nil
}

func (r rooted) Roots(string) (*x509.CertPool, error) { return r.roots, nil }

func healthyRole() []string {
	return []string{"CREATE ROLE migrator LOGIN CREATEROLE CREATEDB PASSWORD 'planted'", "GRANT pg_signal_backend TO migrator",
		"CREATE DATABASE orders OWNER migrator"}
}

// healthyServer serves both ends with a certificate, and gives the roots that it is verified with.
func healthyServer(t testing.TB, o postgres.Options) (*postgres.Server, *x509.CertPool) {
	t.Helper()
	authority, err := pki.NewAuthority("healthy")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue(pki.Options{CommonName: healthyHost, Names: []string{healthyHost}})
	if err != nil {
		t.Fatal(err)
	}
	o.TLS = &certificate
	server, err := postgres.Start(t.Context(), o)
	skipOrFail(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	return server, authority.Pool()
}

// healthyCheck is a full check of a source and a target.
func healthyCheck(source, target int) request.Check {
	end := func(port int, database string) request.Endpoint {
		return request.Endpoint{Host: healthyHost, Port: port, User: "migrator", Databases: []string{database},
			Credential: request.Credential{Setting: "PW"}, TLS: request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "ROOTS"}}
	}
	return request.Check{Version: 1, ID: "healthy", Mode: request.Offline, Depth: request.DepthPrerequisites, TimeoutSeconds: 30,
		Source: end(source, "orders"), Target: end(target, "postgres")}
}
