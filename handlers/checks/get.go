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
	format.Answers{Pages: h.Pages, Before: h.Store.Before, Report: h.Report}.Give(w, r, asked)
}

func (h Handler) list(w http.ResponseWriter, r *http.Request) {
	filter, wrong := readFilter(r.URL.Query())
	if wrong != nil {
		problem.Write(w, *wrong)
		return
	}
	page, err := h.Store.List(r.Context(), filter)
	if errors.Is(err, store.ErrContinue) {
		problem.Write(w, badQuery("continue", "is not from a list with the same filter"))
		return
	}
	if err != nil {
		h.fail(w, r, "list checks", err)
		return
	}
	if page.Checks == nil {
		page.Checks = []store.Summary{}
	}
	writeJSON(w, http.StatusOK, page)
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
