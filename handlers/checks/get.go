package checks

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	limitDefault = 50
	limitMost    = 200
)

func (h Handler) get(w http.ResponseWriter, r *http.Request) {
	asked := format.Asked{ID: r.PathValue("id")}
	if isName(asked.ID) {
		var err error
		if asked.State, err = h.Store.Load(r.Context(), asked.ID); err != nil {
			h.fail(w, r, "load check", err)
			return
		}
	}
	if h.Links.Base != "" {
		// A relative link in a ticket leads nowhere.
		asked.Link = h.Links.Report(asked.ID, h.Now())
	}
	h.answers().Give(w, r, asked)
}

// answers gives pages only where there are any: an interface that holds a nil of its own is not nil.
func (h Handler) answers() format.Answers {
	a := format.Answers{Before: h.Store.Before, Trail: page.TrailOf, Report: h.Report}
	if h.Pages != nil {
		a.Pages = h.Pages
	}
	return a
}

func (h Handler) list(w http.ResponseWriter, r *http.Request) {
	chosen, ok := format.Pick(w, r, h.Pages != nil)
	if !ok {
		return
	}
	filter, wrong := readFilter(r.URL.Query())
	if wrong != nil {
		h.refuse(w, r, chosen, *wrong)
		return
	}
	found, err := h.Store.List(r.Context(), filter)
	if errors.Is(err, store.ErrContinue) {
		h.refuse(w, r, chosen, badQuery("continue", "is not from a list with the same filter"))
		return
	}
	if err != nil {
		h.fail(w, r, "list checks", err)
		return
	}
	if chosen == format.HTML {
		h.writeIndex(w, r, http.StatusOK, page.IndexInput{Checks: format.Lines(found.Checks), Continue: found.Continue})
		return
	}
	if found.Checks == nil {
		found.Checks = []store.Summary{}
	}
	writeJSON(w, http.StatusOK, found)
}

// refuse answers for a filter that cannot be used.
func (h Handler) refuse(w http.ResponseWriter, r *http.Request, chosen format.Format, wrong problem.Problem) {
	if chosen != format.HTML {
		problem.Write(w, wrong)
		return
	}
	h.writeIndex(w, r, wrong.Status, page.IndexInput{Wrong: &page.WrongField{Field: wrong.Field, Detail: wrong.Detail}})
}

func (h Handler) writeIndex(w http.ResponseWriter, r *http.Request, status int, in page.IndexInput) {
	query := r.URL.Query()
	in.Now, in.Later = h.Now(), query.Get("continue") != ""
	in.Filter = page.IndexFilter{Route: query.Get("route"), Wave: query.Get("wave"), Verdict: query.Get("verdict"),
		Limit: query.Get("limit")}
	p, err := h.Pages.Index(in)
	if err != nil {
		h.fail(w, r, "write the page of the checks", err)
		return
	}
	format.WritePage(w, r, status, p)
}

func readFilter(query url.Values) (store.Filter, *problem.Problem) {
	filter := store.Filter{
		Route: query.Get("route"), Wave: query.Get("wave"), Verdict: report.Verdict(query.Get("verdict")),
		Limit: limitDefault, Continue: query.Get("continue"),
	}
	for _, name := range []string{"route", "wave"} {
		if value := query.Get(name); value != "" && !isName(value) {
			wrong := badQuery(name, "has other characters than A-Z, a-z, 0-9, ., _ and -, or more than 64")
			return filter, &wrong
		}
	}
	if filter.Verdict != "" && !slices.Contains(verdicts(), filter.Verdict) {
		wrong := badQuery("verdict", "is not a verdict")
		return filter, &wrong
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 {
			wrong := badQuery("limit", "is not a number from 1 to "+strconv.Itoa(limitMost))
			return filter, &wrong
		}
		filter.Limit = min(limit, limitMost)
	}
	return filter, nil
}

func badQuery(field, detail string) problem.Problem {
	return problem.Problem{Status: http.StatusBadRequest, Field: field, Detail: detail}
}

func verdicts() []report.Verdict {
	return []report.Verdict{
		report.Ready, report.ReadyWithWarnings, report.NotReady, report.Unsupported, report.Inconclusive, report.Rejected,
	}
}

// isName tells whether a text can be an id, a route or a wave at all; anything else need not be looked for.
func isName(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return text != "" && len(text) <= 64 && strings.Trim(text, letters) == ""
}
