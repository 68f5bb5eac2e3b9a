package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func startServer(o postgres.Options) (*postgres.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return postgres.Start(ctx, o)
}

// onlyInbound is why the page's step about what the target's subnet lets in is neither undone nor shown.
const onlyInbound = "no connection of the migration comes in from the source's network, so nothing depends on it"

// to is a filter's rule for what goes to a server, at its private or public address.
func (s rowServer) to(rule string) string {
	return fmt.Sprintf("ip daddr { %s, %s } tcp dport %d %s", sourceAddress, publicSource, s.port, rule)
}

// fromMigrating matches the server that migrates, whatever its access is.
const fromMigrating = "ip saddr { " + targetAddress + ", " + publicTarget + ", " + runtimeAddress + " } "

// dropped has the router drop what goes to the source.
func (s rowServer) dropped(b *bench) { b.router.filter("forward", s.to("drop")) }

// unknown has the router say that it knows no way to the source.
func (s rowServer) unknown(b *bench) {
	b.router.filter("forward", s.to("reject with icmp type net-unreachable"))
}

func closed(s rowServer) func(*bench) {
	return func(b *bench) { b.source.filter("input", s.to("reject with tcp reset")) }
}

// serverDropped drops what the server that migrates sends to the source, and nothing else.
func (s rowServer) serverDropped(b *bench) { b.router.filter("forward", fromMigrating+s.to("drop")) }

// noWayBack takes the source's routes to everybody.
func noWayBack(b *bench) {
	b.source.change("route add blackhole 10.77.1.0/24", "route del blackhole 10.77.1.0/24")
	b.source.change("route add blackhole 10.77.4.0/24", "route del blackhole 10.77.4.0/24")
}

// noLine takes the lines of pg_hba.conf for everybody but an application elsewhere.
func (s rowServer) noLine(b *bench) {
	d := b.rowSource(s)
	set := func(line string) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return d.SetHBA(ctx, []string{line})
	}
	b.source.undo = append(b.source.undo, func() error { return set("host all all all scram-sha-256") })
	must(set("host all all 10.88.0.0/16 scram-sha-256"))
}

// toTarget has the router treat what goes to the target in some way.
func toTarget(verdict string) func(*bench) {
	return func(b *bench) {
		b.router.filter("forward", fmt.Sprintf("ip daddr %s tcp dport %d %s", targetAddress, rowTargetPort, verdict))
	}
}

func record(name string, script dnsserver.Script) func(*bench) {
	return func(b *bench) { b.resolver.Set(name, script) }
}

func nowhere() dnsserver.Script { return dnsserver.Script{Fault: dnsserver.NXDomain} }

const netUnreachable = " reject with icmp type net-unreachable"

// others are the names without one of them.
func others(all []string, but string) []string {
	var out []string
	for _, name := range all {
		if name != but {
			out = append(out, name)
		}
	}
	return out
}

// silenced are the steps that all show as silence on the way to the source, each undone in its own way.
func silenced(s rowServer, steps ...string) []undoing {
	how := map[string]undoing{
		"gateway":                  {how: "no gateway: packets vanish", arrange: s.dropped},
		"vnet_allows_source_range": {how: "no route to the gateway: packets vanish", arrange: s.dropped},
		"return_route":             {how: "no route back", arrange: noWayBack},
		"same_virtual_network":     {how: "another network: packets vanish", arrange: s.dropped},
		"vnet_peering":             {how: "no peering: packets vanish", arrange: s.dropped},
		"nsg_source_inbound":       {how: "the source's group drops", arrange: func(b *bench) { b.source.filter("input", s.to("drop")) }},
		"nsg_outbound":             {how: "the migrating server's group drops", arrange: s.serverDropped},
		"source_admits_vnet":       {how: "the source's firewall drops", arrange: func(b *bench) { b.source.filter("input", s.to("drop")) }},
		"source_endpoint_approved": {how: "the endpoint is not approved: packets vanish", arrange: s.dropped},
	}
	var out []undoing
	for _, step := range steps {
		u := how[step]
		u.step, u.code, u.among = step, finding.TCPTimeout, others(steps, step)
		if step != "nsg_outbound" {
			// Silence for everybody: the server's own attempt would show the same two seconds later.
			u.request = func(c *request.Check) { c.ServerVantage = false }
		}
		out = append(out, u)
	}
	return out
}

func refused(s rowServer, step string) undoing {
	return undoing{step: step, how: "the source's firewall refuses", arrange: closed(s), code: finding.TCPRefused}
}

func unrouted(s rowServer, step string, among ...string) undoing {
	return undoing{step: step, how: "a router knows no way", arrange: s.unknown, code: finding.TCPNetworkUnreachable,
		among: among}
}

func unlisted(s rowServer) undoing {
	return undoing{step: "source_pg_hba", how: "pg_hba.conf has no line", arrange: s.noLine,
		code: finding.HBAAddressNotAllowed}
}

// zoneUnlinked are the ways in which a private zone is not there for a name.
func zoneUnlinked(step, name string, among ...string) []undoing {
	return []undoing{
		{step: step, how: "zone not linked: no such name", arrange: record(name, nowhere()), code: finding.DNSNameNotFound},
		{step: step, how: "zone not linked: a public address", arrange: record(name, addresses(publicTarget)),
			code: finding.DNSPublicWherePrivateExpected, among: among},
	}
}

func attempt(s rowServer) undoing {
	return undoing{step: "verify_from_target", how: "only the target itself is kept out", arrange: s.serverDropped,
		code: finding.TCPTimeout}
}

func customTarget() undoing {
	return undoing{step: "custom_target_address", how: "the custom name does not exist",
		request: func(c *request.Check) { c.Target.Address = "pg-new.corp.example" }, code: finding.DNSNameNotFound}
}

func customSource() undoing {
	return undoing{step: "custom_source_address", how: "the custom name does not exist",
		request: func(c *request.Check) { c.Source.Address = "orders.corp.example" }, code: finding.DNSNameNotFound}
}

// endpointZone are the ways in which the zone of a private endpoint is not as it must be.
// The public way leads to a server that answers there too.
func endpointZone(leg, zoneLink, link, public string) []undoing {
	attached, recorded := leg+"_endpoint_zone", leg+"_a_record"
	missing := finding.DNSPrivateLinkRecordMissing
	return []undoing{
		{step: attached, how: "no zone attached to the endpoint", arrange: record(link, nowhere()), code: missing,
			among: []string{recorded}},
		{step: recorded, how: "no record in the zone", code: missing, among: []string{attached},
			arrange: record(link, dnsserver.Script{Fault: dnsserver.EmptySOA})},
		{step: zoneLink, how: "zone not linked: the public way", arrange: record(link, addresses(public)),
			code: finding.DNSPublicWherePrivateExpected},
	}
}

// towardsEndpoint are the steps on the way from the runtime server's network to the target's private endpoint.
func towardsEndpoint() []undoing {
	silence := func(step, how, other string) undoing {
		return undoing{step: step, how: how, arrange: toTarget("drop"), code: finding.TCPTimeout, among: []string{other}}
	}
	return []undoing{
		silence("vnet_peering_target", "no peering: packets vanish", "target_endpoint_approved"),
		silence("target_endpoint_approved", "the endpoint is not approved: packets vanish", "vnet_peering_target"),
		{step: "vnet_peering_target", how: "a router knows no way", arrange: toTarget(netUnreachable),
			code: finding.TCPNetworkUnreachable},
	}
}

func noRuntime() undoing {
	return undoing{step: "runtime_server", how: "the request names none",
		request: func(c *request.Check) { c.RuntimeServer = nil }, code: finding.ScenarioRuntimeServerMissing}
}
