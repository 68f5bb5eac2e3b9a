package azure

import (
	"net/netip"
	"slices"
	"strings"
)

// find looks a resource up by its id.
func find[T any](all []T, id string, idOf func(T) string) (T, bool) {
	i := slices.IndexFunc(all, func(one T) bool { return id != "" && Same(idOf(one), id) })
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}

func (c Configuration) server(id string) (Server, bool) {
	return find(c.Servers, id, func(s Server) string { return s.ID })
}

// TargetStorage is what the target has, in bytes; 0 where that was not read.
func (c Configuration) TargetStorage() int64 {
	if c.Target == nil {
		return 0
	}
	target, _ := c.server(c.Target.ServerID)
	return int64(target.StorageGiB) << 30
}

func (c Configuration) network(id string) (VirtualNetwork, bool) {
	return find(c.VirtualNetworks, id, func(n VirtualNetwork) string { return n.ID })
}

func (c Configuration) subnet(id string) (Subnet, bool) {
	return find(c.Subnets, id, func(s Subnet) string { return s.ID })
}

func (c Configuration) securityGroup(id string) (SecurityGroup, bool) {
	return find(c.SecurityGroups, id, func(g SecurityGroup) string { return g.ID })
}

func (c Configuration) routeTable(id string) (RouteTable, bool) {
	return find(c.RouteTables, id, func(t RouteTable) string { return t.ID })
}

func (c Configuration) endpoint(id string) (PrivateEndpoint, bool) {
	return find(c.PrivateEndpoints, id, func(e PrivateEndpoint) string { return e.ID })
}

func (c Configuration) zone(id string) (Zone, bool) {
	return find(c.Zones, id, func(z Zone) string { return z.ID })
}

func (c Configuration) nic(id string) (Interface, bool) {
	return find(c.Interfaces, id, func(i Interface) string { return i.ID })
}

// trouble is what kept a resource from being read.
func (c Configuration) trouble(id string) (Trouble, bool) {
	return find(c.Troubles, id, func(t Trouble) string { return t.Resource })
}

// troubled tells whether something of a resource, or in it, was not read.
func (c Configuration) troubled(id string) bool {
	return slices.ContainsFunc(c.Troubles, func(t Trouble) bool {
		return strings.HasPrefix(strings.ToLower(t.Resource), strings.ToLower(id))
	})
}

// place gives the end of a role, empty where nothing is known of it.
func (c Configuration) place(role string) Place {
	for name, place := range map[string]*Place{source: c.Source, target: c.Target, runtime: c.Runtime,
		vantage: c.Vantage} {
		if name == role && place != nil {
			return *place
		}
	}
	return Place{}
}

// endpointsOf lists the private endpoints of a place that were read.
func (c Configuration) endpointsOf(p Place) []PrivateEndpoint {
	var out []PrivateEndpoint
	for _, id := range p.EndpointIDs {
		if e, read := c.endpoint(id); read {
			out = append(out, e)
		}
	}
	return out
}

// peering is the one that a network has to another.
func (n VirtualNetwork) peering(remoteID string) (Peering, bool) {
	return find(n.Peerings, remoteID, func(p Peering) string { return p.RemoteID })
}

// link is the one of a zone to a network.
func (z Zone) link(networkID string) (ZoneLink, bool) {
	return find(z.Links, networkID, func(l ZoneLink) string { return l.NetworkID })
}

// prefixes reads address ranges; what cannot be read is left out.
func prefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		if prefix, ok := prefixOf(text); ok {
			out = append(out, prefix)
		}
	}
	return out
}

// prefixOf reads a range in CIDR notation, or one address.
func prefixOf(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), true
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return only(address), true
	}
	return netip.Prefix{}, false
}

// only is the range of one address.
func only(address netip.Addr) netip.Prefix {
	address = address.Unmap()
	return netip.PrefixFrom(address, address.BitLen())
}

// within tells whether one of some ranges holds all of another.
func within(inner netip.Prefix, outer []netip.Prefix) bool {
	return slices.ContainsFunc(outer, func(o netip.Prefix) bool {
		return o.Bits() <= inner.Bits() && o.Contains(inner.Addr())
	})
}

func overlaps(one netip.Prefix, others []netip.Prefix) bool {
	return slices.ContainsFunc(others, one.Overlaps)
}
