package azure

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

const (
	netID  = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/net"
	peerID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/peer"
	subID  = netID + "/subnets/sub"
	tblID  = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/table"
)

// routed is a network 10.2.0.0/16 with a subnet, a peer 10.1.0.0/16 and a private endpoint 10.1.2.4 there.
func routed(change func(*Configuration)) Configuration {
	c := Configuration{
		VirtualNetworks: []VirtualNetwork{
			{ID: netID, Prefixes: []string{"10.2.0.0/16"}, PeeringsRead: true, SubnetsRead: true, Peerings: []Peering{{RemoteID: peerID,
				State: "Connected", AllowVirtualNetworkAccess: true, RemotePrefixes: []string{"10.1.0.0/16"}}}},
			{ID: peerID, Prefixes: []string{"10.1.0.0/16"}, PeeringsRead: true, SubnetsRead: true}},
		Subnets: []Subnet{{ID: subID, NetworkID: netID, Prefixes: []string{"10.2.1.0/24"}, RouteTableID: tblID},
			{ID: peerID + "/subnets/ends", NetworkID: peerID, Prefixes: []string{"10.1.2.0/24"}, EndpointPolicies: "Disabled"}},
		RouteTables: []RouteTable{{ID: tblID}},
		PrivateEndpoints: []PrivateEndpoint{{ID: "/e", SubnetID: peerID + "/subnets/ends",
			Addresses: []string{"10.1.2.4"}}}}
	if change != nil {
		change(&c)
	}
	return c
}

func own(routes ...string) func(*Configuration) {
	return func(c *Configuration) {
		for i := 0; i+1 < len(routes); i += 2 {
			c.RouteTables[0].Routes = append(c.RouteTables[0].Routes, Route{Name: fmt.Sprint("r", i/2), Prefix: routes[i],
				NextHop: routes[i+1], NextHopAddress: map[bool]string{true: "10.2.9.4"}[routes[i+1] == "VirtualAppliance"]})
		}
	}
}

func all(changes ...func(*Configuration)) func(*Configuration) {
	return func(c *Configuration) {
		for _, change := range changes {
			change(c)
		}
	}
}

func TestWay(t *testing.T) {
	t.Parallel()
	gateway := func(c *Configuration) { c.VirtualNetworks[0].HasGateway = true }
	remoteGateway := func(c *Configuration) { c.VirtualNetworks[0].Peerings[0].UseRemoteGateways = true }
	keptOut := func(c *Configuration) { c.RouteTables[0].DisableBGP = true }
	policies := func(c *Configuration) { c.Subnets[1].EndpointPolicies = "RouteTableEnabled" }
	for _, c := range []struct {
		name   string
		change func(*Configuration)
		to     string
		want   string // fate, next hop, route, why
	}{
		{"inside the network", nil, "10.2.7.7", "reaches VnetLocal  "},
		{"to the peer", nil, "10.1.1.4", "reaches VNetPeering  "},
		{"to an endpoint in the peer", nil, "10.1.2.4", "reaches InterfaceEndpoint  "},
		{"to the internet", nil, "203.0.113.5", "reaches Internet  "},
		{"to a private address that nobody has", nil, "192.168.1.5", "nowhere None  "},
		{"to a carrier's address", nil, "100.64.1.1", "nowhere None  "},
		{"peer without access", func(c *Configuration) { c.VirtualNetworks[0].Peerings[0].AllowVirtualNetworkAccess = false }, "10.1.1.4",
			"nowhere None  "},
		{"peer not connected", func(c *Configuration) { c.VirtualNetworks[0].Peerings[0].State = "Initiated" }, "10.1.2.4", "nowhere None  "},
		{"peer in part", func(c *Configuration) { c.VirtualNetworks[0].Peerings[0].PartOnly = true }, "10.1.1.4", "undecided   part_of_network"},
		{"behind a gateway", gateway, "192.168.1.5", "undecided   gateway"},
		{"behind the peer's gateway", remoteGateway, "192.168.1.5", "undecided   gateway"},
		{"the internet beside a gateway", gateway, "203.0.113.5", "undecided   gateway"},
		{"a gateway does not lead into the peer", gateway, "10.1.1.4", "reaches VNetPeering  "},
		{"gateway's routes kept out", all(gateway, keptOut), "192.168.1.5", "nowhere None  "},
		{"kept out, and a route to it", all(gateway, keptOut, own("192.168.0.0/16", "VirtualNetworkGateway")), "192.168.1.5",
			"reaches VirtualNetworkGateway r0 "},
		{"a route to the gateway", all(gateway, own("0.0.0.0/0", "VirtualNetworkGateway")), "192.168.1.5", "reaches VirtualNetworkGateway r0 "},
		{"a route to no gateway", own("0.0.0.0/0", "VirtualNetworkGateway"), "203.0.113.5", "nowhere VirtualNetworkGateway r0 "},
		{"the peer through a gateway", all(gateway, own("10.1.0.0/16", "VirtualNetworkGateway")), "10.1.1.4", "diverted VirtualNetworkGateway r0 "},
		{"longest prefix", own("0.0.0.0/0", "VirtualAppliance", "203.0.113.0/24", "Internet", "203.0.112.0/22", "None"), "203.0.113.5",
			"reaches Internet r1 "},
		{"everything to an appliance", own("0.0.0.0/0", "VirtualAppliance"), "203.0.113.5", "diverted VirtualAppliance r0 "},
		{"an appliance for everything leaves the peer alone", own("0.0.0.0/0", "VirtualAppliance"), "10.1.1.4", "reaches VNetPeering  "},
		{"an appliance for the peer", own("10.1.0.0/16", "VirtualAppliance"), "10.1.1.4", "diverted VirtualAppliance r0 "},
		{"an appliance for a part of the peer", own("10.1.1.0/24", "VirtualAppliance"), "10.1.1.4", "diverted VirtualAppliance r0 "},
		{"a wider route than the peer's", own("10.0.0.0/8", "None"), "10.1.1.4", "reaches VNetPeering  "},
		{"dropped", own("10.1.1.0/24", "None"), "10.1.1.4", "nowhere None r0 "},
		{"a private address to the internet", own("192.168.0.0/16", "Internet"), "192.168.1.5", "diverted Internet r0 "},
		{"inside, as a route of one's own", own("10.1.0.0/16", "VnetLocal"), "10.1.1.4", "reaches VnetLocal r0 "},
		{"a single address outweighs a gateway", all(gateway, own("192.168.1.5/32", "None")), "192.168.1.5", "nowhere None r0 "},
		{"a wide route does not", all(gateway, own("0.0.0.0/0", "None")), "192.168.1.5", "undecided   gateway"},
		{"an endpoint outweighs a route", own("10.1.2.0/24", "VirtualAppliance"), "10.1.2.4", "reaches InterfaceEndpoint  "},
		{"but not one of its own length", own("10.1.2.4/32", "VirtualAppliance"), "10.1.2.4", "diverted VirtualAppliance r0 "},
		{"nor one where policies hold", all(policies, own("10.1.0.0/16", "VirtualAppliance")), "10.1.2.4", "diverted VirtualAppliance r0 "},
		{"policies and a route wider than the network", all(policies, own("10.0.0.0/8", "VirtualAppliance")), "10.1.2.4",
			"reaches InterfaceEndpoint  "},
		{"a whole subnet", nil, "10.1.1.0/24", "reaches VNetPeering  "},
		{"a subnet that a route cuts", own("10.1.1.128/25", "None"), "10.1.1.0/24", "undecided   ranges_differ"},
		{"a subnet that two routes share", own("10.1.1.0/25", "None", "10.1.1.128/25", "None"), "10.1.1.0/24", "nowhere None r0 "},
		{"a next hop that is new to us", own("10.1.0.0/16", "Wormhole"), "10.1.1.4", "undecided Wormhole r0 "},
		{"everything to an appliance, private addresses too", own("0.0.0.0/0", "VirtualAppliance"), "192.168.1.5",
			"diverted VirtualAppliance r0 "},
		{"a service tag", own("Sql.WestEurope", "Internet", "0.0.0.0/0", "VirtualAppliance"), "203.0.113.5", "undecided   service_tag"},
		{"a service tag has no private addresses", own("Sql.WestEurope", "None"), "10.1.1.4", "reaches VNetPeering  "},
		{"no table", func(c *Configuration) { c.Subnets[0].RouteTableID = "" }, "10.1.1.4", "reaches VNetPeering  "},
		{"a table that was not read", func(c *Configuration) { c.RouteTables = nil }, "10.1.1.4", "undecided   not_read"},
		{"a network that was not read", func(c *Configuration) { c.VirtualNetworks = nil }, "10.1.1.4", "undecided   not_read"},
		{"peerings that were not read may lead to a gateway", func(c *Configuration) { c.VirtualNetworks[0].PeeringsRead = false },
			"192.168.1.5", "undecided   gateway"},
	} {
		way := routed(c.change).Way(subID, must(c.to))
		if got := fmt.Sprintf("%s %s %s %s", way.Fate, way.NextHop, way.Route, way.Why); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

// A slow evaluator that looks at one address after the other, bit by bit, agrees about every one of them.
func TestWayAgreesWithOneAddressAtATime(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 9))
	hops := []string{"None", "VirtualAppliance", "Internet", "VnetLocal"}
	for range 400 {
		var routes []string
		for range r.IntN(5) {
			bits := 12 + r.IntN(21)
			address := netip.AddrFrom4([4]byte{10, byte(1 + r.IntN(2)), byte(r.IntN(2)), byte(r.IntN(16))})
			routes = append(routes, netip.PrefixFrom(address, bits).Masked().String(), hops[r.IntN(len(hops))])
		}
		c := routed(own(routes...))
		to := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(1 + r.IntN(2)), byte(r.IntN(2)), byte(r.IntN(16))}), 26+r.IntN(7)).Masked()
		way := c.Way(subID, to)
		fates := map[Fate]bool{}
		for a := to.Addr(); to.Contains(a); a = a.Next() {
			fates[slowFate(c.RouteTables[0].Routes, a)] = true
		}
		if len(fates) > 1 != (way.Why == "ranges_differ") || len(fates) == 1 && !fates[way.Fate] {
			t.Fatalf("%s with %v is %+v, one at a time %v", to, routes, way, fates)
		}
	}
}

func slowFate(routes []Route, a netip.Addr) Fate {
	hop, length, user := "None", -1, false
	consider := func(prefix, to string, of bool) {
		p := netip.MustParsePrefix(prefix)
		matches := true
		for bit := range p.Bits() {
			matches = matches && bitOf(p.Addr(), bit) == bitOf(a, bit)
		}
		if matches && (p.Bits() > length || p.Bits() == length && of && !user) {
			hop, length, user = to, p.Bits(), of
		}
	}
	for prefix, to := range map[string]string{"0.0.0.0/0": "Internet", "10.0.0.0/8": "None", "10.2.0.0/16": "inside",
		"10.1.0.0/16": "inside", "10.1.2.4/32": "inside"} {
		consider(prefix, to, false)
	}
	for _, r := range routes {
		consider(r.Prefix, r.NextHop, true)
	}
	return map[string]Fate{"inside": Reaches, "VnetLocal": Reaches, "None": Nowhere, "VirtualAppliance": Diverted,
		"Internet": Diverted}[hop]
}

func bitOf(a netip.Addr, bit int) byte { return a.AsSlice()[bit/8] >> (7 - bit%8) & 1 }

func TestParseID(t *testing.T) {
	t.Parallel()
	id := ParseID("/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/N/subnets/X")
	if id != (ID{Subscription: "S", ResourceGroup: "G", Kind: "microsoft.network/virtualnetworks/subnets", Name: "X", Parent: "N"}) {
		t.Errorf("%+v", id)
	}
	for _, odd := range []string{"", "/", "x", "//subscriptions//", "/subscriptions", "/providers/A/b"} {
		ParseID(odd)
	}
	if !Same("/A/b/", "/a/B") || NetworkOf(subID) != netID || NetworkOf(netID) != "" {
		t.Error("ids are compared wrongly")
	}
}
