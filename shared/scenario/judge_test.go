package scenario

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func listed(found []finding.Finding) string {
	var out []string
	for _, f := range found {
		text := strings.TrimSpace(string(f.Code) + " " + f.Leg)
		if f.Advisory {
			text = "~" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestJudge(t *testing.T) {
	t.Parallel()
	withRuntime := func(c request.Check) request.Check {
		c.RuntimeServer = &request.Endpoint{Host: "runtime.postgres.database.azure.com"}
		return c
	}
	public := declared(request.AmazonRDS, request.Public, request.Public)
	private := declared(request.AmazonRDS, request.Private, request.VNetIntegrated)
	endpoint := declared(request.OnPremises, request.Private, request.PrivateEndpoint)
	here := Vantage{Probed: true}
	outside := Vantage{InAzure: true, Probed: true}
	for _, c := range []struct {
		name  string
		check request.Check
		saw   map[string]Observed
		at    Vantage
		want  string
	}{
		{"supported", private, nil, here, ""},
		{"supported, in Azure", private, nil, Vantage{InAzure: true, Address: "10.1.2.4", Probed: true}, ""},
		{"nothing known", declared("", "", ""), nil, here, ""},
		{"kind unknown", declared("", request.Public, request.Public), nil, here, ""},
		{"unsupported", declared(request.OnPremises, request.Private, request.Public), nil, Vantage{},
			"SCENARIO_UNSUPPORTED"},
		{"undocumented", declared(request.AzureVM, request.Public, request.Public), nil, here, "SCENARIO_UNDOCUMENTED"},
		{"undocumented for every kind", declared("", request.Public, request.PrivateEndpoint), nil, here,
			"SCENARIO_UNDOCUMENTED"},
		{"a newer kind is covered", declared(request.GoogleAlloyDB, request.Public, request.Public), nil, here, ""},
		{"no runtime server", endpoint, nil, here, "SCENARIO_RUNTIME_SERVER_MISSING"},
		{"a runtime server", withRuntime(endpoint), nil, here, ""},
		{"mismatch", private, map[string]Observed{source: seen("54.1.2.3")}, here, "SCENARIO_MISMATCH source"},
		{"mismatch that the resolve layer told", private,
			map[string]Observed{source: {Addresses: seen("54.1.2.3").Addresses, Told: true}}, here, "~SCENARIO_MISMATCH source"},
		{"runtime server that is none", withRuntime(endpoint), map[string]Observed{runtime: seen(linkName + " 10.2.0.7")},
			here, "SCENARIO_MISMATCH runtime"},
		{"outside of the network", private, nil, outside, "VANTAGE_NOT_INTEGRATED"},
		{"outside, nothing known", declared("", "", ""), nil, outside, "VANTAGE_NOT_INTEGRATED"},
		{"outside, everything public", public, nil, outside, "~VANTAGE_NOT_INTEGRATED"},
		{"outside, nothing probed", private, nil, Vantage{InAzure: true}, ""},
		{"not in Azure", private, nil, Vantage{Probed: true}, ""},
	} {
		p, wrong := Place(c.check).Refine(c.saw)
		found := p.Judge(wrong, c.at)
		if got := listed(found); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for _, f := range found {
			if f.Layer != finding.Scenario {
				t.Errorf("%s: %s on layer %s", c.name, f.Code, f.Layer)
			}
		}
	}
}

func TestJudgeArgs(t *testing.T) {
	t.Parallel()
	p, wrong := Place(declared(request.AmazonRDS, request.Public, request.Public)).
		Refine(map[string]Observed{source: seen("10.9.0.7")})
	args := p.Judge(wrong, Vantage{Probed: true})[0].Args
	want := finding.Args{"field": "source.access", "declared": "public", "observed": "private",
		"evidence": "db.corp.example → 10.9.0.7", "observedRow": 12, "observedSupport": "no"}
	if fmt.Sprint(args) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", args, want)
	}
	args = Place(declared(request.AmazonRDS, request.Public, request.VNetIntegrated)).Judge(nil, Vantage{})[0].Args
	if args["nearest"] != 3 || args["reason"] != "public_to_vnet" {
		t.Errorf("undocumented: %v", args)
	}
}
