package azure_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// change is a healthy row with something else about it.
func change(row int, do func(*azuretest.Scene)) azuretest.Scene {
	scene := azuretest.Healthy(row)
	do(&scene)
	return scene
}

func network(s *azuretest.Scene, id string) *azure.VirtualNetwork {
	for i := range s.Config.VirtualNetworks {
		if s.Config.VirtualNetworks[i].ID == id {
			return &s.Config.VirtualNetworks[i]
		}
	}
	return nil
}

func subnet(s *azuretest.Scene, id string) *azure.Subnet {
	for i := range s.Config.Subnets {
		if s.Config.Subnets[i].ID == id {
			return &s.Config.Subnets[i]
		}
	}
	return nil
}

func zone(s *azuretest.Scene, id string) *azure.Zone {
	for i := range s.Config.Zones {
		if s.Config.Zones[i].ID == id {
			return &s.Config.Zones[i]
		}
	}
	return nil
}

// args of the one finding of a code; the test fails where there is none.
func args(t *testing.T, s azuretest.Scene, code finding.Code) finding.Args {
	t.Helper()
	judged := azure.Judge(s.Config, s.Case)
	for _, f := range judged.Findings {
		if f.Code == code {
			return f.Args
		}
	}
	t.Fatalf("no %s in %v", code, found(judged))
	return nil
}

func states(s azuretest.Scene, about string) []string {
	var out []string
	for _, c := range azure.Judge(s.Config, s.Case).Checks {
		if c.About == about {
			out = append(out, fmt.Sprintf("%s %s %s %s", c.Leg, c.Path, c.State, strings.Join(c.Why, ",")))
		}
	}
	return out
}

// What is no fault, however it looks.
func TestNoFindings(t *testing.T) {
	t.Parallel()
	for name, scene := range map[string]azuretest.Scene{
		"ids in another case": change(9, func(s *azuretest.Scene) {
			for i := range s.Config.VirtualNetworks {
				for k := range s.Config.VirtualNetworks[i].Peerings {
					p := &s.Config.VirtualNetworks[i].Peerings[k]
					p.RemoteID = strings.ToUpper(p.RemoteID)
				}
			}
			for i := range s.Config.Zones {
				for k := range s.Config.Zones[i].Links {
					s.Config.Zones[i].Links[k].NetworkID = strings.ToLower(s.Config.Zones[i].Links[k].NetworkID)
				}
			}
		}),
		"custom DNS servers and no link": change(9, func(s *azuretest.Scene) {
			network(s, azuretest.MoverNet).DNSServers = []string{"10.2.0.53"}
			network(s, azuretest.SourceNet).DNSServers = []string{"10.2.0.53"}
			zone(s, azuretest.LinkZone).Links, zone(s, azuretest.OwnZone).Links = nil, nil
		}),
		"a custom address instead of the name": change(9, func(s *azuretest.Scene) {
			end := s.Case.Ends["source"]
			end.ByName = false
			s.Case.Ends["source"] = end
			zone(s, azuretest.LinkZone).Links = nil
		}),
		"links that were not read": change(9, func(s *azuretest.Scene) {
			for i := range s.Config.Zones {
				s.Config.Zones[i].Links, s.Config.Zones[i].LinksRead = nil, false
			}
		}),
		"a link that is being made": change(7, func(s *azuretest.Scene) { zone(s, azuretest.OwnZone).Links[0].State = "InProgress" }),
		"peerings that were not read": change(7, func(s *azuretest.Scene) {
			for i := range s.Config.VirtualNetworks {
				s.Config.VirtualNetworks[i].Peerings, s.Config.VirtualNetworks[i].PeeringsRead = nil, false
			}
		}),
		"networks joined by an appliance in a hub": change(7, func(s *azuretest.Scene) {
			network(s, azuretest.MoverNet).Peerings, network(s, azuretest.SourceNet).Peerings = nil, nil
			for i := range s.Config.RouteTables {
				s.Config.RouteTables[i].Routes = []azure.Route{{Name: "all", Prefix: "0.0.0.0/0", NextHop: "VirtualAppliance", NextHopAddress: "10.7.0.4"}}
			}
			subnet(s, azuretest.SourceSub).RouteTableID = azuretest.Routes
		}),
		"networks joined by a virtual WAN": change(7, func(s *azuretest.Scene) {
			for _, id := range []string{azuretest.MoverNet, azuretest.SourceNet} {
				network(s, id).Peerings = []azure.Peering{{Name: "wan", State: "Connected", AllowVirtualNetworkAccess: true, UseRemoteGateways: true,
					RemoteID: "/subscriptions/x/resourceGroups/RG_hub/providers/Microsoft.Network/virtualNetworks/HV_hub_1"}}
			}
		}),
		"the same virtual network": change(7, func(s *azuretest.Scene) {
			*s = same(*s)
		}),
		"policies that are off at an endpoint whose group denies": change(9, func(s *azuretest.Scene) {
			for i := range s.Config.SecurityGroups {
				if s.Config.SecurityGroups[i].ID == azuretest.FarGroup {
					s.Config.SecurityGroups[i].Rules = []azure.Rule{{Name: "no", Priority: 100, Direction: "Inbound", Access: "Deny", Protocol: "*",
						SourcePrefix: "*", SourcePort: "*", DestinationPrefix: "*", DestinationPort: "*"}}
				}
			}
		}),
		"a group that only a service tag could close": change(7, func(s *azuretest.Scene) {
			for i := range s.Config.SecurityGroups {
				s.Config.SecurityGroups[i].Rules = append(s.Config.SecurityGroups[i].Rules, azure.Rule{Name: "tag", Priority: 120,
					Direction: "Outbound", Access: "Deny", Protocol: "*", SourcePrefix: "*", SourcePort: "*", DestinationPrefix: "AzureCloud",
					DestinationPort: "*"})
			}
		}),
		"Azure's services admitted": change(1, func(s *azuretest.Scene) {
			s.Config.Servers[0].FirewallRules = []azure.FirewallRule{{Name: "azure", Start: "0.0.0.0", End: "0.0.0.0"}}
		}),
		"nobody knows the probe's address": change(1, func(s *azuretest.Scene) {
			end := s.Case.Ends["target"]
			end.SeenAs = netip.Addr{}
			s.Case.Ends["target"] = end
			s.Config.Servers[0].FirewallRules[0].End = "203.0.113.65"
		}),
		"endpoints that nobody may list": change(11, func(s *azuretest.Scene) {
			s.Config.Target.EndpointIDs, s.Config.PrivateEndpoints = nil, nil
			for i := range s.Config.Servers {
				s.Config.Servers[i].EndpointConnections = nil
			}
			s.Config.Troubles = append(s.Config.Troubles, azure.Trouble{Kind: azure.Throttled, Roles: []string{"target"},
				Resource: azuretest.TargetID + "/privateEndpointConnections"})
		}),
		"a public answer is for the probe to judge": change(9, func(s *azuretest.Scene) {
			end := s.Case.Ends["source"]
			end.Addresses = []netip.Addr{netip.MustParseAddr("198.51.100.7")}
			s.Case.Ends["source"] = end
		}),
	} {
		got := slices.DeleteFunc(found(azure.Judge(scene.Config, scene.Case)), func(f string) bool {
			return strings.HasSuffix(f, "AZ_NOT_READ") || strings.HasSuffix(f, "AZ_ROUTE_DIVERTS") && strings.Contains(name, "appliance")
		})
		if len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// same puts the machine into the migration's own network.
func same(s azuretest.Scene) azuretest.Scene {
	id := azuretest.MoverNet + "/subnets/machines"
	sub := *subnet(&s, azuretest.SourceSub)
	sub.ID, sub.NetworkID, sub.Prefixes = id, azuretest.MoverNet, []string{"10.2.7.0/24"}
	s.Config.Subnets = append(s.Config.Subnets, sub)
	s.Config.Source.SubnetID, s.Config.Source.NetworkID = id, azuretest.MoverNet
	s.Config.Interfaces[0].SubnetID, s.Config.Interfaces[0].Addresses = id, []string{"10.2.7.4"}
	network(&s, azuretest.MoverNet).Peerings = nil
	return s
}

func TestSameNetworkIsRight(t *testing.T) {
	t.Parallel()
	for about, scene := range map[string]azuretest.Scene{"right": change(7, func(s *azuretest.Scene) { *s = same(*s) }), "wrong": azuretest.Healthy(7)} {
		for _, got := range states(scene, "same_network") {
			if strings.HasPrefix(got, "source") && !strings.Contains(got, " "+about) {
				t.Errorf("want %s: %s", about, got)
			}
		}
	}
}

func TestCannotTellSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scene azuretest.Scene
		about string
		want  string
	}{
		"custom DNS": {change(9, func(s *azuretest.Scene) { network(s, azuretest.MoverNet).DNSServers = []string{"10.2.0.53"} }), "zone_link",
			"source migration undecided custom_dns,10.2.0.53"},
		"a gateway's routes":    {azuretest.Healthy(2), "route", "source migration undecided gateway"},
		"Single Server's rules": {azuretest.Healthy(8), "vnet_rule", "source migration undecided retired"},
		"an appliance": {change(7, func(s *azuretest.Scene) {
			s.Config.RouteTables[0].Routes = []azure.Route{{Name: "x", Prefix: "10.1.0.0/16", NextHop: "VirtualAppliance", NextHopAddress: "10.7.0.4"}}
		}), "route", "source migration undecided appliance"},
		"the far side's peerings": {change(7, func(s *azuretest.Scene) { network(s, azuretest.SourceNet).PeeringsRead = false }), "peering",
			"source migration undecided one_side"},
	} {
		if got := states(c.scene, c.about); !slices.Contains(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPeeringOfTheGateway(t *testing.T) {
	t.Parallel()
	const hub = "/subscriptions/s/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub"
	scene := change(2, func(s *azuretest.Scene) {
		n := network(s, azuretest.MoverNet)
		n.HasGateway = false
		n.Peerings = []azure.Peering{{ID: n.ID + "/virtualNetworkPeerings/to-hub", Name: "to-hub", RemoteID: hub, State: "Connected",
			AllowVirtualNetworkAccess: true, RemotePrefixes: []string{"10.7.0.0/16"}}}
		s.Config.VirtualNetworks = append(s.Config.VirtualNetworks, azure.VirtualNetwork{ID: hub, Prefixes: []string{"10.7.0.0/16"}, HasGateway: true,
			PeeringsRead: true, SubnetsRead: true, Peerings: []azure.Peering{{Name: "to-migration", RemoteID: azuretest.MoverNet, State: "Connected",
				AllowVirtualNetworkAccess: true}}})
	})
	got := args(t, scene, finding.AzPeeringNoTraffic)
	if got["flag"] != "useRemoteGateways" || got["transit"] != false || got["otherPeering"] != "to-migration" || got["other"] != "vnet-hub" {
		t.Errorf("%v", got)
	}
	if azure.Steps(azure.Judge(scene.Config, scene.Case).Checks)["gateway"] != azure.Wrong {
		t.Error("the step gateway is not wrong")
	}
}

// The differences weigh where they change what happens, and are told all the same where they do not.
func TestVantageWeighs(t *testing.T) {
	t.Parallel()
	own := func(access string) func(*azuretest.Scene) {
		return func(s *azuretest.Scene) {
			s.Config.SecurityGroups = append(s.Config.SecurityGroups, azure.SecurityGroup{ID: "/x/own", DefaultRules: azuretest.DefaultRules(),
				Rules: []azure.Rule{{Name: "r", Priority: 100, Direction: "Outbound", Access: access, Protocol: "*", SourcePrefix: "*", SourcePort: "*",
					DestinationPrefix: "*", DestinationPort: "*"}}})
			subnet(s, azuretest.Vantage).SecurityGroupID = "/x/own"
		}
	}
	for access, advisory := range map[string]bool{"Allow": true, "Deny": false} {
		scene := change(7, own(access))
		for _, f := range azure.Judge(scene.Config, scene.Case).Findings {
			if f.Code == finding.AzVantageDiffers && f.Advisory != advisory {
				t.Errorf("%s: advisory is %v", access, f.Advisory)
			}
		}
	}
	elsewhere := change(7, func(s *azuretest.Scene) {
		const other = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet-apps"
		s.Config.VirtualNetworks = append(s.Config.VirtualNetworks, azure.VirtualNetwork{ID: other, Prefixes: []string{"10.4.0.0/16"},
			PeeringsRead: true, SubnetsRead: true, DNSServers: []string{"10.4.0.53"}})
		sub := *subnet(s, azuretest.Vantage)
		sub.ID, sub.NetworkID, sub.Prefixes = other+"/subnets/apps", other, []string{"10.4.1.0/24"}
		s.Config.Subnets = append(s.Config.Subnets, sub)
		s.Config.Vantage = &azure.Place{ResourceID: sub.ID, SubnetID: sub.ID, NetworkID: other}
	})
	got := args(t, elsewhere, finding.AzVantageDiffers)
	if got["networkDiffers"] != true || got["dnsDiffers"] != true || fmt.Sprint(got["zones"]) != "[orders.private.postgres.database.azure.com]" {
		t.Errorf("%v", got)
	}
}

// What nobody read is said once a leg, with the rights that are missing.
func TestUnread(t *testing.T) {
	t.Parallel()
	scene := change(7, func(s *azuretest.Scene) {
		for i, kind := range []azure.TroubleKind{azure.NotPermitted, azure.NotPermitted, azure.Throttled, azure.TimedOut, azure.NotFound} {
			s.Config.Troubles = append(s.Config.Troubles, azure.Trouble{Resource: fmt.Sprintf("/x/%d", i), Kind: kind,
				Action: fmt.Sprintf("Microsoft.Network/thing%d/read", i), Roles: []string{"vantage", "target"}})
		}
	})
	denied := args(t, scene, finding.AzNotPermitted)
	if fmt.Sprint(denied["actions"]) != "[Microsoft.Network/thing0/read Microsoft.Network/thing1/read]" || denied["resourceId"] != "/x/0" {
		t.Errorf("%v", denied)
	}
	other := args(t, scene, finding.AzNotRead)
	if fmt.Sprint(other["reasons"]) != "[not_found throttled timed_out]" || other["throttled"] != true || other["failed"] != false {
		t.Errorf("%v", other)
	}
}

func TestServiceValidation(t *testing.T) {
	t.Parallel()
	scene := change(2, func(s *azuretest.Scene) {
		s.Config.Migrations = []azure.Migration{{Name: "old", Status: "Succeeded", ValidatedAt: "2026-10-01T00:00:00Z"},
			{Name: "new", Status: "Failed", ValidatedAt: "2026-11-01T00:00:00Z", Validations: []azure.Validation{
				{Type: "ServerParametersValidation", State: "Failed", Messages: []string{"603107: wal_level"}}, {Type: "SchemaValidation", State: "Succeeded"}}},
			{Name: "never validated", ValidatedAt: "2026-12-01T00:00:00Z"}}
	})
	got := args(t, scene, finding.AzServiceValidation)
	if got["migration"] != "new" || fmt.Sprint(got["types"]) != "[ServerParametersValidation]" || fmt.Sprint(got["messages"]) != "[603107: wal_level]" {
		t.Errorf("%v", got)
	}
}

// An answer that is neither the record nor public comes from somewhere else.
func TestAnswerFromElsewhere(t *testing.T) {
	t.Parallel()
	scene := change(9, func(s *azuretest.Scene) {
		end := s.Case.Ends["source"]
		end.Addresses = []netip.Addr{netip.MustParseAddr("10.1.2.77")}
		s.Case.Ends["source"] = end
	})
	got := args(t, scene, finding.AzRecordStale)
	if got["elsewhere"] != true || fmt.Sprint(got["answered"]) != "[10.1.2.77]" || got["path"] != "probe" {
		t.Errorf("%v", got)
	}
}

// No private endpoint at all, no zone group and no zone: each is told once.
func TestWithoutEndpointOrZone(t *testing.T) {
	t.Parallel()
	none := change(11, func(s *azuretest.Scene) {
		s.Config.Target.EndpointIDs, s.Config.PrivateEndpoints = nil, nil
		for i := range s.Config.Servers {
			s.Config.Servers[i].EndpointConnections = nil
		}
	})
	if got := args(t, none, finding.AzEndpointNotApproved); got["none"] != true {
		t.Errorf("%v", got)
	}
	bare := change(11, func(s *azuretest.Scene) {
		s.Config.PrivateEndpoints[0].ZoneGroups = nil
		s.Config.Zones = slices.DeleteFunc(s.Config.Zones, func(z azure.Zone) bool { return z.ID == azuretest.LinkZone })
		s.Config.ZonesSought = []string{"rg-db", "rg-net"}
	})
	got := found(azure.Judge(bare.Config, bare.Case))
	if !slices.Contains(got, "target AZ_ZONE_MISSING") || !slices.Contains(got, "target AZ_ENDPOINT_ZONE_GROUP_MISSING") {
		t.Errorf("%v", got)
	}
}

// Whatever a configuration holds, judging it neither fails nor names a leg that there is not.
func TestOddConfigurations(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		scene := azuretest.Healthy(row)
		for i := range scene.Config.Subnets {
			scene.Config.Subnets[i].Prefixes = []string{"nonsense", ""}
		}
		for i := range scene.Config.VirtualNetworks {
			scene.Config.VirtualNetworks[i].Prefixes = []string{"10.0.0.0/33"}
		}
		scene.Case.SourceKind = request.Kind("new")
		for _, f := range azure.Judge(scene.Config, scene.Case).Findings {
			if !slices.Contains([]string{"source", "target", "runtime"}, f.Leg) || f.Layer != finding.Azure {
				t.Errorf("row %d: %+v", row, f)
			}
		}
	}
}
