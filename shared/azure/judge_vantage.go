package azure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// vantageDiffers compares our own subnet with the one that the migration leaves from. What differs is what a probe that
// got through does not prove.
func (j *judge) vantageDiffers() {
	role := j.connector()
	ours, read := j.config.subnet(j.config.place(vantage).SubnetID)
	if role == "" || !read {
		return
	}
	theirs, read := j.config.subnet(j.config.place(role).SubnetID)
	if !read {
		return
	}
	args := resource(ours.ID, finding.Args{"path": string(ByProbe), "role": role, "otherId": theirs.ID,
		"other": ParseID(theirs.ID).Name, "ranges": ours.Prefixes, "otherRanges": theirs.Prefixes})
	differs := j.objects(ours, theirs, args)
	differs = j.networks(ours, theirs, args) || differs
	if rules := j.rulesForOne(ours, theirs, role); len(rules) > 0 {
		args["rules"], differs = rules, true
	}
	if sqlOf(ours) != sqlOf(theirs) && j.of.single() {
		args["serviceEndpoints"], differs = true, true
	}
	check := Check{Leg: source, About: "vantage", Path: ByProbe, State: Right, Resource: ours.ID}
	if differs {
		check.State = Wrong
		j.find(finding.Finding{Code: finding.AzVantageDiffers, Leg: source, Args: args, Advisory: j.alike()})
	}
	j.check(check)
}

func sqlOf(s Subnet) bool { return slices.ContainsFunc(s.ServiceEndpoints, isSQL) }

// objects compares the security groups and route tables as objects: two of the same content grow apart.
func (j *judge) objects(ours, theirs Subnet, args finding.Args) bool {
	var differs bool
	for _, o := range []struct{ name, our, their string }{
		{"group", ours.SecurityGroupID, theirs.SecurityGroupID}, {"table", ours.RouteTableID, theirs.RouteTableID}} {
		if Same(o.our, o.their) {
			continue
		}
		differs = true
		args[o.name+"Differs"] = true
		args["our"+o.name], args["their"+o.name] = ParseID(o.our).Name, ParseID(o.their).Name
		args["their"+o.name+"Id"] = o.their
	}
	return differs
}

// networks compares the virtual networks, where the two subnets are not in one: DNS servers and zone links are theirs.
func (j *judge) networks(ours, theirs Subnet, args finding.Args) bool {
	ourID := firstOf(ours.NetworkID, NetworkOf(ours.ID))
	theirID := firstOf(theirs.NetworkID, NetworkOf(theirs.ID))
	if Same(ourID, theirID) {
		return false
	}
	args["networkDiffers"], args["network"], args["otherNetwork"] = true, ParseID(ourID).Name, ParseID(theirID).Name
	our, read := j.config.network(ourID)
	their, alsoRead := j.config.network(theirID)
	args["dnsDiffers"] = read && alsoRead && !slices.Equal(our.DNSServers, their.DNSServers)
	var zones []string
	for _, zone := range j.config.Zones {
		_, here := zone.link(ourID)
		_, there := zone.link(theirID)
		if zone.LinksRead && here != there {
			zones = append(zones, zone.Name)
		}
	}
	args["zones"] = zones
	return true
}

// rulesForOne names the rules on the way that speak of the one subnet's ranges and not of the other's.
func (j *judge) rulesForOne(ours, theirs Subnet, role string) []string {
	our, their := prefixes(ours.Prefixes), prefixes(theirs.Prefixes)
	var out []string
	for _, group := range j.groupsOnTheWay(theirs, role) {
		for _, rule := range group.Rules {
			goes := ports(j.of.Ends[source].Port, j.of.Ends[source].Port, both(rule.DestinationPort, rule.DestinationPorts))
			fields := both(rule.SourcePrefix, rule.SourcePrefixes)
			if goes != no && named(fields, our) != named(fields, their) {
				out = append(out, ParseID(group.ID).Name+"/"+rule.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (j *judge) groupsOnTheWay(theirs Subnet, role string) []SecurityGroup {
	ids := []string{theirs.SecurityGroupID}
	for _, w := range j.walks() {
		if w.path == ByMigration && w.leg != role {
			to, _ := j.config.subnet(w.subnetID)
			ids = append(append(ids, to.SecurityGroupID), w.groups...)
		}
	}
	var out []SecurityGroup
	for _, id := range ids {
		if group, read := j.config.securityGroup(id); read {
			out = append(out, group)
		}
	}
	return out
}

// named tells whether address fields speak of ranges by number; a tag or an asterisk speaks of nobody.
func named(fields []string, ranges []netip.Prefix) bool {
	return slices.ContainsFunc(fields, func(field string) bool {
		prefix, ok := prefixOf(field)
		return ok && prefix.Bits() > 0 && overlaps(prefix, ranges)
	})
}

// alike tells whether whatever differs comes to the same for both connections, as far as it could be decided.
func (j *judge) alike() bool {
	states := map[string]map[Path][]State{}
	for _, c := range j.checks {
		if !strings.HasPrefix(c.About, "nsg_") && c.About != "route" && c.About != "zone_link" && c.About != "peering" {
			continue
		}
		key := c.Leg + "/" + c.About
		if states[key] == nil {
			states[key] = map[Path][]State{}
		}
		states[key][c.Path] = append(states[key][c.Path], c.State)
	}
	for _, byPath := range states {
		theirs, both := byPath[ByMigration]
		if ours, too := byPath[ByProbe]; !both || !too {
			continue
		} else if !allRight(ours) || !allRight(theirs) {
			return false
		}
	}
	return len(states) > 0
}

func allRight(states []State) bool {
	return !slices.ContainsFunc(states, func(s State) bool { return s != Right })
}
