package lab

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/netns"
)

// The addresses of every bench. The public ones are such as databases have, and exist in the namespaces alone.
const (
	vantageAddress  = "10.77.1.4"
	resolverAddress = "10.77.2.53"
	otherResolver   = "10.77.2.54"
	sourceAddress   = "10.77.3.5"
	// secondAddress is the source's too; nobody is at nobodyAddress and at absentNetwork.
	secondAddress = "10.77.3.6"
	nobodyAddress = "10.77.3.99"
	absentNetwork = "10.99.0.5"
	targetAddress = "10.77.4.5"
	publicSource  = "20.77.3.5"
	publicTarget  = "20.77.4.5"
	sourceIPv6    = "fd77:3::5"
)

// The names that DNS knows in every situation that does not say otherwise.
const (
	sourceName = "db.corp.example"
	targetName = "pg-new.private.postgres.database.azure.com"
)

// bench is one network: a router, and behind each of its interfaces one host.
type bench struct {
	router, vantage, dns, source, target *host
	probe                                *probe
	certs                                certificates
	// resolver serves the default names; a situation scripts others.
	resolver *dnsserver.Server
	// order is what the situation may still change: resolvers, policy, secrets.
	order order
	kept  kept
}

func newBench(certs certificates, program string) (*bench, error) {
	b := &bench{certs: certs, kept: kept{}}
	for _, place := range []struct {
		name string
		host **host
	}{{"router", &b.router}, {"vantage", &b.vantage}, {"dns", &b.dns}, {"source", &b.source}, {"target", &b.target}} {
		n, err := netns.New()
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", place.name, err)
		}
		*place.host = &host{name: place.name, Namespace: n}
	}
	if err := b.wire(); err != nil {
		return nil, err
	}
	var err error
	b.probe, err = startProbe(b.vantage.Namespace, program)
	return b, err
}

// wire joins the hosts. Each pair of interfaces is born with both ends in their namespaces: the machine never sees one.
func (b *bench) wire() error {
	all := []*host{b.vantage, b.dns, b.source, b.target}
	err := b.router.Sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
	for _, h := range append(all, b.router) {
		// No wait for duplicate addresses, and an ICMP message for every packet that deserves one.
		err = errors.Join(err, h.Sysctl("net/ipv6/conf/default/accept_dad=0", "net/ipv6/conf/all/accept_dad=0",
			"net/ipv4/icmp_ratelimit=0", "net/ipv4/icmp_msgs_per_sec=100000"))
	}
	for i, h := range all {
		number := i + 1
		err = errors.Join(err,
			b.router.IP(fmt.Sprintf("link add name %s type veth peer name eth0 netns %s", h.name, h.Path()),
				fmt.Sprintf("addr add 10.77.%d.1/24 dev %s", number, h.name),
				fmt.Sprintf("addr add fd77:%d::1/64 dev %s nodad", number, h.name),
				fmt.Sprintf("link set %s up", h.name)),
			// A neighbour that does not answer is given up after 0.15 s, not after 3 s.
			b.router.Sysctl("net/ipv4/neigh/"+h.name+"/retrans_time_ms=50"))
	}
	return errors.Join(err,
		b.vantage.settle(1, vantageAddress+"/24"), b.dns.settle(2, resolverAddress+"/24", otherResolver+"/24"),
		b.source.settle(3, sourceAddress+"/24", secondAddress+"/24", publicSource+"/32", sourceIPv6+"/64 nodad"),
		b.target.settle(4, targetAddress+"/24", publicTarget+"/32"),
		b.router.IP("route add "+publicSource+" via "+sourceAddress, "route add "+publicTarget+" via "+targetAddress))
}

// settle gives a host its addresses and the router as its way to everything else.
func (h *host) settle(network int, addresses ...string) error {
	lines := []string{"link set lo up", "link set eth0 up",
		fmt.Sprintf("addr add fd77:%d::4/64 dev eth0 nodad", network)}
	for _, address := range addresses {
		lines = append(lines, "addr add "+address+" dev eth0")
	}
	lines = append(lines, fmt.Sprintf("route add default via 10.77.%d.1", network),
		fmt.Sprintf("route add default via fd77:%d::1", network))
	return errors.Join(h.IP(lines...), h.Sysctl("net/ipv4/tcp_no_metrics_save=1", "net/ipv4/neigh/eth0/retrans_time_ms=50"))
}

// heal makes everything work: the state that every situation starts from.
func (b *bench) heal() error {
	err := error(nil)
	for _, h := range []*host{b.router, b.vantage, b.dns, b.source, b.target} {
		err = errors.Join(err, h.reset())
	}
	if b.resolver != nil {
		whole(b.resolver.Close)
		b.resolver = nil
	}
	if err != nil {
		return err
	}
	b.order = newOrder(b.certs)
	b.resolver = b.startDNS(resolverAddress, map[string]dnsserver.Script{
		sourceName: addresses(sourceAddress), targetName: addresses(targetAddress)})
	b.source.serve(5432, secure(b.certs.healthy()))
	b.target.serve(5432, secure(b.certs.healthy()))
	return nil
}

// startDNS starts a DNS server on one of the addresses of the DNS host.
func (b *bench) startDNS(address string, names map[string]dnsserver.Script) *dnsserver.Server {
	var server *dnsserver.Server
	must(b.dns.Do(patiently(func() error {
		var err error
		server, err = dnsserver.Start(dnsserver.Options{Address: address + ":53", Names: names})
		return err
	})))
	return server
}

// secondDNS adds another DNS server to the vantage's list; it knows what the first knows but for these names.
func (b *bench) secondDNS(names map[string]dnsserver.Script) {
	all := map[string]dnsserver.Script{sourceName: addresses(sourceAddress), targetName: addresses(targetAddress)}
	for name, script := range names {
		all[name] = script
	}
	server := b.startDNS(otherResolver, all)
	b.dns.undo = append(b.dns.undo, func() error { whole(server.Close); return nil })
	b.order.Resolvers = append(b.order.Resolvers, netip.AddrPortFrom(netip.MustParseAddr(otherResolver), 53))
}

// names scripts what DNS says about the source's name.
func (b *bench) names(source dnsserver.Script) { b.resolver.Set(sourceName, source) }

// addresses is the script of a name with these addresses.
func addresses(all ...string) dnsserver.Script {
	var s dnsserver.Script
	for _, address := range all {
		s.Addresses = append(s.Addresses, netip.MustParseAddr(address))
	}
	return s
}

func (b *bench) close() {
	b.probe.close()
	for _, one := range b.kept {
		_ = one.Close()
	}
	if b.resolver != nil {
		b.resolver.Close()
	}
	for _, h := range []*host{b.router, b.vantage, b.dns, b.source, b.target} {
		_ = h.reset()
		_ = h.Close()
	}
}
