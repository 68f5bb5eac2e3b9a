package invocation

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	checkJSON = `{"schemaVersion":1,"checkId":"c-0001","environment":"prod-weu",` +
		`"requestedAt":"2026-11-20T09:29:58.417Z","targets":["pg-01","pg-02"],"options":{"timeoutSeconds":30}}`
	hostileJSON = `{"checkId":"c-0666","DeliveryCount":0,"messageId":"spoofed","CorrelationId":{"nested":true},` +
		`"sys":"spoofed","fooTrigger":"dropped","when":"2026-11-20T11:29:58+02:00"}`
	systemTime = "2026-11-20T09:29:58.6312345Z"
)

// TestQueueBodies wants the golden bodies byte for byte.
func TestQueueBodies(t *testing.T) {
	t.Parallel()
	text, binary, dead := jsonMessage(), jsonMessage(), jsonMessage()
	hostile := plainMessage("m-0001", 45, "application/json")
	text2, bytes3 := plainMessage("m-0002", 43, "text/plain"), plainMessage("m-0003", 44, "application/octet-stream")
	text2.DeliveryCount, text2.Body = 3, []byte("ping 'zürich' <1&2>\nsecond \"line\"")
	bytes3.Body = []byte{0, 1, 2, 0xfe, 0xff, 0x1f, 0x8b}
	dead.DeliveryCount = 11
	dead.Properties = []Property{{"source", "ado-pipeline"}, {"DeadLetterReason", "MaxDeliveryCountExceeded"},
		{"DeadLetterErrorDescription", "Message could not be consumed after 10 delivery attempts."}}
	hostile.Body = []byte(hostileJSON)
	cases := []struct {
		file, function, id string
		binary             bool
		message            QueueMessage
	}{
		{"01-servicebus-queue-json", "RunCheck", "24ad4c06-24ad-4e5b-8294-3da9714877e9", false, text},
		{"02-servicebus-queue-text", "RunCheck", "5e9d3f0a-7b0c-4f0a-9b61-0d1f9a3a7c02", false, text2},
		{"03-servicebus-queue-binary-dataType-binary", "RunCheck", "0b7d2a64-3c55-4b7a-9d35-0e2f6c6d1a03", true, bytes3},
		{"03b-servicebus-queue-json-dataType-binary", "RunCheck", "24ad4c06-24ad-4e5b-8294-3da9714877e9", true, binary},
		{"05-servicebus-deadletter", "RecordDeadLetter", "d5b7cf6a-6f6f-4b8e-8f2e-7c9e5a1b2c05", false, dead},
		{"06-servicebus-body-overrides-metadata", "RunCheck", "", false, hostile},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			system := System{Function: c.function, Now: at(t, systemTime), ID: c.id}
			got, err := Queue("message", c.binary, c.message, system)
			wantExactly(t, c.file, got, err)
		})
	}
}

func plainMessage(id string, sequence int64, contentType string) QueueMessage {
	return QueueMessage{
		MessageID:      id,
		ContentType:    contentType,
		SequenceNumber: sequence,
		DeliveryCount:  1,
		LockToken:      "7ebe3bcf-bae7-455e-99ea-568500a75173",
		EnqueuedTime:   time.Date(2026, 11, 20, 9, 29, 58, 417e6, time.UTC),
		Namespace:      "sb-example.servicebus.windows.net",
		Client:         "sb-example.servicebus.windows.net-8a1b7a0e-5d0e-4f0e-8a39-2f4d3f0d9b11",
	}
}

func jsonMessage() QueueMessage {
	message := plainMessage("m-0001", 42, "application/json")
	message.Body = []byte(checkJSON)
	message.Subject = "check.requested"
	message.CorrelationID = "corr-77"
	message.Properties = []Property{{"source", "ado-pipeline"}, {"attempt", 2}, {"dryRun", false}}
	return message
}

func TestTimerBodies(t *testing.T) {
	t.Parallel()
	system := System{"ScheduleReadiness", at(t, "2026-11-20T09:30:00.0095432Z"), "3c5b1b0a-9a4e-4a1f-8f0a-5f1d2e3c4b06"}
	onTime := &Schedule{at(t, "2026-11-20T09:25:00Z"), at(t, "2026-11-20T09:30:00Z"), at(t, "2026-11-20T09:25:00Z")}
	late := &Schedule{at(t, "2026-11-20T08:55:00Z"), at(t, "2026-11-20T09:00:00Z"), at(t, "2026-11-20T08:55:00Z")}

	got, err := Timer("timer", onTime, false, system)
	wantExactly(t, "07-timer-useMonitor", got, err)
	got, err = Timer("timer", nil, false, system)
	wantExactly(t, "08-timer-no-monitor", got, err)

	// The local host simulates no retry policy, so the past-due fixture is compared without its RetryContext.
	got, err = Timer("timer", late, true, system)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(fixture(t, "09-timer-pastdue-with-retry-policy"),
		`,"RetryContext":{"RetryCount":0,"MaxRetryCount":2,"State":{}}`, "", 1)
	if string(got) != want {
		t.Errorf("past due:\ngot  %s\nwant %s", got, want)
	}
}

func TestEventBodies(t *testing.T) {
	t.Parallel()
	grid := `{"id":"eg-1","topic":"/subscriptions/0000/resourceGroups/rg/providers/Microsoft.EventGrid/topics/migration",` +
		`"subject":"pipelines/42","eventType":"Migration.Completed","data":{"server":"pg-01","ok":true},` +
		`"dataVersion":"1.0","metadataVersion":"1","eventTime":"2026-11-20T09:39:58.1234567Z"}`
	cloud := `{"specversion":"1.0","id":"ce-1","source":"/pipelines/42","type":"Migration.Completed",` +
		`"time":"2026-11-20T09:39:58Z","datacontenttype":"application/json","data":{"server":"pg-01","ok":true}}`
	system := System{"AcceptPipelineEvent", at(t, "2026-11-20T09:40:00Z"), "1d4f8c3e-7a2b-4c9d-8e1f-0a9b8c7d6e10"}
	for file, event := range map[string]string{"13-eventgrid-eventgridschema": grid, "14-eventgrid-cloudevents": cloud} {
		got, err := Event("event", []byte(event), system)
		wantExactly(t, file, got, err)
	}
	for _, event := range []string{`[]`, `1`, `{`, ``} {
		if got, err := Event("event", []byte(event), system); err == nil {
			t.Errorf("%q: got %s", event, got)
		}
	}
	if got, err := Event("event", []byte(`{"id":"e","data":[1]}`), system); err != nil || strings.Contains(string(got), `"data":`) {
		t.Errorf("a list as data: %s, %v", got, err)
	}
}

func TestHTTPBodies(t *testing.T) {
	t.Parallel()
	const host, now = "app-example.azurewebsites.net", "2026-11-20T09:31:02.1234567Z"
	jira, inc, latest, rawSystem, one := "jira", "INC-42", "latest", "raw", "1"

	got, err := HTTP("request", HTTPRequest{
		URL:    "https://" + host + "/api/hooks/jira/INC-42?code=FUNCTION_KEY_REDACTED&dryRun=1",
		Method: "POST",
		Query:  []Field{{"code", []string{"FUNCTION_KEY_REDACTED"}}, {"dryRun", []string{"1"}}},
		Headers: []Field{{"Accept", []string{"*/*"}}, {"Host", []string{host}},
			{"User-Agent", []string{"Atlassian Webhook HTTP Client"}},
			{"Content-Type", []string{"application/json; charset=utf-8"}}, {"Content-Length", []string{"85"}},
			{"X-Hub-Signature", []string{"sha256=abc123"}}, {"X-Forwarded-For", []string{"203.0.113.7:51022", "10.0.0.4"}}},
		Params:  []Param{{"system", &jira}, {"id", &inc}},
		KeyName: "default",
		Body:    []byte(`{"event":"ticket.updated","ticket":{"id":"INC-42","state":"approved"},"labels":["a"]}`),
	}, System{"AcceptTicket", at(t, now), "71f2c6f4-9c1d-4a86-b5d6-2f0d3a5b7c07"})
	wantExactly(t, "10-http-post-webhook", got, err)

	got, err = HTTP("request", HTTPRequest{
		URL:     "https://" + host + "/api/reports/latest?format=html",
		Method:  "GET",
		Query:   []Field{{"format", []string{"html"}}},
		Headers: []Field{{"Accept", []string{"text/html"}}, {"Host", []string{host}}},
		Params:  []Param{{"name", &latest}},
	}, System{"Checks", at(t, now), "c2d9a1a4-1f57-4b64-8a9b-9d5e7f3a1b08"})
	wantExactly(t, "11-http-get-report", got, err)

	got, err = HTTP("request", HTTPRequest{
		URL:    "https://" + host + "/api/hooks/raw/1",
		Method: "POST",
		Headers: []Field{{"Host", []string{host}}, {"Content-Type", []string{"application/octet-stream"}},
			{"Content-Length", []string{"4"}}},
		Params: []Param{{"system", &rawSystem}, {"id", &one}},
		Body:   []byte{0xde, 0xad, 0xbe, 0xef},
	}, System{"AcceptTicket", at(t, now), "e2a6d6d5-0f8e-4d6b-9c5a-6b1a2d3f4c09"})
	wantExactly(t, "12-http-post-octet-stream", got, err)
}

func TestMissingRouteParameterIsNullInParamsAndAbsentInMetadata(t *testing.T) {
	t.Parallel()
	text, err := HTTP("request", HTTPRequest{Method: "GET", Params: []Param{{"id", nil}}}, System{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"Params":{"id":null}`) || strings.Count(string(text), `"id"`) != 1 {
		t.Errorf("got %s", text)
	}
}

func TestQueryNamedSysMovesTheSystemEntry(t *testing.T) {
	t.Parallel()
	request := HTTPRequest{Query: []Field{{"sys", []string{"mine"}}}}
	text, err := HTTP("request", request, System{Function: "F"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"sys":"\"mine\""`) || !strings.Contains(string(text), `"$sys":{"MethodName":"F"`) {
		t.Errorf("got %s", text)
	}
}

func TestPromotion(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		`{"a":true,"b":false,"c":1.5}`:         `{"a":"True","b":"False","c":"1.5"}`,
		`{"d":null,"e":[1],"f":{"g": [1, 2]}}`: `{"f":{"g":[1,2]}}`,
		`{"at":"2026-11-20T09:29:58"}`:         `{"at":"11/20/2026 09:29:58"}`,
		`{"at":"2026-11-20"}`:                  `{"at":"2026-11-20"}`,
		`{"at":"2026-13-40T99:29:58Z"}`:        `{"at":"2026-13-40T99:29:58Z"}`,
		`{"a":"1"} {"b":"2"}`:                  `{}`,
		`["a"]`:                                `{}`,
		`{"a":`:                                `{}`,
		``:                                     `{}`,
	}
	for text, want := range cases {
		metadata := &object{}
		promote(metadata, text)
		got, err := encode(metadata)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestEmptyMessageIsAnEmptyString(t *testing.T) {
	t.Parallel()
	text, err := Queue("message", true, plainMessage("m", 1, ""), System{})
	if err != nil || !strings.HasPrefix(string(text), `{"Data":{"message":""}`) {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestUnprintablePropertyIsAnError(t *testing.T) {
	t.Parallel()
	message := plainMessage("m", 1, "")
	message.Properties = []Property{{"bad", make(chan int)}}
	if _, err := Queue("message", true, message, System{}); err == nil {
		t.Error("a value that JSON cannot show was accepted")
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../testdata/requests/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func wantExactly(t *testing.T, name string, got []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if want := fixture(t, name); string(got) != want {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
	if !json.Valid(got) {
		t.Errorf("%s: not JSON", name)
	}
}
