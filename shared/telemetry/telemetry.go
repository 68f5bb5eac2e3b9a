// Package telemetry makes OpenTelemetry traces and metrics of what the handler does: a span for each invocation, check
// and layer, and figures of checks, layers, the queue's age, retries and notifications. Everything in it is told by
// hooks; whoever is hooked knows nothing of OpenTelemetry. Nothing here fails or waits for a collector: spans wait in a
// bounded queue, what does not fit is dropped, and what was not delivered is one line in the log.
package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/telemetry/send"
)

// Options say where telemetry goes and who we are.
type Options struct {
	Settings settings.Telemetry
	Host     settings.Host
	Log      *slog.Logger
}

// Telemetry is safe for concurrent use.
type Telemetry struct {
	tracer trace.Tracer
	meters meters
	stop   []func(context.Context) error
}

// Open makes what the settings ask for. It connects to nothing; the error is that of a certificate's file.
func Open(o Options) (*Telemetry, error) {
	t := &Telemetry{tracer: noop.NewTracerProvider().Tracer(Scope)}
	who := identity(o)
	if o.Settings.Traces.URL != "" {
		to, err := client(o.Settings.Traces)
		if err != nil {
			return nil, fmt.Errorf("open traces: %w", err)
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithResource(who), sdktrace.WithSampler(sampler(o.Settings.Sampler)),
			sdktrace.WithBatcher(spans{to: to, watch: newWatch("traces", o.Log)}, sdktrace.WithBatchTimeout(o.Settings.Delay),
				sdktrace.WithMaxQueueSize(o.Settings.MaxSpans)))
		t.tracer, t.stop = provider.Tracer(Scope), append(t.stop, provider.Shutdown)
	}
	if o.Settings.Metrics.URL == "" {
		return t, nil
	}
	to, err := client(o.Settings.Metrics)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open metrics: %w", err), t.Close(context.Background()))
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithResource(who),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics{to: to, watch: newWatch("metrics", o.Log),
			delta: o.Settings.Delta}, sdkmetric.WithInterval(o.Settings.Interval),
			sdkmetric.WithTimeout(o.Settings.Metrics.Timeout))))
	t.stop = append(t.stop, provider.Shutdown)
	if t.meters, err = newMeters(provider.Meter(Scope)); err != nil {
		return nil, errors.Join(fmt.Errorf("open metrics: %w", err), t.Close(context.Background()))
	}
	return t, nil
}

func client(s settings.Signal) (*send.Client, error) {
	return send.New(send.Options{URL: s.URL, Headers: s.Headers, Timeout: s.Timeout, Gzip: s.Gzip, Certificate: s.Certificate})
}

// Close sends what is left, as long as the context lasts.
func (t *Telemetry) Close(ctx context.Context) error {
	faults := make(chan error, len(t.stop))
	for _, stop := range t.stop {
		go func() { faults <- stop(ctx) }()
	}
	var all []error
	for range t.stop {
		select {
		case fault := <-faults:
			all = append(all, fault)
		case <-ctx.Done():
			return errors.Join(append(all, fmt.Errorf("close telemetry: %w", ctx.Err()))...)
		}
	}
	return errors.Join(all...)
}

// identity says which process this is. The instance is a fresh one in each: figures of two processes must not be taken
// for one that jumps.
func identity(o Options) *resource.Resource {
	given := maps.Clone(o.Settings.Resource)
	if given == nil {
		given = map[string]string{}
	}
	for name, value := range map[string]string{
		"faas.name": o.Host.FunctionApp, "cloud.region": o.Host.Region,
		"service.instance.id": strings.ToLower(rand.Text()),
	} {
		if given[name] == "" && value != "" {
			given[name] = value
		}
	}
	given["service.name"] = o.Settings.Service
	all := make([]attribute.KeyValue, 0, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		all = append(all, attribute.String(name, given[name]))
	}
	return resource.NewSchemaless(all...)
}

func sampler(s settings.Sampler) sdktrace.Sampler {
	base := sdktrace.TraceIDRatioBased(s.Ratio)
	if s.Parent {
		return sdktrace.ParentBased(base)
	}
	return base
}

// CloseWithin is what a process that is going down gives Close: the platform ends it 30 seconds after its signal, and
// the invocations have 27 of them.
const CloseWithin = 2 * time.Second
