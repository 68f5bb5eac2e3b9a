package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
)

func (m *Mux) serveHTTP(w http.ResponseWriter, r *http.Request, f HTTPFunction, parameter map[string]string) {
	started := time.Now()
	ctx, ended := m.begin(r.Context(), Call{Function: f.Name, Header: r.Header, Method: r.Method, Route: f.Route,
		Began: started})
	watched := &watchedWriter{ResponseWriter: w}
	defer func() { ended(Ended{Status: watched.status, Failed: watched.failed}) }()
	ctx, cancel := context.WithTimeout(ctx, f.Limit)
	defer cancel()
	r = r.WithContext(ctx)
	for name, value := range parameter {
		r.SetPathValue(name, value)
	}
	// A context does not end a read: a body that never ends must not outlive the limit either.
	_ = http.NewResponseController(w).SetReadDeadline(started.Add(f.Limit))
	defer m.recoverHTTP(watched, r)
	if slices.Contains(f.Methods, r.Method) {
		f.Handler.ServeHTTP(watched, r)
	} else {
		w.Header().Set("Allow", strings.Join(f.Methods, ", "))
		problem.Write(watched, problem.Problem{Status: http.StatusMethodNotAllowed})
	}
	// Only the path: a query holds the function key.
	m.log.InfoContext(ctx, "request served", "method", r.Method, "path", r.URL.Path, "status", watched.status,
		"elapsedMs", elapsedMs(started))
}

// recoverHTTP answers for a handler that panicked. Where a part of an answer is out already, the connection is cut:
// half a report must not pass for a whole one.
func (m *Mux) recoverHTTP(w *watchedWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	w.failed = true
	m.log.ErrorContext(r.Context(), "invocation failed", "err", fmt.Errorf("panic: %v", cause),
		"stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	problem.Write(w, problem.Internal(r))
}

// watchedWriter remembers the status; 0 means that nothing is sent yet. Failed tells that the handler panicked.
type watchedWriter struct {
	http.ResponseWriter
	status int
	failed bool
}

// WriteHeader implements http.ResponseWriter.
func (w *watchedWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watchedWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
