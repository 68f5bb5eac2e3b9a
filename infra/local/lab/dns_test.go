package lab

import (
	"net/netip"

	dns "github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	azureName  = "pg1.postgres.database.azure.com"
	linkName   = "pg1.privatelink.postgres.database.azure.com"
	regionName = "pg1.rs-abcdefghijklmno.postgres.database.azure.com"
	rdsName    = "db1.c0ffee123456.eu-west-1.rds.amazonaws.com"
)

// dnsSituations are section 2.1 of the mission's facts: what the DNS servers say, and what they do not.
func dnsSituations() []situation {
	// What was declared differs from what was seen then; it is told beside, for information.
	told := []finding.Code{finding.ScenarioMismatch}
	return []situation{
		{name: "the name does not exist", ids: "DNS-01", arrange: says(dns.Script{Fault: dns.NXDomain}),
			want: finding.DNSNameNotFound},
		{name: "NODATA with SOA", ids: "DNS-02", arrange: says(dns.Script{Fault: dns.EmptySOA}), want: finding.DNSNoAddress},
		{name: "NODATA without SOA", ids: "DNS-02", arrange: says(dns.Script{Fault: dns.EmptyBare}), want: finding.DNSNoAddress},
		{name: "0.0.0.0, as blockers answer", ids: "DNS-02", arrange: says(addresses("0.0.0.0")), want: finding.DNSNoAddress,
			args: finding.Args{"unusable": "[0.0.0.0]"}},
		{name: "CNAME into the private link zone, NXDOMAIN there", ids: "DNS-03", request: source(endpointSource),
			arrange: chain(azureName, linkName, dns.Script{Fault: dns.NXDomain}), want: finding.DNSPrivateLinkRecordMissing},
		{name: "CNAME into the private link zone, NODATA there", ids: "DNS-03", request: source(endpointSource),
			arrange: chain(azureName, linkName, dns.Script{Fault: dns.EmptySOA}), want: finding.DNSPrivateLinkRecordMissing},
		{name: "CNAME into the private link zone, address there", request: source(endpointSource),
			arrange: chain(azureName, linkName, addresses(sourceAddress))},
		{name: "a public address, private expected", ids: "DNS-04", arrange: says(addresses(publicSource)),
			want: finding.DNSPublicWherePrivateExpected, also: told},
		{name: "Azure name stays on its public name", ids: "DNS-04", request: source(endpointSource),
			arrange: chain(azureName, regionName, addresses(publicSource)), want: finding.DNSPublicWherePrivateExpected,
			also: append(told, told...), args: finding.Args{"viaRegion": true}},
		{name: "RDS name seen from outside its VPC", ids: "DNS-04", request: rdsSource,
			arrange: named(rdsName, addresses(publicSource)), want: finding.DNSPublicWherePrivateExpected, also: told},
		{name: "a private address, public expected", request: publicBoth(sourceName), arrange: func(b *bench) {
			b.resolver.Set(targetName, addresses(publicTarget))
		}, want: finding.DNSPrivateWherePublicExpected, also: told, verdict: report.ReadyWithWarnings},
		{name: "a public address, public expected", request: publicBoth(sourceName), arrange: func(b *bench) {
			b.names(addresses(publicSource))
			b.resolver.Set(targetName, addresses(publicTarget))
		}},
		{name: "a stale record: nobody is at the private address", ids: "DNS-05", arrange: says(addresses(nobodyAddress)),
			want: finding.TCPHostUnreachable},
		{name: "the name is a loop of aliases", arrange: func(b *bench) {
			b.names(dns.Script{Alias: "a.corp.example"})
			b.resolver.Set("a.corp.example", dns.Script{Alias: sourceName})
		}, want: finding.DNSCNAMELoop},
		{name: "the name is its own alias", arrange: says(dns.Script{Alias: sourceName}), want: finding.DNSCNAMELoop},
		{name: "only IPv6 addresses", ids: "DNS-10", arrange: says(addresses(sourceIPv6)), want: finding.DNSIPv6Only},
		{name: "both IPv4 and IPv6 addresses", ids: "DNS-10", arrange: says(addresses(sourceAddress, sourceIPv6))},
		{name: "a name with its final dot and in capitals", request: source(func(e *request.Endpoint) { e.Host = "DB.Corp.Example." })},
		{name: "no such name, but a custom address", request: source(func(e *request.Endpoint) { e.Address = sourceAddress }),
			arrange: says(dns.Script{Fault: dns.NXDomain})},
	}
}

// dnsServerSituations are about the servers, not about the name.
func dnsServerSituations() []situation {
	return []situation{
		{name: "SERVFAIL", ids: "DNS-06", arrange: says(dns.Script{Fault: dns.ServFail}), want: finding.DNSServerFailure},
		{name: "SERVFAIL with an extended error", ids: "DNS-06", want: finding.DNSServerFailure,
			arrange: says(dns.Script{Fault: dns.ServFail, ExtendedError: "no \x1b[31mforwarder\r\n answered"})},
		{name: "NOTIMP", ids: "DNS-06", arrange: says(dns.Script{Fault: dns.NotImp}), want: finding.DNSServerFailure},
		{name: "FORMERR", ids: "DNS-06", arrange: says(dns.Script{Fault: dns.FormErr}), want: finding.DNSServerFailure},
		{name: "REFUSED", ids: "DNS-07", arrange: says(dns.Script{Fault: dns.Refused}), want: finding.DNSRefused},
		{name: "a firewall drops port 53", ids: "DNS-08", want: finding.DNSTimeout, also: []finding.Code{finding.DNSTimeout},
			arrange: forward("udp dport 53 drop", "tcp dport 53 drop"), args: finding.Args{"silent": true}},
		{name: "the DNS server is silent about this name", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.Silence}),
			want: finding.DNSTimeout, args: finding.Args{"silent": true}},
		{name: "nothing listens on port 53", ids: "DNS-08", want: finding.DNSTimeout, also: []finding.Code{finding.DNSTimeout},
			arrange: withoutDNS, args: finding.Args{"unreachable": true}},
		{name: "nothing listens on port 53, and that is seldom said", ids: "DNS-08", want: finding.DNSTimeout,
			also: []finding.Code{finding.DNSTimeout}, args: finding.Args{"unreachable": true}, arrange: func(b *bench) {
				b.leaveAs("10.77.1.7") // of which the host has not been told anything yet
				b.dns.set("net/ipv4/icmp_ratelimit", "1000", "0")
				withoutDNS(b)
			}},
		{name: "a router prohibits port 53", ids: "DNS-08", want: finding.DNSTimeout, also: []finding.Code{finding.DNSTimeout},
			arrange: forward("udp dport 53 reject with icmp type admin-prohibited"), args: finding.Args{"unreachable": true}},
		{name: "no DNS server is configured", ids: "DNS-11", want: finding.DNSTimeout, also: []finding.Code{finding.DNSTimeout},
			arrange: func(b *bench) { b.order.Resolvers = nil }, args: finding.Args{"noServers": true}},
		{name: "answers with a wrong id", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.WrongID}), want: finding.DNSTimeout,
			args: finding.Args{"invalid": true}},
		{name: "answers to another name", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.WrongName}),
			want: finding.DNSTimeout, args: finding.Args{"invalid": true}},
		{name: "answers to another type", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.WrongType}),
			want: finding.DNSTimeout, args: finding.Args{"invalid": true}},
		{name: "the question comes back as it was", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.NotResponse}),
			want: finding.DNSTimeout, args: finding.Args{"invalid": true}},
		{name: "answers without a question", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.NoQuestion}),
			want: finding.DNSTimeout, args: finding.Args{"invalid": true}},
		{name: "HTTP on port 53", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.Junk}), want: finding.DNSTimeout,
			args: finding.Args{"invalid": true}},
		{name: "an answer cut in the middle", ids: "DNS-08", want: finding.DNSTimeout, args: finding.Args{"invalid": true},
			arrange: says(dns.Script{Fault: dns.CutShort, Addresses: addresses(sourceAddress).Addresses})},
		{name: "junk without end", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.Flood}), want: finding.DNSTimeout,
			args: finding.Args{"invalid": true}},
		{name: "truncated, and TCP port 53 is dropped", ids: "DNS-08", want: finding.DNSTimeout,
			args: finding.Args{"truncated": true}, arrange: func(b *bench) {
				b.names(dns.Script{Fault: dns.Truncated, Addresses: addresses(sourceAddress).Addresses})
				b.router.filter("forward", "tcp dport 53 drop")
			}},
		{name: "truncated, and TCP closes", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.TruncatedTCPCloses}),
			want: finding.DNSTimeout, args: finding.Args{"truncated": true}},
		{name: "truncated, and TCP drips", ids: "DNS-08", arrange: says(dns.Script{Fault: dns.TruncatedTCPDrips}),
			want: finding.DNSTimeout, args: finding.Args{"truncated": true}},
		{name: "a resolver answers with our own loopback", want: finding.RequestTargetNotAllowed, verdict: report.Rejected,
			arrange: says(addresses("127.0.0.1"))},
		{name: "a resolver answers with the metadata service", want: finding.RequestTargetNotAllowed, verdict: report.Rejected,
			arrange: says(addresses("169.254.169.254"))},
		{name: "a resolver answers with the platform's address", want: finding.RequestTargetNotAllowed,
			verdict: report.Rejected, arrange: says(addresses("168.63.129.16"))},
		{name: "a resolver answers outside the allowed ranges", want: finding.RequestTargetNotAllowed,
			verdict: report.Rejected, arrange: says(addresses("172.31.0.9"))},
		{name: "a resolver answers with loopback and a good one", want: finding.RequestTargetNotAllowed,
			verdict: report.ReadyWithWarnings, arrange: says(addresses("127.0.0.1", sourceAddress))},
	}
}

// dnsHealthySituations are servers that are odd, and answers that are right all the same.
func dnsHealthySituations() []situation {
	good := addresses(sourceAddress).Addresses
	return []situation{
		{name: "truncated, TCP has the whole", arrange: says(dns.Script{Fault: dns.Truncated, Addresses: good})},
		{name: "FORMERR to EDNS0", arrange: says(dns.Script{Fault: dns.FormErrOnEDNS, Addresses: good})},
		{name: "silence to EDNS0", arrange: says(dns.Script{Fault: dns.DropsEDNS, Addresses: good})},
		{name: "the first query is lost", arrange: says(dns.Script{Drop: 1, Addresses: good})},
		{name: "forged answers before the right one", arrange: says(dns.Script{Fault: dns.ForgedFirst, Addresses: good})},
		{name: "an address of another name in the answer", arrange: says(dns.Script{Fault: dns.Stray, Addresses: good})},
		{name: "SERVFAIL to AAAA alone", arrange: says(dns.Script{Fault: dns.ServFail, Only: "AAAA", Addresses: good})},
		{name: "silence to AAAA alone", arrange: says(dns.Script{Fault: dns.Silence, Only: "AAAA", Addresses: good})},
		{name: "thousands of records", request: depth(request.DepthResolve), arrange: says(dns.Script{Many: 4000})},
		{name: "thousands of addresses where nobody is", want: finding.TCPTimeout, args: finding.Args{"attempts": 8},
			arrange: func(b *bench) {
				b.names(dns.Script{Many: 4000})
				b.router.change("route add blackhole 10.128.0.0/9", "route del blackhole 10.128.0.0/9")
			}},
	}
}

// twoServerSituations are answers that differ.
func twoServerSituations() []situation {
	differ := func(ids, name string, first, second dns.Script, about string, also ...finding.Code) situation {
		return situation{name: name, ids: ids, want: finding.DNSAnswersDiffer, also: also, verdict: report.ReadyWithWarnings,
			args: finding.Args{"about": about}, arrange: func(b *bench) {
				b.names(first)
				b.secondDNS(map[string]dns.Script{sourceName: second})
			}}
	}
	good, gone := addresses(sourceAddress), dns.Script{Fault: dns.NXDomain}
	public := differ("DNS-09 DNS-14", "split horizon, the public view first", addresses(publicSource), good, "nature",
		finding.DNSAnswersDiffer, finding.ScenarioMismatch)
	public.want, public.verdict, public.args = finding.DNSPublicWherePrivateExpected, "", nil
	return []situation{
		{name: "two servers that agree", arrange: func(b *bench) { b.secondDNS(nil) }},
		differ("DNS-09", "the first server does not know the name", gone, good, "existence"),
		differ("DNS-09", "the second server does not know the name", good, gone, "existence"),
		differ("DNS-09", "the second server has no address", good, dns.Script{}, "existence"),
		differ("DNS-09", "the second server has the public view", good, addresses(publicSource), "nature"),
		public,
		differ("DNS-09 DNS-14", "another private address", good, addresses(secondAddress), "addresses"),
		differ("DNS-06 DNS-09", "the second server fails", good, dns.Script{Fault: dns.ServFail}, "failure"),
		differ("DNS-07 DNS-09", "the second server refuses", good, dns.Script{Fault: dns.Refused}, "failure"),
		{name: "the second server is dead", ids: "DNS-08 DNS-09", want: finding.DNSAnswersDiffer,
			also: []finding.Code{finding.DNSAnswersDiffer}, verdict: report.ReadyWithWarnings, arrange: func(b *bench) {
				b.order.Resolvers = append(b.order.Resolvers, netip.MustParseAddrPort(otherResolver+":53"))
			}, args: finding.Args{"about": "failure"}},
		{name: "the name is missing at one, SERVFAIL at the other", ids: "DNS-01 DNS-06", want: finding.DNSNameNotFound,
			arrange: func(b *bench) {
				b.names(gone)
				b.secondDNS(map[string]dns.Script{sourceName: {Fault: dns.ServFail}})
			}},
	}
}

// formSituations are what people write where a host name belongs.
func formSituations() []situation {
	form := func(ids, name, host string, form string) situation {
		return situation{name: name, ids: ids, want: finding.DNSHostFormUnsupported, args: finding.Args{"form": form},
			request: source(func(e *request.Endpoint) { e.Host = host })}
	}
	cloudSQL := form("DNS-13", "a Cloud SQL instance connection name", "my-project:europe-west1:pg1", "cloud_sql_instance")
	return []situation{
		{name: "the host is an address, verify-full", ids: "DNS-12", want: finding.DNSHostIsAddress,
			verdict: report.ReadyWithWarnings, request: source(func(e *request.Endpoint) { e.Host = sourceAddress })},
		{name: "the host is an address, require", ids: "DNS-12", want: finding.DNSHostIsAddress, verdict: report.Ready,
			request: source(func(e *request.Endpoint) { e.Host, e.TLS.Mode = sourceAddress, request.TLSRequire })},
		{name: "the host is an IPv6 address", ids: "DNS-10 DNS-12", want: finding.DNSIPv6Only,
			also:    []finding.Code{finding.DNSHostIsAddress},
			request: source(func(e *request.Endpoint) { e.Host = sourceIPv6 })},
		cloudSQL,
		form("", "a URL", "postgresql://db.corp.example:5432/app", "url"),
		form("", "a name with a port", "db.corp.example:5432", "host_port"),
		form("HBA-09", "a user before the name", "app@db.corp.example", "user_at_host"),
		form("", "a connection string", "host=db.corp.example;port=5432", "connection_string"),
		form("", "a socket path", "/var/run/postgresql", "socket_path"),
		form("", "a list of names", "db1.corp.example,db2.corp.example", "list"),
		form("", "a range", "10.77.3.0/24", "address_range"),
		form("", "a mistyped address", "10.77.3.500", "malformed_address"),
		form("", "a name that is not ASCII", "dätenbank.corp.example", "not_ascii"),
		form("", "a name with an empty label", "db..corp.example", "empty_label"),
	}
}

// source changes the source's end of the request.
func source(change func(*request.Endpoint)) func(*request.Check) {
	return func(c *request.Check) {
		change(&c.Source)
		if c.Source.Host == azureName {
			c.Scenario.Source = request.SourcePlace{Kind: request.AzureSingleServer, Access: request.PrivateEndpoint}
		}
	}
}

func endpointSource(e *request.Endpoint) { e.Host = azureName }

func rdsSource(c *request.Check) {
	c.Source.Host, c.Scenario.Source.Kind, c.Depth = rdsName, request.AmazonRDS, request.DepthConnect
}

func publicBoth(host string) func(*request.Check) {
	return func(c *request.Check) {
		c.Source.Host = host
		c.Scenario.Source.Access, c.Scenario.Target.Access = request.Public, request.Public
	}
}

// says scripts the source's name.
func says(s dns.Script) func(*bench) { return func(b *bench) { b.names(s) } }

func withoutDNS(b *bench) {
	whole(b.resolver.Close)
	b.resolver = nil
}

func named(name string, s dns.Script) func(*bench) {
	return func(b *bench) { b.resolver.Set(name, s) }
}

func chain(name, alias string, end dns.Script) func(*bench) {
	return func(b *bench) {
		b.resolver.Set(name, dns.Script{Alias: alias})
		b.resolver.Set(alias, end)
	}
}

// forward filters on the router.
func forward(rules ...string) func(*bench) {
	return func(b *bench) { b.router.filter("forward", rules...) }
}
