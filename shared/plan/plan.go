// Package plan turns a request into what is to be done: which legs, which layers of each, and how much of the time each
// layer may take. It is pure: no clock, no network, no settings.
package plan

import (
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// Plan is one check, ready to run.
type Plan struct {
	// Deadline bounds the whole check.
	Deadline time.Duration
	Legs     []Leg
	// Ask is the way that a server walks in our place; nil where that was not asked for.
	Ask *Ask
	// Reading is what is read of the management plane, beside the legs.
	Reading Reading
}

// Reading is what is read of the management plane. It asks for nothing where the request names no resource.
type Reading struct {
	azure.Question
	// Share is the time that it may take: less than the whole, so that what was read by then is still judged.
	Share time.Duration
}

// Ask is the way from the runtime server, else from the target itself, to the source: the way of the migration.
type Ask struct {
	// Asker is the leg whose session is used.
	Asker string
	// Source is the leg to the same endpoint from our own place.
	Source Leg
	// Patience is how long the TCP handshake may take.
	Patience time.Duration
}

// Leg is one endpoint and how far to go there.
type Leg struct {
	// Name is "source", "target" or "runtime".
	Name     string
	Endpoint request.Endpoint
	Kind     request.Kind
	// Access is declared or inferred; empty where it is not known.
	Access request.Access
	// Mode is the migration's, Migrated its databases by their names on the source.
	Mode     request.Mode
	Migrated []string
	Steps    []Step
}

// Step is one layer of a leg.
type Step struct {
	Layer finding.Layer
	// Share is the time that the layer may take. The shares of a leg add up to less than the plan's deadline, so that a
	// layer is never cut short by the slowness of those before it, and a time-out is always the peer's silence.
	Share time.Duration
	// Skip says why the layer does not run; empty means that it runs.
	Skip string
}

// share of the deadline that a layer gets. All of them leave 40 thousandths for the judgement.
func share(of finding.Layer, deadline time.Duration) time.Duration {
	thousandths := 160
	if of == finding.Login || of == finding.Prerequisites {
		thousandths = 240
	}
	return min(deadline*time.Duration(thousandths)/1000, longest)
}

// readingShare is in thousandths too. The reading runs beside the legs; whatever the management plane's throttling asks
// to wait for beyond longestReading is not worth a check's slot.
const (
	readingShare   = 900
	longestReading = 60 * time.Second
)

// longest caps a share: TCP sends its fourth SYN after 7 s and its fifth after 15, more patience shows nothing new.
const longest = 15 * time.Second

// Make plans a request. The scenario's placement supplies kind and access.
func Make(c request.Check, p scenario.Placement) Plan {
	deadline := time.Duration(c.TimeoutSeconds) * time.Second
	plan := Plan{Deadline: deadline}
	plan.Legs = append(plan.Legs,
		Leg{Name: "source", Endpoint: c.Source, Kind: p.SourceKind, Access: p.SourceAccess,
			Steps: steps(c.Source, c.Depth, deadline)},
		Leg{Name: "target", Endpoint: c.Target, Access: p.TargetAccess, Steps: steps(c.Target, c.Depth, deadline)})
	if c.RuntimeServer != nil {
		leg := Leg{Name: "runtime", Endpoint: *c.RuntimeServer, Access: request.VNetIntegrated,
			Steps: steps(*c.RuntimeServer, c.Depth, deadline)}
		if last := &leg.Steps[len(leg.Steps)-1]; last.Skip == "" {
			last.Skip = "prerequisites are those of source and target"
		}
		plan.Legs = append(plan.Legs, leg)
	}
	for i := range plan.Legs {
		plan.Legs[i].Mode, plan.Legs[i].Migrated = c.Mode, c.Source.Databases
	}
	plan.Ask = ask(c, plan)
	plan.Reading = Reading{Share: min(deadline*readingShare/1000, longestReading), Question: azure.Question{
		SourceID: c.Azure.SourceResourceID, TargetID: c.Azure.TargetResourceID,
		RuntimeID: c.Azure.RuntimeServerResourceID, VantageSubnetID: c.Azure.VantageSubnetID}}
	return plan
}

// ask plans the server's own way. It needs a session on that server, and so a login.
func ask(c request.Check, p Plan) *Ask {
	asker := &p.Legs[len(p.Legs)-1]
	if !c.ServerVantage || !asker.WantsLogin() {
		return nil
	}
	patience := share(finding.Connect, p.Deadline)
	return &Ask{Asker: asker.Name, Source: p.Legs[0], Patience: patience}
}

// depthOrder is each depth with the layer that it adds.
func depthOrder() []request.Depth {
	return []request.Depth{request.DepthResolve, request.DepthConnect, request.DepthTLS, request.DepthLogin,
		request.DepthPrerequisites}
}

func steps(e request.Endpoint, depth request.Depth, deadline time.Duration) []Step {
	order := depthOrder()
	asked, out := slices.Index(order, depth), make([]Step, 0, len(order))
	for i, d := range order {
		layer := finding.Layer(d)
		step := Step{Layer: layer, Share: share(layer, deadline)}
		switch {
		case i > asked:
			step.Skip = "depth " + string(depth) + " was asked"
		case layer == finding.TLS && e.TLS.Mode == request.TLSDisable:
			step.Skip = "tls.mode disable was asked"
		}
		out = append(out, step)
	}
	return out
}

// WantsLogin tells whether the leg goes as far as to need a credential.
func (l *Leg) WantsLogin() bool { return l.Wants(finding.Login) }

// Wants tells whether the leg is to go through a layer.
func (l *Leg) Wants(layer finding.Layer) bool {
	return slices.ContainsFunc(l.Steps, func(s Step) bool { return s.Layer == layer && s.Skip == "" })
}

// Replicates tells whether the migration will log in for replication there: on the source, in online mode.
func (l *Leg) Replicates() bool { return l.Name == "source" && l.Mode == request.Online }

// Dialled is the name or address that is connected to: the custom address where one is given, else the host.
func (l *Leg) Dialled() string {
	if l.Endpoint.Address != "" {
		return l.Endpoint.Address
	}
	return l.Endpoint.Host
}
