package host

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const body = `{"event":"ticket.updated"}`

func httpApp(t *testing.T, timeout, modes string) *app {
	t.Helper()
	return newApp(t, timeout, modes, map[string]string{
		"Echo":    httpFunction("echo/{what}", "function"),
		"Stream":  httpFunction("stream/{what?}", "anonymous"),
		"Wrapped": httpFunction("wrapped/{id?}", "function"),
		"Bare":    `{"bindings":[{"type":"httpTrigger","direction":"in","name":"request","methods":["post"]}]}`,
		"Tick":    tickTimer,
	})
}

func webhook(t *testing.T, h *Host) *http.Request {
	t.Helper()
	address := h.URL() + "/api/echo/INC-42%2F1?dryRun=1&a=%7e&code=k"
	request := newRequest(t, http.MethodPost, address, strings.NewReader(body))
	request.Header.Set("User-Agent", "Atlassian-Webhook-Client")
	request.Header.Set("X-Hub-Signature", "sha256=abc123")
	request.Header.Set("X-Forwarded-For", "203.0.113.7:51022")
	request.Header.Set(invocationHeader, "spoofed")
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Host = "app-example.azurewebsites.net"
	return request
}

func TestProxied(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:01:00", proxying).start(t, nil)
	got := do(t, webhook(t, h))
	if got.status != http.StatusTeapot || got.header.Get("X-From") != "handler" {
		t.Fatalf("got %d %v", got.status, got.header)
	}
	s := got.seen(t)
	if s.Method != "POST" || s.Path != "/api/echo/INC-42%2F1" || s.Query != "dryRun=1&a=%7e&code=k" || s.Body != body {
		t.Errorf("got %+v", s)
	}
	if s.Host != strings.TrimPrefix(address(t, h), "http://") {
		t.Errorf("Host %q", s.Host)
	}
	wantHeaders(t, s.Header, map[string]string{
		"User-Agent": "Atlassian-Webhook-Client", "X-Hub-Signature": "sha256=abc123",
		"X-Forwarded-For": "203.0.113.7:51022", versionHeader: version,
		proxyHeader: s.Header.Get(invocationHeader),
	})
	if _, err := uuid.Parse(s.Header.Get(invocationHeader)); err != nil {
		t.Errorf("invocation id: %v", err)
	}
}

func wantHeaders(t *testing.T, got http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if strings.Join(got.Values(name), "|") != value {
			t.Errorf("%s: got %q, want %q", name, got.Values(name), value)
		}
	}
}

// TestForwarded is the older host: Host stays, the query is rebuilt, the User-Agent grows, a body without length is
// lost.
func TestForwarded(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:01:00", proxying).start(t, func(o *Options) { o.OldHost = true })
	got := do(t, webhook(t, h))
	s := got.seen(t)
	if got.status != http.StatusTeapot || s.Path != "/api/echo/INC-42%2F1" || s.Query != "dryRun=1&a=~&code=k" ||
		s.Body != body || s.ContentLength != int64(len(body)) || s.Host != "app-example.azurewebsites.net" {
		t.Errorf("got %d %+v", got.status, s)
	}
	wantHeaders(t, s.Header, map[string]string{
		"User-Agent": "Atlassian-Webhook-Client Azure-Functions-Host/" + version, versionHeader: version, proxyHeader: "",
	})
	chunked := newRequest(t, http.MethodPost, h.URL()+"/api/echo/x", io.NopCloser(strings.NewReader(body)))
	if s := do(t, chunked).seen(t); s.Body != "" {
		t.Errorf("a chunked body survived: %q", s.Body)
	}
}

// TestProxyStreamsBothWays sends a chunk only after the one before has come back.
func TestProxyStreamsBothWays(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:01:00", proxying).start(t, nil)
	reader, writer := io.Pipe()
	response, err := http.DefaultClient.Do(newRequest(t, http.MethodPost, h.URL()+"/api/stream/both", reader))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for _, want := range []string{"begin", "one", "two"} {
		if want != "begin" {
			if _, err := io.WriteString(writer, want+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, %v, want %q", lines.Text(), lines.Err(), want)
		}
	}
	if err := writer.Close(); err != nil || lines.Scan() {
		t.Errorf("no end: %v %q", err, lines.Text())
	}
}

func TestFailedProxyingIs500AndABrokenAnswerIsSeenAsSuch(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:00:01", proxying).start(t, nil)
	if got := do(t, newRequest(t, http.MethodGet, h.URL()+"/api/echo/reset", http.NoBody)); got.status != 500 {
		t.Errorf("reset: got %d, want 500", got.status)
	}
	before := address(t, h)
	for _, what := range []string{"half", "stuck"} {
		response, err := http.DefaultClient.Do(newRequest(t, http.MethodGet, h.URL()+"/api/stream/"+what, http.NoBody))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || string(text) != "begin\n" {
			t.Errorf("%s: got %q, %v", what, text, err)
		}
	}
	await(t, "another handler after functionTimeout", func() bool { return address(t, h) != before })
}

func TestEnveloped(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:01:00", "").start(t, func(o *Options) { o.Key = "k" })
	request := newRequest(t, http.MethodPut, h.URL()+"/api/wrapped/7?a=1&a=2", strings.NewReader(body))
	request.Header.Set("x-functions-key", "k")
	request.Header.Set("Content-Type", "application/json")
	got := do(t, request)
	if got.status != http.StatusAccepted || got.header.Get("X-From") != "handler" {
		t.Fatalf("got %d %v %s", got.status, got.header, got.body)
	}
	var invocation struct {
		Data struct {
			Request struct {
				Url, Method, Body string
				Query             map[string]string
				Headers           map[string][]string
				Params            map[string]string
				Identities        []struct{ IsAuthenticated bool }
			}
		}
		Metadata struct{ Event, A, ID string }
	}
	if err := json.Unmarshal([]byte(got.body), &invocation); err != nil {
		t.Fatal(err)
	}
	r, m := invocation.Data.Request, invocation.Metadata
	if r.Url != h.URL()+"/api/wrapped/7?a=1&a=2" || r.Method != "PUT" || r.Body != body || r.Query["a"] != "1,2" ||
		r.Params["id"] != "7" || len(r.Headers["Content-Length"]) != 1 || !r.Identities[0].IsAuthenticated {
		t.Errorf("got %+v", r)
	}
	if m.Event != `"ticket.updated"` || m.A != `"1,2"` || m.ID != `"7"` {
		t.Errorf("metadata %+v", m)
	}
}

func TestFailedInvocationIs500(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:01:00", proxying).start(t, nil)
	got := do(t, newRequest(t, http.MethodPost, h.URL()+"/api/Bare", http.NoBody))
	if got.status != http.StatusInternalServerError || got.body != "" {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestRoutingAndKeys(t *testing.T) {
	t.Parallel()
	h := httpApp(t, "00:01:00", proxying).start(t, func(o *Options) { o.Key = "right" })
	cases := []struct {
		method, path, key string
		want              int
	}{
		{"GET", "/api/echo/x?code=right", "", 418},
		{"GET", "/api/echo/x", "right", 418},
		{"GET", "/API/Echo/x", "right", 404}, // reaches the handler, whose own routes mind the case
		{"GET", "/api/echo/x", "", 401},
		{"GET", "/api/echo/x?code=wrong", "", 401},
		{"GET", "/api/stream/x", "", 200},
		{"GET", "/api/stream/", "", 404}, // reaches the handler: the parameter is optional
		{"GET", "/api/bare", "right", 404},
		{"GET", "/api/nowhere", "right", 404},
		{"GET", "/echo/x", "right", 404},
		{"GET", "/admin/host/ping", "", 200},
		{"POST", "/admin/functions/Tick", "", 401},
		{"POST", "/admin/functions/Echo", "right", 404},
	}
	for _, c := range cases {
		request := newRequest(t, c.method, h.URL()+c.path, http.NoBody)
		if c.key != "" {
			request.Header.Set("x-functions-key", c.key)
		}
		if got := do(t, request); got.status != c.want {
			t.Errorf("%s %s with %q: got %d, want %d", c.method, c.path, c.key, got.status, c.want)
		}
	}
}
