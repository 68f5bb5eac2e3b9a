package plan

import (
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

func check(depth request.Depth, seconds int) request.Check {
	e := request.Endpoint{Host: "db.example", Port: 5432, TLS: request.TLS{Mode: request.TLSRequire}}
	return request.Check{Depth: depth, TimeoutSeconds: seconds, Source: e, Target: e}
}

// A layer's time-out must be the peer's silence, so no layer may eat another's time.
func TestSharesFitIntoTheDeadline(t *testing.T) {
	for _, seconds := range []int{1, 2, 10, 30, 60, 120} {
		p := Make(check(request.DepthPrerequisites, seconds), scenario.Placement{})
		for _, leg := range p.Legs {
			var sum time.Duration
			for _, step := range leg.Steps {
				if step.Share <= 0 || step.Share > longest {
					t.Errorf("%d s: %s gets %s", seconds, step.Layer, step.Share)
				}
				sum += step.Share
			}
			if sum >= p.Deadline {
				t.Errorf("%d s: the shares are %s of %s", seconds, sum, p.Deadline)
			}
		}
	}
}

func TestDepthLimitsTheLayers(t *testing.T) {
	for depth, runs := range map[request.Depth]int{request.DepthResolve: 1, request.DepthConnect: 2, request.DepthTLS: 3,
		request.DepthLogin: 4, request.DepthPrerequisites: 5} {
		for _, leg := range Make(check(depth, 30), scenario.Placement{}).Legs {
			for i, step := range leg.Steps {
				if ran := step.Skip == ""; ran != (i < runs) {
					t.Errorf("depth %s: %s runs: %t (%s)", depth, step.Layer, ran, step.Skip)
				}
			}
			if want := runs >= 4; leg.WantsLogin() != want {
				t.Errorf("depth %s wants a login: %t", depth, leg.WantsLogin())
			}
		}
	}
}

func TestTLSDisableSkipsTLSAlone(t *testing.T) {
	c := check(request.DepthLogin, 30)
	c.Source.TLS.Mode = request.TLSDisable
	for _, step := range Make(c, scenario.Placement{}).Legs[0].Steps {
		if skipped := step.Skip != ""; skipped != (step.Layer == finding.TLS || step.Layer == finding.Prerequisites) {
			t.Errorf("%s: %q", step.Layer, step.Skip)
		}
	}
}

func TestLegs(t *testing.T) {
	c := check(request.DepthLogin, 30)
	runtime := c.Target
	c.RuntimeServer = &runtime
	c.Source.Address = "10.0.0.9"
	p := Make(c, scenario.Placement{SourceKind: request.AmazonRDS, SourceAccess: request.Private,
		TargetAccess: request.PrivateEndpoint})
	var names []string
	for _, leg := range p.Legs {
		names = append(names, leg.Name)
	}
	if len(names) != 3 || names[0] != "source" || names[1] != "target" || names[2] != "runtime" {
		t.Fatalf("legs %v", names)
	}
	if p.Legs[0].Dialled() != "10.0.0.9" || p.Legs[1].Dialled() != "db.example" {
		t.Errorf("dialled %q and %q", p.Legs[0].Dialled(), p.Legs[1].Dialled())
	}
	if p.Legs[0].Kind != request.AmazonRDS || p.Legs[1].Access != request.PrivateEndpoint {
		t.Errorf("placement is lost: %+v", p.Legs)
	}
}
