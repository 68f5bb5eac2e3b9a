// Package diagnosis joins what the layers showed into one report: the status of each layer, the finding that the others
// follow from, the verdict and the headline. It is pure: it probes nothing and reads no clock.
package diagnosis

import (
	"fmt"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// Result is all that a check saw, before it is put into words.
type Result struct {
	Request   request.Check
	Placement scenario.Placement
	Vantage   report.Vantage
	// Findings are those on the request or the scenario, which belong to no leg.
	Findings []finding.Finding
	// Legs are in the order of the plan.
	Legs []Leg
	// Azure is what was read of the management plane, judged in a layer of its own; nil where nothing was.
	Azure             *azure.Configuration
	Started, Finished time.Time
}

// Leg is what one way showed.
type Leg struct {
	Name     string
	From     string
	Endpoint request.Endpoint
	Kind     request.Kind
	Access   request.Access
	Layers   []Layer
}

// Layer is what one layer showed. Exactly one of these holds: it ran (Observation), it was blocked (BlockedBy), it was
// left out (Skip), or it ended without an answer through our own trouble (Inconclusive).
type Layer struct {
	Layer        finding.Layer
	Elapsed      time.Duration
	Observation  any
	Findings     []finding.Finding
	BlockedBy    finding.Layer
	Skip         string
	Inconclusive string
	// Closed says that the layer left nothing for the next one to go on with.
	Closed bool
}

// Report judges a result as a whole and puts it into words. It changes nothing in the result.
func Report(words *catalog.Catalog, r *Result) (report.Report, error) {
	j := &judge{words: words, result: r, known: map[string]catalog.Facts{}}
	j.joins = j.join()
	out := report.Report{
		Version: report.Version, ID: r.Request.ID, Route: r.Request.Route, Wave: r.Request.Wave,
		Vantage: r.Vantage, Legs: []report.Leg{}, Findings: []report.Finding{},
		StartedAt: r.Started.UTC(), FinishedAt: r.Finished.UTC(), ElapsedMs: milliseconds(between(r.Started, r.Finished)),
		Request: r.Request.JSON(),
	}
	for _, leg := range r.Legs {
		out.Legs = append(out.Legs, j.leg(leg))
	}
	all := j.findings()
	for _, f := range all {
		worded, err := j.word(f)
		if err != nil {
			return report.Report{}, fmt.Errorf("diagnose %s: %w", r.Request.ID, err)
		}
		out.Findings = append(out.Findings, worded)
	}
	broken := j.broken(all)
	out.Verdict = j.verdict(all, out.Legs)
	if len(broken) > 0 {
		out.FirstBroken = &report.FirstBroken{Leg: broken[0].Leg, From: broken[0].From, Layer: broken[0].Layer, Code: broken[0].Code}
	}
	var err error
	if out.Scenario, err = j.scenario(); err != nil {
		return report.Report{}, fmt.Errorf("diagnose %s: %w", r.Request.ID, err)
	}
	if out.Headline, err = j.headline(&out, broken); err != nil {
		return report.Report{}, fmt.Errorf("diagnose %s: %w", r.Request.ID, err)
	}
	if len(r.Legs) == 0 {
		return out, nil
	}
	if out.Vantage.CannotProve, err = words.CannotProve(j.limits()); err != nil {
		return report.Report{}, fmt.Errorf("diagnose %s: %w", r.Request.ID, err)
	}
	return out, nil
}

// judge carries what every step of a judgement needs.
type judge struct {
	words  *catalog.Catalog
	result *Result
	// joins are the symptoms that the configuration says something about.
	joins joins
	// known are the facts of each leg that was spoken of.
	known map[string]catalog.Facts
}

func (j *judge) leg(l Leg) report.Leg {
	out := report.Leg{Name: l.Name, From: l.From, Endpoint: endpoint(l.Endpoint)}
	for _, layer := range l.Layers {
		out.Layers = append(out.Layers, report.Layer{Layer: layer.Layer, Status: j.status(layer),
			ElapsedMs: milliseconds(layer.Elapsed), BlockedBy: layer.BlockedBy,
			Reason: layer.Skip + layer.Inconclusive, Observation: layer.Observation})
	}
	return out
}

// status is the worst that a layer's findings say.
func (j *judge) status(l Layer) finding.Status {
	switch {
	case l.Inconclusive != "":
		return finding.StatusInconclusive
	case l.BlockedBy != "" || l.Skip != "":
		return finding.StatusSkipped
	}
	status := finding.StatusPassed
	for _, f := range l.Findings {
		switch severity := j.words.SeverityOf(f); {
		case severity == finding.Failed && j.words.Inconclusive(f):
			status = worse(status, finding.StatusInconclusive)
		case severity == finding.Failed, j.joins.cause(f):
			status = finding.StatusFailed
		case severity == finding.Warned:
			status = worse(status, finding.StatusWarned)
		}
	}
	if l.Closed && (status == finding.StatusPassed || status == finding.StatusWarned) {
		// Whatever the judges made of it: a layer that nothing comes after has not passed.
		return finding.StatusInconclusive
	}
	return status
}

func worse(a, b finding.Status) finding.Status {
	order := []finding.Status{finding.StatusPassed, finding.StatusWarned, finding.StatusInconclusive, finding.StatusFailed}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// findings lists everything that was found: failures before warnings before information, and within one severity the
// lower layer first, since the upper ones follow from it.
func (j *judge) findings() []finding.Finding {
	all := slices.Clone(j.result.Findings)
	for _, leg := range j.result.Legs {
		for _, layer := range leg.Layers {
			all = append(all, layer.Findings...)
		}
	}
	all = slices.DeleteFunc(all, j.joins.told)
	slices.SortStableFunc(all, func(a, b finding.Finding) int {
		if d := j.rank(a) - j.rank(b); d != 0 {
			return d
		}
		return slices.Index(finding.Layers(), a.Layer) - slices.Index(finding.Layers(), b.Layer)
	})
	return all
}

func (j *judge) rank(f finding.Finding) int {
	return slices.Index([]finding.Severity{finding.Failed, finding.Warned, finding.Info}, j.words.SeverityOf(f))
}

// broken lists the findings that failed, the first broken one first.
func (j *judge) broken(all []finding.Finding) []finding.Finding {
	var out []finding.Finding
	for _, f := range all {
		if j.words.SeverityOf(f) == finding.Failed {
			out = append(out, f)
		}
	}
	return out
}

func (j *judge) verdict(all []finding.Finding, legs []report.Leg) report.Verdict {
	statuses := map[finding.Status]bool{}
	for _, leg := range legs {
		for _, layer := range leg.Layers {
			statuses[layer.Status] = true
		}
	}
	var warned, outside bool
	for _, f := range all {
		severity := j.words.SeverityOf(f)
		switch {
		case f.Layer == finding.Request && severity == finding.Failed:
			return report.Rejected
		case f.Code == finding.ScenarioUnsupported:
			return report.Unsupported
		case f.Code == finding.VantageNotIntegrated && severity == finding.Failed:
			outside = true
		case severity == finding.Failed && !j.words.Inconclusive(f):
			statuses[finding.StatusFailed] = true
		case severity == finding.Failed:
			statuses[finding.StatusInconclusive] = true
		case severity == finding.Warned:
			warned = true
		}
	}
	switch {
	case outside: // what was seen from outside the network is no answer about it
		return report.Inconclusive
	case statuses[finding.StatusFailed]:
		return report.NotReady
	case statuses[finding.StatusInconclusive]:
		return report.Inconclusive
	case warned:
		return report.ReadyWithWarnings
	}
	return report.Ready
}

func endpoint(e request.Endpoint) string { return joinHostPort(e.Host, e.Port) }

// between is the time between two stamps as the report shows them. The monotonic clock, which the report does not keep,
// would give a slightly other one, and the same report judged again would differ.
func between(started, finished time.Time) time.Duration {
	return max(0, finished.Round(0).Sub(started.Round(0)))
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
