package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

const (
	limitDefault = 50
	limitMost    = 500
	// questions bounds how many pages or days one call of List looks at. A caller goes on with Page.Continue.
	questions = 35
)

// Filter says which reports a list holds. Empty fields do not restrict it.
type Filter struct {
	Route   string
	Wave    string
	Verdict report.Verdict
	// Limit is the most summaries of one page, 1 to 500; 0 means 50.
	Limit int
	// Continue is the Continue of the page before.
	Continue string
	// Layers asks for the layers of each check too.
	Layers bool
}

// Page is one page of a list, newest first. It may hold fewer summaries than asked for, even none, although Continue
// says that there is more to look at.
type Page struct {
	Checks []Summary `json:"checks"`
	// Continue is where the next page begins; empty at the end.
	Continue string `json:"continue,omitempty"`
}

// Summary is a report in a list.
type Summary struct {
	ID          string              `json:"id"`
	Route       string              `json:"route,omitempty"`
	Wave        string              `json:"wave,omitempty"`
	Verdict     report.Verdict      `json:"verdict"`
	Headline    string              `json:"headline"`
	FirstBroken *report.FirstBroken `json:"firstBroken,omitempty"`
	// Owner is who must act on FirstBroken; empty in rows of earlier versions.
	Owner     report.Owner `json:"owner,omitempty"`
	StartedAt time.Time    `json:"startedAt"`
	// ElapsedMs is rounded to whole milliseconds.
	ElapsedMs int64 `json:"elapsedMs"`
	// Layers are there where the filter asks for them.
	Layers []Layer `json:"-"`
}

// List reads summaries of reports, newest first: from the route's history where a route is given, else day by day.
// ErrContinue where Filter.Continue is not a position of this list.
func (s *Store) List(ctx context.Context, f Filter) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	at, err := decodePosition(f)
	if err != nil {
		return Page{}, err
	}
	w := walk{store: s, filter: f, limit: limit(f.Limit), at: at, page: Page{Checks: []Summary{}}}
	if f.Route == "" && at.Day == "" {
		// Clocks of several instances differ: a check of "tomorrow" must not be missed at midnight.
		w.at.Day = day(s.now().Add(time.Hour))
	}
	if err := w.run(ctx); err != nil {
		return Page{}, err
	}
	return w.page, nil
}

func limit(asked int) int {
	if asked <= 0 {
		return limitDefault
	}
	return min(asked, limitMost)
}

// walk is one call of List under way.
type walk struct {
	store  *Store
	filter Filter
	limit  int
	at     position
	page   Page
	// oldest is the first day that has any report; empty until it was asked for.
	oldest string
}

func (w *walk) run(ctx context.Context) error {
	for range questions {
		more, err := w.step(ctx)
		if err != nil || !more {
			return err
		}
		if len(w.page.Checks) >= w.limit {
			break
		}
	}
	w.page.Continue = w.at.encode(w.filter)
	return nil
}

// step asks one question and moves on; false at the end of the list.
func (w *walk) step(ctx context.Context) (bool, error) {
	a, err := w.store.page(ctx, w.question())
	if err != nil {
		if w.at.Mark != (mark{}) && isStatus(err, statusBadRequest) {
			// Only the service can read its own marks, so a forged one is found out here.
			return false, ErrContinue
		}
		return false, err
	}
	for _, raw := range a.rows {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return false, fmt.Errorf("list checks: decode row: %w", err)
		}
		summary := l.summary()
		if w.filter.Layers {
			if summary.Layers, err = layersOf(raw); err != nil {
				return false, fmt.Errorf("list checks: %w", err)
			}
		}
		w.page.Checks = append(w.page.Checks, summary)
	}
	w.at.Mark = a.next
	if a.next != (mark{}) {
		return true, nil
	}
	return w.earlier(ctx)
}

// earlier moves to the day before; false where there is none, or where the list is a route's history.
func (w *walk) earlier(ctx context.Context) (bool, error) {
	if w.filter.Route != "" {
		return false, nil
	}
	if w.oldest == "" {
		oldest, err := w.store.oldestDay(ctx)
		if err != nil || oldest == "" {
			return false, err
		}
		w.oldest = oldest
	}
	before := dayBefore(w.at.Day)
	if before < w.oldest || before == "" {
		return false, nil
	}
	w.at.Day = before
	return true, nil
}

func (w *walk) question() query {
	q := query{
		op: "list checks", columns: lineColumns, after: w.at.Mark, top: int32(w.limit - len(w.page.Checks)),
	}
	if w.filter.Layers {
		q.columns = "" // There are as many as legs times layers; all is shorter to ask for.
	}
	wave, verdict := given("Wave", w.filter.Wave), given("Verdict", string(w.filter.Verdict))
	if w.filter.Route != "" {
		q.table, q.filter = tableHistory, both(equals("PartitionKey", w.filter.Route), wave, verdict)
		return q
	}
	q.table, q.filter = tableRecent, both(equals("PartitionKey", w.at.Day), wave, verdict)
	return q
}

// oldestDay is the first partition of Recent: days sort as text, and a question without a filter begins at the first
// row. It keeps a walk back through empty days from having no end.
func (s *Store) oldestDay(ctx context.Context) (string, error) {
	a, err := s.page(ctx, query{op: "list checks", table: tableRecent, columns: "PartitionKey", top: 1})
	if err != nil || len(a.rows) == 0 {
		return "", err
	}
	var first struct{ PartitionKey string }
	if err := json.Unmarshal(a.rows[0], &first); err != nil {
		return "", fmt.Errorf("list checks: decode row: %w", err)
	}
	return first.PartitionKey, nil
}

func (l line) summary() Summary {
	return Summary{
		ID: l.CheckID, Route: l.Route, Wave: l.Wave, Verdict: l.Verdict, Headline: l.Headline,
		FirstBroken: l.firstBroken(), Owner: l.Owner, StartedAt: l.StartedAt, ElapsedMs: l.ElapsedMs,
	}
}
