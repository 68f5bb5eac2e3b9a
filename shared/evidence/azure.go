package evidence

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
)

// Azure holds a configuration against what the probes saw, and gives each leg that it says something about the layer
// azure. It comes after Place and Compare, and after the vantage's address is known.
func Azure(result *diagnosis.Result, c azure.Configuration) {
	result.Azure = &c
	judged := azure.Judge(c, caseOf(*result))
	whole := &c
	for _, name := range []string{"target", "source", "runtime"} {
		checks, found := judged.Of(name)
		if len(checks) == 0 && len(found) == 0 && place(c, name) == nil {
			continue
		}
		i := slices.IndexFunc(result.Legs, func(l diagnosis.Leg) bool { return l.Name == name && l.From == "function" })
		if i < 0 { // a runtime server that the request names by its resource only
			result.Findings = append(result.Findings, found...)
			continue
		}
		layer := diagnosis.Layer{Layer: finding.Azure, Findings: found}
		observed := azure.Observation{Checks: checks}
		if whole != nil {
			layer.Elapsed = time.Duration(c.ElapsedMs * float64(time.Millisecond))
			observed.Configuration, whole = whole, nil
		}
		layer.Observation, layer.Skip = observed, unread(checks, found)
		result.Legs[i].Layers = append(result.Legs[i].Layers, layer)
	}
}

// unread says that a layer which decided nothing has not passed. It is no trouble of the check's: reading is an extra.
func unread(checks []azure.Check, found []finding.Finding) string {
	decided := slices.ContainsFunc(checks, func(c azure.Check) bool {
		return c.State == azure.Right || c.State == azure.Wrong
	})
	if decided || slices.ContainsFunc(found, func(f finding.Finding) bool { return !aboutReading(f) }) {
		return ""
	}
	return "nothing that was read decides anything here"
}

// aboutReading tells a finding on the reading from one on what was read.
func aboutReading(f finding.Finding) bool {
	return f.Code == finding.AzNotPermitted || f.Code == finding.AzNotRead
}

func place(c azure.Configuration, leg string) *azure.Place {
	return map[string]*azure.Place{"source": c.Source, "target": c.Target, "runtime": c.Runtime}[leg]
}

// caseOf is what of a check bears on a configuration.
func caseOf(r diagnosis.Result) azure.Case {
	p := r.Placement
	row, _ := p.JudgedBy()
	out := azure.Case{Row: row.Number, RuntimeServer: r.Request.RuntimeServer != nil, SourceKind: p.SourceKind,
		SourceAccess: p.SourceAccess, TargetAccess: p.TargetAccess, Ends: map[string]azure.End{}}
	out.Vantage, _ = netip.ParseAddr(r.Vantage.Address) // invalid where it is not known, as Case has it
	for _, leg := range r.Legs {
		if leg.From == "function" {
			out.Ends[leg.Name] = endOf(leg)
		}
	}
	return out
}

func endOf(l diagnosis.Leg) azure.End {
	end := azure.End{Host: l.Endpoint.Host, Port: l.Endpoint.Port}
	dialled := l.Endpoint.Host
	if l.Endpoint.Address != "" {
		dialled = l.Endpoint.Address
	}
	literal, err := netip.ParseAddr(dialled)
	if err == nil {
		end.Addresses = []netip.Addr{literal.Unmap()}
	}
	end.ByName = err != nil
	for _, layer := range l.Layers {
		switch o := layer.Observation.(type) {
		case resolve.Observation:
			if end.ByName {
				end.Addresses = o.Addresses
			}
		case Login:
			for _, attempt := range o.Attempts {
				if at, err := netip.ParseAddr(attempt.SeenAs); err == nil {
					end.SeenAs = at.Unmap()
				}
			}
		}
		end.SeenAs = seenAs(layer, end.SeenAs)
	}
	return end
}

// seenAs is the address in a refusal: PostgreSQL names the client's there.
func seenAs(l diagnosis.Layer, known netip.Addr) netip.Addr {
	for _, f := range l.Findings {
		text, _ := f.Args["seenAs"].(string)
		if at, err := netip.ParseAddr(text); err == nil && !known.IsValid() {
			known = at.Unmap()
		}
	}
	return known
}
