package store

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

func ordersRoute() Route {
	return Route{Name: "orders-db", Request: json.RawMessage(`{"version":1}`), EveryMinutes: 5, Enabled: true}
}

func put(t *testing.T, s *Store, r Route) Route {
	t.Helper()
	got, _, err := s.PutRoute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPutRoute(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.now = func() time.Time { return noon }
	got, created, err := s.PutRoute(t.Context(), ordersRoute())
	if err != nil || !created || !got.NextDue.Equal(noon.Truncate(time.Second)) {
		t.Fatalf("new: %+v, %v, %v", got, created, err)
	}
	for name, want := range map[string]any{
		"Request": `{"version":1}`, "EveryMinutes": int32(5), "Enabled": true, "LastVerdict": "", "LastCheckId": "",
	} {
		if columns := read(t, s, tableRoutes, routesPartition, "orders-db"); columns[name] != want {
			t.Errorf("Routes.%s = %v (%T), want %v", name, columns[name], columns[name], want)
		}
	}
	s.now = func() time.Time { return noon.Add(time.Hour) }
	if got, created, err = s.PutRoute(t.Context(), ordersRoute()); err != nil || created ||
		!got.NextDue.Equal(noon.Truncate(time.Second)) {
		t.Errorf("the same again: %+v, %v, %v", got, created, err)
	}
	save(t, s, broken("c1", noon))
	changed := ordersRoute()
	changed.EveryMinutes = 60
	if got, created, err = s.PutRoute(t.Context(), changed); err != nil || created ||
		!got.NextDue.Equal(noon.Add(time.Hour).Truncate(time.Second)) || got.Last.CheckID != "c1" {
		t.Errorf("changed: %+v, %v, %v", got, created, err)
	}
	err = s.ChangeRoute(t.Context(), "orders-db", func(r Route) Route {
		r.QueuedCheckID = r.Slot().CheckID()
		return r
	})
	if changed.EveryMinutes = 7; err != nil {
		t.Fatal(err)
	}
	if got, _, err = s.PutRoute(t.Context(), changed); err != nil || got.Slot().CheckID() == got.QueuedCheckID ||
		!got.Slot().Due(s.now()) {
		t.Errorf("changed within the second of a slot: %+v, %v", got, err)
	}
	changed.Request = json.RawMessage(`"` + strings.Repeat("x", chunkUnits) + `"`)
	if _, _, err := s.PutRoute(t.Context(), changed); !errors.Is(err, ErrRequestTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestRoutesAreListedAndRemoved(t *testing.T) {
	t.Parallel()
	s := open(t)
	if routes, err := s.Routes(t.Context()); err != nil || len(routes) != 0 {
		t.Fatalf("no table yet: %v, %v", routes, err)
	}
	for _, name := range []string{"b", "a"} {
		r := ordersRoute()
		r.Name = name
		put(t, s, r)
	}
	routes, err := s.Routes(t.Context())
	if err != nil || len(routes) != 2 || routes[0].Name != "a" || string(routes[0].Request) != `{"version":1}` {
		t.Fatalf("%+v, %v", routes, err)
	}
	if err := s.DeleteRoute(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a", "x/y", ""} {
		if err := s.DeleteRoute(t.Context(), name); !errors.Is(err, ErrNoRoute) {
			t.Errorf("delete %q: %v", name, err)
		}
		if _, err := s.Route(t.Context(), name); !errors.Is(err, ErrNoRoute) {
			t.Errorf("read %q: %v", name, err)
		}
	}
	if claimed, err := s.ClaimRoute(t.Context(), routes[0], noon); claimed || err != nil {
		t.Errorf("a route that is gone was claimed: %v, %v", claimed, err)
	}
}

// Two timers that read the same row: one has it.
func TestOneTimerClaims(t *testing.T) {
	t.Parallel()
	s := open(t)
	put(t, s, ordersRoute())
	var won atomic.Int32
	var timers sync.WaitGroup
	routes, err := s.Routes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		timers.Go(func() {
			claimed, err := s.ClaimRoute(t.Context(), routes[0], noon)
			if err != nil {
				t.Error(err)
			}
			if claimed {
				won.Add(1)
			}
		})
	}
	timers.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d timers have the route", n)
	}
	if r, err := s.Route(t.Context(), "orders-db"); err != nil || !r.ClaimedUntil.Equal(noon.Truncate(100)) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSaveMovesTheRouteOn(t *testing.T) {
	t.Parallel()
	s := open(t)
	put(t, s, ordersRoute())
	open := broken("c0", noon.Add(-time.Hour))
	open.Verdict, open.FirstBroken = report.Ready, nil
	for _, step := range []struct {
		saved   report.Report
		verdict report.Verdict
		id      string
		since   time.Time
	}{
		{open, report.Ready, "c0", open.StartedAt},
		{broken("c2", noon.Add(time.Minute)), report.NotReady, "c2", noon.Add(time.Minute)},
		{broken("c1", noon), report.NotReady, "c2", noon.Add(time.Minute)},
	} {
		save(t, s, step.saved)
		if err := s.Complete(t.Context(), step.saved.ID); err != nil {
			t.Error(err)
		}
		r, err := s.Route(t.Context(), "orders-db")
		if err != nil || r.Last.Verdict != step.verdict || r.Last.CheckID != step.id ||
			!r.Last.Since.Equal(step.since.Truncate(100)) {
			t.Errorf("after %s: %+v, %v", step.saved.ID, r.Last, err)
		}
	}
	stray := broken("c3", noon)
	stray.Route = "not-registered"
	save(t, s, stray)
	if n := rows(t, s, tableRoutes); n != 1 {
		t.Errorf("%d routes", n)
	}
}

// Everything that a row remembers comes back, also where several write at once.
func TestChangeRoute(t *testing.T) {
	t.Parallel()
	s := open(t)
	put(t, s, ordersRoute())
	watch := schedule.Watch{Suspect: "c1", SuspectCode: finding.TCPTimeout, SuspectAt: noon.Truncate(100), Said: report.Ready,
		SaidID: "c0", SaidAt: noon.Add(-time.Hour).Truncate(100), BlockedAt: noon.Add(-2 * time.Hour).Truncate(100)}
	var writers sync.WaitGroup
	for _, change := range []func(Route) Route{
		func(r Route) Route { r.Watch = watch; return r },
		func(r Route) Route { r.QueuedCheckID, r.QueuedAt = "q1", noon.Truncate(100); return r },
		func(r Route) Route { r.ClaimedUntil = noon.Truncate(100); return r },
		func(r Route) Route { return r },
	} {
		writers.Go(func() {
			if err := s.ChangeRoute(t.Context(), "orders-db", change); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	r, err := s.Route(t.Context(), "orders-db")
	if err != nil || r.Watch != watch || r.QueuedCheckID != "q1" || !r.QueuedAt.Equal(noon.Truncate(100)) ||
		!r.ClaimedUntil.Equal(noon.Truncate(100)) || r.EveryMinutes != 5 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := s.ChangeRoute(t.Context(), "none", func(r Route) Route { return r }); !errors.Is(err, ErrNoRoute) {
		t.Errorf("a route that is not there: %v", err)
	}
}

// A row that somebody wrote by hand, with the contract's columns only.
func TestRouteByHand(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.put(t.Context(), "test", tableRoutes, row{partition: routesPartition, key: "hand", columns: map[string]any{
		"Request": "{}", "EveryMinutes": int32(5), "Enabled": true, "NextDue": timestamp(noon),
	}}); err != nil {
		t.Fatal(err)
	}
	routes, err := s.Routes(t.Context())
	if err != nil || len(routes) != 1 || !routes[0].Slot().Due(noon) {
		t.Fatalf("%+v, %v", routes, err)
	}
	if claimed, err := s.ClaimRoute(t.Context(), routes[0], noon); !claimed || err != nil {
		t.Errorf("claimed %v, %v", claimed, err)
	}
}
