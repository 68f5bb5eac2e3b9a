package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// The names of the sample. They lead to this machine: the stack's DNS server makes them, no other is asked.
const (
	sourceHost  = "orders-db.corp.example"
	targetHost  = "orders.private.postgres.database.azure.com"
	brokenHost  = "billing-db.corp.example"
	missingHost = "billing.postgres.database.azure.com"
	privateLink = "billing.privatelink.postgres.database.azure.com"
	// password of the throw-away servers.
	password = "only-for-this-run"
)

// pair is a source and a target.
type pair struct {
	source, target *postgres.Server
	roots          string
}

func startPair(ctx context.Context) (*pair, error) {
	// A name under postgres.database.azure.com with another issuer than its cloud's would rightly be called intercepted.
	authority, err := pki.NewAuthorityOf("Microsoft Corporation", "pgpreflight local root")
	if err != nil {
		return nil, err
	}
	p := &pair{roots: string(authority.PEM())}
	hba := []string{"hostssl orders,postgres migrator 127.0.0.1/32 scram-sha-256"}
	role := "CREATE ROLE migrator LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD '" + password + "'"
	var starting errgroup.Group
	starting.Go(func() (err error) {
		p.source, err = startServer(ctx, authority, []string{sourceHost, brokenHost}, postgres.Options{HBA: hba,
			Init: []string{role, "CREATE DATABASE orders OWNER migrator"}})
		return err
	})
	starting.Go(func() (err error) {
		p.target, err = startServer(ctx, authority, []string{targetHost}, postgres.Options{HBA: hba,
			Init: []string{role, "GRANT pg_signal_backend TO migrator"}})
		return err
	})
	if err := starting.Wait(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func startServer(ctx context.Context, a *pki.Authority, names []string, o postgres.Options) (*postgres.Server, error) {
	certificate, err := a.Issue(pki.Options{CommonName: names[0], Names: names})
	if err != nil {
		return nil, err
	}
	o.TLS = &certificate
	server, err := postgres.Start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL for %s: %w", names[0], err)
	}
	return server, nil
}

func (p *pair) stop() error {
	var faults []error
	for _, server := range []*postgres.Server{p.source, p.target} {
		if server != nil {
			faults = append(faults, server.Stop())
		}
	}
	return errors.Join(faults...)
}

// names are what the stack's DNS server answers. The last one is a server with a private endpoint whose record nobody wrote.
func (p *pair) names() map[string]dnsserver.Script {
	return map[string]dnsserver.Script{sourceHost: stack.Loopback(), targetHost: stack.Loopback(),
		brokenHost: stack.Loopback(), missingHost: {Alias: privateLink}, privateLink: {Fault: dnsserver.NXDomain}}
}

// settings allow what a deployment does not: this machine itself, and the servers' free ports.
func (p *pair) settings() map[string]string {
	return map[string]string{
		"ALLOWED_TARGETS":   "127.0.0.1/32",
		"ALLOWED_PORTS":     fmt.Sprintf("5432,%d,%d", p.source.Port, p.target.Port),
		"MIGRATOR_PASSWORD": password,
		"LOCAL_ROOTS":       p.roots,
	}
}

// healthy is a check that comes out ready.
func (p *pair) healthy() request.Check {
	return request.Check{Version: 1, ID: "sample-ready", Route: "orders-db", Wave: "sample", Mode: request.Offline,
		Depth: request.DepthPrerequisites, TimeoutSeconds: 30, RequestedBy: "make run",
		Scenario: request.Scenario{Source: request.SourcePlace{Kind: request.OnPremises, Access: request.Private},
			Target: request.TargetPlace{Access: request.VNetIntegrated}},
		Source: p.endpoint(sourceHost, p.source.Port, "orders"), Target: p.endpoint(targetHost, p.target.Port, "postgres")}
}

// broken is a check that comes out not ready: pg_hba.conf has no line for the user, and the target's name leads nowhere.
func (p *pair) broken() request.Check {
	c := p.healthy()
	c.ID, c.Route = "sample-broken", "billing-db"
	c.Scenario.Target.Access = request.PrivateEndpoint
	c.Source = p.endpoint(brokenHost, p.source.Port, "billing")
	c.Source.User = "billing_migrator"
	c.Target = p.endpoint(missingHost, 5432, "postgres")
	runtime := p.endpoint(targetHost, p.target.Port, "postgres")
	c.RuntimeServer = &runtime
	return c
}

func (p *pair) endpoint(host string, port int, database string) request.Endpoint {
	return request.Endpoint{Host: host, Port: port, Databases: []string{database}, User: "migrator",
		Credential: request.Credential{Setting: "MIGRATOR_PASSWORD"},
		TLS:        request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "LOCAL_ROOTS"}}
}

// merge joins settings; the later win.
func merge(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, one := range all {
		maps.Copy(out, one)
	}
	return out
}
