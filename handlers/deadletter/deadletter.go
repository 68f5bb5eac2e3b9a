// Package deadletter is the function RecordDeadLetter: a message that the queue buried becomes a report that says why,
// so that whoever waits for it hears of it. It probes nothing.
package deadletter

import (
	"context"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name.
const Name = "RecordDeadLetter"

// Limit bounds one invocation. A dead letter that cannot be recorded comes back at once and without end, since there is
// no second dead-letter queue; trying for long keeps an outage from becoming a storm of calls.
const Limit = 90 * time.Second

// Reports tells whether a check has its report.
type Reports interface {
	Finished(ctx context.Context, id string) (bool, error)
}

// Keeper stores a report and does what follows from it; all of it may be done twice.
type Keeper interface {
	Keep(ctx context.Context, r report.Report, d delivery.Delivery) (store.Outcome, error)
	Complete(ctx context.Context, d delivery.Delivery) error
	Remind(ctx context.Context, d delivery.Delivery) error
}

// Handler is the function.
type Handler struct {
	// Reports is nil where the settings it needs are missing.
	Reports Reports
	Keeper  Keeper
	// Exhausted writes the report.
	Exhausted func(death diagnosis.Death) (report.Report, error)
	Retry     trouble.Retry
	Now       func() time.Time
	// Missing names the settings that Reports is missing for.
	Missing string
}

// Run is one invocation. Nil means that the death is on record; any error keeps the message where it is.
func (h Handler) Run(ctx context.Context, invocation envelope.Invocation) (envelope.Answer, error) {
	if h.Reports == nil {
		wait(ctx, Limit/3)
		return envelope.Answer{}, fmt.Errorf("record dead letter: %w", &trouble.MissingError{Names: h.Missing})
	}
	d, err := delivery.Read(invocation)
	if err != nil {
		wait(ctx, Limit/3)
		return envelope.Answer{}, fmt.Errorf("read dead letter: %w", err)
	}
	// The last seconds are for the answer.
	ctx, cancel := trouble.Within(ctx, Limit/10)
	defer cancel()
	return h.record(ctx, d)
}

func (h Handler) record(ctx context.Context, d delivery.Delivery) (envelope.Answer, error) {
	if d.Reminder {
		return says("reminded of check %s by a dead letter", d.ID), h.Keeper.Remind(ctx, d)
	}
	var finished bool
	err := h.Retry.Do(ctx, "look for the report of "+d.ID, func(ctx context.Context) error {
		var err error
		finished, err = h.Reports.Finished(ctx, d.ID)
		return err
	})
	if err != nil {
		return envelope.Answer{}, err
	}
	if finished {
		// The message died after its report was stored, at what follows from it.
		return says("dead letter of %s: it has its report", d.ID), h.Keeper.Complete(ctx, d)
	}
	dead, err := h.Exhausted(diagnosis.Death{
		ID: d.ID, Check: d.Check, Problem: d.Problem, Reason: reason(d), Description: description(d),
		Deliveries: d.Count + d.Resent, Queued: d.Queued, Now: h.Now(),
	})
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("write the report of %s: %w", d.ID, err)
	}
	if _, err := h.Keeper.Keep(ctx, dead, d); err != nil {
		return envelope.Answer{}, err
	}
	return says("dead letter of %s recorded: %s", d.ID, dead.Verdict), nil
}

func reason(d delivery.Delivery) string {
	if d.DeadReason == "" {
		return "no reason given"
	}
	return d.DeadReason
}

func description(d delivery.Delivery) string {
	if d.Attempt == 0 {
		return d.DeadDescription
	}
	return fmt.Sprintf("it was put back %d times before; %s", d.Attempt, d.DeadDescription)
}

// wait slows down what would fail at once, again and again.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func says(format string, args ...any) envelope.Answer {
	return envelope.Answer{Logs: []string{fmt.Sprintf(format, args...)}}
}
