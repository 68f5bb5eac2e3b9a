package settings

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

func TestTelemetryIsOffWithoutAnEndpoint(t *testing.T) {
	t.Parallel()
	for _, given := range []env{
		{},
		{"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "nonsense", "OTEL_EXPORTER_OTLP_HEADERS": "nonsense"},
		{"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense"},
		{"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.0.0.5"},
	} {
		s, err := Parse(given.get)
		if err != nil || s.Telemetry.On() || !reflect.DeepEqual(s.Telemetry, Telemetry{}) {
			t.Errorf("%v: %+v, %v", given, s.Telemetry, err)
		}
	}
}

func TestTelemetry(t *testing.T) {
	t.Parallel()
	plain := Telemetry{
		Traces:  Signal{URL: "http://10.0.0.5:4318/v1/traces", Timeout: 10 * time.Second, Headers: map[string]secret.String{}},
		Metrics: Signal{URL: "http://10.0.0.5:4318/v1/metrics", Timeout: 10 * time.Second, Headers: map[string]secret.String{}},
		Service: "pgpreflight", Sampler: Sampler{Ratio: 1}, Interval: time.Minute, Delay: 5 * time.Second, MaxSpans: 4096,
		Resource: map[string]string{},
	}
	tests := map[string]struct {
		given env
		want  func(*Telemetry)
	}{
		"one endpoint for both": {env{}, func(*Telemetry) {}},
		"a base with a slash":   {env{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.0.0.5:4318/"}, func(*Telemetry) {}},
		"an own endpoint is taken whole": {env{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t.example.com/x"},
			func(t *Telemetry) { t.Traces.URL = "https://t.example.com/x" }},
		"an own endpoint alone": {env{"OTEL_EXPORTER_OTLP_ENDPOINT": "",
			"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://10.0.0.5:4318/v1/metrics"},
			func(t *Telemetry) { t.Traces = Signal{} }},
		"one signal left out": {env{"OTEL_METRICS_EXPORTER": "none"}, func(t *Telemetry) { t.Metrics = Signal{} }},
		"own before both": {env{"OTEL_EXPORTER_OTLP_TIMEOUT": "2000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "500",
			"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip"}, func(t *Telemetry) {
			t.Traces.Timeout, t.Metrics.Timeout, t.Metrics.Gzip = 500*time.Millisecond, 2*time.Second, true
		}},
		"names": {env{"OTEL_RESOURCE_ATTRIBUTES": "service.name=x, deployment.environment.name=prod%2Cweu"},
			func(t *Telemetry) {
				t.Service = "x"
				t.Resource = map[string]string{"service.name": "x", "deployment.environment.name": "prod,weu"}
			}},
		"a name of its own": {env{"OTEL_SERVICE_NAME": "y"}, func(t *Telemetry) { t.Service = "y" }},
		"a tenth of what has no parent": {env{"OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
			"OTEL_TRACES_SAMPLER_ARG": "0.1"}, func(t *Telemetry) { t.Sampler = Sampler{Parent: true, Ratio: 0.1} }},
		"no traces but of callers": {env{"OTEL_TRACES_SAMPLER": "parentbased_always_off"},
			func(t *Telemetry) { t.Sampler = Sampler{Parent: true} }},
		"paces": {env{"OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BSP_MAX_QUEUE_SIZE": "9",
			"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Delta"}, func(t *Telemetry) {
			t.Interval, t.Delay, t.MaxSpans, t.Delta = time.Second, 100*time.Millisecond, 9, true
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := env{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.0.0.5:4318"}
			for key, value := range test.given {
				given[key] = value
			}
			want := plain
			test.want(&want)
			s, err := Parse(given.get)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(s.Telemetry, want) {
				t.Errorf("got  %+v\nwant %+v", s.Telemetry, want)
			}
		})
	}
}

func TestTelemetryHeadersAreSecret(t *testing.T) {
	t.Parallel()
	given := env{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example.com",
		"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s3cr3t-both", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-key=s3cr3t-own"}
	s, err := Parse(given.get)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, value := range s.Secrets() {
		known[value.Reveal()] = true
	}
	if !known["Bearer s3cr3t-both"] || !known["s3cr3t-own"] {
		t.Errorf("a log would show the headers: %v", len(known))
	}
	if text := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(text, "s3cr3t") {
		t.Error("settings print the headers")
	}
	if len(s.Telemetry.Traces.Headers) != 1 || s.Telemetry.Metrics.Headers["authorization"].Reveal() != "Bearer s3cr3t-both" {
		t.Errorf("%+v", s.Telemetry)
	}
}

func TestWrongTelemetry(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": {"10.0.0.5:4318", "grpc://10.0.0.5:4317", "https://u:s3cr3t@c.example.com",
			"https://c.example.com?token=s3cr3t", "http://"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":                {"nonsense"},
		"OTEL_EXPORTER_OTLP_PROTOCOL":                       {"grpc", "http/json"},
		"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL":               {"grpc"},
		"OTEL_EXPORTER_OTLP_COMPRESSION":                    {"zstd"},
		"OTEL_EXPORTER_OTLP_TIMEOUT":                        {"10s", "0", "-1", "600000"},
		"OTEL_EXPORTER_OTLP_HEADERS":                        {"s3cr3t", "=s3cr3t", "a b=s3cr3t", "a=%zzs3cr3t", "a=s3cr3t%0d%0ab: c"},
		"OTEL_TRACES_EXPORTER":                              {"zipkin", "otlp,console"},
		"OTEL_TRACES_SAMPLER":                               {"jaeger_remote"},
		"OTEL_METRIC_EXPORT_INTERVAL":                       {"1m", "1"},
		"OTEL_BSP_SCHEDULE_DELAY":                           {"x"},
		"OTEL_BSP_MAX_QUEUE_SIZE":                           {"0"},
		"OTEL_RESOURCE_ATTRIBUTES":                          {"prod"},
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": {"lowmemory"},
	}
	for name, values := range tests {
		for _, value := range values {
			wrong(t, name, env{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example.com", name: value})
		}
	}
	wrong(t, "OTEL_EXPORTER_OTLP_HEADERS", env{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.0.0.5:4318",
		"OTEL_EXPORTER_OTLP_HEADERS": "authorization=s3cr3t"})
	for _, ratio := range []string{"2", "-0.1", "NaN", "half"} {
		wrong(t, "OTEL_TRACES_SAMPLER_ARG", env{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example.com",
			"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio})
	}
}

// wrong holds that the start is stopped with one line that names the setting and shows no secret.
func wrong(t *testing.T, name string, given env) {
	t.Helper()
	_, err := Parse(given.get)
	if err == nil {
		t.Errorf("%s=%s is taken", name, given[name])
		return
	}
	if text := err.Error(); !strings.HasPrefix(text, "setting "+name+": ") || strings.ContainsAny(text, "\r\n") ||
		strings.Contains(text, "s3cr3t") {
		t.Errorf("%s=%s: %q", name, given[name], text)
	}
}
