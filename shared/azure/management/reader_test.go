package management

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

func pretty(v any) string {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func TestEverythingIsRead(t *testing.T) {
	t.Parallel()
	got := read(t, &cloudOf{Configuration: sample()}, question())
	if got.Calls == 0 || got.Calls > 70 || got.ElapsedMs <= 0 {
		t.Errorf("%d calls, %f ms", got.Calls, got.ElapsedMs)
	}
	got.Calls, got.ElapsedMs = 0, 0
	if want := sample(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s\nwant %s", pretty(got), pretty(want))
	}
	if strings.Contains(pretty(got), planted) {
		t.Error("a secret of a migration was read on")
	}
}

func TestNothingIsAskedTwice(t *testing.T) {
	t.Parallel()
	c := &cloudOf{Configuration: sample()}
	read(t, c, question())
	seen := map[string]int{}
	for _, r := range c.requests {
		seen[r]++
	}
	for r, n := range seen {
		if n > 2 { // a second page has its own path in the fake servers, but the same one where a list is short
			t.Errorf("%s: %d times", r, n)
		}
	}
}

func TestIDsOfAnyCaseAreTheSame(t *testing.T) {
	t.Parallel()
	c := sample()
	c.Subnets[1].SecurityGroupID = strings.ToUpper(runGroup[:len(here)]) + runGroup[len(here):]
	c.Servers[1].DelegatedSubnetID = strings.Replace(delegated, "resourceGroups", "resourcegroups", 1)
	got := read(t, &cloudOf{Configuration: c}, question())
	if len(got.SecurityGroups) != 2 || len(got.Subnets) != 4 || len(got.Troubles) != 0 {
		t.Errorf("%d groups, %d subnets, %v", len(got.SecurityGroups), len(got.Subnets), got.Troubles)
	}
}

func TestWhatASourceCanBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, id string
		want     azure.Place
		nets     int
	}{
		{"interface", nicID, azure.Place{ResourceID: nicID, SubnetID: sourceSub, NetworkID: sourceNet, InterfaceIDs: []string{nicID}}, 1},
		{"subnet", sourceSub, azure.Place{ResourceID: sourceSub, SubnetID: sourceSub, NetworkID: sourceNet}, 1},
		{"network", sourceNet, azure.Place{ResourceID: sourceNet, NetworkID: sourceNet}, 1},
		{"private endpoint", endID, azure.Place{ResourceID: endID, EndpointIDs: []string{endID}}, 1},
		{"flexible server", runtimeID, azure.Place{ResourceID: runtimeID, ServerID: runtimeID, SubnetID: delegated, NetworkID: runNet}, 1},
	} {
		got := read(t, &cloudOf{Configuration: sample()}, azure.Question{SourceID: c.id})
		if !reflect.DeepEqual(*got.Source, c.want) || len(got.VirtualNetworks) != c.nets || len(got.Troubles) != 0 || got.Target != nil {
			t.Errorf("%s: %s", c.name, pretty(got))
		}
	}
}

func TestASingleServerLeavesItsPrivateEndpoints(t *testing.T) {
	t.Parallel()
	single := here + "rg-db/providers/Microsoft.DBforPostgreSQL/servers/old"
	c := sample()
	c.PrivateEndpoints[0].TargetID = single
	c.PrivateEndpoints = append(c.PrivateEndpoints, azure.PrivateEndpoint{ID: here + "rg-db/providers/Microsoft.Network/privateEndpoints/other",
		TargetID: targetID}, azure.PrivateEndpoint{ID: here + "rg-db/providers/Microsoft.Network/privateEndpoints/third", TargetID: targetID})
	c.Zones[1].Records[0].Name = "old"
	got := read(t, &cloudOf{Configuration: c}, azure.Question{SourceID: single})
	if !slices.Equal(got.Source.EndpointIDs, []string{endID}) || len(got.PrivateEndpoints) != 1 || len(got.Zones) != 1 {
		t.Errorf("%s", pretty(got))
	}
	if r := got.Zones[0].Records; len(r) != 1 || r[0].Name != "old" || !r[0].Found {
		t.Errorf("%+v", r)
	}
	if len(got.Troubles) != 1 || got.Troubles[0].Kind != azure.Unreadable || got.Troubles[0].Resource != single ||
		!slices.Equal(got.Troubles[0].Roles, []string{"source"}) {
		t.Errorf("%+v", got.Troubles)
	}
}

func TestAMachineWithoutAnInterfaceIsSaid(t *testing.T) {
	t.Parallel()
	c := sample()
	c.Interfaces = nil
	got := read(t, &cloudOf{Configuration: c}, azure.Question{SourceID: machineID})
	if len(got.Troubles) != 1 || got.Troubles[0].Kind != azure.NotFound || got.Source.NetworkID != "" {
		t.Errorf("%+v", got)
	}
}

// The endpoint lost its zone group, and its zone stands in the group of a network at hand.
func TestAZoneIsSoughtByItsName(t *testing.T) {
	t.Parallel()
	c := sample()
	c.PrivateEndpoints[0].ZoneGroups = nil
	c.PrivateEndpoints[0].FQDNs = []string{"orders.postgres.database.azure.com"}
	moved := here + "rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
	c.Zones[1].ID = moved
	got := read(t, &cloudOf{Configuration: c}, question())
	if len(got.Zones) != 2 || got.Zones[0].ID != moved || len(got.Zones[0].Records) != 1 || !got.Zones[0].LinksRead {
		t.Errorf("%s", pretty(got.Zones))
	}
	if want := []string{here + "rg-db", here + "rg-net", here + "rg-src"}; !slices.Equal(got.ZonesSought, want) {
		t.Errorf("sought in %v", got.ZonesSought)
	}
	if e := got.PrivateEndpoints[0]; !e.ZoneGroupsRead || !slices.Equal(e.Addresses, []string{"10.3.1.4"}) {
		t.Errorf("%+v", e)
	}
}

// A network that a zone is not linked to may know another zone of that name.
func TestASecondZoneOfTheNameIsSought(t *testing.T) {
	t.Parallel()
	c := sample()
	c.Zones[1].Links = links(endNet, sourceNet)
	second := c.Zones[1]
	second.ID = here + "rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
	second.Links, second.Records = links(runNet), nil
	c.Zones = append(c.Zones, second)
	got := read(t, &cloudOf{Configuration: c}, question())
	if len(got.Zones) != 3 || !slices.Equal(got.ZonesSought, []string{here + "rg-net"}) {
		t.Fatalf("%s\n%v", pretty(got.Zones), got.ZonesSought)
	}
	if r := got.Zones[0].Records; got.Zones[0].ID != second.ID || len(r) != 1 || r[0].Found || r[0].Name != "orders" {
		t.Errorf("%+v", got.Zones[0])
	}
}

// A source that stands outside of Azure is reached by a gateway, and that stands in a hub more often than not.
func TestTheHubIsReadForItsGateway(t *testing.T) {
	t.Parallel()
	hub := there + "rg-hub/providers/Microsoft.Network/virtualNetworks/hub"
	wan := there + "rg-x/providers/Microsoft.Network/virtualNetworks/HV_westeurope_1"
	beyond := there + "rg-x/providers/Microsoft.Network/virtualNetworks/beyond"
	c := sample()
	c.VirtualNetworks[1].Peerings = []azure.Peering{peered(hub), peered(wan)}
	c.VirtualNetworks = append(c.VirtualNetworks, azure.VirtualNetwork{ID: hub, HasGateway: true,
		Peerings: []azure.Peering{peered(runNet), peered(beyond)}}, azure.VirtualNetwork{ID: beyond})
	for _, q := range []azure.Question{{TargetID: runtimeID}, {TargetID: runtimeID, SourceID: sourceNet}} {
		got := read(t, &cloudOf{Configuration: c}, q)
		i := slices.IndexFunc(got.VirtualNetworks, func(v azure.VirtualNetwork) bool { return v.ID == hub })
		if (i >= 0) != (q.SourceID == "") || i >= 0 && (!got.VirtualNetworks[i].HasGateway || len(got.VirtualNetworks[i].Peerings) != 2) {
			t.Errorf("%+v: %s", q, pretty(got.VirtualNetworks))
		}
		if len(got.Troubles) != 0 {
			t.Errorf("%+v: %+v", q, got.Troubles)
		}
	}
}

// A mistake of ours in one answer costs that answer, not the process.
func TestAMistakeIsATrouble(t *testing.T) {
	t.Parallel()
	c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
		if asks(r, "/rt-run") {
			panic("a nil map")
		}
		return nil, nil
	}}
	got := read(t, c, question())
	if len(got.Troubles) != 1 || got.Troubles[0].Kind != azure.Failed || !strings.Contains(got.Troubles[0].Detail, "a nil map") ||
		key(got.Troubles[0].Resource) != key(runRoutes) ||
		len(got.SecurityGroups) != 2 {
		t.Errorf("%+v", got.Troubles)
	}
}

// What Azure leaves out of an answer is left out, and breaks nothing.
func TestEmptyAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"value":[null,{}],"properties":{}}`, `{"value":null,"properties":null}`} {
		c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusOK, body), nil
		}}
		for _, source := range []string{machineID, nicID, endID, sourceSub, strings.Replace(machineID, "Compute/virtualMachines", "DBforPostgreSQL/servers", 1)} {
			q := question()
			q.SourceID = source
			for _, x := range read(t, c, q).Troubles {
				if x.Kind != azure.Unreadable && x.Kind != azure.NotFound {
					t.Errorf("%s, %s: %+v", body, source, x)
				}
			}
		}
	}
}

func TestClouds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "azure.com", "AzureCloud": "azure.com",
		"AzureUSGovernment": "usgovcloudapi.net", "AzureChinaCloud": "chinacloudapi.cn"} {
		c, ok := Cloud(name)
		if got := endpointZone(c); !ok || got != "privatelink.postgres.database."+want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, ok := Cloud("Azure"); ok {
		t.Error("an unknown cloud is known")
	}
}
