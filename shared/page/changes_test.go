package page

import (
	"reflect"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	slow := reporttest.Ready()
	slow.Legs[1].Layers[3].ElapsedMs = 300
	moved := reporttest.Ready()
	moved.Legs[0].Endpoint = "10.0.0.9:5432"
	deeper := reporttest.Broken()
	deeper.Legs[0] = reporttest.Ready().Legs[0]
	deeper.FirstBroken = &report.FirstBroken{Leg: "target", Layer: finding.Login, Code: finding.HBAAddressNotAllowed}
	deeper.Findings = deeper.Findings[1:]
	shallow := reporttest.Broken()
	shallow.Legs[1].Layers[3] = report.Layer{Layer: finding.Login, Status: finding.StatusSkipped, BlockedBy: finding.TLS}
	shallow.Findings = shallow.Findings[:1]
	tests := []struct {
		name       string
		is, before report.Report
		want       []string
	}{
		{"nothing", reporttest.Broken(), reporttest.Broken(), nil},
		{"broken now", reporttest.Broken(), reporttest.Ready(), []string{"verdict: was ready, is not ready",
			"new: TCP_TIMEOUT (source · network)", "new: HBA_ADDRESS_NOT_ALLOWED (target · login)",
			"slower: source · network took 5.0 s, was 1.4 ms"}},
		{"mended", reporttest.Ready(), reporttest.Broken(), []string{"verdict: was not ready, is ready",
			"gone: TCP_TIMEOUT (source · network)", "gone: HBA_ADDRESS_NOT_ALLOWED (target · login)",
			"faster: source · network took 1.4 ms, was 5.0 s"}},
		{"one of two mended", deeper, reporttest.Broken(), []string{
			"first broken: was TCP_TIMEOUT (source · network), is HBA_ADDRESS_NOT_ALLOWED (target · login)",
			"gone: TCP_TIMEOUT (source · network)", "faster: source · network took 1.4 ms, was 5.0 s"}},
		// What was not reached this time is not mended.
		{"not reached", shallow, reporttest.Broken(), []string{
			"not reached: HBA_ADDRESS_NOT_ALLOWED (target · login): this check did not come so far"}},
		{"slower", slow, reporttest.Ready(), []string{"slower: target · login took 300 ms, was 8.8 ms"}},
		{"moved", moved, reporttest.Ready(), []string{"endpoint: source was orders.abc123.eu-west-1.rds.amazonaws.com:5432"}},
		{"probed at last", reporttest.Ready(), reporttest.Unsupported(), []string{"verdict: was unsupported, is ready",
			"gone: SCENARIO_UNSUPPORTED (scenario)"}},
		{"ran out of time", reporttest.Inconclusive(), reporttest.Unsupported(), []string{
			"verdict: was unsupported, is inconclusive",
			"not reached: SCENARIO_UNSUPPORTED (scenario): this check did not come so far"}},
	}
	for _, test := range tests {
		var got []string
		for _, line := range changesOf(test.is, &test.before).Lines {
			got = append(got, line.Word+": "+line.Text)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
	if changesOf(reporttest.Ready(), nil) != nil {
		t.Error("changes since nothing")
	}
}
