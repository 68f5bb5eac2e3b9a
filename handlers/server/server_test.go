package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/logging"
)

const queueBody = `{"Data":{"message":"e30="},"Metadata":{}}`

// lines is a log that several goroutines write.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func logger() (*slog.Logger, *lines) {
	out := &lines{}
	return logging.New(logging.Options{Writer: out}), out
}

func muxOf(run func(context.Context, envelope.Invocation) (envelope.Answer, error), h http.HandlerFunc) (*Mux, *lines) {
	log, out := logger()
	return New(log,
		[]Function{{Name: "RunCheck", Limit: time.Minute, Run: run}},
		[]HTTPFunction{{Name: "Checks", Route: "checks/{id?}", Methods: []string{"GET", "POST"}, Limit: time.Minute,
			Handler: h}},
	), out
}

func send(m http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1/", strings.NewReader(body))
	r.URL.Path, r.RequestURI = path, path
	r.Header.Set("X-Azure-Functions-InvocationId", "3f2c1a7e")
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w
}

func fine(context.Context, envelope.Invocation) (envelope.Answer, error) {
	return envelope.Answer{Logs: []string{"done"}}, nil
}

func noHTTP(http.ResponseWriter, *http.Request) { panic("not expected") }

func TestPaths(t *testing.T) {
	t.Parallel()
	m, _ := muxOf(fine, func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.PathValue("id")) })
	tests := []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200}, {"HEAD", "/", 200},
		{"POST", "/RunCheck", 200}, {"POST", "/runcheck", 404}, {"POST", "/RunCheck/", 404}, {"GET", "/RunCheck", 405},
		{"POST", "//RunCheck", 404}, {"POST", "/./RunCheck", 404}, {"POST", "/x/../RunCheck", 404},
		{"POST", "/RunCheck2", 404},
		{"GET", "/api/checks", 200}, {"GET", "/api/checks/", 200}, {"GET", "/API/Checks/c-1", 200},
		{"POST", "/api/checks", 200},
		{"DELETE", "/api/checks/c-1", 405}, {"GET", "/api/checks/c-1/x", 404}, {"GET", "/api//checks", 404},
		{"GET", "/api/checks//", 404}, {"GET", "/api", 404}, {"GET", "/api/", 404}, {"GET", "/checks", 404}, {"GET", "", 404},
		{"GET", "//", 404}, {"GET", "/api/../api/checks", 404},
	}
	for _, test := range tests {
		w := send(m, test.method, test.path, queueBody)
		if w.Code != test.status {
			t.Errorf("%s %s = %d, want %d", test.method, test.path, w.Code, test.status)
		}
		if w.Header().Get("Location") != "" {
			t.Errorf("%s %s redirects", test.method, test.path)
		}
	}
}

func TestPathValues(t *testing.T) {
	t.Parallel()
	m, _ := muxOf(fine, func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, "<%s>", r.PathValue("id")) })
	for path, want := range map[string]string{"/api/checks": "<>", "/api/checks/c-1": "<c-1>",
		"/API/CHECKS/C.x": "<C.x>"} {
		if got := send(m, "GET", path, "").Body.String(); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

func TestMatchRoute(t *testing.T) {
	t.Parallel()
	tests := []struct {
		route, path string
		want        string
	}{
		{"health", "health", "map[]"}, {"health", "health/x", "no"}, {"checks/{id?}", "checks", "map[]"},
		{"checks/{id?}", "checks/1", "map[id:1]"}, {"checks/{id}", "checks", "no"},
		{"tickets/{system}", "tickets/jira", "map[system:jira]"},
		{"a/{b}/c/{d?}", "a/1/c", "map[b:1]"}, {"a/{b}/c/{d?}", "a/1", "no"}, {"a/{b}/c", "a//c", "no"},
		{"openapi.json", "openapi.json", "map[]"},
	}
	for _, test := range tests {
		values, ok := matchRoute(test.route, strings.Split(test.path, "/"))
		got := "no"
		if ok {
			got = fmt.Sprint(values)
		}
		if got != test.want {
			t.Errorf("%s on %s: %s, want %s", test.route, test.path, got, test.want)
		}
	}
}

func TestPingDoesNoWork(t *testing.T) {
	t.Parallel()
	m, out := muxOf(nil, noHTTP)
	if w := send(m, "GET", "/", ""); w.Code != 200 || out.String() != "" {
		t.Errorf("ping: %d, log %q", w.Code, out.String())
	}
}

func TestFunctionAnswers(t *testing.T) {
	t.Parallel()
	m, out := muxOf(fine, noHTTP)
	w := send(m, "POST", "/RunCheck", queueBody)
	if want := `{"Outputs":{},"Logs":["done"],"ReturnValue":null}`; w.Body.String() != want {
		t.Errorf("answer %s, want %s", w.Body, want)
	}
	if !strings.Contains(out.String(), `"invocationId":"3f2c1a7e","function":"RunCheck"`) {
		t.Errorf("log without its invocation: %s", out)
	}
}

func TestFunctionFails(t *testing.T) {
	t.Parallel()
	type function = func(context.Context, envelope.Invocation) (envelope.Answer, error)
	tests := map[string]struct {
		run       function
		body, log string
	}{
		"error": {func(context.Context, envelope.Invocation) (envelope.Answer, error) {
			return envelope.Answer{}, errors.New("save report: AccountKey=hunter2 is wrong")
		}, queueBody, "save report"},
		"panic": {func(context.Context, envelope.Invocation) (envelope.Answer, error) {
			panic("password=hunter2")
		}, queueBody, "server_test.go"},
		"not an invocation": {fine, `{"password":"hunter2"`, "decode invocation"},
		"too large":         {fine, strings.Repeat(" ", 17<<20), "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, out := muxOf(test.run, noHTTP)
			w := send(m, "POST", "/RunCheck", test.body)
			if w.Code != 500 || !json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("answer %d %s", w.Code, w.Body)
			}
			if !strings.Contains(out.String(), test.log) || !strings.Contains(out.String(), `"level":"ERROR"`) {
				t.Errorf("log %s has no %q", out, test.log)
			}
			if strings.Contains(out.String()+w.Body.String(), "hunter2") {
				t.Errorf("a secret came out: %s %s", out, w.Body)
			}
		})
	}
}

// A function whose time is over is answered for, even where it never looks at its context.
func TestFunctionThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		m, out := muxOf(func(context.Context, envelope.Invocation) (envelope.Answer, error) {
			<-forever
			return envelope.Answer{}, nil
		}, noHTTP)
		started := time.Now()
		w := send(m, "POST", "/RunCheck", queueBody)
		if took := time.Since(started); w.Code != 500 || took != time.Minute+grace {
			t.Errorf("answer %d after %s", w.Code, took)
		}
		if !strings.Contains(out.String(), "no answer") {
			t.Errorf("log %s", out)
		}
		close(forever)
	})
}

func TestFunctionThatEndsWithItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := muxOf(func(ctx context.Context, _ envelope.Invocation) (envelope.Answer, error) {
			<-ctx.Done()
			return envelope.Answer{Logs: []string{"inconclusive"}}, nil
		}, noHTTP)
		started := time.Now()
		w := send(m, "POST", "/RunCheck", queueBody)
		if took := time.Since(started); w.Code != 200 || took != time.Minute {
			t.Errorf("answer %d after %s", w.Code, took)
		}
	})
}

func TestHTTPPanics(t *testing.T) {
	t.Parallel()
	m, out := muxOf(fine, func(http.ResponseWriter, *http.Request) { panic(errors.New("sig=hunter2")) })
	w := send(m, "GET", "/api/checks", "")
	if w.Code != 500 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d %s", w.Code, w.Header())
	}
	if !strings.Contains(w.Body.String(), "3f2c1a7e") {
		t.Errorf("the answer %s does not name the invocation", w.Body)
	}
	if strings.Contains(out.String()+w.Body.String(), "hunter2") || !strings.Contains(out.String(), "server_test.go") {
		t.Errorf("log %s", out)
	}
}

// Half a report must not pass for a whole one.
func TestHTTPPanicsInTheMiddle(t *testing.T) {
	t.Parallel()
	m, _ := muxOf(fine, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":1,`)
		_ = http.NewResponseController(w).Flush()
		panic("half")
	})
	s := httptest.NewServer(m)
	defer s.Close()
	response, err := s.Client().Get(s.URL + "/api/checks/c-1")
	if err != nil {
		return
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("half an answer came as a whole one: %s", body)
	}
}

// The query of a request holds the function key.
func TestLogHasNoQuery(t *testing.T) {
	t.Parallel()
	m, out := muxOf(fine, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) })
	r := httptest.NewRequest("GET", "/api/checks?code=hunter2", nil)
	r.Header.Set("x-functions-key", "hunter2")
	m.ServeHTTP(httptest.NewRecorder(), r)
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), `"status":202`) {
		t.Errorf("log %s", out)
	}
}

// What no function answers fails in the host without a word, so our log is where it can be seen.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, path, line string }{
		{"POST", "/runcheck", `"msg":"no function answers here","method":"POST","path":"/runcheck","invocationId":"3f2c1a7e"`},
		{"DELETE", "/api/checks/c-1", `"status":405`},
		{"GET", "/RunCheck", `"msg":"invocation failed","err":"called with GET`},
	} {
		m, out := muxOf(fine, noHTTP)
		send(m, test.method, test.path, "")
		if !strings.Contains(out.String(), test.line) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s %s: log %s", test.method, test.path, out)
		}
	}
}

// The host's own bytes: chunked default calls, forwarded and proxied requests.
func TestWire(t *testing.T) {
	t.Parallel()
	var got []byte
	m, _ := muxOf(func(_ context.Context, i envelope.Invocation) (envelope.Answer, error) {
		var err error
		got, err = i.Bytes("message")
		return envelope.Answer{}, err
	}, noHTTP)
	message := strings.Repeat("x", 100_000)
	body := `{"Data":{"message":"` + base64.StdEncoding.EncodeToString([]byte(message)) + `"},"Metadata":{}}`
	head, err := os.ReadFile("testdata/02-invocation-default.http")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(head), "\r\n", "\n")
	top, _, _ := strings.Cut(text, "\n\n")
	var raw strings.Builder
	raw.WriteString(strings.ReplaceAll(top, "\n", "\r\n") + "\r\n\r\n")
	for part := range slices.Chunk([]byte(body), 1000) {
		_, _ = fmt.Fprintf(&raw, "%x\r\n%s\r\n", len(part), part)
	}
	raw.WriteString("0\r\n\r\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw.String())))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if w.Code != 200 || string(got) != message {
		t.Errorf("answer %d, message of %d bytes", w.Code, len(got))
	}
}

func TestWireForwarded(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/03-forwarded-http.http", "testdata/04-proxied-http.http"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		top, body, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n")
		wire := strings.ReplaceAll(top, "\n", "\r\n") + "\r\n\r\n" + body
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			t.Fatal(err)
		}
		log, out := logger()
		var got string
		m := New(log, nil, []HTTPFunction{{Name: "AcceptTicket", Route: "hooks/{system}/{id}", Methods: []string{"POST"},
			Limit: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				got = r.PathValue("system") + " " + r.PathValue("id") + " " + r.URL.Query().Get("dryRun") + " " + string(raw)
			})}})
		m.ServeHTTP(httptest.NewRecorder(), r)
		if want := "jira INC-42 1 " + strings.TrimSpace(body); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
		if strings.Contains(out.String(), "FUNCTION_KEY") || !strings.Contains(out.String(), "3f2c1a7e-6d0b") {
			t.Errorf("%s: log %s", file, out)
		}
	}
}
