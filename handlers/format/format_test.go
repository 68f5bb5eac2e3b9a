package format

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []Format{JSON, HTML, Markdown, JUnit}
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
	tests := []struct {
		accept, query string
		offered       []Format
		want          Format
	}{
		{"", "", all, JSON},
		{"*/*", "", all, JSON},
		{browser, "", all, HTML},
		{browser, "", []Format{JSON, Markdown, JUnit}, JSON},
		{"text/markdown", "", all, Markdown},
		{"application/junit+xml", "", all, JUnit},
		{"application/json, text/html", "", all, JSON},
		{"text/*", "", all, HTML},
		{"text/*;q=0.5, text/markdown", "", all, Markdown},
		{"text/html;q=0.2, text/markdown;q=0.3", "", all, Markdown},
		{"text/html;q=0, */*", "", []Format{HTML, JSON}, JSON},
		{"TEXT/HTML; Charset=utf-8; Q=1.0", "", all, HTML},
		{"application/json;q=0.000, text/html;q=0.001", "", all, HTML},
		{"image/png", "", all, ""},
		{"text/html;q=0", "", []Format{HTML}, ""},
		{"*/*;q=0", "", all, ""},
		// What cannot be read is no reason to refuse.
		{"nonsense", "", all, JSON},
		{"text/html;q=2", "", all, JSON},
		{"text/html;q=NaN", "", all, JSON},
		{"image/png", "?format=md", all, Markdown},
		{"text/html", "?format=json", all, JSON},
		{"", "?format=junit", all, JUnit},
		{"", "?format=html", []Format{JSON}, ""},
		{"", "?format=pdf", all, ""},
		{"", "?format=HTML", all, ""},
		{"", "?format=", all, JSON},
	}
	for _, test := range tests {
		r := httptest.NewRequest("GET", "/api/checks/c-1"+test.query, nil)
		if test.accept != "" {
			r.Header.Set("Accept", test.accept)
		}
		got, ok := Choose(r, test.offered...)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%q %q of %q: %q %v, want %q", test.accept, test.query, test.offered, got, ok, test.want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Accept"] = []string{"image/png", "text/markdown"}
	if got, _ := Choose(r, all...); got != Markdown {
		t.Errorf("two header lines: %q", got)
	}
}

// pages are the real ones, unless they fail.
type pages struct {
	page.Pages
	err error
}

func (p pages) Report(in page.ReportInput) (page.Page, error) {
	if p.err != nil {
		return page.Page{}, p.err
	}
	return p.Pages.Report(in)
}

func (p pages) Notice(n page.Notice) (page.Page, error) {
	if p.err != nil {
		return page.Page{}, p.err
	}
	return p.Pages.Notice(n)
}

func give(t *testing.T, a Answers, asked Asked, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/api/checks/c-1", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.Give(w, r, asked)
	if w.Header().Get("Vary") != "Accept" {
		t.Errorf("Vary %q", w.Header().Get("Vary"))
	}
	return w
}

func finished(t *testing.T) Asked {
	t.Helper()
	raw := reporttest.JSON(t, reporttest.Broken())
	return Asked{ID: "orders-broken", Link: "https://app.example.com/r",
		State: store.State{Status: store.Finished, Report: raw}}
}

func TestFinished(t *testing.T) {
	t.Parallel()
	a, asked := Answers{Pages: pages{Pages: page.New()}}, finished(t)
	for accept, want := range map[string]string{"application/json": string(asked.Report),
		"text/html": "<!doctype html>", "text/markdown": "**NOT READY**", "application/junit+xml": "<?xml"} {
		w := give(t, a, asked, "Accept", accept)
		h := w.Header()
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), want) || !strings.HasPrefix(h.Get("Content-Type"), accept) ||
			h.Get("Cache-Control") != "private, no-cache" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %.80s", accept, w.Code, h, w.Body)
		}
		if policy := h.Get("Content-Security-Policy"); (policy != "") != (accept == "text/html") {
			t.Errorf("%s: policy %q", accept, policy)
		}
	}
	w := give(t, a, asked, "Accept", "application/junit+xml")
	if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil {
		t.Error(err)
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	a, asked := Answers{Pages: pages{Pages: page.New()}}, finished(t)
	tags := map[string]bool{}
	for _, accept := range []string{"application/json", "text/html", "text/markdown", "application/junit+xml"} {
		tag := give(t, a, asked, "Accept", accept).Header().Get("ETag")
		if tags[tag] || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
			t.Errorf("%s: tag %s", accept, tag)
		}
		tags[tag] = true
		for _, given := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			w := give(t, a, asked, "Accept", accept, "If-None-Match", given)
			if w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("Content-Type") != "" {
				t.Errorf("%s with %s: %d %v", accept, given, w.Code, w.Header())
			}
		}
		if w := give(t, a, asked, "Accept", accept, "If-None-Match", `"other"`); w.Code != 200 {
			t.Errorf("%s with another tag: %d", accept, w.Code)
		}
	}
	changed := finished(t)
	changed.Report = append(changed.Report, ' ')
	if tags[give(t, a, changed).Header().Get("ETag")] {
		t.Error("other bytes have the same tag")
	}
	// A tag never makes 304 of what is not finished.
	if w := give(t, a, Asked{ID: "c"}, "If-None-Match", "*"); w.Code != 404 {
		t.Errorf("unknown: %d", w.Code)
	}
}

func TestNotFinished(t *testing.T) {
	t.Parallel()
	a := Answers{Pages: pages{Pages: page.New()}}
	tests := []struct {
		accept      string
		status      store.Status
		code        int
		contentType string
		contains    string
	}{
		{"application/json", store.Queued, 202, "application/json", `{"id":"a.b_c","status":"queued"}`},
		{"application/junit+xml", store.Running, 202, "application/json", `"running"`},
		{"text/markdown", store.Running, 202, "text/markdown; charset=utf-8", "Check a.b_c is running"},
		{"text/html", store.Running, 202, "text/html; charset=utf-8", `<meta http-equiv="refresh" content="5">`},
		{"application/json", store.Unknown, 404, "application/problem+json", "no check has this id"},
		{"application/junit+xml", store.Unknown, 404, "application/problem+json", "no check has this id"},
		{"text/markdown", "", 404, "text/markdown; charset=utf-8", "no check has this id"},
		{"text/html", store.Unknown, 404, "text/html; charset=utf-8", "There is no such check"},
	}
	for _, test := range tests {
		w := give(t, a, Asked{ID: "a.b_c", State: store.State{Status: test.status}}, "Accept", test.accept)
		h := w.Header()
		if w.Code != test.code || h.Get("Content-Type") != test.contentType ||
			!strings.Contains(w.Body.String(), test.contains) ||
			h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" || (h.Get("Retry-After") == "5") != (test.code == 202) {
			t.Errorf("%s %s: %d %v %s", test.accept, test.status, w.Code, h, w.Body)
		}
	}
}

func TestNoPages(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/api/checks/c-1?format=html", nil)
	w := httptest.NewRecorder()
	Answers{}.Give(w, r, finished(t))
	if w.Code != 406 || !strings.Contains(w.Body.String(), "the page is not available here") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = give(t, Answers{}, finished(t), "Accept", "text/html")
	if w.Code != 406 || !strings.Contains(w.Body.String(), "application/json, text/markdown, application/junit+xml") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOurTrouble(t *testing.T) {
	t.Parallel()
	var logged []string
	a := Answers{Pages: pages{err: errors.New("no template")}, Report: func(_ context.Context, message string, err error) {
		logged = append(logged, message+": "+err.Error())
	}}
	broken := Asked{ID: "c", State: store.State{Status: store.Finished, Report: json.RawMessage(`{"version":"one"}`)}}
	for _, asked := range []Asked{broken, finished(t)} {
		w := give(t, a, asked, "Accept", "text/html")
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "template") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(logged) != 2 {
		t.Errorf("logged %q", logged)
	}
}

// The page compares with the check before; where that cannot be found, the page is there without it.
func TestPageSaysWhatChanged(t *testing.T) {
	t.Parallel()
	before, logged := reporttest.Ready(), 0
	a := Answers{Pages: page.New(), Report: func(context.Context, string, error) { logged++ }}
	a.Before = func(_ context.Context, r report.Report) (*report.Report, error) {
		if r.ID != "orders-broken" {
			t.Errorf("asked for what was before %q", r.ID)
		}
		return &before, nil
	}
	w := give(t, a, finished(t), "Accept", "text/html")
	if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, "was ready, is not ready") {
		t.Errorf("%d %s", w.Code, body)
	}
	a.Before = func(context.Context, report.Report) (*report.Report, error) {
		return nil, errors.New("tables are away")
	}
	w = give(t, a, finished(t), "Accept", "text/html")
	if body := w.Body.String(); w.Code != 200 || logged != 1 || strings.Contains(body, "Changed since") ||
		strings.Contains(body, "away") {
		t.Errorf("%d, logged %d: %s", w.Code, logged, body)
	}
}

func TestNoticeFails(t *testing.T) {
	t.Parallel()
	logged := 0
	a := Answers{Pages: pages{err: errors.New("no template")}, Report: func(context.Context, string, error) { logged++ }}
	for _, status := range []store.Status{store.Running, store.Unknown} {
		w := give(t, a, Asked{ID: "c", State: store.State{Status: status}}, "Accept", "text/html")
		if w.Code != 500 || strings.Contains(w.Body.String(), "template") {
			t.Errorf("%s: %d %s", status, w.Code, w.Body)
		}
	}
	if logged != 2 {
		t.Errorf("logged %d", logged)
	}
}

func TestNoticeEscapes(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Answers{Pages: page.New()}.WriteNotice(w, httptest.NewRequest("GET", "/", nil), http.StatusForbidden,
		page.Notice{Title: "<script>x", Text: []string{"a&b <img>"}})
	body := w.Body.String()
	if strings.Contains(body, "<script") || strings.Contains(body, "<img") || strings.Contains(body, `http-equiv="refresh"`) ||
		!strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		t.Errorf("%v %s", w.Header(), body)
	}
}
