// Package waves is the function Waves: how ready the routes of a wave are. It counts what is known and checks nothing.
package waves

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/page"
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

// Pages writes what people read in a browser.
type Pages interface {
	Wave(in page.WaveInput) (page.Page, error)
	Notice(n page.Notice) (page.Page, error)
}

// Handler is the function.
type Handler struct {
	// Store is nil where its settings are missing; Missing names them.
	Store   Store
	Missing string
	// Pages writes pages; nil where there are none.
	Pages Pages
	Now   func() time.Time
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

type answer struct {
	Wave string `json:"wave"`
	// Score is the percentage of routes that are ready, 0 to 100, rounded down.
	Score int `json:"score"`
	Ready int `json:"ready"`
	Total int `json:"total"`
	// Shallow is how many of the ready ones were not asked as far as the prerequisites.
	Shallow int        `json:"shallow,omitempty"`
	Routes  []standing `json:"routes"`
}

// standing is a route of the wave. Verdict and CheckID are null where it is registered but was never checked.
type standing struct {
	Route       string              `json:"route"`
	Verdict     *report.Verdict     `json:"verdict"`
	CheckID     *string             `json:"checkId"`
	FirstBroken *report.FirstBroken `json:"firstBroken"`
	Owner       report.Owner        `json:"owner,omitempty"`
	// Shallow says that the check is ready and was not asked as far as the prerequisites.
	Shallow bool `json:"shallow,omitempty"`
	// line is the same for a page.
	line page.CheckLine
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.Store == nil {
		problem.Write(w, problem.Missing(h.Missing))
		return
	}
	chosen, ok := format.Pick(w, r, h.Pages != nil)
	if !ok {
		return
	}
	wave := r.PathValue("wave")
	routes, err := h.standings(r.Context(), wave)
	switch {
	case err != nil:
		h.fail(w, r, "read wave", err)
	case chosen == format.HTML:
		h.page(w, r, wave, routes)
	case len(routes) == 0:
		problem.Write(w, problem.Problem{Status: http.StatusNotFound, Detail: "no route of this wave is known"})
	default:
		write(w, wave, routes)
	}
}

func (h Handler) fail(w http.ResponseWriter, r *http.Request, message string, err error) {
	h.Report(r.Context(), message, err)
	problem.Write(w, problem.Internal(r))
}

func (h Handler) page(w http.ResponseWriter, r *http.Request, wave string, routes []standing) {
	if len(routes) == 0 {
		p, err := h.Pages.Notice(page.Notice{Title: "There is no such wave", Tone: page.Idle,
			Text: []string{"No route of this wave is registered, and no check of it has finished."}})
		if err != nil {
			h.fail(w, r, "write notice", err)
			return
		}
		format.WritePage(w, r, http.StatusNotFound, p)
		return
	}
	score := scoreOf(routes)
	in := page.WaveInput{Wave: wave, Ready: score.Ready, Total: score.Total, Percent: score.Percent,
		Shallow: shallowOf(routes), Now: h.Now()}
	for _, one := range routes {
		in.Routes = append(in.Routes, one.line)
	}
	p, err := h.Pages.Wave(in)
	if err != nil {
		h.fail(w, r, "write the page of a wave", err)
		return
	}
	format.WritePage(w, r, http.StatusOK, p)
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
			Owner: c.Owner, Shallow: shallow(c), line: page.CheckLine{ID: c.CheckID, Route: c.Route, Wave: wave, Verdict: c.Verdict,
				FirstBroken: c.FirstBroken, Owner: c.Owner, Started: c.StartedAt, Layers: format.Layers(c.Layers)}})
	}
	for _, r := range registered {
		if !known[r.Name] && waveOf(r) == wave {
			all = append(all, standing{Route: r.Name, line: page.CheckLine{Route: r.Name, Wave: wave}})
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

// shallow tells whether a ready check left out the prerequisites of an end: a readiness ping proves no login.
func shallow(c store.Standing) bool {
	return schedule.ClassOf(c.Verdict) == schedule.Open && slices.ContainsFunc(c.Layers, func(l store.Layer) bool {
		return l.From == "" && l.Layer == finding.Prerequisites && l.State == store.NotAsked
	})
}

func shallowOf(routes []standing) (count int) {
	for _, r := range routes {
		if r.Shallow {
			count++
		}
	}
	return count
}

func scoreOf(routes []standing) schedule.Score {
	verdicts := make([]report.Verdict, len(routes))
	for i, r := range routes {
		if r.Verdict != nil {
			verdicts[i] = *r.Verdict
		}
	}
	return schedule.ScoreOf(verdicts)
}

func write(w http.ResponseWriter, wave string, routes []standing) {
	score := scoreOf(routes)
	raw, err := json.Marshal(answer{
		Wave: wave, Score: score.Percent, Ready: score.Ready, Total: score.Total, Shallow: shallowOf(routes), Routes: routes,
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
