package scenario

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Vantage is what of the place we run in bears on the scenario.
type Vantage struct {
	// InAzure tells that we run as a function app.
	InAzure bool
	// Address is the private address that the platform gave the app; empty without VNet integration.
	Address string
	// Probed tells that packets were sent.
	Probed bool
}

// Judge says what a placement means.
func (p Placement) Judge(wrong []Mismatch, v Vantage) []finding.Finding {
	var out []finding.Finding
	if f, found := p.judgeRow(v); found {
		out = append(out, f)
	}
	for _, m := range wrong {
		args := finding.Args{"field": m.Field, "declared": m.Declared, "observed": m.Observed, "evidence": m.Evidence}
		if m.As != nil && m.As.Row != 0 && m.As.Row != p.Row {
			args["observedRow"], args["observedSupport"] = m.As.Row, string(m.As.Support)
		}
		out = append(out, finding.Finding{Code: finding.ScenarioMismatch, Layer: finding.Scenario, Leg: m.Leg,
			Advisory: m.Told, Args: args})
	}
	if v.InAzure && v.Address == "" && v.Probed {
		out = append(out, finding.Finding{Code: finding.VantageNotIntegrated, Layer: finding.Scenario,
			Advisory: p.SourceAccess == request.Public && p.TargetAccess == request.Public,
			Args:     finding.Args{"reason": "the platform set no WEBSITE_PRIVATE_IP"}})
	}
	return out
}

func (p Placement) judgeRow(v Vantage) (finding.Finding, bool) {
	f := finding.Finding{Layer: finding.Scenario, Args: finding.Args{"row": p.Row}}
	switch {
	case p.Support == No:
		f.Code, f.Args["probed"] = finding.ScenarioUnsupported, v.Probed
	case p.Support == Undocumented && p.Known():
		f.Code, f.Args["nearest"], f.Args["reason"] = finding.ScenarioUndocumented, p.Nearest, string(p.Notes[0])
	case p.Row != 0 && p.RuntimeServer && !p.given.hasRuntime:
		f.Code = finding.ScenarioRuntimeServerMissing
	default:
		return finding.Finding{}, false
	}
	return f, true
}
