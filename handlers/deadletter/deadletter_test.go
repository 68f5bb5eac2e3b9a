package deadletter

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// fakes are the parts around the function, failing at one step with one trouble.
type fakes struct {
	done     []string
	saved    []report.Report
	finished bool
	failAt   string
	trouble  error
}

func (f *fakes) step(name string) error {
	f.done = append(f.done, name)
	if name == f.failAt {
		return f.trouble
	}
	return nil
}

func (f *fakes) Finished(context.Context, string) (bool, error) {
	return f.finished, f.step("finished")
}
func (f *fakes) Remind(_ context.Context, d delivery.Delivery) error {
	return f.step("remind " + d.ID)
}
func (f *fakes) Complete(_ context.Context, _ delivery.Delivery) error { return f.step("complete") }
func (f *fakes) Keep(_ context.Context, r report.Report, _ delivery.Delivery) (store.Outcome, error) {
	f.saved = append(f.saved, r)
	return store.Stored, f.step("keep")
}

func (f *fakes) handler() Handler {
	return Handler{
		Reports: f, Keeper: f, Now: func() time.Time { return time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC) }, Missing: "ResultTables",
		Retry: trouble.Retry{Report: func(context.Context, string, error) {}},
		Exhausted: func(d diagnosis.Death) (report.Report, error) {
			words, err := catalog.Load()
			if err != nil {
				return report.Report{}, err
			}
			return diagnosis.Exhausted(words, d)
		},
	}
}

func invocation(t *testing.T, body string) envelope.Invocation {
	t.Helper()
	i, err := envelope.Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// letter is a dead letter.
func letter(t *testing.T, body string) envelope.Invocation {
	t.Helper()
	encoded := base64.StdEncoding.EncodeToString([]byte(body))
	return invocation(t, `{"Data":{"message":"`+encoded+`"},"Metadata":{"MessageId":"\"m-1\"","DeliveryCount":"11",
		"EnqueuedTime":"2026-11-22T06:00:00+00:00","ApplicationProperties":{"DeadLetterReason":"MaxDeliveryCountExceeded",
		"DeadLetterErrorDescription":"after 10 attempts","pgpreflight-attempt":"17","pgpreflight-resent":"17"}}}`)
}

func TestDeathIsRecorded(t *testing.T) {
	t.Parallel()
	const good = `{"version":1,"id":"orders-1","depth":"connect","source":{"host":"s"},"target":{"host":"t"}}`
	for name, test := range map[string]struct {
		body    string
		verdict report.Verdict
		id      string
		first   finding.Code
	}{
		"a good request": {good, report.Inconclusive, "orders-1", finding.RequestExhausted},
		"no JSON":        {"ping", report.Rejected, "m-1", finding.RequestInvalid},
		"nothing":        {"", report.Rejected, "m-1", finding.RequestInvalid},
	} {
		f := &fakes{}
		if _, err := f.handler().Run(t.Context(), letter(t, test.body)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(f.saved) != 1 {
			t.Fatalf("%s: saved %d", name, len(f.saved))
		}
		r := f.saved[0]
		if r.ID != test.id || r.Verdict != test.verdict || r.FirstBroken.Code != test.first {
			t.Errorf("%s: %+v", name, r)
		}
		dead := r.Findings[len(r.Findings)-1]
		if dead.Code != finding.RequestExhausted || dead.Args["deliveries"] != 28 ||
			!strings.Contains(dead.Detail, "put back 17 times before; after 10 attempts") ||
			strings.Contains(string(r.Request), `"source"`) != (test.id == "orders-1") {
			t.Errorf("%s: %+v, request %s", name, dead, r.Request)
		}
	}
}

func TestFinishedCheckIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := &fakes{finished: true}
	if _, err := f.handler().Run(t.Context(), letter(t, "ping")); err != nil || !slices.Equal(f.done, []string{"finished", "complete"}) {
		t.Errorf("%v, %q", err, f.done)
	}
}

// While nothing can be recorded the letter stays, and the calls for it do not come thick and fast.
func TestUnrecordedDeathComesBackSlowly(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fakes{
		"tables away, asked": {failAt: "finished", trouble: &store.Fault{Op: "find report"}},
		"tables away, saved": {failAt: "keep", trouble: &store.Fault{Op: "save report", Status: 403}},
		"no setting":         nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := f.handler()
			if f == nil {
				h.Reports = nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), Limit)
			defer cancel()
			started := time.Now()
			if _, err := h.Run(ctx, letter(t, "ping")); err == nil {
				t.Errorf("%s: the letter is gone", name)
			}
			if took := time.Since(started); took < 20*time.Second && f == nil || took > Limit {
				t.Errorf("%s: took %s", name, took)
			}
		})
	}
	if _, err := (&fakes{}).handler().Run(cancelled(t), invocation(t, `{"Data":{}}`)); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("an invocation without a letter: %v", err)
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestADeadReminder(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"reminder":"orders-1"}`))
	_, err := f.handler().Run(t.Context(), invocation(t, `{"Data":{"message":"`+encoded+`"},"Metadata":{
		"ApplicationProperties":{"pgpreflight-id":"orders-1","pgpreflight-reminder":"7"}}}`))
	if err != nil || !slices.Equal(f.done, []string{"remind orders-1"}) {
		t.Errorf("%v, did %v", err, f.done)
	}
}
