package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/place"
	"github.com/pgpreflight/pgpreflight/infra/local/bench/process"
	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
)

// Both servers have the same port at addresses of their own.
const (
	sourceAddress = "127.0.0.2"
	targetAddress = "127.0.0.3"
)

// ground is the pair that is checked, the queue and the tables.
type ground struct {
	dir       string
	place     place.Place
	placeFile string
	client    string
	databases []*postgres.Server
	stack     *stack.Stack
	undo      []func() error
}

func build(ctx context.Context, o options) (*ground, error) {
	g := &ground{place: place.Place{User: "migrator", Password: "only-for-this-run",
		Source: place.Server{Host: "orders-db.corp.example", Address: sourceAddress, Database: "orders"},
		Target: place.Server{Host: "orders.private.postgres.database.azure.com", Address: targetAddress, Database: "postgres"}}}
	for _, step := range []func(context.Context, options) error{g.files, g.servers, g.services, g.program} {
		if err := step(ctx, o); err != nil {
			return nil, errors.Join(err, g.close())
		}
	}
	return g, nil
}

func (g *ground) close() error {
	var faults []error
	for i := len(g.undo) - 1; i >= 0; i-- {
		faults = append(faults, g.undo[i]())
	}
	g.undo = nil
	return errors.Join(faults...)
}

func (g *ground) files(context.Context, options) error {
	dir, err := os.MkdirTemp("", "pgpreflight-bench-")
	if err != nil {
		return err
	}
	g.dir, g.placeFile = dir, filepath.Join(dir, "place.json")
	g.undo = append(g.undo, func() error { return os.RemoveAll(dir) })
	return nil
}

func (g *ground) servers(ctx context.Context, _ options) error {
	authority, err := pki.NewAuthorityOf("Microsoft Corporation", "pgpreflight benchmark root")
	if err != nil {
		return err
	}
	g.place.RootsFile = filepath.Join(g.dir, "roots.pem")
	if err := os.WriteFile(g.place.RootsFile, authority.PEM(), 0o644); err != nil {
		return err
	}
	for _, end := range g.place.Ends() {
		certificate, err := authority.Issue(pki.Options{CommonName: end.Host, Names: []string{end.Host}})
		if err != nil {
			return err
		}
		o := postgres.Options{Address: end.Address, Port: g.place.Port, TLS: &certificate,
			Settings: map[string]string{"max_connections": "700"},
			Init: []string{"CREATE ROLE migrator LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD '" + g.place.Password + "'",
				"GRANT pg_signal_backend TO migrator"}}
		if end.Database != "postgres" {
			o.Init = append(o.Init, "CREATE DATABASE "+end.Database+" OWNER migrator")
		}
		server, err := postgres.Start(ctx, o)
		if err != nil {
			return err
		}
		g.undo = append(g.undo, server.Stop)
		g.databases, g.place.Port = append(g.databases, server), server.Port
	}
	return nil
}

// services are the queue, the tables and the names. The host comes when the queue is full.
func (g *ground) services(ctx context.Context, o options) error {
	names := map[string]dnsserver.Script{}
	for _, end := range g.place.Ends() {
		names[end.Host] = dnsserver.Script{Addresses: []netip.Addr{netip.MustParseAddr(end.Address)}}
	}
	settings, err := g.place.Settings()
	if err != nil {
		return err
	}
	delete(settings, "RESOLVERS") // The stack's own is the right one.
	settings["MAX_CONCURRENT_CHECKS"] = fmt.Sprint(o.atOnce)
	g.stack, err = stack.Start(ctx, stack.Options{Root: o.root, Names: names, Settings: settings, WithoutHost: true})
	if err != nil {
		return err
	}
	g.undo = append(g.undo, g.stack.Stop)
	g.place.Resolver = g.stack.Names.Address().String()
	return nil
}

// program builds the client that makes the same checks with nothing around them.
func (g *ground) program(ctx context.Context, o options) error {
	raw, err := json.Marshal(g.place)
	if err != nil {
		return err
	}
	if err := os.WriteFile(g.placeFile, raw, 0o644); err != nil {
		return err
	}
	g.client = filepath.Join(g.dir, "client")
	compile := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", g.client, "./infra/local/bench/client")
	compile.Dir, compile.Env = o.root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("build client: %w\n%s", err, out)
	}
	return nil
}

// usage is processor time in milliseconds, by what used it.
type usage struct{ databases, handler, tables, broker, host float64 }

// used is what everybody has used until now. The host and the DNS server are this process.
func (g *ground) used() usage {
	var u usage
	for _, d := range g.databases {
		u.databases += process.CPU(d.PID())
	}
	u.tables, u.broker = process.CPU(process.Child("azurite")), process.CPU(process.Child("servicebus"))
	if handler := process.Child("bin/handler"); handler != 0 {
		u.handler = process.CPU(handler)
	}
	u.host = own()
	return u
}

func (u usage) since(before usage) usage {
	return usage{databases: u.databases - before.databases, handler: u.handler - before.handler, tables: u.tables - before.tables,
		broker: u.broker - before.broker, host: u.host - before.host}
}

func (u usage) total() float64 { return u.databases + u.handler + u.tables + u.broker + u.host }
