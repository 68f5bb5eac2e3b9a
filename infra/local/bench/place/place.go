// Package place describes the pair of servers that every client of the benchmark checks, in one file that the
// measuring program writes and the clients read.
package place

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Place is a source and a target that are ready for a migration, and how to reach them.
type Place struct {
	Source   Server `json:"source"`
	Target   Server `json:"target"`
	Port     int    `json:"port"`
	Resolver string `json:"resolver"`
	User     string `json:"user"`
	Password string `json:"password"`
	// RootsFile holds the authority of both certificates, in PEM.
	RootsFile string `json:"rootsFile"`
}

// Server is one end.
type Server struct {
	Host     string `json:"host"`
	Address  string `json:"address"`
	Database string `json:"database"`
}

// Read reads the file.
func Read(file string) (Place, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Place{}, fmt.Errorf("read place: %w", err)
	}
	var p Place
	if err := json.Unmarshal(raw, &p); err != nil {
		return Place{}, fmt.Errorf("read place: %w", err)
	}
	return p, nil
}

// Ends are both servers.
func (p Place) Ends() []Server { return []Server{p.Source, p.Target} }

// routes is how many routes the checks belong to: with one, writers of its row would wait for one another.
const routes = 500

// Request is the full check of the pair.
func (p Place) Request(number int) request.Check {
	end := func(s Server) request.Endpoint {
		return request.Endpoint{Host: s.Host, Port: p.Port, Databases: []string{s.Database}, User: p.User,
			Credential: request.Credential{Setting: "BENCH_PASSWORD"},
			TLS:        request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "BENCH_ROOTS"}}
	}
	return request.Check{Version: 1, ID: fmt.Sprintf("bench-%d", number), Route: fmt.Sprintf("bench-%d", number%routes),
		Mode: request.Offline, Depth: request.DepthPrerequisites, TimeoutSeconds: 60, RequestedBy: "make bench",
		Scenario: request.Scenario{Source: request.SourcePlace{Kind: request.OnPremises, Access: request.Private},
			Target: request.TargetPlace{Access: request.VNetIntegrated}},
		Source: end(p.Source), Target: end(p.Target)}
}

// Holes is the check of a pair of addresses where nothing answers, another pair for every number.
func (p Place) Holes(number int) request.Check {
	c := p.Request(number)
	c.Depth = request.DepthConnect
	for i, end := range []*request.Endpoint{&c.Source, &c.Target} {
		host := 2*number + i + 1
		end.Host = fmt.Sprintf("10.78.%d.%d", 64+host/250, 1+host%250)
	}
	return c
}

// Settings are the app settings that the check needs.
func (p Place) Settings() (map[string]string, error) {
	roots, err := os.ReadFile(p.RootsFile)
	if err != nil {
		return nil, fmt.Errorf("read roots: %w", err)
	}
	return map[string]string{"RESOLVERS": p.Resolver, "ALLOWED_TARGETS": "10.78.0.0/16,127.0.0.0/8",
		"ALLOWED_PORTS": fmt.Sprint(p.Port), "BENCH_PASSWORD": p.Password, "BENCH_ROOTS": string(roots)}, nil
}

// Questions are the statements that the check asks of each end, for the clients that ask the same.
func (p Place) Questions() [2][]string {
	ask := func(side prerequisites.Side, database string) []string {
		var out []string
		for _, q := range prerequisites.Questions(prerequisites.Target{Side: side, Mode: request.Offline,
			Database: database, Databases: []string{p.Source.Database}}) {
			out = append(out, q.SQL)
		}
		return out
	}
	return [2][]string{ask(prerequisites.SideSource, p.Source.Database), ask(prerequisites.SideTarget, p.Target.Database)}
}
