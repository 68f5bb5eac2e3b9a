package management

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	netfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7/fake"
	pg "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v5"
	pgfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v5/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"
	dnsfake "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns/fake"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// onePage is how many items the fake servers put on a page, so that every list of the tests has several.
const onePage = 2

// cloudOf is a management plane that holds a configuration: the SDK's own fake servers, behind the SDK's own clients.
type cloudOf struct {
	azure.Configuration
	// disturb answers in place of the fake servers; nil, or a nil answer without an error, lets them.
	disturb func(*http.Request) (*http.Response, error)

	mu       sync.Mutex
	requests []string
	servers  map[string]policy.Transporter
}

// asked are the paths that were asked for, each once, in order.
func (c *cloudOf) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.requests)
	slices.Sort(out)
	return slices.Compact(out)
}

// Do implements policy.Transporter.
func (c *cloudOf) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.requests = append(c.requests, r.Method+" "+r.URL.Path)
	if c.servers == nil {
		c.servers = map[string]policy.Transporter{}
	}
	client, _, _ := strings.Cut(r.Context().Value(runtime.CtxAPINameKey{}).(string), ".")
	subscription := strings.Split(r.URL.Path, "/")[2]
	server, known := c.servers[subscription+client]
	if !known {
		server = c.server("/subscriptions/"+subscription, client)
		c.servers[subscription+client] = server
	}
	c.mu.Unlock()
	if c.disturb != nil {
		if answer, err := c.disturb(r); answer != nil || err != nil {
			return answer, err
		}
	}
	// The fake servers panic where a request is given up while they answer it.
	answer, err := server.Do(r.WithContext(context.WithoutCancel(r.Context())))
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return answer, err
}

func (c *cloudOf) server(subscription, client string) policy.Transporter {
	at := func(group, provider string, rest ...string) string {
		return subscription + "/resourceGroups/" + group + "/providers/Microsoft." + provider + "/" + strings.Join(rest, "/")
	}
	return map[string]func() policy.Transporter{
		"ServersClient": func() policy.Transporter {
			return pgfake.NewServersServerTransport(&pgfake.ServersServer{Get: func(_ context.Context, g, n string,
				_ *pg.ServersClientGetOptions) (fake.Responder[pg.ServersClientGetResponse], fake.ErrorResponder) {
				s, ok := lookup(c.Servers, at(g, "DBforPostgreSQL/flexibleServers", n))
				return one(ok, pg.ServersClientGetResponse{Server: serverOut(s)})
			}})
		},
		"FirewallRulesClient": func() policy.Transporter {
			return pgfake.NewFirewallRulesServerTransport(&pgfake.FirewallRulesServer{NewListByServerPager: func(g, n string,
				_ *pg.FirewallRulesClientListByServerOptions) fake.PagerResponder[pg.FirewallRulesClientListByServerResponse] {
				s, ok := lookup(c.Servers, at(g, "DBforPostgreSQL/flexibleServers", n))
				return paged(ok, s.FirewallRules, func(page []azure.FirewallRule) pg.FirewallRulesClientListByServerResponse {
					return pg.FirewallRulesClientListByServerResponse{FirewallRuleList: pg.FirewallRuleList{Value: each(page, firewallOut)}}
				})
			}})
		},
		"ConfigurationsClient": func() policy.Transporter {
			return pgfake.NewConfigurationsServerTransport(&pgfake.ConfigurationsServer{NewListByServerPager: func(g, n string,
				_ *pg.ConfigurationsClientListByServerOptions) fake.PagerResponder[pg.ConfigurationsClientListByServerResponse] {
				s, ok := lookup(c.Servers, at(g, "DBforPostgreSQL/flexibleServers", n))
				return paged(ok, parametersOut(s.Parameters), func(page []*pg.Configuration) pg.ConfigurationsClientListByServerResponse {
					return pg.ConfigurationsClientListByServerResponse{ConfigurationList: pg.ConfigurationList{Value: page}}
				})
			}})
		},
		"PrivateEndpointConnectionsClient": func() policy.Transporter {
			return pgfake.NewPrivateEndpointConnectionsServerTransport(&pgfake.PrivateEndpointConnectionsServer{
				NewListByServerPager: func(g, n string, _ *pg.PrivateEndpointConnectionsClientListByServerOptions,
				) fake.PagerResponder[pg.PrivateEndpointConnectionsClientListByServerResponse] {
					s, ok := lookup(c.Servers, at(g, "DBforPostgreSQL/flexibleServers", n))
					return paged(ok, s.EndpointConnections, func(page []azure.EndpointConnection) pg.PrivateEndpointConnectionsClientListByServerResponse {
						return pg.PrivateEndpointConnectionsClientListByServerResponse{
							PrivateEndpointConnectionList: pg.PrivateEndpointConnectionList{Value: each(page, connectionOut)}}
					})
				}})
		},
		"MigrationsClient": func() policy.Transporter {
			return pgfake.NewMigrationsServerTransport(&pgfake.MigrationsServer{NewListByTargetServerPager: func(string, string,
				*pg.MigrationsClientListByTargetServerOptions) fake.PagerResponder[pg.MigrationsClientListByTargetServerResponse] {
				return paged(true, c.Migrations, func(page []azure.Migration) pg.MigrationsClientListByTargetServerResponse {
					return pg.MigrationsClientListByTargetServerResponse{MigrationList: pg.MigrationList{Value: each(page, migrationOut)}}
				})
			}})
		},
		"VirtualNetworksClient": func() policy.Transporter {
			return netfake.NewVirtualNetworksServerTransport(&netfake.VirtualNetworksServer{Get: func(_ context.Context, g, n string,
				_ *armnetwork.VirtualNetworksClientGetOptions) (fake.Responder[armnetwork.VirtualNetworksClientGetResponse], fake.ErrorResponder) {
				v, ok := lookup(c.VirtualNetworks, at(g, "Network/virtualNetworks", n))
				return one(ok, armnetwork.VirtualNetworksClientGetResponse{VirtualNetwork: networkOut(v)})
			}})
		},
		"VirtualNetworkPeeringsClient": func() policy.Transporter {
			return netfake.NewVirtualNetworkPeeringsServerTransport(&netfake.VirtualNetworkPeeringsServer{NewListPager: func(g, n string,
				_ *armnetwork.VirtualNetworkPeeringsClientListOptions) fake.PagerResponder[armnetwork.VirtualNetworkPeeringsClientListResponse] {
				v, ok := lookup(c.VirtualNetworks, at(g, "Network/virtualNetworks", n))
				return paged(ok, v.Peerings, func(page []azure.Peering) armnetwork.VirtualNetworkPeeringsClientListResponse {
					return armnetwork.VirtualNetworkPeeringsClientListResponse{
						VirtualNetworkPeeringListResult: armnetwork.VirtualNetworkPeeringListResult{Value: each(page, peeringOut)}}
				})
			}})
		},
		"SubnetsClient": func() policy.Transporter {
			return netfake.NewSubnetsServerTransport(&netfake.SubnetsServer{Get: func(_ context.Context, g, v, n string,
				_ *armnetwork.SubnetsClientGetOptions) (fake.Responder[armnetwork.SubnetsClientGetResponse], fake.ErrorResponder) {
				s, ok := lookup(c.Subnets, at(g, "Network/virtualNetworks", v, "subnets", n))
				return one(ok, armnetwork.SubnetsClientGetResponse{Subnet: subnetOut(s)})
			}})
		},
		"SecurityGroupsClient": func() policy.Transporter {
			return netfake.NewSecurityGroupsServerTransport(&netfake.SecurityGroupsServer{Get: func(_ context.Context, g, n string,
				_ *armnetwork.SecurityGroupsClientGetOptions) (fake.Responder[armnetwork.SecurityGroupsClientGetResponse], fake.ErrorResponder) {
				s, ok := lookup(c.SecurityGroups, at(g, "Network/networkSecurityGroups", n))
				return one(ok, armnetwork.SecurityGroupsClientGetResponse{SecurityGroup: groupOut(s)})
			}})
		},
		"RouteTablesClient": func() policy.Transporter {
			return netfake.NewRouteTablesServerTransport(&netfake.RouteTablesServer{Get: func(_ context.Context, g, n string,
				_ *armnetwork.RouteTablesClientGetOptions) (fake.Responder[armnetwork.RouteTablesClientGetResponse], fake.ErrorResponder) {
				t, ok := lookup(c.RouteTables, at(g, "Network/routeTables", n))
				return one(ok, armnetwork.RouteTablesClientGetResponse{RouteTable: routesOut(t)})
			}})
		},
		"InterfacesClient": func() policy.Transporter {
			return netfake.NewInterfacesServerTransport(&netfake.InterfacesServer{
				Get: func(_ context.Context, g, n string, _ *armnetwork.InterfacesClientGetOptions,
				) (fake.Responder[armnetwork.InterfacesClientGetResponse], fake.ErrorResponder) {
					i, ok := lookup(c.interfaces(), at(g, "Network/networkInterfaces", n))
					return one(ok, armnetwork.InterfacesClientGetResponse{Interface: *interfaceOut(i)})
				},
				NewListPager: func(g string, _ *armnetwork.InterfacesClientListOptions) fake.PagerResponder[armnetwork.InterfacesClientListResponse] {
					return paged(true, within(c.interfaces(), at(g, "Network/networkInterfaces", "")),
						func(page []azure.Interface) armnetwork.InterfacesClientListResponse {
							return armnetwork.InterfacesClientListResponse{
								InterfaceListResult: armnetwork.InterfaceListResult{Value: each(page, interfaceOut)}}
						})
				}})
		},
		"PrivateEndpointsClient": func() policy.Transporter {
			return netfake.NewPrivateEndpointsServerTransport(&netfake.PrivateEndpointsServer{
				Get: func(_ context.Context, g, n string, _ *armnetwork.PrivateEndpointsClientGetOptions,
				) (fake.Responder[armnetwork.PrivateEndpointsClientGetResponse], fake.ErrorResponder) {
					e, ok := lookup(c.PrivateEndpoints, at(g, "Network/privateEndpoints", n))
					return one(ok, armnetwork.PrivateEndpointsClientGetResponse{PrivateEndpoint: *endpointOut(e)})
				},
				NewListPager: func(g string, _ *armnetwork.PrivateEndpointsClientListOptions) fake.PagerResponder[armnetwork.PrivateEndpointsClientListResponse] {
					return paged(true, within(c.PrivateEndpoints, at(g, "Network/privateEndpoints", "")),
						func(page []azure.PrivateEndpoint) armnetwork.PrivateEndpointsClientListResponse {
							return armnetwork.PrivateEndpointsClientListResponse{
								PrivateEndpointListResult: armnetwork.PrivateEndpointListResult{Value: each(page, endpointOut)}}
						})
				}})
		},
		"PrivateDNSZoneGroupsClient": func() policy.Transporter {
			return netfake.NewPrivateDNSZoneGroupsServerTransport(&netfake.PrivateDNSZoneGroupsServer{NewListPager: func(n, g string,
				_ *armnetwork.PrivateDNSZoneGroupsClientListOptions) fake.PagerResponder[armnetwork.PrivateDNSZoneGroupsClientListResponse] {
				e, ok := lookup(c.PrivateEndpoints, at(g, "Network/privateEndpoints", n))
				return paged(ok, e.ZoneGroups, func(page []azure.ZoneGroup) armnetwork.PrivateDNSZoneGroupsClientListResponse {
					return armnetwork.PrivateDNSZoneGroupsClientListResponse{
						PrivateDNSZoneGroupListResult: armnetwork.PrivateDNSZoneGroupListResult{Value: each(page, zoneGroupOut)}}
				})
			}})
		},
		"PrivateZonesClient": func() policy.Transporter {
			return dnsfake.NewPrivateZonesServerTransport(&dnsfake.PrivateZonesServer{
				Get: func(_ context.Context, g, n string, _ *armprivatedns.PrivateZonesClientGetOptions,
				) (fake.Responder[armprivatedns.PrivateZonesClientGetResponse], fake.ErrorResponder) {
					z, ok := lookup(c.Zones, at(g, "Network/privateDnsZones", n))
					return one(ok, armprivatedns.PrivateZonesClientGetResponse{PrivateZone: *zoneOut(z)})
				},
				NewListByResourceGroupPager: func(g string, _ *armprivatedns.PrivateZonesClientListByResourceGroupOptions,
				) fake.PagerResponder[armprivatedns.PrivateZonesClientListByResourceGroupResponse] {
					return paged(true, within(c.Zones, at(g, "Network/privateDnsZones", "")),
						func(page []azure.Zone) armprivatedns.PrivateZonesClientListByResourceGroupResponse {
							return armprivatedns.PrivateZonesClientListByResourceGroupResponse{
								PrivateZoneListResult: armprivatedns.PrivateZoneListResult{Value: each(page, zoneOut)}}
						})
				}})
		},
		"VirtualNetworkLinksClient": func() policy.Transporter {
			return dnsfake.NewVirtualNetworkLinksServerTransport(&dnsfake.VirtualNetworkLinksServer{NewListPager: func(g, n string,
				_ *armprivatedns.VirtualNetworkLinksClientListOptions) fake.PagerResponder[armprivatedns.VirtualNetworkLinksClientListResponse] {
				z, ok := lookup(c.Zones, at(g, "Network/privateDnsZones", n))
				return paged(ok, z.Links, func(page []azure.ZoneLink) armprivatedns.VirtualNetworkLinksClientListResponse {
					return armprivatedns.VirtualNetworkLinksClientListResponse{
						VirtualNetworkLinkListResult: armprivatedns.VirtualNetworkLinkListResult{Value: each(page, linkOut)}}
				})
			}})
		},
		"RecordSetsClient": func() policy.Transporter {
			return dnsfake.NewRecordSetsServerTransport(&dnsfake.RecordSetsServer{
				Get: func(_ context.Context, g, n string, _ armprivatedns.RecordType, name string, _ *armprivatedns.RecordSetsClientGetOptions,
				) (fake.Responder[armprivatedns.RecordSetsClientGetResponse], fake.ErrorResponder) {
					z, _ := lookup(c.Zones, at(g, "Network/privateDnsZones", n))
					i := slices.IndexFunc(z.Records, func(r azure.Record) bool { return strings.EqualFold(r.Name, name) && r.Found })
					if i < 0 {
						return one(false, armprivatedns.RecordSetsClientGetResponse{})
					}
					return one(true, armprivatedns.RecordSetsClientGetResponse{RecordSet: *recordOut(z.Records[i])})
				},
				NewListByTypePager: func(g, n string, _ armprivatedns.RecordType, _ *armprivatedns.RecordSetsClientListByTypeOptions,
				) fake.PagerResponder[armprivatedns.RecordSetsClientListByTypeResponse] {
					z, ok := lookup(c.Zones, at(g, "Network/privateDnsZones", n))
					return paged(ok, z.Records, func(page []azure.Record) armprivatedns.RecordSetsClientListByTypeResponse {
						return armprivatedns.RecordSetsClientListByTypeResponse{
							RecordSetListResult: armprivatedns.RecordSetListResult{Value: each(page, recordOut)}}
					})
				}})
		},
	}[client]()
}

// interfaces are those of machines and those that private endpoints have of their own.
func (c *cloudOf) interfaces() []azure.Interface {
	out := slices.Clone(c.Interfaces)
	for _, e := range c.PrivateEndpoints {
		out = append(out, azure.Interface{ID: endpointInterface(e.ID), SubnetID: e.SubnetID, Addresses: e.Addresses})
	}
	return out
}

func endpointInterface(endpoint string) string {
	return strings.Replace(endpoint, "/privateEndpoints/", "/networkInterfaces/nic-", 1)
}

func idOf(resource any) string {
	switch r := resource.(type) {
	case azure.Server:
		return r.ID
	case azure.VirtualNetwork:
		return r.ID
	case azure.Subnet:
		return r.ID
	case azure.SecurityGroup:
		return r.ID
	case azure.RouteTable:
		return r.ID
	case azure.PrivateEndpoint:
		return r.ID
	case azure.Zone:
		return r.ID
	case azure.Interface:
		return r.ID
	}
	return ""
}

func lookup[T any](list []T, id string) (T, bool) {
	for _, r := range list {
		if strings.EqualFold(idOf(r), id) {
			return r, true
		}
	}
	var none T
	return none, false
}

// within are the resources whose id begins so, as those of a resource group.
func within[T any](list []T, prefix string) []T {
	var out []T
	for _, r := range list {
		if strings.HasPrefix(strings.ToLower(idOf(r)), strings.ToLower(prefix)) {
			out = append(out, r)
		}
	}
	return out
}

func each[T, S any](list []T, change func(T) *S) []*S {
	var out []*S
	for _, item := range list {
		out = append(out, change(item))
	}
	return out
}

func one[T any](there bool, answer T) (fake.Responder[T], fake.ErrorResponder) {
	var ok fake.Responder[T]
	var no fake.ErrorResponder
	if there {
		ok.SetResponse(http.StatusOK, answer, nil)
	} else {
		no.SetResponseError(http.StatusNotFound, "ResourceNotFound")
	}
	return ok, no
}

func paged[T, P any](there bool, list []T, page func([]T) P) fake.PagerResponder[P] {
	var out fake.PagerResponder[P]
	if !there {
		out.AddResponseError(http.StatusNotFound, "ResourceNotFound")
		return out
	}
	for chunk := range slices.Chunk(list, onePage) {
		out.AddPage(http.StatusOK, page(chunk), nil)
	}
	if len(list) == 0 {
		out.AddPage(http.StatusOK, page(nil), nil)
	}
	return out
}

// read reads from a cloud as the check does.
func read(t *testing.T, c *cloudOf, q azure.Question) azure.Configuration {
	t.Helper()
	return readWithin(t, c, q, time.Minute)
}

func readWithin(t *testing.T, c *cloudOf, q azure.Question, limit time.Duration) azure.Configuration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return reader(c).Read(ctx, q)
}

func reader(c *cloudOf) *Reader {
	return New(Options{Credential: &fake.TokenCredential{}, Transport: c, Retry: policy.RetryOptions{RetryDelay: time.Millisecond}})
}

// noToken is an identity that gives none.
type noToken struct{ err error }

func (n noToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, n.err
}

func texts(list []string) []*string {
	if list == nil {
		return nil
	}
	return to.SliceOfPtrs(list...)
}

// text is a text of an answer, absent where it is empty.
func text[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

func byName[T any](list []*T, name func(*T) string) []*T {
	slices.SortFunc(list, func(a, b *T) int { return cmp.Compare(name(a), name(b)) })
	return list
}
