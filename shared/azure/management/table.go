package management

import (
	"context"
	"errors"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// call is one kind of request, together with the right that it needs. Nothing is asked but through a call, so the list
// of rights cannot fall behind.
type call[A any] struct {
	action string
	// send gives what it got along with an error: some pages of a list are better than none.
	send func(context.Context, *clients, *arm.ResourceID) (A, error)
}

// clients is what the SDK's clients are made of. They are made anew for each request: making one costs microseconds,
// and each is for one subscription.
type clients struct {
	credential azcore.TokenCredential
	options    *arm.ClientOptions
}

// table is every call there is.
type table struct {
	server      call[azure.Server]
	firewall    call[[]azure.FirewallRule]
	parameters  call[map[string]string]
	connections call[[]azure.EndpointConnection]
	migrations  call[[]azure.Migration]
	network     call[azure.VirtualNetwork]
	peerings    call[[]azure.Peering]
	subnet      call[azure.Subnet]
	group       call[azure.SecurityGroup]
	routes      call[azure.RouteTable]
	nic         call[nic]
	nics        call[[]nic]
	endpoint    call[endpoint]
	endpoints   call[[]endpoint]
	zoneGroups  call[[]zoneGroup]
	zone        call[azure.Zone]
	zones       call[[]azure.Zone]
	links       call[[]azure.ZoneLink]
	record      call[azure.Record]
	records     call[[]azure.Record]
}

func calls() table {
	const server, network = "Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.Network"
	return table{
		server:      call[azure.Server]{server + "/read", getServer},
		firewall:    call[[]azure.FirewallRule]{server + "/firewallRules/read", listFirewallRules},
		parameters:  call[map[string]string]{server + "/configurations/read", listParameters},
		connections: call[[]azure.EndpointConnection]{server + "/privateEndpointConnections/read", listConnections},
		migrations:  call[[]azure.Migration]{server + "/migrations/read", listMigrations},
		network:     call[azure.VirtualNetwork]{network + "/virtualNetworks/read", getNetwork},
		peerings:    call[[]azure.Peering]{network + "/virtualNetworks/virtualNetworkPeerings/read", listPeerings},
		subnet:      call[azure.Subnet]{network + "/virtualNetworks/subnets/read", getSubnet},
		group:       call[azure.SecurityGroup]{network + "/networkSecurityGroups/read", getSecurityGroup},
		routes:      call[azure.RouteTable]{network + "/routeTables/read", getRouteTable},
		nic:         call[nic]{network + "/networkInterfaces/read", getInterface},
		nics:        call[[]nic]{network + "/networkInterfaces/read", listInterfaces},
		endpoint:    call[endpoint]{network + "/privateEndpoints/read", getEndpoint},
		endpoints:   call[[]endpoint]{network + "/privateEndpoints/read", listEndpoints},
		zoneGroups:  call[[]zoneGroup]{network + "/privateEndpoints/privateDnsZoneGroups/read", listZoneGroups},
		zone:        call[azure.Zone]{network + "/privateDnsZones/read", getZone},
		zones:       call[[]azure.Zone]{network + "/privateDnsZones/read", listZones},
		links:       call[[]azure.ZoneLink]{network + "/privateDnsZones/virtualNetworkLinks/read", listLinks},
		record:      call[azure.Record]{network + "/privateDnsZones/A/read", getRecord},
		records:     call[[]azure.Record]{network + "/privateDnsZones/A/read", listRecords},
	}
}

// Actions are the rights that a reading needs, sorted: the actions of the least role that lets it read everything.
func Actions() []string {
	t := calls()
	all := []string{t.server.action, t.firewall.action, t.parameters.action, t.connections.action, t.migrations.action,
		t.network.action, t.peerings.action, t.subnet.action, t.group.action, t.routes.action, t.nic.action,
		t.nics.action, t.endpoint.action, t.endpoints.action, t.zoneGroups.action, t.zone.action, t.zones.action,
		t.links.action, t.record.action, t.records.action}
	slices.Sort(all)
	return slices.Compact(all)
}

// errTooManyPages is a list that is longer than we read.
var errTooManyPages = errors.New("the list has too many pages")

// pages reads a list to its end.
func pages[P any](ctx context.Context, pager *runtime.Pager[P], each func(P)) error {
	for n := 0; pager.More(); n++ {
		if n == maxPages {
			return errTooManyPages
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		each(page)
	}
	return nil
}

// of is what a pointer of the SDK's models points to, or the zero value.
func of[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// all are the values of a list of the SDK's, without its nils.
func all[T any](list []*T) []T {
	var out []T
	for _, p := range list {
		if p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// id reads a resource id that came out of an answer or of a request; nil where it is none.
func id(text string) *arm.ResourceID {
	if text == "" {
		return nil
	}
	parsed, err := arm.ParseResourceID(text)
	if err != nil || parsed.SubscriptionID == "" || parsed.ResourceGroupName == "" {
		return nil
	}
	return parsed
}
