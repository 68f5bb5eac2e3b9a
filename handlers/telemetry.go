package main

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/checks"
	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/telemetry"
)

// hooks are what the parts of the handler tell of their work. All are nil where no endpoint is set, and nothing of
// OpenTelemetry is made then.
type hooks struct {
	invocation server.Watch
	waited     func(ctx context.Context, age time.Duration)
	retried    func(ctx context.Context, kind string)
	stored     func(ctx context.Context, r report.Report)
	told       func(ctx context.Context, way, state string)
	made       *telemetry.Telemetry
}

// listen opens telemetry where it is asked for.
func listen(s settings.Settings, log *slog.Logger) (hooks, error) {
	if !s.Telemetry.On() {
		return hooks{}, nil
	}
	made, err := telemetry.Open(telemetry.Options{Settings: s.Telemetry, Host: s.Host, Log: log})
	if err != nil {
		return hooks{}, err
	}
	return hooks{invocation: invocations(made), waited: made.Waited, retried: made.Retried, stored: made.Stored,
		told: made.Told, made: made}, nil
}

// wrap makes the parts tell what they do.
func (h hooks) wrap(p parts) parts {
	if h.made == nil {
		return p
	}
	p.checker = listenedChecker{p.checker, h.made}
	if p.queue != nil {
		p.queue = tracedQueue{p.queue}
	}
	return p
}

// close sends what is left. The process is going down, and the platform does not wait for long.
func (h hooks) close(log *slog.Logger) {
	if h.made == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), telemetry.CloseWithin)
	defer cancel()
	if err := h.made.Close(ctx); err != nil {
		log.Warn("telemetry is left behind", "err", err)
	}
}

func invocations(t *telemetry.Telemetry) server.Watch {
	return func(ctx context.Context, c server.Call) (context.Context, string, func(server.Ended)) {
		ctx, trace, ended := t.Invocation(ctx, telemetry.Call(c))
		return ctx, trace, func(e server.Ended) { ended(telemetry.Ended(e)) }
	}
}

// listenedChecker makes a span of each check.
type listenedChecker struct {
	runcheck.Checker
	telemetry *telemetry.Telemetry
}

// Run implements runcheck.Checker.
func (l listenedChecker) Run(ctx context.Context, check request.Check) (report.Report, error) {
	ctx, ended := l.telemetry.Check(ctx, check)
	r, err := l.Checker.Run(ctx, check)
	ended(r, err)
	return r, err
}

// tracedQueue gives messages the trace that they were sent in, under the name that the Functions host looks for.
type tracedQueue struct{ checks.Queue }

// Send implements checks.Queue.
func (q tracedQueue) Send(ctx context.Context, messages ...queue.Message) error {
	parent := telemetry.Parent(ctx)
	if parent == "" {
		return q.Queue.Send(ctx, messages...)
	}
	traced := make([]queue.Message, len(messages))
	for i, m := range messages {
		properties := maps.Clone(m.Properties)
		if properties == nil {
			properties = map[string]string{}
		}
		properties["Diagnostic-Id"] = parent
		m.Properties = properties
		traced[i] = m
	}
	return q.Queue.Send(ctx, traced...)
}
