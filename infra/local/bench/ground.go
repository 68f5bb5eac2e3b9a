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
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/link"
	"github.com/pgpreflight/pgpreflight/infra/local/bench/place"
	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/netns"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
)

// The addresses exist in the two namespaces alone.
const (
	clientAddress = "10.78.0.1"
	namesAddress  = "10.78.0.53"
	sourceAddress = "10.78.0.2"
	targetAddress = "10.78.0.3"
	// holesNetwork is reached over a pair of interfaces of the kernel's, and everything to it is dropped at the far end. The
	// wire has nothing to add there, and carrying a thousand SYNs would take processor time from the program that is measured.
	holesNetwork = "10.78.64.0/18"
	brink, abyss = "10.78.1.1", "10.78.1.2"
)

// inside marks the process that has a mount namespace of its own.
const inside = "PGPREFLIGHT_BENCH_INSIDE"

// enter runs the benchmark again in a mount namespace of its own, where /etc/resolv.conf can name the benchmark's DNS
// server: psql, dig and the exporter have no other way to be told.
func enter() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	again := exec.Command(self, os.Args[1:]...)
	again.Env = append(os.Environ(), inside+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := again.Run(); err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	return nil
}

// ground is what everything is measured on.
type ground struct {
	dir            string
	client, server netns.Namespace
	wire           *link.Link
	names          *dnsserver.Server
	databases      []*postgres.Server
	place          place.Place
	placeFile      string
	clientProgram  string
	exporterPID    int
	undo           []func()
}

func build(ctx context.Context, o options) (*ground, error) {
	g := &ground{place: place.Place{Port: 5432, Resolver: namesAddress + ":53", User: "migrator",
		Password: "only-for-this-run",
		Source:   place.Server{Host: "orders-db.corp.example", Address: sourceAddress, Database: "orders"},
		Target:   place.Server{Host: "orders.private.postgres.database.azure.com", Address: targetAddress, Database: "postgres"}}}
	for _, step := range []func(context.Context, options) error{g.files, g.wires, g.resolver, g.servers, g.programs} {
		if err := step(ctx, o); err != nil {
			g.close()
			return nil, err
		}
	}
	return g, nil
}

func (g *ground) close() {
	for i := len(g.undo) - 1; i >= 0; i-- {
		g.undo[i]()
	}
	g.undo = nil
}

func (g *ground) files(context.Context, options) error {
	dir, err := os.MkdirTemp("", "pgpreflight-bench-")
	if err != nil {
		return err
	}
	g.dir = dir
	g.undo = append(g.undo, func() { _ = os.RemoveAll(dir) })
	// PostgreSQL's servers run as another user, below this folder.
	return os.Chmod(dir, 0o755)
}

func (g *ground) wires(context.Context, options) error {
	var err error
	for _, end := range []*netns.Namespace{&g.client, &g.server} {
		if *end, err = netns.New(); err != nil {
			return err
		}
		g.undo = append(g.undo, func() { end.Close() })
	}
	g.wire, err = link.Join(
		link.End{Namespace: g.client, Addresses: []string{clientAddress + "/24"}},
		link.End{Namespace: g.server, Addresses: []string{sourceAddress + "/24", targetAddress + "/24", namesAddress + "/24"}})
	if err != nil {
		return err
	}
	g.undo = append(g.undo, func() { _ = g.wire.Close() })
	// A thousand logins in one second are no attack here.
	err = errors.Join(g.client.IP("link add holes type veth peer name abyss netns "+g.server.Path()),
		g.client.IP("addr add "+brink+"/24 dev holes", "link set holes up"),
		g.server.IP("addr add "+abyss+"/24 dev abyss", "link set abyss up"),
		g.client.IP("route add "+holesNetwork+" via "+abyss),
		g.server.Sysctl("net/core/somaxconn=4096", "net/ipv4/tcp_max_syn_backlog=4096", "net/ipv4/tcp_syncookies=0"))
	if err != nil {
		return err
	}
	return g.server.Run("table ip bench { chain input { type filter hook input priority 0; ip daddr "+holesNetwork+
		" drop; }; chain forward { type filter hook forward priority 0; drop; }; }\n", "nft", "-f", "-")
}

func (g *ground) resolver(context.Context, options) error {
	scripts := map[string]dnsserver.Script{}
	for _, end := range g.place.Ends() {
		scripts[end.Host] = dnsserver.Script{Addresses: []netip.Addr{netip.MustParseAddr(end.Address)}}
	}
	err := g.server.Do(func() (err error) {
		g.names, err = dnsserver.Start(dnsserver.Options{Address: g.place.Resolver, Names: scripts})
		return err
	})
	if err != nil {
		return err
	}
	g.undo = append(g.undo, g.names.Close)
	file := filepath.Join(g.dir, "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+namesAddress+"\n"), 0o644); err != nil {
		return err
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("leave the machine's mounts alone: %w", err)
	}
	if err := syscall.Mount(file, "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("name the DNS server: %w", err)
	}
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
	g.databases = make([]*postgres.Server, 2)
	var starting errgroup.Group
	for i, end := range g.place.Ends() {
		starting.Go(func() error {
			certificate, err := authority.Issue(pki.Options{CommonName: end.Host, Names: []string{end.Host}})
			if err != nil {
				return err
			}
			o := postgres.Options{Prefix: g.server.Prefix(), Address: end.Address, Port: g.place.Port, TLS: &certificate,
				Settings: map[string]string{"max_connections": "1100"},
				Init: []string{"CREATE ROLE migrator LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD '" + g.place.Password + "'",
					"GRANT pg_signal_backend TO migrator"}}
			if end.Database != "postgres" {
				o.Init = append(o.Init, "CREATE DATABASE "+end.Database+" OWNER migrator")
			}
			g.databases[i], err = postgres.Start(ctx, o)
			return err
		})
	}
	err = starting.Wait()
	g.undo = append(g.undo, func() {
		for _, d := range g.databases {
			if d != nil {
				_ = d.Stop()
			}
		}
	})
	return err
}

// programs writes what the clients read, and builds ours.
func (g *ground) programs(ctx context.Context, o options) error {
	g.placeFile = filepath.Join(g.dir, "place.json")
	raw, err := json.Marshal(g.place)
	if err != nil {
		return err
	}
	requested, err := json.Marshal(g.place.Request(0))
	if err != nil {
		return err
	}
	files := map[string][]byte{"place.json": raw, "request.json": requested, "blackbox.yml": fmt.Appendf(nil, blackboxModules, g.place.RootsFile)}
	for i, questions := range g.place.Questions() {
		files[fmt.Sprintf("questions-%d.sql", i)] = []byte(strings.Join(questions, ";\n") + ";\n")
		for n, sql := range questions {
			files[fmt.Sprintf("question-%d-%02d.sql", i, n)] = []byte(sql + ";\n")
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(g.dir, name), content, 0o644); err != nil {
			return err
		}
	}
	for program, source := range map[string]string{"client": "./infra/local/bench/client", "empty": "./infra/local/bench/empty"} {
		compile := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(g.dir, program), source)
		compile.Dir, compile.Env = o.root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := compile.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", program, err, out)
		}
	}
	g.clientProgram = filepath.Join(g.dir, "client")
	return nil
}
