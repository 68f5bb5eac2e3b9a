// Package waves is the function Waves: how ready the routes of a wave are. It counts what is known and checks nothing.
package waves

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "Waves"
	Route = "waves/{wave}"
)

// Limit bounds one request.
const Limit = 30 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodGet} }

// Store keeps what is known.
type Store interface {
	// Wave gives the latest check of every route of a wave; nothing for a wave that is not known.
	Wave(ctx context.Context, wave string) ([]store.Standing, error)
	Routes(ctx context.Context) ([]store.Route, error)
}

// Handler is the function.
type Handler struct {
	// Store is nil where its settings are missing; Missing names them.
	Store   Store
	Missing string
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

type answer struct {
	Wave string `json:"wave"`
	// Score is the percentage of routes that are ready, 0 to 100, rounded down.
	Score  int        `json:"score"`
	Ready  int        `json:"ready"`
	Total  int        `json:"total"`
	Routes []standing `json:"routes"`
}

// standing is a route of the wave. Verdict and CheckID are null where it is registered but was never checked.
type standing struct {
	Route       string              `json:"route"`
	Verdict     *report.Verdict     `json:"verdict"`
	CheckID     *string             `json:"checkId"`
	FirstBroken *report.FirstBroken `json:"firstBroken"`
	Owner       report.Owner        `json:"owner,omitempty"`
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.Store == nil {
		problem.Write(w, problem.Missing(h.Missing))
		return
	}
	wave := r.PathValue("wave")
	routes, err := h.standings(r.Context(), wave)
	if err != nil {
		h.Report(r.Context(), "read wave", err)
		problem.Write(w, problem.Internal(r))
		return
	}
	if len(routes) == 0 {
		problem.Write(w, problem.Problem{Status: http.StatusNotFound, Detail: "no route of this wave is known"})
		return
	}
	write(w, wave, routes)
}

// standings are those of the checks of the wave, and of the registered routes that belong to it but had none: a wave is
// not ready because nobody looked.
func (h Handler) standings(ctx context.Context, wave string) ([]standing, error) {
	checked, err := h.Store.Wave(ctx, wave)
	if err != nil {
		return nil, err
	}
	registered, err := h.Store.Routes(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	var all []standing
	for _, c := range checked {
		known[c.Route] = true
		all = append(all, standing{Route: c.Route, Verdict: &c.Verdict, CheckID: &c.CheckID, FirstBroken: c.FirstBroken,
			Owner: c.Owner})
	}
	for _, r := range registered {
		if !known[r.Name] && waveOf(r) == wave {
			all = append(all, standing{Route: r.Name})
		}
	}
	slices.SortStableFunc(all, func(a, b standing) int { return cmp.Compare(a.Route, b.Route) })
	return all, nil
}

// waveOf is empty for a row that was written by hand and does not decode.
func waveOf(r store.Route) string {
	var request struct {
		Wave string `json:"wave"`
	}
	_ = json.Unmarshal(r.Request, &request)
	return request.Wave
}

func write(w http.ResponseWriter, wave string, routes []standing) {
	verdicts := make([]report.Verdict, len(routes))
	for i, r := range routes {
		if r.Verdict != nil {
			verdicts[i] = *r.Verdict
		}
	}
	score := schedule.ScoreOf(verdicts)
	raw, err := json.Marshal(answer{
		Wave: wave, Score: score.Percent, Ready: score.Ready, Total: score.Total, Routes: routes,
	})
	if err != nil {
		panic("waves: an answer of plain values does not marshal: " + err.Error())
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
