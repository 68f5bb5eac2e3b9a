package page_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/browser"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

// serve gives each page at its name, as the handlers do.
func serve(t *testing.T, pages map[string]page.Page) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := pages[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", p.Policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(p.HTML)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// samples are the pages of every sample report, and those that say one thing.
func samples(t *testing.T) map[string]page.Page {
	t.Helper()
	pages, out := page.New(), map[string]page.Page{}
	before := reporttest.Ready()
	before.StartedAt = before.StartedAt.Add(-5 * time.Minute)
	for name, r := range reporttest.Samples() {
		in := page.ReportInput{Report: reporttest.Stored(t, r), Previous: &before,
			Link: "https://app.example.com/api/reports/" + name + "?exp=1999999999&sig=v1.abc"}
		if r.Route == "" {
			in.Previous = nil
		}
		out[name] = must(t)(pages.Report(in))
	}
	out["running"] = must(t)(pages.Notice(page.Waiting("orders-2026-11-22", "running", 5)))
	out["unknown"] = must(t)(pages.Notice(page.Unknown(30)))
	return out
}

func must(t *testing.T) func(page.Page, error) page.Page {
	return func(p page.Page, err error) page.Page {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// looks are the ways in which every page must hold.
func looks() map[string]browser.Look {
	return map[string]browser.Look{
		"light": {}, "dark": {Dark: true}, "phone": {Width: 320, Height: 640, Scale: 2},
		"print": {Print: true, Width: 720},
	}
}

func TestPagesInABrowser(t *testing.T) {
	b := browser.Start(t)
	pages := samples(t)
	base := serve(t, pages)
	for name := range pages {
		for look, how := range looks() {
			t.Run(name+" "+look, func(t *testing.T) {
				tab := b.Open(t, base+name, how)
				tab.Picture(t, name+"-"+look)
				// Folded text is text too.
				browser.Eval[bool](t, tab, "document.querySelectorAll('details').forEach(d => d.open = true) || true")
				for _, fault := range tab.Faults(t) {
					t.Error(fault)
				}
				if said := tab.Complaints(); len(said) > 0 {
					t.Errorf("the browser complained: %q", said)
				}
				if asked := tab.Requests(); !slices.Equal(asked, []string{base + name}) {
					t.Errorf("the page asked for %q", asked)
				}
			})
		}
	}
}
