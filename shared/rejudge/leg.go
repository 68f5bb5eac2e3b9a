package rejudge

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// legAgain is one leg on its second judgement.
type legAgain struct {
	*again
	number int
	plan   plan.Leg
	old    report.Leg
	// offered is what the tls layer showed, for the layers above it.
	offered login.Tri
	// blocked tells that a layer left nothing to go on with.
	blocked bool
}

func (j *again) leg(i int, p plan.Leg) diagnosis.Leg {
	l := &legAgain{again: j, number: i, plan: p, old: j.old.Legs[i]}
	out := diagnosis.Leg{Name: p.Name, From: "function", Endpoint: p.Endpoint, Kind: p.Kind, Access: p.Access}
	for _, layer := range l.old.Layers {
		if layer.Layer != finding.Azure { // judged once for all legs, when they are done
			out.Layers = append(out.Layers, l.layer(layer))
		}
	}
	for _, step := range p.Steps {
		there := func(l report.Layer) bool { return l.Layer == step.Layer }
		if step.Skip == "" && !slices.ContainsFunc(l.old.Layers, there) {
			out.Layers = append(out.Layers, l.missing(step.Layer, "the report does not have the layer"))
		}
	}
	for i := range out.Layers {
		// Only now it is known whether a layer above broke.
		if o, ok := out.Layers[i].Observation.(connect.Observation); ok {
			out.Layers[i].Findings = evidence.Connect(o, l.blocked)
		}
		for f := range out.Layers[i].Findings {
			out.Layers[i].Findings[f].Leg = p.Name
		}
	}
	return out
}

// layer is one layer judged again. One that did not run stays as it was.
func (l *legAgain) layer(old report.Layer) diagnosis.Layer {
	out := diagnosis.Layer{Layer: old.Layer, Elapsed: elapsed(old), BlockedBy: old.BlockedBy}
	raw := l.observation(old.Layer)
	switch {
	case old.BlockedBy != "":
		return out
	case old.Status == finding.StatusSkipped && old.Reason != "":
		out.Skip = old.Reason
		return out
	case raw == nil && old.Status == finding.StatusInconclusive && old.Reason != "":
		// Our own trouble before anything was asked.
		out.Inconclusive, out.Closed, l.blocked = old.Reason, true, true
		out.Findings = l.kept(l.plan.Name, old.Layer, finding.CredentialUnavailable)
		return out
	case raw == nil:
		return l.missing(old.Layer, "the observation is not in the report")
	}
	seen, err := decode(old.Layer, raw, l.plan)
	switch {
	case err != nil:
		return l.missing(old.Layer, err.Error())
	case seen.judge == nil:
		return l.missing(old.Layer, seen.lacks)
	}
	return l.judge(out, seen, old)
}

func (l *legAgain) judge(out diagnosis.Layer, seen observation, old report.Layer) diagnosis.Layer {
	out.Observation = seen.value
	out.Closed = seen.closed
	l.blocked = l.blocked || seen.closed
	out.Findings, out.Inconclusive = seen.judge(l.plan, l.offered)
	if offer, is := seen.value.(evidence.TLS); is {
		l.offered = evidence.Offered(offer.Observation)
	}
	if out.Closed && len(out.Findings) == 0 && out.Inconclusive == "" {
		out.Inconclusive = cmp.Or(old.Reason, "it ended without an answer")
	}
	if seen.lacks != "" {
		out.Inconclusive = l.missing(old.Layer, seen.lacks).Inconclusive
	}
	return out
}

// missing is a layer that cannot be judged again. It has not passed, whatever it was.
func (l *legAgain) missing(layer finding.Layer, why string) diagnosis.Layer {
	l.unjudged = append(l.unjudged, l.plan.Name+" "+string(layer)+": "+why)
	return diagnosis.Layer{Layer: layer, Inconclusive: "cannot judge again: " + why}
}

func (l *legAgain) observation(layer finding.Layer) json.RawMessage {
	for i, old := range l.old.Layers {
		if old.Layer == layer {
			return present(l.evidence[l.number][i])
		}
	}
	return nil
}

func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" || len(raw) == 0 {
		return nil
	}
	return raw
}

// server judges the leg that a server itself walked, where the old report has one.
func (j *again) server(out *diagnosis.Result, p plan.Plan) error {
	i := slices.IndexFunc(j.old.Legs, func(l report.Leg) bool { return l.From == "server" })
	switch {
	case i < 0 && p.Ask != nil:
		return &Cannot{"it has no leg of the server itself"}
	case i < 0:
		return nil
	case p.Ask == nil:
		return &Cannot{"it has a leg of the server itself that the request does not ask for"}
	}
	leg, err := j.serverLeg(i, *p.Ask, asker(out.Request, p.Ask.Asker))
	if err != nil {
		return err
	}
	out.Legs = append(out.Legs, leg)
	return nil
}

func asker(c request.Check, leg string) string {
	if leg == "runtime" && c.RuntimeServer != nil {
		return c.RuntimeServer.Host
	}
	return c.Target.Host
}

// serverLeg: one layer has the evidence of all. Where none has, nobody was sent.
func (j *again) serverLeg(i int, ask plan.Ask, asker string) (diagnosis.Leg, error) {
	out := evidence.ServerLeg(ask.Source)
	for n, layer := range j.old.Legs[i].Layers {
		raw := present(j.evidence[i][n])
		if raw != nil {
			seen, err := asked(raw)
			if err != nil {
				return out, &Cannot{"the server's own leg: " + err.Error()}
			}
			return seen.Leg(ask.Source, asker, elapsed(layer)), nil
		}
		if layer.Status == finding.StatusSkipped && layer.Reason != "" {
			out.Layers = append(out.Layers, diagnosis.Layer{Layer: layer.Layer, Skip: layer.Reason})
		}
	}
	if len(out.Layers) == 0 || len(out.Layers) != len(j.old.Legs[i].Layers) {
		return out, &Cannot{"the server's own leg holds no observation"}
	}
	return out, nil
}
