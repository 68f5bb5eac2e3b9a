package management

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/finding"
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

// answer is one of the management plane's own making.
func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Request: r, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

func asks(r *http.Request, path string) bool {
	return strings.HasSuffix(strings.ToLower(r.URL.Path), strings.ToLower(path))
}

func TestForbiddenNamesTheAction(t *testing.T) {
	t.Parallel()
	const message = `{"error":{"code":"AuthorizationFailed","message":"The client 'x' with object id 'y' does not have ` +
		`authorization to perform action 'Microsoft.Network/networkSecurityGroups/read' over scope '/subscriptions/1' or the ` +
		`scope is invalid."}}`
	for _, c := range []struct{ body, action, detail string }{
		{message, "Microsoft.Network/networkSecurityGroups/read", "403 AuthorizationFailed"},
		{`{"error":{"code":"X Y","message":"action 'drop table'"}}`, "Microsoft.Network/networkSecurityGroups/read", "403"},
		{"no json", "Microsoft.Network/networkSecurityGroups/read", "403"},
		{`{"error":{"code":"L","message":"perform action 'Microsoft.Network/other/read'"}}`, "Microsoft.Network/other/read", "403 L"},
	} {
		f := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
			if asks(r, "/nsg-run") {
				return answer(r, http.StatusForbidden, c.body), nil
			}
			return nil, nil
		}}
		got := read(t, f, question())
		want := []azure.Trouble{{Resource: runGroup, Action: c.action, Kind: azure.NotPermitted, Detail: c.detail,
			Roles: []string{"runtime", "vantage"}}}
		if !reflect.DeepEqual(got.Troubles, want) || len(got.SecurityGroups) != 1 {
			t.Errorf("%+v", got.Troubles)
		}
	}
}

func TestMissingResourcesAreFacts(t *testing.T) {
	t.Parallel()
	c := sample()
	c.Zones = c.Zones[:1]
	got := read(t, &cloudOf{Configuration: c}, question())
	want := []azure.Trouble{{Resource: hubZone, Action: "Microsoft.Network/privateDnsZones/read", Kind: azure.NotFound,
		Detail: "404 ResourceNotFound", Roles: []string{"target"}}}
	if !reflect.DeepEqual(got.Troubles, want) || len(got.Zones) != 1 {
		t.Errorf("%s", pretty(got.Troubles))
	}
}

// A throttled request comes again after the time that Azure names, and no sooner.
func TestThrottledRequestsWait(t *testing.T) {
	t.Parallel()
	var first, second atomic.Int64
	c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
		if !asks(r, "/rt-run") {
			return nil, nil
		}
		if first.CompareAndSwap(0, time.Now().UnixNano()) {
			a := answer(r, http.StatusTooManyRequests, `{"error":{"code":"TooManyRequests"}}`)
			a.Header.Set("Retry-After", "1")
			return a, nil
		}
		second.CompareAndSwap(0, time.Now().UnixNano())
		return nil, nil
	}}
	got := read(t, c, question())
	if len(got.RouteTables) != 1 || len(got.Troubles) != 0 {
		t.Errorf("%+v", got.Troubles)
	}
	if waited := time.Duration(second.Load() - first.Load()); waited < time.Second {
		t.Errorf("asked again after %s", waited)
	}
}

func TestThrottledForLongerThanThereIsTime(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
		if !asks(r, "/rt-run") {
			return nil, nil
		}
		asked.Add(1)
		a := answer(r, http.StatusTooManyRequests, `{"error":{"code":"TooManyRequests"}}`)
		a.Header.Set("Retry-After", "3600")
		return a, nil
	}}
	got := read(t, c, question())
	if len(got.Troubles) != 1 || got.Troubles[0].Kind != azure.Throttled || asked.Load() != 1 || got.ElapsedMs > 50_000 {
		t.Errorf("asked %d times, %+v", asked.Load(), got.Troubles)
	}
}

// Whatever the time left out is in the troubles, and the reading ends with its time.
func TestSlowAnswersEndWithTheTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
		if asks(r, "/migrations") || asks(r, "/virtualNetworkLinks") {
			cancel()
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return nil, nil
	}}
	got := reader(c).Read(ctx, question())
	i := slices.IndexFunc(got.Troubles, func(x azure.Trouble) bool {
		return x.Kind == azure.TimedOut && strings.HasSuffix(x.Action, "/migrations/read") && x.Resource == targetID
	})
	if i < 0 || len(got.Migrations) != 0 {
		t.Errorf("%s", pretty(got.Troubles))
	}
	for _, x := range got.Troubles {
		if x.Kind != azure.TimedOut {
			t.Errorf("%+v", x)
		}
	}
}

func TestHalfAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		body io.Reader
		kind azure.TroubleKind
	}{
		{"JSON cut short", strings.NewReader(`{"properties":{"addressSpa`), azure.Failed},
		{"another kind of JSON", strings.NewReader(`["x"]`), azure.Failed},
		{"connection cut", io.MultiReader(strings.NewReader(`{"prop`), broken{}), azure.Unreachable},
	} {
		f := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
			if !asks(r, "/vnet-run") {
				return nil, nil
			}
			a := answer(r, http.StatusOK, "")
			a.Body = io.NopCloser(c.body)
			return a, nil
		}}
		got := read(t, f, question())
		if len(got.Troubles) != 1 || got.Troubles[0].Kind != c.kind || got.Troubles[0].Resource != runNet || len(got.VirtualNetworks) != 2 {
			t.Errorf("%s: %s", c.name, pretty(got.Troubles))
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The first page of a list is kept where the second cannot be had, and the list does not pass for read.
func TestAListThatBreaksOff(t *testing.T) {
	t.Parallel()
	c := &cloudOf{Configuration: sample()}
	var pages atomic.Int64
	c.disturb = func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "vnet-run/virtualNetworkPeerings") && pages.Add(1) > 1 {
			return answer(r, http.StatusForbidden, ""), nil
		}
		return nil, nil
	}
	got := read(t, c, question())
	i := slices.IndexFunc(got.VirtualNetworks, func(v azure.VirtualNetwork) bool { return v.ID == runNet })
	if v := got.VirtualNetworks[i]; len(v.Peerings) != onePage || v.PeeringsRead || len(got.Troubles) != 1 {
		t.Errorf("%d peerings, read %v, %+v", len(v.Peerings), v.PeeringsRead, got.Troubles)
	}
}

func TestAListWithoutEnd(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
		if !asks(r, "/firewallRules") {
			return nil, nil
		}
		asked.Add(1)
		return answer(r, http.StatusOK, `{"value":[{"name":"x"}],"nextLink":"https://management.azure.com`+r.URL.Path+`?n=1"}`), nil
	}}
	got := read(t, c, question())
	if asked.Load() != maxPages || len(got.Troubles) != 1 || got.Troubles[0].Kind != azure.OverLimit || got.Servers[0].FirewallRead {
		t.Errorf("asked %d times, %+v", asked.Load(), got.Troubles)
	}
}

// The token goes to no other host, wherever an answer sends the list's next page.
func TestTheNextPageElsewhereIsNotAsked(t *testing.T) {
	t.Parallel()
	c := &cloudOf{Configuration: sample(), disturb: func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "management.azure.com" || r.URL.Scheme != "https" {
			t.Errorf("asked %s", r.URL)
		}
		if asks(r, "vnet-run/virtualNetworkPeerings") {
			return answer(r, http.StatusOK, `{"value":[],"nextLink":"https://evil.example/subscriptions/1/x"}`), nil
		}
		return nil, nil
	}}
	got := read(t, c, question())
	if len(got.Troubles) != 1 || got.Troubles[0].Kind != azure.Failed {
		t.Errorf("%+v", got.Troubles)
	}
}

func TestNothingButReadsLeaves(t *testing.T) {
	t.Parallel()
	count := new(atomic.Int64)
	g := guard{endpoint: cloud.AzurePublic.Services[cloud.ResourceManager].Endpoint, calls: count}
	sent := 0
	line := runtime.NewPipeline("m", "v", runtime.PipelineOptions{}, &policy.ClientOptions{
		PerRetryPolicies: []policy.Policy{g}, Transport: transport(func(r *http.Request) (*http.Response, error) {
			sent++
			return answer(r, http.StatusOK, ""), nil
		})})
	for _, c := range []struct {
		method, url string
		calls       int64
		want        error
	}{
		{http.MethodGet, "https://management.azure.com/x", 0, nil},
		{http.MethodPost, "https://management.azure.com/x", 0, errNotARead},
		{http.MethodPut, "https://management.azure.com/x", 0, errNotARead},
		{http.MethodGet, "http://management.azure.com/x", 0, errElsewhere},
		{http.MethodGet, "https://management.azure.com:444/x", 0, errElsewhere},
		{http.MethodGet, "https://management.azure.com/x", maxCalls, errOverLimit},
	} {
		count.Store(c.calls)
		sent = 0
		r, err := runtime.NewRequest(t.Context(), c.method, c.url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = line.Do(r)
		if !errors.Is(err, c.want) || (sent == 1) != (c.want == nil) {
			t.Errorf("%s %s: %v, sent %d", c.method, c.url, err, sent)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestWithoutATokenNothingIsAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{&credential.Unavailable{Source: "Entra token", Why: "the app has no managed identity"}, "the app has no managed identity"},
		{errors.New("text of a library with a secret"), "no token could be had"},
	} {
		f := &cloudOf{Configuration: sample()}
		got := New(Options{Credential: noToken{c.err}, Transport: f}).Read(t.Context(), question())
		if len(got.Troubles) != 4 || len(f.asked()) != 0 {
			t.Errorf("%+v", got)
		}
		for _, x := range got.Troubles {
			if x.Kind != azure.NoIdentity || x.Detail != c.want || x.Resource == "" || len(x.Roles) != 1 {
				t.Errorf("%+v", x)
			}
		}
		found := azure.Judge(got, azure.Case{}).Findings
		if !slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Code == finding.AzNotRead && f.Args["no_identity"] == true }) {
			t.Errorf("%+v", found)
		}
		if got.Target == nil || got.Target.ServerID != targetID {
			t.Errorf("%+v", got.Target)
		}
	}
}

// Eight readings of one process are no more at once than its limit. Each has fake servers of its own: those keep the
// pages of a list by its path, for one reader.
func TestOnlySomeAreAskedAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ readings, most int64 }{{1, atOnce}, {8, allAtOnce}} {
		var now, most atomic.Int64
		count := func(*http.Request) (*http.Response, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			goruntime.Gosched()
			return nil, nil
		}
		slots := make(chan struct{}, allAtOnce)
		var running sync.WaitGroup
		for range c.readings {
			r := reader(&cloudOf{Configuration: sample(), disturb: count})
			r.slots = slots
			running.Go(func() {
				if got := r.Read(t.Context(), question()); len(got.Troubles) > 0 {
					t.Errorf("%+v", got.Troubles)
				}
			})
		}
		running.Wait()
		if most.Load() > c.most {
			t.Errorf("%d readings: %d at once", c.readings, most.Load())
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
