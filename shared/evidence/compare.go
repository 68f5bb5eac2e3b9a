package evidence

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// Compare holds the facts of both ends against each other, and against what was read of the target's configuration (nil
// where nothing was). The findings go to the leg that must act.
func Compare(legs []diagnosis.Leg, p plan.Plan, read *azure.Configuration) {
	source, sourceRan := factsOf(legs, prerequisites.SideSource)
	target, targetRan := factsOf(legs, prerequisites.SideTarget)
	if !sourceRan || !targetRan {
		return // the end that could not be asked says so itself
	}
	expect := prerequisitesExpect(p.Legs[0])
	if read != nil {
		expect.TargetStorageBytes = read.TargetStorage()
	}
	for _, f := range prerequisites.Compare(source, target, expect) {
		for i := range legs {
			if legs[i].Name != f.Leg || legs[i].From != "function" {
				continue
			}
			last := &legs[i].Layers[len(legs[i].Layers)-1]
			last.Findings = append(last.Findings, f)
		}
	}
}

func factsOf(legs []diagnosis.Leg, side prerequisites.Side) (prerequisites.Observation, bool) {
	for _, leg := range legs {
		if leg.Name != string(side) || leg.From != "function" {
			continue
		}
		for _, layer := range leg.Layers {
			if seen, ok := layer.Observation.(Prerequisites); ok {
				return seen.Observation, true
			}
		}
	}
	return prerequisites.Observation{Side: side}, false
}

// Place completes the placement by what was resolved, once all legs are done, and says what it means. The legs were
// planned by what was declared and by the names alone.
func Place(result *diagnosis.Result, at scenario.Vantage) {
	refined, wrong := result.Placement.Refine(resolved(result.Legs))
	result.Placement = refined
	at.Probed = len(result.Legs) > 0
	result.Findings = append(refined.Judge(wrong, at), result.Findings...)
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
