package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/deadletter"
	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/pipelineevent"
	"github.com/pgpreflight/pgpreflight/handlers/readiness"
	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// functions are those that the host calls with an envelope.
func functions(s settings.Settings, p parts, now func() time.Time, log *slog.Logger) []server.Function {
	retry := trouble.Retry{Report: func(ctx context.Context, message string, err error) {
		log.WarnContext(ctx, message, "err", err)
	}, Count: p.hooks.retried}
	keeper := outcome.Keeper{Reports: p.store, Queue: p.queue, Notifier: p.notifier, Retry: retry,
		Stored: p.hooks.stored}
	run := runcheck.Handler{
		Checker: p.checker, Reports: p.store, Queue: p.queue, Keeper: keeper, Words: p.words,
		Slots: runcheck.NewSlots(schedule.Room{Checks: s.MaxConcurrentChecks, Sockets: s.MaxSockets}), Retry: retry,
		Now: now, Missing: s.Tables.Names(), Waited: p.hooks.waited,
	}
	record := deadletter.Handler{Reports: p.store, Keeper: keeper, Exhausted: p.words.Exhausted, Retry: retry, Now: now,
		Missing: s.Tables.Names()}
	accept := pipelineevent.Handler{Store: p.store, Queue: p.queue, Keeper: keeper, Rejected: p.words.Rejected, Retry: retry,
		Now: now, Missing: s.Tables.Names() + ", or " + s.Queue.Names() + ","}
	plan := readiness.Handler{Store: p.store, Queue: p.queue, Retry: retry, Now: now,
		Missing: s.Tables.Names() + ", or " + s.Queue.Names() + ","}
	return []server.Function{
		{Name: runcheck.Name, Limit: runcheck.Limit, Run: run.Run},
		{Name: deadletter.Name, Limit: deadletter.Limit, Run: record.Run},
		{Name: pipelineevent.Name, Limit: pipelineevent.Limit, Run: accept.Run},
		{Name: readiness.Name, Limit: readiness.Limit, Run: plan.Run},
	}
}
