package check

import (
	"net/netip"
	"testing"

	dns "github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	rdsName    = "db1.c0ffee123456.eu-west-1.rds.amazonaws.com"
	azureName  = "orders.postgres.database.azure.com"
	linkName   = "orders.privatelink.postgres.database.azure.com"
	regionName = "orders.rs-abcdefghijklmno.postgres.database.azure.com"
)

// byName is a check that only asks DNS, and a DNS server on loopback that answers it.
func byName(t *testing.T, answers map[string]dns.Script) (Parts, request.Check, *dns.Server) {
	t.Helper()
	server, err := dns.Start(dns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for name, script := range answers {
		server.Set(name, script)
	}
	p, _ := parts(t)
	p.Resolvers = func() ([]netip.AddrPort, error) { return []netip.AddrPort{server.Address()}, nil }
	end := func(host string) request.Endpoint {
		return request.Endpoint{Host: host, Port: 5432, TLS: request.TLS{Mode: request.TLSRequire}}
	}
	return p, request.Check{Version: 1, ID: "one", Depth: request.DepthResolve, TimeoutSeconds: 60,
		Source: end(rdsName), Target: end(azureName)}, server
}

func at(address string) dns.Script {
	return dns.Script{Addresses: []netip.Addr{netip.MustParseAddr(address)}}
}

func codes(r report.Report) map[finding.Code]report.Finding {
	out := map[finding.Code]report.Finding{}
	for _, f := range r.Findings {
		out[f.Code] = f
	}
	return out
}

func TestRowIsFoundByWhatWasResolved(t *testing.T) {
	t.Parallel()
	p, c, _ := byName(t, map[string]dns.Script{rdsName: at("10.9.0.7"), azureName: {Alias: linkName},
		linkName: at("10.2.0.7")})
	r := run(t, p, c)
	s := r.Scenario
	if s.Row != 11 || s.Supported != "yes" || s.Inferred["target.access"] != "private_endpoint" ||
		s.Inferred["source.access"] != "private" || s.Inferred["source.kind"] != "amazon_rds" {
		t.Errorf("%+v", s)
	}
	if _, found := codes(r)[finding.ScenarioRuntimeServerMissing]; !found || len(r.Scenario.Steps) == 0 {
		t.Errorf("findings %v, %d steps", codes(r), len(r.Scenario.Steps))
	}
}

func TestAddressesCanRevealTheUnsupportedRow(t *testing.T) {
	t.Parallel()
	p, c, server := byName(t, map[string]dns.Script{rdsName: at("10.9.0.7"), azureName: {Alias: regionName},
		regionName: at("20.50.1.2")})
	r := run(t, p, c)
	if r.Verdict != report.Unsupported || r.Scenario.Row != 12 || len(r.Legs) != 2 || len(server.Queries()) == 0 {
		t.Errorf("verdict %s, row %d, %d legs", r.Verdict, r.Scenario.Row, len(r.Legs))
	}
	f := codes(r)[finding.ScenarioUnsupported]
	if f.Args["probed"] != true || r.FirstBroken.Code != finding.ScenarioUnsupported {
		t.Errorf("%+v, first broken %+v", f, r.FirstBroken)
	}
}

func TestDeclaredRowTwelveAsksNothing(t *testing.T) {
	t.Parallel()
	p, c, server := byName(t, nil)
	c.Scenario.Source.Access, c.Scenario.Target.Access = request.Private, request.Public
	r := run(t, p, c)
	if r.Verdict != report.Unsupported || len(r.Legs) != 0 || len(server.Queries()) != 0 {
		t.Errorf("verdict %s, %d legs, %d questions", r.Verdict, len(r.Legs), len(server.Queries()))
	}
	if step := r.Scenario.Steps[0]; step.Key != "supported_target" || step.State != "undone" {
		t.Errorf("%+v", step)
	}
}

// Where the resolve layer says that a declared access is wrong, the contradiction is shown beside it and weighs
// nothing.
func TestContradictionShowsBothSides(t *testing.T) {
	t.Parallel()
	p, c, _ := byName(t, map[string]dns.Script{rdsName: at("54.1.2.3"), azureName: at("10.2.0.7")})
	c.Scenario = request.Scenario{Source: request.SourcePlace{Kind: request.OnPremises, Access: request.Private},
		Target: request.TargetPlace{Access: request.VNetIntegrated}}
	r := run(t, p, c)
	var kind, access report.Finding
	for _, f := range r.Findings {
		switch {
		case f.Code == finding.ScenarioMismatch && f.Args["field"] == "source.kind":
			kind = f
		case f.Code == finding.ScenarioMismatch && f.Args["field"] == "source.access":
			access = f
		}
	}
	if kind.Args["declared"] != "on_premises" || kind.Args["observed"] != "amazon_rds" || kind.Severity != finding.Warned {
		t.Errorf("kind: %+v", kind)
	}
	if access.Args["declared"] != "private" || access.Args["observed"] != "public" || access.Severity != finding.Info ||
		access.Args["evidence"] != rdsName+" → 54.1.2.3" {
		t.Errorf("access: %+v", access)
	}
	if r.FirstBroken.Code != finding.DNSPublicWherePrivateExpected || r.Scenario.Row != 2 {
		t.Errorf("first broken %+v, row %d", r.FirstBroken, r.Scenario.Row)
	}
}

func TestVantageOutsideOfTheNetwork(t *testing.T) {
	t.Parallel()
	answers := map[string]dns.Script{rdsName: at("54.1.2.3"), azureName: {Alias: regionName}, regionName: at("20.50.1.2")}
	public := request.Scenario{Source: request.SourcePlace{Access: request.Public},
		Target: request.TargetPlace{Access: request.Public}}
	private := request.Scenario{Source: request.SourcePlace{Access: request.Private},
		Target: request.TargetPlace{Access: request.VNetIntegrated}}
	for _, c := range []struct {
		name     string
		scenario request.Scenario
		vantage  report.Vantage
		severity finding.Severity
		verdict  report.Verdict
	}{
		{"public, outside", public, report.Vantage{FunctionApp: "app"}, finding.Warned, report.ReadyWithWarnings},
		{"public, inside", public, report.Vantage{FunctionApp: "app", Address: "10.1.2.4"}, "", report.Ready},
		{"public, not in Azure", public, report.Vantage{}, "", report.Ready},
		{"private, outside", private, report.Vantage{FunctionApp: "app"}, finding.Failed, report.Inconclusive},
		{"private, inside", private, report.Vantage{FunctionApp: "app", Address: "10.1.2.4"}, "", report.NotReady},
	} {
		p, checked, _ := byName(t, answers)
		p.Vantage, checked.Scenario = c.vantage, c.scenario
		r := run(t, p, checked)
		if got := codes(r)[finding.VantageNotIntegrated].Severity; got != c.severity || r.Verdict != c.verdict {
			t.Errorf("%s: severity %q, verdict %s, %v", c.name, got, r.Verdict, codes(r))
		}
		if c.severity == finding.Failed && r.FirstBroken.Code != finding.VantageNotIntegrated {
			t.Errorf("%s: first broken %+v", c.name, r.FirstBroken)
		}
	}
}
