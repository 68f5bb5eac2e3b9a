package diagnosis

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// placed is a check whose layers all passed, in a scenario.
func placed(kind request.Kind, from, to request.Access) Result {
	ok := []Layer{passed(finding.Resolve), passed(finding.Connect), passed(finding.TLS), passed(finding.Login)}
	r := result(ok, ok)
	r.Request.Scenario = request.Scenario{Source: request.SourcePlace{Kind: kind, Access: from},
		Target: request.TargetPlace{Access: to}}
	r.Placement = scenario.Place(r.Request)
	r.Vantage.Address = "10.1.2.4"
	return r
}

func diagnose(t *testing.T, r Result) report.Report {
	t.Helper()
	out, err := Report(words(t), &r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScenarioOfARow(t *testing.T) {
	t.Parallel()
	s := diagnose(t, placed(request.AmazonRDS, request.Private, request.VNetIntegrated)).Scenario
	if s.Row != 4 || s.Nearest != 0 || s.Supported != "yes" || s.Note != "" || !strings.Contains(s.Title, "RDS") {
		t.Errorf("%+v", s)
	}
	if strings.Join(s.Paths, ", ") != "target → source" || !strings.Contains(s.Document, "2025-02-07") {
		t.Errorf("paths %v, document %q", s.Paths, s.Document)
	}
	if !strings.Contains(s.ExpectedAnswers["target"], "delegated subnet") || s.ExpectedAnswers["source"] == "" {
		t.Errorf("answers %v", s.ExpectedAnswers)
	}
	states := map[string]string{}
	for _, step := range s.Steps {
		states[step.Key] = step.State
		if step.Text == "" || step.Owner == "" {
			t.Errorf("step %+v", step)
		}
	}
	if states["gateway"] != "done" || states["nsg_outbound"] != "unknown" || len(s.Steps) < 8 {
		t.Errorf("states %v", states)
	}
}

func TestScenarioOfTheNearestRow(t *testing.T) {
	t.Parallel()
	s := diagnose(t, placed(request.AzureVM, request.Public, request.Public)).Scenario
	if s.Row != 0 || s.Nearest != 1 || s.Supported != "undocumented" || !strings.Contains(s.Note, "row") ||
		len(s.Steps) == 0 {
		t.Errorf("%+v", s)
	}
	s = diagnose(t, placed(request.GoogleAlloyDB, request.Public, request.Public)).Scenario
	if s.Row != 5 || s.Nearest != 5 || s.Supported != "yes" || !strings.Contains(s.Note, "google_alloydb") {
		t.Errorf("%+v", s)
	}
	s = diagnose(t, placed("", "", "")).Scenario
	if s.Row != 0 || s.Nearest != 0 || s.Title != "" || s.Steps != nil {
		t.Errorf("%+v", s)
	}
}

func TestStepsFollowTheFindings(t *testing.T) {
	t.Parallel()
	r := placed(request.AzureSingleServer, request.PrivateEndpoint, request.VNetIntegrated)
	r.Legs[0].Layers = []Layer{failed(finding.Resolve, found(finding.DNSNameNotFound, finding.Resolve, "source"))}
	for _, step := range diagnose(t, r).Scenario.Steps {
		want := map[string]string{"source_zone_link": "undone", "target_zone_link": "done"}[step.Key]
		if want != "" && step.State != want {
			t.Errorf("%s is %s", step.Key, step.State)
		}
		linked := len(step.ShownBy) == 1 && strings.Contains(step.Command, "private-dns link vnet create")
		if step.Key == "source_zone_link" && !linked {
			t.Errorf("%+v", step)
		}
	}
}

// What only informs shows nothing undone.
func TestInformationShowsNoStepUndone(t *testing.T) {
	t.Parallel()
	r := placed(request.OnPremises, request.Private, request.VNetIntegrated)
	f := found(finding.ScenarioMismatch, finding.Scenario, "target")
	f.Advisory = true
	r.Findings = []finding.Finding{f}
	for _, step := range diagnose(t, r).Scenario.Steps {
		if len(step.ShownBy) > 0 {
			t.Errorf("%+v", step)
		}
	}
}

func TestWhatIsNotProvenFollowsTheRow(t *testing.T) {
	t.Parallel()
	const delegated, runs, public, either = "target's delegated subnet", "runtime server's delegated subnet",
		"its own public", "target's or the runtime"
	asked := func(r Result, l Layer) Result {
		r.Legs = append(r.Legs, Leg{Name: "source", From: "server", Endpoint: r.Request.Source, Layers: []Layer{l}})
		return r
	}
	for _, c := range []struct {
		name   string
		result Result
		want   string
	}{
		{"row 1", placed(request.OnPremises, request.Public, request.Public), public},
		{"row 2", placed(request.OnPremises, request.Private, request.VNetIntegrated), delegated},
		{"row 8", placed(request.AzureSingleServer, request.Public, request.VNetIntegrated), delegated},
		{"row 10", placed(request.AzureSingleServer, request.PrivateEndpoint, request.PrivateEndpoint), runs},
		{"row 11", placed(request.AmazonRDS, request.Private, request.PrivateEndpoint), runs},
		{"nothing known", placed("", "", ""), either},
		{"the server was asked", asked(placed(request.OnPremises, request.Public, request.Public),
			passed(finding.Resolve)), ""},
		{"the runtime server was asked", asked(placed(request.AmazonRDS, request.Private, request.PrivateEndpoint),
			passed(finding.Resolve)), "not tried from there"},
		{"the server could not be asked", asked(placed(request.OnPremises, request.Public, request.Public),
			Layer{Layer: finding.Resolve, Skip: "no right"}), public},
	} {
		said := strings.Join(diagnose(t, c.result).Vantage.CannotProve, "\n")
		for _, sentence := range []string{delegated, runs, public, either, "not tried from there"} {
			if strings.Contains(said, sentence) != (sentence == c.want) {
				t.Errorf("%s: %q in %q", c.name, sentence, said)
			}
		}
	}
}

func TestNothingProbedProvesNothing(t *testing.T) {
	t.Parallel()
	r := placed(request.OnPremises, request.Private, request.Public)
	r.Legs = nil
	if got := diagnose(t, r); got.Vantage.CannotProve != nil || got.Scenario.Row != 12 {
		t.Errorf("%v, row %d", got.Vantage.CannotProve, got.Scenario.Row)
	}
}

// From outside of the network no failure is an answer about the servers in it.
func TestOutsideOfTheNetworkIsInconclusive(t *testing.T) {
	t.Parallel()
	r := placed(request.OnPremises, request.Private, request.VNetIntegrated)
	r.Legs[0].Layers = []Layer{failed(finding.Connect, found(finding.TCPTimeout, finding.Connect, "source"))}
	outside := finding.Finding{Code: finding.VantageNotIntegrated, Layer: finding.Scenario}
	r.Findings = []finding.Finding{outside}
	got := diagnose(t, r)
	if got.Verdict != report.Inconclusive || got.FirstBroken.Code != finding.VantageNotIntegrated {
		t.Errorf("%s, %+v", got.Verdict, got.FirstBroken)
	}
	r.Findings[0].Advisory = true
	if got := diagnose(t, r); got.Verdict != report.NotReady || got.FirstBroken.Code != finding.TCPTimeout {
		t.Errorf("advisory: %s, %+v", got.Verdict, got.FirstBroken)
	}
}
