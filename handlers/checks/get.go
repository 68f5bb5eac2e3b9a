package checks

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	limitDefault = 50
	limitMost    = 200
)

// state is the answer on a check that is not finished.
type state struct {
	ID     string       `json:"id"`
	Status store.Status `json:"status"`
}

func (h Handler) get(w http.ResponseWriter, r *http.Request) {
	if format := r.URL.Query().Get("format"); format != "" && format != "json" {
		problem.Write(w, problem.Problem{
			Status: http.StatusNotAcceptable, Field: "format", Detail: "a report is given as json",
		})
		return
	}
	id := r.PathValue("id")
	if !isName(id) {
		notFound(w)
		return
	}
	found, err := h.Store.Load(r.Context(), id)
	if err != nil {
		h.fail(w, r, "load check", err)
		return
	}
	switch found.Status {
	case store.Finished:
		// As it was stored: this program may be newer or older than the report.
		writeRaw(w, http.StatusOK, found.Report)
	case store.Queued, store.Running:
		w.Header().Set("Retry-After", "5")
		writeJSON(w, http.StatusAccepted, state{ID: id, Status: found.Status})
	default:
		notFound(w)
	}
}

func notFound(w http.ResponseWriter) {
	problem.Write(w, problem.Problem{Status: http.StatusNotFound, Detail: "no check has this id"})
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
