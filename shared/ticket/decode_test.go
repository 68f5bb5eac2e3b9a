package ticket

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/explain"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// changed is a sample with some texts in it replaced; each must be there.
func changed(t *testing.T, name string, oldnew ...string) []byte {
	t.Helper()
	text := string(sample(t, name))
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("%s has no %s", name, oldnew[i])
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	return []byte(text)
}

func delivery(system System, body []byte, headers ...string) Delivery {
	return Delivery{System: system, Body: body, At: time.Unix(1795330800, 0), Header: func(name string) []string {
		var values []string
		for i := 0; i < len(headers); i += 2 {
			if headers[i] == name {
				values = append(values, headers[i+1])
			}
		}
		return values
	}}
}

func systemOf(name string) System {
	system, _, _ := strings.Cut(name, "-")
	return System(system)
}

func event(t *testing.T, name string, fields Fields) Event {
	t.Helper()
	e, err := Decode(delivery(systemOf(name), sample(t, name), "X-Delivery-Id", "d-1", "X-Timestamp", "1795330800"),
		fields)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e
}

const storedRoute = `{"version":1,"route":"orders-db","wave":"2026-12","depth":"login","mode":"online",
	"source":{"host":"orders-db.corp.example","port":5433,"databases":["orders"],"user":"migrator",
	"credential":{"setting":"SOURCE_PASSWORD"}},"target":{"host":"orders.postgres.database.azure.com","user":"m",
	"credential":{"entra":true}},"notify":{"replyTo":"answers","callbackUrl":"https://hooks.example.com/x",
	"ticket":{"system":"jira","id":"MIG-1"}},"requestedBy":"route:orders-db"}`

// Real shapes become requests.
func TestSamples(t *testing.T) {
	t.Parallel()
	mapped := Fields{Jira: {Route: "customfield_10042"}}
	for name, want := range map[string]struct {
		ticket, check string
		code          finding.Code // of the error text in it
	}{
		"jira-created": {"MIG-17", "orders.abc123.eu-west-1.rds.amazonaws.com:5432 orders.postgres.database.azure.com:5432 " +
			"online connect", finding.TCPRefused},
		"jira-updated": {"MIG-17", "10.0.0.4:5433 orders.postgres.database.azure.com:5432 offline tls", ""},
		"jira-created-adf": {"MIG-17", "orders-db.corp.example:5432 orders.private.postgres.database.azure.com:5432 " +
			"offline connect", finding.TCPTimeout},
		"jira-transition": {"MIG-17", "orders-db orders-db.corp.example:5433 orders.postgres.database.azure.com:5432 " +
			"online login", ""},
		"servicenow-incident": {"INC0010023", "orders.abc123.eu-west-1.rds.amazonaws.com:5432 " +
			"orders.postgres.database.azure.com:5432 offline connect", finding.HBATLSRequired},
		"servicenow-change": {"CHG0030042", "10.0.0.4:5433 10.0.0.5:6432 online connect", ""},
		"generic-request":   {"OPS/4711", "10.0.0.4:5432 10.0.0.5:6432 offline connect", ""},
		"generic-route": {"OPS-4712", "orders-db orders-db.corp.example:5433 orders.postgres.database.azure.com:5432 " +
			"online tls", finding.TCPTimeout},
	} {
		e := event(t, name, mapped)
		route, err := e.RouteName()
		if err != nil || e.Ignored != "" {
			t.Errorf("%s: %v, ignored: %q", name, err, e.Ignored)
			continue
		}
		var base json.RawMessage
		if route != "" {
			base = json.RawMessage(storedRoute)
		}
		c, err := e.Check(base)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := shortly(c); got != want.check {
			t.Errorf("%s: %s, want %s", name, got, want.check)
		}
		ref := request.Notify{Ticket: request.Ticket{System: string(systemOf(name)), ID: want.ticket}}
		if c.Notify != ref || c.RequestedBy != "ticket:"+ref.Ticket.System+":"+want.ticket || c.ID != e.CheckID ||
			!request.IsName(c.ID) {
			t.Errorf("%s: %+v %q %q", name, c.Notify, c.RequestedBy, c.ID)
		}
		codes := explained(e.Text)
		if want.code == "" && len(codes) > 0 || want.code != "" && !strings.Contains(codes, string(want.code)) {
			t.Errorf("%s: its text means %q, want %s", name, codes, want.code)
		}
	}
}

func shortly(c request.Check) string {
	at := func(e request.Endpoint) string {
		raw, _ := json.Marshal(e.Port)
		return e.Host + ":" + string(raw)
	}
	text := at(c.Source) + " " + at(c.Target) + " " + string(c.Mode) + " " + string(c.Depth)
	if c.Route != "" {
		text = c.Route + " " + text
	}
	return text
}

func explained(text string) string {
	var codes []string
	for _, f := range explain.Explain(text).Findings {
		codes = append(codes, string(f.Code))
		if causes, is := f.Args["oneOf"].([]string); is {
			codes = append(codes, causes...)
		}
	}
	return strings.Join(codes, " ")
}

// No event that our own comment causes, and none that changes nothing that matters, asks for a check.
func TestNothingAsked(t *testing.T) {
	t.Parallel()
	event := func(name string) string { return `{"webhookEvent":"` + name + `","issue":{"id":"1","key":"A-1"}}` }
	for name, body := range map[string][]byte{
		"comment":                        sample(t, "jira-commented"),
		"comment on Server":              sample(t, "jira-server-commented"),
		"assigned":                       sample(t, "jira-assigned"),
		"comment without an event":       []byte(`{"issue":{"id":"1","key":"A-1","fields":{}},"comment":{"id":"1"}}`),
		"an update without a change log": []byte(event("jira:issue_updated")),
		"deleted":                        []byte(event("jira:issue_deleted")),
		"worklog":                        []byte(event("worklog_created")),
		"an event of no issue":           []byte(`{"webhookEvent":"sprint_started","sprint":{"id":1}}`),
	} {
		for _, fields := range []Fields{nil, {Jira: {SourceHost: "customfield_10042"}}} {
			if e, err := Decode(delivery(Jira, body), fields); err != nil || e.Ignored == "" {
				t.Errorf("%s: %v, %+v", name, err, e)
			}
		}
	}
}

// A change of a mapped field asks; Server names custom fields by what people see.
func TestChangesThatAsk(t *testing.T) {
	t.Parallel()
	fields := Fields{Jira: {SourceHost: "customfield_10042", Description: "customfield_10050", Again: "customfield_10051"}}
	for change, asks := range map[string]bool{
		`{"field":"Source host","fieldtype":"custom","fieldId":"customfield_10042"}`: true,
		`{"field":"Source host","fieldtype":"custom"}`:                               true,
		`{"field":"Again","fieldtype":"custom","fieldId":"customfield_10051"}`:       true,
		`{"field":"Details","fieldtype":"custom","fieldId":"customfield_10050"}`:     true,
		`{"field":"Other","fieldtype":"custom","fieldId":"customfield_10099"}`:       false,
		`{"field":"description","fieldtype":"jira","fieldId":"description"}`:         false, // It is read no longer.
		`{"field":"status","fieldtype":"jira"}`:                                      false,
		`{}`:                                                                         false,
	} {
		body := `{"webhookEvent":"jira:issue_updated","issue":{"id":"1","key":"A-1"},"changelog":{"items":[` + change + `]}}`
		e, err := Decode(delivery(Jira, []byte(body)), fields)
		if err != nil || (e.Ignored == "") != asks {
			t.Errorf("%s: %v, ignored %q", change, err, e.Ignored)
		}
	}
}

// The id of a check is the same for the same delivery and another one for the next.
func TestCheckIDs(t *testing.T) {
	t.Parallel()
	id := func(system System, body []byte, headers ...string) (string, []Seen) {
		e, err := Decode(delivery(system, body, headers...), nil)
		if err != nil {
			t.Fatal(err)
		}
		return e.CheckID, e.Seen
	}
	jira, _ := id(Jira, sample(t, "jira-created"))
	again, _ := id(Jira, sample(t, "jira-created"), "X-Atlassian-Webhook-Identifier", "made-up",
		"X-Atlassian-Webhook-Retry", "1")
	later, _ := id(Jira, changed(t, "jira-created", `"timestamp": 1795330800123`, `"timestamp": 1795330800124`))
	if jira != again || jira == later || !regexp.MustCompile(`^jira-MIG-17-[0-9a-f]{20}$`).MatchString(jira) {
		t.Errorf("jira: %s %s %s", jira, again, later)
	}
	// ServiceNow says nothing of what was changed: what is asked is what is compared.
	now, seen := id(ServiceNow, sample(t, "servicenow-incident"))
	commented, seenAfter := id(ServiceNow, changed(t, "servicenow-incident", `"sys_mod_count": "3"`,
		`"sys_mod_count": "4"`,
		"mia.krystof", "pgpreflight"))
	if now == commented || !reflect.DeepEqual(seen, seenAfter) || !seen[0].Moves {
		t.Errorf("servicenow: %s %s\n%+v\n%+v", now, commented, seen, seenAfter)
	}
	for field, change := range map[string][2]string{
		"description": {"Before wave", "After wave"}, "mode": {`"offline"`, `"online"`},
		"again": {`"sys_class_name"`, `"u_check_again": "2", "sys_class_name"`},
	} {
		_, other := id(ServiceNow, changed(t, "servicenow-incident", change[0], change[1]))
		if other[0].Key != seen[0].Key || other[0].Digest == seen[0].Digest {
			t.Errorf("servicenow, %s changed: %+v", field, other)
		}
	}
	one, by := id(Generic, sample(t, "generic-route"), "X-Delivery-Id", "d-1", "X-Timestamp", "1795330800")
	retried, byRetry := id(Generic, sample(t, "generic-route"), "X-Delivery-Id", "d-1", "X-Timestamp", "1795330900")
	copied, byCopy := id(Generic, sample(t, "generic-route"), "X-Delivery-Id", "d-2", "X-Timestamp", "1795330800")
	if one != retried || one == copied || by[1] != byRetry[1] || by[0] == byRetry[0] || by[0] != byCopy[0] ||
		by[1].Key == byCopy[1].Key || by[1].Field != "X-Delivery-Id" {
		t.Errorf("generic: %s %s %s\n%+v\n%+v\n%+v", one, retried, copied, by, byRetry, byCopy)
	}
}

// What is wrong is named as the ticket names it.
func TestProblems(t *testing.T) {
	t.Parallel()
	jira := func(description string) string {
		raw, _ := json.Marshal(description)
		return `{"webhookEvent":"jira:issue_created","issue":{"id":"1","key":"A-1","fields":{"description":` + string(raw) +
			`,"customfield_10042":"two words"}}}`
	}
	now := func(more string) string {
		return `{"sys_id":"` + strings.Repeat("a", 32) + `","number":"INC1"` + more + `}`
	}
	both := "source host: a.example.com\ntarget host: b.example.com\n"
	good := `{"version":1,"depth":"tls","source":{"host":"a"},"target":{"host":"b"}`
	for _, c := range []struct {
		name   string
		system System
		body   string
		field  string
		code   finding.Code
		fields Fields
	}{
		{"a list", Jira, `[]`, "", finding.RequestInvalid, nil},
		{"another type", Jira, `{"issue":{"key":1}}`, "issue.key", finding.RequestInvalid, nil},
		{"no key", Jira, `{"webhookEvent":"jira:issue_created","issue":{"key":"../x"}}`, "issue.key",
			finding.RequestInvalid, nil},
		{"nothing to check", Jira, jira("hello"), "description", finding.RequestInvalid, nil},
		{"no source", Jira, jira("target host: b"), "source host", finding.RequestInvalid, nil},
		{"no target", Jira, jira("source host: b"), "target host", finding.RequestInvalid, nil},
		{"a port", Jira, jira(both + "source port: postgres"), "source port", finding.RequestInvalid, nil},
		{"a large port", Jira, jira(both + "target port: 65536"), "target port", finding.RequestInvalid, nil},
		{"a mode", Jira, jira(both + "mode: fast"), "mode", finding.RequestInvalid, nil},
		{"a depth", Jira, jira(both + "depth: deeper"), "depth", finding.RequestInvalid, nil},
		{"a login", Jira, jira(both + "depth: login"), "depth", finding.RequestInvalid, nil},
		{"twice", Jira, jira(both + "source host: c"), "source host", finding.RequestInvalid, nil},
		{"a bidi override", Jira, jira("source host: a\u202eb\ntarget host: b"), "source host", finding.RequestInvalid, nil},
		{"an escape", Jira, jira("source host: \x1b[31ma\ntarget host: b"), "source host", finding.RequestInvalid, nil},
		{"a secret", Jira, jira("source host: postgres://u:hunter2@a\ntarget host: b"), "source host",
			finding.RequestSecretInline, nil},
		{"a route that is no name", Jira, jira("route: via ExpressRoute"), "route", finding.RequestInvalid, nil},
		{"a mapped field", Jira, jira(both), "customfield_10042", finding.RequestInvalid,
			Fields{Jira: {SourceHost: "customfield_10042"}}},
		{"a mapped description", Jira, jira(both), "customfield_10050", finding.RequestInvalid,
			Fields{Jira: {Description: "customfield_10050"}}},
		{"no record", ServiceNow, `{"number":"INC1"}`, "sys_id", finding.RequestInvalid, nil},
		{"no number", ServiceNow, now(`,"number":""`), "number", finding.RequestInvalid, nil},
		{"a column's port", ServiceNow, now(`,"u_source_host":"a","u_target_host":"b","u_source_port":"0"`), "u_source_port",
			finding.RequestInvalid, nil},
		{"an unknown field", Generic, `{"ticket":{"id":"1"},"reqest":{}}`, "reqest", finding.RequestInvalid, nil},
		{"no ticket", Generic, `{"route":"r"}`, "ticket.id", finding.RequestInvalid, nil},
		{"a ticket that does not print", Generic, `{"ticket":{"id":"a\u001bb"},"request":` + good + `}}`, "ticket.id",
			finding.RequestInvalid, nil},
		{"both", Generic, `{"ticket":{"id":"1"},"route":"r","request":{}}`, "route", finding.RequestInvalid, nil},
		{"a request", Generic, `{"ticket":{"id":"1"},"request":{"version":1}}`, "request.source", finding.RequestInvalid,
			nil},
		{"a password", Generic, `{"ticket":{"id":"1"},"request":` + good + `,"password":"x"}}`, "request.password",
			finding.RequestSecretInline, nil},
		{"another ticket", Generic, `{"ticket":{"id":"1"},"request":` + good +
			`,"notify":{"ticket":{"system":"jira","id":"A-1"}}}}`,
			"request.notify.ticket", finding.RequestInvalid, nil},
	} {
		e, err := Decode(delivery(c.system, []byte(c.body), "X-Delivery-Id", "d"), c.fields)
		if err == nil {
			if _, err = e.RouteName(); err == nil {
				_, err = e.Check(nil)
			}
		}
		wrong, ok := errors.AsType[*request.Problem](err)
		if !ok || wrong.Field != c.field || wrong.Code != c.code || wrong.Message == "" {
			t.Errorf("%s: %#v", c.name, err)
		}
		if ok && strings.Contains(wrong.Error(), "hunter2") {
			t.Errorf("%s: %v", c.name, wrong)
		}
	}
	if _, err := Decode(delivery(Generic, []byte(`{"ticket":{"id":"1"},"route":"r"}`)), nil); err == nil ||
		!strings.Contains(err.Error(), "X-Delivery-Id") {
		t.Errorf("no delivery id: %v", err)
	}
	for _, body := range []string{"", "{", "ping", strings.Repeat("[", 20_000)} {
		for _, system := range Systems() {
			if _, err := Decode(delivery(system, []byte(body)), nil); !errors.Is(err, ErrNotJSON) {
				t.Errorf("%s: %.20q: %v", system, body, err)
			}
		}
	}
}

// A ticket cannot send a route's credentials to other hosts.
func TestRoutesKeepTheirHosts(t *testing.T) {
	t.Parallel()
	for lines, field := range map[string]string{
		"":                                     "",
		"source host: ORDERS-db.corp.example.": "",
		"source port: 5433\ndepth: resolve":    "",
		"source host: evil.example.com":        "source host",
		"target host: evil.example.com":        "target host",
		"target port: 6432":                    "target port",
		"mode: fast":                           "mode",
		"depth: prerequisites":                 "", // The route has what a login needs.
	} {
		values, err := Lines(lines + "\nroute: orders-db")
		if err != nil {
			t.Fatal(err)
		}
		e := Event{System: Jira, ID: "A-1", CheckID: "c-1", Values: values}
		c, err := e.Check(json.RawMessage(storedRoute))
		wrong, refused := errors.AsType[*request.Problem](err)
		if refused != (field != "") || refused && wrong.Field != field {
			t.Errorf("%q: %v", lines, err)
		}
		if err == nil && (c.Source.Host != "orders-db.corp.example" || c.Notify.ReplyTo != "" || c.Notify.CallbackURL != "" ||
			c.Wave != "2026-12" || c.Source.Credential.Setting == "" || c.Notify.Ticket.ID != "A-1") {
			t.Errorf("%q: %+v", lines, c)
		}
	}
	shallow := `{"version":1,"depth":"tls","source":{"host":"a"},"target":{"host":"b"}}`
	e := Event{System: Jira, ID: "A-1", CheckID: "c-1", Values: Values{Route: {"r", "route"}, Depth: {"login", "u_depth"}}}
	if _, err := e.Check(json.RawMessage(shallow)); err == nil || !strings.Contains(err.Error(), "u_depth needs a login") {
		t.Errorf("a login of a route without credentials: %v", err)
	}
	if _, err := e.Check(json.RawMessage(`{`)); err == nil || !strings.Contains(err.Error(), "route names a route whose") {
		t.Errorf("a row that was written by hand: %v", err)
	}
}
