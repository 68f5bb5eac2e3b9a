package azure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// surroundings are what the tag VirtualNetwork means at a subnet. The other network of a connection counts as a peer:
// where it is not, the peering is the fault and not the group.
func (c Configuration) surroundings(subnet Subnet, otherID string) Surroundings {
	network, read := c.network(firstOf(subnet.NetworkID, NetworkOf(subnet.ID)))
	other, _ := c.network(otherID)
	s := Surroundings{Known: slices.Concat(prefixes(network.Prefixes), prefixes(other.Prefixes)),
		Gateway: !read || c.gateway(network) != no}
	for _, p := range network.Peerings {
		if p.connected() && !p.PartOnly {
			s.Known = append(s.Known, prefixes(p.RemotePrefixes)...)
		}
	}
	if routes, known := c.routeTable(subnet.RouteTableID); known {
		for _, r := range routes.Routes {
			s.Routed = append(s.Routed, prefixes([]string{r.Prefix})...)
		}
	}
	return s
}

// groupOut judges the group of the subnet that a connection leaves.
func (j *judge) groupOut(w leaving) {
	check := Check{Leg: w.leg, About: "nsg_outbound", Path: w.path, Step: w.stepOf("nsg_outbound"), Resource: w.from.ID}
	if _, read := j.config.subnet(w.from.ID); !read {
		check.State = Unread
		j.check(check)
		return
	}
	j.group(check, w, hurdle{subnet: w.from, groupID: w.from.SecurityGroupID, otherID: w.networkID, direction: Outbound,
		port: j.of.Ends[w.leg].Port, from: w.out, to: w.to})
}

// groupsIn judges the groups that a connection comes to: of the subnet and of the interface there, or of an endpoint's
// subnet where its policies are on.
func (j *judge) groupsIn(w leaving) {
	if w.subnetID == "" {
		return
	}
	check := Check{Leg: w.leg, About: "nsg_inbound", Path: w.path, Step: w.stepOf("nsg_inbound"), Resource: w.subnetID}
	subnet, read := j.config.subnet(w.subnetID)
	switch {
	case !read:
		check.State = Unread
		j.check(check)
		return
	case w.endpoint.ID != "" && !subnet.policy("NetworkSecurityGroupEnabled"):
		check.State, check.Why = Right, []string{"policies_off"}
		j.check(check)
		return
	}
	for _, id := range append([]string{subnet.SecurityGroupID}, w.groups...) {
		j.group(check, w, hurdle{subnet: subnet, groupID: id, otherID: w.from.NetworkID, direction: Inbound,
			port: j.of.Ends[w.leg].Port, from: w.out, to: w.to})
	}
}

// pageInbound judges what the page asks for although the migration connects the other way: that the target's subnet
// lets the source in.
func (j *judge) pageInbound() {
	place := j.config.place(target)
	from := ranges(j.of.Ends[source].Addresses)
	subnet, read := j.config.subnet(place.SubnetID)
	// A source with a public address comes to nobody's subnet, and the page asks for no such rule there.
	open := j.of.SourceAccess == request.Public
	if !read || open || len(from) == 0 || j.of.RuntimeServer || place.ServerID == "" {
		return
	}
	w := leaving{leg: target, path: ByPage, from: subnet, out: from, to: prefixes(subnet.Prefixes), subnetID: subnet.ID}
	check := Check{Leg: target, About: "nsg_inbound", Path: ByPage, Step: "nsg_inbound", Resource: subnet.ID}
	j.group(check, w, hurdle{subnet: subnet, groupID: subnet.SecurityGroupID, direction: Inbound,
		otherID: j.config.place(source).NetworkID, port: j.of.Ends[target].Port, from: from, to: w.to})
}

// hurdle is one group that a connection has to pass.
type hurdle struct {
	subnet    Subnet
	groupID   string
	otherID   string
	direction Direction
	port      int
	from, to  []netip.Prefix
}

func (j *judge) group(check Check, w leaving, h hurdle) {
	if h.groupID == "" {
		check.State, check.Why = Right, []string{"no_group"}
		j.check(check)
		return
	}
	check.Resource = h.groupID
	group, read := j.config.securityGroup(h.groupID)
	if !read {
		check.State = Unread
		j.check(check)
		return
	}
	decision, flow := group.strictest(h, j.config.surroundings(h.subnet, h.otherID))
	check.Rule, check.Why = decision.Rule, decision.Unclear
	check.State = map[Outcome]State{Allowed: Right, Denied: Wrong, Undecided: CannotTell}[decision.Outcome]
	j.check(check)
	if decision.Outcome == Denied {
		j.find(denied(group, decision, flow, w, h))
	}
}

// strictest decides for every pair of ranges: denied where all are, allowed where all are, else undecided.
func (g SecurityGroup) strictest(h hurdle, s Surroundings) (Decision, Flow) {
	var first Decision
	var at Flow
	for i, from := range h.from {
		for k, to := range h.to {
			flow := Flow{From: from, To: to, Port: h.port}
			one := g.Decide(flow, h.direction, s)
			switch {
			case i == 0 && k == 0:
				first, at = one, flow
			case one.Outcome != first.Outcome:
				return Decision{Outcome: Undecided, Unclear: []string{"ranges_differ"}}, flow
			}
		}
	}
	return first, at
}

func denied(g SecurityGroup, d Decision, flow Flow, w leaving, h hurdle) finding.Finding {
	args := resource(g.ID, w.ends())
	args["rule"], args["priority"], args["added"] = d.Rule, d.Priority, d.Default
	args["direction"], args["outbound"] = string(h.direction), h.direction == Outbound
	args["port"], args["subnets"] = h.port, []string{ParseID(h.subnet.ID).Name}
	args["fromRanges"], args["toRanges"] = []string{flow.From.String()}, []string{flow.To.String()}
	if w.path != ByPage && len(w.from.Prefixes) > 0 {
		// The whole subnet: a server's address in it can change, and an app has no fixed one.
		args["fromRanges"] = w.from.Prefixes
	}
	free := g.freePriority(h.direction, d)
	args["free"] = free
	return finding.Finding{Code: finding.AzNSGDenies, Leg: w.leg, Args: args}
}

// freePriority is one that a new rule can have in order to be looked at before the one that denies; 0 where all of them
// are taken.
func (g SecurityGroup) freePriority(d Direction, by Decision) int {
	taken := map[int]bool{}
	for _, r := range g.Rules {
		if r.Direction == "" || strings.EqualFold(r.Direction, string(d)) {
			taken[r.Priority] = true
		}
	}
	if by.Rule == "" { // several rules deny it between them, so the new one goes before all of them
		return lowestFree(taken)
	}
	first := by.Priority - 1
	if by.Default {
		first = lastOwn
	}
	for priority := first; priority >= firstOwn; priority-- {
		if !taken[priority] {
			return priority
		}
	}
	return 0
}

// The priorities of a group's own rules.
const firstOwn, lastOwn = 100, 4096

func lowestFree(taken map[int]bool) int {
	for priority := firstOwn; priority <= lastOwn; priority++ {
		if !taken[priority] {
			return priority
		}
	}
	return 0
}
