package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const serverID = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"

// reads is a reader made of a function.
type reads func(context.Context, azure.Question) azure.Configuration

func (f reads) Read(ctx context.Context, q azure.Question) azure.Configuration { return f(ctx, q) }

// stopped is the configuration of a target that is stopped.
func stopped(context.Context, azure.Question) azure.Configuration {
	return azure.Configuration{Target: &azure.Place{ResourceID: serverID, ServerID: serverID}, Calls: 4, ElapsedMs: 12.5,
		Servers: []azure.Server{{ID: serverID, State: "Stopped", PublicNetworkAccess: "Enabled", FirewallRead: true}}}
}

// withTarget is a check to a port that accepts and says nothing, with the target's resource named.
func withTarget(t *testing.T) request.Check {
	c := check(silent(t))
	c.Depth, c.Azure.TargetResourceID = request.DepthConnect, serverID
	return c
}

func TestAConfigurationIsALayerOfItsLeg(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	var asked azure.Question
	p.Azure = reads(func(ctx context.Context, q azure.Question) azure.Configuration {
		asked = q
		return stopped(ctx, q)
	})
	r := run(t, p, withTarget(t))
	layer := status(r, "target", finding.Azure)
	o, ok := layer.Observation.(azure.Observation)
	if !ok || o.Configuration == nil || o.Configuration.Servers[0].State != "Stopped" || layer.ElapsedMs != 12.5 {
		t.Fatalf("%+v", layer)
	}
	if _, found := codes(r)[finding.AzServerStopped]; !found {
		t.Errorf("%v", codes(r))
	}
	if asked != (azure.Question{TargetID: serverID}) {
		t.Errorf("asked %+v", asked)
	}
	if last := r.Legs[1].Layers[len(r.Legs[1].Layers)-1]; last.Layer != finding.Azure {
		t.Errorf("last layer %s", last.Layer)
	}
}

func TestNothingIsReadUnasked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*request.Check){
		"no resource is named":    func(c *request.Check) { c.Azure = request.Azure{} },
		"the row is unsupported":  func(c *request.Check) { c.Scenario.Source.Access, c.Scenario.Target.Access = "private", "public" },
		"the port is not allowed": func(c *request.Check) { c.Target.Port = 0 },
	} {
		p, _ := parts(t)
		p.Azure = reads(func(context.Context, azure.Question) azure.Configuration {
			t.Errorf("%s: read", name)
			return azure.Configuration{}
		})
		if name == "the port is not allowed" {
			p.CheckPort = func(int) error { return errors.New("no") }
		}
		c := withTarget(t)
		change(&c)
		if layer := status(run(t, p, c), "target", finding.Azure); layer.Layer != "" {
			t.Errorf("%s: %+v", name, layer)
		}
	}
}

// dialsAfter has every leg wait for something before it dials, and fails where that does not come.
func dialsAfter(t *testing.T, p *Parts, event <-chan struct{}) {
	dialer := p.Dialer
	p.Dialer = func(host string) func(context.Context, netip.AddrPort) (net.Conn, error) {
		dial := dialer(host)
		return func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			select {
			case <-event:
			case <-ctx.Done():
				t.Error("the reading does not run beside the legs")
			}
			return dial(ctx, to)
		}
	}
}

// The legs go on while the reading runs, and wait for it at the end only.
func TestReadingRunsBesideTheLegs(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	began, walked := make(chan struct{}), make(chan struct{})
	dialsAfter(t, &p, began)
	var legs atomic.Int64
	p.Progress = func(_ context.Context, _ string, l diagnosis.Layer) {
		if l.Layer == finding.Connect && legs.Add(1) == 2 {
			close(walked)
		}
	}
	p.Azure = reads(func(ctx context.Context, q azure.Question) azure.Configuration {
		close(began)
		select {
		case <-walked:
		case <-ctx.Done():
			t.Error("the legs wait for the reading")
		}
		return stopped(ctx, q)
	})
	c := withTarget(t)
	c.TimeoutSeconds = 60
	if layer := status(run(t, p, c), "target", finding.Azure); layer.Observation == nil {
		t.Errorf("%+v", layer)
	}
}

// A reading that is faster than the probes adds nothing to their time: it is over before they are through.
func TestAFastReadingIsOverBeforeTheLegs(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	over := make(chan struct{})
	dialsAfter(t, &p, over)
	p.Azure = reads(func(ctx context.Context, q azure.Question) azure.Configuration {
		defer close(over)
		return stopped(ctx, q)
	})
	c := withTarget(t)
	c.TimeoutSeconds = 60
	if layer := status(run(t, p, c), "target", finding.Azure); layer.Observation == nil {
		t.Errorf("%+v", layer)
	}
}

// A reading that never ends is given up with its own share of the deadline, and said to be.
func TestASlowReadingEndsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	var left time.Duration
	p.Azure = reads(func(ctx context.Context, q azure.Question) azure.Configuration {
		end, _ := ctx.Deadline()
		left = time.Until(end)
		<-ctx.Done()
		return azure.Configuration{Target: &azure.Place{ResourceID: serverID, ServerID: serverID},
			Troubles: []azure.Trouble{{Resource: serverID, Kind: azure.TimedOut, Roles: []string{"target"}}}}
	})
	r := run(t, p, withTarget(t))
	layer := status(r, "target", finding.Azure)
	if left > 1800*time.Millisecond || layer.Status != finding.StatusSkipped || layer.Reason == "" {
		t.Errorf("%s left, %+v", left, layer)
	}
}

// Nothing that cannot be read changes the verdict.
func TestNothingReadFailsNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []azure.TroubleKind{azure.TimedOut, azure.NoIdentity, azure.Unreachable, azure.Throttled,
		azure.NotPermitted, azure.NotFound, azure.Failed, azure.OverLimit} {
		p, _ := parts(t)
		c := withTarget(t)
		c.TimeoutSeconds = 60
		without := run(t, p, c)
		p.Azure = reads(func(context.Context, azure.Question) azure.Configuration {
			return azure.Configuration{Target: &azure.Place{ResourceID: serverID, ServerID: serverID},
				Troubles: []azure.Trouble{{Resource: serverID, Action: "a/read", Kind: kind, Roles: []string{"target"}}}}
		})
		r := run(t, p, c)
		code := finding.AzNotRead
		if kind == azure.NotPermitted {
			code = finding.AzNotPermitted
		}
		if f, found := codes(r)[code]; !found || f.Severity != finding.Info || r.Verdict != without.Verdict {
			t.Errorf("%s: %v, %s instead of %s", kind, codes(r), r.Verdict, without.Verdict)
		}
	}
}

// A reader that does not even heed its context keeps nobody beyond the check's own deadline.
func TestADeafReadingIsLeftBehind(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	p.Azure = reads(func(context.Context, azure.Question) azure.Configuration {
		<-release
		return azure.Configuration{}
	})
	c := withTarget(t)
	c.TimeoutSeconds = 1
	c.Azure.VantageSubnetID = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
	r := run(t, p, c)
	o, _ := status(r, "target", finding.Azure).Observation.(azure.Observation)
	if o.Configuration == nil || len(o.Configuration.Troubles) != 2 || o.Configuration.Troubles[0].Kind != azure.TimedOut {
		t.Errorf("%+v", o.Configuration)
	}
}

func TestAReadingThatBreaksIsOurOwnTrouble(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	p.Azure = reads(func(context.Context, azure.Question) azure.Configuration { panic("nil map") })
	if _, err := New(p).Run(t.Context(), withTarget(t)); err == nil || !strings.Contains(err.Error(), "reading the configuration") {
		t.Errorf("%v", err)
	}
}
