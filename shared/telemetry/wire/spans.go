package wire

import (
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// Spans is an ExportTraceServiceRequest. All spans are of one resource, that of the first.
func Spans(spans []trace.ReadOnlySpan) []byte {
	if len(spans) == 0 {
		return nil
	}
	var out message
	out.inner(1, func(m *message) {
		m.resource(1, spans[0].Resource())
		for _, group := range byScope(spans) {
			m.inner(2, func(m *message) {
				m.scope(1, group.scope)
				for _, s := range group.spans {
					m.inner(2, func(m *message) { m.span(s) })
				}
				m.text(3, group.scope.SchemaURL)
			})
		}
		m.text(3, spans[0].Resource().SchemaURL())
	})
	return out
}

type scoped struct {
	scope instrumentation.Scope
	spans []trace.ReadOnlySpan
}

func byScope(spans []trace.ReadOnlySpan) []*scoped {
	var groups []*scoped
	known := map[instrumentation.Scope]*scoped{}
	for _, s := range spans {
		scope := s.InstrumentationScope()
		if known[scope] == nil {
			known[scope] = &scoped{scope: scope}
			groups = append(groups, known[scope])
		}
		known[scope].spans = append(known[scope].spans, s)
	}
	return groups
}

func (m *message) span(s trace.ReadOnlySpan) {
	own, parent := s.SpanContext(), s.Parent()
	m.ids(1, own)
	m.text(3, own.TraceState().String())
	if id := parent.SpanID(); id.IsValid() {
		m.raw(4, id[:])
	}
	m.text(5, s.Name())
	m.varint(6, uint64(kinds[s.SpanKind()]))
	m.fixed64(7, nano(s.StartTime()))
	m.fixed64(8, nano(s.EndTime()))
	for _, kv := range s.Attributes() {
		m.attribute(9, kv)
	}
	m.varint(10, uint64(s.DroppedAttributes()))
	for _, e := range s.Events() {
		m.inner(11, func(m *message) {
			m.fixed64(1, nano(e.Time))
			m.text(2, e.Name)
			for _, kv := range e.Attributes {
				m.attribute(3, kv)
			}
			m.varint(4, uint64(e.DroppedAttributeCount))
		})
	}
	m.varint(12, uint64(s.DroppedEvents()))
	m.links(s)
	m.inner(15, func(m *message) {
		m.text(2, s.Status().Description)
		m.varint(3, statuses[s.Status().Code])
	})
	m.fixed32(16, flags(own, parent))
}

func (m *message) links(s trace.ReadOnlySpan) {
	for _, link := range s.Links() {
		m.inner(13, func(m *message) {
			m.ids(1, link.SpanContext)
			for _, kv := range link.Attributes {
				m.attribute(4, kv)
			}
			m.varint(5, uint64(link.DroppedAttributeCount))
			m.fixed32(6, flags(link.SpanContext, link.SpanContext))
		})
	}
	m.varint(14, uint64(s.DroppedLinks()))
}

// ids writes a trace's id and, as the field after it, a span's.
func (m *message) ids(field int, c api.SpanContext) {
	whole, own := c.TraceID(), c.SpanID()
	m.raw(field, whole[:])
	m.raw(field+1, own[:])
}

// flags are those of W3C, and whether the parent was in another process.
func flags(own, parent api.SpanContext) uint32 {
	const knowsRemote, remote = 0x100, 0x200
	out := uint32(own.TraceFlags()) | knowsRemote
	if parent.IsRemote() {
		out |= remote
	}
	return out
}

var kinds = [...]int{
	api.SpanKindUnspecified: 0, api.SpanKindInternal: 1, api.SpanKindServer: 2, api.SpanKindClient: 3,
	api.SpanKindProducer: 4, api.SpanKindConsumer: 5,
}

var statuses = [...]uint64{codes.Unset: 0, codes.Ok: 1, codes.Error: 2}

func nano(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(0, t.UnixNano()))
}
