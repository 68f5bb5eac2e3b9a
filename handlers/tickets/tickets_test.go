package tickets

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/store"
	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

var (
	_ Store = (*store.Store)(nil)
	_ Queue = (*queue.Queue)(nil)
)

const key = "hunter2-planted"

var seven = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

// words are read once for all tests.
var words = sync.OnceValues(catalog.Load)

var errAway = errors.New("AccountKey=hunter2 is away")

// fakes is a store, a queue and a ticketing system that keep what they get, and fail at one step.
type fakes struct {
	mu       sync.Mutex
	sent     []queue.Message
	queued   map[string]bool
	seen     map[string]store.Sighting
	routes   map[string]string
	comments []Refusal
	reported []string
	failAt   string
}

func (f *fakes) step(name string) error {
	if name == f.failAt {
		return errAway
	}
	return nil
}

func (f *fakes) Load(_ context.Context, id string) (store.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queued[id] {
		return store.State{Status: store.Queued}, f.step("load")
	}
	return store.State{Status: store.Unknown}, f.step("load")
}

func (f *fakes) MarkQueued(_ context.Context, checks ...request.Check) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("mark"); err != nil {
		return err
	}
	f.queued[checks[0].ID] = true
	return nil
}

func (f *fakes) Route(_ context.Context, name string) (store.Route, error) {
	if err := f.step("route"); err != nil {
		return store.Route{}, err
	}
	if raw, found := f.routes[name]; found {
		return store.Route{Name: name, Request: json.RawMessage(raw)}, nil
	}
	return store.Route{}, fmt.Errorf("read route: %w", store.ErrNoRoute)
}

func (f *fakes) See(_ context.Context, seen ticket.Seen, checkID string) (store.Sighting, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("see"); err != nil {
		return store.Sighting{}, err
	}
	before, found := f.seen[seen.Key]
	if found && (before.Digest == seen.Digest || !seen.Moves) {
		before.Known = before.Digest == seen.Digest
		return before, nil
	}
	f.seen[seen.Key] = store.Sighting{Digest: seen.Digest, CheckID: checkID}
	return f.seen[seen.Key], nil
}

func (f *fakes) Send(_ context.Context, messages ...queue.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("send"); err != nil {
		return err
	}
	f.sent = append(f.sent, messages...)
	return nil
}

func (f *fakes) Refused(_ context.Context, _ request.Ticket, why Refusal) error {
	f.comments = append(f.comments, why)
	return f.step("comment")
}

func newFakes() *fakes {
	return &fakes{queued: map[string]bool{}, seen: map[string]store.Sighting{}, routes: map[string]string{
		"orders-db": `{"version":1,"route":"orders-db","depth":"login","source":{"host":"10.0.0.4","databases":["orders"],` +
			`"user":"m","credential":{"setting":"P"}},"target":{"host":"10.0.0.5","user":"m","credential":{"entra":true}}}`,
	}}
}

func (f *fakes) handler() Handler {
	secrets := map[string]settings.TicketSecret{"generic": {Setting: "GENERIC_SECRET"}}
	for _, system := range []string{"jira", "servicenow", "generic"} {
		secrets[system] = settings.TicketSecret{Setting: strings.ToUpper(system) + "_SECRET", Secret: secret.New(key)}
	}
	return Handler{
		Store: f, Queue: f, MissingStore: "ResultTables", MissingQueue: "CheckQueue", Secrets: secrets, Comments: f,
		BaseURL: "https://app.example.com", Links: link.Links{Key: secret.New("link"), Base: "https://app.example.com"},
		Words: words, Now: func() time.Time { return seven },
		Report: func(_ context.Context, message string, err error) {
			f.reported = append(f.reported, message+": "+err.Error())
		},
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("../../shared/ticket/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func signature(parts ...string) string {
	mac := hmac.New(sha256.New, []byte(key))
	for _, part := range parts {
		mac.Write([]byte(part))
	}
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// delivered is a delivery with all its proofs.
func delivered(system string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/tickets/"+system, bytes.NewReader(body))
	r.SetPathValue("system", system)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	switch system {
	case "jira":
		r.Header.Set("X-Hub-Signature", signature(string(body)))
	case "servicenow":
		r.SetBasicAuth("webhook", key)
	case "generic":
		stamp := strconv.FormatInt(seven.Unix(), 10)
		r.Header.Set("X-Timestamp", stamp)
		r.Header.Set("X-Signature-256", signature(stamp, ".", string(body)))
		r.Header.Set("X-Delivery-Id", "d-1")
	}
	return r
}

func call(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answer is every member that an answer can have.
type answer struct {
	ID, Status, Location, Detail, Field, Code string
	Findings                                  []struct{ Code string }
	Recognised                                bool
	Ask                                       []string
}

func decoded(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	var raw map[string]json.RawMessage
	var out answer
	if err := json.Unmarshal(w.Body.Bytes(), &raw); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code >= 300 {
		delete(raw, "status") // A number there.
	}
	again, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(again, &out)
	}
	if err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return out
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"jira-created": "TCP_REFUSED", "jira-created-adf": "TCP_TIMEOUT",
		"jira-updated":        "",
		"servicenow-incident": "HBA_TLS_REQUIRED", "servicenow-change": "", "generic-request": "",
		"generic-route": "TCP_TIMEOUT"} {
		f := newFakes()
		system, _, _ := strings.Cut(name, "-")
		w := call(f.handler(), delivered(system, sample(t, name)))
		got := decoded(t, w)
		if w.Code != 202 || got.Status != "queued" || len(f.sent) != 1 || !f.queued[got.ID] || f.sent[0].ID != got.ID {
			t.Errorf("%s: %d %s, sent %d", name, w.Code, w.Body, len(f.sent))
			continue
		}
		if got.Location != w.Header().Get("Location") || got.Location != f.handler().Links.Report(got.ID, seven) {
			t.Errorf("%s: %q", name, got.Location)
		}
		if check, err := request.Decode(f.sent[0].Body, ""); err != nil || check.Notify.Ticket.System != system ||
			check.RequestedBy != "ticket:"+system+":"+check.Notify.Ticket.ID || check.ID != got.ID {
			t.Errorf("%s: %s, %v", name, f.sent[0].Body, err)
		}
		if got.Recognised != (code != "") || code != "" && len(got.Findings) == 0 || len(f.comments) > 0 {
			t.Errorf("%s: %+v, comments %v", name, got, f.comments)
		}
	}
	f := newFakes()
	h := f.handler()
	h.Links.Key = secret.New("")
	w := call(h, delivered("jira", sample(t, "jira-updated")))
	if got := decoded(t, w); got.Location != "https://app.example.com/api/checks/"+got.ID {
		t.Errorf("without a link key: %s", got.Location)
	}
}

// The same again gives the same answer and no second check, on another instance too.
func TestReplays(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"jira-created", "servicenow-incident", "generic-route", "generic-request"} {
		f := newFakes()
		system, _, _ := strings.Cut(name, "-")
		first := call(f.handler(), delivered(system, sample(t, name)))
		for range 3 {
			w := call(f.handler(), delivered(system, sample(t, name)))
			if w.Code != 202 || w.Body.String() != first.Body.String() ||
				w.Header().Get("Location") != first.Header().Get("Location") || len(f.sent) != 1 {
				t.Errorf("%s: %d %s, first %s, sent %d", name, w.Code, w.Body, first.Body, len(f.sent))
			}
		}
	}
}

// An id is not within generic's signature: a copy under another id, and another body under the same id, bring nothing.
func TestForgedDeliveryIDs(t *testing.T) {
	t.Parallel()
	f := newFakes()
	first := decoded(t, call(f.handler(), delivered("generic", sample(t, "generic-route"))))
	copied := delivered("generic", sample(t, "generic-route"))
	copied.Header.Set("X-Delivery-Id", "d-2")
	if got := decoded(t, call(f.handler(), copied)); got.ID != first.ID || len(f.sent) != 1 {
		t.Errorf("a copy: %+v, sent %d", got, len(f.sent))
	}
	w := call(f.handler(), delivered("generic", sample(t, "generic-request")))
	if got := decoded(t, w); w.Code != 409 || got.Field != "X-Delivery-Id" || len(f.sent) != 1 {
		t.Errorf("another body: %d %s", w.Code, w.Body)
	}
	next := delivered("generic", sample(t, "generic-request"))
	next.Header.Set("X-Delivery-Id", "d-3")
	if w := call(f.handler(), next); w.Code != 202 || len(f.sent) != 2 {
		t.Errorf("the next delivery: %d %s", w.Code, w.Body)
	}
	own := strings.Replace(string(sample(t, "generic-request")), `"depth"`, `"id": "my-own", "depth"`, 1)
	for range 2 {
		r := delivered("generic", []byte(own))
		r.Header.Set("X-Delivery-Id", "d-4")
		if got := decoded(t, call(f.handler(), r)); got.ID != "my-own" || len(f.sent) != 3 {
			t.Errorf("an id of its own: %+v, sent %d", got, len(f.sent))
		}
	}
}

// Our own comment on a record updates it, and is sent like every update: nothing may come of it.
func TestOwnCommentsDoNotLoop(t *testing.T) {
	t.Parallel()
	f := newFakes()
	record := string(sample(t, "servicenow-incident"))
	update := func(count int, oldnew ...string) *httptest.ResponseRecorder {
		text := strings.Replace(record, `"sys_mod_count": "3"`, fmt.Sprintf(`"sys_mod_count": "%d"`, count), 1)
		return call(f.handler(), delivered("servicenow", []byte(strings.NewReplacer(oldnew...).Replace(text))))
	}
	first := decoded(t, update(3))
	for count := 4; count < 8; count++ {
		if got := decoded(t, update(count)); got.ID != first.ID || len(f.sent) != 1 {
			t.Fatalf("update %d: %+v, sent %d", count, got, len(f.sent))
		}
	}
	if got := decoded(t, update(8, "offline", "online")); got.ID == first.ID || len(f.sent) != 2 {
		t.Errorf("a change: %+v", got)
	}
	if got := decoded(t, update(9)); got.ID == first.ID || len(f.sent) != 3 {
		t.Errorf("the change taken back: %+v", got)
	}
	// Neither does a comment that says why nothing is checked.
	for count := 10; count < 14; count++ {
		if w := update(count, `"u_source_port": "5432"`, `"u_source_port": "no"`); w.Code != 422 || len(f.comments) != 1 {
			t.Fatalf("%d %s, %d comments", w.Code, w.Body, len(f.comments))
		}
	}
	for _, name := range []string{"jira-commented", "jira-server-commented", "jira-assigned"} {
		if w := call(f.handler(), delivered("jira", sample(t, name))); w.Code != 200 || decoded(t, w).Status != "ignored" ||
			len(f.sent) != 3 || len(f.comments) != 1 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	jira := func(description string) []byte {
		return fmt.Appendf(nil, `{"timestamp":1,"webhookEvent":"jira:issue_created","issue":{"id":"1","key":"A-1","fields":`+
			`{"summary":"s","description":%q}}}`, description)
	}
	for name, c := range map[string]struct {
		body     []byte
		status   int
		field    string
		code     string
		comments int
	}{
		"nothing": {jira("Printer is on fire"), 422, "description", "", 0},
		"an error text": {jira(`psql: error: connection to server at "10.0.0.4", port 5432 failed: Connection refused`), 422,
			"description", "TCP_REFUSED", 1},
		"half":             {jira("source host: 10.0.0.4"), 422, "target host", "", 1},
		"a port":           {jira("source host: a\ntarget host: b\nsource port: x"), 422, "source port", "", 1},
		"an unknown route": {jira("route: nowhere"), 422, "route", "", 1},
		"two answers":      {jira("source host: a\nsource host: b"), 422, "source host", "", 0},
		"no issue":         {[]byte(`{"webhookEvent":"jira:issue_created"}`), 422, "issue.key", "", 0},
		"no JSON":          {[]byte(`source host: a`), 400, "", "", 0},
		"deep":             {bytes.Repeat([]byte("["), 1<<20), 400, "", "", 0},
	} {
		f := newFakes()
		w := call(f.handler(), delivered("jira", c.body))
		got := decoded(t, w)
		if w.Code != c.status || got.Field != c.field || got.Detail == "" || len(f.sent) > 0 ||
			len(f.comments) != c.comments ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, comments %+v", name, w.Code, w.Body, f.comments)
		}
		if got.Recognised != (c.code != "") || c.code != "" && (got.Findings[0].Code != c.code ||
			f.comments[0].Explained.Findings[0].Code != "TCP_REFUSED") {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

func TestNobodyElse(t *testing.T) {
	t.Parallel()
	f := newFakes()
	body := sample(t, "jira-created")
	for name, change := range map[string]func(r *http.Request){
		"an unknown system": func(r *http.Request) { r.SetPathValue("system", "redmine") },
		"another system's":  func(r *http.Request) { r.SetPathValue("system", "servicenow") },
		"no signature":      func(r *http.Request) { r.Header.Del("X-Hub-Signature") },
		"another signature": func(r *http.Request) { r.Header.Set("X-Hub-Signature", signature("x")) },
		"two signatures":    func(r *http.Request) { r.Header.Add("X-Hub-Signature", signature("x")) },
		"another body":      func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) },
		"a form with a bad sign": func(r *http.Request) {
			r.Header.Set("X-Hub-Signature",
				"x")
			r.Header.Set("Content-Type", "a/b")
		},
	} {
		r := delivered("jira", body)
		change(r)
		w := call(f.handler(), r)
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" || !strings.Contains(w.Body.String(),
			"not known here, or") ||
			strings.Contains(w.Body.String(), key) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	h := f.handler()
	h.Quota = func(string, int) (time.Duration, bool) {
		t.Error("who proves nothing uses up the quota")
		return 0, false
	}
	r := delivered("jira", body)
	r.Header.Set("X-Hub-Signature", signature("x"))
	call(h, r)
	unread := delivered("jira", nil)
	unread.Header.Del("X-Hub-Signature")
	unread.Body = io.NopCloser(iotest.ErrReader(errors.New("was read")))
	if w := call(h, unread); w.Code != 401 {
		t.Errorf("a body is read of who proves nothing: %d", w.Code)
	}
	if len(f.sent)+len(f.seen)+len(f.comments) > 0 {
		t.Errorf("%+v", f)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	f := newFakes()
	large := delivered("servicenow", bytes.Repeat([]byte(" "), maxBody+1))
	if w := call(f.handler(), large); w.Code != 413 || decoded(t, w).Detail == "" {
		t.Errorf("large: %d %s", w.Code, w.Body)
	}
	half := delivered("servicenow", nil)
	half.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if w := call(f.handler(), half); w.Code != 400 {
		t.Errorf("half: %d %s", w.Code, w.Body)
	}
	for contentType, want := range map[string]int{"": 202, "text/plain": 202, "application/vnd.x+json": 202,
		"application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "text/xml": 415, "/": 415} {
		r := delivered("servicenow", sample(t, "servicenow-change"))
		r.Header.Set("Content-Type", contentType)
		if w := call(f.handler(), r); w.Code != want {
			t.Errorf("%q: %d %s", contentType, w.Code, w.Body)
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	f := newFakes()
	h := f.handler()
	var callers []string
	h.Quota = func(caller string, checks int) (time.Duration, bool) {
		callers = append(callers, caller)
		return 7 * time.Second, checks != 1
	}
	w := call(h, delivered("jira", sample(t, "jira-created")))
	if w.Code != 429 || w.Header().Get("Retry-After") != "7" || len(f.sent)+len(f.seen) > 0 ||
		strings.Join(callers, " ") != "tickets/jira" {
		t.Errorf("%d %s %v", w.Code, w.Body, callers)
	}
}

func TestMissingSettings(t *testing.T) {
	t.Parallel()
	for setting, change := range map[string]func(h *Handler){
		"ResultTables": func(h *Handler) { h.Store = nil }, "CheckQueue": func(h *Handler) { h.Queue = nil },
		"TICKET_SECRETS": func(h *Handler) { h.Secrets = nil },
		"JIRA_SECRET":    func(h *Handler) { h.Secrets["jira"] = settings.TicketSecret{Setting: "JIRA_SECRET"} },
	} {
		h := newFakes().handler()
		change(&h)
		w := call(h, delivered("jira", sample(t, "jira-created")))
		if w.Code != 503 || !strings.Contains(w.Body.String(), "setting "+setting+" is not set") ||
			w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", setting, w.Code, w.Body)
		}
	}
}

// In our own trouble the sender is to come again, and then one check comes of it.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"see", "route", "load", "send", "mark"} {
		f := newFakes()
		f.failAt = step
		w := call(f.handler(), delivered("generic", sample(t, "generic-route")))
		if step == "mark" {
			if w.Code != 202 || len(f.reported) != 1 { // The check runs all the same.
				t.Errorf("%s: %d %s", step, w.Code, w.Body)
			}
			continue
		}
		if w.Code != 503 || w.Header().Get("Retry-After") != "60" || len(f.reported) != 1 || len(f.sent) > 0 ||
			strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d %s %q", step, w.Code, w.Body, f.reported)
		}
		f.failAt = ""
		if w := call(f.handler(), delivered("generic", sample(t, "generic-route"))); w.Code != 202 || len(f.sent) != 1 {
			t.Errorf("%s, again: %d %s", step, w.Code, w.Body)
		}
	}
	f := newFakes()
	f.failAt = "comment"
	body := []byte(`{"webhookEvent":"jira:issue_created","issue":{"key":"A-1","fields":{"description":"source host: a"}}}`)
	if w := call(f.handler(), delivered("jira", body)); w.Code != 422 || len(f.reported) != 1 {
		t.Errorf("comment: %d %s", w.Code, w.Body)
	}
	f, broken := newFakes(), newFakes().handler()
	broken.Report = f.handler().Report
	broken.Words = func() (*catalog.Catalog, error) { return nil, errAway }
	if w := call(broken, delivered("jira", sample(t, "jira-created"))); w.Code != 202 || len(f.reported) != 1 {
		t.Errorf("words: %d %s", w.Code, w.Body)
	}
}

// Deliveries at the same moment lead to one check.
func TestTogether(t *testing.T) {
	t.Parallel()
	f := newFakes()
	h, body := f.handler(), sample(t, "jira-updated")
	ids := make([]string, 8)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() { ids[i] = call(h, delivered("jira", body)).Header().Get("Location") })
	}
	group.Wait()
	sent := map[string]bool{}
	for _, m := range f.sent {
		sent[m.ID] = true // What is sent twice at the same moment has one id, by which the queue drops the second.
	}
	for _, location := range ids {
		if location == "" || location != ids[0] || len(sent) != 1 {
			t.Errorf("%q, sent %v", ids, sent)
		}
	}
}

// What POST /api/checks refuses by our settings, a ticket's request is refused too.
func TestRule(t *testing.T) {
	t.Parallel()
	f := newFakes()
	h := f.handler()
	h.Rule = func(c request.Check) *request.Problem {
		if c.Notify.CallbackURL == "" {
			return nil
		}
		return &request.Problem{Field: "notify.callbackUrl", Message: "must be another one"}
	}
	body := strings.Replace(string(sample(t, "generic-request")), `"depth"`,
		`"notify": {"callbackUrl": "https://hooks.example.com/x"}, "depth"`, 1)
	w := call(h, delivered("generic", []byte(body)))
	if got := decoded(t, w); w.Code != 422 || got.Field != "request.notify.callbackUrl" || len(f.sent) > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := call(h, delivered("jira", sample(t, "jira-updated"))); w.Code != 202 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
