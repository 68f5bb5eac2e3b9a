package azuretest

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Undo undoes one thing of a healthy row.
type Undo struct {
	Name string
	Rows []int
	// Leg and Code are of the finding that must come of it, and Step the scenario's step that it undoes; empty for one
	// that no step speaks of.
	Leg  string
	Code finding.Code
	Step string
	Do   func(*Scene)
}

// Undos are the ways to undo a row.
func Undos(row int) []Undo {
	return slices.DeleteFunc(slices.Concat(wayUndos(), groupUndos(), nameUndos(), serverUndos()), func(u Undo) bool {
		return !slices.Contains(u.Rows, row)
	})
}

func wayUndos() []Undo {
	peered, remote := []int{7, 9, 10, 11}, []int{2, 4, 6}
	source := func(name string, code finding.Code, do func(*Scene)) Undo {
		return Undo{Name: name, Rows: peered, Leg: "source", Code: code, Step: "vnet_peering", Do: do}
	}
	target := func(name string, code finding.Code, do func(*Scene)) Undo {
		return Undo{Name: name, Rows: []int{10, 11}, Leg: "target", Code: code, Step: "vnet_peering_target", Do: do}
	}
	return []Undo{
		source("no peering", finding.AzPeeringMissing, func(s *Scene) { s.unpeer(MoverNet, SourceNet); s.unpeer(SourceNet, MoverNet) }),
		source("no peering back", finding.AzPeeringMissing, func(s *Scene) { s.unpeer(SourceNet, MoverNet) }),
		source("peering initiated", finding.AzPeeringNotConnected, func(s *Scene) { s.peering(MoverNet, SourceNet).State = "Initiated" }),
		source("peering disconnected there", finding.AzPeeringNotConnected,
			func(s *Scene) { s.peering(SourceNet, MoverNet).State = "Disconnected" }),
		source("peering without access", finding.AzPeeringNoTraffic,
			func(s *Scene) { s.peering(MoverNet, SourceNet).AllowVirtualNetworkAccess = false }),
		source("peering without access back", finding.AzPeeringNoTraffic,
			func(s *Scene) { s.peering(SourceNet, MoverNet).AllowVirtualNetworkAccess = false }),
		source("peering not in sync", finding.AzPeeringNotConnected, func(s *Scene) {
			p := s.peering(MoverNet, SourceNet)
			p.Sync, p.RemotePrefixes = "RemoteNotInSync", []string{"10.9.0.0/16"}
		}),
		target("no peering to the target", finding.AzPeeringMissing,
			func(s *Scene) { s.unpeer(MoverNet, EndNet); s.unpeer(EndNet, MoverNet) }),
		target("peering to the target disconnected", finding.AzPeeringNotConnected,
			func(s *Scene) { s.peering(MoverNet, EndNet).State = "Disconnected" }),
		target("peering to the target without access", finding.AzPeeringNoTraffic,
			func(s *Scene) { s.peering(EndNet, MoverNet).AllowVirtualNetworkAccess = false }),
		{Name: "no gateway", Rows: remote, Leg: "source", Code: finding.AzRouteDiverts, Step: "gateway",
			Do: func(s *Scene) { s.network(MoverNet).HasGateway = false }},
		{Name: "gateway's routes kept out", Rows: []int{2}, Leg: "source", Code: finding.AzRouteDiverts,
			Step: "vnet_allows_source_range", Do: func(s *Scene) { s.routeTable(Routes).DisableBGP = true }},
		{Name: "routed nowhere", Rows: append(slices.Clone(peered), 1, 3, 5), Leg: "source", Code: finding.AzRouteDiverts,
			Do: func(s *Scene) { s.routeSource("None", "") }},
		{Name: "routed to an appliance", Rows: append(slices.Clone(peered), 1, 3, 5), Leg: "source",
			Code: finding.AzRouteDiverts, Do: func(s *Scene) { s.routeSource("VirtualAppliance", "10.2.9.4") }},
	}
}

// routeSource routes the source's address by itself, which outweighs every other route.
func (s *Scene) routeSource(hop, address string) {
	to := s.Case.Ends["source"].Addresses[0].String() + "/32"
	table := s.routeTable(Routes)
	table.Routes = append(table.Routes, azure.Route{Name: "to-source", Prefix: to, NextHop: hop, NextHopAddress: address})
}

func (s *Scene) peering(from, to string) *azure.Peering {
	return pick(s.network(from).Peerings, to, func(p azure.Peering) string { return p.RemoteID })
}

func (s *Scene) unpeer(from, to string) {
	n := s.network(from)
	n.Peerings = slices.DeleteFunc(n.Peerings, func(p azure.Peering) bool { return azure.Same(p.RemoteID, to) })
}

func groupUndos() []Undo {
	return []Undo{
		{Name: "outbound denied", Rows: []int{2, 4, 6, 7, 9, 10, 11}, Leg: "source", Code: finding.AzNSGDenies,
			Step: "nsg_outbound", Do: func(s *Scene) { s.deny(MoverGroup, "Outbound", s.sourceRange()) }},
		{Name: "outbound to the target denied", Rows: []int{10, 11}, Leg: "target", Code: finding.AzNSGDenies,
			Step: "nsg_outbound", Do: func(s *Scene) { s.deny(MoverGroup, "Outbound", "10.3.1.0/24") }},
		{Name: "outbound of the probe denied", Rows: []int{1, 3, 5}, Leg: "source", Code: finding.AzNSGDenies,
			Do: func(s *Scene) { s.deny(MoverGroup, "Outbound", "203.0.113.0/24") }},
		{Name: "inbound at the target denied", Rows: []int{2, 4, 6}, Leg: "target", Code: finding.AzNSGDenies,
			Step: "nsg_inbound", Do: func(s *Scene) { s.denyFrom(MoverGroup, "192.168.0.0/16") }},
		{Name: "inbound at the source denied", Rows: []int{7, 11}, Leg: "source", Code: finding.AzNSGDenies,
			Step: "nsg_source_inbound", Do: func(s *Scene) { s.denyFrom(FarGroup, "10.2.0.0/16") }},
		{Name: "inbound at the machine's interface denied", Rows: []int{7, 11}, Leg: "source", Code: finding.AzNSGDenies,
			Step: "nsg_source_inbound", Do: func(s *Scene) {
				s.subnet(SourceSub).SecurityGroupID = ""
				s.Config.Interfaces[0].SecurityGroupID = FarGroup
				s.denyFrom(FarGroup, "VirtualNetwork")
			}},
		{Name: "inbound at the endpoint denied", Rows: []int{9, 10}, Leg: "source", Code: finding.AzNSGDenies,
			Step: "nsg_source_inbound", Do: func(s *Scene) {
				s.subnet(SourceEnd).EndpointPolicies = "NetworkSecurityGroupEnabled"
				s.denyFrom(FarGroup, "10.2.0.0/16")
			}},
		{Name: "another group at the probe", Rows: []int{2, 4, 6, 7, 9, 10, 11}, Leg: "source", Code: finding.AzVantageDiffers,
			Do: func(s *Scene) { s.subnet(Vantage).SecurityGroupID = "" }},
		{Name: "another route table at the probe", Rows: []int{2, 7, 10}, Leg: "source", Code: finding.AzVantageDiffers,
			Do: func(s *Scene) { s.subnet(Vantage).RouteTableID = "" }},
		{Name: "a rule for the server's subnet alone", Rows: []int{7, 11}, Leg: "source", Code: finding.AzVantageDiffers,
			Do: func(s *Scene) {
				g := s.securityGroup(FarGroup)
				g.Rules = append(g.Rules, azure.Rule{Name: "from-postgres", Priority: 300, Direction: "Inbound", Access: "Allow",
					Protocol: "Tcp", SourcePrefix: "10.2.1.0/24", SourcePort: "*", DestinationPrefix: "*", DestinationPort: "5432"})
			}},
	}
}

func (s *Scene) sourceRange() string {
	if s.Config.Source == nil {
		return "192.168.0.0/16"
	}
	return "10.1.0.0/16"
}

func (s *Scene) deny(groupID, direction, to string) {
	g := s.securityGroup(groupID)
	g.Rules = append(g.Rules, azure.Rule{Name: "deny-postgresql", Priority: 150, Direction: direction, Access: "Deny",
		Protocol: "*", SourcePrefix: "*", SourcePort: "*", DestinationPrefix: to, DestinationPort: "5000-5999"})
}

func (s *Scene) denyFrom(groupID, from string) {
	g := s.securityGroup(groupID)
	g.Rules = append(g.Rules, azure.Rule{Name: "deny-migration", Priority: 110, Direction: "Inbound", Access: "Deny",
		Protocol: "Tcp", SourcePrefix: from, SourcePort: "*", DestinationPrefix: "*", DestinationPort: "5432"})
}

func nameUndos() []Undo {
	own, single := []int{2, 4, 6, 7, 8, 9}, []int{9, 10}
	end := []int{10, 11}
	return []Undo{
		{Name: "target's zone not linked", Rows: own, Leg: "target", Code: finding.AzZoneNotLinked, Step: "target_zone_link",
			Do: func(s *Scene) { s.unlink(OwnZone, MoverNet) }},
		{Name: "target's zone not linked to the source's network", Rows: []int{9}, Leg: "target",
			Code: finding.AzZoneNotLinked, Step: "target_zone_link", Do: func(s *Scene) { s.unlink(OwnZone, SourceNet) }},
		{Name: "target's zone deleted", Rows: own, Leg: "target", Code: finding.AzZoneMissing, Step: "target_zone_link",
			Do: func(s *Scene) { s.deleteZone(OwnZone, "target") }},
		{Name: "target's zone without records", Rows: own, Leg: "target", Code: finding.AzRecordMissing,
			Do: func(s *Scene) { s.zone(OwnZone).Records = nil }},
		{Name: "runtime server's zone not linked to the source's network", Rows: end, Leg: "runtime",
			Code: finding.AzZoneNotLinked, Step: "runtime_zone_link", Do: func(s *Scene) { s.unlink(OwnZone, SourceNet) }},
		{Name: "runtime server's zone not linked to the target's network", Rows: end, Leg: "runtime",
			Code: finding.AzZoneNotLinked, Step: "runtime_zone_link", Do: func(s *Scene) { s.unlink(OwnZone, EndNet) }},
		{Name: "source's zone not attached", Rows: single, Leg: "source", Code: finding.AzEndpointZoneGroupMissing,
			Step: "source_endpoint_zone", Do: func(s *Scene) { s.privateEndpoint(SourcePE).ZoneGroups = nil }},
		{Name: "source's zone not linked", Rows: single, Leg: "source", Code: finding.AzZoneNotLinked, Step: "source_zone_link",
			Do: func(s *Scene) { s.unlink(LinkZone, MoverNet) }},
		{Name: "source's zone not linked to its own network", Rows: single, Leg: "source", Code: finding.AzZoneNotLinked,
			Step: "source_zone_link", Do: func(s *Scene) { s.unlink(LinkZone, SourceNet) }},
		{Name: "source's record missing", Rows: single, Leg: "source", Code: finding.AzRecordMissing, Step: "source_a_record",
			Do: func(s *Scene) { s.unrecord("legacy") }},
		{Name: "source's record stale", Rows: single, Leg: "source", Code: finding.AzRecordStale, Step: "source_a_record",
			Do: func(s *Scene) { s.stale("source", "legacy", "10.1.2.9") }},
		{Name: "target's endpoint zone not attached", Rows: end, Leg: "target", Code: finding.AzEndpointZoneGroupMissing,
			Step: "target_endpoint_zone", Do: func(s *Scene) { s.privateEndpoint(TargetPE).ZoneGroups = nil }},
		{Name: "target's endpoint zone not linked", Rows: end, Leg: "target", Code: finding.AzZoneNotLinked,
			Step: "target_endpoint_zone_link", Do: func(s *Scene) { s.unlink(LinkZone, MoverNet) }},
		{Name: "target's endpoint zone not linked to its own network", Rows: end, Leg: "target",
			Code: finding.AzZoneNotLinked, Step: "target_endpoint_zone_link", Do: func(s *Scene) { s.unlink(LinkZone, EndNet) }},
		{Name: "target's endpoint zone deleted", Rows: end, Leg: "target", Code: finding.AzZoneMissing,
			Step: "target_endpoint_zone_link", Do: func(s *Scene) { s.deleteZone(LinkZone, "target") }},
		{Name: "target's record missing", Rows: end, Leg: "target", Code: finding.AzRecordMissing, Step: "target_a_record",
			Do: func(s *Scene) { s.unrecord("orders") }},
		{Name: "target's record stale", Rows: end, Leg: "target", Code: finding.AzRecordStale, Step: "target_a_record",
			Do: func(s *Scene) { s.stale("target", "orders", "10.3.1.9") }},
	}
}

func (s *Scene) unlink(zoneID, networkID string) {
	z := s.zone(zoneID)
	z.Links = slices.DeleteFunc(z.Links, func(l azure.ZoneLink) bool { return azure.Same(l.NetworkID, networkID) })
}

func (s *Scene) deleteZone(id, role string) {
	s.Config.Zones = slices.DeleteFunc(s.Config.Zones, func(z azure.Zone) bool { return azure.Same(z.ID, id) })
	s.Config.Troubles = append(s.Config.Troubles, azure.Trouble{Resource: id, Kind: azure.NotFound, Roles: []string{role}})
}

func (s *Scene) record(name string) *azure.Record {
	return pick(s.zone(LinkZone).Records, name, func(r azure.Record) string { return r.Name })
}

// stale changes a record, and what the probe is led to.
func (s *Scene) stale(leg, name, address string) {
	s.record(name).Addresses = []string{address}
	s.end(leg, s.Case.Ends[leg].Host, address)
}

// unrecord leaves what the reader leaves of a name that the zone does not have.
func (s *Scene) unrecord(name string) {
	*s.record(name) = azure.Record{Name: name}
}

func serverUndos() []Undo {
	public := []int{1, 3, 5}
	return []Undo{
		{Name: "target stopped", Rows: Rows(), Leg: "target", Code: finding.AzServerStopped,
			Do: func(s *Scene) { s.server(TargetID).State = "Stopped" }},
		{Name: "runtime server stopped", Rows: []int{10, 11}, Leg: "runtime", Code: finding.AzServerStopped,
			Do: func(s *Scene) { s.server(RuntimeID).State = "Stopped" }},
		{Name: "source's endpoint pending", Rows: []int{9, 10}, Leg: "source", Code: finding.AzEndpointNotApproved,
			Step: "source_endpoint_approved", Do: func(s *Scene) { s.privateEndpoint(SourcePE).Status = "Pending" }},
		{Name: "target's endpoint rejected", Rows: []int{10, 11}, Leg: "target", Code: finding.AzEndpointNotApproved,
			Step: "target_endpoint_approved", Do: func(s *Scene) { s.server(TargetID).EndpointConnections[0].Status = "Rejected" }},
		{Name: "no firewall rule", Rows: public, Leg: "target", Code: finding.AzFirewallRuleMissing,
			Do: func(s *Scene) { s.server(TargetID).FirewallRules = nil }},
		{Name: "no firewall rule for the probe", Rows: public, Leg: "target", Code: finding.AzFirewallRuleMissing,
			Do: func(s *Scene) { s.server(TargetID).FirewallRules[0].End = "203.0.113.65" }},
		{Name: "no public access", Rows: public, Leg: "target", Code: finding.AzPublicAccessOff,
			Do: func(s *Scene) { s.server(TargetID).PublicNetworkAccess = "Disabled" }},
		{Name: "no service endpoint", Rows: []int{8}, Leg: "source", Code: finding.AzVNetRuleMissing, Step: "vnet_rule",
			Do: func(s *Scene) { s.subnet(Delegated).ServiceEndpoints = []string{"Microsoft.Storage"} }},
		{Name: "no service endpoint at the probe either", Rows: []int{8}, Leg: "source", Code: finding.AzVNetRuleMissing,
			Step: "vnet_rule", Do: func(s *Scene) {
				s.subnet(Delegated).ServiceEndpoints, s.subnet(Vantage).ServiceEndpoints = nil, nil
			}},
	}
}
