package page

import (
	"fmt"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// changesView is what differs from the check of the route before this one.
type changesView struct {
	Since fact
	ID    string
	Lines []changeView
}

// changeView is one difference.
type changeView struct {
	Tone Tone
	Word string
	Text string
}

// A time is said to have changed where it is at least twice as long or as short, by at least this much.
const (
	slowerBy   = 2.0
	slowerByMs = 50.0
)

// changesOf compares with the check before; nil where there is none.
func changesOf(r report.Report, before *report.Report) *changesView {
	if before == nil {
		return nil
	}
	v := &changesView{Since: moment("", before.StartedAt), ID: before.ID}
	if r.Verdict != before.Verdict {
		v.Lines = append(v.Lines, changeView{ToneOfVerdict(r.Verdict), "verdict",
			"was " + before.Verdict.Name() + ", is " + r.Verdict.Name()})
	}
	v.Lines = append(v.Lines, firstBrokenChange(r, *before)...)
	v.Lines = append(v.Lines, codeChanges(r, *before)...)
	v.Lines = append(v.Lines, legChanges(r, *before)...)
	return v
}

func firstBrokenChange(r, before report.Report) []changeView {
	is, was := brokenAt(r), brokenAt(before)
	if is == was || is == "" || was == "" {
		return nil
	}
	return []changeView{{Warn, "first broken", "was " + was + ", is " + is}}
}

func brokenAt(r report.Report) string {
	b := r.FirstBroken
	if b == nil {
		return ""
	}
	return string(b.Code) + " (" + where(report.Finding{Leg: b.Leg, From: b.From, Layer: b.Layer}) + ")"
}

// codeChanges are findings that are new, and those that are gone. A layer that was not reached this time does not show
// that its findings are gone.
func codeChanges(r, before report.Report) []changeView {
	is, was := codesOf(r), codesOf(before)
	var out []changeView
	for _, code := range is {
		if !slices.ContainsFunc(was, code.same) {
			out = append(out, changeView{code.tone, "new", code.String()})
		}
	}
	for _, code := range was {
		if slices.ContainsFunc(is, code.same) {
			continue
		}
		if reached(r, code) {
			out = append(out, changeView{Good, "gone", code.String()})
			continue
		}
		out = append(out, changeView{Idle, "not reached", code.String() + ": this check did not come so far"})
	}
	return out
}

// codeAt is a code at its place.
type codeAt struct {
	code      finding.Code
	leg, from string
	layer     finding.Layer
	tone      Tone
}

func (c codeAt) same(other codeAt) bool {
	c.tone, other.tone = "", ""
	return c == other
}

func (c codeAt) String() string {
	return string(c.code) + " (" + where(report.Finding{Leg: c.leg, From: c.from, Layer: c.layer}) + ")"
}

func codesOf(r report.Report) []codeAt {
	var out []codeAt
	for _, f := range r.Findings {
		c := codeAt{f.Code, f.Leg, f.From, f.Layer, ToneOfSeverity(f.Severity)}
		if !slices.ContainsFunc(out, c.same) {
			out = append(out, c)
		}
	}
	return out
}

// reached tells whether the layer of a code ran in a report. Codes on the request or the scenario have no layer to run.
func reached(r report.Report, c codeAt) bool {
	layer, found := layerOf(r, c.leg, c.from, c.layer)
	if !found {
		return c.leg == "" && r.Verdict != report.Rejected && r.Verdict != report.Inconclusive
	}
	return ran(layer)
}

func ran(l report.Layer) bool {
	return l.Status != finding.StatusSkipped && l.Status != finding.StatusInconclusive
}

func layerOf(r report.Report, leg, from string, layer finding.Layer) (report.Layer, bool) {
	for _, l := range r.Legs {
		if l.Name != leg || (l.From == "server") != (from == "server") {
			continue
		}
		for _, found := range l.Layers {
			if found.Layer == layer {
				return found, true
			}
		}
	}
	return report.Layer{}, false
}

// legChanges are other endpoints, and layers that take much longer or shorter.
func legChanges(r, before report.Report) []changeView {
	var out []changeView
	for _, leg := range r.Legs {
		for _, old := range before.Legs {
			if old.Name == leg.Name && old.From == leg.From && old.Endpoint != leg.Endpoint {
				out = append(out, changeView{Note, "endpoint", leg.Name + " was " + old.Endpoint})
			}
		}
		for _, layer := range leg.Layers {
			old, found := layerOf(before, leg.Name, leg.From, layer.Layer)
			if found && ran(layer) && ran(old) {
				out = append(out, timeChange(digest.LegName(leg)+" · "+layerName(layer.Layer), old.ElapsedMs, layer.ElapsedMs)...)
			}
		}
	}
	return out
}

func timeChange(place string, was, is float64) []changeView {
	text := fmt.Sprintf("%s took %s, was %s", place, digest.Duration(is), digest.Duration(was))
	switch {
	case is >= was*slowerBy && is-was >= slowerByMs:
		return []changeView{{Warn, "slower", text}}
	case was >= is*slowerBy && was-is >= slowerByMs:
		return []changeView{{Good, "faster", text}}
	}
	return nil
}
