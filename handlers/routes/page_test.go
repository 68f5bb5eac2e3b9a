package routes

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Pages = page.Pages{}

// browsed asks as a browser does.
func (f *fakes) browsed(name string) *httptest.ResponseRecorder {
	h := Handler{Store: f, Pages: page.New(), Now: func() time.Time { return seven },
		Report: func(_ context.Context, message string, err error) {
			f.reported = append(f.reported, message+": "+err.Error())
		}}
	r := httptest.NewRequest("GET", "/api/routes/"+name, nil)
	r.SetPathValue("name", strings.SplitN(name, "?", 2)[0])
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func checked(count int) []store.Summary {
	var out []store.Summary
	ms := int64(5003)
	for i := range count {
		out = append(out, store.Summary{ID: "c-" + strings.Repeat("i", i+1), Route: "orders-db", Verdict: report.NotReady,
			Headline: "it drops them", StartedAt: seven.Add(-time.Duration(i) * time.Minute), Owner: report.SourceNetwork,
			FirstBroken: &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout},
			Layers: []store.Layer{{Leg: "source", Layer: finding.Connect, State: "failed", Ms: &ms},
				{Leg: "source", Layer: finding.TLS, State: store.NotReached}}})
	}
	return out
}

func registered() *store.Route {
	return &store.Route{Name: "orders-db", EveryMinutes: 5, Enabled: true, NextDue: seven.Add(3 * time.Minute),
		Request: []byte(`{"source":{"host":"s.example","port":5432},"target":{"host":"t.example","port":5432}}`),
		Last:    schedule.Last{CheckID: "c-i", Verdict: report.NotReady, Since: seven.Add(-26 * time.Hour)}}
}

func wantPage(t *testing.T, w *httptest.ResponseRecorder, status int, words ...string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "text/html; charset=utf-8" ||
		w.Header().Get("Vary") != "Accept" || w.Header().Get("Content-Security-Policy") == "" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, word := range words {
		if !strings.Contains(w.Body.String(), word) {
			t.Errorf("no %q in the page", word)
		}
	}
}

func TestRoutePage(t *testing.T) {
	t.Parallel()
	f := &fakes{route: registered(), pages: []store.Page{{Checks: checked(2), Continue: "more"}, {Checks: checked(1)}}}
	wantPage(t, f.browsed("orders-db"), 200, "Not ready: orders-db", "It has been broken since 2026-11-21 05:00:00 UTC (26 h, 3 checks",
		"TCP_TIMEOUT", "source network team", "in 3 min", "s.example:5432", `href="/api/checks/c-i"`, "<svg class=\"strip\"",
		"It ran in 3 of 3 checks; 3 broke there", "Not reached by any")
	if len(f.asked) != 2 || !f.asked[0].Layers || f.asked[0].Limit != historyMost+1 || f.asked[1].Continue != "more" {
		t.Errorf("asked for %+v", f.asked)
	}
	// One more than is shown tells that there are older ones.
	f = &fakes{route: registered(), pages: []store.Page{{Checks: checked(3)}}}
	if w := f.browsed("orders-db?limit=2"); !strings.Contains(w.Body.String(), "all checks shown") ||
		f.asked[0].Limit != 3 || strings.Contains(w.Body.String(), "c-iii") {
		t.Errorf("%d, asked for %+v", w.Code, f.asked)
	}
	f = &fakes{route: registered(), pages: []store.Page{{}}}
	wantPage(t, f.browsed("orders-db"), 200, "No check of this route has finished yet", "The first one starts")
}

func TestRoutePageWithoutARoute(t *testing.T) {
	t.Parallel()
	f := &fakes{pages: []store.Page{{Checks: checked(2)}}}
	wantPage(t, f.browsed("orders-db"), 200, "This route is not registered", "It has been broken since 2026-11-22 06:59:00 UTC")
	f = &fakes{pages: []store.Page{{}}}
	wantPage(t, f.browsed("orders-db"), 404, "There is no such route")
	f = &fakes{} // what can be no name is not looked for
	wantPage(t, f.browsed("it's"), 404, "There is no such route")
	f = &fakes{route: registered()}
	wantPage(t, f.browsed("orders-db?limit=none"), 400, "The parameter limit is not a number from 1 to 200")
	f = &fakes{route: registered(), trouble: errors.New("AccountKey=hunter2 is away")}
	if w := f.browsed("orders-db"); w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") || len(f.reported) != 1 {
		t.Errorf("%d %s %q", w.Code, w.Body, f.reported)
	}
}

func TestRoutesPage(t *testing.T) {
	t.Parallel()
	f := &fakes{route: registered()}
	wantPage(t, f.browsed(""), 200, `href="/api/routes/orders-db"`, "every 5 min", "s.example:5432 → t.example:5432", "26 h ago")
	wantPage(t, (&fakes{}).browsed(""), 200, "No route is registered yet")
}
