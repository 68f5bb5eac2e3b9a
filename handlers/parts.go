package main

import (
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/checks"
	"github.com/pgpreflight/pgpreflight/handlers/health"
	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// parts are what the functions work with. An interface is nil, and not a nil pointer within it, where the settings it
// needs are missing; the functions then say so.
type parts struct {
	checker runcheck.Checker
	reports runcheck.Reports
	reject  func(problem *request.Problem, id string, now time.Time) (report.Report, error)
	store   checks.Store
	queue   checks.Queue
	pings   health.Pings
}

// open chooses the parts. It dials nothing and reads no large data.
func open(_ settings.Settings) (parts, error) {
	return parts{}, nil
}
