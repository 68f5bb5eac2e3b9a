package diagnosis

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// loaded is read once for all tests.
var loaded = sync.OnceValues(catalog.Load)

func words(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func found(code finding.Code, layer finding.Layer, leg string) finding.Finding {
	return finding.Finding{Code: code, Layer: layer, Leg: leg, Args: finding.Args{"elapsedMs": 5000.0, "name": "db.example"}}
}

func passed(layer finding.Layer) Layer { return Layer{Layer: layer, Observation: "seen"} }

func failed(layer finding.Layer, f ...finding.Finding) Layer {
	return Layer{Layer: layer, Observation: "seen", Findings: f}
}

// result is a check of two legs with these layers.
func result(source, target []Layer, findings ...finding.Finding) Result {
	e := request.Endpoint{Host: "db.example", Port: 5432, User: "migrator", Databases: []string{"orders"}}
	at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	return Result{
		Request:  request.Check{ID: "one", Depth: request.DepthLogin, Source: e, Target: e},
		Findings: findings,
		Legs: []Leg{{Name: "source", From: "function", Endpoint: e, Layers: source},
			{Name: "target", From: "function", Endpoint: e, Layers: target}},
		Started: at, Finished: at.Add(1500 * time.Millisecond),
	}
}

func TestVerdictAndFirstBroken(t *testing.T) {
	timeout := found(finding.TCPTimeout, finding.Connect, "source")
	loginFailed := found(finding.AuthFailed, finding.Login, "target")
	noName := found(finding.DNSNameNotFound, finding.Resolve, "target")
	slow := found(finding.TCPSlow, finding.Connect, "source")
	untrusted := found(finding.TLSUntrusted, finding.TLS, "source")
	untrusted.Advisory = true
	credential := found(finding.CredentialUnavailable, finding.Login, "source")
	refused := found(finding.RequestTargetNotAllowed, finding.Request, "source")
	info := found(finding.AuthMethodWeak, finding.Login, "source")
	for name, c := range map[string]struct {
		result  Result
		verdict report.Verdict
		leg     string
		code    finding.Code
	}{
		"all passed":              {result([]Layer{passed(finding.Login)}, []Layer{passed(finding.Login)}), report.Ready, "", ""},
		"information is no cloud": {result([]Layer{failed(finding.Login, info)}, nil), report.Ready, "", ""},
		"a warning":               {result([]Layer{failed(finding.Connect, slow)}, nil), report.ReadyWithWarnings, "", ""},
		"an advisory failure":     {result([]Layer{failed(finding.TLS, untrusted)}, nil), report.ReadyWithWarnings, "", ""},
		"a failure":               {result([]Layer{failed(finding.Connect, timeout)}, nil), report.NotReady, "source", finding.TCPTimeout},
		"the lower layer first": {result([]Layer{failed(finding.Connect, timeout)}, []Layer{failed(finding.Resolve, noName)}),
			report.NotReady, "target", finding.DNSNameNotFound},
		"the failure before the warning": {result([]Layer{failed(finding.Connect, slow)}, []Layer{failed(finding.Login, loginFailed)}),
			report.NotReady, "target", finding.AuthFailed},
		"our own trouble": {result([]Layer{failed(finding.Login, credential)}, []Layer{passed(finding.Login)}),
			report.Inconclusive, "source", finding.CredentialUnavailable},
		"a failure outweighs our trouble": {result([]Layer{failed(finding.Login, credential)}, []Layer{failed(finding.Login, loginFailed)}),
			report.NotReady, "source", finding.CredentialUnavailable},
		"out of time": {result([]Layer{{Layer: finding.TLS, Inconclusive: "the time is over"}}, nil), report.Inconclusive, "", ""},
		"closed and nothing found": {result([]Layer{{Layer: finding.TLS, Observation: "seen", Closed: true}}, nil),
			report.Inconclusive, "", ""},
		"not allowed": {result([]Layer{failed(finding.Connect, refused)}, nil), report.Rejected, "source", finding.RequestTargetNotAllowed},
		"unsupported": {result(nil, nil, found(finding.ScenarioUnsupported, finding.Scenario, "")), report.Unsupported, "",
			finding.ScenarioUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Report(words(t), &c.result)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != c.verdict {
				t.Errorf("verdict %s, want %s", r.Verdict, c.verdict)
			}
			got := report.FirstBroken{}
			if r.FirstBroken != nil {
				got = *r.FirstBroken
			}
			if got.Code != c.code || got.Leg != c.leg {
				t.Errorf("first broken %+v, want %s on %q", got, c.code, c.leg)
			}
			if r.Headline == "" || strings.Contains(r.Headline, "<no value>") {
				t.Errorf("headline %q", r.Headline)
			}
			if r.ElapsedMs != 1500 {
				t.Errorf("took %v ms", r.ElapsedMs)
			}
		})
	}
}

func TestStatusOfALayer(t *testing.T) {
	j := judge{words: words(t), known: map[string]catalog.Facts{}}
	advisory := found(finding.TLSUntrusted, finding.TLS, "source")
	advisory.Advisory = true
	for want, layer := range map[finding.Status]Layer{
		finding.StatusPassed:       failed(finding.Login, found(finding.AuthMethodWeak, finding.Login, "source")),
		finding.StatusWarned:       failed(finding.TLS, advisory),
		finding.StatusFailed:       failed(finding.TLS, advisory, found(finding.TLSVersion, finding.TLS, "source")),
		finding.StatusSkipped:      {Layer: finding.TLS, BlockedBy: finding.Connect},
		finding.StatusInconclusive: failed(finding.Login, found(finding.CredentialUnavailable, finding.Login, "source")),
	} {
		if got := j.status(layer); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestHeadlineNamesBothEnds(t *testing.T) {
	both := result([]Layer{failed(finding.Connect, found(finding.TCPRefused, finding.Connect, "source"))},
		[]Layer{failed(finding.Login, found(finding.AuthFailed, finding.Login, "target"))})
	r, err := Report(words(t), &both)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Headline, "refuses connections") || !strings.Contains(r.Headline, "target") {
		t.Errorf("headline %q", r.Headline)
	}
}

// What the request leaves out has not been passed.
func TestHeadlineSaysWhereTLSWasLeftOut(t *testing.T) {
	t.Parallel()
	both, source := []int{0, 1}, []int{0}
	for _, test := range []struct {
		depth      request.Depth
		without    []int
		want, lack string
	}{
		{request.DepthTLS, both, "every layer up to connect, seen from this host; TLS was not tried on the source and the target", "up to tls"},
		{request.DepthTLS, source, "every layer up to tls, seen from this host; TLS was not tried on the source, since", "target,"},
		{request.DepthLogin, both, "up to login, seen from this host; TLS was not tried on the source and the target", "up to connect"},
		{request.DepthConnect, both, "every layer up to connect", "TLS"},
		{request.DepthLogin, nil, "every layer up to login", "TLS"},
	} {
		r := result([]Layer{passed(finding.Connect)}, []Layer{passed(finding.Connect)})
		r.Request.Depth = test.depth
		for _, i := range test.without {
			r.Legs[i].Endpoint.TLS.Mode = request.TLSDisable
		}
		got, err := Report(words(t), &r)
		if err != nil || !strings.Contains(got.Headline, test.want) || strings.Contains(got.Headline, test.lack) {
			t.Errorf("%s without TLS on %v: %s, %v", test.depth, test.without, got.Headline, err)
		}
		r.Legs[1].Layers[0].Findings = []finding.Finding{found(finding.TCPSlow, finding.Connect, "target")}
		if got, err = Report(words(t), &r); err != nil || strings.Contains(got.Headline, "TLS") != (test.lack != "TLS") {
			t.Errorf("%s with a warning: %s, %v", test.depth, got.Headline, err)
		}
	}
}

func TestRejectedRepeatsNothingOfTheBody(t *testing.T) {
	p := &request.Problem{Code: finding.RequestSecretInline, Field: "source.password", Message: "is a secret", Route: "orders",
		RequestedBy: "pipeline:orders"}
	r, err := Rejected(words(t), p, "one", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != report.Rejected || r.Route != "orders" || !strings.Contains(r.Headline, "source.password") {
		t.Errorf("%+v", r)
	}
	if got := string(r.Request); got != `{"route":"orders","requestedBy":"pipeline:orders"}` {
		t.Errorf("request %s", got)
	}
}

// The words of a refusal are sentences, with and without a field at fault.
func TestRejectedReadsWell(t *testing.T) {
	for _, c := range []struct{ field, message, headline, detail string }{
		{"source.port", "must be a whole number from 1 to 65535",
			"The request was rejected: source.port must be a whole number from 1 to 65535",
			"Field source.port must be a whole number from 1 to 65535. Nothing was probed."},
		{"", "is not JSON: line 1, column 2", "The request was rejected: it is not JSON: line 1, column 2",
			"The request is not JSON: line 1, column 2. Nothing was probed."},
	} {
		r, err := Rejected(words(t), &request.Problem{Code: finding.RequestInvalid, Field: c.field, Message: c.message}, "one", time.Now())
		if err != nil || r.Headline != c.headline || r.Findings[0].Detail != c.detail || string(r.Request) != "{}" {
			t.Errorf("%v %+v", err, r)
		}
	}
}

func TestAzureNames(t *testing.T) {
	id := "/subscriptions/s/resourceGroups/rg-data/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
	for _, c := range []struct{ host, id, server, group string }{
		{"orders.postgres.database.azure.com", id, "orders", "rg-data"},
		{"shop.postgres.database.azure.com", "", "shop", "RESOURCE_GROUP"},
		{"10.0.0.4", "", "SERVER", "RESOURCE_GROUP"},
	} {
		if s, g := serverName(c.host, c.id), resourceGroup(c.id); s != c.server || g != c.group {
			t.Errorf("%s: %s in %s", c.host, s, g)
		}
	}
}

// A report that is judged again has only the stamps: what it says of the time must follow from them.
func TestElapsedFollowsFromTheStamps(t *testing.T) {
	r := result(nil, nil)
	r.Started = time.Now() // with the monotonic clock's reading
	r.Finished = r.Started.Add(1575 * time.Microsecond)
	stamped := r
	stamped.Started, stamped.Finished = r.Started.Round(0), r.Finished.Round(0).Add(7*time.Microsecond)
	r.Finished = time.Unix(0, stamped.Finished.UnixNano())
	first, err := Report(words(t), &r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Report(words(t), &stamped)
	if err != nil || first.ElapsedMs != again.ElapsedMs || first.ElapsedMs != 1.58 {
		t.Errorf("%v and %v ms, %v", first.ElapsedMs, again.ElapsedMs, err)
	}
	stamped.Finished = stamped.Started.Add(-time.Hour) // somebody set the clock
	if back, err := Report(words(t), &stamped); err != nil || back.ElapsedMs != 0 {
		t.Errorf("%v ms, %v", back.ElapsedMs, err)
	}
}
