// Package runcheck is the function RunCheck: one check request from the queue, run and stored. It decodes, calls and
// answers; what a check is, and how its report is kept, is the business of its parts. Our own trouble puts the message
// back for later instead of using up its deliveries.
package runcheck

import (
	"context"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name.
const Name = "RunCheck"

// Limit bounds one invocation: looking for an old report (asking), waiting for a slot (turn), the longest check (120
// s), storing its report (saving) and, where that failed, putting the message back (puttingBack). It is less than
// host.json's functionTimeout, which is less than maxAutoLockRenewalDuration: else the host would kill the process, or
// the message would come back while it is still being worked on.
const Limit = 220 * time.Second

const (
	asking = 20 * time.Second
	turn   = 30 * time.Second
	saving = 30 * time.Second
	// puttingBack is longer than the queue gives a call by itself.
	puttingBack = 18 * time.Second
)

// Checker runs a check. Its error is our own trouble; the target's trouble is in the report.
type Checker interface {
	Run(ctx context.Context, check request.Check) (report.Report, error)
}

// Reports tells what is known of checks.
type Reports interface {
	// Finished tells whether the check has its report.
	Finished(ctx context.Context, id string) (bool, error)
	MarkRunning(ctx context.Context, id string) error
}

// Keeper ends a check. All of it may be done twice with the same effect.
type Keeper interface {
	// Keep stores the first report of an id and does what follows from it.
	Keep(ctx context.Context, r report.Report, d delivery.Delivery) (store.Outcome, error)
	// Complete does what a crash between a report and what follows from it left out.
	Complete(ctx context.Context, d delivery.Delivery) error
	// Remind goes on telling those who wait for a report.
	Remind(ctx context.Context, d delivery.Delivery) error
}

// Queue takes messages back.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
}

// Words writes the reports that no check stands behind.
type Words interface {
	// Rejected is the report on a bad request.
	Rejected(problem *request.Problem, id string, now time.Time) (report.Report, error)
	// Exhausted is the report on a message that was given up.
	Exhausted(death diagnosis.Death) (report.Report, error)
}

// Handler is the function.
type Handler struct {
	// Checker, Reports and Queue are nil where the settings they need are missing.
	Checker Checker
	Reports Reports
	Queue   Queue
	Keeper  Keeper
	Words   Words
	Slots   *Slots
	Retry   trouble.Retry
	Now     func() time.Time
	// Waited is told how long a message lay in the queue; nil where nobody asks.
	Waited func(ctx context.Context, age time.Duration)
	// Missing names the settings that Checker or Reports are missing for.
	Missing string
}

// Run is one invocation. An error brings the message back at once and counts as a delivery, so it is the last resort;
// everything that another delivery would not change is a report.
func (h Handler) Run(ctx context.Context, invocation envelope.Invocation) (envelope.Answer, error) {
	d, err := delivery.Read(invocation)
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("read check request: %w", err)
	}
	if h.Waited != nil && !d.Queued.IsZero() {
		h.Waited(ctx, h.Now().Sub(d.Queued))
	}
	working, cancel := trouble.Within(ctx, puttingBack)
	defer cancel()
	answer, err := h.serve(working, d)
	if err != nil {
		return h.putBack(ctx, d, err)
	}
	return answer, nil
}

func (h Handler) serve(ctx context.Context, d delivery.Delivery) (envelope.Answer, error) {
	if d.Reminder && h.Reports != nil {
		return says("reminded of check %s", d.ID), h.Keeper.Remind(ctx, d)
	}
	if h.Checker == nil || h.Reports == nil {
		return envelope.Answer{}, fmt.Errorf("run check: %w", &trouble.MissingError{Names: h.Missing})
	}
	finished, err := h.finished(ctx, d.ID)
	switch {
	case err != nil:
		return envelope.Answer{}, err
	case finished:
		if err := h.Keeper.Complete(ctx, d); err != nil {
			return envelope.Answer{}, err
		}
		return says("check %s was finished before", d.ID), nil
	case d.Problem != nil:
		return h.reject(ctx, d)
	}
	return h.check(ctx, d)
}

// finished looks for a report before anything else, so that no probe runs twice, and nothing is probed that could not
// be stored.
func (h Handler) finished(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	var finished bool
	err := h.Retry.Do(ctx, "look for the report of "+id, func(ctx context.Context) error {
		var err error
		finished, err = h.Reports.Finished(ctx, id)
		return err
	})
	return finished, err
}

func (h Handler) reject(ctx context.Context, d delivery.Delivery) (envelope.Answer, error) {
	rejected, err := h.Words.Rejected(d.Problem, d.ID, h.Now())
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("write the report of %s: %w", d.ID, err)
	}
	if _, err := h.Keeper.Keep(ctx, rejected, d); err != nil {
		return envelope.Answer{}, err
	}
	return says("check %s rejected: %s", d.ID, d.Problem), nil
}

func (h Handler) check(ctx context.Context, d delivery.Delivery) (envelope.Answer, error) {
	finished, err := h.probe(ctx, d.Check)
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("check %s: %w", d.ID, err)
	}
	outcome, err := h.Keeper.Keep(ctx, finished, d)
	if err != nil {
		return envelope.Answer{}, err
	}
	return says("check %s finished: %s (report %s)", d.ID, finished.Verdict, outcome), nil
}

// probe runs the check in a slot, which is free again before the report is stored.
func (h Handler) probe(ctx context.Context, check request.Check) (report.Report, error) {
	release, err := h.slot(ctx, check)
	if err != nil {
		return report.Report{}, err
	}
	defer release()
	if err := h.Reports.MarkRunning(ctx, check.ID); err != nil {
		// It is for those who ask meanwhile. The table may well be back when there is a report.
		h.Retry.Report(ctx, "mark "+check.ID+" as running", err)
	}
	return h.Checker.Run(ctx, check)
}

// slot waits for the check's turn, but leaves it the time that it asked for and that its report needs.
func (h Handler) slot(ctx context.Context, check request.Check) (func(), error) {
	waiting, cancel := trouble.Within(ctx, time.Duration(check.TimeoutSeconds)*time.Second+saving)
	defer cancel()
	waiting, stop := context.WithTimeout(waiting, turn)
	defer stop()
	return h.Slots.Take(waiting, claimOf(check))
}

func says(format string, args ...any) envelope.Answer {
	return envelope.Answer{Logs: []string{fmt.Sprintf(format, args...)}}
}
