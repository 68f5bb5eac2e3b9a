package management

import (
	"context"
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
