// Package readiness is the function ScheduleReadiness: a timer that queues a check of every route that is due. What is
// due, and when its check starts, is decided in package schedule.
package readiness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name.
const Name = "ScheduleReadiness"

// Limit bounds one firing. It is less than schedule.Lease, so that no other timer takes a slot that is still being
// worked on.
const Limit = 100 * time.Second

// atOnce bounds the rows that are written together.
const atOnce = 16

// Store keeps the routes.
type Store interface {
	Routes(ctx context.Context) ([]store.Route, error)
	// ClaimRoute is false where another timer was faster.
	ClaimRoute(ctx context.Context, r store.Route, until time.Time) (bool, error)
	ChangeRoute(ctx context.Context, name string, change func(store.Route) store.Route) error
	Load(ctx context.Context, id string) (store.State, error)
	MarkQueued(ctx context.Context, checks ...request.Check) error
}

// Queue takes the checks.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
}

// Handler is the function.
type Handler struct {
	// Store and Queue are nil where the settings they need are missing.
	Store Store
	Queue Queue
	Retry trouble.Retry
	Now   func() time.Time
	// Missing names those settings.
	Missing string
}

// Run is one firing. It does not look at what the timer says: a late one, a second one and one after a restart find in
// the routes what is due.
func (h Handler) Run(ctx context.Context, _ envelope.Invocation) (envelope.Answer, error) {
	if h.Store == nil || h.Queue == nil {
		return envelope.Answer{}, fmt.Errorf("schedule checks: %w", &trouble.MissingError{Names: h.Missing})
	}
	now := h.Now().UTC()
	var routes []store.Route
	err := h.Retry.Do(ctx, "read routes", func(ctx context.Context) error {
		var err error
		routes, err = h.Store.Routes(ctx)
		return err
	})
	if err != nil {
		return envelope.Answer{}, err
	}
	claimed, troubles := h.claim(ctx, now, routes)
	if err := h.queue(ctx, now, claimed); err != nil {
		// The leases run out, and the next timer takes the same slots.
		return envelope.Answer{}, errors.Join(append(troubles, err)...)
	}
	done := fmt.Sprintf("%d of %d routes queued", len(claimed), len(routes))
	return envelope.Answer{Logs: []string{done}}, errors.Join(troubles...)
}

// claim takes the leases of all routes that are due and whose last check does not run any more. The trouble of one
// route does not keep back the others.
func (h Handler) claim(ctx context.Context, now time.Time, routes []store.Route) ([]store.Route, []error) {
	taken, troubles := make([]bool, len(routes)), make([]error, len(routes))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range routes {
		r := &routes[i]
		if !r.Enabled || !r.Slot().Due(now) {
			continue
		}
		if r.NextDue.IsZero() {
			r.NextDue = now.Truncate(time.Minute)
		}
		group.Go(func() error {
			taken[i], troubles[i] = h.take(ctx, now, *r)
			return nil
		})
	}
	_ = group.Wait() // The functions keep their errors.
	var claimed []store.Route
	for i, r := range routes {
		if taken[i] {
			claimed = append(claimed, r)
		}
	}
	return claimed, present(troubles)
}

func (h Handler) take(ctx context.Context, now time.Time, r store.Route) (bool, error) {
	running, err := h.running(ctx, now, r)
	if err != nil || running {
		return false, err
	}
	taken, err := h.Store.ClaimRoute(ctx, r, now.Add(schedule.Lease))
	if err != nil {
		return false, fmt.Errorf("claim route %s: %w", r.Name, err)
	}
	return taken, nil
}

// running tells whether the check that was queued last still waits or runs. Its route stays due, and is taken by the
// first timer after that check's end.
func (h Handler) running(ctx context.Context, now time.Time, r store.Route) (bool, error) {
	if r.QueuedCheckID == "" || r.QueuedCheckID == r.Last.CheckID || now.Sub(r.QueuedAt) > schedule.LostAfter {
		return false, nil
	}
	state, err := h.Store.Load(ctx, r.QueuedCheckID)
	if err != nil {
		return false, fmt.Errorf("look for the last check of route %s: %w", r.Name, err)
	}
	return state.Status == store.Queued || state.Status == store.Running, nil
}

// queue sends the checks and then moves the slots on.
func (h Handler) queue(ctx context.Context, now time.Time, routes []store.Route) error {
	if len(routes) == 0 {
		return nil
	}
	slots, checks := make([]schedule.Slot, len(routes)), make([]request.Check, len(routes))
	for i, r := range routes {
		slots[i] = r.Slot()
		checks[i] = request.Check{ID: slots[i].CheckID(), Route: r.Name}
	}
	starts, messages := schedule.Spread(slots, now), make([]queue.Message, len(routes))
	for i, r := range routes {
		messages[i] = delivery.Scheduled(checks[i].ID, r.Request, starts[i])
	}
	err := h.Retry.Do(ctx, "queue checks", func(ctx context.Context) error { return h.Queue.Send(ctx, messages...) })
	if err != nil {
		return err
	}
	if err := h.Store.MarkQueued(ctx, checks...); err != nil {
		// The checks run all the same.
		h.Retry.Report(ctx, "mark checks as queued", err)
	}
	return h.moveOn(ctx, now, routes)
}

func (h Handler) moveOn(ctx context.Context, now time.Time, routes []store.Route) error {
	troubles := make([]error, len(routes))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, r := range routes {
		group.Go(func() error {
			what := "move route " + r.Name + " on"
			troubles[i] = h.Retry.Do(ctx, what, func(ctx context.Context) error { return h.moveOneOn(ctx, now, r) })
			return nil
		})
	}
	_ = group.Wait() // The functions keep their errors.
	return errors.Join(troubles...)
}

// moveOneOn ends a lease. A route that was changed meanwhile has a slot of its own by now, which stays.
func (h Handler) moveOneOn(ctx context.Context, now time.Time, taken store.Route) error {
	slot := taken.Slot()
	err := h.Store.ChangeRoute(ctx, taken.Name, func(there store.Route) store.Route {
		if there.NextDue.Equal(slot.At) || there.NextDue.IsZero() {
			there.NextDue = there.Slot().Next(now)
		}
		there.ClaimedUntil, there.QueuedCheckID, there.QueuedAt = now, slot.CheckID(), now
		return there
	})
	if errors.Is(err, store.ErrNoRoute) {
		return nil
	}
	return err
}

func present(troubles []error) []error {
	var some []error
	for _, err := range troubles {
		if err != nil {
			some = append(some, err)
		}
	}
	return some
}
