// Package azure judges what the management plane says of a migration's networks: servers, virtual networks, security
// groups, routes, private endpoints and private DNS zones. It is pure: the configuration is handed in, read by package
// management or made by a test, and nothing here knows Azure's SDK, a clock or the network.
package azure

// Question names what is to be read. Each is a resource id that package request has checked, or empty.
type Question struct{ SourceID, TargetID, RuntimeID, VantageSubnetID string }

// Asked tells whether there is anything to read.
func (q Question) Asked() bool { return q != Question{} }

// Configuration is what could be read, flat: resources refer to each other by their resource ids, which are compared
// without regard to case. A resource that is referred to and not here was not read; Troubles says why. It stands in the
// report as the observation of the layer azure.
type Configuration struct {
	// Source, Target, Runtime and Vantage say where each end stands; nil where the request named no resource for it.
	Source  *Place `json:"source,omitempty"`
	Target  *Place `json:"target,omitempty"`
	Runtime *Place `json:"runtime,omitempty"`
	Vantage *Place `json:"vantage,omitempty"`

	Servers          []Server          `json:"servers,omitempty"`
	VirtualNetworks  []VirtualNetwork  `json:"virtualNetworks,omitempty"`
	Subnets          []Subnet          `json:"subnets,omitempty"`
	SecurityGroups   []SecurityGroup   `json:"securityGroups,omitempty"`
	RouteTables      []RouteTable      `json:"routeTables,omitempty"`
	PrivateEndpoints []PrivateEndpoint `json:"privateEndpoints,omitempty"`
	Zones            []Zone            `json:"zones,omitempty"`
	Interfaces       []Interface       `json:"interfaces,omitempty"`
	Migrations       []Migration       `json:"migrations,omitempty"`
	Troubles         []Trouble         `json:"troubles,omitempty"`
	// ZonesSought are the resource groups whose zones were listed because one was not known by its id. Zones elsewhere
	// are not looked for.
	ZonesSought []string `json:"zonesSought,omitempty"`
	// Calls counts the requests that the reading took, ElapsedMs its time.
	Calls     int     `json:"calls,omitempty"`
	ElapsedMs float64 `json:"elapsedMs,omitempty"`
}

// Place is where one end of a migration stands in Azure.
type Place struct {
	// ResourceID is as the request gave it: a flexible server, a Single Server, a virtual machine, a network interface,
	// a private endpoint, a subnet or a virtual network.
	ResourceID string `json:"resourceId,omitempty"`
	// ServerID is set where it is a flexible server.
	ServerID string `json:"serverId,omitempty"`
	// SubnetID is the delegated subnet, that of the machine's interface, or the vantage's. An end that stands behind
	// private endpoints has none.
	SubnetID  string `json:"subnetId,omitempty"`
	NetworkID string `json:"networkId,omitempty"`
	// InterfaceIDs are those of a virtual machine.
	InterfaceIDs []string `json:"interfaceIds,omitempty"`
	// EndpointIDs are the private endpoints that lead to it.
	EndpointIDs []string `json:"endpointIds,omitempty"`
}

// Server is a flexible server.
type Server struct {
	ID   string `json:"id"`
	FQDN string `json:"fqdn,omitempty"`
	// State is Azure's word: Ready, Stopped, Stopping, Starting, Disabled, Dropping, Updating, …
	State    string `json:"state,omitempty"`
	Version  string `json:"version,omitempty"`
	Location string `json:"location,omitempty"`
	// StorageGiB is what the server has; 0 where Azure does not tell.
	StorageGiB int `json:"storageGiB,omitempty"`
	// PublicNetworkAccess is Enabled or Disabled.
	PublicNetworkAccess string         `json:"publicNetworkAccess,omitempty"`
	DelegatedSubnetID   string         `json:"delegatedSubnetId,omitempty"`
	PrivateZoneID       string         `json:"privateZoneId,omitempty"`
	FirewallRules       []FirewallRule `json:"firewallRules,omitempty"`
	// FirewallRead tells that the list of rules was read: an empty one is then a fact.
	FirewallRead bool `json:"firewallRead,omitempty"`
	// EndpointConnections are the server's own side of its private endpoints.
	EndpointConnections []EndpointConnection `json:"endpointConnections,omitempty"`
	// Parameters are those of interest, by name.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// FirewallRule admits a range of IPv4 addresses. 0.0.0.0 to 0.0.0.0 admits every Azure service.
type FirewallRule struct {
	Name  string `json:"name"`
	Start string `json:"start"`
	End   string `json:"end"`
}

// EndpointConnection is a private endpoint's connection as the server lists it.
type EndpointConnection struct {
	ID         string `json:"id"`
	EndpointID string `json:"endpointId,omitempty"`
	// Status is Approved, Pending, Rejected or Disconnected.
	Status      string `json:"status,omitempty"`
	Description string `json:"description,omitempty"`
}

// VirtualNetwork is a virtual network with its own side of its peerings.
type VirtualNetwork struct {
	ID       string   `json:"id"`
	Location string   `json:"location,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
	// DNSServers are the custom ones; empty means Azure's own, which knows the linked private zones.
	DNSServers []string  `json:"dnsServers,omitempty"`
	Peerings   []Peering `json:"peerings,omitempty"`
	// PeeringsRead tells that the list of peerings was read: an empty one is then a fact.
	PeeringsRead bool `json:"peeringsRead,omitempty"`
	// HasGateway tells that there is a subnet for a gateway with something in it.
	HasGateway bool `json:"hasGateway,omitempty"`
	// SubnetsRead tells that the subnets were seen, so that HasGateway false is a fact.
	SubnetsRead bool `json:"subnetsRead,omitempty"`
}

// Peering is one direction of a peering, as the virtual network that it belongs to has it.
type Peering struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	RemoteID string `json:"remoteId"`
	// State is Initiated, Connected or Disconnected.
	State string `json:"state,omitempty"`
	// Sync is FullyInSync, RemoteNotInSync, LocalNotInSync or LocalAndRemoteNotInSync.
	Sync                      string `json:"sync,omitempty"`
	AllowVirtualNetworkAccess bool   `json:"allowVirtualNetworkAccess"`
	AllowForwardedTraffic     bool   `json:"allowForwardedTraffic"`
	AllowGatewayTransit       bool   `json:"allowGatewayTransit"`
	UseRemoteGateways         bool   `json:"useRemoteGateways"`
	// RemotePrefixes are those that are routed over the peering.
	RemotePrefixes []string `json:"remotePrefixes,omitempty"`
	// PartOnly tells that only some subnets are peered, or only IPv6: which addresses it carries is then not judged.
	PartOnly bool `json:"partOnly,omitempty"`
}

// Subnet is a subnet of a virtual network.
type Subnet struct {
	ID        string   `json:"id"`
	NetworkID string   `json:"networkId"`
	Prefixes  []string `json:"prefixes,omitempty"`
	// Delegations are service names such as Microsoft.DBforPostgreSQL/flexibleServers.
	Delegations     []string `json:"delegations,omitempty"`
	SecurityGroupID string   `json:"securityGroupId,omitempty"`
	RouteTableID    string   `json:"routeTableId,omitempty"`
	// EndpointPolicies is Disabled, Enabled, NetworkSecurityGroupEnabled or RouteTableEnabled: what of security group and
	// routes holds for the private endpoints in it.
	EndpointPolicies string `json:"endpointPolicies,omitempty"`
	// ServiceEndpoints are service names such as Microsoft.Sql.
	ServiceEndpoints []string `json:"serviceEndpoints,omitempty"`
}

// SecurityGroup is a network security group.
type SecurityGroup struct {
	ID string `json:"id"`
	// Rules are its own, DefaultRules those that Azure adds.
	Rules        []Rule `json:"rules,omitempty"`
	DefaultRules []Rule `json:"defaultRules,omitempty"`
}

// Rule is a security rule. Azure gives a value either in the single or in the plural field; both are read.
type Rule struct {
	Name string `json:"name"`
	// Priority is 100 to 4096, of default rules 65000 and more. The lowest is looked at first.
	Priority int `json:"priority"`
	// Direction is Inbound or Outbound, Access Allow or Deny, Protocol Tcp, Udp, Icmp, Esp, Ah or *.
	Direction           string   `json:"direction"`
	Access              string   `json:"access"`
	Protocol            string   `json:"protocol"`
	SourcePrefix        string   `json:"sourcePrefix,omitempty"`
	SourcePrefixes      []string `json:"sourcePrefixes,omitempty"`
	SourcePort          string   `json:"sourcePort,omitempty"`
	SourcePorts         []string `json:"sourcePorts,omitempty"`
	SourceGroups        []string `json:"sourceGroups,omitempty"`
	DestinationPrefix   string   `json:"destinationPrefix,omitempty"`
	DestinationPrefixes []string `json:"destinationPrefixes,omitempty"`
	DestinationPort     string   `json:"destinationPort,omitempty"`
	DestinationPorts    []string `json:"destinationPorts,omitempty"`
	DestinationGroups   []string `json:"destinationGroups,omitempty"`
}

// RouteTable is a route table.
type RouteTable struct {
	ID     string  `json:"id"`
	Routes []Route `json:"routes,omitempty"`
	// DisableBGP keeps the routes of a gateway out of the subnets that use the table.
	DisableBGP bool `json:"disableBgpRoutePropagation,omitempty"`
}

// Route is a user-defined route.
type Route struct {
	Name   string `json:"name"`
	Prefix string `json:"prefix"`
	// NextHop is VirtualNetworkGateway, VnetLocal, Internet, VirtualAppliance or None; NextHopAddress is the appliance's.
	NextHop        string `json:"nextHop"`
	NextHopAddress string `json:"nextHopAddress,omitempty"`
}

// PrivateEndpoint is a private endpoint, seen from its own side.
type PrivateEndpoint struct {
	ID       string `json:"id"`
	SubnetID string `json:"subnetId,omitempty"`
	// TargetID is the resource it leads to, GroupIDs its sub-resources such as postgresqlServer.
	TargetID string   `json:"targetId,omitempty"`
	GroupIDs []string `json:"groupIds,omitempty"`
	// Status is Approved, Pending, Rejected or Disconnected; Description is what its owner was told.
	Status      string `json:"status,omitempty"`
	Description string `json:"description,omitempty"`
	// Addresses are the private addresses of its interface, FQDNs the names they stand for.
	Addresses  []string    `json:"addresses,omitempty"`
	FQDNs      []string    `json:"fqdns,omitempty"`
	ZoneGroups []ZoneGroup `json:"zoneGroups,omitempty"`
	// ZoneGroupsRead tells that the list of zone groups was read: an empty one is then a fact.
	ZoneGroupsRead bool `json:"zoneGroupsRead,omitempty"`
}

// ZoneGroup writes a private endpoint's records into zones.
type ZoneGroup struct {
	Name    string   `json:"name"`
	ZoneIDs []string `json:"zoneIds,omitempty"`
}

// Zone is a private DNS zone.
type Zone struct {
	ID    string     `json:"id"`
	Name  string     `json:"name"`
	Links []ZoneLink `json:"links,omitempty"`
	// LinksRead tells that the list of links was read: an empty one is then a fact.
	LinksRead bool     `json:"linksRead,omitempty"`
	Records   []Record `json:"records,omitempty"`
	// RecordsListed tells that Records are all A records of the zone. A server in a delegated subnet has one of a name
	// that Azure makes up, so the list of its own zone is read; in a zone of private endpoints only the names at hand
	// are asked for.
	RecordsListed bool `json:"recordsListed,omitempty"`
}

// ZoneLink makes a zone known in a virtual network.
type ZoneLink struct {
	Name      string `json:"name"`
	NetworkID string `json:"networkId"`
	// State is InProgress or Completed.
	State string `json:"state,omitempty"`
	// Registration tells that the network's machines are written into the zone.
	Registration bool `json:"registration,omitempty"`
	// FallbackToInternet tells that a name which the zone lacks is asked for on the internet (NxDomainRedirect).
	FallbackToInternet bool `json:"fallbackToInternet,omitempty"`
}

// Record is an A record set that was asked for. Found false means that the zone has none of that name.
type Record struct {
	// Name is relative to the zone.
	Name       string   `json:"name"`
	Found      bool     `json:"found"`
	Addresses  []string `json:"addresses,omitempty"`
	TTLSeconds int64    `json:"ttlSeconds,omitempty"`
}

// Interface is the network interface of a virtual machine.
type Interface struct {
	ID              string   `json:"id"`
	MachineID       string   `json:"machineId,omitempty"`
	SubnetID        string   `json:"subnetId,omitempty"`
	SecurityGroupID string   `json:"securityGroupId,omitempty"`
	Addresses       []string `json:"addresses,omitempty"`
}

// Migration is a migration of the target's with what the service's own validation said.
type Migration struct {
	Name      string `json:"name"`
	State     string `json:"state,omitempty"`
	Substate  string `json:"substate,omitempty"`
	Mode      string `json:"mode,omitempty"`
	Option    string `json:"option,omitempty"`
	RuntimeID string `json:"runtimeServerId,omitempty"`
	SourceID  string `json:"sourceId,omitempty"`
	// Status is Succeeded, Warning or Failed; empty where nothing was validated. Times are as Azure gives them, RFC 3339.
	Status      string       `json:"validationStatus,omitempty"`
	ValidatedAt string       `json:"validatedAt,omitempty"`
	Validations []Validation `json:"validations,omitempty"`
}

// Validation is one item of the service's own validation.
type Validation struct {
	// Database is empty for what is about the server.
	Database string   `json:"database,omitempty"`
	Type     string   `json:"type"`
	State    string   `json:"state"`
	Messages []string `json:"messages,omitempty"`
}

// TroubleKind says why something was not read.
type TroubleKind string

// The kinds of trouble.
const (
	NotPermitted TroubleKind = "not_permitted"
	NotFound     TroubleKind = "not_found"
	Throttled    TroubleKind = "throttled"
	TimedOut     TroubleKind = "timed_out"
	// Unreadable is a kind of resource that there is no way to read, such as a retired Single Server or a network of
	// Microsoft's own.
	Unreadable TroubleKind = "unreadable"
	// NoIdentity means that no token could be had, so nothing was asked; Detail says why.
	NoIdentity TroubleKind = "no_identity"
	// Unreachable means that the management plane gave no answer at all; Detail says where the way ended.
	Unreachable TroubleKind = "unreachable"
	// OverLimit is what our own cap on calls or pages left out.
	OverLimit TroubleKind = "over_limit"
	// Failed is any other refusal; Detail has Azure's error code.
	Failed TroubleKind = "failed"
)

// Trouble is something that was not read.
type Trouble struct {
	// Resource is the id that was asked for, Action the right that reading it needs.
	Resource string      `json:"resource"`
	Action   string      `json:"action,omitempty"`
	Kind     TroubleKind `json:"kind"`
	// Detail is Azure's error code or a few words of our own, never Azure's text.
	Detail string `json:"detail,omitempty"`
	// Roles are the ends that it was asked for: source, target, runtime, vantage.
	Roles []string `json:"roles,omitempty"`
}
