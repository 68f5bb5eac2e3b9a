package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/openapi"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

func described(t *testing.T) document {
	t.Helper()
	raw, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(raw, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// operations lists METHOD /api/path of every operation, and whether anybody may call it.
func (d document) operations() map[string]bool {
	out := map[string]bool{}
	for path, item := range d.at("paths") {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			security, set := operation.(map[string]any)["security"].([]any)
			out[strings.ToUpper(method)+" "+path] = set && len(security) == 0
		}
	}
	return out
}

// Every HTTP function is described, with its methods, and nothing is described that is no function.
func TestEveryFunctionIsDescribed(t *testing.T) {
	t.Parallel()
	operations := described(t).operations()
	files, err := filepath.Glob("../functions/*/function.json")
	if err != nil {
		t.Fatal(err)
	}
	left := maps.Clone(operations)
	for _, file := range files {
		var f struct {
			Bindings []struct {
				Type, Route, AuthLevel string
				Methods                []string
			}
		}
		readJSON(t, file, &f)
		trigger := f.Bindings[0]
		if trigger.Type != "httpTrigger" {
			continue
		}
		for _, method := range trigger.Methods {
			found := false
			for _, path := range spelled(trigger.Route) {
				operation := strings.ToUpper(method) + " " + path
				anonymous, is := operations[operation]
				found = found || is
				delete(left, operation)
				if is && anonymous != (trigger.AuthLevel == "anonymous") {
					t.Errorf("%s: authLevel %s, described as anonymous: %v", operation, trigger.AuthLevel, anonymous)
				}
			}
			if !found {
				t.Errorf("%s %s of %s is not described in handlers/openapi/openapi.yaml", method, trigger.Route, file)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("described, but no function: %v", slices.Sorted(maps.Keys(left)))
	}
}

// spelled gives the paths of a route: with its last parameter, and without it where that is optional.
func spelled(route string) []string {
	path := "/api/" + strings.ReplaceAll(route, "?}", "}")
	if !strings.HasSuffix(route, "?}") {
		return []string{path}
	}
	return []string{path, path[:strings.LastIndex(path, "/")]}
}

// Every reference leads somewhere, and every operation has a name of its own.
func TestDocumentIsSound(t *testing.T) {
	t.Parallel()
	d := described(t)
	names := map[string]bool{}
	var walk func(node any, path string)
	walk = func(node any, path string) {
		switch n := node.(type) {
		case map[string]any:
			if ref, is := n["$ref"].(string); is && d.resolve(n) == nil {
				t.Errorf("%s: %s leads nowhere", path, ref)
			}
			if name, is := n["operationId"].(string); is {
				if names[name] {
					t.Errorf("operationId %s is there twice", name)
				}
				names[name] = true
			}
			for key, child := range n {
				walk(child, path+"/"+key)
			}
		case []any:
			for i, child := range n {
				walk(child, fmt.Sprintf("%s/%d", path, i))
			}
		}
	}
	walk(d.root, "")
	if version, _ := d.root["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("openapi %q", version)
	}
	if len(names) == 0 {
		t.Error("no operation has a name")
	}
}

// memory is a store in memory, of which only what HTTP functions ask for is there.
type memory struct {
	tables
	states map[string]store.State
	routes map[string]store.Route
}

func (m *memory) Finished(_ context.Context, id string) (bool, error) {
	return m.states[id].Status == store.Finished, nil
}

func (m *memory) MarkQueued(_ context.Context, checks ...request.Check) error {
	for _, c := range checks {
		m.states[c.ID] = store.State{Status: store.Queued}
	}
	return nil
}

func (m *memory) Load(_ context.Context, id string) (store.State, error) { return m.states[id], nil }

func (m *memory) Before(context.Context, report.Report) (*report.Report, error) { return nil, nil }

func (m *memory) List(context.Context, store.Filter) (store.Page, error) {
	page := store.Page{Continue: "more"}
	for _, r := range []report.Report{reporttest.Ready(), reporttest.Broken(), reporttest.Rejected()} {
		page.Checks = append(page.Checks, store.Summary{ID: r.ID, Route: r.Route, Wave: r.Wave, Verdict: r.Verdict,
			Headline: r.Headline, FirstBroken: r.FirstBroken, Owner: report.DNSAdmin, StartedAt: r.StartedAt, ElapsedMs: int64(r.ElapsedMs)})
	}
	return page, nil
}

func (m *memory) Routes(context.Context) ([]store.Route, error) {
	return slices.Collect(maps.Values(m.routes)), nil
}

func (m *memory) Route(_ context.Context, name string) (store.Route, error) {
	if r, found := m.routes[name]; found {
		return r, nil
	}
	return store.Route{}, store.ErrNoRoute
}

func (m *memory) PutRoute(_ context.Context, wanted store.Route) (store.Route, bool, error) {
	_, found := m.routes[wanted.Name]
	wanted.NextDue = time.Now()
	m.routes[wanted.Name] = wanted
	return wanted, !found, nil
}

func (m *memory) DeleteRoute(_ context.Context, name string) error {
	if _, found := m.routes[name]; !found {
		return store.ErrNoRoute
	}
	delete(m.routes, name)
	return nil
}

func (m *memory) Wave(context.Context, string) ([]store.Standing, error) {
	return []store.Standing{
		{Route: "orders-db", CheckID: "c-1", Verdict: report.Ready, StartedAt: time.Now()},
		{Route: "billing-db", CheckID: "c-2", Verdict: report.NotReady, Owner: report.DNSAdmin, StartedAt: time.Now(),
			FirstBroken: &report.FirstBroken{Leg: "target", Layer: finding.Resolve, Code: finding.DNSTimeout}},
	}, nil
}

type noQueue struct{}

func (noQueue) Send(context.Context, ...queue.Message) error { return nil }

// app is the running handler on a store in memory, with reports of every verdict and a real one.
func app(t *testing.T) *server.Mux {
	t.Helper()
	s, err := settings.Parse(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	s.ReportLinkKey, s.PublicBaseURL = secret.New("key"), "https://app.example.com"
	s.TicketSecrets = map[string]settings.TicketSecret{"servicenow": {Setting: "T", Secret: secret.New("token")}}
	m := &memory{states: map[string]store.State{"running": {Status: store.Running}}, routes: map[string]store.Route{
		"orders-db": {Name: "orders-db", Request: json.RawMessage(`{"version":1,"wave":"w"}`), EveryMinutes: 5, Enabled: true,
			NextDue: time.Now(), Last: schedule.Last{Verdict: report.Ready, CheckID: "c-1", Since: time.Now()}},
		"by-hand": {Name: "by-hand", Request: json.RawMessage(`{`)},
		"new-db":  {Name: "new-db", Request: json.RawMessage(`{"version":1,"wave":"w"}`)},
	}}
	real := runCheck(t, checkRequest(refusing(t), listening(t)), nil, "-format", "json", "-").stdout
	m.states["real"] = store.State{Status: store.Finished, Report: json.RawMessage(real)}
	for name, r := range reporttest.Samples() {
		m.states[name] = store.State{Status: store.Finished, Report: reporttest.JSON(t, r)}
	}
	return server.New(quiet(), nil, forwarded(s, parts{store: m, queue: noQueue{}, pages: page.New()}, quiet()))
}

// call is one request and the operation that describes its answer.
type call struct {
	method, path string
	target       string
	accept       string
	body         string
	status       int
}

func calls(t *testing.T) []call {
	t.Helper()
	signed, err := url.Parse(link.Links{Key: secret.New("key")}.Report("broken", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	good := checkRequest(5432, 5432)
	text := `psql: error: connection to server at "10.0.0.4", port 5432 failed: Connection refused`
	all := []call{
		{"POST", "/api/checks", "/api/checks", "", good, 202},
		{"POST", "/api/checks", "/api/checks", "", "[" + good + `,{"version":2}]`, 202},
		{"POST", "/api/checks", "/api/checks", "", `{"version":1}`, 400},
		{"POST", "/api/checks", "/api/checks", "", strings.Repeat(" ", 5<<20), 413},
		{"POST", "/api/checks", "/api/checks/x", "", good, 405},
		{"GET", "/api/checks", "/api/checks", "", "", 200},
		{"GET", "/api/checks", "/api/checks?verdict=good", "", "", 400},
		{"GET", "/api/checks/{id}", "/api/checks/running", "", "", 202},
		{"GET", "/api/checks/{id}", "/api/checks/running", "text/markdown", "", 202},
		{"GET", "/api/checks/{id}", "/api/checks/running", "text/html", "", 202},
		{"GET", "/api/checks/{id}", "/api/checks/nowhere", "", "", 404},
		{"GET", "/api/checks/{id}", "/api/checks/nowhere", "text/html", "", 404},
		{"GET", "/api/checks/{id}", "/api/checks/nowhere", "text/markdown", "", 404},
		{"GET", "/api/checks/{id}", "/api/checks/ready?format=pdf", "", "", 406},
		{"GET", "/api/reports/{id}", signed.String(), "", "", 200},
		{"GET", "/api/reports/{id}", signed.String(), "text/markdown", "", 200},
		{"GET", "/api/reports/{id}", signed.String(), "text/html", "", 200},
		{"GET", "/api/reports/{id}", "/api/reports/broken", "", "", 403},
		{"GET", "/api/reports/{id}", "/api/reports/broken", "application/json", "", 403},
		{"GET", "/api/routes", "/api/routes", "", "", 200},
		{"GET", "/api/routes/{name}", "/api/routes/orders-db", "", "", 200},
		{"GET", "/api/routes/{name}", "/api/routes/by-hand", "", "", 200},
		{"GET", "/api/routes/{name}", "/api/routes/nowhere", "", "", 404},
		{"GET", "/api/routes/{name}", "/api/routes/orders-db?limit=x", "", "", 400},
		{"PUT", "/api/routes/{name}", "/api/routes/fresh", "", `{"request":` + good + `,"everyMinutes":5}`, 201},
		{"PUT", "/api/routes/{name}", "/api/routes/fresh", "", `{"request":` + good + `,"everyMinutes":5}`, 200},
		{"PUT", "/api/routes/{name}", "/api/routes/fresh", "", `{}`, 400},
		{"DELETE", "/api/routes/{name}", "/api/routes/fresh", "", "", 204},
		{"DELETE", "/api/routes/{name}", "/api/routes/fresh", "", "", 404},
		{"GET", "/api/waves/{wave}", "/api/waves/w", "", "", 200},
		{"GET", "/api/checks", "/api/checks", "text/html", "", 200},
		{"GET", "/api/checks", "/api/checks?route=%20&format=html", "", "", 400},
		{"GET", "/api/checks", "/api/checks?format=md", "", "", 406},
		{"GET", "/api/routes", "/api/routes", "text/html", "", 200},
		{"GET", "/api/routes", "/api/routes", "text/csv", "", 406},
		{"GET", "/api/routes/{name}", "/api/routes/orders-db", "text/html", "", 200},
		{"GET", "/api/routes/{name}", "/api/routes/by-hand", "text/html", "", 200},
		{"GET", "/api/routes/{name}", "/api/routes/it's%20none", "text/html", "", 404},
		{"GET", "/api/routes/{name}", "/api/routes/orders-db?limit=x", "text/html", "", 400},
		{"GET", "/api/routes/{name}", "/api/routes/orders-db?format=junit", "", "", 406},
		{"GET", "/api/waves/{wave}", "/api/waves/w", "text/html", "", 200},
		{"GET", "/api/waves/{wave}", "/api/waves/w?format=pdf", "", "", 406},
		{"POST", "/api/tickets/{system}", "/api/tickets/jira", "", "{}", 401},
		{"POST", "/api/tickets/{system}", "/api/tickets/redmine", "", "{}", 401},
		{"POST", "/api/explain", "/api/explain", "", text, 200},
		{"POST", "/api/explain", "/api/explain", "", "blue elephants", 200},
		{"POST", "/api/explain", "/api/explain", "", `{"text":1}`, 400},
		{"GET", "/api/health", "/api/health", "", "", 503},
		{"GET", "/api/openapi.json", "/api/openapi.json", "", "", 200},
	}
	for name := range reporttest.Samples() {
		if name != "hostile" { // It is forged: no report of ours has such owners and layers.
			all = append(all, call{"GET", "/api/checks/{id}", "/api/checks/" + name, "application/json", "", 200})
		}
	}
	for _, accept := range []string{"application/json", "text/html", "text/markdown", "application/junit+xml"} {
		all = append(all, call{"GET", "/api/checks/{id}", "/api/checks/real", accept, "", 200})
	}
	return all
}

// What the handler answers is what is described: status, media type and every field.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	d, mux := described(t), app(t)
	left := d.operations()
	for _, c := range calls(t) {
		delete(left, c.method+" "+c.path)
		r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		name := fmt.Sprintf("%s %s %s: %d", c.method, c.target, c.accept, w.Code)
		if w.Code != c.status {
			t.Errorf("%s, want %d: %.200s", name, c.status, w.Body)
			continue
		}
		for _, wrong := range d.checkAnswer(c, w.Result(), w.Body.Bytes()) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
	if len(left) > 0 {
		t.Errorf("not called: %v", slices.Sorted(maps.Keys(left)))
	}
}

func (d document) checkAnswer(c call, answer *http.Response, body []byte) []string {
	responses := d.at("paths", c.path, strings.ToLower(c.method), "responses")
	name := strconv.Itoa(c.status)
	if responses[name] == nil {
		name = "default"
	}
	content, _ := d.resolve(responses[name].(map[string]any))["content"].(map[string]any)
	if len(content) == 0 {
		if len(body) > 0 {
			return []string{"a body that is not described"}
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	media, described := content[mediaType].(map[string]any)
	if err != nil || !described {
		return []string{"media type " + answer.Header.Get("Content-Type") + " is not described"}
	}
	var value any = string(body)
	if strings.HasSuffix(mediaType, "json") {
		if err := json.Unmarshal(body, &value); err != nil {
			return []string{err.Error()}
		}
	}
	return d.check(media["schema"].(map[string]any), value, "")
}

// The requests that are described are those that are taken.
func TestRequestsAreAsDescribed(t *testing.T) {
	t.Parallel()
	d := described(t)
	schema := d.at("components", "schemas", "CheckRequest")
	for name, sample := range map[string]string{
		"small": checkRequest(5432, 5432),
		"the contract's": `{"version":1,"id":"orders-2026-11-22T07","route":"orders-db","wave":"2026-12","mode":"online",
			"depth":"prerequisites","scenario":{"source":{"kind":"amazon_rds","access":"private"},
			"target":{"access":"vnet_integrated"},"sameVirtualNetwork":false},
			"source":{"host":"orders.abc123.eu-west-1.rds.amazonaws.com","port":5432,"address":"","databases":["orders"],
			"user":"migrator","credential":{"setting":"ORDERS_SOURCE_PASSWORD"},"tls":{"mode":"require","rootsSetting":""}},
			"target":{"host":"orders.postgres.database.azure.com","port":5432,"databases":["postgres"],
			"user":"migrator@contoso.com","credential":{"entra":true},"tls":{"mode":"verify-full"}},
			"runtimeServer":null,"serverVantage":false,"azure":{"targetResourceId":"","sourceResourceId":"",
			"runtimeServerResourceId":"","vantageSubnetId":""},"timeoutSeconds":30,
			"notify":{"replyTo":"","callbackUrl":"","ticket":{"system":"","id":""}},"requestedBy":"pipeline:orders"}`,
	} {
		check, err := request.Decode([]byte(sample), "")
		if err != nil {
			t.Errorf("%s is not taken: %v", name, err)
		}
		for _, raw := range []string{sample, string(check.JSON())} {
			if wrong := d.check(schema, fromJSON(t, raw), ""); len(wrong) > 0 {
				t.Errorf("%s is not described: %q", name, wrong)
			}
		}
	}
	for _, sample := range []string{
		`{}`, `{"version":2,"source":{"host":"a"},"target":{"host":"b"}}`,
		strings.Replace(checkRequest(1, 1), `"depth"`, `"deepth"`, 1),
		strings.Replace(checkRequest(1, 1), `"host"`, `"hots"`, 1),
		checkRequest(0, 1), strings.Replace(checkRequest(1, 1), `connect`, `deep`, 1),
		strings.Replace(checkRequest(1, 1), `"timeoutSeconds":5`, `"timeoutSeconds":121`, 1),
	} {
		if _, err := request.Decode([]byte(sample), ""); err == nil {
			t.Errorf("%s is taken", sample)
		}
		if wrong := d.check(schema, fromJSON(t, sample), ""); len(wrong) == 0 {
			t.Errorf("%s is described", sample)
		}
	}
}
