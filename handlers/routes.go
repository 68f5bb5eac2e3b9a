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
	"github.com/pgpreflight/pgpreflight/handlers/limit"
	"github.com/pgpreflight/pgpreflight/handlers/routes"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/handlers/waves"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// forwarded are those whose requests the host passes on.
func forwarded(s settings.Settings, p parts, log *slog.Logger) []server.HTTPFunction {
	report := func(ctx context.Context, message string, err error) { log.ErrorContext(ctx, message, "err", err) }
	p.pings.Report = func(ctx context.Context, part string, err error) {
		log.WarnContext(ctx, "part is not well", "part", part, "err", err)
	}
	submit := checks.Handler{
		Store: p.store, Queue: p.queue, MissingStore: s.Tables.Names(), MissingQueue: s.Queue.Names(),
		BaseURL: s.PublicBaseURL, Pages: p.pages, Links: links(s), NewID: newID, Now: time.Now, Report: report,
		Rule: callbackRule(s), Quota: limit.New(s.MaxRequestsPerMinute, time.Now).Take,
	}
	registry := routes.Handler{Store: p.store, Missing: s.Tables.Names(), BaseURL: s.PublicBaseURL, Rule: callbackRule(s),
		Pages: p.pages, Now: time.Now, Report: report}
	ready := waves.Handler{Store: p.store, Missing: s.Tables.Names(), Pages: p.pages, Now: time.Now, Report: report}
	words := explain.Words()
	explainer := explain.Handler{Words: words, Report: report}
	return append(readers(s, p, report), []server.HTTPFunction{
		{Name: checks.Name, Route: checks.Route, Methods: checks.Methods(), Limit: checks.Limit, Handler: submit},
		{Name: routes.Name, Route: routes.Route, Methods: routes.Methods(), Limit: routes.Limit, Handler: registry},
		fromTickets(s, p, words, report),
		{Name: waves.Name, Route: waves.Route, Methods: waves.Methods(), Limit: waves.Limit, Handler: ready},
		{Name: explain.Name, Route: explain.Route, Methods: explain.Methods(), Limit: explain.Limit, Handler: explainer},
		{Name: health.Name, Route: health.Route, Methods: health.Methods(), Limit: health.Limit,
			Handler: health.New(health.Parts(s, p.pings), health.DefaultOptions())},
	}...)
}

// newID is an id that nobody else has: 26 letters and digits.
func newID() string { return strings.ToLower(rand.Text()) }
