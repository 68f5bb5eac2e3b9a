package azure

import (
	"net/netip"
	"slices"
	"strings"
)

// Fate is where a route leads a packet.
type Fate string

// The fates. Diverted means that somebody in between decides: an appliance, or a gateway where none is on the way.
const (
	Reaches  Fate = "reaches"
	Diverted Fate = "diverted"
	Nowhere  Fate = "nowhere"
	Unclear  Fate = "undecided"
)

// Next hops in Azure's own words. The last three are system routes that no table has.
const (
	hopLocal     = "VnetLocal"
	hopGateway   = "VirtualNetworkGateway"
	hopInternet  = "Internet"
	hopAppliance = "VirtualAppliance"
	hopNone      = "None"
	hopPeering   = "VNetPeering"
	hopEndpoint  = "InterfaceEndpoint"
)

// Way is the route that a packet takes out of a subnet.
type Way struct {
	Fate    Fate   `json:"fate"`
	NextHop string `json:"nextHop,omitempty"`
	// Route is of a table; empty for one that Azure has by itself.
	Route          string `json:"route,omitempty"`
	Prefix         string `json:"prefix,omitempty"`
	NextHopAddress string `json:"nextHopAddress,omitempty"`
	// Why names what keeps it from being decided: "gateway", "part_of_network", "ranges_differ".
	Why string `json:"why,omitempty"`
}

// entry is one line of the routes that hold at a subnet.
type entry struct {
	prefix  netip.Prefix
	hop     string
	address string
	// name is of a user-defined route, empty for Azure's own.
	name string
	// part tells that only some of the prefix may be routed so.
	part bool
}

// table is what holds at one subnet.
type table struct {
	own, system []entry
	// gateway tells whether there is one; announces whether routes of its, which nobody here knows, hold at the subnet.
	gateway, announces tri
	// tags tells that a route is for a service tag, whose public addresses Azure keeps to itself.
	tags bool
	// networks are the ranges of the network and of its peers, for which announced routes do not count.
	networks []netip.Prefix
}

// Way is the route to a range out of a subnet: the longest prefix wins, then a user-defined route, then one that a
// gateway announces, then Azure's own; what Azure routes inside networks and to peers outweighs what is announced
// (https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview).
func (c Configuration) Way(subnetID string, to netip.Prefix) Way {
	subnet, read := c.subnet(subnetID)
	network, known := c.network(firstOf(subnet.NetworkID, NetworkOf(subnetID)))
	if !read || !known {
		return Way{Fate: Unclear, Why: "not_read"}
	}
	routes, read := c.routeTable(subnet.RouteTableID)
	if subnet.RouteTableID != "" && !read {
		return Way{Fate: Unclear, Why: "not_read"}
	}
	return c.tableOf(network, routes).way(to.Masked())
}

func (c Configuration) tableOf(network VirtualNetwork, routes RouteTable) table {
	t := table{gateway: c.gateway(network)}
	if t.announces = t.gateway; routes.DisableBGP {
		t.announces = no
	}
	for _, r := range routes.Routes {
		prefix, ok := prefixOf(r.Prefix)
		if !ok {
			t.tags = true
			continue
		}
		t.own = append(t.own, entry{prefix: prefix, hop: r.NextHop, address: r.NextHopAddress, name: r.Name})
	}
	for _, prefix := range prefixes(network.Prefixes) {
		t.system = append(t.system, entry{prefix: prefix, hop: hopLocal})
	}
	for _, p := range network.Peerings {
		if !p.carries() {
			continue
		}
		for _, prefix := range prefixes(p.RemotePrefixes) {
			t.system = append(t.system, entry{prefix: prefix, hop: hopPeering, part: p.PartOnly})
		}
	}
	for _, e := range t.system {
		t.networks = append(t.networks, e.prefix)
	}
	t.system = append(t.system, c.endpointRoutes(network, t.own)...)
	return t.withDefaults()
}

// withDefaults adds what every subnet has: private ranges lead nowhere unless something says more, the rest is the
// internet. Where a table has a route for everything, Azure takes the ones to nowhere away.
func (t table) withDefaults() table {
	everything := slices.ContainsFunc(t.own, func(e entry) bool { return e.prefix == netip.MustParsePrefix("0.0.0.0/0") })
	for _, prefix := range append(prefixes([]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}), carrierGrade()) {
		if !everything {
			t.system = append(t.system, entry{prefix: prefix, hop: hopNone})
		}
	}
	for _, prefix := range prefixes([]string{"0.0.0.0/0", "::/0"}) {
		t.system = append(t.system, entry{prefix: prefix, hop: hopInternet})
	}
	return t
}

// gateway tells whether a gateway can announce routes to a network: its own, or a peer's that it uses.
func (c Configuration) gateway(n VirtualNetwork) tri {
	remote := slices.ContainsFunc(n.Peerings, func(p Peering) bool { return p.UseRemoteGateways && p.connected() })
	switch {
	case n.HasGateway || remote:
		return yes
	case !n.SubnetsRead || !n.PeeringsRead:
		return maybe
	}
	return no
}

// endpointRoutes are the routes of single addresses that a private endpoint brings into its network and the peers.
// Where its subnet's policies hold for routes, a user-defined one that is no wider than the network takes its place
// (https://learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy).
func (c Configuration) endpointRoutes(network VirtualNetwork, own []entry) []entry {
	var out []entry
	for _, endpoint := range c.PrivateEndpoints {
		home, read := c.network(NetworkOf(endpoint.SubnetID))
		peered, _ := network.peering(home.ID)
		if !read || !Same(home.ID, network.ID) && !peered.carries() {
			continue
		}
		subnet, read := c.subnet(endpoint.SubnetID)
		for _, address := range prefixes(endpoint.Addresses) {
			policies := !read || subnet.policy("RouteTableEnabled")
			replaced := slices.ContainsFunc(own, func(e entry) bool {
				return policies && within(address, []netip.Prefix{e.prefix}) && e.prefix.Bits() >= home.widthAt(address)
			})
			if !replaced {
				out = append(out, entry{prefix: address, hop: hopEndpoint})
			}
		}
	}
	return out
}

// policy tells whether one of a subnet's policies for private endpoints is on.
func (s Subnet) policy(one string) bool {
	return strings.EqualFold(s.EndpointPolicies, "Enabled") || strings.EqualFold(s.EndpointPolicies, one)
}

// widthAt is the length of the network's own prefix around an address.
func (n VirtualNetwork) widthAt(address netip.Prefix) int {
	for _, prefix := range prefixes(n.Prefixes) {
		if within(address, []netip.Prefix{prefix}) {
			return prefix.Bits()
		}
	}
	return 0
}

func (t table) way(to netip.Prefix) Way {
	for _, e := range slices.Concat(t.own, t.system) {
		if e.prefix.Bits() > to.Bits() && to.Overlaps(e.prefix) {
			return t.wayOfParts(to)
		}
	}
	return t.wayOfWhole(to)
}

// wayOfParts looks at both halves of a range that some route cuts.
func (t table) wayOfParts(to netip.Prefix) Way {
	low := netip.PrefixFrom(to.Addr(), to.Bits()+1)
	high := netip.PrefixFrom(lastOf(to), to.Bits()+1).Masked()
	first, second := t.way(low), t.way(high)
	if first.Fate != second.Fate {
		return Way{Fate: Unclear, Why: "ranges_differ"}
	}
	return first
}

func (t table) wayOfWhole(to netip.Prefix) Way {
	own, hasOwn := longest(t.own, to)
	system, hasSystem := longest(t.system, to)
	internal := slices.Contains([]string{hopLocal, hopPeering, hopEndpoint}, system.hop)
	winner := system
	if hasOwn && (!hasSystem || own.prefix.Bits() >= system.prefix.Bits()) {
		winner = own
	}
	// A route that is announced wins where it is longer; one that leads to the gateway anyway is as good.
	longer := t.announces != no && !within(to, t.networks) && !internal && winner.prefix.Bits() < to.Addr().BitLen()
	if longer && !strings.EqualFold(winner.hop, hopGateway) {
		return Way{Fate: Unclear, Why: "gateway"}
	}
	if t.tags && winner.prefix.Bits() < to.Addr().BitLen() && !within(to, unroutable()) && !within(to, t.networks) {
		return Way{Fate: Unclear, Why: "service_tag"}
	}
	if winner.part {
		return Way{Fate: Unclear, Why: "part_of_network"}
	}
	way := Way{NextHop: winner.hop, Route: winner.name, Prefix: winner.prefix.String(), NextHopAddress: winner.address}
	way.Fate = t.fate(winner, to)
	return way
}

func longest(all []entry, to netip.Prefix) (entry, bool) {
	var best entry
	var found bool
	for _, e := range all {
		if within(to, []netip.Prefix{e.prefix}) && (!found || e.prefix.Bits() > best.prefix.Bits()) {
			best, found = e, true
		}
	}
	return best, found
}

func (t table) fate(e entry, to netip.Prefix) Fate {
	inside, private := within(to, t.networks), within(to, append(unroutable(), carrierGrade()))
	switch {
	case e.hop == hopPeering, e.hop == hopEndpoint, e.name == "" && e.hop == hopLocal:
		return Reaches
	case strings.EqualFold(e.hop, hopNone):
		return Nowhere
	case strings.EqualFold(e.hop, hopAppliance):
		return Diverted
	case strings.EqualFold(e.hop, hopInternet) && (private || inside):
		return Diverted
	case strings.EqualFold(e.hop, hopInternet):
		return Reaches
	case strings.EqualFold(e.hop, hopLocal) && inside:
		return Reaches
	case strings.EqualFold(e.hop, hopGateway):
		return t.throughGateway(inside)
	}
	return Unclear
}

// throughGateway is what becomes of a packet that a table sends to the gateway. Without one it is dropped.
func (t table) throughGateway(inside bool) Fate {
	switch {
	case inside:
		return Diverted
	case t.gateway == no:
		return Nowhere
	case t.gateway == maybe:
		return Unclear
	}
	return Reaches
}

// carries tells whether packets pass a peering in this direction.
func (p Peering) carries() bool { return p.connected() && p.AllowVirtualNetworkAccess }

func (p Peering) connected() bool { return strings.EqualFold(p.State, "Connected") }

// firstOf is the first text that is not empty.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
