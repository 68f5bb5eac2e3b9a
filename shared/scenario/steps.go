package scenario

import (
	"slices"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Step is one networking step that a person must have done.
type Step struct {
	// Key is stable; the catalogue has the step's words under it.
	Key string
	// Leg is where it shows.
	Leg string
	// Codes show it undone, on that leg.
	Codes []finding.Code
	// Proof is the layer that shows it done by passing; empty where no probe can.
	Proof finding.Layer
	// Reach says from where it can be judged.
	Reach Reach
	// Kinds are the sources it applies to; empty means any.
	Kinds []request.Kind
	// When limits it to some requests.
	When Condition
	// From is the page it stands on where that is not the page of the rows.
	From string
}

// Reach says how near to the migration's own connection a probe must stand to judge a step.
type Reach string

// The reaches. What the database server itself reports counts for every reach.
const (
	// Anywhere means that any vantage shows it.
	Anywhere Reach = ""
	// Network means that a vantage in the virtual network shows it: not so where the target has public access.
	Network Reach = "network"
	// Subnet means that it can differ in the server's own subnet: a probe beside it points at it and decides nothing.
	Subnet Reach = "subnet"
	// Server means that only the server's own attempt counts.
	Server Reach = "server"
)

// Condition limits a step to some requests.
type Condition string

// The conditions.
const (
	Always       Condition = ""
	OtherNetwork Condition = "other_virtual_network"
	SameNetwork  Condition = "same_virtual_network"
	// ByName and ByAddress tell whether the leg's own name is resolved or the custom FQDN/IP field is used instead.
	ByName    Condition = "by_name"
	ByAddress Condition = "by_address"
)

// Pages beside that of the rows.
const (
	pagePrivateNetwork  = "https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-networking-private"
	pageEndpointTrouble = "https://learn.microsoft.com/azure/private-link/troubleshoot-private-endpoint-connectivity"
	pageGateways        = "https://learn.microsoft.com/azure/vpn-gateway/vpn-gateway-about-vpngateways"
	pageHBA             = "https://www.postgresql.org/docs/current/auth-pg-hba-conf.html"
)

// Steps lists every step of every row.
func Steps() []Step { return slices.Clone(steps()) }

var steps = sync.OnceValue(func() []Step {
	return slices.Concat(sourceSteps(), networkSteps(), zoneSteps(), serverSteps())
})

// sourceSteps are done at the source.
func sourceSteps() []Step {
	closed := []finding.Code{finding.TCPTimeout, finding.TCPRefused, finding.TCPHostUnreachable, finding.PeerSilent,
		finding.PeerClosed, finding.PeerReset}
	return []Step{
		{Key: "source_public_address", Leg: source, Proof: finding.Resolve,
			Codes: []finding.Code{finding.DNSPrivateWherePublicExpected, finding.DNSNoAddress}},
		{Key: "source_reachable_internet", Leg: source, Proof: finding.TLS, Codes: []finding.Code{finding.TCPTimeout,
			finding.TCPRefused, finding.TCPHostUnreachable, finding.TCPNetworkUnreachable, finding.PeerSilent}},
		{Key: "source_public_access", Leg: source, Proof: finding.TLS, Codes: []finding.Code{
			finding.DNSPrivateWherePublicExpected, finding.TCPTimeout, finding.TCPNetworkUnreachable}},
		// The page says outbound for row 1. The connection comes from Azure, so what must be open is inbound.
		{Key: "source_admits_target", Leg: source, Proof: finding.TLS, Reach: Network, Codes: closed},
		{Key: "source_admits_vnet", Leg: source, Proof: finding.TLS, Reach: Network, Codes: closed},
		{Key: "source_pg_hba", Leg: source, Proof: finding.Login, Reach: Network, Kinds: selfManaged(), From: pageHBA,
			Codes: []finding.Code{finding.HBAAddressNotAllowed, finding.HBARejected, finding.HBATLSRequired}},
		// Single Server's refusals are PostgreSQL errors behind an open port: its gateway answers everybody.
		{Key: "vnet_rule", Leg: source, Proof: finding.Login, Reach: Subnet, Codes: []finding.Code{
			finding.HBAAddressNotAllowed, finding.AzurePublicAccessDisabled, finding.AzureServiceEndpointIPv6,
			finding.AzVNetRuleMissing, finding.AzPublicAccessOff}},
	}
}

// networkSteps are done between the networks.
func networkSteps() []Step {
	peering := []finding.Code{finding.TCPTimeout, finding.TCPNetworkUnreachable, finding.TCPHostUnreachable,
		finding.AzPeeringMissing, finding.AzPeeringNotConnected, finding.AzPeeringNoTraffic}
	groups := []finding.Code{finding.TCPTimeout, finding.AzNSGDenies}
	remote := slices.DeleteFunc(kinds(), func(k request.Kind) bool {
		return k == request.AzureVM || k == request.AzureSingleServer
	})
	inAzure := []request.Kind{request.AzureVM, request.AzureSingleServer}
	return []Step{
		{Key: "gateway", Leg: source, Proof: finding.TLS, Reach: Network, Kinds: remote, Codes: []finding.Code{
			finding.TCPTimeout, finding.TCPHostUnreachable, finding.TCPNetworkUnreachable, finding.AzRouteDiverts}},
		{Key: "vnet_allows_source_range", Leg: source, Proof: finding.TLS, Reach: Network, Codes: []finding.Code{
			finding.TCPTimeout, finding.TCPNetworkUnreachable, finding.AzRouteDiverts}},
		{Key: "return_route", Leg: source, Proof: finding.TLS, Reach: Network, Kinds: remote, From: pageGateways,
			Codes: []finding.Code{finding.TCPTimeout}},
		{Key: "same_virtual_network", Leg: source, Proof: finding.TLS, Reach: Network, When: SameNetwork,
			Codes: []finding.Code{finding.TCPTimeout, finding.TCPNetworkUnreachable}},
		{Key: "vnet_peering", Leg: source, Proof: finding.TLS, Reach: Network, Kinds: inAzure, When: OtherNetwork,
			Codes: peering},
		{Key: "vnet_peering_target", Leg: target, Proof: finding.TLS, Reach: Network, Codes: peering},
		{Key: "nsg_source_inbound", Leg: source, Proof: finding.TLS, Reach: Network, Kinds: inAzure, Codes: groups},
		{Key: "nsg_outbound", Leg: source, Proof: finding.TLS, Reach: Subnet,
			Codes: append(slices.Clone(groups), finding.AzVantageDiffers)},
		// Nothing that a probe from here sees shows what the group lets in from the source's network.
		{Key: "nsg_inbound", Leg: target, Reach: Subnet, Codes: groups},
		{Key: "source_endpoint_approved", Leg: source, Proof: finding.TLS, From: pageEndpointTrouble,
			Codes: []finding.Code{finding.TCPTimeout, finding.AzEndpointNotApproved}},
		{Key: "target_endpoint_approved", Leg: target, Proof: finding.TLS, From: pageEndpointTrouble,
			Codes: []finding.Code{finding.TCPTimeout, finding.AzEndpointNotApproved}},
	}
}

// zoneSteps are done in DNS, or instead of it.
func zoneSteps() []Step {
	link := []finding.Code{finding.DNSNameNotFound, finding.DNSPublicWherePrivateExpected, finding.DNSAnswersDiffer,
		finding.AzZoneNotLinked}
	ownZone := append(slices.Clone(link), finding.DNSNoAddress, finding.AzZoneMissing)
	attached := []finding.Code{finding.DNSPrivateLinkRecordMissing, finding.AzEndpointZoneGroupMissing,
		finding.AzZoneMissing}
	record := []finding.Code{finding.DNSPrivateLinkRecordMissing, finding.DNSNoAddress, finding.AzRecordMissing,
		finding.AzRecordStale}
	custom := []finding.Code{finding.DNSNameNotFound, finding.DNSServerFailure, finding.TCPTimeout,
		finding.TCPHostUnreachable, finding.TCPNetworkUnreachable}
	return []Step{
		{Key: "target_zone_link", Leg: target, Proof: finding.Resolve, Reach: Network, When: ByName, Codes: ownZone,
			From: pagePrivateNetwork},
		{Key: "runtime_zone_link", Leg: runtime, Proof: finding.Resolve, Reach: Network, When: ByName, Codes: ownZone},
		{Key: "source_endpoint_zone", Leg: source, Proof: finding.Resolve, When: ByName, Codes: attached},
		{Key: "source_zone_link", Leg: source, Proof: finding.Resolve, Reach: Network, When: ByName, Codes: link},
		{Key: "source_a_record", Leg: source, Proof: finding.Resolve, When: ByName, Codes: record},
		{Key: "target_endpoint_zone", Leg: target, Proof: finding.Resolve, When: ByName, Codes: attached},
		{Key: "target_endpoint_zone_link", Leg: target, Proof: finding.Resolve, Reach: Network, When: ByName, Codes: link},
		{Key: "target_a_record", Leg: target, Proof: finding.Resolve, When: ByName, Codes: record},
		{Key: "custom_source_address", Leg: source, Proof: finding.TLS, Reach: Network, When: ByAddress, Codes: custom},
		{Key: "custom_target_address", Leg: target, Proof: finding.TLS, Reach: Network, When: ByAddress, Codes: custom},
	}
}

// serverSteps are about the servers themselves.
func serverSteps() []Step {
	return []Step{
		{Key: "target_network", Leg: target, Proof: finding.Resolve, When: ByName,
			Codes: []finding.Code{finding.DNSPublicWherePrivateExpected, finding.ScenarioMismatch}},
		{Key: "runtime_server", Leg: runtime, Proof: finding.TLS,
			Codes: []finding.Code{finding.ScenarioRuntimeServerMissing, finding.ScenarioMismatch}},
		{Key: "verify_from_target", Leg: source, Proof: finding.TLS, Reach: Server, Codes: []finding.Code{
			finding.DNSNameNotFound, finding.TCPTimeout, finding.TCPRefused, finding.TCPHostUnreachable,
			finding.TCPNetworkUnreachable, finding.PeerSilent, finding.PeerClosed, finding.PeerReset,
			finding.HBAAddressNotAllowed, finding.HBARejected}},
		{Key: "supported_target", Leg: target, Codes: []finding.Code{finding.ScenarioUnsupported}},
	}
}

// kinds lists every kind of source, and the unknown one.
func kinds() []request.Kind {
	return []request.Kind{"", request.OnPremises, request.AmazonRDS, request.AmazonAurora, request.GoogleCloudSQL,
		request.GoogleAlloyDB, request.AzureVM, request.AzureSingleServer, request.EDB, request.Heroku, request.Other}
}

// selfManaged are the kinds whose owner edits pg_hba.conf.
func selfManaged() []request.Kind {
	return []request.Kind{"", request.OnPremises, request.AzureVM, request.EDB, request.Other}
}

// Steps lists what a person must have done for the row, or else for the nearest one, in order.
func (p Placement) Steps() []Step {
	row, known := p.JudgedBy()
	if !known {
		return nil
	}
	all, out := steps(), make([]Step, 0, len(row.Steps))
	for _, key := range row.Steps {
		i := slices.IndexFunc(all, func(s Step) bool { return s.Key == key })
		if i >= 0 && p.needs(all[i]) {
			out = append(out, all[i])
		}
	}
	return out
}

func (p Placement) needs(s Step) bool {
	if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, p.SourceKind) {
		return false
	}
	switch s.When {
	case OtherNetwork:
		return !p.given.sameNetwork
	case SameNetwork:
		return p.given.sameNetwork
	case ByName:
		return p.given.ends[s.Leg].Address == ""
	case ByAddress:
		return p.given.ends[s.Leg].Address != ""
	}
	return true
}
