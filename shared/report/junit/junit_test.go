package junit

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func encode(t *testing.T, r report.Report) []byte {
	t.Helper()
	raw, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func decode(t *testing.T, raw []byte) suites {
	t.Helper()
	var s suites
	if err := xml.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	return s
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Samples() {
		raw := encode(t, r)
		reporttest.Golden(t, name+".xml", raw)
		if stored := encode(t, reporttest.Stored(t, r)); name != "hostile" && string(stored) != string(raw) {
			t.Errorf("%s: a stored report reads otherwise", name)
		}
	}
}

// A pipeline's gate looks at failures and errors alone.
func TestGate(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Samples() {
		s := decode(t, encode(t, r))
		red, ready := s.Failures+s.Errors > 0, r.Verdict == report.Ready || r.Verdict == report.ReadyWithWarnings
		if red == ready {
			t.Errorf("%s: verdict %s with %d failures and %d errors", name, r.Verdict, s.Failures, s.Errors)
		}
		if s.Tests != len(s.Suite.Cases) || s.counts != s.Suite.counts {
			t.Errorf("%s: counts %+v of %d cases", name, s.counts, len(s.Suite.Cases))
		}
	}
	// Even where no layer and no finding says why.
	for _, v := range []report.Verdict{report.NotReady, report.Unsupported, report.Rejected, report.Inconclusive, "new"} {
		s := decode(t, encode(t, report.Report{Verdict: v, Headline: "h"}))
		wantErrors := 0
		if v == report.Inconclusive {
			wantErrors = 1
		}
		if s.Tests != 1 || s.Errors != wantErrors || s.Failures != 1-wantErrors {
			t.Errorf("%s alone: %+v", v, s.counts)
		}
	}
}

func TestCases(t *testing.T) {
	t.Parallel()
	r := reporttest.Warned()
	r.Legs[1].Layers[3].Status, r.Legs[1].Layers[3].Reason = finding.StatusInconclusive, "the time is over"
	r.Legs[1].From = "server"
	s := decode(t, encode(t, r))
	got := map[string]testCase{}
	for _, c := range s.Suite.Cases {
		got[c.Class+"/"+c.Name] = c
	}
	if c := got["source/connect"]; c.Failure != nil || c.Error != nil || c.Skipped != nil || c.Time != "0.001" {
		t.Errorf("passed: %+v", c)
	}
	if c := got["source/tls"]; c.Failure != nil || !strings.Contains(c.Output, "TLS_EXPIRES_SOON: The certificate") ||
		!strings.Contains(c.Output, "Who must act: source database administrator") {
		t.Errorf("warned: %+v", c)
	}
	if c := got["target from server/login"]; c.Error == nil || c.Error.Message != "the time is over" {
		t.Errorf("inconclusive: %+v", c)
	}
	if c := got["source/prerequisites"]; c.Skipped == nil || c.Skipped.Message != "not run: depth login was asked" {
		t.Errorf("skipped: %+v", c)
	}
	if c := decode(t, encode(t, reporttest.Unsupported())).Suite.Cases[0]; c.Class != "check" || c.Name != "scenario" ||
		c.Failure == nil || c.Failure.Type != "SCENARIO_UNSUPPORTED" {
		t.Errorf("unsupported: %+v", c)
	}
}

// The whole document is read, letter by letter, as XML 1.0 demands.
func TestHostileText(t *testing.T) {
	t.Parallel()
	raw := encode(t, reporttest.Hostile())
	decoder := xml.NewDecoder(strings.NewReader(string(raw)))
	known := []string{"testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped",
		"system-out"}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && !strings.Contains(strings.Join(known, " "), start.Name.Local) {
			t.Errorf("element %s", start.Name.Local)
		}
	}
	for _, r := range string(raw) {
		if r < ' ' && r != '\n' || r == 0xfffe || r == 0x202e {
			t.Errorf("character %U", r)
		}
	}
	if strings.Contains(string(raw), "]]>") {
		t.Error("]]> is left")
	}
}
