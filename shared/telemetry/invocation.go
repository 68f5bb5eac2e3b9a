package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Call is an invocation by the host as it begins.
type Call struct {
	ID, Function string
	// Header is the host's. Its traceparent, where there is one, is the parent.
	Header http.Header
	// Origin is the traceparent that a queue's message carries; empty where it has none.
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

// Invocation begins the span of an invocation. It gives the trace's id, for the log, and what is to be called at the end.
func (t *Telemetry) Invocation(ctx context.Context, c Call) (context.Context, string, func(Ended)) {
	ctx, links := parents(ctx, c)
	attributes := []attribute.KeyValue{AttrFunction.String(c.Function), AttrInvocation.String(c.ID)}
	name, kind := c.Function, trace.SpanKindConsumer
	if c.Method != "" {
		name, kind = c.Method+" /api/"+c.Route, trace.SpanKindServer
		attributes = append(attributes, AttrMethod.String(c.Method), AttrHTTPRoute.String("/api/"+c.Route))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithTimestamp(c.Began), trace.WithSpanKind(kind),
		trace.WithAttributes(attributes...), trace.WithLinks(links...))
	id := ""
	if own := span.SpanContext(); own.HasTraceID() {
		id = own.TraceID().String()
	}
	return ctx, id, func(e Ended) { t.ended(ctx, c, e) }
}

func (t *Telemetry) ended(ctx context.Context, c Call, e Ended) {
	span, outcome := trace.SpanFromContext(ctx), "done"
	if e.Status != 0 {
		span.SetAttributes(AttrHTTPStatus.Int(e.Status))
	}
	if e.Failed || e.Status >= http.StatusInternalServerError {
		// What went wrong stands in the log, where secrets are taken out of it.
		span.SetStatus(codes.Error, "")
		outcome = "failed"
	}
	span.End()
	record(ctx, t.meters.invocation, time.Since(c.Began), AttrFunction.String(c.Function), AttrOutcome.String(outcome))
}

// parents finds the caller. The host's own context goes first, since it stands between the sender of a message and us;
// the sender's is then linked.
func parents(ctx context.Context, c Call) (context.Context, []trace.Link) {
	host := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(c.Header)))
	sender := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		"traceparent": c.Origin}))
	switch {
	case !host.IsValid():
		return trace.ContextWithRemoteSpanContext(ctx, sender), nil
	case sender.IsValid() && sender.TraceID() != host.TraceID():
		return trace.ContextWithRemoteSpanContext(ctx, host), []trace.Link{{SpanContext: sender}}
	}
	return trace.ContextWithRemoteSpanContext(ctx, host), nil
}

// Parent is the traceparent that a message sent within a context should carry; empty outside of a trace.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}
