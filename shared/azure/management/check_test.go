package management

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	dns "github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/check"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

type noCredentials struct{}

func (noCredentials) Resolve(context.Context, request.Credential) (secret.String, error) {
	return secret.String{}, nil
}

func (noCredentials) Roots(string) (*x509.CertPool, error) { return nil, nil }

// The whole way: a DNS server that does not know the target, the SDK's clients and fake servers with a zone that nobody
// linked, one check. The symptom and its cause are one finding, with the command that mends it.
func TestASymptomIsExplainedByWhatWasRead(t *testing.T) {
	t.Parallel()
	server, err := dns.Start(dns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	scene := azuretest.Healthy(7)
	server.Set(scene.Case.Ends["source"].Host, dns.Script{Addresses: scene.Case.Ends["source"].Addresses})
	undo := azuretest.Undos(7)
	undo[slices.IndexFunc(undo, func(u azuretest.Undo) bool { return u.Code == finding.AzZoneNotLinked })].Do(&scene)
	runner := check.New(check.Parts{
		Resolvers: func() ([]netip.AddrPort, error) { return []netip.AddrPort{server.Address()}, nil },
		Dialer: func(string) func(context.Context, netip.AddrPort) (net.Conn, error) {
			t.Error("dialled")
			return nil
		},
		CheckPort: func(int) error { return nil }, Credentials: noCredentials{}, Words: catalog.Load,
		Azure: reader(&cloudOf{Configuration: scene.Config}), Vantage: report.Vantage{Address: "10.2.2.4"},
	})
	asked := questionOf(scene.Config)
	end := func(host string) request.Endpoint {
		return request.Endpoint{Host: host, Port: 5432, TLS: request.TLS{Mode: request.TLSRequire}}
	}
	r, err := runner.Run(t.Context(), request.Check{Version: 1, ID: "one", Depth: request.DepthResolve, TimeoutSeconds: 60,
		Source: end(scene.Case.Ends["source"].Host), Target: end("orders.postgres.database.azure.com"),
		Scenario: request.Scenario{Source: request.SourcePlace{Kind: scene.Case.SourceKind, Access: scene.Case.SourceAccess},
			Target: request.TargetPlace{Access: scene.Case.TargetAccess}},
		Azure: request.Azure{SourceResourceID: asked.SourceID, TargetResourceID: asked.TargetID,
			VantageSubnetID: asked.VantageSubnetID}})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Code == finding.DNSNameNotFound && f.Leg == "target" })
	if i < 0 {
		t.Fatalf("%s", pretty(r.Findings))
	}
	f := r.Findings[i]
	if len(f.Causes) == 0 || f.Causes[0].Likelihood != "certain" || len(f.Remedy) == 0 ||
		!strings.Contains(f.Remedy[0].Command, "az network private-dns link vnet create") ||
		!strings.Contains(f.Remedy[0].Command, "orders.private.postgres.database.azure.com") {
		t.Errorf("%s", pretty(f))
	}
	if j := slices.IndexFunc(r.Legs[1].Layers, func(l report.Layer) bool { return l.Layer == finding.Azure }); j < 0 {
		t.Errorf("%s", pretty(r.Legs[1]))
	}
	if !strings.Contains(r.Headline, "orders.private.postgres.database.azure.com") {
		t.Error(r.Headline)
	}
}
