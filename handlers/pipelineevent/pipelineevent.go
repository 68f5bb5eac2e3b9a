// Package pipelineevent is the function AcceptPipelineEvent: a migration pipeline's event becomes a check in the queue.
// It runs no check. An event that asks for none is a rejected report and not an error, since Event Grid would deliver it
// for a day.
package pipelineevent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name.
const Name = "AcceptPipelineEvent"

// Limit bounds one invocation: Event Grid takes no answer within 30 s for a failure, and delivers again.
const Limit = 22 * time.Second

// binding is the trigger's name in function.json.
const binding = "event"

// Store knows routes and checks.
type Store interface {
	// Route gives store.ErrNoRoute where the route is not registered.
	Route(ctx context.Context, name string) (store.Route, error)
	Finished(ctx context.Context, id string) (bool, error)
	// MarkQueued notes a check that the queue has taken; what is known of it already stays.
	MarkQueued(ctx context.Context, checks ...request.Check) error
}

// Queue takes the checks.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
}

// Keeper stores a report and does what follows from it; all of it may be done twice.
type Keeper interface {
	Keep(ctx context.Context, r report.Report, d delivery.Delivery) (store.Outcome, error)
}

// Handler is the function.
type Handler struct {
	// Store and Queue are nil where the settings they need are missing.
	Store  Store
	Queue  Queue
	Keeper Keeper
	// Rejected writes the report on a bad event.
	Rejected func(problem *request.Problem, id string, now time.Time) (report.Report, error)
	Retry    trouble.Retry
	Now      func() time.Time
	// Missing names those settings.
	Missing string
}

// Run is one invocation: one event. An error lets Event Grid deliver it again, with growing delays for a day; the check
// is the same then, since its id is the event's.
func (h Handler) Run(ctx context.Context, invocation envelope.Invocation) (envelope.Answer, error) {
	if h.Store == nil || h.Queue == nil {
		return envelope.Answer{}, fmt.Errorf("accept event: %w", &trouble.MissingError{Names: h.Missing})
	}
	e, err := read(invocation)
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("accept event: %w", err)
	}
	check, err := h.check(ctx, e)
	if refused, ok := errors.AsType[*request.Problem](err); ok {
		return h.reject(ctx, e, refused)
	}
	if err != nil {
		return envelope.Answer{}, err
	}
	return h.enqueue(ctx, e, check)
}

// check is the check that an event asks for. A *request.Problem says why it asks for none.
func (h Handler) check(ctx context.Context, e event) (request.Check, error) {
	if e.tooLarge {
		return request.Check{}, e.refused()
	}
	named, is := request.ReadNamed(e.body)
	if !is {
		return request.Decode(e.body, e.id)
	}
	var route store.Route
	err := h.Retry.Do(ctx, "read route "+named.Route, func(ctx context.Context) error {
		var err error
		route, err = h.Store.Route(ctx, named.Route)
		return err
	})
	if errors.Is(err, store.ErrNoRoute) {
		return request.Check{}, named.NotRegistered(e.id)
	}
	if err != nil {
		return request.Check{}, err
	}
	return named.On(route.Request, e.id)
}

// enqueue sends a check that has no report yet, then notes it. In this order a failure leaves nothing that waits for
// ever: a message without a note still runs.
func (h Handler) enqueue(ctx context.Context, e event, check request.Check) (envelope.Answer, error) {
	check.ID = e.checkID(check.ID)
	var finished bool
	err := h.Retry.Do(ctx, "look for the report of "+check.ID, func(ctx context.Context) error {
		var err error
		finished, err = h.Store.Finished(ctx, check.ID)
		return err
	})
	if err != nil {
		return envelope.Answer{}, err
	}
	if finished {
		return says("check %s was finished before", check.ID), nil
	}
	message := queue.Message{ID: check.ID, Body: check.JSON(), CorrelationID: e.correlation(check.ID)}
	err = h.Retry.Do(ctx, "queue check "+check.ID, func(ctx context.Context) error { return h.Queue.Send(ctx, message) })
	if err != nil {
		return envelope.Answer{}, err
	}
	if err := h.Store.MarkQueued(ctx, check); err != nil {
		// The check runs all the same; another delivery would only queue it twice.
		h.Retry.Report(ctx, "mark "+check.ID+" as queued", err)
	}
	return says("check %s is queued", check.ID), nil
}

func (h Handler) reject(ctx context.Context, e event, refused *request.Problem) (envelope.Answer, error) {
	id := e.checkID(refused.ID)
	rejected, err := h.Rejected(refused, id, h.Now())
	if err != nil {
		return envelope.Answer{}, fmt.Errorf("write the report of %s: %w", id, err)
	}
	d := delivery.Delivery{ID: id, Problem: refused, CorrelationID: e.correlation(id)}
	if _, err := h.Keeper.Keep(ctx, rejected, d); err != nil {
		return envelope.Answer{}, err
	}
	return says("check %s rejected: %v", id, refused), nil
}

func says(format string, args ...any) envelope.Answer {
	return envelope.Answer{Logs: []string{fmt.Sprintf(format, args...)}}
}
