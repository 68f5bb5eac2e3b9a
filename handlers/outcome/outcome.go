// Package outcome brings a finished report to where it belongs: stored once, then its route's watch moved on and those
// told who wait for it. Everything in it may be done twice with the same effect; a redelivery of the message does what
// a crash left out.
package outcome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/notify"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Reports keeps reports and what follows from them.
type Reports interface {
	// Save keeps the first report of an id. An error with an outcome means that the report is in, but not what follows.
	Save(ctx context.Context, r report.Report) (store.Outcome, error)
	// Complete does what a crash between a report and what follows from it left out.
	Complete(ctx context.Context, id string) error
	Load(ctx context.Context, id string) (store.State, error)
	// Route gives store.ErrNoRoute where the route is not registered.
	Route(ctx context.Context, name string) (store.Route, error)
	ChangeRoute(ctx context.Context, name string, change func(store.Route) store.Route) error
}

// Queue takes checks for later.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
}

// Notifier tells those who wait for a report. It is called after the report is stored and again on every redelivery, so
// it must know what it has told already. An error is our own trouble and brings the message back.
type Notifier interface {
	Notify(ctx context.Context, n notify.Notice) error
	// Remind goes on with what Notify left open.
	Remind(ctx context.Context, id string) error
}

// Keeper is what functions end with. Notifier and Queue may be nil: nobody is told then, and nothing is confirmed.
type Keeper struct {
	Reports  Reports
	Queue    Queue
	Notifier Notifier
	Retry    trouble.Retry
	// Stored is told of each report once, when it is stored; nil where nobody asks.
	Stored func(ctx context.Context, r report.Report)
}

// Keep stores a report, or finds that there is one already, which stands, and does what follows.
func (k Keeper) Keep(ctx context.Context, r report.Report, d delivery.Delivery) (store.Outcome, error) {
	var stored store.Outcome
	err := k.Retry.Do(ctx, "save the report of "+r.ID, func(ctx context.Context) error {
		outcome, err := k.Reports.Save(ctx, r)
		if stored == "" {
			// A later try finds the report of an earlier one.
			stored = outcome
		}
		return err
	})
	if stored == store.Stored && k.Stored != nil {
		k.Stored(ctx, r)
	}
	if err != nil {
		return stored, err
	}
	if stored != store.Stored {
		return stored, k.follow(ctx, d)
	}
	return stored, k.tell(ctx, r, d)
}

// Complete serves a delivery whose check has its report: no probe runs twice.
func (k Keeper) Complete(ctx context.Context, d delivery.Delivery) error {
	err := k.Retry.Do(ctx, "complete the report of "+d.ID, func(ctx context.Context) error {
		return k.Reports.Complete(ctx, d.ID)
	})
	if err != nil {
		return err
	}
	return k.follow(ctx, d)
}

// follow goes on with the report that stands.
func (k Keeper) follow(ctx context.Context, d delivery.Delivery) error {
	if k.Notifier == nil && !d.Scheduled {
		return nil
	}
	var state store.State
	err := k.Retry.Do(ctx, "load the report of "+d.ID, func(ctx context.Context) error {
		var err error
		state, err = k.Reports.Load(ctx, d.ID)
		return err
	})
	if err != nil {
		return err
	}
	var r report.Report
	if err := json.Unmarshal(state.Report, &r); err != nil {
		return fmt.Errorf("read the report of %s: %w", d.ID, err)
	}
	return k.tell(ctx, r, d)
}

// tell decides whether somebody is to be told. Of a route's own checks only a change is worth it; whoever asked for a
// check gets the answer in any case.
func (k Keeper) tell(ctx context.Context, r report.Report, d delivery.Delivery) error {
	if !d.Scheduled {
		return k.notify(ctx, noticeOf(r, d))
	}
	return k.Retry.Do(ctx, "watch the route of "+r.ID, func(ctx context.Context) error { return k.watch(ctx, r, d) })
}

// Remind serves a delivery that only asks to go on telling of a report.
func (k Keeper) Remind(ctx context.Context, d delivery.Delivery) error {
	if k.Notifier == nil {
		return nil
	}
	if err := k.Notifier.Remind(ctx, d.ID); err != nil {
		return fmt.Errorf("notify of %s: %w", d.ID, err)
	}
	return nil
}

func noticeOf(r report.Report, d delivery.Delivery) notify.Notice {
	return notify.Notice{Report: r, CorrelationID: d.CorrelationID, Wanted: wanted(d)}
}

// wanted is whom the message asks to be told, also one that is refused.
func wanted(d delivery.Delivery) request.Notify {
	if d.Problem != nil {
		return d.Problem.Notify
	}
	return d.Check.Notify
}

func (k Keeper) notify(ctx context.Context, n notify.Notice) error {
	if k.Notifier == nil {
		return nil
	}
	if err := k.Notifier.Notify(ctx, n); err != nil {
		return fmt.Errorf("notify of %s: %w", n.Report.ID, err)
	}
	return nil
}

// watch carries out what the check means for its route, and only then notes that it did: a crash in between repeats it.
func (k Keeper) watch(ctx context.Context, r report.Report, d delivery.Delivery) error {
	route, err := k.Reports.Route(ctx, r.Route)
	if errors.Is(err, store.ErrNoRoute) {
		return nil // It was removed while its check ran.
	}
	if err != nil {
		return err
	}
	decision := route.Watch.Decide(schedule.CheckOf(r))
	if err := k.confirm(ctx, route, decision.Again); err != nil {
		return err
	}
	if decision.Say {
		notice := noticeOf(r, d)
		notice.Changed, notice.Was, notice.WasSince = true, route.Watch.Said, route.Watch.SaidAt
		if err := k.notify(ctx, notice); err != nil {
			return err
		}
	}
	if decision.Watch == route.Watch {
		return nil
	}
	err = k.Reports.ChangeRoute(ctx, r.Route, func(there store.Route) store.Route {
		there.Watch = there.Watch.Decide(schedule.CheckOf(r)).Watch
		return there
	})
	if errors.Is(err, store.ErrNoRoute) {
		return nil
	}
	return err
}

// confirm queues a check of the route for a time. Its id follows from the time, so that it is queued once.
func (k Keeper) confirm(ctx context.Context, route store.Route, at time.Time) error {
	if at.IsZero() || k.Queue == nil || !route.Enabled {
		return nil
	}
	return k.Queue.Send(ctx, delivery.Scheduled(schedule.CheckID(route.Name, at), route.Request, at))
}
