package scenario

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Observed is what the resolve layer saw of one leg.
type Observed struct {
	// Addresses are those that can be dialled.
	Addresses []netip.Addr
	// Chain are the targets of the CNAME records, in order, without the name that was asked for.
	Chain []string
	// Told tells that a finding of the resolve layer says already that the addresses are not of the expected nature.
	Told bool
}

// nature is what a set of addresses is. Mixed and special addresses (loopback, documentation) are neither.
type nature string

// The natures.
const (
	neither       nature = ""
	publicNature  nature = "public"
	privateNature nature = "private"
)

// sight is what a leg looks like.
type sight struct {
	// kinds are those that fit; none where nothing is known of them.
	kinds []request.Kind
	// access is the one to infer; empty where several are as likely.
	access request.Access
	// seems is what to call it where it contradicts.
	seems string
	// fits are the kinds of access that do not contradict what was seen; none where nothing is known of them.
	fits []request.Access
}

// view is one line of what answers mean. The first that matches decides.
type view struct {
	legs   []string
	nature nature
	zone   zone
	// anyZone matches whatever the zone is.
	anyZone bool
	access  request.Access
	// seems is what a contradiction is told as, where access is empty.
	seems string
	fits  []request.Access
}

// views is section "DNS rules" of the facts, read backwards: from the answer to the placement.
var views = sync.OnceValue(func() []view {
	servers := []string{target, runtime}
	every := []string{source, target, runtime}
	link := []request.Access{request.PrivateEndpoint, request.Private}
	both := []request.Access{request.Public, request.PrivateEndpoint}
	public := []request.Access{request.Public}
	private := []request.Access{request.Private, request.PrivateEndpoint}
	integrated := []request.Access{request.VNetIntegrated}
	unclear := []request.Access{request.VNetIntegrated, request.PrivateEndpoint}
	return []view{
		// The chain shows that there is an endpoint; a public end only that its zone is not linked here.
		{legs: every, nature: publicNature, zone: privateLink, seems: string(request.PrivateEndpoint), fits: both},
		{legs: every, nature: privateNature, zone: privateLink, access: request.PrivateEndpoint, fits: link},
		{legs: every, nature: neither, zone: privateLink, access: request.PrivateEndpoint, fits: link},
		{legs: every, nature: publicNature, anyZone: true, access: request.Public, fits: public},
		{legs: servers, nature: privateNature, zone: privateZone, access: request.VNetIntegrated, fits: integrated},
		{legs: servers, nature: neither, zone: privateZone, access: request.VNetIntegrated, fits: integrated},
		// A zone of one's own can hold an endpoint's address without any CNAME: that does not contradict.
		{legs: servers, nature: privateNature, zone: plain, access: request.VNetIntegrated, fits: unclear},
		// A private address behind another name does not tell a delegated subnet from an endpoint.
		{legs: servers, nature: privateNature, anyZone: true, seems: string(request.Private), fits: unclear},
		{legs: []string{source}, nature: privateNature, anyZone: true, access: request.Private, fits: private},
	}
})

// see reads one leg.
func see(leg string, e request.Endpoint, o Observed, kind request.Kind) sight {
	s := sight{}
	in, is := furthest(e, o), natureOf(o.Addresses)
	for _, v := range views() {
		if slices.Contains(v.legs, leg) && v.nature == is && (v.anyZone || v.zone == in) {
			s.access, s.seems, s.fits = v.access, v.seems, v.fits
			break
		}
	}
	if leg != source {
		return s
	}
	switch flexible := in == region || in == privateZone; {
	case flexible:
		s.kinds = []request.Kind{request.Other}
	case kind == request.AzureSingleServer && s.access == request.Private:
		// Single Server has no other private way than an endpoint.
		s.access = request.PrivateEndpoint
	}
	return s
}

// furthest is the most telling zone on the way from the name that is dialled to its end. A custom address counts for
// itself: the host's name is then not resolved.
func furthest(e request.Endpoint, o Observed) zone {
	zones := []zone{zoneOf(dialled(e))}
	for _, name := range o.Chain {
		zones = append(zones, zoneOf(name))
	}
	for _, telling := range []zone{privateLink, privateZone, region, plain} {
		if slices.Contains(zones, telling) {
			return telling
		}
	}
	return notAzure
}

// natureOf looks at IPv4 where there is any: the migration needs it.
func natureOf(addresses []netip.Addr) nature {
	four := slices.DeleteFunc(slices.Clone(addresses), func(a netip.Addr) bool { return !a.Unmap().Is4() })
	if len(four) > 0 {
		addresses = four
	}
	var seen nature
	for i, address := range addresses {
		is := natureOfOne(address.Unmap())
		if i > 0 && is != seen {
			return neither
		}
		seen = is
	}
	return seen
}

func natureOfOne(address netip.Addr) nature {
	if address.IsPrivate() || netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(address) {
		return privateNature
	}
	reserved := slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(address) })
	if reserved || !address.IsGlobalUnicast() {
		return neither
	}
	return publicNature
}

// special are ranges of RFC 6890 that look public and are nobody's.
var special = sync.OnceValue(func() []netip.Prefix {
	four := func(bits int, bytes [4]byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4(bytes), bits) }
	return []netip.Prefix{four(8, [4]byte{0}), four(24, [4]byte{192, 0, 0}), four(24, [4]byte{192, 0, 2}),
		four(15, [4]byte{198, 18}), four(24, [4]byte{198, 51, 100}), four(24, [4]byte{203, 0, 113}), four(4, [4]byte{240}),
		four(32, [4]byte{168, 63, 129, 16}), // the Azure platform's own, in every virtual network
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8}), 32)}
})

// shown is what was seen, for people: the chain of names and the addresses.
func (o Observed) shown(e request.Endpoint) string {
	steps := []string{normal(dialled(e))}
	for _, name := range o.Chain {
		steps = append(steps, normal(name))
	}
	var addresses []string
	for _, address := range o.Addresses {
		addresses = append(addresses, address.String())
	}
	if end := strings.Join(addresses, " "); end != "" && end != steps[0] {
		steps = append(steps, end)
	}
	return strings.Join(steps, " → ")
}

// dialled is the name or address that the probe goes to.
func dialled(e request.Endpoint) string {
	if e.Address != "" {
		return e.Address
	}
	return e.Host
}
