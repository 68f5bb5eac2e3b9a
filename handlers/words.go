package main

import (
	"context"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/checks"
	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/readiness"
	"github.com/pgpreflight/pgpreflight/handlers/routes"
	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/handlers/tickets"
	"github.com/pgpreflight/pgpreflight/handlers/waves"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/notify"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// tables is all that is kept: reports, routes, waves.
type tables interface {
	runcheck.Reports
	outcome.Reports
	checks.Store
	readiness.Store
	routes.Store
	tickets.Store
	waves.Store
	notify.Memory
	EnsureTables(ctx context.Context) error
}

// words writes the reports that no check stands behind.
type words func() (*catalog.Catalog, error)

// Rejected implements runcheck.Words.
func (w words) Rejected(problem *request.Problem, id string, now time.Time) (report.Report, error) {
	loaded, err := w()
	if err != nil {
		return report.Report{}, err
	}
	return diagnosis.Rejected(loaded, problem, id, now)
}

// Exhausted implements runcheck.Words.
func (w words) Exhausted(death diagnosis.Death) (report.Report, error) {
	loaded, err := w()
	if err != nil {
		return report.Report{}, err
	}
	return diagnosis.Exhausted(loaded, death)
}
