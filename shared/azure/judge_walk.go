package azure

import (
	"net/netip"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// leaving is one connection: from a subnet to an end.
type leaving struct {
	leg  string
	path Path
	// from is the subnet it leaves, out its ranges: one address where that is known.
	from Subnet
	out  []netip.Prefix
	// to are the addresses it goes to, at the subnet and in the network where those are known.
	to        []netip.Prefix
	subnetID  string
	networkID string
	endpoint  PrivateEndpoint
	groups    []string
}

// walks lists the connections of the migration and of the probe.
func (j *judge) walks() []leaving {
	var out []leaving
	if role := j.connector(); role != "" {
		out = append(out, j.leaving(role, source, ByMigration))
		if role == runtime {
			out = append(out, j.leaving(role, target, ByMigration))
		}
	}
	if j.config.place(vantage).SubnetID != "" {
		for _, leg := range []string{source, target, runtime} {
			if _, there := j.of.Ends[leg]; there {
				out = append(out, j.leaving(vantage, leg, ByProbe))
			}
		}
	}
	return out
}

func (j *judge) leaving(role, leg string, path Path) leaving {
	at := j.config.place(role)
	w := leaving{leg: leg, path: path, out: j.standing(role)}
	w.from, _ = j.config.subnet(at.SubnetID)
	if w.from.ID == "" {
		w.from.ID = at.SubnetID
	}
	w.from.NetworkID = firstOf(w.from.NetworkID, at.NetworkID, NetworkOf(at.SubnetID))
	j.arrive(&w)
	return w
}

// standing is where the packets of a role come from: its own address where that is known and in its subnet, else any of
// the subnet's.
func (j *judge) standing(role string) []netip.Prefix {
	subnet, _ := j.config.subnet(j.config.place(role).SubnetID)
	ranges := prefixes(subnet.Prefixes)
	known := j.of.Ends[role].Addresses
	if role == vantage {
		known = []netip.Addr{j.of.Vantage}
	}
	for _, address := range known {
		if address.IsValid() && within(only(address), ranges) {
			return []netip.Prefix{only(address)}
		}
	}
	return ranges
}

// arrive finds where a connection goes: an endpoint, an interface, a delegated subnet, or the address that the probe
// was led to.
func (j *judge) arrive(w *leaving) {
	place, end := j.config.place(w.leg), j.of.Ends[w.leg]
	w.subnetID, w.networkID = place.SubnetID, firstOf(place.NetworkID, NetworkOf(place.SubnetID))
	led := ranges(end.Addresses)
	if endpoint, there := j.endpointFor(w.leg, w.from.NetworkID); there {
		w.endpoint, w.subnetID, w.networkID = endpoint, endpoint.SubnetID, NetworkOf(endpoint.SubnetID)
		if w.to = prefixes(endpoint.Addresses); len(w.to) == 0 {
			w.to = led
		}
		return
	}
	for _, id := range place.InterfaceIDs {
		if nic, read := j.config.nic(id); read {
			w.to = append(w.to, prefixes(nic.Addresses)...)
			w.groups = append(w.groups, nic.SecurityGroupID)
			w.subnetID, w.networkID = nic.SubnetID, NetworkOf(nic.SubnetID)
		}
	}
	if len(w.to) > 0 {
		return
	}
	subnet, read := j.config.subnet(w.subnetID)
	outside := func(p netip.Prefix) bool { return !within(p, prefixes(subnet.Prefixes)) }
	inside := slices.DeleteFunc(slices.Clone(led), outside)
	switch {
	case !read || len(subnet.Prefixes) == 0:
		w.to = led
	case len(inside) > 0:
		w.to = inside
	default:
		w.to = prefixes(subnet.Prefixes)
	}
}

// ranges are the IPv4 addresses: the migration knows no others.
func ranges(addresses []netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range addresses {
		if a.Unmap().Is4() {
			out = append(out, only(a))
		}
	}
	return out
}

// endpointFor is the private endpoint that a connection from a network goes to: the one that the probe was led to, else
// one in that network, else one in a peer, else the first.
func (j *judge) endpointFor(leg, networkID string) (PrivateEndpoint, bool) {
	all := j.config.endpointsOf(j.config.place(leg))
	if len(all) == 0 {
		return PrivateEndpoint{}, false
	}
	network, _ := j.config.network(networkID)
	led := ranges(j.of.Ends[leg].Addresses)
	for _, fits := range []func(PrivateEndpoint) bool{
		func(e PrivateEndpoint) bool {
			return slices.ContainsFunc(prefixes(e.Addresses), func(p netip.Prefix) bool { return slices.Contains(led, p) })
		},
		func(e PrivateEndpoint) bool { return networkID != "" && Same(NetworkOf(e.SubnetID), networkID) },
		func(e PrivateEndpoint) bool { _, peered := network.peering(NetworkOf(e.SubnetID)); return peered },
	} {
		if i := slices.IndexFunc(all, fits); i >= 0 {
			return all[i], true
		}
	}
	return all[0], true
}

// walk judges one connection: the peering, then the routes, then the security groups. Behind a missing peering the
// routes have nothing more to say.
func (j *judge) walk(w leaving) {
	if len(w.to) == 0 || len(w.out) == 0 {
		for _, about := range []string{"route", "nsg_outbound"} {
			j.check(Check{Leg: w.leg, About: about, Path: w.path, State: Unread, Step: w.stepOf(about), Resource: w.from.ID,
				Why: []string{"address_unknown"}})
		}
		return
	}
	if j.peering(w) {
		j.routes(w)
	}
	j.groupOut(w)
	j.groupsIn(w)
}

// stepOf is the step of the scenario that a check of the migration's own connection decides.
func (w leaving) stepOf(about string) string {
	if w.path != ByMigration {
		return ""
	}
	return map[string]string{
		source + "/peering": "vnet_peering", source + "/nsg_outbound": "nsg_outbound",
		source + "/nsg_inbound": "nsg_source_inbound", source + "/same_network": "same_virtual_network",
		target + "/peering": "vnet_peering_target", target + "/nsg_outbound": "nsg_outbound",
	}[w.leg+"/"+about]
}

func (w leaving) ends() finding.Args {
	return finding.Args{"path": string(w.path), "from": texts(w.out), "to": texts(w.to)}
}

// texts writes ranges; one of a single address is written as that address.
func texts(ranges []netip.Prefix) []string {
	var out []string
	for _, p := range ranges {
		if p.IsSingleIP() {
			out = append(out, p.Addr().String())
			continue
		}
		out = append(out, p.String())
	}
	return out
}
