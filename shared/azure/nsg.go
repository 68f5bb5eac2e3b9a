package azure

import (
	"cmp"
	"slices"
	"strings"
)

// Outcome is what a security group does with a flow.
type Outcome string

// The outcomes. Undecided means that somebody who knows more could say the one or the other.
const (
	Allowed   Outcome = "allowed"
	Denied    Outcome = "denied"
	Undecided Outcome = "undecided"
)

// Direction is Inbound or Outbound, in Azure's own words.
type Direction string

// The directions.
const (
	Inbound  Direction = "Inbound"
	Outbound Direction = "Outbound"
)

// Decision is what a security group does with a flow, and why.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Rule decided; empty where it is undecided or where there is no group.
	Rule string `json:"rule,omitempty"`
	// Priority is of that rule.
	Priority int `json:"priority,omitempty"`
	// Default tells that it is one of the rules that Azure adds.
	Default bool `json:"default,omitempty"`
	// Unclear are the rules that could not be decided, each with what in it: "allow-storage: Storage".
	Unclear []string `json:"unclear,omitempty"`
}

// Decide evaluates a group for TCP: by priority, the first match counts, its own rules before those that Azure adds
// (https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works). A rule that cannot be
// decided leaves both ways open: where they end alike, that is the outcome, else it is undecided.
func (g SecurityGroup) Decide(f Flow, d Direction, s Surroundings) Decision {
	var seen []Decision
	var unclear []string
	for _, from := range s.readings(f.From) {
		for _, to := range s.readings(f.To) {
			w := walk{from: side{f.From.Masked(), from}, to: side{f.To.Masked(), to}, port: f.Port, direction: d}
			reached, doubts := w.through(g)
			seen, unclear = append(seen, reached...), append(unclear, doubts...)
		}
	}
	slices.Sort(unclear)
	unclear = slices.Compact(unclear)
	for _, one := range seen[1:] {
		if one.Outcome != seen[0].Outcome {
			if len(unclear) == 0 {
				unclear = []string{"VirtualNetwork"}
			}
			return Decision{Outcome: Undecided, Unclear: unclear}
		}
	}
	out := seen[0]
	if out.Outcome == Undecided {
		out.Unclear = unclear
	}
	for _, one := range seen[1:] {
		if one.Rule != out.Rule {
			out.Rule, out.Priority, out.Default = "", 0, false
		}
	}
	return out
}

// walk is the way of one flow through the rules.
type walk struct {
	from, to  side
	port      int
	direction Direction
}

// through lists what the rules can come to, and what in them could not be decided.
func (w walk) through(g SecurityGroup) (reached []Decision, unclear []string) {
	for _, rule := range g.ordered() {
		matches, doubts := w.match(rule.Rule)
		if matches == no {
			continue
		}
		outcome := rule.outcome()
		if outcome == Undecided {
			unclear = append(unclear, rule.Name+": access "+rule.Access)
		}
		reached = append(reached, Decision{Outcome: outcome, Rule: rule.Name, Priority: rule.Priority, Default: rule.added})
		if matches == yes {
			return reached, unclear
		}
		for _, doubt := range doubts {
			unclear = append(unclear, rule.Name+": "+doubt)
		}
	}
	// Azure's own last rule denies everything; where it is not there, the list was not read to its end.
	return append(reached, Decision{Outcome: Undecided}), append(unclear, "the rules that Azure adds")
}

func (r Rule) outcome() Outcome {
	switch strings.ToLower(r.Access) {
	case "allow":
		return Allowed
	case "deny":
		return Denied
	}
	return Undecided
}

func (w walk) match(r Rule) (matches tri, unclear []string) {
	if !strings.EqualFold(r.Direction, string(w.direction)) {
		return no, nil
	}
	protocol := strings.ToLower(r.Protocol)
	if protocol != "*" && protocol != "tcp" {
		return no, nil
	}
	from, doubtsFrom := w.from.in(both(r.SourcePrefix, r.SourcePrefixes), r.SourceGroups)
	to, doubtsTo := w.to.in(both(r.DestinationPrefix, r.DestinationPrefixes), r.DestinationGroups)
	comes := ports(firstHandedOut, lastPort, both(r.SourcePort, r.SourcePorts))
	goes := ports(w.port, w.port, both(r.DestinationPort, r.DestinationPorts))
	if comes == maybe {
		unclear = append(unclear, "source port")
	}
	if goes == maybe {
		unclear = append(unclear, "destination port")
	}
	return from.and(to).and(comes).and(goes), slices.Concat(doubtsFrom, doubtsTo, unclear)
}

// placed is a rule that knows which of the two lists it stands in.
type placed struct {
	Rule
	added bool
}

// ordered lists the rules in the order in which Azure looks at them.
func (g SecurityGroup) ordered() []placed {
	var own, added []placed
	for _, r := range g.Rules {
		own = append(own, placed{Rule: r})
	}
	for _, r := range g.DefaultRules {
		added = append(added, placed{Rule: r, added: true})
	}
	byPriority := func(a, b placed) int { return cmp.Compare(a.Priority, b.Priority) }
	slices.SortStableFunc(own, byPriority)
	slices.SortStableFunc(added, byPriority)
	return append(own, added...)
}
