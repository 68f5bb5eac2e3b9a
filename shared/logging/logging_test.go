package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL29zc3JkYm1zLWFhZCJ9.c2lnbmF0dXJl-hunter2"

// leaks are texts that hold the word hunter2 where a secret stands.
var leaks = []string{
	"dial postgres://migrator:hunter2@orders.example.com:5432/orders failed",
	"postgresql://u:p@ss:hunter2@db/x?sslmode=require",
	"https://hunter2@host.example.com/x",
	"amqps://user:a/hunter2@bus.example.com",
	"GET https://app.example.com/api/checks?code=hunter2&limit=5",
	"GET /api/checks?limit=5&code=hunter2",
	"POST /x?exp=17&sig=hunter2%2Babc",
	"x-functions-key: hunter2",
	"X-Functions-Key=hunter2",
	"Authorization: Bearer hunter2",
	"authorization: Basic hunter2",
	"sent Bearer abcdefhunter2abc to the server",
	"Endpoint=sb://b.example.com/;SharedAccessKeyName=all;SharedAccessKey=hunter2=;EntityPath=q",
	"AccountName=st;AccountKey=hunter2==;EndpointSuffix=core.windows.net",
	"SharedAccessSignature=sv=2024&ss=t&sig=hunter2",
	"host=db user=u password=hunter2 dbname=x",
	"host=db password='a b\\'hunter2' dbname=x",
	`PGPASSWORD="x hunter2" psql`,
	"ORDERS_SOURCE_PASSWORD=hunter2",
	"client_secret=hunter2&grant_type=x",
	"password: hunter2",
	`{"user":"u","password":"a\"hunter2"}`,
	`{"Query":{"code":"hunter2"}}`,
	`{"body":"{\"password\":\"hunter2\"}"}`,
	`{"Headers":{"X-Functions-Key":["hunter2"],"Authorization":["Bearer hunter2"]}}`,
	`{"body":"{\"password\":\"a\\\"hunter2\"}"}`,
	`{"accessToken":"hunter2"}`,
	"ALTER ROLE migrator WITH LOGIN PASSWORD 'it''s hunter2'",
	"CREATE ROLE x PASSWORD E'a\\'hunter2'",
	"rolpassword is SCRAM-SHA-256$4096:hunter2$x:y",
	"az postgres flexible-server create --admin-password hunter2 -n x",
	"--password 'a hunter2' -h db.example.com",
	"Passwort=hunter2", "user=u,pass=hunter2",
	"token " + jwt,
	"key abcdefghij0123456789hunter2AzFuABCD==",
	"key abcdefghij0123456789hunter2+AStABCD==",
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, text := range leaks {
		if got := Redact(text); strings.Contains(got, "hunter2") || !strings.Contains(got, redacted) {
			t.Errorf("Redact(%q) = %q", text, got)
		}
	}
}

// What is no secret stays: a log that hides everything helps nobody.
func TestRedactKeeps(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"check c-0001 finished: not_ready, TCP_TIMEOUT at orders.example.com:5432",
		"exit code=3",
		"setting ORDERS_SOURCE_PASSWORD: is not set",
		"https://app.example.com/api/checks/c-0001?format=json&limit=5",
		"password authentication failed for user \"migrator\"",
		"pg_dump --no-password -h db.example.com",
		"bypass=1 passes",
		"sb://sb-example.servicebus.windows.net/check-requests",
		"dial tcp [fd00::4]:5432: connect: connection refused",
	} {
		if got := Redact(text); got != text {
			t.Errorf("Redact(%q) = %q", text, got)
		}
	}
}

func TestRedactKeepsWhatStandsAround(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"host=db password=hunter2 dbname=x":        "host=db password=[redacted] dbname=x",
		"GET /api/checks?code=hunter2&limit=5":     "GET /api/checks?code=[redacted]&limit=5",
		"postgres://u:hunter2@db.example.com:5432": "postgres://[redacted]@db.example.com:5432",
		`{"password":"hunter2","user":"u"}`:        `{"password":"[redacted]","user":"u"}`,
	}
	for text, want := range tests {
		if got := Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

// Whatever way a secret takes into a line, it does not come out.
func TestNoLeakThroughTheLogger(t *testing.T) {
	t.Parallel()
	known := secret.New("hunter2-known-key")
	for _, text := range append(leaks, "the SDK said hunter2-known-key is wrong") {
		var out bytes.Buffer
		log := New(Options{Writer: &out, Secrets: []secret.String{known}})
		log.Info(text)
		log.Info("x", "detail", text)
		log.Info("x", "err", fmt.Errorf("send message: %w", errors.New(text)))
		log.Info("x", "value", struct{ Text string }{text})
		log.Info("x", "values", map[string][]string{"a": {text}})
		log.Info("x", slog.Group("g", slog.String("detail", text)))
		log.With("detail", text).WithGroup("h").Info("x", "more", text)
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "hunter2") {
				t.Errorf("%q came out: %s", text, line)
			}
		}
		if got := strings.Count(out.String(), "\n"); got != 7 {
			t.Errorf("%d lines, want 7", got)
		}
	}
}

func TestNoLeakByName(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := New(Options{Writer: &out})
	log.Info("x", "password", "hunter2", "clientSecret", "hunter2", "Authorization", "hunter2", "connection_string",
		"hunter2")
	log.Info("x", "secret", secret.New("hunter2"), "in", struct{ S secret.String }{secret.New("hunter2")})
	log.Info("x", "headers", http.Header{"X-Functions-Key": {"hunter2"}, "Cookie": {"hunter2"}})
	log.Info("x", slog.Group("password", slog.String("a", "hunter2"), slog.Any("b", []string{"hunter2"})))
	log.Info("x", "query", url.Values{"code": {"hunter2"}}, "code", "hunter2", "body", []byte("password=hunter2"))
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret came out: %s", out.String())
	}
	out.Reset()
	log.Info("x", "code", "TCP_TIMEOUT", "finding", map[string]any{"code": "28P01", "n": 1e15})
	if !strings.Contains(out.String(), `"code":"TCP_TIMEOUT","finding":{"code":"28P01","n":1000000000000000}`) {
		t.Errorf("a finding's code was taken out: %s", out.String())
	}
}

func TestEveryLineHasItsInvocation(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := New(Options{Writer: &out})
	ctx := WithInvocation(context.Background(), Invocation{ID: "3f2c", Function: "RunCheck"})
	log.InfoContext(ctx, "one")
	log.With("a", 1).ErrorContext(ctx, "two")
	for line := range strings.Lines(out.String()) {
		var fields struct{ InvocationID, Function, Msg, Level string }
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields.InvocationID != "3f2c" || fields.Function != "RunCheck" || fields.Msg == "" || fields.Level == "" {
			t.Errorf("line %s", line)
		}
	}
	out.Reset()
	log.Info("three")
	if strings.Contains(out.String(), "invocationId") {
		t.Errorf("a line without an invocation has one: %s", out.String())
	}
}

func TestHostileTextStaysOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := New(Options{Writer: &out})
	log.Info("a\nLanguageWorkerConsoleLog b\r\x1b[31m\x00\x7f\u009b2J\u2028", "k", "\xff\xfe\n")
	line := out.String()
	if strings.Count(line, "\n") != 1 || !json.Valid(out.Bytes()) {
		t.Errorf("not one line of JSON: %q", line)
	}
	for _, control := range []string{"\r", "\x1b", "\x00", "\x7f", "\u009b", "\u2028"} {
		if strings.Contains(line, control) {
			t.Errorf("control character %q came out", control)
		}
	}
}

func TestLongTextIsCut(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	New(Options{Writer: &out}).Info(strings.Repeat("ä", 100_000))
	if out.Len() > 2*longest || !json.Valid(out.Bytes()) || !strings.Contains(out.String(), "200000 bytes in all") {
		t.Errorf("line of %d bytes", out.Len())
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := New(Options{Writer: &out, Level: slog.LevelWarn})
	log.Info("quiet")
	log.Warn("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, `"level":"WARN"`) {
		t.Errorf("lines: %s", got)
	}
}

func FuzzRedact(f *testing.F) {
	for _, text := range leaks {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		New(Options{Writer: &out}).Info(text, "k", text)
		if !json.Valid(out.Bytes()) || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
			t.Errorf("not one line of JSON: %q", out.String())
		}
	})
}
