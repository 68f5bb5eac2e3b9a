package telemetry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/telemetry"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/collectortest"
)

// work is an invocation with a check, and whatever else is told.
func work(t *testing.T, made *telemetry.Telemetry) {
	t.Helper()
	ctx, _, ended := made.Invocation(t.Context(), call("RunCheck"))
	check(ctx, made)
	made.Stored(ctx, theReport())
	made.Waited(ctx, time.Second)
	ended(telemetry.Ended{})
}

// A collector that never answers holds up neither the work nor the process that goes down. That it does not is why this
// test ends at all: the collector answers only after it.
func TestCollectorThatHangs(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	release := make(chan struct{})
	defer close(release)
	c.Answer(func(http.ResponseWriter, *http.Request) { <-release })
	s := asked(c)
	s.Delay, s.Interval, s.MaxSpans = time.Millisecond, 100*time.Millisecond, 8
	made, _ := open(t, s)
	for range 500 {
		work(t, made)
	}
	if !collectortest.Await(func() bool { return len(c.Headers()) > 0 }) {
		t.Fatal("nothing was exported")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := made.Close(ctx); err == nil {
		t.Error("all was delivered")
	}
}

// What is not delivered is a line when it begins and one when it is over, whatever the number of messages.
func TestCollectorThatRefuses(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"500":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "s3cr3t", 500) },
		"closes": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := collectortest.Start()
			defer c.Close()
			c.Answer(answer)
			s := asked(c)
			s.Metrics = settings.Signal{}
			s.Traces.Timeout, s.Delay = 300*time.Millisecond, time.Millisecond
			made, log := open(t, s)
			if !collectortest.Await(func() bool {
				work(t, made)
				return len(c.Headers()) > 3
			}) {
				t.Fatal("nothing was exported")
			}
			lines := strings.Count(log.String(), "telemetry is not delivered")
			c.Answer(nil)
			recovered := collectortest.Await(func() bool {
				work(t, made)
				return strings.Contains(log.String(), "telemetry is delivered again")
			})
			shut(t, made, c)
			if !recovered || lines != 1 {
				t.Errorf("%d lines:\n%s", lines, log)
			}
			if strings.Contains(log.String(), "s3cr3t") {
				t.Error("the collector's words are in the log")
			}
		})
	}
}

func TestOneSignalAlone(t *testing.T) {
	t.Parallel()
	c := collectortest.Start()
	defer c.Close()
	s := asked(c)
	s.Traces = settings.Signal{}
	made, _ := open(t, s)
	_, id, ended := made.Invocation(t.Context(), call("RunCheck", "traceparent", host))
	ended(telemetry.Ended{})
	work(t, made)
	shut(t, made, c)
	if len(c.Spans()) != 0 || c.Metric(telemetry.MetricChecks) == nil || id != hostTrace {
		t.Errorf("%d spans, trace %q", len(c.Spans()), id)
	}
}

func TestWrongCertificateFile(t *testing.T) {
	t.Parallel()
	for _, signal := range []func(*settings.Telemetry) *settings.Signal{
		func(s *settings.Telemetry) *settings.Signal { return &s.Traces },
		func(s *settings.Telemetry) *settings.Signal { return &s.Metrics },
	} {
		c := collectortest.Start()
		defer c.Close()
		s := asked(c)
		signal(&s).Certificate = t.TempDir() + "/missing.pem"
		if _, err := telemetry.Open(telemetry.Options{Settings: s}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
	}
}
