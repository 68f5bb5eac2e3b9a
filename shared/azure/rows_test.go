package azure_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

func found(j azure.Judgement) []string {
	var out []string
	for _, f := range j.Findings {
		out = append(out, f.Leg+" "+string(f.Code))
	}
	slices.Sort(out)
	return out
}

// placed is a scene's placement in the scenario table, so that the steps are those of the row itself.
func placed(t *testing.T, s azuretest.Scene) scenario.Placement {
	t.Helper()
	check := request.Check{Source: request.Endpoint{Host: s.Case.Ends["source"].Host},
		Target: request.Endpoint{Host: s.Case.Ends["target"].Host}}
	check.Scenario.Source.Kind, check.Scenario.Source.Access = s.Case.SourceKind, s.Case.SourceAccess
	check.Scenario.Target.Access = s.Case.TargetAccess
	if s.Case.RuntimeServer {
		check.RuntimeServer = &request.Endpoint{Host: s.Case.Ends["runtime"].Host}
	}
	p := scenario.Place(check)
	if p.Row != s.Row {
		t.Fatalf("the scene of row %d is placed in row %d", s.Row, p.Row)
	}
	return p
}

func TestHealthyRowsHaveNoFindings(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		scene := azuretest.Healthy(row)
		judged := azure.Judge(scene.Config, scene.Case)
		var want []string
		if scene.Case.SourceKind == request.AzureSingleServer {
			want = []string{"source AZ_NOT_READ"} // it is retired, and the report says so
		}
		if got := found(judged); !slices.Equal(got, want) {
			t.Errorf("row %d: %v", row, got)
		}
		for _, c := range judged.Checks {
			if c.State == azure.Wrong && c.About != "same_network" {
				t.Errorf("row %d: %+v", row, c)
			}
		}
	}
}

// Each step undone in turn: its finding comes, its step is wrong, and no other step is.
func TestEachStepUndone(t *testing.T) {
	t.Parallel()
	undone := map[string]bool{}
	for _, row := range azuretest.Rows() {
		for _, undo := range azuretest.Undos(row) {
			t.Run(fmt.Sprintf("row %d, %s", row, undo.Name), func(t *testing.T) {
				scene := azuretest.Healthy(row)
				steps := placed(t, scene).Steps()
				undo.Do(&scene)
				judged := azure.Judge(scene.Config, scene.Case)
				if !slices.Contains(found(judged), undo.Leg+" "+string(undo.Code)) {
					t.Fatalf("found %v", found(judged))
				}
				wrong := wrongSteps(steps, judged)
				if undo.Step != "" && !slices.Contains(wrong, undo.Step) {
					t.Errorf("wrong steps are %v, not %s", wrong, undo.Step)
				}
				for _, step := range wrong {
					if !slices.Contains(alsoWrong(undo), step) {
						t.Errorf("%s is wrong too", step)
					}
				}
			})
			undone[undo.Step] = true
		}
	}
	for _, step := range []string{"gateway", "vnet_allows_source_range", "nsg_outbound", "nsg_inbound", "target_zone_link",
		"vnet_peering", "vnet_peering_target", "nsg_source_inbound", "vnet_rule", "source_endpoint_approved",
		"target_endpoint_approved", "source_endpoint_zone", "source_zone_link", "source_a_record", "runtime_zone_link",
		"target_endpoint_zone", "target_endpoint_zone_link", "target_a_record"} {
		if !undone[step] {
			t.Errorf("nothing undoes %s", step)
		}
	}
}

func wrongSteps(steps []scenario.Step, j azure.Judgement) []string {
	var out []string
	for key, state := range azure.Steps(j.Checks) {
		applies := slices.ContainsFunc(steps, func(s scenario.Step) bool { return s.Key == key })
		if state == azure.Wrong && applies {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// alsoWrong are the steps that go wrong with one: they share a zone, or a gateway that is not there leads nowhere.
func alsoWrong(u azuretest.Undo) []string {
	out := []string{u.Step}
	if u.Step == "gateway" {
		out = append(out, "vnet_allows_source_range")
	}
	if u.Code == finding.AzZoneNotLinked || u.Code == finding.AzZoneMissing {
		out = append(out, "source_zone_link", "target_endpoint_zone_link")
	}
	return out
}

// Every step that a check decides is one of the scenario's, on the leg that the scenario has it on.
func TestStepsAreTheScenarios(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		scene := azuretest.Healthy(row)
		for _, c := range azure.Judge(scene.Config, scene.Case).Checks {
			if c.Step != "" && !slices.ContainsFunc(scenario.Steps(), func(s scenario.Step) bool { return s.Key == c.Step }) {
				t.Errorf("row %d: %+v", row, c)
			}
		}
	}
}

// A configuration of which nothing is known gives no finding but that.
func TestNothingRead(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		scene := azuretest.Healthy(row)
		bare := azure.Configuration{Source: scene.Config.Source, Target: scene.Config.Target, Runtime: scene.Config.Runtime,
			Vantage: scene.Config.Vantage, Troubles: []azure.Trouble{
				{Resource: azuretest.TargetID, Kind: azure.NotPermitted, Action: "a/read", Roles: []string{"target"}},
				{Resource: azuretest.Vantage, Kind: azure.Throttled, Roles: []string{"vantage"}}}}
		judged := azure.Judge(bare, scene.Case)
		if got := found(judged); !slices.Equal(got, []string{"source AZ_NOT_READ", "target AZ_NOT_PERMITTED"}) {
			t.Errorf("row %d: %v", row, got)
		}
		for _, c := range judged.Checks {
			if c.State == azure.Wrong || c.State == azure.Right {
				t.Errorf("row %d: decided %+v", row, c)
			}
		}
		azure.Judge(azure.Configuration{}, scene.Case)
		azure.Judge(scene.Config, azure.Case{})
	}
}
