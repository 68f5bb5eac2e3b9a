package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
)

// grace is what a function gets after its limit to come back with an answer of its own.
const grace = 5 * time.Second

// outcome is how an invocation ended.
type outcome struct {
	answer envelope.Answer
	err    error
	// stack is where it panicked; empty where it did not.
	stack []byte
}

func (m *Mux) serveFunction(w http.ResponseWriter, r *http.Request, f Function) {
	call := Call{Function: f.Name, Header: r.Header, Began: time.Now()}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		ctx, ended := m.begin(r.Context(), call)
		defer ended(Ended{Failed: true})
		m.log.ErrorContext(ctx, "invocation failed", "err", "called with "+r.Method)
		m.warn(ctx, envelope.Fail(w, http.StatusMethodNotAllowed, "the host calls a function with POST"))
		return
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(call.Began.Add(readWithin))
	invocation, err := envelope.Decode(r.Body)
	if m.watch != nil && err == nil {
		call.Origin = origin(invocation)
	}
	ctx, ended := m.begin(r.Context(), call)
	result := outcome{err: err}
	if err == nil {
		// Only now: after a failed read the server reads on, to the end of the body.
		_ = connection.SetReadDeadline(time.Time{})
		result = invoke(ctx, f, invocation)
	}
	ended(Ended{Failed: result.err != nil})
	if result.err != nil {
		// The host reads nothing of a failed answer, so the log is where the reason must be.
		m.log.ErrorContext(ctx, "invocation failed", "err", result.err, "stack", string(result.stack),
			"elapsedMs", elapsedMs(call.Began))
		m.warn(ctx, envelope.Fail(w, http.StatusInternalServerError, "the invocation failed; its log says why"))
		return
	}
	m.log.InfoContext(ctx, "invocation finished", "logs", result.answer.Logs, "elapsedMs", elapsedMs(call.Began))
	m.warn(ctx, envelope.Succeed(w, result.answer))
}

// invoke runs a function and comes back in time even where the function does not: what hangs then holds its own
// goroutine and nobody else's.
func invoke(ctx context.Context, f Function, invocation envelope.Invocation) outcome {
	ctx, cancel := context.WithTimeout(ctx, f.Limit)
	defer cancel()
	done := make(chan outcome, 1)
	go func() { done <- run(ctx, f, invocation) }()
	select {
	case result := <-done:
		return result
	case <-ctx.Done():
	}
	select {
	case result := <-done:
		return result
	case <-time.After(grace):
		return outcome{err: fmt.Errorf("run %s: no answer %s after its end: %w", f.Name, grace, ctx.Err())}
	}
}

func run(ctx context.Context, f Function, invocation envelope.Invocation) (result outcome) {
	defer func() {
		if cause := recover(); cause != nil {
			result = outcome{err: fmt.Errorf("run %s: panic: %v", f.Name, cause), stack: debug.Stack()}
		}
	}()
	answer, err := f.Run(ctx, invocation)
	return outcome{answer: answer, err: err}
}

// warn logs an answer that did not reach the host.
func (m *Mux) warn(ctx context.Context, err error) {
	if err != nil {
		m.log.WarnContext(ctx, "answer not delivered", "err", err)
	}
}
