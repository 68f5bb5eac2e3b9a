package checks

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Pages = page.Pages{}

func at() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// browsed asks as a browser does.
func browsed(f *fakes, target string, header ...string) *httptest.ResponseRecorder {
	h := f.handler()
	h.Pages, h.Now = page.New(), at
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestIndexPage(t *testing.T) {
	t.Parallel()
	f := &fakes{page: store.Page{Continue: "next", Checks: []store.Summary{{ID: "c-1", Route: "orders-db", Wave: "w",
		Verdict: report.NotReady, Headline: "it <drops> them", Owner: report.SourceNetwork, StartedAt: at().Add(-time.Hour),
		ElapsedMs: 5012, FirstBroken: &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout}}}}}
	w := browsed(f, "/api/checks?route=orders-db&wave=&verdict=not_ready&limit=7")
	if f.filter.Route != "orders-db" || f.filter.Verdict != report.NotReady || f.filter.Limit != 7 {
		t.Errorf("asked for %+v", f.filter)
	}
	body := w.Body.String()
	for _, want := range []string{"it &lt;drops&gt; them", `href="/api/checks/c-1"`, "TCP_TIMEOUT", "source network team",
		"1 h ago", "5.0 s", `href="/api/routes/orders-db"`, `href="/api/waves/w"`, `value="orders-db"`,
		`<option value="not_ready" selected>`, "continue=next&amp;limit=7&amp;route=orders-db&amp;verdict=not_ready"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	header := w.Header()
	if w.Code != 200 || header.Get("Content-Type") != "text/html; charset=utf-8" || header.Get("Vary") != "Accept" ||
		header.Get("Cache-Control") != "private, no-cache" || header.Get("ETag") == "" ||
		!strings.Contains(header.Get("Content-Security-Policy"), "form-action 'self'") {
		t.Errorf("%d %v", w.Code, header)
	}
	again := browsed(f, "/api/checks?route=orders-db&wave=&verdict=not_ready&limit=7", "If-None-Match", header.Get("ETag"))
	if again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("again: %d, %d bytes", again.Code, again.Body.Len())
	}
}

// Programs get what they always got, whoever asks nicely.
func TestListStaysJSON(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0.5, application/json", "application/*"} {
		f := &fakes{}
		if w := browsed(f, "/api/checks", "Accept", accept); w.Code != 200 || w.Body.String() != `{"checks":[]}` ||
			w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Vary") != "Accept" {
			t.Errorf("%q: %d %s", accept, w.Code, w.Body)
		}
	}
	if w := browsed(&fakes{}, "/api/checks?format=json"); w.Body.String() != `{"checks":[]}` {
		t.Errorf("%s", w.Body)
	}
	wantProblem(t, browsed(&fakes{}, "/api/checks?format=md"), 406, "format")
	wantProblem(t, browsed(&fakes{}, "/api/checks", "Accept", "image/png"), 406, "")
}

func TestWrongFiltersOnThePage(t *testing.T) {
	t.Parallel()
	for target, field := range map[string]string{"?route=a+b": "route", "?wave=%3Cscript%3E": "wave",
		"?verdict=good": "verdict", "?limit=0": "limit", "?continue=forged": "continue"} {
		f := &fakes{}
		if field == "continue" {
			f.failAt, f.failWith = "list", store.ErrContinue
		}
		w := browsed(f, "/api/checks"+target)
		if body := w.Body.String(); w.Code != 400 || !strings.Contains(body, "The filter "+field+" ") ||
			!strings.Contains(body, `role="alert"`) || strings.Contains(body, "<script") ||
			w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", target, w.Code, w.Header())
		}
	}
	// Our own trouble has no page: there may be nothing to write one with.
	w := browsed(&fakes{failAt: "list", failWith: errAway}, "/api/checks")
	wantProblem(t, w, 500, "")
	if strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%s", w.Body)
	}
}

// A report read with a key leads to the lists; one behind a link does not (package reportpage gives no trail).
func TestReportLeadsToItsLists(t *testing.T) {
	t.Parallel()
	f := &fakes{state: store.State{Status: store.Finished, Report: []byte(`{"version":1,"id":"c-1","route":"orders-db",` +
		`"wave":"2026-12","verdict":"ready","headline":"well","legs":[],"findings":[]}`)}}
	h := f.handler()
	h.Pages, h.Now = page.New(), at
	w := call(h, "GET", "/api/checks/c-1?format=html", "")
	for _, want := range []string{`href="/api/checks"`, `href="/api/routes/orders-db"`, `href="/api/waves/2026-12"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d: no %s", w.Code, want)
		}
	}
}
