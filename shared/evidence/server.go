package evidence

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/server"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Asked is the evidence of a server's own attempt to reach the source.
type Asked struct {
	Dblink server.Observation `json:"dblink"`
}

// ServerLeg is the leg that a server itself walked, without layers.
func ServerLeg(source plan.Leg) diagnosis.Leg {
	return diagnosis.Leg{Name: source.Name, From: "server", Endpoint: source.Endpoint, Kind: source.Kind,
		Access: source.Access}
}

// Leg judges the attempt into the layers of a leg; asker is the host of the server that made it.
func (a Asked) Leg(source plan.Leg, asker string, took time.Duration) diagnosis.Leg {
	encrypted := source.Endpoint.TLS.Mode != request.TLSDisable
	steps := server.Judge(a.Dblink, server.Expect{Asker: asker, Host: source.Dialled(), Port: source.Endpoint.Port,
		TLS: encrypted, Classify: classify(source, encrypted)})
	leg := ServerLeg(source)
	for _, s := range steps {
		layer := diagnosis.Layer{Layer: s.Layer, Findings: s.Findings, BlockedBy: s.BlockedBy, Skip: s.Skip,
			Inconclusive: s.Inconclusive}
		for i := range layer.Findings {
			layer.Findings[i].Leg, layer.Findings[i].From = leg.Name, leg.From
		}
		if s.Decisive {
			layer.Observation, layer.Elapsed = a, took
		}
		leg.Layers = append(leg.Layers, layer)
	}
	return leg
}

// classify has the judge of logins name what the source said to the server.
func classify(source plan.Leg, encrypted bool) func(server.Said) (finding.Code, finding.Args) {
	e := source.Endpoint
	c := login.Circumstances{TLS: login.Yes, Host: e.Host, Port: e.Port, Kind: source.Kind, User: e.User,
		Database: e.Databases[0]}
	if !encrypted {
		c.TLS = login.No
	}
	return func(s server.Said) (finding.Code, finding.Args) {
		return login.Classify(login.ServerError{Message: s.Message, Detail: s.Detail, Hint: s.Hint}, c)
	}
}
