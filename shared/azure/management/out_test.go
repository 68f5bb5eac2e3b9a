package management

import (
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	pg "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v5"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// This file is the way back from our model to the SDK's, as Azure would answer.

func serverOut(s azure.Server) pg.Server {
	return pg.Server{ID: &s.ID, Location: text(s.Location), Properties: &pg.ServerProperties{
		FullyQualifiedDomainName: text(s.FQDN), State: text(pg.ServerState(s.State)),
		Version: text(pg.PostgresMajorVersion(s.Version)), Storage: &pg.Storage{StorageSizeGB: to.Ptr(int32(s.StorageGiB))},
		Network: &pg.Network{DelegatedSubnetResourceID: text(s.DelegatedSubnetID),
			PrivateDNSZoneArmResourceID: text(s.PrivateZoneID),
			PublicNetworkAccess:         text(pg.ServerPublicNetworkAccessState(s.PublicNetworkAccess))}}}
}

func firewallOut(r azure.FirewallRule) *pg.FirewallRule {
	return &pg.FirewallRule{Name: &r.Name, Properties: &pg.FirewallRuleProperties{StartIPAddress: &r.Start, EndIPAddress: &r.End}}
}

// parametersOut adds one that is of no interest to each that is.
func parametersOut(parameters map[string]string) []*pg.Configuration {
	var out []*pg.Configuration
	for name, value := range parameters {
		out = append(out, &pg.Configuration{Name: &name, Properties: &pg.ConfigurationProperties{Value: &value}},
			&pg.Configuration{Name: to.Ptr("x_" + name), Properties: &pg.ConfigurationProperties{Value: to.Ptr("1")}})
	}
	return byName(out, func(c *pg.Configuration) string { return *c.Name })
}

func connectionOut(c azure.EndpointConnection) *pg.PrivateEndpointConnection {
	return &pg.PrivateEndpointConnection{ID: &c.ID, Properties: &pg.PrivateEndpointConnectionProperties{
		PrivateEndpoint: &pg.PrivateEndpoint{ID: text(c.EndpointID)},
		PrivateLinkServiceConnectionState: &pg.PrivateLinkServiceConnectionState{
			Status: text(pg.PrivateEndpointServiceConnectionStatus(c.Status)), Description: text(c.Description)}}}
}

func migrationOut(m azure.Migration) *pg.Migration {
	details := &pg.ValidationDetails{Status: text(pg.ValidationState(m.Status))}
	if at, err := time.Parse(time.RFC3339, m.ValidatedAt); err == nil {
		details.ValidationEndTimeInUTC = &at
	}
	byDatabase := map[string]*pg.DbLevelValidationStatus{}
	for _, v := range m.Validations {
		item := &pg.ValidationSummaryItem{Type: &v.Type, State: text(pg.ValidationState(v.State))}
		for _, message := range v.Messages {
			item.Messages = append(item.Messages, &pg.ValidationMessage{Message: &message})
		}
		if v.Database == "" {
			details.ServerLevelValidationDetails = append(details.ServerLevelValidationDetails, item)
			continue
		}
		if byDatabase[v.Database] == nil {
			byDatabase[v.Database] = &pg.DbLevelValidationStatus{DatabaseName: &v.Database}
			details.DbLevelValidationDetails = append(details.DbLevelValidationDetails, byDatabase[v.Database])
		}
		byDatabase[v.Database].Summary = append(byDatabase[v.Database].Summary, item)
	}
	return &pg.Migration{Name: &m.Name, Properties: &pg.MigrationProperties{MigrationMode: text(pg.MigrationMode(m.Mode)),
		MigrationOption: text(pg.MigrationOption(m.Option)), MigrationInstanceResourceID: text(m.RuntimeID),
		SourceDbServerResourceID: text(m.SourceID),
		// What a person typed when the migration was made must never be read on.
		SecretParameters: &pg.MigrationSecretParameters{AdminCredentials: &pg.AdminCredentials{
			SourceServerPassword: to.Ptr(planted), TargetServerPassword: to.Ptr(planted)}},
		CurrentStatus: &pg.MigrationStatus{State: text(pg.MigrationState(m.State)),
			CurrentSubStateDetails: &pg.MigrationSubstateDetails{CurrentSubState: text(pg.MigrationSubstate(m.Substate)),
				ValidationDetails: details}}}}
}

// planted is a secret that Azure would have to have leaked for it to be there.
const planted = "planted-secret-of-a-migration"

func networkOut(v azure.VirtualNetwork) armnetwork.VirtualNetwork {
	out := armnetwork.VirtualNetwork{ID: &v.ID, Location: text(v.Location), Properties: &armnetwork.VirtualNetworkPropertiesFormat{
		AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: texts(v.Prefixes)}, Subnets: []*armnetwork.Subnet{nil}}}
	if len(v.DNSServers) > 0 {
		out.Properties.DhcpOptions = &armnetwork.DhcpOptions{DNSServers: texts(v.DNSServers)}
	}
	if v.HasGateway {
		out.Properties.Subnets = append(out.Properties.Subnets, &armnetwork.Subnet{Name: to.Ptr("GatewaySubnet"),
			Properties: &armnetwork.SubnetPropertiesFormat{IPConfigurations: []*armnetwork.IPConfiguration{{ID: to.Ptr("gw")}}}})
	}
	return out
}

func peeringOut(p azure.Peering) *armnetwork.VirtualNetworkPeering {
	return &armnetwork.VirtualNetworkPeering{ID: &p.ID, Name: &p.Name, Properties: &armnetwork.VirtualNetworkPeeringPropertiesFormat{
		RemoteVirtualNetwork:      &armnetwork.SubResource{ID: &p.RemoteID},
		PeeringState:              text(armnetwork.VirtualNetworkPeeringState(p.State)),
		PeeringSyncLevel:          text(armnetwork.VirtualNetworkPeeringLevel(p.Sync)),
		RemoteAddressSpace:        &armnetwork.AddressSpace{AddressPrefixes: texts(p.RemotePrefixes)},
		AllowVirtualNetworkAccess: &p.AllowVirtualNetworkAccess, AllowForwardedTraffic: &p.AllowForwardedTraffic,
		AllowGatewayTransit: &p.AllowGatewayTransit, UseRemoteGateways: &p.UseRemoteGateways,
		PeerCompleteVnets: to.Ptr(!p.PartOnly)}}
}

func subnetOut(s azure.Subnet) armnetwork.Subnet {
	out := armnetwork.Subnet{ID: &s.ID, Properties: &armnetwork.SubnetPropertiesFormat{
		PrivateEndpointNetworkPolicies: text(armnetwork.VirtualNetworkPrivateEndpointNetworkPolicies(s.EndpointPolicies))}}
	if len(s.Prefixes) == 1 { // Azure gives one in the single field
		out.Properties.AddressPrefix = &s.Prefixes[0]
	} else {
		out.Properties.AddressPrefixes = texts(s.Prefixes)
	}
	if s.SecurityGroupID != "" {
		out.Properties.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: &s.SecurityGroupID}
	}
	if s.RouteTableID != "" {
		out.Properties.RouteTable = &armnetwork.RouteTable{ID: &s.RouteTableID}
	}
	for _, d := range s.Delegations {
		out.Properties.Delegations = append(out.Properties.Delegations,
			&armnetwork.Delegation{Properties: &armnetwork.ServiceDelegationPropertiesFormat{ServiceName: &d}})
	}
	for _, e := range s.ServiceEndpoints {
		out.Properties.ServiceEndpoints = append(out.Properties.ServiceEndpoints, &armnetwork.ServiceEndpointPropertiesFormat{Service: &e})
	}
	return out
}

func groupOut(g azure.SecurityGroup) armnetwork.SecurityGroup {
	return armnetwork.SecurityGroup{ID: &g.ID, Properties: &armnetwork.SecurityGroupPropertiesFormat{
		SecurityRules: each(g.Rules, ruleOut), DefaultSecurityRules: each(g.DefaultRules, ruleOut)}}
}

func ruleOut(r azure.Rule) *armnetwork.SecurityRule {
	groups := func(ids []string) []*armnetwork.ApplicationSecurityGroup {
		return each(ids, func(id string) *armnetwork.ApplicationSecurityGroup {
			return &armnetwork.ApplicationSecurityGroup{ID: &id}
		})
	}
	return &armnetwork.SecurityRule{Name: &r.Name, Properties: &armnetwork.SecurityRulePropertiesFormat{
		Priority: to.Ptr(int32(r.Priority)), Direction: text(armnetwork.SecurityRuleDirection(r.Direction)),
		Access: text(armnetwork.SecurityRuleAccess(r.Access)), Protocol: text(armnetwork.SecurityRuleProtocol(r.Protocol)),
		SourceAddressPrefix: text(r.SourcePrefix), SourceAddressPrefixes: texts(r.SourcePrefixes),
		SourcePortRange: text(r.SourcePort), SourcePortRanges: texts(r.SourcePorts),
		SourceApplicationSecurityGroups: groups(r.SourceGroups),
		DestinationAddressPrefix:        text(r.DestinationPrefix), DestinationAddressPrefixes: texts(r.DestinationPrefixes),
		DestinationPortRange: text(r.DestinationPort), DestinationPortRanges: texts(r.DestinationPorts),
		DestinationApplicationSecurityGroups: groups(r.DestinationGroups)}}
}

func routesOut(t azure.RouteTable) armnetwork.RouteTable {
	return armnetwork.RouteTable{ID: &t.ID, Properties: &armnetwork.RouteTablePropertiesFormat{
		DisableBgpRoutePropagation: &t.DisableBGP, Routes: each(t.Routes, func(r azure.Route) *armnetwork.Route {
			return &armnetwork.Route{Name: &r.Name, Properties: &armnetwork.RoutePropertiesFormat{AddressPrefix: &r.Prefix,
				NextHopType: text(armnetwork.RouteNextHopType(r.NextHop)), NextHopIPAddress: text(r.NextHopAddress)}}
		})}}
}

func interfaceOut(i azure.Interface) *armnetwork.Interface {
	out := &armnetwork.Interface{ID: &i.ID, Properties: &armnetwork.InterfacePropertiesFormat{}}
	if i.MachineID != "" {
		out.Properties.VirtualMachine = &armnetwork.SubResource{ID: &i.MachineID}
	}
	if i.SecurityGroupID != "" {
		out.Properties.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: &i.SecurityGroupID}
	}
	for n, address := range i.Addresses {
		out.Properties.IPConfigurations = append(out.Properties.IPConfigurations, &armnetwork.InterfaceIPConfiguration{
			Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{PrivateIPAddress: &address, Primary: to.Ptr(n == 0),
				Subnet: &armnetwork.Subnet{ID: &i.SubnetID}}})
	}
	return out
}

// endpointOut keeps the addresses to the interface, as Azure does where a zone group has the records.
func endpointOut(e azure.PrivateEndpoint) *armnetwork.PrivateEndpoint {
	connection := &armnetwork.PrivateLinkServiceConnection{Properties: &armnetwork.PrivateLinkServiceConnectionProperties{
		PrivateLinkServiceID: text(e.TargetID), GroupIDs: texts(e.GroupIDs),
		PrivateLinkServiceConnectionState: &armnetwork.PrivateLinkServiceConnectionState{Status: text(e.Status),
			Description: text(e.Description)}}}
	out := &armnetwork.PrivateEndpoint{ID: &e.ID, Properties: &armnetwork.PrivateEndpointProperties{
		Subnet:            &armnetwork.Subnet{ID: &e.SubnetID},
		NetworkInterfaces: []*armnetwork.Interface{{ID: to.Ptr(endpointInterface(e.ID))}}}}
	if strings.Contains(e.ID, "manual") {
		out.Properties.ManualPrivateLinkServiceConnections = []*armnetwork.PrivateLinkServiceConnection{connection}
	} else {
		out.Properties.PrivateLinkServiceConnections = []*armnetwork.PrivateLinkServiceConnection{connection}
	}
	for _, name := range e.FQDNs {
		out.Properties.CustomDNSConfigs = append(out.Properties.CustomDNSConfigs,
			&armnetwork.CustomDNSConfigPropertiesFormat{Fqdn: &name, IPAddresses: texts(e.Addresses)})
	}
	return out
}

func zoneGroupOut(g azure.ZoneGroup) *armnetwork.PrivateDNSZoneGroup {
	return &armnetwork.PrivateDNSZoneGroup{Name: &g.Name, Properties: &armnetwork.PrivateDNSZoneGroupPropertiesFormat{
		PrivateDNSZoneConfigs: each(g.ZoneIDs, func(id string) *armnetwork.PrivateDNSZoneConfig {
			return &armnetwork.PrivateDNSZoneConfig{Properties: &armnetwork.PrivateDNSZonePropertiesFormat{PrivateDNSZoneID: &id}}
		})}}
}

func zoneOut(z azure.Zone) *armprivatedns.PrivateZone {
	return &armprivatedns.PrivateZone{ID: &z.ID, Name: &z.Name}
}

func linkOut(l azure.ZoneLink) *armprivatedns.VirtualNetworkLink {
	p := &armprivatedns.VirtualNetworkLinkProperties{VirtualNetwork: &armprivatedns.SubResource{ID: &l.NetworkID},
		VirtualNetworkLinkState: text(armprivatedns.VirtualNetworkLinkState(l.State)), RegistrationEnabled: &l.Registration}
	if l.FallbackToInternet {
		p.ResolutionPolicy = to.Ptr(armprivatedns.ResolutionPolicyNxDomainRedirect)
	}
	return &armprivatedns.VirtualNetworkLink{Name: &l.Name, Properties: p}
}

func recordOut(r azure.Record) *armprivatedns.RecordSet {
	return &armprivatedns.RecordSet{Name: &r.Name, Properties: &armprivatedns.RecordSetProperties{TTL: &r.TTLSeconds,
		ARecords: each(r.Addresses, func(a string) *armprivatedns.ARecord { return &armprivatedns.ARecord{IPv4Address: &a} })}}
}
