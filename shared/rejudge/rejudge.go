// Package rejudge judges an old report's observations again with today's rules: judges take an observation and the
// request, never a live connection or a clock, so that what was seen then can be judged whenever the rules improve. It
// probes nothing. What a report does not hold any more it says, and never takes for passed.
package rejudge

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// Cannot is a report that cannot be judged again as a whole.
type Cannot struct{ Why string }

func (c *Cannot) Error() string { return "cannot judge again: " + c.Why }

var errNoReport = errors.New("read report: it has no id or no verdict")

// Result is a report judged again.
type Result struct {
	Old, New report.Report
	// Unjudged says what of the old report could not be judged again; those layers are inconclusive in the new one.
	Unjudged []string
}

// Judge judges a stored report again. The error is a *Cannot where the report does not hold what that takes.
func Judge(words *catalog.Catalog, raw []byte) (Result, error) {
	old, layers, err := read(raw)
	if err != nil {
		return Result{}, err
	}
	c, err := checkOf(old)
	if err != nil {
		return Result{}, err
	}
	j := again{words: words, old: old, evidence: layers}
	result, err := j.result(c)
	if err != nil {
		return Result{}, err
	}
	made, err := diagnosis.Report(words, &result)
	if err != nil {
		return Result{}, fmt.Errorf("judge %s again: %w", old.ID, err)
	}
	return Result{Old: old, New: made, Unjudged: j.unjudged}, nil
}

// read gives the report, and the observations exactly as they are stored: by leg, then by layer.
func read(raw []byte) (report.Report, [][]json.RawMessage, error) {
	var old report.Report
	if err := json.Unmarshal(raw, &old); err != nil {
		return old, nil, fmt.Errorf("read report: %w", err)
	}
	if old.ID == "" || old.Verdict == "" {
		return old, nil, errNoReport
	}
	if old.Version != report.Version {
		return old, nil, &Cannot{fmt.Sprintf("it is a report of version %d, and only version %d is known", old.Version,
			report.Version)}
	}
	var exact struct {
		Legs []struct {
			Layers []struct{ Observation json.RawMessage }
		}
	}
	if err := json.Unmarshal(raw, &exact); err != nil {
		return old, nil, fmt.Errorf("read observations: %w", err)
	}
	layers := make([][]json.RawMessage, len(exact.Legs))
	for i, leg := range exact.Legs {
		for _, layer := range leg.Layers {
			layers[i] = append(layers[i], layer.Observation)
		}
	}
	return old, layers, nil
}

// checkOf is the request that the report answers.
func checkOf(old report.Report) (request.Check, error) {
	if slices.ContainsFunc(old.Findings, func(f report.Finding) bool { return f.Code == finding.RequestExhausted }) {
		return request.Check{}, &Cannot{"its check was never run, so nothing was observed"}
	}
	if refused := []finding.Code{finding.RequestInvalid, finding.RequestSecretInline}; slices.ContainsFunc(old.Findings,
		func(f report.Finding) bool { return slices.Contains(refused, f.Code) }) {
		return request.Check{}, &Cannot{"its request was rejected, so nothing was observed"}
	}
	if len(old.Request) == 0 || string(old.Request) == "null" {
		return request.Check{}, &Cannot{"it holds no request, and what the observations are judged by stands there"}
	}
	c, err := request.Decode(old.Request, old.ID)
	if err != nil {
		return request.Check{}, &Cannot{"its request is not one of today's: " + err.Error()}
	}
	return c, nil
}

// again is one judgement.
type again struct {
	words    *catalog.Catalog
	old      report.Report
	evidence [][]json.RawMessage
	unjudged []string
}

func (j *again) result(c request.Check) (diagnosis.Result, error) {
	placement := scenario.Place(c)
	out := diagnosis.Result{Request: c, Placement: placement, Vantage: j.old.Vantage, Started: j.old.StartedAt,
		Finished: j.old.FinishedAt}
	out.Vantage.CannotProve = nil
	out.Findings = j.kept("", finding.Request)
	if len(j.old.Legs) == 0 {
		if len(out.Findings) == 0 && placement.Support != scenario.No {
			return out, &Cannot{"nothing was probed then, and today's rules would have"}
		}
	} else {
		out.Findings = nil
		if err := j.walk(&out, plan.Make(c, placement)); err != nil {
			return out, err
		}
	}
	evidence.Place(&out, j.vantage())
	j.configuration(&out)
	return out, nil
}

// vantage is where the probe stood. That the platform had given it no address is told by the finding alone: the report
// has then the address that the connections came from.
func (j *again) vantage() scenario.Vantage {
	v := scenario.Vantage{InAzure: j.old.Vantage.FunctionApp != "", Address: j.old.Vantage.Address}
	if len(j.kept("", finding.Scenario, finding.VantageNotIntegrated)) > 0 {
		v.Address = ""
	}
	return v
}

// walk judges the legs of today's plan by the old report's.
func (j *again) walk(out *diagnosis.Result, p plan.Plan) error {
	for _, leg := range p.Legs {
		i := slices.IndexFunc(j.old.Legs, func(l report.Leg) bool { return l.Name == leg.Name && l.From == "function" })
		if i < 0 {
			return &Cannot{"it has no leg to the " + leg.Name}
		}
		out.Legs = append(out.Legs, j.leg(i, leg))
	}
	evidence.Compare(out.Legs, p, j.stored())
	return j.server(out, p)
}

// kept are findings that no observation stands behind, as they were found; with codes only those.
func (j *again) kept(leg string, layer finding.Layer, codes ...finding.Code) []finding.Finding {
	var out []finding.Finding
	for _, f := range j.old.Findings {
		wanted := len(codes) == 0 || slices.Contains(codes, f.Code)
		if wanted && f.Layer == layer && (leg == "" || f.Leg == leg) && f.From == "" {
			one := finding.Finding{Code: f.Code, Layer: f.Layer, Leg: f.Leg, From: f.From, Args: plain(f.Args)}
			one.Advisory = j.words.SeverityOf(one) != f.Severity
			out = append(out, one)
		}
	}
	return out
}

// plain gives args the types that they had before they were JSON, as far as words can tell them apart.
func plain(args finding.Args) finding.Args {
	out := finding.Args{}
	for name, value := range args {
		switch v := value.(type) {
		case float64:
			if whole := int(v); float64(whole) == v {
				value = whole
			}
		case []any:
			texts := make([]string, 0, len(v))
			for _, text := range v {
				texts = append(texts, fmt.Sprint(text))
			}
			value = texts
		}
		out[name] = value
	}
	return out
}

func elapsed(l report.Layer) time.Duration {
	return time.Duration(l.ElapsedMs * float64(time.Millisecond))
}
