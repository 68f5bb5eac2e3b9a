package resolve

import (
	"net/netip"
	"slices"
)

// natures says which natures a set of addresses holds.
type natures struct{ private, public, special bool }

// natureOf sorts addresses into private, public and special.
//
// Private is what the internet does not route and people number networks with: RFC 1918, fc00::/7, and 100.64.0.0/10
// (RFC 6598), which clouds and VPN carriers use inside. Special is what is neither: loopback, link-local, documentation
// and benchmarking ranges. A virtual network that is numbered with public addresses looks public here.
func natureOf(addresses []netip.Addr) natures {
	var n natures
	for _, address := range addresses {
		switch {
		case isPrivate(address):
			n.private = true
		case isSpecial(address):
			n.special = true
		default:
			n.public = true
		}
	}
	return n
}

func isPrivate(address netip.Addr) bool {
	return address.IsPrivate() || netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(address)
}

func isNotPrivate(address netip.Addr) bool { return !isPrivate(address) }

func isNotPublic(address netip.Addr) bool { return isPrivate(address) || isSpecial(address) }

func isSpecial(address netip.Addr) bool {
	if address.IsLoopback() || address.IsLinkLocalUnicast() || !dialable(address) {
		return true
	}
	return slices.ContainsFunc(specialRanges(), func(p netip.Prefix) bool { return p.Contains(address) })
}

// specialRanges are from the IANA special-purpose registries (RFC 6890): never a database server's public address.
func specialRanges() []netip.Prefix {
	four := func(bits int, bytes ...byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(append(bytes, 0, 0, 0, 0)[:4])), bits)
	}
	return []netip.Prefix{
		four(8, 0), four(24, 192, 0, 0), four(24, 192, 0, 2), four(15, 198, 18), four(24, 198, 51, 100),
		four(24, 203, 0, 113), four(4, 240),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8}), 32),
		four(32, 168, 63, 129, 16), // the Azure platform's own, in every virtual network
	}
}

// fourOrAll leaves IPv6 out where there is IPv4: a dual-stack cloud network has globally routable IPv6 addresses on
// private hosts, and the migration service dials IPv4.
func fourOrAll(addresses []netip.Addr) []netip.Addr {
	var four []netip.Addr
	for _, address := range addresses {
		if address.Is4() {
			four = append(four, address)
		}
	}
	if len(four) == 0 {
		return addresses
	}
	return four
}

func texts(addresses []netip.Addr) []string {
	out := make([]string, 0, len(addresses))
	for _, address := range addresses {
		out = append(out, address.String())
	}
	return out
}
