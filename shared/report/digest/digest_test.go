package digest

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for ms, want := range map[float64]string{0: "0.0 ms", 0.42: "0.4 ms", 9.94: "9.9 ms", 32.4: "32 ms", 1000: "1.0 s",
		5012: "5.0 s", 119999: "120.0 s"} {
		if got := Duration(ms); got != want {
			t.Errorf("Duration(%v) = %q, want %q", ms, got, want)
		}
	}
}

func TestCleanLeavesNothingThatActs(t *testing.T) {
	t.Parallel()
	got := Clean(reporttest.Poison())
	acts := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
	if strings.ContainsFunc(got, acts) || !utf8.ValidString(got) {
		t.Errorf("left: %q", got)
	}
	for _, kept := range []string{"می\u200cخواهم", "क\u094d\u200dष", "Größe 10 µs", "连接被拒绝", "e\u0301"} {
		if Clean(kept) != kept {
			t.Errorf("%q became %q", kept, Clean(kept))
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	got := Lines("az a \\\r\n\t--b\x1b[2J\n\n")
	if want := []string{`az a \`, " --b\uFFFD[2J"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Lines = %q, want %q", got, want)
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	tests := []struct {
		layer report.Layer
		want  string
	}{
		{report.Layer{Layer: finding.TLS, Status: finding.StatusSkipped, BlockedBy: finding.Connect},
			"not run: blocked by connect"},
		{report.Layer{Layer: finding.Login, Status: finding.StatusSkipped, Reason: "depth tls was asked"},
			"not run: depth tls was asked"},
		{report.Layer{Layer: finding.Login, Status: finding.StatusInconclusive, Reason: "the time is over"},
			"the time is over"},
		{report.Layer{Layer: finding.Prerequisites, Status: finding.StatusPassed, Observation: 1}, ""},
		{report.Layer{Layer: finding.Resolve, Status: finding.StatusPassed, Observation: "another shape"}, ""},
		{report.Layer{Layer: finding.Resolve, Status: finding.StatusPassed,
			Observation: map[string]any{"addresses": []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"},
				"answeredBy": "10.0.0.53:53", "servers": []any{map[string]any{}}}},
			"10.0.0.1 10.0.0.2 10.0.0.3 and 1 more from 10.0.0.53:53"},
		{report.Layer{Layer: finding.Prerequisites, Status: finding.StatusPassed, Observation: map[string]any{
			"asked": 22, "answered": 21, "databases": []any{map[string]any{"name": "orders"}}}},
			"21 of 22 questions answered, databases: orders"},
		{report.Layer{Layer: finding.TLS, Status: finding.StatusFailed,
			Observation: map[string]any{"firstBytes": map[string]any{"text": "HTTP/1.1 400 Bad Request"}}},
			"HTTP/1.1 400 Bad Request"},
		{report.Layer{Layer: finding.TLS, Status: finding.StatusPassed, Observation: map[string]any{
			"handshake": map[string]any{"version": "TLS 1.2"},
			"chain":     []any{map[string]any{"issuer": `CN=A\,B,O=C`, "notAfter": "2027-01-02T03:04:05Z"}}}},
			`TLS 1.2, certificate by A\,B until 2027-01-02`},
	}
	for _, test := range tests {
		if got := Outcome(test.layer); got != test.want {
			t.Errorf("Outcome(%+v) = %q, want %q", test.layer, got, test.want)
		}
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	t.Parallel()
	long := report.Layer{Layer: finding.TLS, Observation: map[string]any{"firstBytes": map[string]any{
		"text": strings.Repeat("ü", 10_000)}}}
	if got := utf8.RuneCountInString(Evidence(long)); got != 301 {
		t.Errorf("%d letters", got)
	}
}

// A fresh report and the same one read back from its JSON say the same.
func TestEvidenceOfStoredReports(t *testing.T) {
	t.Parallel()
	for name, fresh := range reporttest.Samples() {
		stored := reporttest.Stored(t, fresh)
		for i, leg := range fresh.Legs {
			for k, layer := range leg.Layers {
				if a, b := Outcome(layer), Outcome(stored.Legs[i].Layers[k]); a != b {
					t.Errorf("%s: %q is stored as %q", name, a, b)
				}
			}
		}
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		code  finding.Code
		found bool
	}{
		{"ready", "", false}, {"inconclusive", "", false}, {"warned", finding.TLSExpiresSoon, true},
		{"broken", finding.TCPTimeout, true}, {"large", finding.TCPTimeout, true},
		{"rejected", finding.RequestInvalid, true}, {"unsupported", finding.ScenarioUnsupported, true},
	}
	for _, test := range tests {
		got, found := First(reporttest.Samples()[test.name])
		if got.Code != test.code || found != test.found {
			t.Errorf("%s: %q %v, want %q %v", test.name, got.Code, found, test.code, test.found)
		}
	}
	// The first broken one need not stand first in the list.
	r := reporttest.Broken()
	r.FirstBroken = &report.FirstBroken{Leg: "target", Layer: finding.Login, Code: finding.HBAAddressNotAllowed}
	if got, _ := First(r); got.Leg != "target" {
		t.Errorf("first is on the %s", got.Leg)
	}
	if got := Others(r, report.TargetDBA); !reflect.DeepEqual(got, []string{"source network team"}) {
		t.Errorf("others: %q", got)
	}
}

func TestLegName(t *testing.T) {
	t.Parallel()
	for want, leg := range map[string]report.Leg{
		"source": {Name: "source", From: "function"}, "source from server": {Name: "source", From: "server"},
	} {
		if got := LegName(leg); got != want {
			t.Errorf("LegName = %q, want %q", got, want)
		}
	}
}
