// Package collectortest is an OTLP collector on loopback for tests. It reads what it gets with the messages that
// OpenTelemetry publishes, and misbehaves where it is told to. Nothing that ships imports it.
package collectortest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	metricscollector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector is one that runs.
type Collector struct {
	server *httptest.Server

	mu      sync.Mutex
	answer  http.HandlerFunc
	traces  []*tracecollector.ExportTraceServiceRequest
	figures []*metricscollector.ExportMetricsServiceRequest
	headers []http.Header
	raw     []byte
	faults  []error
}

// Start starts a collector; Close ends it.
func Start() *Collector {
	c := &Collector{}
	c.server = httptest.NewServer(http.HandlerFunc(c.serve))
	return c
}

// URL is the base endpoint.
func (c *Collector) URL() string { return c.server.URL }

// Close ends it, with connections that hang.
func (c *Collector) Close() {
	c.server.CloseClientConnections()
	c.server.Close()
}

// Answer makes it answer in another way, and keep nothing; nil makes it well again.
func (c *Collector) Answer(with http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = with
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	answer := c.answer
	c.headers = append(c.headers, r.Header.Clone())
	c.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	if err := c.keep(r); err != nil {
		c.mu.Lock()
		c.faults = append(c.faults, err)
		c.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (c *Collector) keep(r *http.Request) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return fmt.Errorf("unzip: %w", err)
		}
		body = unzipped
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-protobuf" || r.Method != http.MethodPost {
		return fmt.Errorf("%s of %q", r.Method, kind)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, raw...)
	switch r.URL.Path {
	case "/v1/traces":
		var read tracecollector.ExportTraceServiceRequest
		if err := proto.Unmarshal(raw, &read); err != nil {
			return fmt.Errorf("read traces: %w", err)
		}
		c.traces = append(c.traces, &read)
	case "/v1/metrics":
		var read metricscollector.ExportMetricsServiceRequest
		if err := proto.Unmarshal(raw, &read); err != nil {
			return fmt.Errorf("read metrics: %w", err)
		}
		c.figures = append(c.figures, &read)
	default:
		return fmt.Errorf("path %s", r.URL.Path)
	}
	return nil
}

// Await asks again and again until it holds; false where that takes too long.
func Await(holds func() bool) bool {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}

// Faults are messages that no collector would take.
func (c *Collector) Faults() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.faults)
}

// Headers are those of every request that came.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.headers)
}

// Raw are the bytes of all messages.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.raw)
}

// Traces and Figures are the messages as they came.
func (c *Collector) Traces() []*tracecollector.ExportTraceServiceRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.traces)
}

// Figures are the messages with metrics as they came.
func (c *Collector) Figures() []*metricscollector.ExportMetricsServiceRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.figures)
}

// Spans are all spans that came.
func (c *Collector) Spans() []*trace.Span {
	var out []*trace.Span
	for _, message := range c.Traces() {
		for _, resource := range message.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				out = append(out, scope.Spans...)
			}
		}
	}
	return out
}

// Span gives the span of a name that came first, or nil.
func (c *Collector) Span(name string) *trace.Span {
	for _, span := range c.Spans() {
		if span.Name == name {
			return span
		}
	}
	return nil
}

// Metric gives a metric as the last message has it, or nil.
func (c *Collector) Metric(name string) *metrics.Metric {
	figures := c.Figures()
	if len(figures) == 0 {
		return nil
	}
	for _, resource := range figures[len(figures)-1].ResourceMetrics {
		for _, scope := range resource.ScopeMetrics {
			for _, metric := range scope.Metrics {
				if metric.Name == name {
					return metric
				}
			}
		}
	}
	return nil
}

// Text gives an attribute as text; empty where it is not there.
func Text(attributes []*common.KeyValue, key string) string {
	for _, kv := range attributes {
		if kv.Key != key {
			continue
		}
		switch value := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			return value.StringValue
		case *common.AnyValue_IntValue:
			return fmt.Sprint(value.IntValue)
		case *common.AnyValue_ArrayValue:
			out := ""
			for _, each := range value.ArrayValue.Values {
				out += " " + each.GetStringValue()
			}
			return out
		}
	}
	return ""
}
