package e2e_test

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/telemetry"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/collectortest"
)

const callerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// exported are the settings that export to a collector at once.
func exported(c *collectortest.Collector) map[string]string {
	return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL(), "OTEL_EXPORTER_OTLP_HEADERS": "x-token=" + password,
		"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "60000"}
}

// One trace goes from the caller's request through the queue to the layers of the check, and the log names it.
func TestOneTraceFromCallerToLayers(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	t.Cleanup(c.Close)
	b := start(t, nil, exported(c))
	check := b.check("traced-1")
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+"/api/checks", bytes.NewReader(check.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("traceparent", "00-"+callerTrace+"-00f067aa0ba902b7-01")
	response, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Fatal(response.Status)
	}
	if r := b.await(t, "traced-1"); r.Verdict != report.Ready {
		t.Fatal(r.Verdict, codes(r))
	}
	names := []string{"POST /api/checks/{id?}", "RunCheck", "check", "source resolve", "source connect", "source tls",
		"source login", "target login"}
	arrived := collectortest.Await(func() bool {
		for _, name := range names {
			if c.Span(name) == nil {
				return false
			}
		}
		return c.Metric(telemetry.MetricChecks) != nil && c.Metric(telemetry.MetricInvocationDuration) != nil
	})
	if !arrived {
		t.Fatalf("%v\n%v", c.Spans(), c.Faults())
	}
	for _, name := range names {
		if got := hex.EncodeToString(c.Span(name).TraceId); got != callerTrace {
			t.Errorf("%s is in trace %s", name, got)
		}
	}
	if asked := c.Span(names[0]); hex.EncodeToString(asked.ParentSpanId) != "00f067aa0ba902b7" ||
		!bytes.Equal(c.Span("RunCheck").ParentSpanId, asked.SpanId) ||
		!bytes.Equal(c.Span("check").ParentSpanId, c.Span("RunCheck").SpanId) ||
		!bytes.Equal(c.Span("source tls").ParentSpanId, c.Span("check").SpanId) {
		t.Errorf("%v", c.Spans())
	}
	points := c.Metric(telemetry.MetricChecks).GetSum().GetDataPoints()
	if len(points) != 1 || points[0].GetAsInt() != 1 || collectortest.Text(points[0].Attributes, "pgpreflight.verdict") != "ready" {
		t.Errorf("%v", points)
	}
	if !strings.Contains(b.log.String(), `traceId\":\"`+callerTrace) && !strings.Contains(b.log.String(), `"traceId":"`+callerTrace) {
		t.Error("the log does not name the trace")
	}
	private(t, c)
}

// private holds that no endpoint and no secret is told, but in the header that is the collector's own.
func private(t *testing.T, c *collectortest.Collector) {
	t.Helper()
	for _, word := range []string{password, sourceHost, targetHost, "migrator", "127.0.0.1"} {
		if bytes.Contains(c.Raw(), []byte(word)) {
			t.Errorf("%s is told", word)
		}
	}
	for _, header := range c.Headers() {
		if header.Get("X-Token") != password {
			t.Errorf("%v", header)
		}
	}
	if faults := c.Faults(); len(faults) > 0 {
		t.Error(faults)
	}
}

// A collector that hangs costs a check nothing, and the handler still stops by itself.
func TestCollectorThatHangs(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	release := make(chan struct{})
	c.Answer(func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() {
		close(release)
		c.Close()
	})
	settings := exported(c)
	settings["OTEL_EXPORTER_OTLP_TIMEOUT"] = "1000"
	b := start(t, nil, settings)
	for _, id := range []string{"hung-1", "hung-2"} {
		if r := b.run(t, b.check(id)); r.Verdict != report.Ready {
			t.Error(r.Verdict, codes(r))
		}
	}
	if !collectortest.Await(func() bool {
		return len(c.Headers()) > 0 && strings.Contains(b.log.String(), "telemetry is not delivered")
	}) {
		t.Error("nobody was told that nothing is delivered")
	}
}
