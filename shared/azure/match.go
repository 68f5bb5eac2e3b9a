package azure

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// tri is an answer that may not be known. The zero value is "no".
type tri int

const (
	no tri = iota
	yes
	// maybe means that some of what was asked about matches and some not, or that nobody here can tell.
	maybe
)

func (t tri) or(other tri) tri {
	switch {
	case t == yes || other == yes:
		return yes
	case t == maybe || other == maybe:
		return maybe
	}
	return no
}

func (t tri) and(other tri) tri {
	switch {
	case t == no || other == no:
		return no
	case t == maybe || other == maybe:
		return maybe
	}
	return yes
}

// Flow is a connection that is to be judged. From and To are ranges, since nobody knows beforehand which address of its
// subnet a server or a function app gets.
type Flow struct {
	From, To netip.Prefix
	// Port is the TCP port that is connected to. The port that it comes from is any of those that are handed out.
	Port int
}

// Surroundings are what the service tags VirtualNetwork and Internet mean at one subnet.
type Surroundings struct {
	// Known are the ranges that VirtualNetwork surely holds: the network's own and those of connected peers.
	Known []netip.Prefix
	// Routed are ranges of user-defined routes, which the tag takes in too.
	Routed []netip.Prefix
	// Gateway tells that a gateway may announce ranges that nobody here knows; the tag holds them too.
	Gateway bool
}

// VirtualNetwork tells whether a range is in the tag of that name, which holds the network's address space, that of its
// peers, that behind a gateway and the prefixes of user-defined routes
// (https://learn.microsoft.com/azure/virtual-network/service-tags-overview).
func (s Surroundings) virtualNetwork(p netip.Prefix) tri {
	switch {
	case within(p, s.Known):
		return yes
	case overlaps(p, s.Known), overlaps(p, s.Routed), s.Gateway:
		return maybe
	}
	return no
}

// readings are the answers that virtualNetwork leaves possible for each address of a range.
func (s Surroundings) readings(p netip.Prefix) []bool {
	switch s.virtualNetwork(p) {
	case yes:
		return []bool{true}
	case maybe:
		return []bool{true, false}
	}
	return []bool{false}
}

// internet is the address space outside of the virtual network that the public internet reaches.
func internet(p netip.Prefix, inNetwork bool) tri {
	switch {
	case inNetwork, within(p, unroutable()):
		return no
	case overlaps(p, unroutable()), p.Overlaps(carrierGrade()):
		return maybe
	}
	return yes
}

// unroutable are the private ranges of RFC 1918, which Azure's own expansion of the tag Internet leaves out.
func unroutable() []netip.Prefix {
	return prefixes([]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7"})
}

func carrierGrade() netip.Prefix { return netip.MustParsePrefix("100.64.0.0/10") }

// loadBalancer is the address that Azure's health probes come from, all that the tag AzureLoadBalancer holds.
func loadBalancer() netip.Prefix { return netip.MustParsePrefix("168.63.129.16/32") }

// side is one side of a flow, under one reading of the tag VirtualNetwork.
type side struct {
	prefix    netip.Prefix
	inNetwork bool
}

// in tells whether a rule's address fields hold the side. Unclear names what could not be decided.
func (s side) in(fields, groups []string) (matches tri, unclear []string) {
	if len(groups) > 0 {
		// Whether an interface is in an application security group, the group does not say.
		matches, unclear = maybe, append(unclear, "application security group")
	}
	for _, field := range fields {
		one := s.field(field)
		if one == maybe {
			unclear = append(unclear, field)
		}
		matches = matches.or(one)
	}
	if matches != maybe {
		unclear = nil
	}
	return matches, unclear
}

func (s side) field(field string) tri {
	switch tag := strings.ToLower(strings.TrimSpace(field)); tag {
	case "*", "any":
		return yes
	case "virtualnetwork":
		if s.inNetwork {
			return yes
		}
		return no
	case "internet":
		return internet(s.prefix, s.inNetwork)
	case "azureloadbalancer":
		return covers(loadBalancer(), s.prefix)
	}
	if prefix, ok := prefixOf(field); ok {
		return covers(prefix, s.prefix)
	}
	if first, last, ok := rangeOf(field); ok {
		return between(first, last, s.prefix)
	}
	// Another service tag: Azure changes what it holds from week to week.
	return maybe
}

func covers(outer, p netip.Prefix) tri {
	switch {
	case within(p, []netip.Prefix{outer}):
		return yes
	case outer.Overlaps(p):
		return maybe
	}
	return no
}

// rangeOf reads "10.0.0.4-10.0.0.9".
func rangeOf(field string) (first, last netip.Addr, ok bool) {
	from, to, found := strings.Cut(field, "-")
	if !found {
		return netip.Addr{}, netip.Addr{}, false
	}
	first, err := netip.ParseAddr(strings.TrimSpace(from))
	if err != nil {
		return netip.Addr{}, netip.Addr{}, false
	}
	last, err = netip.ParseAddr(strings.TrimSpace(to))
	return first, last, err == nil && first.BitLen() == last.BitLen()
}

func between(first, last netip.Addr, p netip.Prefix) tri {
	low, high := p.Addr(), lastOf(p)
	switch {
	case low.BitLen() != first.BitLen(), high.Less(first), last.Less(low):
		return no
	case !low.Less(first) && !last.Less(high):
		return yes
	}
	return maybe
}

// lastOf is the highest address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// A connection comes from one of these ports; those below are for programs that ask for one by number.
const firstHandedOut, lastPort = 1024, 65535

// ports tells whether a rule's port fields hold every port from one to another.
func ports(first, last int, fields []string) tri {
	out := no
	for _, field := range fields {
		low, high, ok := portsOf(field)
		switch {
		case !ok:
			out = out.or(maybe)
		case low <= first && last <= high:
			return yes
		case low <= last && first <= high:
			out = out.or(maybe)
		}
	}
	return out
}

// portsOf reads "5432", "5000-6000" or "*".
func portsOf(field string) (low, high int, ok bool) {
	field = strings.TrimSpace(field)
	if field == "*" {
		return 0, lastPort, true
	}
	from, to, ranged := strings.Cut(field, "-")
	low, err := strconv.Atoi(strings.TrimSpace(from))
	if err != nil || !ranged {
		return low, low, err == nil
	}
	high, err = strconv.Atoi(strings.TrimSpace(to))
	return low, high, err == nil
}

// both joins Azure's single and plural field: it fills the one or the other.
func both(one string, many []string) []string {
	if one == "" {
		return many
	}
	return append(slices.Clip(slices.Clone(many)), one)
}
