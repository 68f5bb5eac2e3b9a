package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/pgpreflight/pgpreflight/shared/telemetry/collectortest"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/wire"
)

var who = resource.NewWithAttributes("https://opentelemetry.io/schemas/1.37.0", attribute.String("service.name", "x"),
	attribute.Int("faas.instances", 3))

// recorded are spans with everything that a span can have, and some with nothing.
func recorded(t *testing.T) []sdktrace.ReadOnlySpan {
	t.Helper()
	keep := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(keep), sdktrace.WithResource(who),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeValueLengthLimit: -1, AttributeCountLimit: 6,
			EventCountLimit: 2, LinkCountLimit: 1, AttributePerEventCountLimit: 1, AttributePerLinkCountLimit: 1}))
	state, err := trace.ParseTraceState("az=1,b=2")
	if err != nil {
		t.Fatal(err)
	}
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3, 4},
		TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), remote)
	one, two := provider.Tracer("one", trace.WithInstrumentationVersion("1.2"), trace.WithSchemaURL("https://s.example.com"),
		trace.WithInstrumentationAttributes(attribute.Bool("b", true))), provider.Tracer("two")
	ctx, parent := one.Start(ctx, "parent", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(
		trace.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.String("a", "x"), attribute.String("b", "y")}},
		trace.Link{SpanContext: remote}))
	parent.SetAttributes(attribute.Bool("no", false), attribute.Bool("yes", true), attribute.Int("less", -5),
		attribute.Float64("float", math.Pi), attribute.StringSlice("list", []string{"", "b"}), attribute.String("empty", ""),
		attribute.String("one too many", "x"))
	for i := range 3 {
		parent.AddEvent(fmt.Sprint("event ", i), trace.WithAttributes(attribute.Int("i", i), attribute.Int("j", i)))
	}
	for i, kind := range []trace.SpanKind{trace.SpanKindInternal, trace.SpanKindClient, trace.SpanKindServer,
		trace.SpanKindProducer} {
		tracer := one
		if i%2 == 0 {
			tracer = two
		}
		_, child := tracer.Start(ctx, "child ü", trace.WithSpanKind(kind), trace.WithTimestamp(time.Unix(int64(i), 5)))
		child.SetStatus([]codes.Code{codes.Unset, codes.Error, codes.Ok, codes.Error}[i], []string{"", "it broke", "", ""}[i])
		child.End(trace.WithTimestamp(time.Unix(int64(i)+1, 7)))
	}
	parent.End()
	return keep.GetSpans().Snapshots()
}

// A collector cannot tell our messages from those of OpenTelemetry's own exporter.
func TestSpansAreThoseOfTheExporter(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	spans := recorded(t)
	if len(spans) != 5 {
		t.Fatal(len(spans))
	}
	theirs, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(c.URL()+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	if err := theirs.ExportSpans(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	post(t, c.URL()+"/v1/traces", wire.Spans(spans))
	got := c.Traces()
	if faults := c.Faults(); len(faults) > 0 || len(got) != 2 {
		t.Fatal(faults, len(got))
	}
	if !proto.Equal(got[0], got[1]) {
		t.Errorf("the exporter: %v\nours: %v", got[0], got[1])
	}
}

func TestMetricsAreThoseOfTheExporter(t *testing.T) {
	t.Parallel()
	for _, temporality := range []metricdata.Temporality{metricdata.CumulativeTemporality, metricdata.DeltaTemporality} {
		c := collectortest.Start()
		defer c.Close()
		figures := measured(t, temporality)
		theirs, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(c.URL()+"/v1/metrics"))
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.Export(t.Context(), figures); err != nil {
			t.Fatal(err)
		}
		raw, err := wire.Metrics(figures)
		if err != nil {
			t.Fatal(err)
		}
		post(t, c.URL()+"/v1/metrics", raw)
		got := c.Figures()
		if faults := c.Faults(); len(faults) > 0 || len(got) != 2 {
			t.Fatal(faults, len(got))
		}
		if !proto.Equal(got[0], got[1]) {
			t.Errorf("the exporter: %v\nours: %v", got[0], got[1])
		}
	}
}

func measured(t *testing.T, temporality metricdata.Temporality) *metricdata.ResourceMetrics {
	t.Helper()
	reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(
		func(sdkmetric.InstrumentKind) metricdata.Temporality { return temporality }))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(who),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter))
	meter := provider.Meter("one", metric.WithInstrumentationVersion("3"), metric.WithSchemaURL("https://s.example.com"))
	counter, err := meter.Int64Counter("checks", metric.WithUnit("{check}"), metric.WithDescription("counted"))
	if err != nil {
		t.Fatal(err)
	}
	upDown, err := provider.Meter("two").Int64UpDownCounter("running")
	if err != nil {
		t.Fatal(err)
	}
	histogram, err := meter.Float64Histogram("took", metric.WithExplicitBucketBoundaries(0.1, 1, 10))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		counter.Add(t.Context(), int64(i), metric.WithAttributes(attribute.Bool("even", i%2 == 0)))
		upDown.Add(t.Context(), -7)
		histogram.Record(t.Context(), math.Pow(10, float64(i-2)), metric.WithAttributes(attribute.Int("i", i%2)))
	}
	histogram.Record(t.Context(), 0, metric.WithAttributes(attribute.String("zero", "")))
	var out metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func post(t *testing.T, url string, body []byte) {
	t.Helper()
	response, err := http.Post(url, "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
}

func TestAnotherKindOfMetricIsAnError(t *testing.T) {
	t.Parallel()
	_, err := wire.Metrics(&metricdata.ResourceMetrics{Resource: who, ScopeMetrics: []metricdata.ScopeMetrics{{
		Metrics: []metricdata.Metrics{{Name: "g", Data: metricdata.Gauge[int64]{}}}}}})
	if err == nil || !strings.Contains(err.Error(), "metric g") {
		t.Errorf("%v", err)
	}
}

// One byte that is not UTF-8 would cost the whole message.
func TestTextsAreValid(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	keep := tracetest.NewInMemoryExporter()
	_, span := sdktrace.NewTracerProvider(sdktrace.WithSyncer(keep), sdktrace.WithResource(who)).Tracer("").
		Start(t.Context(), "a\xffb")
	span.End()
	post(t, c.URL()+"/v1/traces", wire.Spans(keep.GetSpans().Snapshots()))
	if spans := c.Spans(); len(spans) != 1 || spans[0].Name != "a\uFFFDb" {
		t.Errorf("%v, %v", spans, c.Faults())
	}
	if wire.Spans(nil) != nil {
		t.Error("a message without spans")
	}
}
