package waves

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Store = (*store.Store)(nil)

type fakes struct {
	standings []store.Standing
	routes    []store.Route
	trouble   error
}

func (f fakes) Wave(context.Context, string) ([]store.Standing, error) { return f.standings, f.trouble }
func (f fakes) Routes(context.Context) ([]store.Route, error)          { return f.routes, f.trouble }

func (f fakes) get() *httptest.ResponseRecorder {
	r, w := httptest.NewRequest("GET", "/api/waves/2026-12", nil), httptest.NewRecorder()
	r.SetPathValue("wave", "2026-12")
	Handler{Store: f, Report: func(context.Context, string, error) {}}.ServeHTTP(w, r)
	return w
}

func TestWave(t *testing.T) {
	t.Parallel()
	f := fakes{
		standings: []store.Standing{
			{Route: "b", CheckID: "c2", Verdict: report.NotReady, Owner: report.SourceNetwork,
				FirstBroken: &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout}},
			{Route: "d", CheckID: "c3", Verdict: report.ReadyWithWarnings, Layers: prerequisites(store.LayerState(finding.StatusWarned))},
			{Route: "e", CheckID: "c4", Verdict: report.Ready, Layers: prerequisites(store.NotAsked)},
			{Route: "f", CheckID: "c5", Verdict: report.NotReady, Layers: prerequisites(store.NotAsked)},
		},
		routes: []store.Route{
			{Name: "a", Request: []byte(`{"wave":"2026-12"}`)}, {Name: "b", Request: []byte(`{"wave":"2026-12"}`)},
			{Name: "other", Request: []byte(`{"wave":"2027-01"}`)}, {Name: "hand", Request: []byte(`?`)},
		},
	}
	want := `{"wave":"2026-12","score":40,"ready":2,"total":5,"shallow":1,"routes":[` +
		`{"route":"a","verdict":null,"checkId":null,"firstBroken":null},` +
		`{"route":"b","verdict":"not_ready","checkId":"c2","firstBroken":{"leg":"source","layer":"connect","code":"TCP_TIMEOUT"},` +
		`"owner":"source_network"},` +
		`{"route":"d","verdict":"ready_with_warnings","checkId":"c3","firstBroken":null},` +
		`{"route":"e","verdict":"ready","checkId":"c4","firstBroken":null,"shallow":true},` +
		`{"route":"f","verdict":"not_ready","checkId":"c5","firstBroken":null}]}`
	if w := f.get(); w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func prerequisites(state store.LayerState) []store.Layer {
	return []store.Layer{{Leg: "source", Layer: finding.Prerequisites, State: state}}
}

func TestWaveThatNobodyKnows(t *testing.T) {
	t.Parallel()
	if w := (fakes{}).get(); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := (fakes{trouble: errors.New("it is away")}).get(); w.Code != 500 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := httptest.NewRecorder()
	if (Handler{Missing: "ResultTables"}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}
