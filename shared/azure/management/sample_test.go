package management

import "github.com/pgpreflight/pgpreflight/shared/azure"

const (
	here  = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/"
	there = "/subscriptions/99999999-8888-7777-6666-555555555555/resourceGroups/"

	targetID  = here + "rg-db/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
	runtimeID = here + "rg-db/providers/Microsoft.DBforPostgreSQL/flexibleServers/runtime"
	machineID = here + "rg-src/providers/Microsoft.Compute/virtualMachines/db-1"
	nicID     = here + "rg-src/providers/Microsoft.Network/networkInterfaces/db-1-nic"
	sourceNet = here + "rg-src/providers/Microsoft.Network/virtualNetworks/vnet-src"
	runNet    = here + "rg-net/providers/Microsoft.Network/virtualNetworks/vnet-run"
	endNet    = here + "rg-db/providers/Microsoft.Network/virtualNetworks/vnet-db"
	vantageID = runNet + "/subnets/functions"
	delegated = runNet + "/subnets/postgres"
	endSubnet = endNet + "/subnets/endpoints"
	sourceSub = sourceNet + "/subnets/machines"
	endID     = here + "rg-db/providers/Microsoft.Network/privateEndpoints/pe-orders"
	runGroup  = here + "rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg-run"
	nicGroup  = here + "rg-src/providers/Microsoft.Network/networkSecurityGroups/nsg-nic"
	runRoutes = here + "rg-net/providers/Microsoft.Network/routeTables/rt-run"
	hubZone   = there + "rg-hub/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
	ownZone   = here + "rg-net/providers/Microsoft.Network/privateDnsZones/run.private.postgres.database.azure.com"
)

// question is that of a migration from a machine, by a runtime server, to a private endpoint.
func question() azure.Question {
	return azure.Question{SourceID: machineID, TargetID: targetID, RuntimeID: runtimeID, VantageSubnetID: vantageID}
}

func links(networks ...string) []azure.ZoneLink {
	var out []azure.ZoneLink
	for _, n := range networks {
		out = append(out, azure.ZoneLink{Name: "link-" + serverName(n), NetworkID: n, State: "Completed"})
	}
	return out
}

func peered(to string) azure.Peering {
	return azure.Peering{ID: "p-" + serverName(to), Name: "to-" + serverName(to), RemoteID: to, State: "Connected",
		Sync: "FullyInSync", AllowVirtualNetworkAccess: true, AllowForwardedTraffic: true,
		RemotePrefixes: []string{"10.0.0.0/16"}}
}

// sample is a configuration in which everything is there, as it is to be read.
func sample() azure.Configuration {
	return azure.Configuration{
		Source:  &azure.Place{ResourceID: machineID, SubnetID: sourceSub, NetworkID: sourceNet, InterfaceIDs: []string{nicID}},
		Target:  &azure.Place{ResourceID: targetID, ServerID: targetID, EndpointIDs: []string{endID}},
		Runtime: &azure.Place{ResourceID: runtimeID, ServerID: runtimeID, SubnetID: delegated, NetworkID: runNet},
		Vantage: &azure.Place{ResourceID: vantageID, SubnetID: vantageID, NetworkID: runNet},
		Servers: []azure.Server{
			{ID: targetID, FQDN: "orders.postgres.database.azure.com", State: "Ready", Version: "17", Location: "westeurope",
				PublicNetworkAccess: "Disabled", FirewallRead: true,
				FirewallRules: []azure.FirewallRule{{Name: "a", Start: "1.2.3.4", End: "1.2.3.4"},
					{Name: "b", Start: "0.0.0.0", End: "0.0.0.0"}, {Name: "c", Start: "5.6.7.8", End: "5.6.7.9"}},
				EndpointConnections: []azure.EndpointConnection{{ID: targetID + "/privateEndpointConnections/c", EndpointID: endID,
					Status: "Approved", Description: "ok"}},
				StorageGiB: 128, Parameters: map[string]string{"azure.extensions": "PGCRYPTO", "wal_level": "logical", "max_wal_senders": "10"}},
			{ID: runtimeID, FQDN: "runtime.postgres.database.azure.com", State: "Ready", PublicNetworkAccess: "Disabled",
				DelegatedSubnetID: delegated, PrivateZoneID: ownZone, Parameters: map[string]string{"wal_level": "replica"}},
		},
		VirtualNetworks: []azure.VirtualNetwork{
			{ID: endNet, Prefixes: []string{"10.3.0.0/16"}, Peerings: []azure.Peering{peered(runNet)}, PeeringsRead: true, SubnetsRead: true},
			{ID: runNet, Location: "westeurope", Prefixes: []string{"10.2.0.0/16", "10.20.0.0/16"}, DNSServers: []string{"10.9.0.4"},
				Peerings: []azure.Peering{peered(endNet), peered(sourceNet), peered(there + "hub")}, PeeringsRead: true,
				HasGateway: true, SubnetsRead: true},
			{ID: sourceNet, Prefixes: []string{"10.1.0.0/16"}, Peerings: []azure.Peering{peered(runNet)}, PeeringsRead: true, SubnetsRead: true},
		},
		Subnets: []azure.Subnet{
			{ID: endSubnet, NetworkID: endNet, Prefixes: []string{"10.3.1.0/24"}, EndpointPolicies: "Disabled"},
			{ID: vantageID, NetworkID: runNet, Prefixes: []string{"10.2.2.0/24"}, Delegations: []string{"Microsoft.App/environments"},
				SecurityGroupID: runGroup, RouteTableID: runRoutes},
			{ID: delegated, NetworkID: runNet, Prefixes: []string{"10.2.1.0/24"}, SecurityGroupID: runGroup, RouteTableID: runRoutes,
				Delegations: []string{"Microsoft.DBforPostgreSQL/flexibleServers"}, ServiceEndpoints: []string{"Microsoft.Storage"}},
			{ID: sourceSub, NetworkID: sourceNet, Prefixes: []string{"10.1.1.0/24", "fd00::/64"}},
		},
		SecurityGroups: []azure.SecurityGroup{
			{ID: runGroup, Rules: []azure.Rule{{Name: "out", Priority: 100, Direction: "Outbound", Access: "Allow", Protocol: "Tcp",
				SourcePrefixes: []string{"10.2.1.0/24", "10.2.2.0/24"}, SourcePort: "*", DestinationPrefix: "10.1.0.0/16",
				DestinationPorts: []string{"5432", "6432"}}},
				DefaultRules: []azure.Rule{{Name: "DenyAllOutBound", Priority: 65500, Direction: "Outbound", Access: "Deny",
					Protocol: "*", SourcePrefix: "*", SourcePort: "*", DestinationPrefix: "*", DestinationPort: "*"}}},
			{ID: nicGroup, Rules: []azure.Rule{{Name: "in", Priority: 200, Direction: "Inbound", Access: "Allow", Protocol: "*",
				SourcePrefix: "VirtualNetwork", SourcePorts: []string{"1-65535"}, DestinationGroups: []string{"asg"}, DestinationPort: "5432"}}},
		},
		RouteTables: []azure.RouteTable{{ID: runRoutes, DisableBGP: true, Routes: []azure.Route{
			{Name: "all", Prefix: "0.0.0.0/0", NextHop: "VirtualAppliance", NextHopAddress: "10.9.0.4"},
			{Name: "local", Prefix: "10.2.0.0/16", NextHop: "VnetLocal"}}}},
		PrivateEndpoints: []azure.PrivateEndpoint{{ID: endID, SubnetID: endSubnet, TargetID: targetID,
			GroupIDs: []string{"postgresqlServer"}, Status: "Approved", Description: "Auto-approved", Addresses: []string{"10.3.1.4"},
			ZoneGroups: []azure.ZoneGroup{{Name: "default", ZoneIDs: []string{hubZone}}}, ZoneGroupsRead: true}},
		Zones: []azure.Zone{
			{ID: ownZone, Name: "run.private.postgres.database.azure.com", Links: links(runNet, endNet, sourceNet), LinksRead: true,
				RecordsListed: true, Records: []azure.Record{{Name: "0a1b2c3d4e5f", Found: true, Addresses: []string{"10.2.1.4"}, TTLSeconds: 30},
					{Name: "f0e0d0c0b0a0", Found: true, Addresses: []string{"10.2.1.5"}}, {Name: "zz", Found: true, Addresses: []string{"10.2.1.6"}}}},
			{ID: hubZone, Name: "privatelink.postgres.database.azure.com", LinksRead: true,
				Links:   append(links(runNet, endNet, sourceNet), azure.ZoneLink{Name: "x", NetworkID: there + "x", FallbackToInternet: true, Registration: true}),
				Records: []azure.Record{{Name: "orders", Found: true, Addresses: []string{"10.3.1.4"}, TTLSeconds: 10}}},
		},
		Interfaces: []azure.Interface{{ID: nicID, MachineID: machineID, SubnetID: sourceSub, SecurityGroupID: nicGroup,
			Addresses: []string{"10.1.1.4", "10.1.1.5"}}},
		Migrations: []azure.Migration{{Name: "m2", State: "Failed", Substate: "Completed", Mode: "Online", Option: "Validate",
			RuntimeID: runtimeID, SourceID: "10.1.1.4:5432@migrator", Status: "Failed", ValidatedAt: "2026-11-20T10:00:00Z",
			Validations: []azure.Validation{{Type: "ServerParametersValidation", State: "Failed", Messages: []string{"603107: wal_level"}},
				{Database: "orders", Type: "ExtensionsValidation", State: "Succeeded"}}},
			{Name: "m1", State: "Succeeded", Status: "Succeeded", ValidatedAt: "2026-10-01T10:00:00Z"}, {Name: "m0"}},
	}
}
