package check

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
)

// Reader reads a configuration until everything is read or the context ends. What was not read is in it as trouble.
type Reader interface {
	Read(ctx context.Context, q azure.Question) azure.Configuration
}

// reading is one that runs beside the legs; its channel is nil where nothing is read.
type reading struct {
	plan plan.Reading
	done chan outcome
}

type outcome struct {
	read azure.Configuration
	err  error
}

// read starts the reading. It has a time of its own within that of the check.
func (r *Runner) read(ctx context.Context, p plan.Reading) reading {
	if r.parts.Azure == nil || !p.Asked() {
		return reading{}
	}
	out := reading{plan: p, done: make(chan outcome, 1)}
	go func() {
		var o outcome
		defer func() {
			if fault := recover(); fault != nil {
				o.err = fmt.Errorf("reading the configuration panicked: %v\n%s", fault, debug.Stack())
			}
			out.done <- o
		}()
		within, cancel := context.WithTimeout(ctx, p.Share)
		defer cancel()
		o.read = r.parts.Azure.Read(within, p.Question)
	}()
	return out
}

// await waits for the reading as long as the check lasts. One that did not come back by then has read nothing.
func (r reading) await(ctx context.Context) (*azure.Configuration, error) {
	if r.done == nil {
		return nil, nil
	}
	select {
	case o := <-r.done:
		return &o.read, o.err
	case <-ctx.Done():
	}
	select { // both at once: what was read counts
	case o := <-r.done:
		return &o.read, o.err
	default:
		late := r.late()
		return &late, nil
	}
}

// late is the configuration of which nothing is known in time.
func (r reading) late() azure.Configuration {
	out := azure.Configuration{}
	for _, end := range []struct {
		role, id string
		place    **azure.Place
	}{{"source", r.plan.SourceID, &out.Source}, {"target", r.plan.TargetID, &out.Target},
		{"runtime", r.plan.RuntimeID, &out.Runtime}, {"vantage", r.plan.VantageSubnetID, &out.Vantage}} {
		if end.id == "" {
			continue
		}
		*end.place = &azure.Place{ResourceID: end.id}
		out.Troubles = append(out.Troubles, azure.Trouble{Resource: end.id, Kind: azure.TimedOut, Roles: []string{end.role}})
	}
	return out
}

// tell reports the layers azure to whoever watches the check.
func (r *Runner) tell(ctx context.Context, result diagnosis.Result) {
	for _, leg := range result.Legs {
		for _, layer := range leg.Layers {
			if layer.Layer == finding.Azure {
				r.parts.Progress(ctx, leg.Name, layer)
			}
		}
	}
}
