package settings

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Telemetry is where traces and metrics go. The settings are those of OpenTelemetry's specification, so that what
// operators set everywhere holds here too; what of them this app does not know is not looked at.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
type Telemetry struct {
	// Traces and Metrics are off where their URL is empty.
	Traces, Metrics Signal
	// Service is the app's name among others, Resource further attributes of it.
	Service  string
	Resource map[string]string
	Sampler  Sampler
	// Interval lies between two exports of metrics, Delay is what a span waits at most. MaxSpans is how many spans wait at
	// most; those beyond it are dropped.
	Interval, Delay time.Duration
	MaxSpans        int
	// Delta asks for metrics since the last export instead of those since the start.
	Delta bool
}

// Signal is where one kind of telemetry goes.
type Signal struct {
	// URL is complete; empty means off.
	URL string
	// Headers hold the backend's token.
	Headers map[string]secret.String
	Timeout time.Duration
	Gzip    bool
	// Certificate is the path of a PEM file with the collector's roots; empty means the system's.
	Certificate string
}

// Sampler says which traces are kept.
type Sampler struct {
	// Parent lets the caller's decision stand where there is a caller.
	Parent bool
	// Ratio of the others, from 0 to 1.
	Ratio float64
}

// On tells whether anything is exported.
func (t Telemetry) On() bool { return t.Traces.URL != "" || t.Metrics.URL != "" }

func (t Telemetry) secrets() []secret.String {
	var out []secret.String
	for _, signal := range []Signal{t.Traces, t.Metrics} {
		for _, value := range signal.Headers {
			out = append(out, value)
		}
	}
	return out
}

const defaultService = "pgpreflight"

// telemetry looks at nothing else where no endpoint is set.
func (r *reader) telemetry() Telemetry {
	if r.flag("OTEL_SDK_DISABLED") {
		return Telemetry{}
	}
	t := Telemetry{Traces: r.signal("TRACES", "/v1/traces"), Metrics: r.signal("METRICS", "/v1/metrics")}
	if !t.On() {
		return Telemetry{}
	}
	t.Resource = r.properties("OTEL_RESOURCE_ATTRIBUTES")
	if t.Service = r.get("OTEL_SERVICE_NAME"); t.Service == "" {
		t.Service = defaultService
		if named := t.Resource["service.name"]; named != "" {
			t.Service = named
		}
	}
	t.Sampler = r.sampler()
	t.Interval = r.milliseconds("OTEL_METRIC_EXPORT_INTERVAL", limits{preset: 60_000, least: 100, most: 3_600_000})
	t.Delay = r.milliseconds("OTEL_BSP_SCHEDULE_DELAY", limits{preset: 5000, least: 10, most: 600_000})
	t.MaxSpans = r.number("OTEL_BSP_MAX_QUEUE_SIZE", limits{preset: 4096, least: 1, most: 1 << 20})
	t.Delta = r.oneOf("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", "delta") == "delta"
	return t
}

// signal reads what is set for a signal, else what is set for both.
func (r *reader) signal(name, path string) Signal {
	if r.oneOf("OTEL_"+name+"_EXPORTER", "otlp", "none") == "none" {
		return Signal{}
	}
	own, both := "OTEL_EXPORTER_OTLP_"+name+"_", "OTEL_EXPORTER_OTLP_"
	at := Signal{URL: r.endpoint(own+"ENDPOINT", "")}
	if at.URL == "" {
		at.URL = r.endpoint(both+"ENDPOINT", path)
	}
	if at.URL == "" {
		return Signal{}
	}
	either := func(suffix string) string {
		if r.get(own+suffix) != "" {
			return own + suffix
		}
		return both + suffix
	}
	r.oneOf(either("PROTOCOL"), "http/protobuf")
	at.Gzip = r.oneOf(either("COMPRESSION"), "none", "gzip") == "gzip"
	at.Timeout = r.milliseconds(either("TIMEOUT"), limits{preset: 10_000, least: 1, most: 60_000})
	at.Certificate = r.get(either("CERTIFICATE"))
	at.Headers = r.headers(either("HEADERS"), at.URL)
	return at
}

// endpoint is a signal's whole address, or the base of both, which a path is added to.
func (r *reader) endpoint(name, path string) string {
	value := r.text(name, "", checkEndpoint)
	if value == "" || path == "" {
		return value
	}
	return strings.TrimRight(value, "/") + path
}

func checkEndpoint(value string) string {
	at, err := url.Parse(value)
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "https" && at.Scheme != "http":
		return "is not an address such as http://10.0.0.5:4318"
	case at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return "has more than scheme, host and path; a token belongs into OTEL_EXPORTER_OTLP_HEADERS"
	}
	return ""
}

// headers never shows what it read: it is a token, as a rule.
func (r *reader) headers(name, address string) map[string]secret.String {
	read := r.properties(name)
	if len(read) > 0 && isPlain(address) && !isLoopback(hostOf(address)) {
		r.fail(name, "would be sent in clear text: the endpoint is http and not on this machine")
	}
	out := make(map[string]secret.String, len(read))
	for key, value := range read {
		if strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" ||
			strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			r.fail(name, "is not NAME=VALUE pairs with commas between them")
			return nil
		}
		out[key] = secret.New(value)
	}
	return out
}

// properties reads a=b,c=d with values that are percent-encoded, as W3C Baggage writes them.
func (r *reader) properties(name string) map[string]string {
	out := map[string]string{}
	for _, entry := range r.list(name) {
		key, encoded, found := strings.Cut(entry, "=")
		value, err := url.PathUnescape(strings.TrimSpace(encoded))
		if key = strings.TrimSpace(key); !found || key == "" || err != nil {
			r.fail(name, "is not NAME=VALUE pairs with commas between them")
			return nil
		}
		out[key] = value
	}
	return out
}

// sampler keeps every trace where nothing is said, whatever the caller decided: the host's header can say "not sampled"
// where Application Insights samples by itself, and every trace of ours would be lost with it.
func (r *reader) sampler() Sampler {
	const name, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	kind := r.oneOf(name, "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
		"parentbased_traceidratio")
	base, parent := strings.CutPrefix(kind, "parentbased_")
	s := Sampler{Parent: parent, Ratio: 1}
	switch base {
	case "always_off":
		s.Ratio = 0
	case "traceidratio":
		if value := r.get(argument); value != "" {
			ratio, err := strconv.ParseFloat(value, 64)
			if err != nil || !(ratio >= 0 && ratio <= 1) {
				r.fail(argument, "%q is not a number from 0 to 1", value)
			}
			s.Ratio = ratio
		}
	}
	return s
}

func (r *reader) milliseconds(name string, l limits) time.Duration {
	return time.Duration(r.number(name, l)) * time.Millisecond
}

// oneOf gives the first of the values where nothing is set.
func (r *reader) oneOf(name string, values ...string) string {
	value := strings.ToLower(r.get(name))
	if value == "" {
		return values[0]
	}
	for _, known := range values {
		if value == known {
			return value
		}
	}
	r.fail(name, "is not one of %s", strings.Join(values, ", "))
	return values[0]
}

// flag takes what OpenTelemetry takes for true; anything else is false.
func (r *reader) flag(name string) bool { return strings.EqualFold(r.get(name), "true") }
