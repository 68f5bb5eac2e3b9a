package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/checks"
	"github.com/pgpreflight/pgpreflight/handlers/explain"
	"github.com/pgpreflight/pgpreflight/handlers/health"
	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// functions are those that the host calls with an envelope.
func functions(s settings.Settings, p parts, now func() time.Time) []server.Function {
	run := runcheck.Handler{
		Checker: p.checker, Reports: p.reports, Reject: p.reject, Slots: runcheck.NewSlots(s.MaxConcurrentChecks), Now: now,
		Missing: s.Tables.Names(),
	}
	return []server.Function{
		{Name: runcheck.Name, Limit: runcheck.Limit, Run: run.Run},
	}
}

// forwarded are those whose requests the host passes on.
func forwarded(s settings.Settings, p parts, log *slog.Logger) []server.HTTPFunction {
	report := func(ctx context.Context, message string, err error) { log.ErrorContext(ctx, message, "err", err) }
	p.pings.Report = func(ctx context.Context, part string, err error) {
		log.WarnContext(ctx, "part is not well", "part", part, "err", err)
	}
	submit := checks.Handler{
		Store: p.store, Queue: p.queue, MissingStore: s.Tables.Names(), MissingQueue: s.Queue.Names(),
		BaseURL: s.PublicBaseURL, Pages: p.pages, Links: links(s), NewID: newID, Now: time.Now, Report: report,
	}
	explainer := explain.Handler{Words: explain.Words(), Report: report}
	return []server.HTTPFunction{
		{Name: checks.Name, Route: checks.Route, Methods: checks.Methods(), Limit: checks.Limit, Handler: submit},
		{Name: explain.Name, Route: explain.Route, Methods: explain.Methods(), Limit: explain.Limit, Handler: explainer},
		{Name: health.Name, Route: health.Route, Methods: health.Methods(), Limit: health.Limit,
			Handler: health.New(health.Parts(s, p.pings), health.DefaultOptions())},
	}
}

// links are those that stand in tickets and callbacks.
func links(s settings.Settings) link.Links {
	return link.Links{Key: s.ReportLinkKey, Base: s.PublicBaseURL}
}

// newID is an id that nobody else has: 26 letters and digits.
func newID() string { return strings.ToLower(rand.Text()) }
