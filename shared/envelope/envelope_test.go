package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const checkBody = `{"schemaVersion":1,"checkId":"c-0001","environment":"prod-weu",` +
	`"requestedAt":"2026-11-20T09:29:58.417Z","targets":["pg-01","pg-02"],"options":{"timeoutSeconds":30}}`

var enqueued = time.Date(2026, 11, 20, 9, 29, 58, 0, time.UTC)

// fixtures are asserted one by one; TestEveryFixtureIsAsserted keeps the list complete.
var fixtures = map[string]func(*testing.T, Invocation){
	"01-servicebus-queue-json.json": func(t *testing.T, i Invocation) {
		wantBytes(t, i, "message", checkBody)
		wantTrusted(t, i, "message", false)
		wantQueueMetadata(t, i.Claimed())
	},
	"02-servicebus-queue-text.json": func(t *testing.T, i Invocation) {
		wantBytes(t, i, "message", "ping 'zürich' <1&2>\nsecond \"line\"")
		wantTrusted(t, i, "message", false)
		if got := i.Claimed().DeliveryCount(); got != 3 {
			t.Errorf("DeliveryCount = %d, want 3", got)
		}
	},
	"03-servicebus-queue-binary-dataType-binary.json": func(t *testing.T, i Invocation) {
		wantBytes(t, i, "message", "\x00\x01\x02\xfe\xff\x1f\x8b")
		wantTrusted(t, i, "message", true)
		meta := i.Metadata("message")
		if meta.MessageID() != "m-0003" || meta.ContentType() != "application/octet-stream" || meta.CorrelationID() != "" {
			t.Errorf("metadata: %q %q %q", meta.MessageID(), meta.ContentType(), meta.CorrelationID())
		}
	},
	"03b-servicebus-queue-json-dataType-binary.json": func(t *testing.T, i Invocation) {
		wantBytes(t, i, "message", checkBody)
		wantTrusted(t, i, "message", true)
		wantQueueMetadata(t, i.Metadata("message"))
	},
	"04-servicebus-queue-batch-dataType-string.json": func(t *testing.T, i Invocation) {
		var messages []string
		if err := i.Into("messages", &messages); err != nil {
			t.Fatal(err)
		}
		if want := []string{`{"checkId":"c-0001"}`, `{"checkId":"c-0002"}`}; !reflect.DeepEqual(messages, want) {
			t.Errorf("messages = %q, want %q", messages, want)
		}
		wantTrusted(t, i, "messages", false)
		if id := i.Claimed().MessageID(); id != "" {
			t.Errorf("a batch has no message id of its own, got %q", id)
		}
	},
	"05-servicebus-deadletter.json": func(t *testing.T, i Invocation) {
		wantBytes(t, i, "message", checkBody)
		wantTrusted(t, i, "message", false)
		meta := i.Claimed()
		if got := meta.DeadLetterReason(); got != "MaxDeliveryCountExceeded" {
			t.Errorf("DeadLetterReason = %q", got)
		}
		if got := meta.DeadLetterDescription(); got != "Message could not be consumed after 10 delivery attempts." {
			t.Errorf("DeadLetterDescription = %q", got)
		}
		if got := meta.DeliveryCount(); got != 11 {
			t.Errorf("DeliveryCount = %d, want 11", got)
		}
	},
	"06-servicebus-body-overrides-metadata.json": func(t *testing.T, i Invocation) {
		wantTrusted(t, i, "message", false)
		if got := i.Claimed().MessageID(); got != "spoofed" {
			t.Errorf("claimed MessageID = %q: the fixture no longer shows the overwriting", got)
		}
		if got := i.Claimed().CorrelationID(); got != "" {
			t.Errorf("CorrelationID of an object = %q, want none", got)
		}
		if meta := i.Metadata("message"); meta.MessageID() != "" || meta.SequenceNumber() != 0 {
			t.Errorf("metadata of an overwritten invocation was given out: %v", meta)
		}
	},
	"07-timer-useMonitor.json": func(t *testing.T, i Invocation) {
		wantTimer(t, i, Timer{
			Last: time.Date(2026, 11, 20, 9, 25, 0, 0, time.UTC), Next: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC),
		})
	},
	"08-timer-no-monitor.json": func(t *testing.T, i Invocation) { wantTimer(t, i, Timer{}) },
	"09-timer-pastdue-with-retry-policy.json": func(t *testing.T, i Invocation) {
		wantTimer(t, i, Timer{
			IsPastDue: true,
			Last:      time.Date(2026, 11, 20, 8, 55, 0, 0, time.UTC), Next: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		})
	},
	"10-http-post-webhook.json": func(t *testing.T, i Invocation) {
		wantHTTP(t, i, "POST", `{"event":"ticket.updated","ticket":{"id":"INC-42","state":"approved"},"labels":["a"]}`)
	},
	"11-http-get-report.json":        func(t *testing.T, i Invocation) { wantHTTP(t, i, "GET", "") },
	"12-http-post-octet-stream.json": func(t *testing.T, i Invocation) { wantHTTP(t, i, "POST", "3q2+7w==") },
	"13-eventgrid-eventgridschema.json": func(t *testing.T, i Invocation) {
		wantEvent(t, i, "eg-1", "eventType", "Migration.Completed")
	},
	"14-eventgrid-cloudevents.json": func(t *testing.T, i Invocation) {
		wantEvent(t, i, "ce-1", "type", "Migration.Completed")
	},
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	for name, assert := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert(t, decodeFile(t, name))
		})
	}
}

func TestEveryFixtureIsAsserted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/requests/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		if _, ok := fixtures[filepath.Base(file)]; !ok {
			t.Errorf("%s is decoded by no test", file)
		}
	}
}

func TestBytesTellsTheFormsApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, data string
		want       string
		trusted    bool
	}{
		{"empty bytes", `""`, "", true},
		{"empty text", `"\"\""`, "", false},
		{"text that looks like base64", `"\"done\""`, "done", false},
		{"bytes that look like quoted text", quote(base64.StdEncoding.EncodeToString([]byte(`"done"`))), `"done"`, true},
		{"text that was encoded once, by an old host", `"{\"version\":1}"`, `{"version":1}`, false},
		{"base64 with line breaks is not the host's", `"AAEC\n"`, "AAEC\n", false},
		{"an object as it is", `{"a": 1}`, `{"a": 1}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i, err := Decode(strings.NewReader(`{"Data":{"message":` + test.data + `},"Metadata":{}}`))
			if err != nil {
				t.Fatal(err)
			}
			wantBytes(t, i, "message", test.want)
			wantTrusted(t, i, "message", test.trusted)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"nothing": "", "null": "null", "an array": "[]", "no data": `{"Metadata":{}}`, "data that is text": `{"Data":"x"}`,
		"a cut body": `{"Data":{"message":"AAEC"`, "two bodies": `{"Data":{}}{"Data":{}}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Decode(strings.NewReader(body)); err == nil {
				t.Errorf("Decode(%q) gave no error", body)
			}
		})
	}
}

func TestMissingBinding(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{}`, `{"message":null}`} {
		i, err := Decode(strings.NewReader(`{"Data":` + data + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Bytes("message"); err == nil || !strings.Contains(err.Error(), "message") {
			t.Errorf("Bytes of %s: error %v does not name the binding", data, err)
		}
		if i.Trusted("message") {
			t.Errorf("metadata of %s is trusted without a message", data)
		}
	}
}

// A message over the limit is refused, but the invocation can still be told apart by its metadata: else a dead-letter
// queue would give it back for ever.
func TestMessageOfTwoMegabytes(t *testing.T) {
	t.Parallel()
	message := base64.StdEncoding.EncodeToString(make([]byte, 2<<20))
	body := `{"Data":{"message":"` + message + `"},"Metadata":{"MessageId":"\"m-1\""}}`
	i, err := Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Bytes("message"); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "2097152 bytes") {
		t.Errorf("error %v does not say what is too large", err)
	}
	if got := i.Metadata("message").MessageID(); got != "m-1" {
		t.Errorf("MessageID = %q, want m-1", got)
	}
	largest := base64.StdEncoding.EncodeToString(make([]byte, MaxMessage))
	if i, err = Decode(strings.NewReader(`{"Data":{"message":"` + largest + `"}}`)); err != nil {
		t.Fatal(err)
	}
	if got, err := i.Bytes("message"); err != nil || len(got) != MaxMessage {
		t.Errorf("a message of exactly the limit: %d bytes, %v", len(got), err)
	}
}

func TestBodyWithoutEnd(t *testing.T) {
	t.Parallel()
	if _, err := Decode(endless{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestMetadataIsLenient(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"as the host writes it": `{"DeliveryCount":"4","MessageId":"\"m\"","SequenceNumber":"7",` +
			`"ApplicationProperties":{"a":1}}`,
		"real JSON":             `{"DeliveryCount":4,"MessageId":"m","SequenceNumber":7,"ApplicationProperties":{"a":1}}`,
		"an object in a string": `{"DeliveryCount":"4","MessageId":"m","SequenceNumber":"7","UserProperties":"{\"a\":1}"}`,
		"another case":          `{"deliverycount":"4","messageId":"\"m\"","sequenceNumber":"7","userProperties":{"a":1}}`,
	}
	for name, metadata := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m Metadata
			if err := json.Unmarshal([]byte(metadata), &m); err != nil {
				t.Fatal(err)
			}
			if m.DeliveryCount() != 4 || m.MessageID() != "m" || m.SequenceNumber() != 7 {
				t.Errorf("%d %q %d", m.DeliveryCount(), m.MessageID(), m.SequenceNumber())
			}
			if got := m.ApplicationProperties(); !reflect.DeepEqual(got, map[string]string{"a": "1"}) {
				t.Errorf("ApplicationProperties = %v", got)
			}
		})
	}
}

func TestMetadataOfNothing(t *testing.T) {
	t.Parallel()
	var m Metadata
	if m.MessageID() != "" || m.DeliveryCount() != 0 || !m.EnqueuedTime().IsZero() || m.DeadLetterReason() != "" {
		t.Error("empty metadata is not empty")
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/requests/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if i, err := Decode(bytes.NewReader(body)); err == nil {
			for binding := range i.data {
				_, _ = i.Timer(binding)
				if !i.Trusted(binding) && i.Metadata(binding) != nil {
					t.Errorf("%s: metadata is given out that cannot be trusted", binding)
				}
			}
			m := i.Claimed()
			_, _, _, _ = m.MessageID(), m.EnqueuedTime(), m.SequenceNumber(), m.DeadLetterReason()
		}
		roundTrip(t, body)
	})
}

// roundTrip takes any bytes through both forms in which the host can send them.
func roundTrip(t *testing.T, message []byte) {
	t.Helper()
	if len(message) > MaxMessage {
		return
	}
	asBinary := quote(base64.StdEncoding.EncodeToString(message))
	text := string(bytes.ToValidUTF8(message, nil))
	for value, want := range map[string]string{asBinary: string(message), quote(quote(text)): text} {
		i, err := Decode(strings.NewReader(`{"Data":{"message":` + value + `},"Metadata":{"MessageId":"m"}}`))
		if err != nil {
			t.Fatal(err)
		}
		wantBytes(t, i, "message", want)
		wantTrusted(t, i, "message", value == asBinary)
	}
}

func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func decodeFile(t *testing.T, name string) Invocation {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata/requests", name))
	if err != nil {
		t.Fatal(err)
	}
	i, err := Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func wantBytes(t *testing.T, i Invocation, binding, want string) {
	t.Helper()
	got, err := i.Bytes(binding)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("message = %q, want %q", got, want)
	}
}

func wantTrusted(t *testing.T, i Invocation, binding string, want bool) {
	t.Helper()
	if got := i.Trusted(binding); got != want {
		t.Errorf("Trusted = %v, want %v", got, want)
	}
}

func wantQueueMetadata(t *testing.T, m Metadata) {
	t.Helper()
	texts := []string{m.MessageID(), m.CorrelationID(), m.ContentType(), m.Subject(), m.ReplyTo(), m.SessionID()}
	want := []string{"m-0001", "corr-77", "application/json", "check.requested", "", ""}
	if !reflect.DeepEqual(texts, want) {
		t.Errorf("metadata = %q, want %q", texts, want)
	}
	if m.DeliveryCount() != 1 || m.SequenceNumber() != 42 || !m.EnqueuedTime().Equal(enqueued) {
		t.Errorf("metadata = %d %d %v", m.DeliveryCount(), m.SequenceNumber(), m.EnqueuedTime())
	}
	properties := map[string]string{"source": "ado-pipeline", "attempt": "2", "dryRun": "false"}
	if got := m.ApplicationProperties(); !reflect.DeepEqual(got, properties) {
		t.Errorf("ApplicationProperties = %v, want %v", got, properties)
	}
	if m.DeadLetterReason() != "" {
		t.Errorf("DeadLetterReason = %q of a message that is alive", m.DeadLetterReason())
	}
}

func wantTimer(t *testing.T, i Invocation, want Timer) {
	t.Helper()
	if got, err := i.Timer("timer"); err != nil || got != want {
		t.Errorf("Timer = %+v, %v; want %+v", got, err, want)
	}
	wantTrusted(t, i, "timer", false)
}

func wantHTTP(t *testing.T, i Invocation, method, body string) {
	t.Helper()
	var request struct {
		Method, Body string
	}
	if err := i.Into("request", &request); err != nil {
		t.Fatal(err)
	}
	if request.Method != method || request.Body != body {
		t.Errorf("request = %+v, want %s %q", request, method, body)
	}
}

func wantEvent(t *testing.T, i Invocation, id, typeKey, typeValue string) {
	t.Helper()
	var event map[string]any
	if err := i.Into("event", &event); err != nil {
		t.Fatal(err)
	}
	data, ok := event["data"].(map[string]any)
	if got := i.Claimed().EventID(); got != id {
		t.Errorf("event id %q in the metadata", got)
	}
	if event["id"] != id || event[typeKey] != typeValue || !ok || data["server"] != "pg-01" {
		t.Errorf("event = %v", event)
	}
	wantTrusted(t, i, "event", false)
}
