// Package timer runs one timerTrigger as the host's timer extension does: next occurrence, past-due start, schedule
// status. It posts nothing; its user gives it the call.
package timer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/shared/ncrontab"
)

// Store keeps the status of a schedule over restarts; the real host uses a blob. Load gives nil where nothing is
// stored.
type Store interface {
	Load() (*invocation.Schedule, error)
	Save(status invocation.Schedule) error
}

// Timer fires on a schedule, one call at a time. Use New.
type Timer struct {
	options Options

	mu     sync.Mutex
	status invocation.Schedule
}

// Options describe a timer. All fields but Store and RunOnStartup are needed.
type Options struct {
	Schedule ncrontab.Schedule
	// UseMonitor keeps a status and makes up for a missed occurrence. It is off for schedules that fire more than once
	// a minute, whatever is asked for (facts section 2.3).
	UseMonitor   bool
	RunOnStartup bool
	// Store may be nil: the status then lives as long as the timer.
	Store Store
	// Invoke calls the function; status is nil without a monitor.
	Invoke func(ctx context.Context, status *invocation.Schedule, pastDue bool) error
	Log    *slog.Logger
}

// New makes a timer that does not run yet.
func New(options Options) *Timer {
	if options.Schedule.OftenerThanAMinute(time.Now()) {
		options.UseMonitor = false
	}
	return &Timer{options: options, status: invocation.Schedule{Next: options.Schedule.Next(time.Now())}}
}

// Run fires until ctx ends. A call goes on with calls.
func (t *Timer) Run(ctx, calls context.Context) {
	switch pastDue := t.restore(); {
	case pastDue:
		t.fire(calls, start{at: time.Now(), pastDue: true})
	case t.options.RunOnStartup:
		t.fire(calls, start{at: time.Now(), unscheduled: true})
	}
	for ctx.Err() == nil {
		next := t.Status().Next
		if next.IsZero() {
			t.options.Log.Warn("the schedule never occurs", "schedule", t.options.Schedule.String())
			return
		}
		// A call that lasted over the next occurrence is followed by that one at once.
		wait := time.NewTimer(time.Until(next))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		t.fire(calls, start{at: time.Now()})
	}
}

// Invoke calls the function by hand: with the present status, never past due, and without a change of the status.
func (t *Timer) Invoke(ctx context.Context) error {
	return t.options.Invoke(ctx, t.shown(), false)
}

// Status is the present status; Next is meaningful also without a monitor.
func (t *Timer) Status() invocation.Schedule {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// start says when and why a call begins.
type start struct {
	at                   time.Time
	pastDue, unscheduled bool
}

func (t *Timer) fire(calls context.Context, s start) {
	if err := t.options.Invoke(calls, t.shown(), s.pastDue); err != nil {
		// A failed call is not repeated (facts section 6).
		t.options.Log.Error("timer function failed", "error", err)
	}
	t.mu.Lock()
	// A timer that fires a moment early would otherwise compute the same occurrence again.
	if !s.pastDue && !s.unscheduled && t.status.Next.After(s.at) {
		s.at = t.status.Next
	}
	t.status = invocation.Schedule{Last: s.at, Next: t.options.Schedule.Next(s.at), LastUpdated: s.at}
	status := t.status
	t.mu.Unlock()
	if t.options.UseMonitor && t.options.Store != nil {
		if err := t.options.Store.Save(status); err != nil {
			t.options.Log.Error("schedule status not saved", "error", err)
		}
	}
}

// restore takes over a stored status and tells whether an occurrence was missed. A status of another schedule only
// keeps its Last.
func (t *Timer) restore() bool {
	if !t.options.UseMonitor || t.options.Store == nil {
		return false
	}
	stored, err := t.options.Store.Load()
	if err != nil {
		t.options.Log.Error("schedule status not loaded", "error", err)
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if stored == nil {
		// Stored at once, so that an occurrence missed before the first run is noticed too.
		if err := t.options.Store.Save(t.status); err != nil {
			t.options.Log.Error("schedule status not saved", "error", err)
		}
		return false
	}
	expected := stored.Next
	if !stored.Last.IsZero() {
		expected = t.options.Schedule.Next(stored.Last)
	}
	t.status = invocation.Schedule{Last: stored.Last, Next: expected, LastUpdated: stored.LastUpdated}
	return !expected.IsZero() && time.Now().After(expected)
}

func (t *Timer) shown() *invocation.Schedule {
	if !t.options.UseMonitor {
		return nil
	}
	status := t.Status()
	return &status
}
