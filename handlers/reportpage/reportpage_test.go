package reportpage

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var _ Store = (*store.Store)(nil)

type fake struct {
	state store.State
	err   error
	asked []string
}

func (f *fake) Load(_ context.Context, id string) (store.State, error) {
	f.asked = append(f.asked, id)
	return f.state, f.err
}

func (f *fake) Before(context.Context, report.Report) (*report.Report, error) { return nil, nil }

func at() time.Time { return time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC) }

func links() link.Links { return link.Links{Key: secret.New("key"), Base: "https://app.example.com"} }

func handler(t *testing.T) (Handler, *fake) {
	t.Helper()
	f := &fake{state: store.State{Status: store.Finished, Report: reporttest.JSON(t, reporttest.Broken())}}
	return Handler{Store: f, MissingStore: "ResultTables", Links: links(), Pages: page.New(), Now: at,
		Report: func(context.Context, string, error) {}}, f
}

// query is that of a link which was made so long ago.
func query(t *testing.T, id string, ago time.Duration) string {
	t.Helper()
	u, err := url.Parse(links().Report(id, at().Add(-ago)))
	if err != nil {
		t.Fatal(err)
	}
	return "?" + u.RawQuery
}

func call(h Handler, id, query string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/api/reports/"+url.PathEscape(id)+query, nil)
	r.SetPathValue("id", id)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSignedLink(t *testing.T) {
	t.Parallel()
	h, f := handler(t)
	good := query(t, "orders-broken", 0)
	w := call(h, "orders-broken", good)
	if w.Code != 200 || w.Body.String() != string(f.state.Report) || w.Header().Get("ETag") == "" ||
		w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	// The text has the link that was come by: a new one would hold for longer than it may.
	old := query(t, "orders-broken", 29*24*time.Hour)
	w = call(h, "orders-broken", old+"&format=md")
	if want := "<https://app.example.com/api/reports/orders-broken" + old + ">"; w.Code != 200 ||
		!strings.Contains(w.Body.String(), want) {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	f.state = store.State{Status: store.Running}
	if w = call(h, "orders-broken", good, "Accept", "text/markdown"); w.Code != 202 {
		t.Errorf("running: %d", w.Code)
	}
	f.state, f.err = store.State{}, errors.New("AccountKey=hunter2 is away")
	if w = call(h, "orders-broken", good); w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("trouble: %d %s", w.Code, w.Body)
	}
	h.Store = nil
	if w = call(h, "orders-broken", good); w.Code != 503 || !strings.Contains(w.Body.String(), "ResultTables") {
		t.Errorf("no store: %d %s", w.Code, w.Body)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	good := query(t, "orders-broken", 0)
	tests := []struct {
		name, id, query string
		auth            bool
		header          []string
		contains        string
	}{
		{"no signature", "orders-broken", "", false, nil, "signed link"},
		{"of another report", "orders-other", good, false, nil, "changed or cut"},
		{"cut", "orders-broken", good[:len(good)-5], false, nil, "changed or cut"},
		{"expired", "orders-broken", query(t, "orders-broken", 60*24*time.Hour), false, nil, "has expired"},
		{"not signed in", "orders-broken", "", true, nil, "Sign in"},
		{"with an empty principal", "orders-broken", "", true, []string{"X-MS-CLIENT-PRINCIPAL-ID", ""}, "Sign in"},
		{"with a principal that is none", "orders-broken", "", true, []string{"X-MS-CLIENT-PRINCIPAL", "bm8="}, "Sign in"},
		// Where the platform does not sign anybody in, the header is written by the caller.
		{"with a forged principal", "orders-broken", "", false, []string{"X-MS-CLIENT-PRINCIPAL-ID", "me"}, "signed link"},
		{"an id of another alphabet", "a'<script>", "", false, nil, "signed link"},
	}
	for _, test := range tests {
		h, f := handler(t)
		h.PlatformAuth = test.auth
		w := call(h, test.id, test.query, test.header...)
		if body := w.Body.String(); w.Code != 403 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" ||
			!strings.Contains(body, test.contains) || !strings.Contains(body, "For a new link ask whoever sent you") ||
			strings.Contains(body, "orders-") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", test.name, w.Code, w.Header(), body)
		}
		if w := call(h, test.id, test.query, append(test.header, "Accept", "application/json")...); w.Code != 403 ||
			w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), test.contains) {
			t.Errorf("%s as JSON: %d %s", test.name, w.Code, w.Body)
		}
		if len(f.asked) != 0 {
			t.Errorf("%s: the store was asked for %q", test.name, f.asked)
		}
	}
}

func TestSignedIn(t *testing.T) {
	t.Parallel()
	principal := base64.StdEncoding.EncodeToString([]byte(`{"auth_typ":"aad","claims":[]}`))
	for _, header := range [][]string{{"X-MS-CLIENT-PRINCIPAL-ID", "1234"}, {"X-MS-CLIENT-PRINCIPAL", principal}} {
		h, f := handler(t)
		h.PlatformAuth = true
		if w := call(h, "orders-broken", "", header...); w.Code != 200 || w.Body.String() != string(f.state.Report) {
			t.Errorf("%q: %d %s", header, w.Code, w.Body)
		}
		// Who has signed in gets no link for those who have not.
		w := call(h, "orders-broken", "?format=md", header...)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "<https://app.example.com/api/reports/orders-broken>") {
			t.Errorf("%q: %d %s", header, w.Code, w.Body)
		}
		asked := len(f.asked)
		if w := call(h, "a'b", "", header...); w.Code != 404 || len(f.asked) != asked {
			t.Errorf("%q: %d, store asked for %q", header, w.Code, f.asked)
		}
		h.Links = link.Links{}
		if w := call(h, "orders-broken", "?exp=1999999999&sig=x", header...); w.Code != 200 {
			t.Errorf("%q without a key: %d", header, w.Code)
		}
	}
}

// Without a key nobody gets in by a link.
func TestNoKey(t *testing.T) {
	t.Parallel()
	h, f := handler(t)
	h.Links = link.Links{}
	if w := call(h, "orders-broken", query(t, "orders-broken", 0)); w.Code != 403 || len(f.asked) != 0 {
		t.Errorf("%d, store asked for %q", w.Code, f.asked)
	}
}
