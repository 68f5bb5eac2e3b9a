package runcheck

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const good = `{"version":1,"id":"orders-1","depth":"connect","source":{"host":"db.example.com"},` +
	`"target":{"host":"t.example.com"}}`

var (
	_ Reports = (*store.Store)(nil)
	_ Keeper  = outcome.Keeper{}
	_ Queue   = (*queue.Queue)(nil)
)

var (
	errAway  = errors.New("it is broken")
	errTable = &store.Fault{Op: "save report", Table: "Checks", Status: 403}
)

// fakes records what was done, in order, and fails at one step.
type fakes struct {
	mu         sync.Mutex
	done       []string
	saved      []report.Report
	checked    []request.Check
	sent       []queue.Message
	logged     []string
	deliveries []delivery.Delivery
	finished   bool
	failAt     string
	failWith   error
	run        func(ctx context.Context) error
}

func (f *fakes) step(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, name)
	if name == f.failAt {
		return f.failWith
	}
	return nil
}

func (f *fakes) Run(ctx context.Context, check request.Check) (report.Report, error) {
	err := f.step("run")
	f.mu.Lock()
	f.checked = append(f.checked, check)
	f.mu.Unlock()
	if f.run != nil {
		err = f.run(ctx)
	}
	return report.Report{ID: check.ID, Verdict: report.Ready}, err
}

func (f *fakes) Finished(context.Context, string) (bool, error) {
	return f.finished, f.step("finished")
}
func (f *fakes) MarkRunning(context.Context, string) error { return f.step("mark") }
func (f *fakes) Remind(_ context.Context, d delivery.Delivery) error {
	return f.step("remind " + d.ID)
}
func (f *fakes) Complete(_ context.Context, _ delivery.Delivery) error { return f.step("complete") }
func (f *fakes) Send(_ context.Context, messages ...queue.Message) error {
	f.sent = append(f.sent, messages...)
	return f.step("send")
}

func (f *fakes) Keep(_ context.Context, r report.Report, d delivery.Delivery) (store.Outcome, error) {
	f.mu.Lock()
	f.saved, f.deliveries = append(f.saved, r), append(f.deliveries, d)
	f.mu.Unlock()
	return store.Stored, f.step("save")
}

func (f *fakes) Rejected(problem *request.Problem, id string, now time.Time) (report.Report, error) {
	return report.Report{ID: id, Verdict: report.Rejected, Headline: problem.Message, StartedAt: now,
		Findings: []report.Finding{
			{Code: problem.Code, Args: finding.Args{"field": problem.Field}},
		}}, f.step("reject")
}

func (f *fakes) Exhausted(d diagnosis.Death) (report.Report, error) {
	return report.Report{ID: d.ID, Verdict: report.Inconclusive, Headline: d.Description}, f.step("exhaust")
}

func (f *fakes) log(_ context.Context, message string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logged = append(f.logged, message+": "+err.Error())
}

var seven = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

func (f *fakes) handler() Handler {
	return Handler{Checker: f, Reports: f, Queue: f, Keeper: f, Words: f, Slots: NewSlots(schedule.Room{Checks: 2, Sockets: 99}),
		Retry: trouble.Retry{Report: f.log}, Now: func() time.Time { return seven }, Missing: "ResultTables"}
}

func message(t *testing.T, body, metadata string) envelope.Invocation {
	t.Helper()
	encoded := base64.StdEncoding.EncodeToString([]byte(body))
	return decoded(t, `{"Data":{"message":"`+encoded+`"},"Metadata":`+metadata+`}`)
}

func decoded(t *testing.T, body string) envelope.Invocation {
	t.Helper()
	i, err := envelope.Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestSteps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		finished   bool
		want       []string
		says       string
	}{
		{"a good request", good, false, []string{"finished", "mark", "run", "save"},
			"check orders-1 finished: ready (report stored)"},
		{"the same id again", good, true, []string{"finished", "complete"}, "check orders-1 was finished before"},
		{"a bad request", `{"version":1,"id":"x"}`, false, []string{"finished", "reject", "save"},
			"check x rejected: request: source is required"},
		{"a bad request with the id of a report", `{"version":1,"id":"x"}`, true, []string{"finished", "complete"},
			"check x was finished before"},
		{"no JSON", "ping", false, []string{"finished", "reject", "save"}, "check m-1 rejected"},
		{"nothing", "", false, []string{"finished", "reject", "save"}, "check m-1 rejected"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{finished: test.finished}
			answer, err := f.handler().Run(t.Context(), message(t, test.body, `{"MessageId":"\"m-1\""}`))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(f.done, test.want) {
				t.Errorf("steps %q, want %q", f.done, test.want)
			}
			if len(answer.Logs) != 1 || !strings.HasPrefix(answer.Logs[0], test.says) {
				t.Errorf("says %q, want %q", answer.Logs, test.says)
			}
		})
	}
}

func TestEveryFormOfMessage(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","id":"e-1","source":"/p","type":"t","data":` + good + `}`
	quoted, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(quoted))
	if err != nil {
		t.Fatal(err)
	}
	for name, invocation := range map[string]envelope.Invocation{
		"plain": message(t, good, "{}"), "an event": message(t, event, "{}"),
		"a host that sends text": decoded(t, `{"Data":{"message":`+string(twice)+`},"Metadata":{}}`),
	} {
		f := &fakes{}
		if _, err := f.handler().Run(t.Context(), invocation); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(f.checked) != 1 || f.checked[0].ID != "orders-1" || f.checked[0].Source.Host != "db.example.com" {
			t.Errorf("%s: checked %+v", name, f.checked)
		}
	}
}

func TestInvocationWithoutMessage(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	if _, err := f.handler().Run(t.Context(), decoded(t, `{"Data":{"other":"e30="}}`)); err == nil || len(f.done) != 0 {
		t.Errorf("error %v after %q", err, f.done)
	}
}

// A message that is too large is as large at the next delivery.
func TestMessageOfTwoMegabytes(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	large := message(t, strings.Repeat("x", 2<<20), `{"MessageId":"\"m-1\""}`)
	if _, err := f.handler().Run(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if len(f.saved) != 1 || f.saved[0].ID != "m-1" || f.saved[0].Verdict != report.Rejected ||
		f.saved[0].Headline != "has more than 1048576 bytes" || f.saved[0].Findings[0].Code != finding.RequestInvalid {
		t.Errorf("saved %+v", f.saved)
	}
}

func TestSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	body := strings.Replace(good, `"depth"`, `"password":"hunter2","depth"`, 1)
	answer, err := f.handler().Run(t.Context(), message(t, body, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(f.saved)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw)+strings.Join(answer.Logs, ""), "hunter2") {
		t.Errorf("the secret came out: %s %s", raw, answer.Logs)
	}
	if len(f.saved) != 1 || f.saved[0].Findings[0].Code != finding.RequestSecretInline {
		t.Errorf("saved %s", raw)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	nameless := strings.Replace(good, `"id":"orders-1",`, "", 1)
	event := `{"specversion":"1.0","id":"e-1","source":"/p","type":"t","data":` + nameless + `}`
	broker := `"SequenceNumber":"42","EnqueuedTime":"2026-11-20T09:29:58+00:00"`
	tests := []struct{ name, body, metadata, want string }{
		{"the request's", good, `{"MessageId":"\"m-1\""}`, "orders-1"},
		{"the message's", nameless, `{"MessageId":"\"m-1\"",` + broker + `}`, "m-1"},
		{"the event's", event, `{` + broker + `}`, "e-1"},
		{"the broker's", nameless, `{` + broker + `}`, "queue-20261120T092958-42"},
		{"the broker's, of a bad request", "{}", `{` + broker + `}`, "queue-20261120T092958-42"},
		{"the body's", "{}", `{}`, "msg-44136fa355b3678a1146ad16f7e8649e"},
	}
	valid := regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{}
			if _, err := f.handler().Run(t.Context(), message(t, test.body, test.metadata)); err != nil {
				t.Fatal(err)
			}
			if len(f.saved) != 1 || f.saved[0].ID != test.want || !valid.MatchString(f.saved[0].ID) {
				t.Errorf("saved %+v, want id %s", f.saved, test.want)
			}
		})
	}
}

func TestSlotsBoundWhatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		f := &fakes{run: func(context.Context) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}}
		h := f.handler()
		var group sync.WaitGroup
		started := time.Now()
		for range 6 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), Limit)
				defer cancel()
				if _, err := h.Run(ctx, message(t, good, "{}")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if took := time.Since(started); most != 2 || took != 3*time.Second {
			t.Errorf("%d ran at once, all took %s", most, took)
		}
	})
}

func TestLimitHoldsTheLongestCheck(t *testing.T) {
	t.Parallel()
	longest := 120 * time.Second
	if all := asking + turn/2 + longest + saving + puttingBack; Limit <= all {
		t.Errorf("Limit %s is not more than %s", Limit, all)
	}
}
