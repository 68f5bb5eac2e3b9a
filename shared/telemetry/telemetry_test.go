package telemetry_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/telemetry"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/collectortest"
)

const (
	hostTrace  = "0af7651916cd43dd8448eb211c80319c"
	hostSpan   = "b7ad6b7169203331"
	host       = "00-" + hostTrace + "-" + hostSpan + "-00"
	otherTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	sender     = "00-" + otherTrace + "-00f067aa0ba902b7-01"
)

// lines are a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// asked are settings that export to a collector, never by themselves: what is there is sent by Close.
func asked(c *collectortest.Collector) settings.Telemetry {
	return settings.Telemetry{
		Traces:  settings.Signal{URL: c.URL() + "/v1/traces", Timeout: time.Minute},
		Metrics: settings.Signal{URL: c.URL() + "/v1/metrics", Timeout: time.Minute, Gzip: true},
		Service: "preflight-weu", Resource: map[string]string{"deployment.environment.name": "prod"},
		Sampler: settings.Sampler{Ratio: 1}, Interval: time.Hour, Delay: time.Hour, MaxSpans: 4096,
	}
}

func open(t *testing.T, s settings.Telemetry) (*telemetry.Telemetry, *lines) {
	t.Helper()
	log := &lines{}
	made, err := telemetry.Open(telemetry.Options{Settings: s, Host: settings.Host{FunctionApp: "func-pgpf", Region: "West Europe"},
		Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return made, log
}

func shut(t *testing.T, made *telemetry.Telemetry, c *collectortest.Collector) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := made.Close(ctx); err != nil {
		t.Error(err)
	}
	for _, fault := range c.Faults() {
		t.Error(fault)
	}
}

func call(function string, header ...string) telemetry.Call {
	c := telemetry.Call{ID: "inv-1", Function: function, Header: http.Header{}, Began: time.Now()}
	for i := 0; i+1 < len(header); i += 2 {
		c.Header.Set(header[i], header[i+1])
	}
	return c
}

// theReport has a source that answers, with a warning, and a target whose certificate does not fit.
func theReport() report.Report {
	return report.Report{ID: "orders-1", Verdict: report.NotReady,
		FirstBroken: &report.FirstBroken{Leg: "target", Layer: finding.TLS, Code: finding.TLSNameMismatch},
		Legs: []report.Leg{
			{Name: "source", From: "function", Endpoint: "db.corp.example", Layers: []report.Layer{
				{Layer: finding.Resolve, Status: finding.StatusPassed, ElapsedMs: 2},
				{Layer: finding.Connect, Status: finding.StatusWarned, ElapsedMs: 20}}},
			{Name: "target", From: "function", Layers: []report.Layer{
				{Layer: finding.TLS, Status: finding.StatusFailed, ElapsedMs: 300},
				{Layer: finding.Login, Status: finding.StatusSkipped, BlockedBy: finding.TLS}}},
			{Name: "source", From: "server", Layers: []report.Layer{
				{Layer: finding.Connect, Status: finding.StatusPassed, ElapsedMs: 4000}}},
		},
		Findings: []report.Finding{
			{Code: finding.TLSNameMismatch, Leg: "target", Layer: finding.TLS, Detail: "db.corp.example is not in it"},
			{Code: finding.TLSNameMismatch, Leg: "target", Layer: finding.TLS},
		}}
}

func check(ctx context.Context, made *telemetry.Telemetry) {
	inside, ended := made.Check(ctx, request.Check{ID: "orders-1", Route: "orders", Wave: "w1", Mode: request.Online,
		Source: request.Endpoint{Host: "db.corp.example", User: "migrator"}})
	for _, l := range []struct {
		leg   string
		layer diagnosis.Layer
	}{
		{"source", diagnosis.Layer{Layer: finding.Resolve}}, {"source", diagnosis.Layer{Layer: finding.Connect}},
		{"target", diagnosis.Layer{Layer: finding.TLS}},
		{"target", diagnosis.Layer{Layer: finding.Login, BlockedBy: finding.TLS}},
	} {
		made.Layer(inside, l.leg, l.layer)
	}
	ended(theReport(), nil)
}

func TestSpans(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	made, log := open(t, asked(c))
	ctx, id, ended := made.Invocation(t.Context(), call("RunCheck", "traceparent", host))
	check(ctx, made)
	if parent := telemetry.Parent(ctx); !strings.HasPrefix(parent, "00-"+hostTrace+"-") || strings.Contains(parent, hostSpan) {
		t.Errorf("what is sent is a child of %q", parent)
	}
	ended(telemetry.Ended{})
	shut(t, made, c)
	if id != hostTrace {
		t.Errorf("the log would name the trace %q", id)
	}
	invocation, checked := c.Span("RunCheck"), c.Span("check")
	if invocation == nil || checked == nil || len(c.Spans()) != 5 {
		t.Fatalf("%v", c.Spans())
	}
	if hex.EncodeToString(invocation.ParentSpanId) != hostSpan || hex.EncodeToString(invocation.TraceId) != hostTrace ||
		invocation.Kind != tracepb.Span_SPAN_KIND_CONSUMER || invocation.Status.Code != tracepb.Status_STATUS_CODE_UNSET {
		t.Errorf("%v", invocation)
	}
	if !bytes.Equal(checked.ParentSpanId, invocation.SpanId) {
		t.Errorf("%v", checked)
	}
	holds(t, invocation, "faas.invocation_id", "inv-1", "faas.name", "RunCheck")
	holds(t, checked, "pgpreflight.check.id", "orders-1", "pgpreflight.route", "orders", "pgpreflight.verdict", "not_ready",
		"pgpreflight.first_broken.layer", "tls", "pgpreflight.first_broken.leg", "target")
	for name, took := range map[string]time.Duration{"source resolve": 2 * time.Millisecond,
		"source connect": 20 * time.Millisecond, "target tls": 300 * time.Millisecond} {
		layer := c.Span(name)
		if layer == nil || !bytes.Equal(layer.ParentSpanId, checked.SpanId) ||
			time.Duration(layer.EndTimeUnixNano-layer.StartTimeUnixNano) != took {
			t.Errorf("%s: %v", name, layer)
		}
	}
	holds(t, c.Span("target tls"), "pgpreflight.status", "failed", "pgpreflight.codes", " "+string(finding.TLSNameMismatch))
	about := c.Traces()[0].ResourceSpans[0].Resource.Attributes
	for key, want := range map[string]string{"service.name": "preflight-weu", "faas.name": "func-pgpf",
		"deployment.environment.name": "prod", "cloud.region": "West Europe"} {
		if got := collectortest.Text(about, key); got != want {
			t.Errorf("%s is %q", key, got)
		}
	}
	if collectortest.Text(about, "service.instance.id") == "" || log.String() != "" {
		t.Errorf("%v, log %q", about, log)
	}
	for _, private := range []string{"corp.example", "migrator"} {
		if bytes.Contains(c.Raw(), []byte(private)) {
			t.Errorf("%s is told", private)
		}
	}
}

func holds(t *testing.T, span *tracepb.Span, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := collectortest.Text(span.GetAttributes(), pairs[i]); got != pairs[i+1] {
			t.Errorf("%s: %s is %q, not %q", span.GetName(), pairs[i], got, pairs[i+1])
		}
	}
}

func TestParents(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header, origin      string
		trace, parent, link string
	}{
		"nobody":                  {},
		"the host":                {header: host, trace: hostTrace, parent: hostSpan},
		"the sender":              {origin: sender, trace: otherTrace, parent: "00f067aa0ba902b7"},
		"both":                    {header: host, origin: sender, trace: hostTrace, parent: hostSpan, link: otherTrace},
		"both of one trace":       {header: host, origin: "00-" + hostTrace + "-00f067aa0ba902b7-01", trace: hostTrace, parent: hostSpan},
		"a sender of the old way": {origin: "|4bf92f35-77b34da6a3ce929d0e0e4736.1."},
		"nonsense":                {header: "00-xyz", origin: "00-" + strings.Repeat("0", 32) + "-" + strings.Repeat("0", 16) + "-01"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := collectortest.Start()
			defer c.Close()
			made, _ := open(t, asked(c))
			begun := call("RunCheck", "traceparent", test.header)
			begun.Origin = test.origin
			_, id, ended := made.Invocation(t.Context(), begun)
			ended(telemetry.Ended{Failed: true})
			shut(t, made, c)
			span := c.Span("RunCheck")
			if span == nil || hex.EncodeToString(span.TraceId) != id || hex.EncodeToString(span.ParentSpanId) != test.parent ||
				test.trace != "" && id != test.trace || span.Status.Code != tracepb.Status_STATUS_CODE_ERROR {
				t.Fatalf("trace %s, %v", id, span)
			}
			if linked := len(span.Links) == 1 && hex.EncodeToString(span.Links[0].TraceId) == test.link; linked != (test.link != "") {
				t.Errorf("%v", span.Links)
			}
		})
	}
}

func TestForwardedRequest(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	made, _ := open(t, asked(c))
	begun := call("Checks")
	begun.Method, begun.Route = "GET", "checks/{id?}"
	_, _, ended := made.Invocation(t.Context(), begun)
	ended(telemetry.Ended{Status: 503})
	shut(t, made, c)
	span := c.Span("GET /api/checks/{id?}")
	if span == nil || span.Kind != tracepb.Span_SPAN_KIND_SERVER || span.Status.Code != tracepb.Status_STATUS_CODE_ERROR {
		t.Fatalf("%v", c.Spans())
	}
	holds(t, span, "http.route", "/api/checks/{id?}", "http.response.status_code", "503", "http.request.method", "GET")
}

func TestOwnTrouble(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	made, _ := open(t, asked(c))
	_, ended := made.Check(t.Context(), request.Check{ID: "x"})
	ended(report.Report{}, errors.New("password=s3cr3t"))
	made.Layer(t.Context(), "source", diagnosis.Layer{Layer: finding.Resolve})
	shut(t, made, c)
	if span := c.Span("check"); span == nil || span.Status.Code != tracepb.Status_STATUS_CODE_ERROR || len(c.Spans()) != 1 {
		t.Errorf("%v", c.Spans())
	}
	if bytes.Contains(c.Raw(), []byte("s3cr3t")) {
		t.Error("the error is told")
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	made, _ := open(t, asked(c))
	ctx, _, ended := made.Invocation(t.Context(), call("RunCheck"))
	check(ctx, made)
	ended(telemetry.Ended{})
	made.Stored(ctx, theReport())
	made.Stored(ctx, theReport())
	made.Stored(ctx, report.Report{Verdict: report.Ready})
	made.Waited(ctx, 1500*time.Millisecond)
	made.Waited(ctx, -time.Second) // clocks differ
	made.Retried(ctx, "put_back")
	made.Told(ctx, "ticket", "done")
	made.Told(ctx, "ticket", "pending")
	made.Told(ctx, "ticket", "pending")
	shut(t, made, c)
	for _, want := range []struct {
		metric string
		value  int64
		by     []string
	}{
		{telemetry.MetricChecks, 2, []string{"pgpreflight.verdict", "not_ready", "pgpreflight.first_broken.layer", "tls"}},
		{telemetry.MetricChecks, 1, []string{"pgpreflight.verdict", "ready", "pgpreflight.first_broken.layer", "none"}},
		{telemetry.MetricRetries, 1, []string{"pgpreflight.retry", "put_back"}},
		{telemetry.MetricNotifications, 1, []string{"pgpreflight.notification.way", "ticket", "pgpreflight.notification.state", "done"}},
		{telemetry.MetricNotifications, 2, []string{"pgpreflight.notification.way", "ticket", "pgpreflight.notification.state", "pending"}},
	} {
		if point := sum(c, want.metric, want.by); point == nil || point.GetAsInt() != want.value {
			t.Errorf("%s %v: %v", want.metric, want.by, point)
		}
	}
	for _, want := range []struct {
		metric string
		count  uint64
		sum    float64
		by     []string
	}{
		{telemetry.MetricLayerDuration, 1, 0.3, []string{"pgpreflight.leg", "target", "pgpreflight.layer", "tls", "pgpreflight.status", "failed"}},
		{telemetry.MetricLayerDuration, 1, 0.02, []string{"pgpreflight.leg", "source", "pgpreflight.layer", "connect", "pgpreflight.from", "function"}},
		{telemetry.MetricLayerDuration, 1, 4, []string{"pgpreflight.leg", "source", "pgpreflight.layer", "connect", "pgpreflight.from", "server"}},
		{telemetry.MetricQueueAge, 2, 1.5, nil},
		{telemetry.MetricCheckDuration, 1, -1, []string{"pgpreflight.verdict", "not_ready"}},
		{telemetry.MetricInvocationDuration, 1, -1, []string{"faas.name", "RunCheck", "pgpreflight.outcome", "done"}},
	} {
		point := distribution(c, want.metric, want.by)
		if point == nil || point.Count != want.count || want.sum >= 0 && point.GetSum() != want.sum {
			t.Errorf("%s %v: %v", want.metric, want.by, point)
		}
	}
	if layer := distribution(c, telemetry.MetricLayerDuration, []string{"pgpreflight.layer", "login"}); layer != nil {
		t.Errorf("a layer that was skipped took %v", layer)
	}
}

func sum(c *collectortest.Collector, metric string, by []string) *metrics.NumberDataPoint {
	for _, point := range c.Metric(metric).GetSum().GetDataPoints() {
		if all(by, func(key string) string { return collectortest.Text(point.Attributes, key) }) {
			return point
		}
	}
	return nil
}

func distribution(c *collectortest.Collector, metric string, by []string) *metrics.HistogramDataPoint {
	for _, point := range c.Metric(metric).GetHistogram().GetDataPoints() {
		if all(by, func(key string) string { return collectortest.Text(point.Attributes, key) }) {
			return point
		}
	}
	return nil
}

func all(by []string, of func(key string) string) bool {
	for i := 0; i < len(by); i += 2 {
		if of(by[i]) != by[i+1] {
			return false
		}
	}
	return true
}

func TestSampling(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sampler settings.Sampler
		parent  string
		want    int
	}{
		"the host's no does not count by itself": {settings.Sampler{Ratio: 1}, host, 1},
		"it counts where it is asked for":        {settings.Sampler{Ratio: 1, Parent: true}, host, 0},
		"and so does a yes":                      {settings.Sampler{Parent: true}, strings.TrimSuffix(host, "00") + "01", 1},
		"none":                                   {settings.Sampler{}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := collectortest.Start()
			defer c.Close()
			s := asked(c)
			s.Sampler = test.sampler
			made, _ := open(t, s)
			_, id, ended := made.Invocation(t.Context(), call("RunCheck", "traceparent", test.parent))
			ended(telemetry.Ended{})
			shut(t, made, c)
			if len(c.Spans()) != test.want || len(id) != 32 {
				t.Errorf("%d spans, trace %q", len(c.Spans()), id)
			}
		})
	}
}
