package routes

import (
	"errors"
	"net/http"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Pages writes what people read in a browser.
type Pages interface {
	Routes(in page.RoutesInput) (page.Page, error)
	Route(in page.RouteInput) (page.Page, error)
	Notice(n page.Notice) (page.Page, error)
}

func (h Handler) listPage(w http.ResponseWriter, r *http.Request, routes []store.Route) {
	in := page.RoutesInput{Now: h.Now()}
	for _, one := range routes {
		in.Routes = append(in.Routes, lineOf(one))
	}
	p, err := h.Pages.Routes(in)
	h.writePage(w, r, http.StatusOK, p, err)
}

// page is that of one route. A route that is not registered, or no longer, has one as long as it has checks.
func (h Handler) page(w http.ResponseWriter, r *http.Request, name string) {
	limit, err := historyLimit(r.URL.Query().Get("limit"), historyMost)
	if err != nil {
		h.notice(w, r, http.StatusBadRequest, page.Notice{Title: "This page cannot be shown", Tone: page.Bad,
			Text: []string{"The parameter limit " + err.Error() + "."}})
		return
	}
	found, err := h.Store.Route(r.Context(), name)
	registered := !errors.Is(err, store.ErrNoRoute)
	if err != nil && registered {
		h.fail(w, r, "read route", err)
		return
	}
	in := page.RouteInput{Route: page.RouteLine{Name: name}, Registered: registered, Now: h.Now()}
	if registered {
		in.Route = lineOf(found)
	}
	if request.IsName(name) {
		checks, err := h.history(r, store.Filter{Route: name, Layers: true}, limit+1)
		if err != nil {
			h.fail(w, r, "read the history of a route", err)
			return
		}
		in.Full = len(checks) > limit
		in.History = format.Lines(checks[:min(len(checks), limit)])
	}
	if !registered && len(in.History) == 0 {
		h.notice(w, r, http.StatusNotFound, page.Notice{Title: "There is no such route", Tone: page.Idle,
			Text: []string{"No route of this name is registered, and no check of it has finished."}})
		return
	}
	p, err := h.Pages.Route(in)
	h.writePage(w, r, http.StatusOK, p, err)
}

func (h Handler) notice(w http.ResponseWriter, r *http.Request, status int, n page.Notice) {
	p, err := h.Pages.Notice(n)
	h.writePage(w, r, status, p, err)
}

func (h Handler) writePage(w http.ResponseWriter, r *http.Request, status int, p page.Page, err error) {
	if err != nil {
		h.Report(r.Context(), "write page", err)
		problem.Write(w, problem.Internal(r))
		return
	}
	format.WritePage(w, r, status, p)
}

func lineOf(r store.Route) page.RouteLine {
	return page.RouteLine{Name: r.Name, Request: r.Request, EveryMinutes: r.EveryMinutes, Enabled: r.Enabled,
		Verdict: r.Last.Verdict, CheckID: r.Last.CheckID, Since: r.Last.Since, NextDue: r.NextDue, Said: r.Watch.Said,
		SaidID: r.Watch.SaidID, SaidAt: r.Watch.SaidAt}
}
