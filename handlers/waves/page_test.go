package waves

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
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Pages = page.Pages{}

func (f fakes) browsed() *httptest.ResponseRecorder {
	r, w := httptest.NewRequest("GET", "/api/waves/2026-12", nil), httptest.NewRecorder()
	r.SetPathValue("wave", "2026-12")
	r.Header.Set("Accept", "text/html")
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	Handler{Store: f, Pages: page.New(), Now: func() time.Time { return at },
		Report: func(context.Context, string, error) {}}.ServeHTTP(w, r)
	return w
}

func TestWavePage(t *testing.T) {
	t.Parallel()
	f := fakes{
		standings: []store.Standing{
			{Route: "b", CheckID: "c2", Verdict: report.NotReady, Owner: report.SourceNetwork,
				FirstBroken: &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout},
				Layers: []store.Layer{{Leg: "source", Layer: finding.Resolve, State: "passed"},
					{Leg: "source", Layer: finding.Connect, State: "failed"},
					{Leg: "source", Layer: finding.TLS, State: store.NotReached},
					{Leg: "source", Layer: finding.Login, State: store.NotAsked}}},
			{Route: "d", CheckID: "c3", Verdict: report.Ready},
		},
		routes: []store.Route{{Name: "a", Request: []byte(`{"wave":"2026-12"}`)}},
	}
	w := f.browsed()
	if w.Code != 200 || w.Header().Get("Vary") != "Accept" || w.Header().Get("ETag") == "" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	for _, want := range []string{"33 %", "1 of 3 routes are ready", "Source network team", "Never checked: nobody has looked yet",
		"Source, DNS: passed", "Source, network: broken, first broken: TCP_TIMEOUT", "Source, TLS: not reached",
		"Source, login: not asked", `href="/api/checks/c2"`, `href="/api/routes/a"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if w := (fakes{}).browsed(); w.Code != 404 || !strings.Contains(w.Body.String(), "There is no such wave") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := (fakes{trouble: errors.New("hunter2")}).browsed(); w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
