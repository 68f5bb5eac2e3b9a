package management

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"

	"errors"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

func getZone(ctx context.Context, c *clients, at *arm.ResourceID) (azure.Zone, error) {
	client, err := armprivatedns.NewPrivateZonesClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.Zone{}, err
	}
	if _, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil); err != nil {
		return azure.Zone{}, err
	}
	return azure.Zone{ID: at.String(), Name: at.Name}, nil
}

// listZones lists those of a resource group.
func listZones(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.Zone, error) {
	client, err := armprivatedns.NewPrivateZonesClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []azure.Zone
	err = pages(ctx, client.NewListByResourceGroupPager(at.ResourceGroupName, nil),
		func(page armprivatedns.PrivateZonesClientListByResourceGroupResponse) {
			for _, z := range all(page.Value) {
				out = append(out, azure.Zone{ID: of(z.ID), Name: of(z.Name)})
			}
		})
	return out, err
}

func listLinks(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.ZoneLink, error) {
	client, err := armprivatedns.NewVirtualNetworkLinksClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []azure.ZoneLink
	err = pages(ctx, client.NewListPager(at.ResourceGroupName, at.Name, nil),
		func(page armprivatedns.VirtualNetworkLinksClientListResponse) {
			for _, l := range all(page.Value) {
				p := of(l.Properties)
				out = append(out, azure.ZoneLink{Name: of(l.Name), NetworkID: of(of(p.VirtualNetwork).ID),
					State: string(of(p.VirtualNetworkLinkState)), Registration: of(p.RegistrationEnabled),
					FallbackToInternet: of(p.ResolutionPolicy) == armprivatedns.ResolutionPolicyNxDomainRedirect})
			}
		})
	return out, err
}

// getRecord asks for an A record: the id is that of the record, …/privateDnsZones/ZONE/A/NAME. That there is none is an
// answer too.
func getRecord(ctx context.Context, c *clients, at *arm.ResourceID) (azure.Record, error) {
	client, err := armprivatedns.NewRecordSetsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.Record{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Parent.Name, armprivatedns.RecordTypeA, at.Name, nil)
	missing, refused := errors.AsType[*azcore.ResponseError](err)
	if refused && missing.StatusCode == http.StatusNotFound {
		return azure.Record{Name: at.Name}, nil
	}
	if err != nil {
		return azure.Record{}, err
	}
	return recordOf(answer.RecordSet, at.Name), nil
}

// listRecords lists all A records of a zone.
func listRecords(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.Record, error) {
	client, err := armprivatedns.NewRecordSetsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []azure.Record
	err = pages(ctx, client.NewListByTypePager(at.ResourceGroupName, at.Name, armprivatedns.RecordTypeA, nil),
		func(page armprivatedns.RecordSetsClientListByTypeResponse) {
			for _, r := range all(page.Value) {
				out = append(out, recordOf(r, of(r.Name)))
			}
		})
	return out, err
}

func recordOf(r armprivatedns.RecordSet, name string) azure.Record {
	p := of(r.Properties)
	out := azure.Record{Name: name, Found: true, TTLSeconds: of(p.TTL)}
	for _, a := range all(p.ARecords) {
		out.Addresses = append(out.Addresses, of(a.IPv4Address))
	}
	return out
}
