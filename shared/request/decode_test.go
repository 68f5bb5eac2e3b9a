package request_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func decode(t *testing.T, body, fallbackID string) request.Check {
	t.Helper()
	check, err := request.Decode([]byte(body), fallbackID)
	if err != nil {
		t.Fatalf("Decode(%s): %v", body, err)
	}
	return check
}

func problem(t *testing.T, body, fallbackID string) *request.Problem {
	t.Helper()
	check, err := request.Decode([]byte(body), fallbackID)
	wrong, ok := errors.AsType[*request.Problem](err)
	if !ok {
		t.Fatalf("Decode(%.200s) = %v, %v, want a *Problem", body, check, err)
	}
	if !reflect.DeepEqual(check, request.Check{}) {
		t.Errorf("Decode(%.200s) gives a check beside the problem: %v", body, check)
	}
	return wrong
}

// with changes one field, by path, of a JSON object; value is JSON, and "" takes the field away.
func with(t *testing.T, body, path, value string) string {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal([]byte(body), &root); err != nil {
		t.Fatal(err)
	}
	keys := strings.Split(path, ".")
	object := root
	for _, key := range keys[:len(keys)-1] {
		if _, there := object[key].(map[string]any); !there {
			object[key] = map[string]any{}
		}
		object, _ = object[key].(map[string]any)
	}
	last := keys[len(keys)-1]
	object[last] = json.RawMessage(value)
	if value == "" {
		delete(object, last)
	}
	raw, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestSampleOfTheContract(t *testing.T) {
	t.Parallel()
	want := request.Check{
		Version: 1, ID: "orders-2026-11-22T07", Route: "orders-db", Wave: "2026-12",
		Mode: request.Online, Depth: request.DepthPrerequisites,
		Scenario: request.Scenario{
			Source: request.SourcePlace{Kind: request.AmazonRDS, Access: request.Private},
			Target: request.TargetPlace{Access: request.VNetIntegrated},
		},
		Source: request.Endpoint{
			Host: "orders.abc123.eu-west-1.rds.amazonaws.com", Port: 5432, Databases: []string{"orders"},
			User: "migrator", Credential: request.Credential{Setting: "ORDERS_SOURCE_PASSWORD"},
			TLS: request.TLS{Mode: request.TLSRequire},
		},
		Target: request.Endpoint{
			Host: "orders.postgres.database.azure.com", Port: 5432, Databases: []string{"postgres"},
			User: "migrator@contoso.com", Credential: request.Credential{Entra: true},
			TLS: request.TLS{Mode: request.TLSVerifyFull},
		},
		TimeoutSeconds: 30, RequestedBy: "pipeline:orders",
	}
	if got := decode(t, sample, "m-1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := request.Check{
		Version: 1, ID: "m-1", Mode: request.Offline, Depth: request.DepthTLS, TimeoutSeconds: 30,
		Source: request.Endpoint{Host: "s", Port: 5432, TLS: request.TLS{Mode: request.TLSRequire}},
		Target: request.Endpoint{Host: "t", Port: 5432, Databases: []string{"postgres"},
			TLS: request.TLS{Mode: request.TLSRequire}},
	}
	if got := decode(t, shallow, "m-1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	runtime := decode(t, with(t, shallow, "runtimeServer", `{"host":"r"}`), "m-1").RuntimeServer
	if runtime == nil || runtime.Port != 5432 || !reflect.DeepEqual(runtime.Databases, []string{"postgres"}) {
		t.Errorf("runtime server %+v lacks the defaults of a target", runtime)
	}
	if got := decode(t, with(t, sample, "depth", ""), "").Depth; got != request.DepthPrerequisites {
		t.Errorf("default depth is %q", got)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	own := with(t, shallow, "id", `"own"`)
	event := func(id, body string) string { return fmt.Sprintf(`{"specversion":"1.0","id":%q,"data":%s}`, id, body) }
	tests := []struct{ name, body, fallback, want string }{
		{"its own", own, "m-1", "own"},
		{"the message's", shallow, "m-1", "m-1"},
		{"the message's, out of alphabet", shallow, "m 1", "msg-6f7e3e2640ab22066d92c30f156077d1"},
		{"the message's, too long", shallow, strings.Repeat("m", 65), "msg-676fc2b538902dd46ab4f093f1cfd8d2"},
		{"neither", shallow, "", ""},
		{"its own inside an event", event("e-1", own), "m-1", "own"},
		{"the message's before the event's", event("e-1", shallow), "m-1", "m-1"},
		{"the event's", event("e-1", shallow), "", "e-1"},
		{"the event's, a URI", event("a/b", shallow), "", "msg-c14cddc033f64b9dea80ea675cf280a0"},
	}
	for _, test := range tests {
		if got := decode(t, test.body, test.fallback).ID; got != test.want {
			t.Errorf("%s: got id %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	cloud := `{"specversion":"1.0","id":"e","source":"/p/42","type":"T","datacontenttype":"application/json",` +
		`"someextension":"x","data":` + sample + `}`
	grid := `{"id":"e","topic":"/t","subject":"s","eventType":"T","dataVersion":"1.0","eventTime":"2026-11-20T09:39:58Z",` +
		`"data":` + sample + `}`
	encoded := `{"specversion":"1.0","id":"e","source":"/p/42","type":"T","data_base64":"` +
		base64.StdEncoding.EncodeToString([]byte(sample)) + `"}`
	want := decode(t, sample, "")
	for name, body := range map[string]string{
		"CloudEvents": cloud, "Event Grid": grid, "CloudEvents, base64": encoded,
		"list of one CloudEvents": "[" + cloud + "]", "list of one Event Grid": "[" + grid + "]",
		"list of one base64":   "[" + encoded + "]",
		"charset in the type":  strings.Replace(cloud, `"application/json"`, `"application/json; charset=utf-8"`, 1),
		"+json type":           strings.Replace(cloud, `"application/json"`, `"application/vnd.x+json"`, 1),
		"a byte order mark":    "\xef\xbb\xbf" + sample,
		"space around":         "\r\n\t " + sample + "\n",
		"data_base64 and null": strings.Replace(encoded, `"data_base64"`, `"data":null,"data_base64"`, 1),
	} {
		if got := decode(t, body, ""); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	tests := []struct{ name, body, field, message string }{
		{"empty", "", "", "is empty"},
		{"blank", " \n", "", "is empty"},
		{"not JSON", "hello", "", "is not JSON: line 1"},
		{"where it stops being JSON", "{\n \"version\": 1,\n oops}", "", "line 3"},
		{"cut off", `{"version":1,"source":{`, "", "ends in the middle"},
		{"cut off in a text", `{"version":"1`, "", "ends in the middle"},
		{"no comma", `{"version":1 "id":"x"}`, "", "is not JSON"},
		{"comma at the end", `{"version":1,}`, "", "is not JSON"},
		{"comma at the end of a list", `[1,]`, "", "is not JSON"},
		{"number as key", `{1:2}`, "", "is not JSON"},
		{"crossed brackets", `{"a":[}`, "", "is not JSON"},
		{"comment", `{} // x`, "", "something after its end"},
		{"two values", shallow + shallow, "", "something after its end"},
		{"not UTF-8", "{\"id\":\"\xff\"}", "", "not UTF-8"},
		{"deep", deep, "", "nested more than 32"},
		{"deep list", strings.Repeat("[", 100000), "", "nested more than 32"},
		{"too long", strings.Repeat(" ", request.MaxBody+1), "", "262145 bytes"},
		{"null", "null", "", "must be an object, not null"},
		{"a text", `"x"`, "", "must be an object, not a text"},
		{"a number", "1", "", "must be an object, not a number"},
		{"a list of a request", "[" + shallow + "]", "", "one request"},
		{"an empty list", "[]", "", "one request"},
		{"a list of two events", `[{"specversion":"1.0"},{"specversion":"1.0"}]`, "", "one request"},
		{"duplicate", `{"version":1,"source":{"host":"a","host":"b"}}`, "source.host", "twice"},
		{"duplicate in a list", `{"x":[{"a":1,"a":1}]}`, "x[0].a", "twice"},
		{"an unknown specversion", `{"specversion":"0.3","data":{}}`, "specversion", `"1.0"`},
		{"specversion as number", `{"specversion":1.0,"data":{}}`, "specversion", `"1.0"`},
		{"an event without data", `{"specversion":"1.0"}`, "data", "object"},
		{"an event with a text", `{"eventType":"T","data":"x"}`, "data", "object"},
		{"XML data", `{"specversion":"1.0","datacontenttype":"application/xml","data":{}}`, "datacontenttype", "json"},
		{"bad base64", `{"specversion":"1.0","data_base64":"%"}`, "data_base64", "base64"},
		{"base64 that is no text", `{"specversion":"1.0","data_base64":1}`, "data_base64", "base64"},
		{"two data", `{"specversion":"1.0","data":{},"data_base64":"e30="}`, "data_base64", "beside"},
		{"base64 of no JSON", `{"specversion":"1.0","data_base64":"eA=="}`, "", "is not JSON"},
		{"an event in an event", `{"specversion":"1.0","data":{"specversion":"1.0","data":{}}}`, "version", "required"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := problem(t, test.body, "")
			if got.Code != finding.RequestInvalid || got.Field != test.field || !strings.Contains(got.Message, test.message) {
				t.Errorf("got %+v, want field %q and %q", got, test.field, test.message)
			}
		})
	}
}

func TestLargestBodyIsRead(t *testing.T) {
	t.Parallel()
	decode(t, shallow+strings.Repeat(" ", request.MaxBody-len(shallow)), "")
}

func TestSalvage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, fallback string
		want                 request.Problem
	}{
		{"all sound", with(t, sample, "mode", `"x"`), "m-1",
			request.Problem{ID: "orders-2026-11-22T07", Route: "orders-db", Wave: "2026-12", RequestedBy: "pipeline:orders"}},
		{"all unsound", `{"id":"a b","route":1,"wave":"` + strings.Repeat("w", 65) + `","requestedBy":"a\nb"}`, "m-1",
			request.Problem{ID: "m-1"}},
		{"not JSON", "hello", "m 1", request.Problem{ID: "msg-6f7e3e2640ab22066d92c30f156077d1"}},
		{"nothing", "hello", "", request.Problem{}},
		{"after a secret", `{"password":"x","id":"i","route":"r","requestedBy":"me"}`, "m-1",
			request.Problem{ID: "i", Route: "r", RequestedBy: "me"}},
		{"the secret itself", `{"id":"i","requestedBy":"password=hunter2"}`, "", request.Problem{ID: "i"}},
		{"after a duplicate", `{"route":"r","x":1,"x":2,"wave":"w"}`, "", request.Problem{Route: "r", Wave: "w"}},
		{"inside an event", `{"specversion":"1.0","id":"e","data":{"route":"r"}}`, "", request.Problem{ID: "e", Route: "r"}},
		{"inside base64", `{"specversion":"1.0","id":"e","data_base64":"` +
			base64.StdEncoding.EncodeToString([]byte(`{"password":"x","route":"r"}`)) + `"}`, "m-1",
			request.Problem{ID: "m-1", Route: "r"}},
		{"cut off", `{"route":"r","x":`, "", request.Problem{Route: "r"}},
	}
	for _, test := range tests {
		got := problem(t, test.body, test.fallback)
		got.Code, got.Field, got.Message = "", "", ""
		if *got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, *got, test.want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	full := with(t, sample, "runtimeServer", `{"host":"r","user":"u","credential":{"keyVaultSecret":`+
		`"https://kv-1.vault.azure.net/secrets/pw/0123abc"},"tls":{"mode":"disable","rootsSetting":"EXTRA_ROOTS"}}`)
	for path, value := range map[string]string{
		"serverVantage": "true", "scenario.sameVirtualNetwork": "true", "source.address": `"10.1.2.3"`,
		"source.databases":       `["a","ünï","with space"]`,
		"notify":                 `{"replyTo":"q/x","callbackUrl":"https://h.example.com/a?b=c&d=<e>","ticket":{"system":"jira","id":"A-1"}}`,
		"azure.targetResourceId": `"/subscriptions/0-1/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/x"`,
		"azure.vantageSubnetId":  `"/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s"`,
	} {
		full = with(t, full, path, value)
	}
	for _, body := range []string{sample, shallow, full} {
		once := decode(t, body, "m-1")
		again := decode(t, string(once.JSON()), "")
		if !reflect.DeepEqual(once, again) {
			t.Errorf("got\n%+v\nafter the round trip, want\n%+v", again, once)
		}
	}
}
