// Package azuretest has, for the rows of the scenario table, a configuration in which every step is done, and ways to
// undo one step at a time. Tests use it; nothing that ships imports it.
package azuretest

import (
	"net/netip"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Resource ids of the configurations.
const (
	group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/"

	TargetID   = group + "rg-db/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
	RuntimeID  = group + "rg-db/providers/Microsoft.DBforPostgreSQL/flexibleServers/mover"
	MachineID  = group + "rg-src/providers/Microsoft.Compute/virtualMachines/db-1"
	SingleID   = group + "rg-src/providers/Microsoft.DBforPostgreSQL/servers/legacy"
	NICID      = group + "rg-src/providers/Microsoft.Network/networkInterfaces/db-1-nic"
	SourceNet  = group + "rg-src/providers/Microsoft.Network/virtualNetworks/vnet-source"
	MoverNet   = group + "rg-net/providers/Microsoft.Network/virtualNetworks/vnet-migration"
	EndNet     = group + "rg-db/providers/Microsoft.Network/virtualNetworks/vnet-endpoints"
	Vantage    = MoverNet + "/subnets/functions"
	Delegated  = MoverNet + "/subnets/postgres"
	SourceSub  = SourceNet + "/subnets/machines"
	SourceEnd  = SourceNet + "/subnets/endpoints"
	TargetEnd  = EndNet + "/subnets/endpoints"
	MoverGroup = group + "rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg-migration"
	FarGroup   = group + "rg-src/providers/Microsoft.Network/networkSecurityGroups/nsg-source"
	Routes     = group + "rg-net/providers/Microsoft.Network/routeTables/rt-migration"
	SourcePE   = group + "rg-src/providers/Microsoft.Network/privateEndpoints/pe-legacy"
	TargetPE   = group + "rg-db/providers/Microsoft.Network/privateEndpoints/pe-orders"
	OwnZone    = group + "rg-net/providers/Microsoft.Network/privateDnsZones/orders.private.postgres.database.azure.com"
	LinkZone   = group + "rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
)

// Scene is a configuration with the case that it is held against.
type Scene struct {
	Row    int
	Config azure.Configuration
	Case   azure.Case
}

// Rows are those whose configuration can be read.
func Rows() []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} }

// Healthy is a row with every step done; any other row is empty.
func Healthy(row int) Scene {
	s := Scene{Row: row, Case: azure.Case{Row: row, Ends: map[string]azure.End{},
		Vantage: netip.MustParseAddr("10.2.2.4")}}
	s.Config.Vantage = &azure.Place{ResourceID: Vantage, SubnetID: Vantage, NetworkID: MoverNet}
	s.migrationNetwork()
	switch row {
	case 1, 3, 5:
		s.remote(kindOf(row), request.Public, "203.0.113.10")
		s.publicTarget()
	case 2, 4, 6:
		s.remote(kindOf(row), request.Private, "192.168.10.5")
		s.gateway()
		s.integrated("target", TargetID, "orders")
	case 7:
		s.machine()
		s.integrated("target", TargetID, "orders")
	case 8:
		s.single(request.Public, "198.51.100.20")
		s.subnet(Delegated).ServiceEndpoints = append(s.subnet(Delegated).ServiceEndpoints, "Microsoft.Sql")
		s.subnet(Vantage).ServiceEndpoints = []string{"Microsoft.Sql"}
		s.integrated("target", TargetID, "orders")
	case 9:
		s.single(request.PrivateEndpoint, "10.1.2.4")
		s.integrated("target", TargetID, "orders")
		s.link(OwnZone, SourceNet)
	case 10:
		s.single(request.PrivateEndpoint, "10.1.2.4")
		s.endpointTarget()
	case 11:
		s.machine()
		s.endpointTarget()
	}
	return s
}

func kindOf(row int) request.Kind {
	return map[int]request.Kind{1: request.OnPremises, 2: request.OnPremises, 3: request.AmazonRDS, 4: request.AmazonRDS,
		5: request.GoogleCloudSQL, 6: request.GoogleCloudSQL}[row]
}

// migrationNetwork has the two sibling subnets with one security group and one route table.
func (s *Scene) migrationNetwork() {
	s.Config.VirtualNetworks = append(s.Config.VirtualNetworks, azure.VirtualNetwork{ID: MoverNet, Location: "westeurope",
		Prefixes: []string{"10.2.0.0/16"}, PeeringsRead: true, SubnetsRead: true})
	s.Config.Subnets = append(s.Config.Subnets,
		azure.Subnet{ID: Delegated, NetworkID: MoverNet, Prefixes: []string{"10.2.1.0/24"}, SecurityGroupID: MoverGroup,
			RouteTableID: Routes, Delegations: []string{"Microsoft.DBforPostgreSQL/flexibleServers"},
			ServiceEndpoints: []string{"Microsoft.Storage"}},
		azure.Subnet{ID: Vantage, NetworkID: MoverNet, Prefixes: []string{"10.2.2.0/24"}, SecurityGroupID: MoverGroup,
			RouteTableID: Routes, Delegations: []string{"Microsoft.App/environments"}})
	s.Config.SecurityGroups = append(s.Config.SecurityGroups, azure.SecurityGroup{ID: MoverGroup, Rules: []azure.Rule{
		{Name: "allow-postgresql-out", Priority: 200, Direction: "Outbound", Access: "Allow", Protocol: "Tcp", SourcePrefix: "*",
			SourcePort: "*", DestinationPrefix: "*", DestinationPort: "5432"},
		{Name: "allow-postgresql-in", Priority: 200, Direction: "Inbound", Access: "Allow", Protocol: "Tcp",
			SourcePrefixes: []string{"10.0.0.0/8", "192.168.0.0/16", "198.51.100.0/24"}, SourcePort: "*",
			DestinationPrefix: "*", DestinationPorts: []string{"5432", "6432"}}}, DefaultRules: DefaultRules()})
	s.Config.RouteTables = append(s.Config.RouteTables, azure.RouteTable{ID: Routes})
}

// DefaultRules are those that Azure adds to every group.
func DefaultRules() []azure.Rule {
	rule := func(name string, priority int, direction, access, from, to string) azure.Rule {
		return azure.Rule{Name: name, Priority: priority, Direction: direction, Access: access, Protocol: "*",
			SourcePrefix: from, SourcePort: "*", DestinationPrefix: to, DestinationPort: "*"}
	}
	return []azure.Rule{
		rule("AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
		rule("AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
		rule("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
		rule("AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
		rule("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
		rule("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
	}
}

// remote is a source that Azure knows nothing of.
func (s *Scene) remote(kind request.Kind, access request.Access, address string) {
	s.Case.SourceKind, s.Case.SourceAccess = kind, access
	s.end("source", "db.example.net", address)
}

func (s *Scene) end(leg, host, address string) {
	s.Case.Ends[leg] = azure.End{Host: host, Port: 5432, ByName: true,
		Addresses: []netip.Addr{netip.MustParseAddr(address)}}
}

// gateway joins the migration's network with the source's.
func (s *Scene) gateway() {
	s.network(MoverNet).HasGateway = true
}

func (s *Scene) publicTarget() {
	s.Case.TargetAccess = request.Public
	s.Config.Target = &azure.Place{ResourceID: TargetID, ServerID: TargetID}
	s.Config.Servers = append(s.Config.Servers, azure.Server{ID: TargetID, FQDN: "orders.postgres.database.azure.com",
		State: "Ready", Version: "17", Location: "westeurope", PublicNetworkAccess: "Enabled", FirewallRead: true,
		FirewallRules: []azure.FirewallRule{{Name: "functions", Start: "203.0.113.64", End: "203.0.113.79"}}})
	s.end("target", "orders.postgres.database.azure.com", "198.51.100.40")
	target := s.Case.Ends["target"]
	target.SeenAs = netip.MustParseAddr("203.0.113.70")
	s.Case.Ends["target"] = target
}

// integrated is a server in the delegated subnet, with a zone of its own.
func (s *Scene) integrated(role, id, name string) {
	place := &azure.Place{ResourceID: id, ServerID: id, SubnetID: Delegated, NetworkID: MoverNet}
	if role == "target" {
		s.Case.TargetAccess, s.Config.Target = request.VNetIntegrated, place
	} else {
		s.Config.Runtime = place
	}
	s.Config.Servers = append(s.Config.Servers, azure.Server{ID: id, FQDN: name + ".postgres.database.azure.com",
		State: "Ready", Version: "17", Location: "westeurope", PublicNetworkAccess: "Disabled", DelegatedSubnetID: Delegated,
		PrivateZoneID: OwnZone})
	s.Config.Zones = append(s.Config.Zones, azure.Zone{ID: OwnZone, Name: azure.ParseID(OwnZone).Name, LinksRead: true,
		RecordsListed: true, Records: []azure.Record{{Name: "0a1b2c3d4e5f", Found: true, Addresses: []string{"10.2.1.4"}}}})
	s.link(OwnZone, MoverNet)
	s.end(role, name+".postgres.database.azure.com", "10.2.1.4")
}

// machine is PostgreSQL on a virtual machine in a network of its own, peered both ways.
func (s *Scene) machine() {
	s.remote(request.AzureVM, request.Private, "10.1.1.4")
	s.Config.Source = &azure.Place{ResourceID: MachineID, SubnetID: SourceSub, NetworkID: SourceNet,
		InterfaceIDs: []string{NICID}}
	s.Config.Interfaces = append(s.Config.Interfaces, azure.Interface{ID: NICID, MachineID: MachineID, SubnetID: SourceSub,
		Addresses: []string{"10.1.1.4"}})
	s.sourceNetwork(azure.Subnet{ID: SourceSub, NetworkID: SourceNet, Prefixes: []string{"10.1.1.0/24"},
		SecurityGroupID: FarGroup})
}

func (s *Scene) sourceNetwork(subnet azure.Subnet) {
	s.Config.VirtualNetworks = append(s.Config.VirtualNetworks, azure.VirtualNetwork{ID: SourceNet,
		Prefixes: []string{"10.1.0.0/16"}, PeeringsRead: true, SubnetsRead: true})
	s.Config.Subnets = append(s.Config.Subnets, subnet)
	s.Config.SecurityGroups = append(s.Config.SecurityGroups, azure.SecurityGroup{ID: FarGroup, DefaultRules: DefaultRules()})
	s.peer(MoverNet, SourceNet)
}

func (s *Scene) peer(a, b string) {
	for _, side := range []struct{ from, to string }{{a, b}, {b, a}} {
		n, remote := s.network(side.from), s.network(side.to)
		n.Peerings = append(n.Peerings, azure.Peering{ID: side.from + "/virtualNetworkPeerings/to-" + azure.ParseID(side.to).Name,
			Name: "to-" + azure.ParseID(side.to).Name, RemoteID: side.to, State: "Connected", Sync: "FullyInSync",
			AllowVirtualNetworkAccess: true, RemotePrefixes: remote.Prefixes})
	}
}

// single is the retired Single Server: nothing of it can be read but what stands around it.
func (s *Scene) single(access request.Access, address string) {
	s.remote(request.AzureSingleServer, access, address)
	s.end("source", "legacy.postgres.database.azure.com", address)
	s.Config.Source = &azure.Place{ResourceID: SingleID}
	s.Config.Troubles = append(s.Config.Troubles, azure.Trouble{Resource: SingleID, Kind: azure.Unreadable,
		Roles: []string{"source"}})
	if access != request.PrivateEndpoint {
		return
	}
	s.sourceNetwork(azure.Subnet{ID: SourceEnd, NetworkID: SourceNet, Prefixes: []string{"10.1.2.0/24"},
		SecurityGroupID: FarGroup, EndpointPolicies: "Disabled"})
	s.Config.Source.EndpointIDs = []string{SourcePE}
	s.endpoint(azure.PrivateEndpoint{ID: SourcePE, SubnetID: SourceEnd, TargetID: SingleID, Addresses: []string{address}},
		"legacy")
	s.link(LinkZone, SourceNet)
	s.link(LinkZone, MoverNet)
}

// endpoint is a private endpoint whose zone has its record.
func (s *Scene) endpoint(e azure.PrivateEndpoint, record string) {
	e.Status, e.GroupIDs, e.ZoneGroupsRead = "Approved", []string{"postgresqlServer"}, true
	e.ZoneGroups = []azure.ZoneGroup{{Name: "default", ZoneIDs: []string{LinkZone}}}
	s.Config.PrivateEndpoints = append(s.Config.PrivateEndpoints, e)
	if s.zone(LinkZone) == nil {
		s.Config.Zones = append(s.Config.Zones, azure.Zone{ID: LinkZone, Name: azure.ParseID(LinkZone).Name, LinksRead: true})
	}
	zone := s.zone(LinkZone)
	zone.Records = append(zone.Records, azure.Record{Name: record, Found: true, Addresses: e.Addresses, TTLSeconds: 10})
}

// endpointTarget is a target with a private endpoint in a network of its own, and the runtime server that it needs.
func (s *Scene) endpointTarget() {
	s.Case.RuntimeServer = true
	s.integrated("runtime", RuntimeID, "mover")
	s.Case.TargetAccess = request.PrivateEndpoint
	s.Config.Target = &azure.Place{ResourceID: TargetID, ServerID: TargetID, EndpointIDs: []string{TargetPE}}
	s.Config.Servers = append(s.Config.Servers, azure.Server{ID: TargetID, FQDN: "orders.postgres.database.azure.com",
		State: "Ready", Version: "17", PublicNetworkAccess: "Disabled", EndpointConnections: []azure.EndpointConnection{
			{ID: TargetID + "/privateEndpointConnections/pe-orders.1", EndpointID: TargetPE, Status: "Approved"}}})
	s.Config.VirtualNetworks = append(s.Config.VirtualNetworks, azure.VirtualNetwork{ID: EndNet,
		Prefixes: []string{"10.3.0.0/16"}, PeeringsRead: true, SubnetsRead: true})
	s.Config.Subnets = append(s.Config.Subnets, azure.Subnet{ID: TargetEnd, NetworkID: EndNet,
		Prefixes: []string{"10.3.1.0/24"}, EndpointPolicies: "Disabled"})
	s.peer(MoverNet, EndNet)
	s.endpoint(azure.PrivateEndpoint{ID: TargetPE, SubnetID: TargetEnd, TargetID: TargetID, Addresses: []string{"10.3.1.4"}},
		"orders")
	for _, network := range []string{SourceNet, MoverNet, EndNet} {
		s.link(LinkZone, network)
		s.link(OwnZone, network)
	}
	s.end("target", "orders.postgres.database.azure.com", "10.3.1.4")
}

// link adds a link where there is none yet.
func (s *Scene) link(zoneID, networkID string) {
	zone := s.zone(zoneID)
	for _, l := range zone.Links {
		if azure.Same(l.NetworkID, networkID) {
			return
		}
	}
	zone.Links = append(zone.Links, azure.ZoneLink{Name: "link-" + azure.ParseID(networkID).Name, NetworkID: networkID,
		State: "Completed"})
}

func pick[T any](all []T, id string, idOf func(T) string) *T {
	for i := range all {
		if azure.Same(idOf(all[i]), id) {
			return &all[i]
		}
	}
	return nil
}

func (s *Scene) network(id string) *azure.VirtualNetwork {
	return pick(s.Config.VirtualNetworks, id, func(n azure.VirtualNetwork) string { return n.ID })
}

func (s *Scene) subnet(id string) *azure.Subnet {
	return pick(s.Config.Subnets, id, func(n azure.Subnet) string { return n.ID })
}

func (s *Scene) zone(id string) *azure.Zone {
	return pick(s.Config.Zones, id, func(z azure.Zone) string { return z.ID })
}

func (s *Scene) securityGroup(id string) *azure.SecurityGroup {
	return pick(s.Config.SecurityGroups, id, func(g azure.SecurityGroup) string { return g.ID })
}

func (s *Scene) server(id string) *azure.Server {
	return pick(s.Config.Servers, id, func(v azure.Server) string { return v.ID })
}

func (s *Scene) privateEndpoint(id string) *azure.PrivateEndpoint {
	return pick(s.Config.PrivateEndpoints, id, func(e azure.PrivateEndpoint) string { return e.ID })
}

func (s *Scene) routeTable(id string) *azure.RouteTable {
	return pick(s.Config.RouteTables, id, func(r azure.RouteTable) string { return r.ID })
}
