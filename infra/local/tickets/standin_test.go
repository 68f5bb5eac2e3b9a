package tickets

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func started(t *testing.T, o Options) *Standin {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// call gives the status and the body; 0 where the answer broke off.
func call(t *testing.T, method, address, body string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(raw)
}

func asJira(r *http.Request)       { r.SetBasicAuth(JiraUser, jiraToken) }
func asServiceNow(r *http.Request) { r.SetBasicAuth(ServiceNowUser, serviceNowPass) }

func TestJira(t *testing.T) {
	t.Parallel()
	s := started(t, Options{Issues: []string{"OPS-1"}})
	at := s.URL(Jira) + "/rest/api/2/issue/OPS-1/comment"
	for _, c := range []struct {
		name, address, body string
		as                  func(*http.Request)
		status              int
	}{
		{"no token", at, `{"body":"x"}`, nil, http.StatusUnauthorized},
		{"another token", at, `{"body":"x"}`, func(r *http.Request) { r.SetBasicAuth(JiraUser, "x") }, http.StatusUnauthorized},
		{"no such issue", s.URL(Jira) + "/rest/api/2/issue/OPS-2/comment", `{"body":"x"}`, asJira, http.StatusNotFound},
		{"nothing to say", at, `{"body":""}`, asJira, http.StatusBadRequest},
		{"a comment", at, `{"body":"one"}`, asJira, http.StatusCreated},
		{"by bearer", at, `{"body":"two"}`,
			func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+jiraToken) }, http.StatusCreated},
	} {
		if status, body := call(t, http.MethodPost, c.address, c.body, c.as); status != c.status {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	if got := strings.Join(s.Comments("OPS-1"), ","); got != "one,two" {
		t.Errorf("comments %q", got)
	}
	_, body := call(t, http.MethodGet, at+"?orderBy=-created&maxResults=1&startAt=1", "", asJira)
	var page struct {
		Total    int
		Comments []struct{ Body string }
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || page.Total != 2 || len(page.Comments) != 1 ||
		page.Comments[0].Body != "one" {
		t.Errorf("page %s, %v", body, err)
	}
}

func TestServiceNow(t *testing.T) {
	t.Parallel()
	s := started(t, Options{})
	table := s.URL(ServiceNow) + "/api/now/table/"
	status, _ := call(t, http.MethodGet, table+"incident?sysparm_query=number=INC1", "", nil)
	if status != http.StatusUnauthorized {
		t.Errorf("without a password: %d", status)
	}
	_, body := call(t, http.MethodGet, table+"incident?sysparm_query=number=INC1&sysparm_fields=sys_id", "", asServiceNow)
	if !strings.Contains(body, SysID("INC1")) {
		t.Fatalf("found %s", body)
	}
	status, body = call(t, http.MethodPatch, table+"incident/"+SysID("INC1"), `{"work_notes":"a note"}`, asServiceNow)
	if status != http.StatusOK || len(s.Comments("INC1")) != 1 {
		t.Errorf("%d %s, comments %q", status, body, s.Comments("INC1"))
	}
	for query, want := range map[string]bool{"A NOTE": true, "another": false} {
		_, body := call(t, http.MethodGet, table+"sys_journal_field?sysparm_query=element_id="+SysID("INC1")+
			"%5EvalueLIKE"+strings.ReplaceAll(query, " ", "+"), "", asServiceNow)
		if got := strings.Contains(body, "a note"); got != want {
			t.Errorf("journal for %q: %s", query, body)
		}
	}
	for display, want := range map[string]bool{"true": true, "false": false} {
		_, body := call(t, http.MethodGet, table+"incident/"+SysID("INC1")+"?sysparm_display_value="+display, "", asServiceNow)
		if got := strings.Contains(body, "a note"); got != want {
			t.Errorf("display %s: %s", display, body)
		}
	}
}

func TestCallbackReceiver(t *testing.T) {
	t.Parallel()
	s := started(t, Options{})
	report := `{"version":1,"id":"c-1","verdict":"ready"}`
	signed := func(secret string, at time.Time) func(*http.Request) {
		return func(r *http.Request) {
			stamp := strconv.FormatInt(at.Unix(), 10)
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(stamp + "." + report))
			r.Header.Set("X-Timestamp", stamp)
			r.Header.Set("X-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
			r.Header.Set("X-Check-Id", "c-1")
		}
	}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"unsigned", func(r *http.Request) { r.Header.Set("X-Check-Id", "c-1") }, http.StatusUnauthorized},
		{"another secret", signed("x", time.Now()), http.StatusUnauthorized},
		{"old", signed(callbackSecret, time.Now().Add(-time.Hour)), http.StatusUnauthorized},
		{"right", signed(callbackSecret, time.Now()), http.StatusNoContent},
	} {
		if status, body := call(t, http.MethodPost, s.CallbackURL(), report, c.change); status != c.status {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	all := s.Deliveries("c-1")
	if len(all) != 4 || all[0].Problem == "" || all[3].Problem != "" || all[3].Verdict != "ready" ||
		!bytes.Equal(all[3].Body, []byte(report)) {
		t.Errorf("deliveries %+v", all)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	s := started(t, Options{Wait: time.Millisecond})
	at := s.URL(Jira) + "/rest/api/2/issue/OPS-1/comment"
	for _, c := range []struct {
		name   string
		b      Behaviour
		status int
		kept   int
	}{
		{"forbidden", Forbidden(), http.StatusForbidden, 0},
		{"too many", TooMany(7), http.StatusTooManyRequests, 0},
		{"broken", Broken(), http.StatusInternalServerError, 0},
		{"silent", Silent(), 0, 0},
		{"half", HalfAnswer(), 0, 0},
		{"half, but done", HalfAnswer().ButDone(), 0, 1},
		{"silent, but done", Silent().ButDone(), 0, 2},
		{"broken, but done", Broken().ButDone(), http.StatusInternalServerError, 3},
	} {
		s.FailNext(Jira, 1, c.b)
		status, body := call(t, http.MethodPost, at, `{"body":"x"}`, asJira)
		if status != c.status || len(s.Comments("OPS-1")) != c.kept {
			t.Errorf("%s: %d %s, %d comments", c.name, status, body, len(s.Comments("OPS-1")))
		}
	}
	s.FailNext(Jira, 1, Broken().ButDone())
	if status, _ := call(t, http.MethodGet, at, "", asJira); status != http.StatusOK {
		t.Errorf("a reading call met a failure of writes: %d", status)
	}
	if status, _ := call(t, http.MethodPost, at, `{"body":"x"}`, asJira); status != http.StatusInternalServerError {
		t.Errorf("status %d", status)
	}
	if got := s.Calls(Jira); got != 10 {
		t.Errorf("%d calls", got)
	}
}
