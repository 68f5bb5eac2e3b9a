package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meters are the instruments; nil ones where metrics are off.
type meters struct {
	checks, retries, notifications     metric.Int64Counter
	check, layer, queueAge, invocation metric.Float64Histogram
}

func newMeters(m metric.Meter) (meters, error) {
	// Boundaries in seconds. A layer on a near network takes milliseconds, a silent one its whole share; a message waits
	// from nothing to the seven hours of the put-back schedule.
	work := []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120}
	wait := []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 10800, 25200}
	var out meters
	var faults []error
	count := func(name, unit, what string) metric.Int64Counter {
		made, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		faults = append(faults, err)
		return made
	}
	seconds := func(name, what string, bounds []float64) metric.Float64Histogram {
		made, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what),
			metric.WithExplicitBucketBoundaries(bounds...))
		faults = append(faults, err)
		return made
	}
	out.checks = count(MetricChecks, "{check}", "reports stored, by verdict and first broken layer")
	out.retries = count(MetricRetries, "{retry}", "what was tried again through our own trouble")
	out.notifications = count(MetricNotifications, "{attempt}", "attempts to tell somebody of a report")
	out.check = seconds(MetricCheckDuration, "a check, from its slot to its report", work)
	out.layer = seconds(MetricLayerDuration, "one layer of one leg", work)
	out.queueAge = seconds(MetricQueueAge, "how long a message waited in the queue", wait)
	out.invocation = seconds(MetricInvocationDuration, "an invocation by the host", work)
	return out, errors.Join(faults...)
}

func add(ctx context.Context, to metric.Int64Counter, attributes ...attribute.KeyValue) {
	if to != nil {
		to.Add(ctx, 1, metric.WithAttributes(attributes...))
	}
}

func record(ctx context.Context, to metric.Float64Histogram, took time.Duration, attributes ...attribute.KeyValue) {
	if to != nil {
		to.Record(ctx, took.Seconds(), metric.WithAttributes(attributes...))
	}
}
