package telemetry

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// running is a check on its way: when each layer ended. What they mean is known only at the end.
type running struct {
	mu    sync.Mutex
	ended map[step]time.Time
}

type step struct {
	leg   string
	layer finding.Layer
}

type runningKey struct{}

// Check begins the span of a check. What it gives is to be called with the report, or with our own trouble.
func (t *Telemetry) Check(ctx context.Context, c request.Check) (context.Context, func(report.Report, error)) {
	ctx, span := t.tracer.Start(ctx, "check", trace.WithAttributes(AttrCheck.String(c.ID), AttrRoute.String(c.Route),
		AttrWave.String(c.Wave), AttrMode.String(string(c.Mode)), AttrDepth.String(string(c.Depth))))
	run, began := &running{ended: map[step]time.Time{}}, time.Now()
	ctx = context.WithValue(ctx, runningKey{}, run)
	return ctx, func(r report.Report, err error) {
		defer span.End()
		if err != nil {
			span.SetStatus(codes.Error, "")
			return
		}
		t.layers(ctx, run, r)
		span.SetAttributes(AttrVerdict.String(string(r.Verdict)))
		if b := r.FirstBroken; b != nil {
			span.SetAttributes(AttrBrokenLayer.String(string(b.Layer)), AttrBrokenLeg.String(b.Leg),
				AttrBrokenCode.String(string(b.Code)))
		}
		record(ctx, t.meters.check, time.Since(began), AttrVerdict.String(string(r.Verdict)))
	}
}

// Layer notes that a layer has ended, for a check that was begun with this context.
func (t *Telemetry) Layer(ctx context.Context, leg string, layer diagnosis.Layer) {
	run, ok := ctx.Value(runningKey{}).(*running)
	if !ok || layer.BlockedBy != "" || layer.Skip != "" {
		return
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	run.ended[step{leg, layer.Layer}] = time.Now()
}

// layers makes a span of each layer that ran, with the status that it has in the report.
func (t *Telemetry) layers(ctx context.Context, run *running, r report.Report) {
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			if layer.Status == finding.StatusSkipped {
				continue
			}
			took := time.Duration(layer.ElapsedMs * float64(time.Millisecond))
			about := []attribute.KeyValue{AttrLeg.String(leg.Name), AttrFrom.String(leg.From),
				AttrLayer.String(string(layer.Layer)), AttrStatus.String(string(layer.Status))}
			record(ctx, t.meters.layer, took, about...)
			ended, known := run.ended[step{leg.Name, layer.Layer}]
			if !known || leg.From != "function" {
				continue // another server walked this way, and nobody saw when
			}
			_, span := t.tracer.Start(ctx, leg.Name+" "+string(layer.Layer), trace.WithTimestamp(ended.Add(-took)),
				trace.WithAttributes(about...), trace.WithAttributes(AttrCodes.StringSlice(codesOf(r, leg, layer.Layer))))
			span.End(trace.WithTimestamp(ended))
		}
	}
}

// codesOf are the codes that were found on a layer, each once.
func codesOf(r report.Report, leg report.Leg, layer finding.Layer) []string {
	found := []string{}
	for _, f := range r.Findings {
		if f.Leg == leg.Name && f.Layer == layer && (f.From == "server") == (leg.From == "server") {
			found = append(found, string(f.Code))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Stored counts a report that was stored, once for each check whatever became of its deliveries.
func (t *Telemetry) Stored(ctx context.Context, r report.Report) {
	broken := none
	if r.FirstBroken != nil {
		broken = string(r.FirstBroken.Layer)
	}
	add(ctx, t.meters.checks, AttrVerdict.String(string(r.Verdict)), AttrBrokenLayer.String(broken))
}

// Waited notes how long a message lay in the queue.
func (t *Telemetry) Waited(ctx context.Context, age time.Duration) {
	record(ctx, t.meters.queueAge, max(age, 0))
}

// Retried counts what is tried again: call, busy or put_back; and given_up, what is not.
func (t *Telemetry) Retried(ctx context.Context, kind string) {
	add(ctx, t.meters.retries, AttrRetry.String(kind))
}

// Told counts an attempt to tell somebody of a report.
func (t *Telemetry) Told(ctx context.Context, way, state string) {
	add(ctx, t.meters.notifications, AttrWay.String(way), AttrState.String(state))
}
