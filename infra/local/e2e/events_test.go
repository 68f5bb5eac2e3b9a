package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// nameless is a request without an id of its own.
func nameless(b *bench) string { return string(b.check("").JSON()) }

func cloudEvent(id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"pgpreflight.CheckRequested","source":"/pipelines/42","id":%q,`+
		`"time":"2026-11-22T07:00:00.123Z","datacontenttype":"application/json","data":%s}`, id, data)
}

func gridEvent(id, data string) string {
	return fmt.Sprintf(`{"id":%q,"topic":"/subscriptions/0000/resourceGroups/rg/providers/Microsoft.EventGrid/topics/migration",`+
		`"subject":"pipelines/42","eventType":"pgpreflight.CheckRequested","dataVersion":"1.0","metadataVersion":"1",`+
		`"eventTime":"2026-11-22T07:00:00.123Z","data":%s}`, id, data)
}

// deliver sends events as Event Grid does to a queue: a message id of its own making, and its properties.
func deliver(t *testing.T, b *bench, events map[string]string) {
	t.Helper()
	q, err := queue.Open(queue.Config{ConnectionString: secret.New(b.Bus.ConnectionString()), Queue: stack.QueueName})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer func() { _ = q.Close(ctx) }()
	for internal, body := range events {
		kind := "application/json; charset=utf-8"
		if strings.Contains(body, "specversion") {
			kind = "application/cloudevents+json; charset=utf-8"
		}
		err := q.Send(ctx, queue.Message{ID: internal, Body: []byte(body), ContentType: kind, Properties: map[string]string{
			"aeg-event-type": "Notification", "aeg-subscription-name": "PIPELINES", "aeg-delivery-count": "0",
			"aeg-metadata-version": "1", "aeg-output-event-id": internal}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The documented way for pipelines: Event Grid delivers to the queue. Check ids are those of the events.
func TestEventGridDeliversToTheQueue(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	encoded := strings.Replace(cloudEvent("encoded-1", "0"), `"data":0`,
		`"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(nameless(b)))+`"`, 1)
	own := string(b.check("own-1").JSON())
	deliver(t, b, map[string]string{
		"0a6f6b7e-0001": cloudEvent("cloud-1", nameless(b)), "0a6f6b7e-0002": gridEvent("grid-1", nameless(b)),
		"0a6f6b7e-0003": encoded, "0a6f6b7e-0004": cloudEvent("around-own", own),
		"0a6f6b7e-0005": gridEvent("bad-1", `{"api":"PutBlob"}`),
	})
	for _, id := range []string{"cloud-1", "grid-1", "encoded-1", "own-1"} {
		if r := b.await(t, id); r.Verdict != report.Ready || r.Route != "orders-db" {
			t.Errorf("%s: verdict %s, route %s: %s", id, r.Verdict, r.Route, r.Headline)
		}
	}
	if r := b.await(t, "bad-1"); r.Verdict != report.Rejected || r.FirstBroken.Code != finding.RequestInvalid {
		t.Errorf("bad-1: verdict %s: %s", r.Verdict, r.Headline)
	}
	// A second subscription matches the same event.
	deliver(t, b, map[string]string{"0a6f6b7e-0006": cloudEvent("cloud-1", nameless(b))})
	logged(t, b, "check cloud-1 was finished before")
	for deadline := time.Now().Add(patience); len(strings.Fields(ids(t, b, "/api/checks"))) != 5; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("checks %s", ids(t, b, "/api/checks"))
		}
	}
}

// postEvents posts to the address that Event Grid calls for a subscription to the function.
func postEvents(t *testing.T, b *bench, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		b.URL()+"/runtime/webhooks/EventGrid?functionName=AcceptPipelineEvent", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("aeg-event-type", "Notification")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func TestAcceptPipelineEvent(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	if status := register(t, b, "orders-db", b.check("")); status != http.StatusCreated {
		t.Fatalf("status %d", status)
	}
	batch := "[" + strings.Join([]string{
		cloudEvent("e-1", nameless(b)), gridEvent("e-2", `{"route":"orders-db","requestedBy":"pipeline:42"}`),
		gridEvent("e-3", `{"route":"nowhere"}`), cloudEvent("e-4", `{"password":"hunter2-planted"}`),
	}, ",") + "]"
	if status, answer := postEvents(t, b, batch); status != http.StatusAccepted {
		t.Fatalf("status %d: %s", status, answer)
	}
	for id, want := range map[string]report.Verdict{"e-1": report.Ready, "e-2": report.Ready, "e-3": report.Rejected,
		"e-4": report.Rejected} {
		if r := b.await(t, id); r.Verdict != want {
			t.Errorf("%s: verdict %s: %s", id, r.Verdict, r.Headline)
		}
	}
	if r := b.await(t, "e-2"); r.Route != "orders-db" {
		t.Errorf("route %q", r.Route)
	}
	if strings.Contains(b.log.String(), "hunter2-planted") {
		t.Error("the inline password stands in the log")
	}
	before := connections(b.source)
	if status, answer := postEvents(t, b, batch); status != http.StatusAccepted {
		t.Fatalf("again: status %d: %s", status, answer)
	}
	logged(t, b, "check e-2 was finished before")
	b.run(t, b.check("after"))
	if got := connections(b.source) - before; got != 1 {
		t.Errorf("%d connections for one new check and events that came again", got)
	}
}
