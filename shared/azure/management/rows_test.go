package management

import (
	"slices"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// questionOf names the ends of a scene as a request would.
func questionOf(c azure.Configuration) azure.Question {
	idOf := func(p *azure.Place) string {
		if p == nil {
			return ""
		}
		return p.ResourceID
	}
	return azure.Question{SourceID: idOf(c.Source), TargetID: idOf(c.Target), RuntimeID: idOf(c.Runtime),
		VantageSubnetID: idOf(c.Vantage)}
}

// readAndJudge has a scene's configuration served by the SDK's fake servers, read through its clients, and judged. It
// gives the judgement of the configuration itself too, without the zones that nothing leads to.
func readAndJudge(t *testing.T, s azuretest.Scene) (read, itself azure.Judgement) {
	t.Helper()
	got := readFrom(t, s.Config)
	known := s.Config
	known.ZonesSought = got.ZonesSought
	known.Zones = slices.DeleteFunc(slices.Clone(known.Zones), func(z azure.Zone) bool {
		_, found := lookup(got.Zones, z.ID)
		if !found && slices.ContainsFunc(got.ZonesSought, func(g string) bool { return key(g) == key(group(z.ID)) }) {
			t.Errorf("row %d: %s was sought and not found", s.Row, z.ID)
		}
		return !found
	})
	return azure.Judge(got, s.Case), azure.Judge(known, s.Case)
}

func readFrom(t *testing.T, c azure.Configuration) azure.Configuration {
	t.Helper()
	return read(t, &cloudOf{Configuration: c}, questionOf(c))
}

// faults are codes and legs of what was found, without what only says that a Single Server cannot be read.
func faults(j azure.Judgement) []string {
	var out []string
	for _, f := range j.Findings {
		if f.Code != finding.AzNotRead {
			out = append(out, f.Leg+" "+string(f.Code))
		}
	}
	slices.Sort(out)
	return out
}

// Each row with every step done, read from Azure: nothing is found, and nothing that matters stays unread.
func TestHealthyRowsAreSilent(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		s := azuretest.Healthy(row)
		j, itself := readAndJudge(t, s)
		if found := faults(j); len(found) > 0 || !slices.Equal(found, faults(itself)) {
			t.Errorf("row %d: %v", row, found)
		}
		for _, c := range j.Checks {
			if c.State == azure.Unread || c.State == azure.Wrong && c.About != "same_network" && c.About != "vantage" {
				t.Errorf("row %d: %+v", row, c)
			}
		}
	}
}

// Each step undone in turn, read from Azure: it is found at its end and under its code, nothing else is found than in
// the configuration itself, and the scenario's step is undone.
func TestEachStepUndoneIsFound(t *testing.T) {
	t.Parallel()
	undone := map[string]bool{}
	for _, row := range azuretest.Rows() {
		for _, u := range azuretest.Undos(row) {
			s := azuretest.Healthy(row)
			u.Do(&s)
			j, itself := readAndJudge(t, s)
			if found, want := faults(j), faults(itself); !slices.Equal(found, want) {
				t.Errorf("row %d, %s: %v, not %v", row, u.Name, found, want)
			}
			if !slices.Contains(faults(j), u.Leg+" "+string(u.Code)) {
				t.Errorf("row %d, %s: no %s on %s: %v", row, u.Name, u.Code, u.Leg, faults(j))
			}
			if u.Step != "" && azure.Steps(j.Checks)[u.Step] != azure.Wrong {
				t.Errorf("row %d, %s: step %s is %q", row, u.Name, u.Step, azure.Steps(j.Checks)[u.Step])
			}
			undone[u.Step] = true
		}
	}
	for _, step := range []string{"gateway", "vnet_rule", "vnet_peering", "vnet_peering_target", "nsg_source_inbound",
		"nsg_outbound", "nsg_inbound", "source_endpoint_approved", "target_endpoint_approved", "target_zone_link",
		"runtime_zone_link", "source_endpoint_zone", "source_zone_link", "source_a_record", "target_endpoint_zone",
		"target_endpoint_zone_link", "target_a_record"} {
		known := slices.ContainsFunc(scenario.Steps(), func(s scenario.Step) bool { return s.Key == step })
		if !undone[step] || !known {
			t.Errorf("step %s: undone %v, known %v", step, undone[step], known)
		}
	}
}
