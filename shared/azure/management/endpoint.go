package management

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// endpoint is a private endpoint with what leads on from it.
type endpoint struct {
	azure.PrivateEndpoint
	interfaces []string
}

func getEndpoint(ctx context.Context, c *clients, at *arm.ResourceID) (endpoint, error) {
	client, err := armnetwork.NewPrivateEndpointsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return endpoint{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil)
	if err != nil {
		return endpoint{}, err
	}
	return endpointOf(answer.PrivateEndpoint, at.String()), nil
}

// listEndpoints lists those of a resource group.
func listEndpoints(ctx context.Context, c *clients, at *arm.ResourceID) ([]endpoint, error) {
	client, err := armnetwork.NewPrivateEndpointsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []endpoint
	err = pages(ctx, client.NewListPager(at.ResourceGroupName, nil),
		func(page armnetwork.PrivateEndpointsClientListResponse) {
			for _, e := range all(page.Value) {
				out = append(out, endpointOf(e, of(e.ID)))
			}
		})
	return out, err
}

func endpointOf(e armnetwork.PrivateEndpoint, id string) endpoint {
	p := of(e.Properties)
	out := endpoint{PrivateEndpoint: azure.PrivateEndpoint{ID: id, SubnetID: of(of(p.Subnet).ID)}}
	// One that its owner approved by itself, or else one that somebody else had to approve: never both.
	connections := append(all(p.PrivateLinkServiceConnections), all(p.ManualPrivateLinkServiceConnections)...)
	for _, c := range connections[:min(len(connections), 1)] {
		connection := of(c.Properties)
		state := of(connection.PrivateLinkServiceConnectionState)
		out.TargetID, out.GroupIDs = of(connection.PrivateLinkServiceID), all(connection.GroupIDs)
		out.Status, out.Description = of(state.Status), line(of(state.Description))
	}
	for _, d := range all(p.CustomDNSConfigs) {
		out.FQDNs = append(out.FQDNs, of(d.Fqdn))
		out.Addresses = append(out.Addresses, all(d.IPAddresses)...)
	}
	for _, i := range all(p.NetworkInterfaces) {
		out.interfaces = append(out.interfaces, of(i.ID))
	}
	return out
}

// zoneGroup is a zone group with the names of the A records that it keeps in each zone.
type zoneGroup struct {
	azure.ZoneGroup
	records map[string][]string
}

func listZoneGroups(ctx context.Context, c *clients, at *arm.ResourceID) ([]zoneGroup, error) {
	client, err := armnetwork.NewPrivateDNSZoneGroupsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []zoneGroup
	err = pages(ctx, client.NewListPager(at.Name, at.ResourceGroupName, nil),
		func(page armnetwork.PrivateDNSZoneGroupsClientListResponse) {
			for _, g := range all(page.Value) {
				out = append(out, zoneGroupOf(g))
			}
		})
	return out, err
}

func zoneGroupOf(g armnetwork.PrivateDNSZoneGroup) zoneGroup {
	out := zoneGroup{ZoneGroup: azure.ZoneGroup{Name: of(g.Name)}, records: map[string][]string{}}
	for _, config := range all(of(g.Properties).PrivateDNSZoneConfigs) {
		p := of(config.Properties)
		zone := of(p.PrivateDNSZoneID)
		if zone == "" {
			continue
		}
		out.ZoneIDs = append(out.ZoneIDs, zone)
		for _, set := range all(p.RecordSets) {
			if name := of(set.RecordSetName); name != "" && strings.EqualFold(of(set.RecordType), "A") {
				out.records[zone] = append(out.records[zone], name)
			}
		}
	}
	return out
}
