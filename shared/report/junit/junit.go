// Package junit writes a report as JUnit XML, for a pipeline's gate: one test case per leg and layer. It judges
// nothing; a report that is not ready always has a failure or an error in it.
package junit

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	counts
	Suite suite `xml:"testsuite"`
}

type counts struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
}

type suite struct {
	Name string `xml:"name,attr"`
	counts
	Timestamp  string     `xml:"timestamp,attr"`
	Properties []property `xml:"properties>property"`
	Cases      []testCase `xml:"testcase"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *outcome `xml:"failure"`
	Error   *outcome `xml:"error"`
	Skipped *outcome `xml:"skipped"`
	Output  string   `xml:"system-out,omitempty"`
}

type outcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Encode gives the XML document. An error is our own trouble.
func Encode(r report.Report) ([]byte, error) {
	s := suite{Name: "pgpreflight " + digest.Clean(r.ID), Timestamp: r.StartedAt.UTC().Format(time.RFC3339),
		Properties: properties(r), Cases: cases(r)}
	s.counts = count(s.Cases, r.ElapsedMs)
	raw, err := xml.MarshalIndent(suites{Name: "pgpreflight", counts: s.counts, Suite: s}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JUnit XML of %s: %w", r.ID, err)
	}
	return append(append([]byte(xml.Header), raw...), '\n'), nil
}

func properties(r report.Report) []property {
	all := []property{{"verdict", string(r.Verdict)}, {"id", r.ID}, {"headline", r.Headline}}
	for _, p := range []property{{"route", r.Route}, {"wave", r.Wave}, {"vantage", r.Vantage.Address}} {
		if p.Value != "" {
			all = append(all, p)
		}
	}
	if b := r.FirstBroken; b != nil {
		all = append(all, property{"firstBroken", strings.TrimSpace(b.Leg + " " + string(b.Layer) + " " + string(b.Code))})
	}
	for i := range all {
		all[i].Value = digest.Clean(all[i].Value)
	}
	return all
}

// cases are one per leg and layer, one per layer of what belongs to no layer that is there, and one for the verdict
// where it is not ready and no other case says so.
func cases(r report.Report) []testCase {
	var out []testCase
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			out = append(out, caseOf(r, leg, layer))
		}
	}
	out = append(out, loose(r)...)
	if passes(r.Verdict) || red(out) {
		return out
	}
	verdict := testCase{Class: "check", Name: "verdict", Time: seconds(0)}
	said := &outcome{Message: digest.Clean(r.Headline), Type: digest.Clean(string(r.Verdict))}
	if r.Verdict == report.Inconclusive {
		verdict.Error = said
	} else {
		verdict.Failure = said
	}
	return append(out, verdict)
}

func passes(v report.Verdict) bool { return v == report.Ready || v == report.ReadyWithWarnings }

func red(cases []testCase) bool {
	c := count(cases, 0)
	return c.Failures+c.Errors > 0
}

func caseOf(r report.Report, leg report.Leg, layer report.Layer) testCase {
	found := digest.Of(r, leg, layer.Layer)
	c := testCase{Class: digest.LegName(leg), Name: digest.Clean(string(layer.Layer)), Time: seconds(layer.ElapsedMs)}
	said := &outcome{Message: digest.Outcome(layer), Type: digest.Codes(found)}
	if failed := severe(found, finding.Failed); len(failed) > 0 {
		said.Text = "\n" + said.Message + "\n" + describe(failed, finding.Failed)
		said.Message = digest.Clean(failed[0].Title)
	}
	switch layer.Status {
	case finding.StatusFailed:
		c.Failure = said
	case finding.StatusInconclusive:
		c.Error = said
	case finding.StatusSkipped:
		c.Skipped = &outcome{Message: digest.Outcome(layer)}
	}
	c.Output = describe(found, finding.Warned)
	return c
}

// loose are the findings on the request or the scenario, and any other whose layer is not in the report.
func loose(r report.Report) []testCase {
	byCase := map[string]*testCase{}
	var order []string
	for _, f := range r.Findings {
		if f.Severity == finding.Info || hasLayer(r, f) {
			continue
		}
		class := "check"
		if f.Leg != "" {
			class = digest.LegName(report.Leg{Name: f.Leg, From: f.From})
		}
		name := digest.Clean(string(f.Layer))
		key := strconv.Quote(class) + name
		if byCase[key] == nil {
			order = append(order, key)
			byCase[key] = &testCase{Class: class, Name: name, Time: seconds(0)}
		}
		byCase[key].add(r, f)
	}
	out := make([]testCase, 0, len(order))
	for _, key := range order {
		out = append(out, *byCase[key])
	}
	return out
}

func (c *testCase) add(r report.Report, f report.Finding) {
	text := describe([]report.Finding{f}, f.Severity)
	switch {
	case f.Severity == finding.Warned:
		c.Output += text
	case c.Failure != nil:
		c.Failure.Text += text
	case c.Error != nil:
		c.Error.Text += text
	case r.Verdict == report.Inconclusive:
		c.Error = &outcome{Message: digest.Clean(f.Title), Type: digest.Clean(string(f.Code)), Text: text}
	default:
		c.Failure = &outcome{Message: digest.Clean(f.Title), Type: digest.Clean(string(f.Code)), Text: text}
	}
}

func hasLayer(r report.Report, f report.Finding) bool {
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			if leg.Name == f.Leg && (leg.From == "server") == (f.From == "server") && layer.Layer == f.Layer {
				return true
			}
		}
	}
	return false
}

func severe(found []report.Finding, s finding.Severity) []report.Finding {
	var out []report.Finding
	for _, f := range found {
		if f.Severity == s {
			out = append(out, f)
		}
	}
	return out
}

// describe writes the findings of one severity as plain text.
func describe(found []report.Finding, s finding.Severity) string {
	var b strings.Builder
	for _, f := range severe(found, s) {
		fmt.Fprintf(&b, "\n%s: %s\n%s\nWho must act: %s\n", digest.Clean(string(f.Code)), digest.Clean(f.Title),
			digest.Clean(f.Detail), digest.Clean(f.Owner.Name()))
		for _, remedy := range f.Remedy {
			fmt.Fprintf(&b, "To do: %s\n", digest.Clean(remedy.Text))
			if remedy.Command == "" {
				continue
			}
			for _, line := range digest.Lines(remedy.Command) {
				fmt.Fprintf(&b, "  %s\n", line)
			}
		}
	}
	return b.String()
}

func count(cases []testCase, elapsedMs float64) counts {
	c := counts{Tests: len(cases), Time: seconds(elapsedMs)}
	for _, one := range cases {
		switch {
		case one.Failure != nil:
			c.Failures++
		case one.Error != nil:
			c.Errors++
		case one.Skipped != nil:
			c.Skipped++
		}
	}
	return c
}

func seconds(ms float64) string { return strconv.FormatFloat(ms/1000, 'f', 3, 64) }
