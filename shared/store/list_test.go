package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// walked reads a list to its end and gives the ids in order.
func walked(t *testing.T, s *Store, f Filter) []string {
	t.Helper()
	ids := []string{}
	for range 100 {
		page, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if f.Limit > 0 && len(page.Checks) > f.Limit {
			t.Errorf("a page of %d, asked for %d", len(page.Checks), f.Limit)
		}
		for _, c := range page.Checks {
			ids = append(ids, c.ID)
		}
		if page.Continue == "" {
			return ids
		}
		f.Continue = page.Continue
	}
	t.Fatal("the list has no end")
	return nil
}

// listed is a store with 24 reports: eight a day on three days with gaps, saved out of order. Every third is of another
// route, every fourth is ready, those of the first day are of another wave.
func listed(t *testing.T) (*Store, []report.Report) {
	t.Helper()
	s := open(t)
	s.now = func() time.Time { return noon.Add(2 * time.Hour) }
	var all []report.Report
	for i := range 24 {
		r := broken(fmt.Sprintf("c%02d", i), noon.AddDate(0, 0, -(i/8)*40).Add(-time.Duration(i)*time.Minute))
		if i%3 == 0 {
			r.Route = "billing"
		}
		if i%4 == 0 {
			r.Verdict, r.FirstBroken = report.Ready, nil
		}
		if i >= 16 {
			r.Wave = "2026-11"
		}
		all = append(all, r)
	}
	for _, i := range []int{5, 20, 0, 11, 23, 8, 1, 2, 3, 4, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22} {
		save(t, s, all[i])
	}
	return s, all
}

func TestListIsNewestFirstAndComplete(t *testing.T) {
	t.Parallel()
	s, all := listed(t)
	for _, c := range []struct {
		name   string
		filter Filter
		keep   func(report.Report) bool
	}{
		{"everything in small pages", Filter{Limit: 5}, func(report.Report) bool { return true }},
		{"everything, pages end with days", Filter{Limit: 8}, func(report.Report) bool { return true }},
		{"everything at the default limit", Filter{}, func(report.Report) bool { return true }},
		{"route", Filter{Route: "billing", Limit: 3}, func(r report.Report) bool { return r.Route == "billing" }},
		{"verdict", Filter{Verdict: "ready", Limit: 2}, func(r report.Report) bool { return r.Verdict == "ready" }},
		{"wave", Filter{Wave: "2026-11", Limit: 3}, func(r report.Report) bool { return r.Wave == "2026-11" }},
		{"route, wave and verdict", Filter{Route: "billing", Wave: "2026-12", Verdict: "ready"}, func(r report.Report) bool {
			return r.Route == "billing" && r.Wave == "2026-12" && r.Verdict == "ready"
		}},
		{"unknown route", Filter{Route: "it's none"}, func(report.Report) bool { return false }},
		{"unknown wave", Filter{Wave: "2031-01"}, func(report.Report) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := []string{}
			for _, r := range all {
				if c.keep(r) {
					want = append(want, r.ID)
				}
			}
			if got := walked(t, s, c.filter); !slices.Equal(got, want) {
				t.Errorf("list = %v, want %v", got, want)
			}
		})
	}
}

func TestAllReadsEveryPage(t *testing.T) {
	t.Parallel()
	s, _ := listed(t)
	all, err := s.all(t.Context(), query{op: "count", table: tableRecent, top: 5})
	if err != nil || len(all) != 24 {
		t.Errorf("%d rows, %v; want 24", len(all), err)
	}
}

func TestListBoundsOneCall(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.now = func() time.Time { return noon }
	save(t, s, broken("old", noon.AddDate(0, 0, -100)))

	page, err := s.List(t.Context(), Filter{})

	if err != nil || len(page.Checks) != 0 || page.Continue == "" {
		t.Errorf("List = %+v, %v; want an empty page that goes on", page, err)
	}
	if got := walked(t, s, Filter{}); !slices.Equal(got, []string{"old"}) {
		t.Errorf("list = %v", got)
	}
}

func TestListShowsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.now = func() time.Time { return noon }
	// Another instance's clock is ahead of ours and its day has begun.
	ahead := time.Date(2026, 11, 23, 0, 0, 1, 0, time.UTC)
	save(t, s, broken("c1", ahead))
	s.now = func() time.Time { return ahead.Add(-time.Minute) }

	page, err := s.List(t.Context(), Filter{})

	if err != nil || len(page.Checks) != 1 {
		t.Fatalf("List = %+v, %v", page, err)
	}
	got := page.Checks[0]
	if got.FirstBroken == nil || *got.FirstBroken != *broken("c1", noon).FirstBroken {
		t.Errorf("FirstBroken = %+v", got.FirstBroken)
	}
	got.FirstBroken = nil
	want := Summary{
		ID: "c1", Route: "orders-db", Wave: "2026-12", Verdict: "not_ready", Headline: "orders drops it",
		Owner: "source_network", StartedAt: ahead, ElapsedMs: 5012,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("summary = %+v, want %+v", got, want)
	}
}

func TestForeignPositionsAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := listed(t)
	page, err := s.List(t.Context(), Filter{Limit: 3, Wave: "2026-12"})
	if err != nil || page.Continue == "" {
		t.Fatalf("List = %+v, %v", page, err)
	}
	text := func(token string) string { return base64.RawURLEncoding.EncodeToString([]byte(token)) }
	for name, f := range map[string]Filter{
		"another wave":      {Wave: "2026-11", Continue: page.Continue},
		"no wave":           {Continue: page.Continue},
		"another list":      {Wave: "2026-12", Route: "billing", Continue: page.Continue},
		"not base64":        {Continue: "&&&"},
		"cut off":           {Wave: "2026-12", Continue: page.Continue[:len(page.Continue)-4]},
		"not JSON":          {Continue: text("next")},
		"unknown field":     {Continue: text(`{"v":1,"d":"2026-11-22","x":1}`)},
		"another version":   {Continue: text(`{"v":2,"d":"2026-11-22"}`)},
		"not a day":         {Continue: text(`{"v":1,"d":"' or true"}`)},
		"a day of a route":  {Route: "billing", Continue: text(`{"v":1,"d":"2026-11-22","route":"billing"}`)},
		"something behind":  {Continue: text(`{"v":1,"d":"2026-11-22"} {}`)},
		"a mark of 1000 KB": {Continue: text(`{"v":1,"d":"2026-11-22","m":{"p":"` + strings.Repeat("x", 1_000_000) + `"}}`)},
	} {
		if _, err := s.List(t.Context(), f); !errors.Is(err, ErrContinue) {
			t.Errorf("%s: error = %v, want ErrContinue", name, err)
		}
	}
	if _, err := s.List(t.Context(), Filter{Wave: "2026-12", Limit: 9, Continue: page.Continue}); err != nil {
		t.Errorf("another limit is no other list: %v", err)
	}
	for _, day := range []string{"0001-01-01", "1970-01-01", "9999-12-31"} {
		f := Filter{Continue: text(`{"v":1,"d":"` + day + `"}`)}
		if _, err := s.List(t.Context(), f); err != nil {
			t.Errorf("day %s: %v", day, err)
		}
	}
}
