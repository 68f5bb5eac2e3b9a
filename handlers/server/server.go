// Package server is the handler's HTTP side: which path is which function, time limits, panics, the log line of each
// invocation, and the way in and out of the process. It knows no check and no setting.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/logging"
)

// Function is a function that the host calls with an envelope: queue, timer, event.
type Function struct {
	// Name is the function's folder name, in its case.
	Name string
	// Limit bounds one invocation. It must be well under the host's functionTimeout, at which the host kills the
	// process and with it every other invocation.
	Limit time.Duration
	// Run does the work. An error fails the invocation, so that a message comes back.
	Run func(ctx context.Context, invocation envelope.Invocation) (envelope.Answer, error)
}

// HTTPFunction is a function whose requests the host forwards as they are.
type HTTPFunction struct {
	// Name is the function's folder name; it is only logged.
	Name string
	// Route is the route of its function.json, such as checks/{id?}. A parameter is one segment and becomes a path value.
	Route   string
	Methods []string
	Limit   time.Duration
	Handler http.Handler
}

// Mux is the handler of everything the host sends. It never redirects: the host would follow, with a GET.
type Mux struct {
	functions map[string]Function
	http      []HTTPFunction
	log       *slog.Logger
	watch     Watch
}

// New makes a mux.
func New(log *slog.Logger, functions []Function, forwarded []HTTPFunction) *Mux {
	m := &Mux{functions: make(map[string]Function, len(functions)), http: forwarded, log: log}
	for _, f := range functions {
		m.functions["/"+f.Name] = f
	}
	return m
}

// ServeHTTP implements http.Handler.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		// The host's start-up and liveness ping, every 25 ms until it is answered.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		return
	}
	if f, ok := m.functions[r.URL.Path]; ok {
		m.serveFunction(w, r, f)
		return
	}
	if f, parameter, ok := m.match(r.URL.Path); ok {
		m.serveHTTP(w, r, f, parameter)
		return
	}
	// A function whose name is not ours fails in the host without a word: the host reads no such answer.
	ctx := logging.WithInvocation(r.Context(), logging.Invocation{ID: invocationID(r.Header)})
	m.log.WarnContext(ctx, "no function answers here", "method", r.Method, "path", r.URL.Path)
	problem.Write(w, problem.Problem{Status: http.StatusNotFound, Detail: "no function answers here"})
}

// match finds a forwarded request's function. Literal segments match in any case, because the host's own routing does
// and passes the path on as the caller wrote it.
func (m *Mux) match(path string) (HTTPFunction, map[string]string, bool) {
	const prefix = "/api/"
	if len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return HTTPFunction{}, nil, false
	}
	segments := strings.Split(strings.TrimSuffix(path[len(prefix):], "/"), "/")
	for _, f := range m.http {
		if values, ok := matchRoute(f.Route, segments); ok {
			return f, values, true
		}
	}
	return HTTPFunction{}, nil, false
}

func matchRoute(route string, segments []string) (map[string]string, bool) {
	values := map[string]string{}
	parts := strings.Split(route, "/")
	for i, part := range parts {
		name, isParameter := strings.CutPrefix(strings.TrimSuffix(part, "}"), "{")
		name, optional := strings.CutSuffix(name, "?")
		switch {
		case i >= len(segments):
			return values, optional && i == len(parts)-1
		case isParameter && segments[i] != "":
			values[name] = segments[i]
		case isParameter || !strings.EqualFold(part, segments[i]):
			return nil, false
		}
	}
	return values, len(segments) == len(parts)
}

func elapsedMs(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }
