package ticket

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// A label is found in whatever a description is written in.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"source host: db.example.com", "SOURCE HOST : db.example.com", "Source_Host:db.example.com",
		"source-host = db.example.com",
		"  * Source host:   db.example.com  ", "- **Source host:** db.example.com", "1. Source host: `db.example.com`",
		"> source host: db.example.com", ">> _source host_: _db.example.com_", "h3. Source host: db.example.com",
		"bq. source host: db.example.com", "## Source host: db.example.com", "- [ ] source host: db.example.com",
		"* [x] source host: db.example.com",
		"||Source host||db.example.com||", "| **Source host** | `db.example.com` |", "|Source host:|db.example.com|",
		"| 1 | Source host | db.example.com | prod |", "|source host| |", "*Source host:* {{db.example.com}}",
		"source host: [db.example.com|http://db.example.com]", "source host: [db.example.com](http://db.example.com)",
		"source host: [db.example.com|http://db.example.com|smart-link]", "{color:#172b4d}source host: db.example.com{color}",
		"source host: “db.example.com”", "source\u00a0host:\u00a0db.example.com\u200b", "source host： db.example.com",
		"source host: <db.example.com>", "source host: db.example.com,", "\ufeffsource host: db.example.com\r",
		`source host: db.example\.com`, "• source host: db.example.com", "⇒ source host: db.example.com",
	} {
		values, err := Lines("before\n" + line + "\nafter")
		want := Values{SourceHost: {"db.example.com", "source host"}}
		if line == "|source host| |" {
			want = Values{}
		}
		if err != nil || !reflect.DeepEqual(values, want) {
			t.Errorf("%q: %v, %v", line, values, err)
		}
	}
}

func TestLinesThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "source host", "source host:", "source host: -", "source host: ?", "the source host: db.example.com",
		"my source host is: db", "model: T", "depths: 3", "routes: a", "source: db", "host: db", "source port :",
		"||source host||target host||", "resource host: a", strings.Repeat("x", 5000) + "\u00a0source host: db",
		"source host:" + strings.Repeat(" ", 5000) + "db",
	} {
		if values, err := Lines(line); err != nil || len(values) > 0 {
			t.Errorf("%.60q: %v, %v", line, values, err)
		}
	}
}

func TestLinesTogether(t *testing.T) {
	t.Parallel()
	values, err := Lines("depth: TLS\r\n| source host | a | source port | 5,432 |\r" +
		"TARGET PORT: 6432\u2028target host: ::1\nroute: orders-db\nmode: online\nsource host: A")
	want := Values{SourceHost: {"A", "source host"}, SourcePort: {"5432", "source port"}, TargetHost: {"::1",
		"target host"},
		TargetPort: {"6432", "target port"}, Route: {"orders-db", "route"}, Mode: {"online", "mode"}, Depth: {"TLS", "depth"}}
	if err != nil || !reflect.DeepEqual(values, want) {
		t.Errorf("%v, %v", values, err)
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a < b":                         "a < b",
		"<p>a<br>b</p>c":                "a\nb\nc",
		"<tr><td>a</td><td>b</td></tr>": "a|b|\n",
		"source host: &lt;x&gt;&nbsp;":  "source host: <x>\u00a0",
		"<db.example.com> <script>":     "<db.example.com> <script>",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		``: "", `null`: "", `true`: "", `"a"`: "a", `5432`: "5432", `5432.0`: "5432.0", `[]`: "", `["a","b"]`: "a",
		`{"value":"a"}`: "a", `[{"value":"a"}]`: "a", `{"value":"5432","display_value":"5,432"}`: "5432",
		`{"value":"","display_value":"a"}`: "a", `{"display_value":"a","link":"https://x"}`: "a",
		`{"value":"0123","display_value":"a","link":"https://x"}`: "a", `{"value":{"value":"a"}}`: "", `[["a"]]`: "",
		`{"name":"a"}`: "a", `{"value":`: "",
		`{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]}`: "a",
		`{"type":"doc","content":7}`: "",
		`{"type":"doc","content":[{"type":"rule"},{"type":"embedCard","attrs":{"url":"u"}}]}`: "u",
		`{"type":"doc","content":[{"type":"tableRow","content":[` +
			`{"content":[{"type":"p","content":[{"type":"text","text":"a"}]},` +
			`{"type":"p","content":[{"type":"text","text":"b"}]}]}]}]}`: "a\nb",
	} {
		if got := valueOf(json.RawMessage(raw)); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	deep := strings.Repeat(`{"type":"panel","content":[`, 3000) + strings.Repeat(`]}`, 3000)
	if got := valueOf(json.RawMessage(`{"type":"doc","content":[` + deep + `]}`)); got != "" {
		t.Errorf("a deep document: %q", got)
	}
	if got := valueOf(json.RawMessage(`{"type":"doc","content":[` + strings.Repeat(`{},`, maxDocument/3) +
		`{}]}`)); got != "" {
		t.Errorf("a large document: %.80q", got)
	}
	for text, want := range map[string]string{"5432": "5432", "5,432": "5432", "5.432": "5432", "5432.0": "5432",
		"5 432": "5 432",
		"1,2":   "1,2", "5432.5": "5432.5"} {
		if got := number(SourcePort, text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	fields, err := ParseFields(json.RawMessage(`{"jira":{"sourceHost":"customfield_10042"},` +
		`"servicenow":{"route":"u_db.u_route"}}`))
	if err != nil || fields.of(Jira, SourceHost) != "customfield_10042" || fields.of(Jira, Route) != "" ||
		fields.of(ServiceNow, Route) != "u_db.u_route" || fields.of(ServiceNow, SourceHost) != "u_source_host" ||
		fields.of(Jira, Description) != "description" || fields.of(ServiceNow, Again) != "u_check_again" {
		t.Errorf("%v, %v", fields, err)
	}
	for raw, want := range map[string]string{
		`[]`: "JSON object", `null`: "JSON object", `{"redmine":{}}`: `"redmine"`, `{"generic":{}}`: `"generic"`,
		`{"jira":{"sourcehost":"x"}}`: `jira: "sourcehost"`, `{"jira":{"route":""}}`: "jira.route",
		`{"jira":{"route":"a b"}}`: "jira.route", `{"jira":{"route":1}}`: "JSON object",
		`{"servicenow":{"mode":"u_x","depth":"u_x"}}`: "servicenow.mode: has the same field as depth",
	} {
		if _, err := ParseFields(json.RawMessage(raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
