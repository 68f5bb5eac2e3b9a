package text

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func TestScenarioSection(t *testing.T) {
	t.Parallel()
	r := reporttest.Ready()
	r.Scenario = report.Scenario{Row: 4, Supported: "yes", Title: "Amazon RDS → VNet-integrated", Note: "A note.",
		Steps: []report.Step{
			{Text: "A VPN joins both", Owner: report.AzureNetwork, State: "done"},
			{Text: "The zone is linked", Owner: report.DNSAdmin, State: "undone", ShownBy: []finding.Code{finding.AzZoneNotLinked}},
			{Text: "The group lets in", Owner: report.SourceNetwork, State: "unknown", ShownBy: []finding.Code{finding.TCPTimeout}},
			{Text: "The subnet lets out", Owner: report.AzureNetwork, State: "unknown"},
		}}
	got := write(t, r, Options{})
	for _, want := range []string{
		"  scenario  row 4  supported\n    Amazon RDS → VNet-integrated\n    A note.\n",
		"    ✓ A VPN joins both\n", "    ✗ The zone is linked (AZ_ZONE_NOT_LINKED; DNS administrator)\n",
		"    ? The group lets in (TCP_TIMEOUT; source network team)\n", "    · The subnet lets out\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestScenarioSectionNamesTheNearestRow(t *testing.T) {
	t.Parallel()
	r := reporttest.Ready()
	r.Scenario = report.Scenario{Nearest: 3, Supported: "undocumented", Title: "Amazon RDS → public"}
	if got := write(t, r, Options{}); !strings.Contains(got, "  scenario  nearest row 3  undocumented\n") {
		t.Errorf("no nearest row in\n%s", got)
	}
}

func TestNoScenarioSectionWithoutARow(t *testing.T) {
	t.Parallel()
	r := reporttest.Ready()
	r.Scenario = report.Scenario{Supported: "undocumented"}
	if got := write(t, r, Options{}); strings.Contains(got, "scenario  ") {
		t.Errorf("a section in\n%s", got)
	}
}
