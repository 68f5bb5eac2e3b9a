package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/logging"
)

// Watch is told of every invocation as it begins. It may give a context of its own, the id of the trace that the log is
// to name, and what is to be told of the end.
type Watch func(ctx context.Context, c Call) (context.Context, string, func(Ended))

// Call is an invocation as it begins.
type Call struct {
	ID, Function string
	// Header is the host's; a forwarded request's is the caller's as well.
	Header http.Header
	// Origin is the trace context that a queue's message carries; empty where it has none.
	Origin string
	// Method and Route are of a forwarded request.
	Method, Route string
	Began         time.Time
}

// Ended is how an invocation ended.
type Ended struct {
	Failed bool
	// Status is what a forwarded request was answered with.
	Status int
}

// Watched sets who is told; nobody is where it is not called.
func (m *Mux) Watched(w Watch) *Mux {
	m.watch = w
	return m
}

// begin marks the context with the host's invocation.
func (m *Mux) begin(ctx context.Context, c Call) (context.Context, func(Ended)) {
	c.ID = invocationID(c.Header)
	trace, ended := traceOf(c.Header.Get("Traceparent")), nobody
	if m.watch != nil {
		ctx, trace, ended = m.watch(ctx, c)
	}
	return logging.WithInvocation(ctx, logging.Invocation{ID: c.ID, Function: c.Function, Trace: trace}), ended
}

func nobody(Ended) {}

// invocationID is only for the log, so it is only bounded.
func invocationID(header http.Header) string {
	// In the form that Header keeps names in: any other costs an allocation.
	id := header.Get("X-Azure-Functions-Invocationid")
	return id[:min(len(id), 64)]
}

// origin is the trace context that the sender of a message gave it. Azure's client libraries write the one or the other
// name. A sender may write what it likes: it is good for a trace only.
func origin(i envelope.Invocation) string {
	properties := i.Claimed().ApplicationProperties()
	if parent := properties["traceparent"]; parent != "" {
		return parent
	}
	return properties["Diagnostic-Id"]
}

// traceOf reads the trace's id out of a traceparent: version, id, span, flags.
// https://www.w3.org/TR/trace-context/#traceparent-header
func traceOf(header string) string {
	const id, end = 3, 35
	if len(header) < 55 || header[2] != '-' || header[end] != '-' {
		return ""
	}
	if trace := header[id:end]; strings.Trim(trace, "0123456789abcdef") == "" && strings.Trim(trace, "0") != "" {
		return trace
	}
	return ""
}
