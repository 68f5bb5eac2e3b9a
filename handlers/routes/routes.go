// Package routes is the function Routes: the registry that the timer reads. It runs no check and queues none.
package routes

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "Routes"
	Route = "routes/{name?}"
)

// Limit bounds one request.
const Limit = 30 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodGet, http.MethodPut, http.MethodDelete} }

// Store keeps the routes. Those that look for one give store.ErrNoRoute where there is none.
type Store interface {
	Routes(ctx context.Context) ([]store.Route, error)
	Route(ctx context.Context, name string) (store.Route, error)
	// PutRoute tells whether the route is new; store.ErrRequestTooLong where the request does not fit in a row.
	PutRoute(ctx context.Context, wanted store.Route) (store.Route, bool, error)
	DeleteRoute(ctx context.Context, name string) error
	List(ctx context.Context, filter store.Filter) (store.Page, error)
}

// Handler is the function.
type Handler struct {
	// Store is nil where its settings are missing; Missing names them.
	Store   Store
	Missing string
	// BaseURL is where people reach the app, without a slash at the end.
	BaseURL string
	// Rule refuses a request that could be read but not be served as our settings are; nil refuses none.
	Rule func(c request.Check) *request.Problem
	// Pages writes pages; nil where there are none.
	Pages Pages
	Now   func() time.Time
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	switch {
	case h.Store == nil:
		problem.Write(w, problem.Missing(h.Missing))
	case name == "" && r.Method == http.MethodGet:
		h.list(w, r)
	case name == "":
		w.Header().Set("Allow", http.MethodGet)
		problem.Write(w, problem.Problem{Status: http.StatusMethodNotAllowed, Detail: "a route has a name: /api/routes/NAME"})
	case !request.IsName(name) && r.Method == http.MethodPut:
		problem.Write(w, invalid("name", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -"))
	case r.Method == http.MethodPut:
		h.put(w, r, name)
	case r.Method == http.MethodDelete:
		h.remove(w, r, name)
	default:
		h.get(w, r, name)
	}
}

func (h Handler) list(w http.ResponseWriter, r *http.Request) {
	chosen, ok := format.Pick(w, r, h.Pages != nil)
	if !ok {
		return
	}
	routes, err := h.Store.Routes(r.Context())
	if err != nil {
		h.fail(w, r, "list routes", err)
		return
	}
	if chosen == format.HTML {
		h.listPage(w, r, routes)
		return
	}
	answer := struct {
		Routes []route `json:"routes"`
	}{make([]route, 0, len(routes))}
	for _, one := range routes {
		answer.Routes = append(answer.Routes, shown(one))
	}
	write(w, http.StatusOK, answer)
}

func (h Handler) remove(w http.ResponseWriter, r *http.Request, name string) {
	if err := h.Store.DeleteRoute(r.Context(), name); err != nil {
		h.fail(w, r, "delete route", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fail answers for a route that is not there, and for our own trouble, of which the caller is told no more than that
// there is some.
func (h Handler) fail(w http.ResponseWriter, r *http.Request, message string, err error) {
	if errors.Is(err, store.ErrNoRoute) {
		problem.Write(w, problem.Problem{Status: http.StatusNotFound, Detail: "no route has this name"})
		return
	}
	h.Report(r.Context(), message, err)
	problem.Write(w, problem.Internal(r))
}

// route is a route as callers see it.
type route struct {
	Name         string          `json:"name"`
	Request      json.RawMessage `json:"request"`
	EveryMinutes int             `json:"everyMinutes"`
	Enabled      bool            `json:"enabled"`
	// LastVerdict, LastCheckID and Since are those of the newest finished check; absent before the first.
	LastVerdict report.Verdict `json:"lastVerdict,omitempty"`
	LastCheckID string         `json:"lastCheckId,omitempty"`
	Since       *time.Time     `json:"since,omitempty"`
	NextDue     *time.Time     `json:"nextDue,omitempty"`
}

func shown(r store.Route) route {
	out := route{Name: r.Name, Request: r.Request, EveryMinutes: r.EveryMinutes, Enabled: r.Enabled,
		LastVerdict: r.Last.Verdict, LastCheckID: r.Last.CheckID, Since: known(r.Last.Since)}
	if !json.Valid(out.Request) {
		out.Request = nil // A row that was written by hand.
	}
	if r.Enabled {
		out.NextDue = known(r.NextDue)
	}
	return out
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func invalid(field, detail string) problem.Problem {
	return problem.Problem{Status: http.StatusBadRequest, Field: field, Detail: detail}
}

func write(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		// Only plain values and valid JSON are written here.
		panic("routes: an answer does not marshal: " + err.Error())
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
