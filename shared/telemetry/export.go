package telemetry

import (
	"context"
	"log/slog"
	"sync"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pgpreflight/pgpreflight/shared/telemetry/send"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/wire"
)

// spans exports spans. It never errs: the SDK would hand the error to a handler of the whole process.
type spans struct {
	to    *send.Client
	watch *watch
}

var _ sdktrace.SpanExporter = spans{}

// ExportSpans implements trace.SpanExporter.
func (s spans) ExportSpans(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	if len(batch) > 0 {
		s.watch.ended(ctx, s.to.Post(ctx, wire.Spans(batch)), len(batch))
	}
	return nil
}

// Shutdown implements trace.SpanExporter.
func (s spans) Shutdown(context.Context) error { return nil }

// metrics exports metrics, and never errs either.
type metrics struct {
	to    *send.Client
	watch *watch
	delta bool
}

var _ sdkmetric.Exporter = metrics{}

// Temporality implements metric.Exporter.
func (m metrics) Temporality(sdkmetric.InstrumentKind) metricdata.Temporality {
	if m.delta {
		return metricdata.DeltaTemporality
	}
	return metricdata.CumulativeTemporality
}

// Aggregation implements metric.Exporter.
func (m metrics) Aggregation(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(kind)
}

// Export implements metric.Exporter.
func (m metrics) Export(ctx context.Context, figures *metricdata.ResourceMetrics) error {
	if len(figures.ScopeMetrics) == 0 {
		return nil
	}
	body, err := wire.Metrics(figures)
	if err == nil {
		err = m.to.Post(ctx, body)
	}
	m.watch.ended(ctx, err, 1)
	return nil
}

// ForceFlush implements metric.Exporter.
func (m metrics) ForceFlush(context.Context) error { return nil }

// Shutdown implements metric.Exporter.
func (m metrics) Shutdown(context.Context) error { return nil }

// watch writes a line when a collector stops taking things and one when it takes them again: not one for each message,
// since the log would then be the larger trouble.
type watch struct {
	signal string
	log    *slog.Logger

	mu   sync.Mutex
	lost int
}

func newWatch(signal string, log *slog.Logger) *watch { return &watch{signal: signal, log: log} }

func (w *watch) ended(ctx context.Context, err error, items int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if w.lost == 0 {
			w.log.WarnContext(ctx, "telemetry is not delivered", "signal", w.signal, "err", err)
		}
		w.lost += items
		return
	}
	if w.lost > 0 {
		w.log.InfoContext(ctx, "telemetry is delivered again", "signal", w.signal, "lost", w.lost)
		w.lost = 0
	}
}
