package routes

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Store = (*store.Store)(nil)

var seven = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

// fakes are a table with at most one route, that fails with one trouble.
type fakes struct {
	route    *store.Route
	put      store.Route
	pages    []store.Page
	trouble  error
	reported []string
	asked    []store.Filter
}

func (f *fakes) Routes(context.Context) ([]store.Route, error) {
	if f.route == nil {
		return nil, f.trouble
	}
	return []store.Route{*f.route}, f.trouble
}

func (f *fakes) Route(context.Context, string) (store.Route, error) {
	if f.route == nil {
		return store.Route{}, errors.Join(store.ErrNoRoute, f.trouble)
	}
	return *f.route, f.trouble
}

func (f *fakes) PutRoute(_ context.Context, wanted store.Route) (store.Route, bool, error) {
	f.put = wanted
	wanted.NextDue = seven
	return wanted, f.route == nil, f.trouble
}

func (f *fakes) DeleteRoute(ctx context.Context, name string) error {
	_, err := f.Route(ctx, name)
	return err
}

func (f *fakes) List(_ context.Context, filter store.Filter) (store.Page, error) {
	f.asked = append(f.asked, filter)
	page := f.pages[0]
	f.pages = f.pages[1:]
	return page, f.trouble
}

func (f *fakes) call(method, name, body string) *httptest.ResponseRecorder {
	h := Handler{Store: f, BaseURL: "https://app.example.com", Report: func(_ context.Context, message string, err error) {
		f.reported = append(f.reported, message+": "+err.Error())
	}}
	r := httptest.NewRequest(method, "/api/routes/"+name, strings.NewReader(body))
	r.SetPathValue("name", strings.SplitN(name, "?", 2)[0])
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const check = `{"version":1,"id":"any","depth":"connect","source":{"host":"s"},"target":{"host":"t"}}`

func TestPut(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	w := f.call("PUT", "orders-db", `{"request":`+check+`,"everyMinutes":5}`)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "https://app.example.com/api/routes/orders-db" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if !f.put.Enabled || f.put.EveryMinutes != 5 || f.put.Name != "orders-db" {
		t.Errorf("put %+v", f.put)
	}
	queued, err := request.Decode(f.put.Request, "slot")
	if err != nil || queued.ID != "slot" || queued.Route != "orders-db" || queued.RequestedBy != "route:orders-db" {
		t.Errorf("%+v, %v", queued, err)
	}
	var shown struct {
		Name         string
		EveryMinutes int
		Enabled      bool
		NextDue      time.Time
		Request      struct{ Route string }
		LastVerdict  *string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil || shown.Name != "orders-db" || shown.EveryMinutes != 5 ||
		!shown.Enabled || !shown.NextDue.Equal(seven) || shown.Request.Route != "orders-db" || shown.LastVerdict != nil {
		t.Errorf("%s, %v", w.Body, err)
	}
	f.route = &store.Route{}
	if w := f.call("PUT", "orders-db", `{"request":`+check+`,"everyMinutes":1440,"enabled":false}`); w.Code != http.StatusOK ||
		f.put.Enabled || strings.Contains(w.Body.String(), "nextDue") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	with := func(old, other string) string {
		return `{"everyMinutes":5,"request":` + strings.Replace(check, old, other, 1) + `}`
	}
	for name, test := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"no JSON":              {"ping", 400, ""},
		"null":                 {"null", 400, ""},
		"a list":               {"[]", 400, ""},
		"no request":           {`{"everyMinutes":5}`, 400, "request"},
		"a bad request":        {with(`"source"`, `"sauce"`), 400, "request.sauce"},
		"a request of no kind": {`{"everyMinutes":5,"request":7}`, 400, "request"},
		"a secret":             {with(`"depth"`, `"password":"hunter2","depth"`), 400, "request.password"},
		"another's name":       {with(`"depth"`, `"route":"other","depth"`), 400, "request.route"},
		"no interval":          {`{"request":` + check + `}`, 400, "everyMinutes"},
		"no minute":            {`{"everyMinutes":0,"request":` + check + `}`, 400, "everyMinutes"},
		"two days":             {`{"everyMinutes":2880,"request":` + check + `}`, 400, "everyMinutes"},
		"half a minute":        {`{"everyMinutes":0.5,"request":` + check + `}`, 400, "everyMinutes"},
		"enabled, as a text":   {`{"everyMinutes":5,"enabled":"yes","request":` + check + `}`, 400, "enabled"},
		"an unknown field":     {`{"every":5,"request":` + check + `}`, 400, "every"},
		"a strange field":      {`{"<b>":5,"request":` + check + `}`, 400, "?"},
		"too large":            {strings.Repeat(" ", maxBody+1), 413, ""},
	} {
		f := &fakes{}
		w := f.call("PUT", "orders-db", test.body)
		var wrong struct{ Field, Detail string }
		if err := json.Unmarshal(w.Body.Bytes(), &wrong); err != nil || w.Code != test.status || wrong.Field != test.field ||
			wrong.Detail == "" || f.put.Name != "" || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	f := &fakes{trouble: store.ErrRequestTooLong}
	if w := f.call("PUT", "orders-db", `{"request":`+check+`,"everyMinutes":5}`); w.Code != 400 || len(f.reported) != 0 {
		t.Errorf("a request that fits in no row: %d %s", w.Code, w.Body)
	}
	for _, name := range []string{"..", "a b", strings.Repeat("x", 65)} {
		r := httptest.NewRequest("PUT", "/api/routes/x", nil)
		r.SetPathValue("name", name)
		w := httptest.NewRecorder()
		if (Handler{Store: f}).ServeHTTP(w, r); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"name"`) {
			t.Errorf("name %q: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	known := store.Route{Name: "orders-db", Request: []byte(`{"version":1}`), EveryMinutes: 5, Enabled: true,
		Last: schedule.Last{CheckID: "c1", Verdict: report.NotReady, Since: seven}}
	f := &fakes{route: &known, pages: []store.Page{
		{Checks: []store.Summary{{ID: "c1"}}, Continue: "more"}, {Checks: []store.Summary{{ID: "c0"}}},
	}}
	w := f.call("GET", "orders-db?limit=2", "")
	var one struct {
		LastVerdict, LastCheckID string
		Since                    time.Time
		History                  []struct{ ID string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &one); err != nil || w.Code != 200 || one.LastVerdict != "not_ready" ||
		one.LastCheckID != "c1" || !one.Since.Equal(seven) || len(one.History) != 2 {
		t.Errorf("%d %s, %v", w.Code, w.Body, err)
	}
	if f.asked[0].Limit != 2 || f.asked[1].Limit != 1 || f.asked[1].Continue != "more" || f.asked[0].Route != "orders-db" {
		t.Errorf("asked %+v", f.asked)
	}
	if w := f.call("GET", "", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `{"routes":[{"name":"orders-db"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	known.Request = []byte("by hand")
	if w := f.call("GET", "", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"request":null`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := (&fakes{}).call("GET", "", ""); w.Body.String() != `{"routes":[]}` {
		t.Errorf("none: %s", w.Body)
	}
	for _, limit := range []string{"0", "-1", "many"} {
		if w := f.call("GET", "orders-db?limit="+limit, ""); w.Code != 400 {
			t.Errorf("limit %s: %d", limit, w.Code)
		}
	}
}

func TestDeleteAndTrouble(t *testing.T) {
	t.Parallel()
	f := &fakes{route: &store.Route{}}
	if w := f.call("DELETE", "orders-db", ""); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if w := (&fakes{}).call(method, "orders-db", ""); w.Code != http.StatusNotFound {
			t.Errorf("%s of no route: %d", method, w.Code)
		}
	}
	for _, method := range []string{"PUT", "DELETE"} {
		if w := f.call(method, "", ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
			t.Errorf("%s without a name: %d", method, w.Code)
		}
	}
	f.trouble = errors.New("AccountKey=hunter2 is away")
	for _, w := range []*httptest.ResponseRecorder{
		f.call("GET", "", ""), f.call("GET", "orders-db", ""), f.call("DELETE", "orders-db", ""),
		f.call("PUT", "orders-db", `{"request":`+check+`,"everyMinutes":5}`),
	} {
		if w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(f.reported) != 4 {
		t.Errorf("reported %q", f.reported)
	}
	w := httptest.NewRecorder()
	if (Handler{Missing: "ResultTables"}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 503 {
		t.Errorf("without a setting: %d", w.Code)
	}
}
