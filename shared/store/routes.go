package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

// routesPartition holds every route, so that one question reads them all.
const routesPartition = "route"

// ErrNoRoute means that there is no route with this name.
var ErrNoRoute = errors.New("no such route")

// ErrRequestTooLong means that a route's request does not fit in its column.
var ErrRequestTooLong = errors.New("the request is too long for a row")

// Route is a row of Routes.
type Route struct {
	Name string
	// Request is a check request without an id, as JSON.
	Request      json.RawMessage
	EveryMinutes int
	Enabled      bool
	// NextDue is the slot of the next check; zero means at once.
	NextDue time.Time
	// ClaimedUntil is the end of a timer's lease on NextDue; zero or past where there is none.
	ClaimedUntil time.Time
	// QueuedCheckID and QueuedAt are those of the last check that a timer queued.
	QueuedCheckID string
	QueuedAt      time.Time
	Last          schedule.Last
	Watch         schedule.Watch

	seen azcore.ETag
}

// Slot is the route's next slot.
func (r Route) Slot() schedule.Slot {
	return schedule.Slot{Route: r.Name, Every: time.Duration(r.EveryMinutes) * time.Minute, At: r.NextDue,
		ClaimedUntil: r.ClaimedUntil}
}

// Routes reads every route, in order of their names.
func (s *Store) Routes(ctx context.Context) ([]Route, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	rows, err := s.all(ctx, query{op: "list routes", table: tableRoutes, filter: equals("PartitionKey", routesPartition)})
	if err != nil {
		return nil, err
	}
	routes := make([]Route, 0, len(rows))
	for _, raw := range rows {
		r, err := decodeRoute(raw)
		if err != nil {
			return nil, fmt.Errorf("list routes: %w", err)
		}
		routes = append(routes, r)
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Name, b.Name) })
	return routes, nil
}

// Route reads one route. ErrNoRoute where it is not registered.
func (s *Store) Route(ctx context.Context, name string) (Route, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return s.route(ctx, name)
}

func (s *Store) route(ctx context.Context, name string) (Route, error) {
	if !validKey(name) {
		return Route{}, ErrNoRoute
	}
	raw, seen, err := s.get(ctx, "read route", tableRoutes, row{partition: routesPartition, key: name})
	if err != nil {
		return Route{}, err
	}
	if raw == nil {
		return Route{}, fmt.Errorf("read route %s: %w", name, ErrNoRoute)
	}
	r, err := decodeRoute(raw)
	if err != nil {
		return Route{}, fmt.Errorf("read route %s: %w", name, err)
	}
	r.seen = seen // The answer's header wins; a list has only what is in the rows.
	return r, nil
}

// PutRoute registers a route or changes its request, interval and whether it is enabled; what is known of its checks
// stays. A route that is new or changed is due at once, an unchanged one keeps its slot. It gives the route as it
// stands, and whether it is new.
func (s *Store) PutRoute(ctx context.Context, wanted Route) (Route, bool, error) {
	if units(string(wanted.Request)) > chunkUnits {
		return Route{}, false, fmt.Errorf("save route %s: %w", wanted.Name, ErrRequestTooLong)
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	var put Route
	var created bool
	err := s.contest(ctx, "save route", func() error {
		there, err := s.route(ctx, wanted.Name)
		if created = errors.Is(err, ErrNoRoute); err != nil && !created {
			return err
		}
		put = there
		put.Name, put.Request = wanted.Name, wanted.Request
		put.EveryMinutes, put.Enabled = wanted.EveryMinutes, wanted.Enabled
		if !created && put.same(there) {
			return nil
		}
		put.NextDue = freshSlot(put, s.now())
		if created {
			return s.insert(ctx, "save route", tableRoutes, put.row())
		}
		return s.swap(ctx, put)
	})
	return put, created, err
}

// freshSlot is now, or the next second where the slot before was in this one: the same slot is the same check.
func freshSlot(r Route, now time.Time) time.Time {
	r.NextDue = now.UTC().Truncate(time.Second)
	if r.QueuedCheckID == r.Slot().CheckID() {
		r.NextDue = r.NextDue.Add(time.Second)
	}
	return r.NextDue
}

// same tells whether a PUT changes nothing.
func (r Route) same(other Route) bool {
	return string(r.Request) == string(other.Request) && r.EveryMinutes == other.EveryMinutes && r.Enabled == other.Enabled
}

// DeleteRoute removes a route; its history stays. ErrNoRoute where it is not registered.
func (s *Store) DeleteRoute(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if !validKey(name) {
		return ErrNoRoute
	}
	_, err := s.table(tableRoutes).DeleteEntity(ctx, routesPartition, name, nil)
	err = s.fault("delete route", tableRoutes, err)
	if isStatus(err, statusNotFound) {
		return fmt.Errorf("delete route %s: %w", name, ErrNoRoute)
	}
	return err
}

// ClaimRoute takes the lease on a route's slot, if the row is still as it was read. False where another timer was
// faster, or where the route was changed or removed meanwhile.
func (s *Store) ClaimRoute(ctx context.Context, r Route, until time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	r.ClaimedUntil = until
	err := s.swap(ctx, r)
	if contested(err) {
		return false, nil
	}
	return err == nil, err
}

// ChangeRoute reads a route, changes it and writes it back, again where another writer was faster. Nothing is written
// where change gives back what it got. ErrNoRoute where it is not registered, or no longer.
func (s *Store) ChangeRoute(ctx context.Context, name string, change func(Route) Route) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return s.changeRoute(ctx, name, change)
}

func (s *Store) changeRoute(ctx context.Context, name string, change func(Route) Route) error {
	return s.contest(ctx, "change route", func() error {
		there, err := s.route(ctx, name)
		if err != nil {
			return err
		}
		changed := change(there)
		if changed.same(there) && changed.state() == there.state() {
			return nil
		}
		return s.swap(ctx, changed)
	})
}

// followRoute moves a route's last verdict on. A check of a route that is not registered has none to move.
func (s *Store) followRoute(ctx context.Context, r report.Report) error {
	err := s.changeRoute(ctx, r.Route, func(there Route) Route {
		there.Last = there.Last.After(schedule.CheckOf(r))
		return there
	})
	if errors.Is(err, ErrNoRoute) {
		return nil
	}
	return err
}

// swap writes a route over the row that it was read from. Columns of strangers stay.
func (s *Store) swap(ctx context.Context, r Route) error {
	return s.mergeIf(ctx, "save route", tableRoutes, r.row(), r.seen)
}

// contest repeats a change until no other writer was faster.
func (s *Store) contest(ctx context.Context, op string, change func() error) error {
	for range contests {
		err := change()
		if !contested(err) {
			return err
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	return errors.New(op + ": other writers were faster every time")
}
