package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const timer = "ScheduleReadiness"

// route is what the interface says of one.
type route struct {
	Name, LastVerdict, LastCheckID string
	EveryMinutes                   int
	Since, NextDue                 time.Time
	History                        []struct{ ID, Verdict string }
}

// ask calls the interface and decodes its answer.
func ask(t *testing.T, b *bench, method, path string, body []byte, into any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.URL()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if into != nil {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			t.Fatalf("%s %s: %d: %v", method, path, response.StatusCode, err)
		}
	}
	return response.StatusCode
}

// register puts a route that asks for a check.
func register(t *testing.T, b *bench, name string, c request.Check) int {
	t.Helper()
	c.ID, c.Route = "", name
	return ask(t, b, http.MethodPut, "/api/routes/"+name,
		fmt.Appendf(nil, `{"request": %s, "everyMinutes": 60, "enabled": true}`, c.JSON()), nil)
}

// rows reaches the tables past the handler.
func rows(t *testing.T, b *bench) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{ConnectionString: secret.New(b.Tables.ConnectionString())})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// late makes a route due since hours.
func late(t *testing.T, b *bench, name string) {
	t.Helper()
	err := rows(t, b).ChangeRoute(t.Context(), name, func(r store.Route) store.Route {
		r.NextDue = time.Now().Add(-3 * time.Hour)
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fire runs the timer so many times at once.
func fire(t *testing.T, b *bench, times int) {
	t.Helper()
	var timers sync.WaitGroup
	for range times {
		timers.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := b.Host.RunTimer(ctx, timer); err != nil {
				t.Error(err)
			}
		})
	}
	timers.Wait()
}

// checked waits until a route has so many checks in its history, and no other one is on its way.
func checked(t *testing.T, b *bench, name string, count int) route {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		var r route
		if status := ask(t, b, http.MethodGet, "/api/routes/"+name, nil, &r); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		d := depth(t, b)
		done := d.Active+d.Locked+d.Scheduled == 0
		if len(r.History) > count || time.Now().After(deadline) {
			t.Fatalf("%d checks, want %d; queue %+v", len(r.History), count, d)
		}
		if len(r.History) == count && done && r.LastCheckID == r.History[0].ID {
			return r
		}
	}
}

func TestRouteIsCheckedOncePerSlot(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c := b.check("")
	if status := register(t, b, "orders-db", c); status != http.StatusCreated {
		t.Fatalf("status %d", status)
	}
	t.Run("two timers at once", func(t *testing.T) {
		fire(t, b, 2)
		r := checked(t, b, "orders-db", 1)
		if r.LastVerdict != "ready" || r.Since.IsZero() || !r.NextDue.After(time.Now()) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("again, after the handler was killed", func(t *testing.T) {
		restart(t, b.Host.KillHandler)
		fire(t, b, 1)
		checked(t, b, "orders-db", 1)
	})
	t.Run("a timer that comes hours late", func(t *testing.T) {
		late(t, b, "orders-db")
		fire(t, b, 3)
		if r := checked(t, b, "orders-db", 2); r.LastVerdict != "ready" || !r.NextDue.After(time.Now()) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("wave", func(t *testing.T) {
		if status := register(t, b, "never-checked", c); status != http.StatusCreated {
			t.Errorf("status %d", status)
		}
		var wave struct {
			Score, Ready, Total int
			Routes              []struct{ Route, Verdict string }
		}
		if ask(t, b, http.MethodGet, "/api/waves/2026-12", nil, &wave); wave.Score != 50 || wave.Ready != 1 || wave.Total != 2 {
			t.Errorf("%+v", wave)
		}
	})
	t.Run("bad requests", func(t *testing.T) { badRoutes(t, b) })
	t.Run("removed", func(t *testing.T) {
		for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
			if status := ask(t, b, http.MethodDelete, "/api/routes/orders-db", nil, nil); status != want {
				t.Errorf("status %d, want %d", status, want)
			}
		}
	})
}

func badRoutes(t *testing.T, b *bench) {
	good := string(b.check("").JSON())
	for field, body := range map[string]string{
		"request.source.hots": `{"everyMinutes":5,"request":` + strings.Replace(good, `"host"`, `"hots"`, 1) + `}`,
		"everyMinutes":        `{"everyMinutes":1441,"request":` + good + `}`,
		"request.route":       `{"everyMinutes":5,"request":` + good + `}`,
		"request":             `{"everyMinutes":5}`,
		"every":               `{"every":5,"request":` + good + `}`,
	} {
		var wrong struct{ Field, Detail string }
		if status := ask(t, b, http.MethodPut, "/api/routes/bad", []byte(body), &wrong); status != http.StatusBadRequest ||
			wrong.Field != field || wrong.Detail == "" {
			t.Errorf("%s: %d %+v", field, status, wrong)
		}
	}
}

func TestRouteIsSkippedWhileItsCheckRuns(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c, reached := slow(t, b, "")
	c.TimeoutSeconds = 15
	register(t, b, "slow-db", c)
	fire(t, b, 1)
	await(t, "the check", reached)
	late(t, b, "slow-db")
	fire(t, b, 2)
	if d := depth(t, b); d.Active+d.Scheduled != 0 || d.Locked != 1 || len(reached) != 0 {
		t.Errorf("another check is on its way: %+v", d)
	}
	logged(t, b, ": not_ready (report stored)")
	fire(t, b, 1)
	await(t, "the check of the slot that was skipped", reached)
}

// A route that was open and is blocked now is checked again before anybody is told.
func TestFirstBlockedCheckIsConfirmed(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c := b.check("")
	register(t, b, "flapping", c)
	fire(t, b, 1)
	checked(t, b, "flapping", 1)
	c.Source.Port = listen(t, func(conn net.Conn) { conn.Close() })
	if status := register(t, b, "flapping", c); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	fire(t, b, 1)
	logged(t, b, ": not_ready (report stored)")
	for deadline := time.Now().Add(patience); depth(t, b).Scheduled == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is scheduled")
		}
	}
	r, err := rows(t, b).Route(t.Context(), "flapping")
	if err != nil || r.Last.Verdict != "not_ready" || r.Watch.Said != "ready" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestBatchOfAThousand(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	const count, bad = 1000, 417
	var batch []string
	for i := range count {
		c := b.check(fmt.Sprintf("batch-%03d", i))
		c.Route, c.Depth = fmt.Sprintf("route-%03d", i), request.DepthResolve
		body := string(c.JSON())
		if i == bad {
			body = strings.Replace(body, `"mode":"offline"`, `"mode":"sometimes"`, 1)
		}
		batch = append(batch, body)
	}
	var answer struct {
		Accepted int
		Results  []struct {
			Index                              int
			ID, Status, Field, Error, Location string
		}
	}
	status := ask(t, b, http.MethodPost, "/api/checks", []byte("["+strings.Join(batch, ",")+"]"), &answer)
	if status != http.StatusAccepted || answer.Accepted != count-1 || len(answer.Results) != count {
		t.Fatalf("status %d, %d accepted, %d results", status, answer.Accepted, len(answer.Results))
	}
	for i, one := range answer.Results {
		wanted, field := "queued", ""
		if i == bad {
			wanted, field = "rejected", "mode"
		}
		if one.Index != i || one.Status != wanted || one.Field != field || one.ID != fmt.Sprintf("batch-%03d", i) {
			t.Errorf("result %d: %+v", i, one)
		}
	}
	for i := range count {
		if i != bad {
			b.await(t, fmt.Sprintf("batch-%03d", i))
		}
	}
	unharmed(t, b)
}
