package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

var (
	_ Store = (*store.Store)(nil)
	_ Queue = (*queue.Queue)(nil)
)

var errAway = errors.New("AccountKey=hunter2 is away")

// fakes is a store and a queue that record what was done, and fail at one step.
type fakes struct {
	mu       sync.Mutex
	done     []string
	sent     []queue.Message
	queued   []string
	reported []string
	finished map[string]bool
	state    store.State
	page     store.Page
	filter   store.Filter
	failAt   string
	failWith error
}

func (f *fakes) step(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, name)
	if name == f.failAt {
		return f.failWith
	}
	return nil
}

func (f *fakes) Finished(_ context.Context, id string) (bool, error) {
	return f.finished[id], f.step("finished")
}

func (f *fakes) MarkQueued(_ context.Context, checks ...request.Check) error {
	for _, c := range checks {
		f.queued = append(f.queued, c.ID)
	}
	return f.step("mark")
}

func (f *fakes) Load(context.Context, string) (store.State, error) { return f.state, f.step("load") }

func (f *fakes) Before(context.Context, report.Report) (*report.Report, error) { return nil, nil }

func (f *fakes) List(_ context.Context, filter store.Filter) (store.Page, error) {
	f.filter = filter
	return f.page, f.step("list")
}

func (f *fakes) Send(_ context.Context, messages ...queue.Message) error {
	f.sent = append(f.sent, messages...)
	return f.step("send")
}

func (f *fakes) handler() Handler {
	n := 0
	return Handler{
		Store: f, Queue: f, MissingStore: "ResultTables", MissingQueue: "CheckQueue", BaseURL: "https://app.example.com",
		NewID: func() string { n++; return fmt.Sprintf("new-%d", n) }, Now: time.Now,
		Report: func(_ context.Context, message string, err error) {
			f.reported = append(f.reported, message+": "+err.Error())
		},
	}
}

func call(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if id, ok := strings.CutPrefix(r.URL.Path, "/api/checks/"); ok {
		r.SetPathValue("id", id)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func one(id string) string {
	return `{"version":1,"id":"` + id +
		`","depth":"connect","source":{"host":"db.example.com"},"target":{"host":"t.example.com"}}`
}

func nameless() string { return strings.Replace(one("x"), `"id":"x",`, "", 1) }

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, field string) {
	t.Helper()
	var body struct {
		Status               int
		Title, Detail, Field string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || body.Status != status || body.Field != field || body.Title == "" || body.Detail == "" ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d %s, want %d with field %q", w.Code, w.Body, status, field)
	}
}

func TestPostOne(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	w := call(f.handler(), "POST", "/api/checks", one("c-1"))
	want := `{"id":"c-1","status":"queued","location":"https://app.example.com/api/checks/c-1"}`
	if w.Code != 202 || w.Body.String() != want ||
		w.Header().Get("Location") != "https://app.example.com/api/checks/c-1" ||
		w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answer %d %s %v", w.Code, w.Body, w.Header())
	}
	if want := []string{"finished", "send", "mark"}; !slices.Equal(f.done, want) {
		t.Errorf("steps %q, want %q", f.done, want)
	}
	if len(f.sent) != 1 || f.sent[0].ID != "c-1" {
		t.Fatalf("sent %+v", f.sent)
	}
	again, err := request.Decode(f.sent[0].Body, "")
	if err != nil || again.ID != "c-1" || again.Source.Port != 5432 {
		t.Errorf("the message does not decode again: %+v, %v", again, err)
	}
}

func TestPostWithoutID(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	h := f.handler()
	h.BaseURL = ""
	w := call(h, "POST", "/api/checks", nameless())
	if w.Code != 202 || w.Header().Get("Location") != "/api/checks/new-1" || f.sent[0].ID != "new-1" {
		t.Errorf("answer %d %v, sent %+v", w.Code, w.Header(), f.sent)
	}
	if again, err := request.Decode(f.sent[0].Body, ""); err != nil || again.ID != "new-1" {
		t.Errorf("the message has id %q, %v", again.ID, err)
	}
}

func TestPostAgain(t *testing.T) {
	t.Parallel()
	f := &fakes{finished: map[string]bool{"c-1": true}}
	w := call(f.handler(), "POST", "/api/checks", one("c-1"))
	if w.Code != 202 || !strings.HasSuffix(w.Header().Get("Location"), "/c-1") || len(f.sent) != 0 || len(f.queued) != 0 {
		t.Errorf("answer %d, sent %v", w.Code, f.sent)
	}
}

func TestPostRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		field      string
	}{
		{"no JSON", "ping", 400, ""},
		{"nothing", "", 400, ""},
		{"an unknown field", strings.Replace(one("x"), `"depth"`, `"deepth"`, 1), 400, "deepth"},
		{"a wrong port", strings.Replace(one("x"), `"db.example.com"`, `"d","port":0`, 1), 400, "source.port"},
		{"a secret", strings.Replace(one("x"), `"db.example.com"`, `"d","password":"hunter2"`, 1), 400, "source.password"},
		{"a large request", one(strings.Repeat("x", maxRequest)), 413, ""},
		{"two megabytes", strings.Repeat(" ", 2<<20), 413, ""},
		{"no end", "[" + strings.Repeat(" ", maxBody), 413, ""},
		{"an empty batch", " [ ]", 400, ""},
		{"a batch that is no JSON", "[1,", 400, ""},
		{"a batch of 1,001", "[" + strings.Repeat(one("x")+",", 1000) + one("x") + "]", 400, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{}
			w := call(f.handler(), "POST", "/api/checks", test.body)
			wantProblem(t, w, test.status, test.field)
			if strings.Contains(w.Body.String(), "hunter2") || len(f.sent)+len(f.queued) != 0 {
				t.Errorf("answer %s, sent %v", w.Body, f.sent)
			}
		})
	}
}

func TestPostABodyThatBreaks(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	w := httptest.NewRecorder()
	body := io.MultiReader(strings.NewReader(one("c-1")), iotest.ErrReader(errors.New("reset")))
	f.handler().ServeHTTP(w, httptest.NewRequest("POST", "/api/checks", body))
	wantProblem(t, w, 400, "")
	if len(f.sent) != 0 {
		t.Errorf("sent %v", f.sent)
	}
}

func TestPostBatch(t *testing.T) {
	t.Parallel()
	f := &fakes{finished: map[string]bool{"old": true}}
	other := strings.Replace(one("a"), "db.example.com", "db2.example.com", 1)
	requests := []string{one("a"), `{"version":2,"id":"b"}`, nameless(), one("old"), one("a"), other, `"x"`}
	body := "\ufeff[" + strings.Join(requests, ",") + "]" // with the byte order mark of a file from Windows
	w := call(f.handler(), "POST", "/api/checks", body)
	var got batchAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	const at = "https://app.example.com/api/checks/"
	want := batchAnswer{Accepted: 4, Results: []result{
		{Index: 0, ID: "a", Status: "queued", Location: at + "a"},
		{Index: 1, ID: "b", Status: "rejected", Field: "version", Error: "must be 1, the only version there is"},
		{Index: 2, ID: "new-1", Status: "queued", Location: at + "new-1"},
		{Index: 3, ID: "old", Status: "queued", Location: at + "old"},
		{Index: 4, ID: "a", Status: "queued", Location: at + "a"},
		{Index: 5, ID: "a", Status: "rejected", Field: "id", Error: "is used by another request of this batch"},
		{Index: 6, Status: "rejected", Error: got.Results[6].Error},
	}}
	if w.Code != 202 || !reflect.DeepEqual(got, want) || got.Results[6].Error == "" {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if want := []string{"a", "new-1"}; !slices.Equal(f.queued, want) || len(f.sent) != 2 {
		t.Errorf("queued %q, sent %d, want %q", f.queued, len(f.sent), want)
	}
}

func TestPostAThousand(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	for i := range maxBatch {
		_, _ = fmt.Fprintf(&body, ",%s", one(fmt.Sprintf("c-%d", i)))
	}
	body.Bytes()[0] = '['
	body.WriteByte(']')
	f := &fakes{}
	w := call(f.handler(), "POST", "/api/checks", body.String())
	if w.Code != 202 || len(f.sent) != maxBatch || len(f.queued) != maxBatch ||
		!strings.HasPrefix(w.Body.String(), `{"accepted":1000,`) {
		t.Errorf("answer %d, sent %d", w.Code, len(f.sent))
	}
}

func TestBatchOfNothingGoodSendsNothing(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	w := call(f.handler(), "POST", "/api/checks", "[{},{}]")
	if w.Code != 202 || len(f.done) != 0 ||
		!strings.HasPrefix(w.Body.String(), `{"accepted":0,"results":[{"index":0,"status":"rejected"`) {
		t.Errorf("answer %d %s after %q", w.Code, w.Body, f.done)
	}
}

// Our own trouble is in the log, and not in the answer.
func TestOwnTrouble(t *testing.T) {
	t.Parallel()
	tests := []struct{ method, target, body, failAt string }{
		{"POST", "/api/checks", one("c-1"), "finished"}, {"POST", "/api/checks", one("c-1"), "send"},
		{"POST", "/api/checks", "[" + one("c-1") + "]", "send"}, {"GET", "/api/checks/c-1", "", "load"},
		{"GET", "/api/checks", "", "list"},
	}
	for _, test := range tests {
		f := &fakes{failAt: test.failAt, failWith: errAway}
		w := call(f.handler(), test.method, test.target, test.body)
		wantProblem(t, w, 500, "")
		if strings.Contains(w.Body.String(), "hunter2") || len(f.reported) != 1 || len(f.queued) != 0 {
			t.Errorf("%s: answer %s, reported %q, queued %q", test.failAt, w.Body, f.reported, f.queued)
		}
	}
}

// What the queue has taken runs, whether its note was written or not.
func TestNoteThatFails(t *testing.T) {
	t.Parallel()
	f := &fakes{failAt: "mark", failWith: errAway}
	w := call(f.handler(), "POST", "/api/checks", one("c-1"))
	if w.Code != 202 || len(f.sent) != 1 || len(f.reported) != 1 {
		t.Errorf("answer %d, sent %d, reported %q", w.Code, len(f.sent), f.reported)
	}
}

func TestMissingSettings(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	noStore, noQueue := f.handler(), f.handler()
	noStore.Store = nil
	noQueue.Queue = nil
	for _, method := range []string{"GET", "POST"} {
		w := call(noStore, method, "/api/checks", one("c-1"))
		wantProblem(t, w, 503, "")
		if !strings.Contains(w.Body.String(), "ResultTables") {
			t.Errorf("%s does not name the setting", w.Body)
		}
	}
	w := call(noQueue, "POST", "/api/checks", one("c-1"))
	wantProblem(t, w, 503, "")
	if !strings.Contains(w.Body.String(), "CheckQueue") {
		t.Errorf("%s does not name the setting", w.Body)
	}
	if w := call(noQueue, "GET", "/api/checks", ""); w.Code != 200 {
		t.Errorf("a list needs no queue: %d", w.Code)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	// Not as this program would write it: the stored bytes are given out.
	stored := json.RawMessage(`{"version": 1,"future":[1,  2],"id":"c-1"}`)
	finished := store.State{Status: store.Finished, Report: stored}
	tests := []struct {
		target string
		state  store.State
		status int
		body   string
		header map[string]string
	}{
		{"/api/checks/c-1", finished, 200, string(stored), map[string]string{"Cache-Control": "private, no-cache"}},
		{"/api/checks/c-1?format=json", finished, 200, string(stored), nil},
		{"/api/checks/c-1", store.State{Status: store.Queued}, 202, `{"id":"c-1","status":"queued"}`,
			map[string]string{"Retry-After": "5", "Cache-Control": "no-store"}},
		{"/api/checks/c-1", store.State{Status: store.Running}, 202, `{"id":"c-1","status":"running"}`,
			map[string]string{"Retry-After": "5", "Cache-Control": "no-store"}},
	}
	for _, test := range tests {
		w := call((&fakes{state: test.state}).handler(), "GET", test.target, "")
		if w.Code != test.status || w.Body.String() != test.body || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %v", test.target, w.Code, w.Body, w.Header())
		}
		for name, want := range test.header {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", test.target, name, got, want)
			}
		}
	}
}

// The text for a ticket has a link that can be followed without a key of the host.
func TestGetMarkdown(t *testing.T) {
	t.Parallel()
	f := &fakes{state: store.State{Status: store.Finished, Report: json.RawMessage(`{"version":1,"id":"c-1","verdict":"ready"}`)}}
	h := f.handler()
	h.Links = link.Links{Key: secret.New("key"), Base: "https://app.example.com"}
	w := call(h, "GET", "/api/checks/c-1?format=md", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/markdown; charset=utf-8" ||
		!strings.Contains(w.Body.String(), "<https://app.example.com/api/reports/c-1?exp=") {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	h.Links = link.Links{Key: secret.New("key")}
	if w := call(h, "GET", "/api/checks/c-1?format=md", ""); strings.Contains(w.Body.String(), "/api/reports/") {
		t.Errorf("a relative link: %s", w.Body)
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		target string
		state  store.State
		status int
		field  string
	}{
		{"/api/checks/c-1", store.State{Status: store.Unknown}, 404, ""},
		{"/api/checks/c-1", store.State{}, 404, ""},
		{"/api/checks/a%27%20or", store.State{Status: store.Finished}, 404, ""},
		{"/api/checks/" + strings.Repeat("a", 65), store.State{Status: store.Finished}, 404, ""},
		{"/api/checks/c-1?format=pdf", store.State{Status: store.Finished}, 406, "format"},
	}
	for _, test := range tests {
		wantProblem(t, call((&fakes{state: test.state}).handler(), "GET", test.target, ""), test.status, test.field)
	}
}

func TestPostToAnID(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	w := call(f.handler(), "POST", "/api/checks/c-1", one("c-1"))
	wantProblem(t, w, 405, "")
	if len(f.done) != 0 {
		t.Errorf("steps %q", f.done)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		want  store.Filter
	}{
		{"", store.Filter{Limit: 50}},
		{"?limit=200", store.Filter{Limit: 200}},
		{"?limit=1000", store.Filter{Limit: 200}},
		{"?route=orders-db&wave=2026-12&verdict=not_ready&limit=1&continue=abc&code=key",
			store.Filter{Route: "orders-db", Wave: "2026-12", Verdict: report.NotReady, Limit: 1, Continue: "abc"}},
	}
	for _, test := range tests {
		f := &fakes{page: store.Page{Checks: []store.Summary{{ID: "c-1", Verdict: report.Ready}}, Continue: "next"}}
		w := call(f.handler(), "GET", "/api/checks"+test.query, "")
		if w.Code != 200 || f.filter != test.want {
			t.Errorf("%s: %d, filter %+v", test.query, w.Code, f.filter)
		}
		body := w.Body.String()
		if !strings.Contains(body, `"checks":[{"id":"c-1"`) || !strings.Contains(body, `"continue":"next"`) {
			t.Errorf("answer %s", body)
		}
	}
	if w := call((&fakes{}).handler(), "GET", "/api/checks", ""); w.Body.String() != `{"checks":[]}` {
		t.Errorf("an empty list is %s", w.Body)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=-1": "limit", "limit=many": "limit", "verdict=good": "verdict", "route=a%20b": "route",
		"wave=" + strings.Repeat("w", 65): "wave",
	} {
		wantProblem(t, call((&fakes{}).handler(), "GET", "/api/checks?"+query, ""), 400, field)
	}
	f := &fakes{failAt: "list", failWith: fmt.Errorf("list: %w", store.ErrContinue)}
	wantProblem(t, call(f.handler(), "GET", "/api/checks?continue=forged", ""), 400, "continue")
}
