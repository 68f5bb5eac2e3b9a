package pipelineevent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const good = `{"version":1,"depth":"connect","source":{"host":"db.example.com"},"target":{"host":"t.example.com"}}`

var (
	_ Store  = (*store.Store)(nil)
	_ Queue  = (*queue.Queue)(nil)
	_ Keeper = outcome.Keeper{}
)

// loaded are the words, read once: under the race detector that takes its time.
var loaded = sync.OnceValues(catalog.Load)

var errAway = errors.New("it is broken")

// fakes record what was done, in order, and fail at one step.
type fakes struct {
	done     []string
	sent     []queue.Message
	kept     []report.Report
	told     []delivery.Delivery
	logged   []string
	finished bool
	failAt   string
	failWith error
	// until ends the failing; zero never does.
	until time.Time
}

func (f *fakes) step(name string) error {
	f.done = append(f.done, name)
	if name == f.failAt && (f.until.IsZero() || time.Now().Before(f.until)) {
		return f.failWith
	}
	return nil
}

func (f *fakes) Route(_ context.Context, name string) (store.Route, error) {
	if name != "orders-db" {
		return store.Route{}, store.ErrNoRoute
	}
	return store.Route{Name: name, Request: json.RawMessage(good)}, f.step("route")
}

func (f *fakes) Finished(context.Context, string) (bool, error) {
	return f.finished, f.step("finished")
}
func (f *fakes) MarkQueued(_ context.Context, _ ...request.Check) error { return f.step("mark") }
func (f *fakes) Send(_ context.Context, messages ...queue.Message) error {
	f.sent = append(f.sent, messages...)
	return f.step("send")
}

func (f *fakes) Keep(_ context.Context, r report.Report, d delivery.Delivery) (store.Outcome, error) {
	f.kept, f.told = append(f.kept, r), append(f.told, d)
	return store.Stored, f.step("keep")
}

func (f *fakes) handler() Handler {
	return Handler{Store: f, Queue: f, Keeper: f, Missing: "ResultTables",
		Now: func() time.Time { return time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC) },
		Retry: trouble.Retry{Report: func(_ context.Context, message string, err error) {
			f.logged = append(f.logged, message+": "+err.Error())
		}},
		Rejected: func(problem *request.Problem, id string, now time.Time) (report.Report, error) {
			words, err := loaded()
			if err != nil {
				return report.Report{}, err
			}
			return diagnosis.Rejected(words, problem, id, now)
		},
	}
}

// invocation is what the host makes of an event: its text, indented, twice encoded, and its fields over the metadata.
func invocation(t *testing.T, event string) envelope.Invocation {
	t.Helper()
	quoted, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(quoted))
	if err != nil {
		t.Fatal(err)
	}
	var fields struct{ ID json.RawMessage }
	metadata := "{}"
	if json.Unmarshal([]byte(event), &fields) == nil && fields.ID != nil {
		inner, err := json.Marshal(string(fields.ID))
		if err != nil {
			t.Fatal(err)
		}
		metadata = `{"id":` + string(inner) + `}`
	}
	i, err := envelope.Decode(strings.NewReader(`{"Data":{"event":` + string(twice) + `},"Metadata":` + metadata + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func cloud(id, data string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"/pipelines/42","type":"pgpreflight.CheckRequested","data":` +
		data + `}`
}

func grid(id, data string) string {
	return `{"id":"` + id + `","topic":"/t","subject":"pipelines/42","eventType":"pgpreflight.CheckRequested",` +
		`"dataVersion":"1.0","metadataVersion":"1","eventTime":"2026-11-22T07:00:00Z","data":` + data + `}`
}

func TestEventBecomesACheck(t *testing.T) {
	t.Parallel()
	own := strings.Replace(good, `"version":1`, `"version":1,"id":"own"`, 1)
	encoded := strings.Replace(cloud("e-1", "0"), `"data":0`,
		`"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(good))+`"`, 1)
	queued := []string{"finished", "send", "mark"}
	for name, test := range map[string]struct {
		event, id, correlation, route string
		done                          []string
	}{
		"CloudEvents":            {cloud("e-1", good), "e-1", "e-1", "", queued},
		"Event Grid":             {grid("e-1", good), "e-1", "e-1", "", queued},
		"base64":                 {encoded, "e-1", "e-1", "", queued},
		"an id in the data":      {cloud("e-1", own), "own", "e-1", "", queued},
		"an id out of alphabet":  {cloud("a/b", good), "msg-c14cddc033f64b9dea80ea675cf280a0", "a/b", "", queued},
		"a route":                {grid("e-1", `{"route":"orders-db"}`), "e-1", "e-1", "orders-db", append([]string{"route"}, queued...)},
		"no event but a request": {own, "own", "own", "", queued},
	} {
		f := &fakes{}
		answer, err := f.handler().Run(t.Context(), invocation(t, test.event))
		if err != nil || !slices.Equal(f.done, test.done) || len(f.sent) != 1 {
			t.Errorf("%s: %v, steps %q", name, err, f.done)
			continue
		}
		check, err := request.Decode(f.sent[0].Body, "")
		if err != nil || check.ID != test.id || check.Route != test.route || check.Source.Host != "db.example.com" {
			t.Errorf("%s: %+v, %v", name, check, err)
		}
		if m := f.sent[0]; m.ID != test.id || m.CorrelationID != test.correlation || answer.Logs[0] != "check "+test.id+" is queued" {
			t.Errorf("%s: sent %s, correlation %s, says %q", name, m.ID, m.CorrelationID, answer.Logs)
		}
	}
}

func TestEventThatCameBefore(t *testing.T) {
	t.Parallel()
	f := &fakes{finished: true}
	answer, err := f.handler().Run(t.Context(), invocation(t, cloud("e-1", good)))
	if err != nil || len(f.sent) != 0 || answer.Logs[0] != "check e-1 was finished before" {
		t.Errorf("%v, sent %d, says %q", err, len(f.sent), answer.Logs)
	}
}

// Another delivery of such an event would change nothing.
func TestBadEventIsARejectedReport(t *testing.T) {
	t.Parallel()
	large := strings.Replace(good, `"db.example.com"`, `"db.example.com","databases":["`+strings.Repeat("x", 200<<10)+`"]`, 1)
	many := strings.Replace(good, `"db.example.com"`, `"db.example.com","tls":{`+strings.Repeat(" ", 300<<10)+`}`, 1)
	huge := strings.Replace(good, `"db.example.com"`, `"`+strings.Repeat("x", 1<<20)+`"`, 1)
	for name, test := range map[string]struct{ event, id, says string }{
		"an event of somebody else's": {grid("e-1", `{"api":"PutBlob"}`), "e-1", "version is required"},
		"an unknown field":            {cloud("e-1", strings.Replace(good, "depth", "deep", 1)), "e-1", "deep is an unknown field"},
		"an unknown route":            {cloud("e-1", `{"route":"nowhere"}`), "e-1", "route is not registered"},
		"no data":                     {`{"specversion":"1.0","id":"e-1","source":"/p","type":"t"}`, "e-1", "data must be an object"},
		"nothing of an event":         {`{}`, "event-44136fa355b3678a1146ad16f7e8649e", "version is required"},
		"a list":                      {`[]`, "event-4f53cda18c2baa0c0354bb5f9a3ecbe5", "is a list"},
		"a large field":               {cloud("e-1", large), "e-1", "source.databases[0] must"},
		"more than is read":           {cloud("e-1", many), "e-1", "more than the 262144 that are read"},
		"more than is decoded":        {cloud("e-1", huge), "e-1", "has more than 1048576 bytes"},
	} {
		f := &fakes{}
		answer, err := f.handler().Run(t.Context(), invocation(t, test.event))
		if err != nil || len(f.kept) != 1 || len(f.sent) != 0 {
			t.Errorf("%s: %v, kept %d, sent %d", name, err, len(f.kept), len(f.sent))
			continue
		}
		r, d := f.kept[0], f.told[0]
		if r.ID != test.id || r.Verdict != report.Rejected || d.ID != test.id || d.Problem == nil ||
			!strings.Contains(answer.Logs[0], test.says) || len(answer.Logs[0]) > 300 {
			t.Errorf("%s: id %s, verdict %s, says %.300q", name, r.ID, r.Verdict, answer.Logs)
		}
	}
}

func TestSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	answer, err := f.handler().Run(t.Context(), invocation(t, cloud("e-1", `{"route":"orders-db","password":"hunter2"}`)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(f.kept)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw) + strings.Join(answer.Logs, ""); strings.Contains(text, "hunter2") ||
		!strings.Contains(text, "REQUEST_SECRET_INLINE") {
		t.Error(text)
	}
}

// Event Grid delivers again what ends with an error.
func TestOwnTroubleIsAnError(t *testing.T) {
	t.Parallel()
	denied := &store.Fault{Op: "read", Status: 403}
	for at, event := range map[string]string{"route": cloud("e", `{"route":"orders-db"}`), "finished": cloud("e", good),
		"send": cloud("e", good), "keep": cloud("e", `{}`)} {
		f := &fakes{failAt: at, failWith: denied}
		if _, err := f.handler().Run(t.Context(), invocation(t, event)); !errors.Is(err, denied) {
			t.Errorf("%s fails: %v", at, err)
		}
	}
	f := &fakes{failAt: "mark", failWith: errAway}
	if _, err := f.handler().Run(t.Context(), invocation(t, cloud("e", good))); err != nil || len(f.logged) != 1 {
		t.Errorf("a note that failed: %v, logged %q", err, f.logged)
	}
	h := f.handler()
	h.Queue = nil
	if _, err := h.Run(t.Context(), invocation(t, good)); err == nil || !strings.Contains(err.Error(), "ResultTables") {
		t.Errorf("without a queue: %v", err)
	}
	if _, err := f.handler().Run(t.Context(), envelope.Invocation{}); err == nil {
		t.Error("an invocation without an event was accepted")
	}
}

// A moment's outage is waited for, within what Event Grid waits.
func TestOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{failAt: "send", failWith: &queue.Fault{}, until: time.Now().Add(10 * time.Second)}
		ctx, cancel := context.WithTimeout(t.Context(), Limit)
		defer cancel()
		if _, err := f.handler().Run(ctx, invocation(t, cloud("e-1", good))); err != nil {
			t.Fatal(err)
		}
		f = &fakes{failAt: "send", failWith: &queue.Fault{}}
		ctx, stop := context.WithTimeout(t.Context(), Limit)
		defer stop()
		started := time.Now()
		if _, err := f.handler().Run(ctx, invocation(t, cloud("e-1", good))); err == nil || time.Since(started) > Limit {
			t.Errorf("%v after %s", err, time.Since(started))
		}
	})
}
