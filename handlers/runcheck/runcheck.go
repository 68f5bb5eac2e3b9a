// Package runcheck is the function RunCheck: one check request from the queue, run and stored. It decodes, calls and
// answers; what a check is, and how its report is kept, is the business of its parts.
package runcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name.
const Name = "RunCheck"

// Limit bounds one invocation: the longest check (120 s), its report, and some waiting for a free slot. It is less than
// host.json's functionTimeout, which is less than maxAutoLockRenewalDuration: else the host would kill the process, or
// the message would come back while it is still being worked on.
const Limit = 150 * time.Second

// saving is what is kept of an invocation for storing its report.
const saving = 20 * time.Second

// binding is the trigger's name in function.json.
const binding = "message"

// Checker runs a check. Its error is our own trouble; the target's trouble is in the report.
type Checker interface {
	Run(ctx context.Context, check request.Check) (report.Report, error)
}

// Reports keeps reports. All of it may be done twice with the same effect.
type Reports interface {
	// Finished tells whether the check has its report.
	Finished(ctx context.Context, id string) (bool, error)
	// Complete does what a crash between a report and what follows from it left out.
	Complete(ctx context.Context, id string) error
	MarkRunning(ctx context.Context, id string) error
	// Save keeps the first report of an id. An error with an outcome means that the report is in, but not what follows.
	Save(ctx context.Context, r report.Report) (store.Outcome, error)
}

// Handler is the function.
type Handler struct {
	// Checker and Reports are nil where the settings they need are missing.
	Checker Checker
	Reports Reports
	// Reject makes the report on a bad request.
	Reject func(problem *request.Problem, id string, now time.Time) (report.Report, error)
	Slots  Slots
	Now    func() time.Time
	// Missing names the settings that Checker or Reports are missing for.
	Missing string
}

// Run is one invocation. An error brings the message back; everything that another delivery would not change is a
// report.
func (h Handler) Run(ctx context.Context, invocation envelope.Invocation) (envelope.Answer, error) {
	if h.Checker == nil || h.Reports == nil {
		return envelope.Answer{}, fmt.Errorf("run check: setting %s is not set", h.Missing)
	}
	check, err := decode(invocation)
	problem, bad := errors.AsType[*request.Problem](err)
	if err != nil && !bad {
		return envelope.Answer{}, fmt.Errorf("read check request: %w", err)
	}
	id := check.ID
	if bad {
		id = problem.ID
	}
	if id == "" {
		id = unnamed(invocation)
	}
	check.ID = id
	finished, err := h.Reports.Finished(ctx, id)
	switch {
	case err != nil:
		return envelope.Answer{}, fmt.Errorf("look for the report of %s: %w", id, err)
	case finished:
		return h.complete(ctx, id)
	case bad:
		return h.reject(ctx, problem, id)
	}
	return h.check(ctx, check)
}

// complete serves the second delivery of a message, or a second request with the same id: no probe runs twice.
func (h Handler) complete(ctx context.Context, id string) (envelope.Answer, error) {
	if err := h.Reports.Complete(ctx, id); err != nil {
		return envelope.Answer{}, fmt.Errorf("complete the report of %s: %w", id, err)
	}
	return says("check %s was finished before", id), nil
}

func (h Handler) reject(ctx context.Context, problem *request.Problem, id string) (envelope.Answer, error) {
	rejected, err := h.Reject(problem, id, h.Now())
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("write the report of %s: %w", id, err)
	}
	if _, err := h.Reports.Save(ctx, rejected); err != nil {
		return envelope.Answer{}, fmt.Errorf("save the report of %s: %w", id, err)
	}
	return says("check %s rejected: %s", id, problem), nil
}

func (h Handler) check(ctx context.Context, check request.Check) (envelope.Answer, error) {
	budget := time.Duration(check.TimeoutSeconds)*time.Second + saving
	release, err := h.Slots.Take(ctx, budget)
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("check %s: %w", check.ID, err)
	}
	defer release()
	if err := h.Reports.MarkRunning(ctx, check.ID); err != nil {
		return envelope.Answer{}, fmt.Errorf("mark %s as running: %w", check.ID, err)
	}
	finished, err := h.Checker.Run(ctx, check)
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("check %s: %w", check.ID, err)
	}
	outcome, err := h.Reports.Save(ctx, finished)
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("save the report of %s: %w", check.ID, err)
	}
	return says("check %s finished: %s (report %s)", check.ID, finished.Verdict, outcome), nil
}

// decode gives a check, a *request.Problem, or an error where the host's envelope has no message.
func decode(invocation envelope.Invocation) (request.Check, error) {
	// A sender may have written this id, but it may write the id in the request as well.
	fallback := invocation.Claimed().MessageID()
	body, err := invocation.Bytes(binding)
	if errors.Is(err, envelope.ErrTooLarge) {
		// The next delivery would be as large, so this is a report and not an error.
		_, refused := request.Decode(nil, fallback)
		problem := &request.Problem{Code: finding.RequestInvalid}
		if named, ok := errors.AsType[*request.Problem](refused); ok {
			problem.ID = named.ID
		}
		problem.Message = fmt.Sprintf("has more than %d bytes", envelope.MaxMessage)
		return request.Check{}, problem
	}
	if err != nil {
		return request.Check{}, err
	}
	return request.Decode(body, fallback)
}

func says(format string, args ...any) envelope.Answer {
	return envelope.Answer{Logs: []string{fmt.Sprintf(format, args...)}}
}
