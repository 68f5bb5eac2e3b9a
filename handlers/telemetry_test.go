package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/collectortest"
)

// answers is a checker and a queue that do nothing.
type answers struct{ sent *[]queue.Message }

func (answers) Run(context.Context, request.Check) (report.Report, error) {
	return report.Report{}, nil
}
func (a answers) Send(_ context.Context, messages ...queue.Message) error {
	*a.sent = append(*a.sent, messages...)
	return nil
}

// Without an endpoint nothing of OpenTelemetry is made: no part is wrapped, no hook is set, nothing runs.
func TestTelemetryIsNothingWhenItIsOff(t *testing.T) {
	told, err := listen(settings.Settings{}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if told.made != nil || told.invocation != nil || told.waited != nil || told.retried != nil || told.stored != nil ||
		told.told != nil {
		t.Errorf("%+v", told)
	}
	p := parts{checker: answers{}, queue: answers{}}
	if wrapped := told.wrap(p); wrapped.checker != p.checker || wrapped.queue != p.queue {
		t.Error("a part is wrapped")
	}
	told.close(quiet())
	stacks := make([]byte, 1<<20)
	if stacks = stacks[:runtime.Stack(stacks, true)]; strings.Contains(string(stacks), "go.opentelemetry.io") {
		t.Errorf("it runs:\n%s", stacks)
	}
	retry := trouble.Retry{Count: told.retried}
	keeper := outcome.Keeper{Stored: told.stored}
	if cost := testing.AllocsPerRun(1000, func() {
		retry.Counted(t.Context(), trouble.AgainCall)
		if keeper.Stored != nil {
			t.Error("told of a report")
		}
	}); cost != 0 {
		t.Errorf("%v allocations", cost)
	}
}

// Messages that are sent within a trace carry it on, and nobody else's properties are written into.
func TestMessagesCarryTheTrace(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	told, err := listen(settings.Settings{Telemetry: settings.Telemetry{Sampler: settings.Sampler{Ratio: 1}, MaxSpans: 9,
		Delay: time.Hour, Traces: settings.Signal{URL: c.URL() + "/v1/traces", Timeout: time.Minute}}}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	var sent []queue.Message
	p := told.wrap(parts{checker: answers{}, queue: answers{&sent}})
	own := map[string]string{"pgpreflight-id": "c-1"}
	if err := p.queue.Send(t.Context(), queue.Message{ID: "outside"}); err != nil {
		t.Fatal(err)
	}
	ctx, ended := told.made.Check(t.Context(), request.Check{ID: "c-1"})
	if err := p.queue.Send(ctx, queue.Message{ID: "one", Properties: own}, queue.Message{ID: "two"}); err != nil {
		t.Fatal(err)
	}
	ended(report.Report{}, nil)
	told.close(quiet())
	if len(sent) != 3 || len(own) != 1 || sent[0].Properties != nil || sent[1].Properties["pgpreflight-id"] != "c-1" {
		t.Fatalf("%+v", sent)
	}
	for _, m := range sent[1:] {
		if !strings.HasPrefix(m.Properties["Diagnostic-Id"], "00-") {
			t.Errorf("%+v", m)
		}
	}
	if c.Span("check") == nil {
		t.Error("nothing was flushed at the end")
	}
}
