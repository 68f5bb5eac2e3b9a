package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// told writes layers as text: "source tls not_reached -".
func told(layers []Layer) string {
	var out []string
	for _, l := range layers {
		ms := "-"
		if l.Ms != nil {
			ms = fmt.Sprint(*l.Ms)
		}
		out = append(out, strings.TrimSpace(l.Leg+" "+l.From)+" "+string(l.Layer)+" "+string(l.State)+" "+ms)
	}
	return strings.Join(out, "; ")
}

func TestLayersOfAList(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := broken("c1", noon)
	r.Legs[0].Layers = append(r.Legs[0].Layers,
		report.Layer{Layer: finding.Login, Status: finding.StatusSkipped, Reason: "depth tls was asked"})
	r.Legs = append(r.Legs, report.Leg{Name: "source", From: "server", Layers: []report.Layer{
		{Layer: finding.Connect, Status: finding.StatusInconclusive, ElapsedMs: 12}}},
		report.Leg{Name: "runtime", From: "function", Layers: []report.Layer{
			{Layer: finding.Resolve, Status: finding.StatusWarned, ElapsedMs: 1}}})
	save(t, s, r)
	const want = "source resolve passed 4; source connect failed 5000; source tls not_reached -; source login not_asked -; " +
		"runtime resolve warned 1; source server connect inconclusive 12"
	for name, f := range map[string]Filter{"recent": {Layers: true}, "history": {Layers: true, Route: "orders-db"}} {
		page, err := s.List(t.Context(), f)
		if err != nil || len(page.Checks) != 1 || told(page.Checks[0].Layers) != want ||
			page.Checks[0].Owner != report.SourceNetwork {
			t.Errorf("%s: %v, %+v", name, err, page)
		}
		// They cost nothing where nobody asks.
		f.Layers = false
		if page, err = s.List(t.Context(), f); err != nil || len(page.Checks) != 1 || page.Checks[0].Layers != nil {
			t.Errorf("%s without layers: %v, %+v", name, err, page)
		}
	}
	wave, err := s.Wave(t.Context(), "2026-12")
	if err != nil || len(wave) != 1 || told(wave[0].Layers) != want {
		t.Errorf("wave: %v, %+v", err, wave)
	}
	// The next check of the route is another row, with nothing of this one left in it.
	shallow := broken("c2", noon.Add(1))
	shallow.StartedAt = noon.Add(1e9)
	shallow.Legs = nil
	save(t, s, shallow)
	if wave, err = s.Wave(t.Context(), "2026-12"); err != nil || len(wave) != 1 || len(wave[0].Layers) != 0 {
		t.Errorf("wave: %v, %+v", err, wave)
	}
}

func TestLayersOfRowsByOthers(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"SourceResolveMs":4,"SourceConnectMs":5000}`:          "source resolve  4; source connect  5000",
		`{"SourceResolveMs":"4","SourceResolveStatus":"later"}`: "source resolve later 4",
		`{"SourceResolveMs":null}`:                              "source resolve  -",
		`{"Headline":"x"}`:                                      "",
	} {
		if got, err := layersOf([]byte(raw)); err != nil || told(got) != want {
			t.Errorf("%s: %q, %v", raw, told(got), err)
		}
	}
	for _, raw := range []string{`{"SourceResolveMs":"soon"}`, `{"SourceResolveStatus":7}`, `[]`} {
		if got, err := layersOf([]byte(raw)); err == nil {
			t.Errorf("%s: %v", raw, got)
		}
	}
}
