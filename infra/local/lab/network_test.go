package lab

import (
	"fmt"
	"net"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// routeSituations are section 2.2 of the mission's facts as far as no packet arrives: routes and neighbours.
func routeSituations() []situation {
	unreachable := finding.TCPHostUnreachable
	return []situation{
		{name: "no route at the vantage", ids: "NET-05", want: finding.TCPNetworkUnreachable, arrange: func(b *bench) {
			b.names(addresses(absentNetwork))
			b.vantage.change("route del default", "route add default via 10.77.1.1")
			b.vantage.change("route add 10.77.0.0/16 via 10.77.1.1", "route del 10.77.0.0/16")
		}},
		{name: "no route at the router", ids: "NET-05 NET-19", want: finding.TCPNetworkUnreachable,
			arrange: says(addresses(absentNetwork))},
		{name: "an unreachable route at the router", ids: "NET-04", want: unreachable, arrange: func(b *bench) {
			b.leaveAs("10.77.1.5")
			b.names(addresses(absentNetwork))
			b.router.change("route add unreachable "+absentNetwork, "route del unreachable "+absentNetwork)
		}},
		{name: "a prohibiting route at the router", ids: "NET-04", want: unreachable, arrange: func(b *bench) {
			b.leaveAs("10.77.1.6")
			b.names(addresses(absentNetwork))
			b.router.change("route add prohibit "+absentNetwork, "route del prohibit "+absentNetwork)
		}},
		{name: "a route into nothing at the router", ids: "NET-01 NET-21", want: finding.TCPTimeout, arrange: func(b *bench) {
			b.names(addresses(absentNetwork))
			b.router.change("route add blackhole "+absentNetwork, "route del blackhole "+absentNetwork)
		}},
		{name: "no way back from the source", ids: "NET-19", want: finding.TCPTimeout, arrange: func(b *bench) {
			b.source.change("route add blackhole 10.77.1.0/24", "route del blackhole 10.77.1.0/24")
		}},
		{name: "nobody has the address in the source's network", ids: "NET-04", want: unreachable,
			arrange: says(addresses(nobodyAddress)), args: finding.Args{"errnoName": "EHOSTUNREACH"}},
		{name: "nobody has the address in our own network", ids: "NET-04", want: unreachable,
			arrange: says(addresses("10.77.1.99"))},
		{name: "the source is off", ids: "NET-04 SRV-15", want: unreachable, arrange: func(b *bench) {
			b.source.change("link set eth0 arp off", "link set eth0 arp on")
			must(b.router.IP("neigh flush dev source"))
		}},
		{name: "our own host prohibits it", ids: "NET-06", want: finding.TCPNotPermitted, verdict: report.Inconclusive,
			arrange: func(b *bench) {
				b.vantage.change("route add prohibit "+sourceAddress, "route del prohibit "+sourceAddress)
			}},
		{name: "our own firewall refuses", ids: "NET-06", want: unreachable, args: finding.Args{"errnoName": "EHOSTUNREACH"},
			arrange: func(b *bench) {
				b.vantage.filter("output", "ip daddr "+sourceAddress+" reject with icmp type admin-prohibited")
			}},
		// The target is another far address, for which every port is left: only the source has none.
		{name: "our own host is out of ports", ids: "NET-07", want: finding.TCPLocalPortsExhausted,
			verdict: report.Inconclusive, arrange: exhaustPorts},
		{name: "IPv6 without a route", ids: "NET-05 DNS-10", want: finding.DNSIPv6Only,
			request: patient, also: []finding.Code{finding.TCPNetworkUnreachable}, arrange: says(addresses("fd77:99::5"))},
	}
}

// patient leaves time for a second SYN, which Linux sends after a second.
func patient(c *request.Check) { c.TimeoutSeconds = 12 }

// leaveAs has the vantage use another address: a router tells each address of a missing route five times in a row only.
func (b *bench) leaveAs(address string) {
	b.vantage.change("addr add "+address+"/24 dev eth0", "addr del "+address+"/24 dev eth0")
	b.vantage.change("route change default via 10.77.1.1 src "+address, "route change default via 10.77.1.1 src "+vantageAddress)
}

// exhaustPorts leaves forty local ports and holds them all on the source.
func exhaustPorts(b *bench) {
	b.vantage.set("net/ipv4/ip_local_port_range", "40000 40039", "32768 60999")
	b.source.stop()
	b.source.serve(5432, wait)
	must(b.vantage.Do(func() error {
		for range 40 {
			conn, err := net.DialTimeout("tcp", sourceAddress+":5432", time.Second)
			if err != nil {
				return err
			}
			b.vantage.keep(conn)
		}
		return nil
	}))
}

// filterSituations are firewalls and hosts that drop or refuse the first packet.
func filterSituations() []situation {
	to := "ip daddr " + sourceAddress + " tcp dport 5432 "
	all := []situation{
		{name: "a firewall drops on the way there", ids: "NET-01 NET-18 NET-22", want: finding.TCPTimeout, arrange: forward(to + "drop")},
		{name: "a firewall drops on the way back", ids: "NET-01", want: finding.TCPTimeout,
			arrange: forward("ip saddr " + sourceAddress + " tcp sport 5432 drop")},
		{name: "the source's own firewall drops", ids: "NET-01", want: finding.TCPTimeout, arrange: func(b *bench) {
			b.source.filter("input", "tcp dport 5432 drop")
		}},
		{name: "the target's firewall drops", ids: "NET-01 NET-22", want: finding.TCPTimeout, leg: "target",
			arrange: func(b *bench) { b.target.filter("input", "tcp dport 5432 drop") }},
		{name: "an RDS security group does not admit us", ids: "NET-01", want: finding.TCPTimeout, request: rdsSource,
			arrange: func(b *bench) {
				b.resolver.Set(rdsName, addresses(sourceAddress))
				b.router.filter("forward", to+"drop")
			}},
		{name: "both ends are dropped", ids: "NET-01", want: finding.TCPTimeout, also: []finding.Code{finding.TCPTimeout},
			arrange: forward("tcp dport 5432 drop")},
		{name: "nothing listens", ids: "NET-02", want: finding.TCPRefused, arrange: func(b *bench) { b.source.stop() }},
		{name: "nothing listens on the other port", ids: "NET-02", want: finding.TCPRefused,
			request: source(func(e *request.Endpoint) { e.Port = 5433 })},
		{name: "PgBouncer's port is closed", ids: "NET-24", want: finding.TCPRefused, leg: "target",
			request: func(c *request.Check) { c.Target.Port = 6432 }},
		{name: "it listens on loopback alone", ids: "NET-02", want: finding.TCPRefused, arrange: func(b *bench) {
			b.source.stop()
			b.source.serveOn("127.0.0.1:5432", secure(b.certs.healthy()))
		}},
		{name: "a firewall on the way refuses with a reset", ids: "NET-03", want: finding.TCPRefused,
			arrange: forward(to + "reject with tcp reset")},
		{name: "the source's own firewall refuses with a reset", ids: "NET-03", want: finding.TCPRefused,
			arrange: func(b *bench) { b.source.filter("input", "tcp dport 5432 reject with tcp reset") }},
		{name: "a port that is not allowed", want: finding.RequestTargetNotAllowed, verdict: report.Rejected,
			request: source(func(e *request.Endpoint) { e.Port = 22 })},
	}
	// What Linux makes of each ICMP message is in its table icmp_err_convert (net/ipv4/icmp.c).
	for _, one := range []struct {
		code, errno string
		want        finding.Code
	}{
		{"net-unreachable", "ENETUNREACH", finding.TCPNetworkUnreachable},
		{"host-unreachable", "EHOSTUNREACH", finding.TCPHostUnreachable},
		{"prot-unreachable", "ENOPROTOOPT", finding.TCPHostUnreachable},
		{"port-unreachable", "ECONNREFUSED", finding.TCPRefused},
		{"net-prohibited", "ENETUNREACH", finding.TCPNetworkUnreachable},
		{"host-prohibited", "EHOSTUNREACH", finding.TCPHostUnreachable},
		{"admin-prohibited", "EHOSTUNREACH", finding.TCPHostUnreachable},
	} {
		all = append(all, situation{name: "a router answers ICMP " + one.code, ids: "NET-04", want: one.want,
			args: finding.Args{"errnoName": one.errno}, arrange: forward(to + "reject with icmp type " + one.code)})
	}
	return all
}

// mixedSituations work, but not always or not well.
func mixedSituations() []situation {
	two := addresses(sourceAddress, secondAddress)
	dead := func(verb string) func(*bench) {
		return func(b *bench) {
			b.names(two)
			b.source.filter("input", "ip daddr "+secondAddress+" tcp dport 5432 "+verb)
		}
	}
	warned := report.ReadyWithWarnings
	data := "ip daddr " + sourceAddress + " tcp flags & psh == psh "
	return []situation{
		{name: "two addresses, both alive", arrange: says(two)},
		{name: "two addresses, one refuses", ids: "NET-26", want: finding.TCPIntermittent, verdict: warned,
			arrange: dead("reject with tcp reset")},
		{name: "two addresses, one drops", ids: "NET-26", want: finding.TCPIntermittent, verdict: warned, request: patient,
			arrange: dead("drop")},
		{name: "two addresses, one is unreachable", ids: "NET-26", want: finding.TCPIntermittent, verdict: warned,
			arrange: dead("reject with icmp type host-unreachable")},
		{name: "two addresses, both refuse", ids: "NET-02", want: finding.TCPRefused, arrange: func(b *bench) {
			b.names(two)
			b.source.stop()
		}},
		{name: "two addresses, one drops and one refuses", ids: "NET-01 NET-02", want: finding.TCPRefused,
			arrange: func(b *bench) {
				b.names(two)
				b.source.filter("input", "ip daddr "+secondAddress+" tcp dport 5432 drop")
				b.source.stop()
			}},
		{name: "the first connection is refused, the second works", ids: "NET-26", want: finding.TCPIntermittent,
			verdict: warned, args: finding.Args{"sameAddress": true},
			arrange: func(b *bench) {
				b.source.filter("input", "tcp dport 5432 tcp flags & (syn|ack) == syn limit rate 1/hour burst 1 packets "+
					"reject with tcp reset")
			}},
		{name: "the first packet is lost", request: patient, arrange: forward(
			"ip daddr " + sourceAddress + " tcp flags & (syn|ack) == syn limit rate 1/hour burst 1 packets drop")},
		{name: "several packets are lost", ids: "NET-25", want: finding.TCPSlow, verdict: warned, request: patient,
			arrange: forward(data + "limit rate 1/hour burst 2 packets drop")},
		{name: "one packet is lost", ids: "NET-25", request: patient, arrange: forward(data + "limit rate 1/hour burst 1 packets drop")},
		{name: "a long way: 170 ms", ids: "NET-25", want: finding.TCPSlow, verdict: warned, request: patient,
			arrange: func(b *bench) { b.lengthen(170 * time.Millisecond) }},
		{name: "a long way: 60 ms", ids: "NET-25", request: patient, arrange: func(b *bench) { b.lengthen(60 * time.Millisecond) }},
		{name: "large packets vanish", ids: "NET-15", want: finding.TLSStalled, arrange: func(b *bench) {
			b.source.stop()
			b.source.serve(5432, secure(serverConfig(b.certs.authority, largeOptions())))
			b.router.filter("forward", fmt.Sprintf("ip saddr %s ip length > 1300 drop", sourceAddress))
		}},
		{name: "a small MTU behind the router, and its word is blocked", ids: "NET-15", want: finding.TLSStalled,
			arrange: func(b *bench) {
				b.narrow()
				b.source.filter("input", "icmp type destination-unreachable drop")
			}},
		{name: "a small MTU behind the router, and its word arrives", ids: "NET-15", arrange: (*bench).narrow},
		{name: "a small MTU, MSS clamped", ids: "NET-15", arrange: func(b *bench) {
			b.narrow()
			b.source.filter("input", "icmp type destination-unreachable drop")
			b.router.filter("forward", "tcp flags syn tcp option maxseg size set 1100")
		}},
	}
}

// narrow lets only 1200 bytes at a time through from the router to the vantage, and has the source send more.
func (b *bench) narrow() {
	b.router.change("link set vantage mtu 1200", "link set vantage mtu 1500")
	// What the source learns about the path is forgotten with the situation.
	b.source.undo = append(b.source.undo, func() error { return b.source.IP("route flush cache") })
	b.source.stop()
	b.source.serve(5432, secure(serverConfig(b.certs.authority, largeOptions())))
}
