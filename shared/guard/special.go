package guard

import "net/netip"

type namedRange struct {
	name   string
	prefix netip.Prefix
}

// specialRanges lists what no migration source lives in but what answers to a prober inside a network: our own host,
// the metadata services of the clouds, and the Azure platform's own address (168.63.129.16 serves DNS, DHCP and the
// agent's certificates).
func specialRanges() []namedRange {
	return []namedRange{
		{"a loopback address", netip.MustParsePrefix("127.0.0.0/8")},
		{"an unspecified address", netip.MustParsePrefix("0.0.0.0/8")},
		{"a link-local address", netip.MustParsePrefix("169.254.0.0/16")},
		{"the Azure platform address", netip.MustParsePrefix("168.63.129.16/32")},
		{"a multicast address", netip.MustParsePrefix("224.0.0.0/4")},
		{"a reserved or broadcast address", netip.MustParsePrefix("240.0.0.0/4")},
		{"a loopback address", netip.MustParsePrefix("::1/128")},
		{"an unspecified address", netip.MustParsePrefix("::/128")},
		{"a link-local address", netip.MustParsePrefix("fe80::/10")},
		{"a multicast address", netip.MustParsePrefix("ff00::/8")},
		{"a metadata address", netip.MustParsePrefix("fd00:ec2::254/128")},
		{"a metadata address", netip.MustParsePrefix("fd20:ce::254/128")},
		// What these embed depends on the operator's prefix length (RFC 8215) or is obfuscated (RFC 4380).
		{"a local NAT64 address", netip.MustParsePrefix("64:ff9b:1::/48")},
		{"a Teredo address", netip.MustParsePrefix("2001::/32")},
	}
}

// specialRange finds the special range of an address that has no zone and is not IPv4-mapped. An IPv6 address which a
// translator turns into a special IPv4 address is special too, in the same range seen through the translation.
func specialRange(addr netip.Addr) (netip.Prefix, string, bool) {
	if prefix, name, found := lookUp(addr); found {
		return prefix, name, true
	}
	inner, lead, embedded := embeddedIPv4(addr)
	if !embedded {
		return netip.Prefix{}, "", false
	}
	prefix, name, found := lookUp(inner)
	if !found {
		return netip.Prefix{}, "", false
	}
	return netip.PrefixFrom(addr, lead+prefix.Bits()).Masked(), name + " inside an IPv6 address", true
}

func lookUp(addr netip.Addr) (netip.Prefix, string, bool) {
	for _, special := range specialRanges() {
		if special.prefix.Contains(addr) {
			return special.prefix, special.name, true
		}
	}
	return netip.Prefix{}, "", false
}

// embeddedIPv4 returns the IPv4 address inside an IPv6 one and the bits that stand before it: NAT64 (RFC 6052), 6to4
// (RFC 3056) and the deprecated IPv4-compatible form (RFC 4291, section 2.5.5.1).
func embeddedIPv4(addr netip.Addr) (netip.Addr, int, bool) {
	forms := []struct {
		prefix netip.Prefix
		lead   int
	}{
		{netip.MustParsePrefix("64:ff9b::/96"), 96},
		{netip.MustParsePrefix("::/96"), 96},
		{netip.MustParsePrefix("2002::/16"), 16},
	}
	for _, form := range forms {
		if form.prefix.Contains(addr) {
			bytes := addr.As16()
			start := form.lead / 8
			return netip.AddrFrom4([4]byte(bytes[start : start+4])), form.lead, true
		}
	}
	return netip.Addr{}, 0, false
}
