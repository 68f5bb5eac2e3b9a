package management

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

func getNetwork(ctx context.Context, c *clients, at *arm.ResourceID) (azure.VirtualNetwork, error) {
	client, err := armnetwork.NewVirtualNetworksClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.VirtualNetwork{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil)
	if err != nil {
		return azure.VirtualNetwork{}, err
	}
	p := of(answer.Properties)
	out := azure.VirtualNetwork{ID: at.String(), Location: of(answer.Location), SubnetsRead: p.Subnets != nil,
		Prefixes: all(of(p.AddressSpace).AddressPrefixes), DNSServers: all(of(p.DhcpOptions).DNSServers)}
	for _, subnet := range all(p.Subnets) {
		// The name is fixed: gateways stand in a subnet that is called so.
		if strings.EqualFold(of(subnet.Name), "GatewaySubnet") && len(of(subnet.Properties).IPConfigurations) > 0 {
			out.HasGateway = true
		}
	}
	return out, nil
}

func listPeerings(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.Peering, error) {
	client, err := armnetwork.NewVirtualNetworkPeeringsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []azure.Peering
	err = pages(ctx, client.NewListPager(at.ResourceGroupName, at.Name, nil),
		func(page armnetwork.VirtualNetworkPeeringsClientListResponse) {
			for _, p := range all(page.Value) {
				out = append(out, peering(p))
			}
		})
	return out, err
}

func peering(v armnetwork.VirtualNetworkPeering) azure.Peering {
	p := of(v.Properties)
	remote := of(p.RemoteVirtualNetworkAddressSpace).AddressPrefixes
	if len(remote) == 0 {
		remote = of(p.RemoteAddressSpace).AddressPrefixes
	}
	whole := p.PeerCompleteVnets == nil || *p.PeerCompleteVnets
	return azure.Peering{ID: of(v.ID), Name: of(v.Name), RemoteID: of(of(p.RemoteVirtualNetwork).ID),
		State: string(of(p.PeeringState)), Sync: string(of(p.PeeringSyncLevel)),
		AllowVirtualNetworkAccess: of(p.AllowVirtualNetworkAccess), AllowForwardedTraffic: of(p.AllowForwardedTraffic),
		AllowGatewayTransit: of(p.AllowGatewayTransit), UseRemoteGateways: of(p.UseRemoteGateways),
		RemotePrefixes: all(remote), PartOnly: !whole || of(p.EnableOnlyIPv6Peering)}
}

func getSubnet(ctx context.Context, c *clients, at *arm.ResourceID) (azure.Subnet, error) {
	client, err := armnetwork.NewSubnetsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.Subnet{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Parent.Name, at.Name, nil)
	if err != nil {
		return azure.Subnet{}, err
	}
	p := of(answer.Properties)
	out := azure.Subnet{ID: at.String(), NetworkID: at.Parent.String(), Prefixes: all(p.AddressPrefixes),
		SecurityGroupID: of(of(p.NetworkSecurityGroup).ID), RouteTableID: of(of(p.RouteTable).ID),
		EndpointPolicies: string(of(p.PrivateEndpointNetworkPolicies))}
	if prefix := of(p.AddressPrefix); prefix != "" && len(out.Prefixes) == 0 {
		out.Prefixes = []string{prefix}
	}
	for _, d := range all(p.Delegations) {
		out.Delegations = append(out.Delegations, of(of(d.Properties).ServiceName))
	}
	for _, e := range all(p.ServiceEndpoints) {
		out.ServiceEndpoints = append(out.ServiceEndpoints, of(e.Service))
	}
	return out, nil
}

func getSecurityGroup(ctx context.Context, c *clients, at *arm.ResourceID) (azure.SecurityGroup, error) {
	client, err := armnetwork.NewSecurityGroupsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.SecurityGroup{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil)
	if err != nil {
		return azure.SecurityGroup{}, err
	}
	p := of(answer.Properties)
	return azure.SecurityGroup{ID: at.String(), Rules: rules(p.SecurityRules), DefaultRules: rules(p.DefaultSecurityRules)},
		nil
}

func rules(list []*armnetwork.SecurityRule) []azure.Rule {
	var out []azure.Rule
	for _, r := range all(list) {
		p := of(r.Properties)
		out = append(out, azure.Rule{Name: of(r.Name), Priority: int(of(p.Priority)), Direction: string(of(p.Direction)),
			Access: string(of(p.Access)), Protocol: string(of(p.Protocol)),
			SourcePrefix: of(p.SourceAddressPrefix), SourcePrefixes: all(p.SourceAddressPrefixes),
			SourcePort: of(p.SourcePortRange), SourcePorts: all(p.SourcePortRanges),
			SourceGroups:      applicationGroups(p.SourceApplicationSecurityGroups),
			DestinationPrefix: of(p.DestinationAddressPrefix), DestinationPrefixes: all(p.DestinationAddressPrefixes),
			DestinationPort: of(p.DestinationPortRange), DestinationPorts: all(p.DestinationPortRanges),
			DestinationGroups: applicationGroups(p.DestinationApplicationSecurityGroups)})
	}
	return out
}

func applicationGroups(list []*armnetwork.ApplicationSecurityGroup) []string {
	var out []string
	for _, g := range all(list) {
		out = append(out, of(g.ID))
	}
	return out
}

func getRouteTable(ctx context.Context, c *clients, at *arm.ResourceID) (azure.RouteTable, error) {
	client, err := armnetwork.NewRouteTablesClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.RouteTable{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil)
	if err != nil {
		return azure.RouteTable{}, err
	}
	p := of(answer.Properties)
	out := azure.RouteTable{ID: at.String(), DisableBGP: of(p.DisableBgpRoutePropagation)}
	for _, r := range all(p.Routes) {
		route := of(r.Properties)
		out.Routes = append(out.Routes, azure.Route{Name: of(r.Name), Prefix: of(route.AddressPrefix),
			NextHop: string(of(route.NextHopType)), NextHopAddress: of(route.NextHopIPAddress)})
	}
	return out, nil
}

// nic is a network interface: of a machine, or of a private endpoint.
type nic struct {
	azure.Interface
}

func getInterface(ctx context.Context, c *clients, at *arm.ResourceID) (nic, error) {
	client, err := armnetwork.NewInterfacesClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nic{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil)
	if err != nil {
		return nic{}, err
	}
	return interfaceOf(answer.Interface, at.String()), nil
}

// listInterfaces lists those of a resource group: a machine's own resource, which names its interfaces, belongs to
// another provider and would need another right.
func listInterfaces(ctx context.Context, c *clients, at *arm.ResourceID) ([]nic, error) {
	client, err := armnetwork.NewInterfacesClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []nic
	err = pages(ctx, client.NewListPager(at.ResourceGroupName, nil), func(page armnetwork.InterfacesClientListResponse) {
		for _, i := range all(page.Value) {
			out = append(out, interfaceOf(i, of(i.ID)))
		}
	})
	return out, err
}

func interfaceOf(i armnetwork.Interface, id string) nic {
	p := of(i.Properties)
	out := azure.Interface{ID: id, MachineID: of(of(p.VirtualMachine).ID), SecurityGroupID: of(of(p.NetworkSecurityGroup).ID)}
	for _, c := range all(p.IPConfigurations) {
		ip := of(c.Properties)
		if subnet := of(of(ip.Subnet).ID); out.SubnetID == "" || of(ip.Primary) && subnet != "" {
			out.SubnetID = subnet
		}
		if address := of(ip.PrivateIPAddress); address != "" {
			out.Addresses = append(out.Addresses, address)
		}
	}
	return nic{out}
}
