package routes

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	historyDefault = 50
	historyMost    = 200
)

func (h Handler) get(w http.ResponseWriter, r *http.Request, name string) {
	chosen, ok := format.Pick(w, r, h.Pages != nil)
	if !ok {
		return
	}
	if chosen == format.HTML {
		h.page(w, r, name)
		return
	}
	limit, err := historyLimit(r.URL.Query().Get("limit"), historyDefault)
	if err != nil {
		problem.Write(w, invalid("limit", err.Error()))
		return
	}
	found, err := h.Store.Route(r.Context(), name)
	if err != nil {
		h.fail(w, r, "read route", err)
		return
	}
	history, err := h.history(r, store.Filter{Route: name}, limit)
	if err != nil {
		h.fail(w, r, "read the history of a route", err)
		return
	}
	write(w, http.StatusOK, struct {
		route
		History []store.Summary `json:"history"`
	}{shown(found), history})
}

func historyLimit(text string, without int) (int, error) {
	if text == "" {
		return without, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 {
		return 0, fmt.Errorf("is not a number from 1 to %d", historyMost)
	}
	return min(limit, historyMost), nil
}

// history reads on where the store ends a page early, until the limit or the end of the history.
func (h Handler) history(r *http.Request, filter store.Filter, limit int) ([]store.Summary, error) {
	history := []store.Summary{}
	for {
		filter.Limit = limit - len(history)
		page, err := h.Store.List(r.Context(), filter)
		if err != nil {
			return nil, err
		}
		history = append(history, page.Checks...)
		if filter.Continue = page.Continue; page.Continue == "" || len(history) >= limit {
			return history, nil
		}
	}
}
