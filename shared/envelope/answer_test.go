package envelope

import (
	"encoding/json"
	"mime"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The host's results of an invocation.
const (
	success  = "success"
	failure  = "failure"
	hang     = "hang-until-functionTimeout"
	redirect = "follows-redirect"
)

// reply is an HTTP answer as the host receives it; a nil status is a connection that broke.
type reply struct {
	Status      *int
	ContentType *string
	Body        *string
}

// hostJudges is the host's own reading of an answer (GetHttpScriptInvocationResult, ProcessDefaultInvocationRequest),
// for a function that has an HTTP output named res.
func hostJudges(r reply) string {
	if r.Status == nil || r.Body == nil {
		return failure
	}
	switch {
	case *r.Status >= 300 && *r.Status < 400:
		return redirect
	case *r.Status < 200 || *r.Status > 299:
		return failure
	case *r.Body == "":
		return hang
	case r.ContentType == nil:
		return failure
	}
	media, _, err := mime.ParseMediaType(*r.ContentType)
	if err != nil || media != "application/json" && media != "text/json" {
		return failure
	}
	return judgeBody([]byte(*r.Body))
}

func judgeBody(body []byte) string {
	if strings.TrimSpace(string(body)) == "null" {
		return hang
	}
	var result struct {
		Outputs     map[string]json.RawMessage
		Logs        []any
		ReturnValue any
	}
	if json.Unmarshal(body, &result) != nil {
		return failure
	}
	for _, line := range result.Logs {
		switch line.(type) {
		case map[string]any, []any:
			return failure
		}
	}
	if res, ok := result.Outputs["res"]; ok && !strings.HasPrefix(string(res), "{") {
		return failure
	}
	return success
}

func TestHostJudgesTheListedCases(t *testing.T) {
	t.Parallel()
	var cases []struct {
		reply
		Name       string
		Invocation string
	}
	readJSON(t, "testdata/responses/cases.json", &cases)
	if len(cases) < 25 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if got := hostJudges(c.reply); got != c.Invocation {
				t.Errorf("judged %s, want %s", got, c.Invocation)
			}
		})
	}
}

func TestHostAcceptsTheGoodAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/responses/ok-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		status, media, body := 200, "application/json", string(raw)
		if got := hostJudges(reply{&status, &media, &body}); got != success {
			t.Errorf("%s judged %s", file, got)
		}
	}
}

func TestSucceedIsAlwaysASuccess(t *testing.T) {
	t.Parallel()
	tests := map[string]Answer{
		"nothing to say": {},
		"no lines":       {Logs: []string{}},
		"lines":          {Logs: []string{"check c-0001 finished: ready", "done", "1234", "null", ""}},
		"hostile lines": {Logs: []string{"\"}],\"Outputs\":{\"res\":\"x\"}", "a\nb\x00\x1b[31m", "\xff\xfe",
			strings.Repeat("x", 1<<20)}},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			if err := Succeed(recorder, answer); err != nil {
				t.Fatal(err)
			}
			if got := judge(recorder); got != success {
				t.Errorf("judged %s: %s", got, recorder.Body)
			}
			wantNoOutputs(t, recorder.Body.Bytes())
		})
	}
}

func TestFailIsAFailure(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 405, 500, 503} {
		recorder := httptest.NewRecorder()
		if err := Fail(recorder, status, "save report: table is away"); err != nil {
			t.Fatal(err)
		}
		if got := judge(recorder); got != failure {
			t.Errorf("status %d judged %s", status, got)
		}
		if !json.Valid(recorder.Body.Bytes()) || recorder.Header().Get("Content-Type") != "application/json" {
			t.Errorf("status %d is not JSON: %s", status, recorder.Body)
		}
	}
}

// wantNoOutputs keeps out of the trap of testdata/responses/string-output-base64-trap.json: the host turns an output or
// return value such as "done" into bytes.
func wantNoOutputs(t *testing.T, body []byte) {
	t.Helper()
	var result struct {
		Outputs     map[string]any
		ReturnValue any
	}
	if err := json.Unmarshal(body, &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Outputs) != 0 || result.ReturnValue != nil {
		t.Errorf("an answer with outputs: %s", body)
	}
}

func judge(recorder *httptest.ResponseRecorder) string {
	body := recorder.Body.String()
	media := recorder.Header().Get("Content-Type")
	return hostJudges(reply{&recorder.Code, &media, &body})
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
