package check

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// placeAgain completes the placement by what was resolved, once all legs are done, and says what it means. The legs
// were planned by what was declared and by the names alone.
func placeAgain(result *diagnosis.Result, at report.Vantage) {
	refined, wrong := result.Placement.Refine(resolved(result.Legs))
	result.Placement = refined
	vantage := scenario.Vantage{InAzure: at.FunctionApp != "", Address: at.Address, Probed: len(result.Legs) > 0}
	result.Findings = append(refined.Judge(wrong, vantage), result.Findings...)
}

// resolved is what the resolve layers saw, by leg. Legs that the server itself reported do not resolve for us.
func resolved(legs []diagnosis.Leg) map[string]scenario.Observed {
	out := map[string]scenario.Observed{}
	for _, leg := range legs {
		for _, layer := range leg.Layers {
			if o, ok := layer.Observation.(resolve.Observation); ok && leg.From == "function" {
				out[leg.Name] = scenario.Observed{Addresses: o.Addresses, Chain: chain(o),
					Told: slices.ContainsFunc(layer.Findings, aboutNature)}
			}
		}
	}
	return out
}

// chain is of the server whose addresses the probe went on with, or else of the first that followed one.
func chain(o resolve.Observation) []string {
	for _, server := range o.Servers {
		if o.AnsweredBy.IsValid() && server.Address != o.AnsweredBy || len(server.A.Chain) == 0 {
			continue
		}
		var names []string
		for _, link := range server.A.Chain {
			names = append(names, link.Target)
		}
		return names
	}
	return nil
}

func aboutNature(f finding.Finding) bool {
	return f.Code == finding.DNSPublicWherePrivateExpected || f.Code == finding.DNSPrivateWherePublicExpected
}
