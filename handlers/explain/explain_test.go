package explain

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/explain"
)

func post(h Handler, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/explain", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func handler(t *testing.T) Handler {
	t.Helper()
	return Handler{Words: Words(), Report: func(_ context.Context, message string, err error) {
		t.Errorf("%s: %v", message, err)
	}}
}

const refused = `psql: error: connection to server at "db.example.com" (10.9.8.7), port 5432 failed: Connection refused`

func TestAnswers(t *testing.T) {
	t.Parallel()
	h := handler(t)
	asJSON, err := json.Marshal(map[string]string{"text": refused})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ contentType, body, code string }{
		{"text/plain", refused, "TCP_REFUSED"},
		{"text/plain; charset=utf-8", refused, "TCP_REFUSED"},
		{"application/x-www-form-urlencoded", refused, "TCP_REFUSED"},
		{"", refused, "TCP_REFUSED"},
		{"application/json", string(asJSON), "TCP_REFUSED"},
		{"Application/JSON; charset=utf-8", string(asJSON), "TCP_REFUSED"},
		{"", string(asJSON), "TCP_REFUSED"},
		{"text/plain", `{"severity":"FATAL","code":"28P01","message":"password authentication failed for user \"m\""}`,
			"AUTH_FAILED"},
		{"text/plain", `{"error":{"code":"FeatureSwitchNotEnabled","message":"Requested feature is not enabled."}}`,
			"AZ_VNET_RULE_MISSING"},
		{"text/plain", "the dog ate it", ""},
	} {
		w := post(h, test.contentType, test.body)
		var answer struct {
			Findings []struct {
				Code, Title, Layer, Severity, Owner string
				Args                                map[string]any
			}
			Recognised *bool
			Ask        []string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", test.body, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != "application/json" || answer.Recognised == nil || answer.Ask == nil ||
			answer.Findings == nil || *answer.Recognised != (test.code != "") {
			t.Errorf("%s: %s", test.body, w.Body)
		}
		if test.code == "" {
			continue
		}
		f := answer.Findings[0]
		if f.Code != test.code || f.Title == "" || f.Layer == "" || f.Severity == "" || f.Owner == "" || len(f.Args) == 0 {
			t.Errorf("%s: %+v", test.body, f)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", explain.MaxText+1)
	for _, test := range []struct {
		contentType, body string
		status            int
		field             string
	}{
		{"text/plain", "", 400, ""},
		{"text/plain", " \r\n\t", 400, ""},
		{"application/json", "", 400, ""},
		{"application/json", "[]", 400, ""},
		{"application/json", "null", 400, ""},
		{"application/json", `"text"`, 400, ""},
		{"application/json", `{"text": "x"} {}`, 400, ""},
		{"application/json", `{}`, 400, "text"},
		{"application/json", `{"text": null}`, 400, "text"},
		{"application/json", `{"text": 5}`, 400, "text"},
		{"application/json", `{"text": " "}`, 400, "text"},
		{"application/json", `{"text": "x", "texts": "y"}`, 400, "texts"},
		{"application/json", `{"text": "x", "te xts": "y"}`, 400, "?"},
		{"application/json", `{"text": "` + long + `"}`, 413, "text"},
		{"text/plain", long, 413, ""},
		{"text/plain", strings.Repeat("x", maxBody+1), 413, ""},
		{"multipart/form-data; boundary=x", "--x", 415, ""},
	} {
		w := post(handler(t), test.contentType, test.body)
		var problem struct {
			Status        int
			Detail, Field string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
			t.Fatal(err)
		}
		if w.Code != test.status || problem.Status != test.status || problem.Field != test.field || problem.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60s: %d %s", test.body, w.Code, w.Body)
		}
	}
}

func TestTextOfFullLengthIsTaken(t *testing.T) {
	t.Parallel()
	if w := post(handler(t), "text/plain", strings.Repeat("x", explain.MaxText)); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/api/explain", iotest.ErrReader(errors.New("gone")))
	w := httptest.NewRecorder()
	handler(t).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Our own trouble is logged and not told.
func TestWordsThatDoNotLoad(t *testing.T) {
	t.Parallel()
	var reported error
	h := Handler{
		Words:  func() (*catalog.Catalog, error) { return nil, errors.New("line 7 is wrong") },
		Report: func(_ context.Context, _ string, err error) { reported = err },
	}
	w := post(h, "text/plain", refused)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "line 7") || reported == nil {
		t.Errorf("%d %s, reported %v", w.Code, w.Body, reported)
	}
}
