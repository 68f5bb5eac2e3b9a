package check

import (
	"context"
	"errors"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/server"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// ask is the way from a server itself to the source, between the two legs that it takes: the source's says whether
// anybody may be sent there, the asker's has the session.
type ask struct {
	plan plan.Ask
	// barred takes from the source's leg why nobody may be sent there, or "".
	barred chan string
	leg    *diagnosis.Leg
}

func newAsk(p *plan.Ask) *ask {
	if p == nil {
		return nil
	}
	return &ask{plan: *p, barred: make(chan string, 1)}
}

// errNoPolicy is a runner without a policy for names.
var errNoPolicy = errors.New("no policy for names is set")

// bar tells, once the source's connect layer is done, whether the policy lets the source be reached. A server resolves
// the name by itself, so an address that we have not seen can be vouched for only by the name.
func (l *legRun) bar(layer diagnosis.Layer) {
	if l.ask == nil || l.leg.Name != "source" || layer.Layer != finding.Connect {
		return
	}
	l.ask.barred <- l.barred(layer)
}

func (l *legRun) barred(layer diagnosis.Layer) string {
	for _, f := range layer.Findings {
		if f.Code == finding.RequestTargetNotAllowed {
			return "the source is not an allowed target"
		}
	}
	if len(l.addresses) > 0 && layer.Observation != nil {
		return ""
	}
	if err := l.runner.checkName(l.leg.Dialled()); err != nil {
		return "no address of the source was found, and its name alone is not an allowed target"
	}
	return ""
}

func (r *Runner) checkName(host string) error {
	if r.parts.CheckName == nil {
		return errNoPolicy
	}
	return r.parts.CheckName(host)
}

// send asks the server behind this leg, where it is the one to be asked, after its own layers and before it is left.
func (l *legRun) send(ctx context.Context) {
	if l.ask == nil || l.leg.Name != l.ask.plan.Asker {
		return
	}
	if l.session == nil {
		l.ask.skip("no session on the " + l.leg.Name + " came about, so it could not be asked")
		return
	}
	select {
	case why := <-l.ask.barred:
		if why != "" {
			l.ask.skip(why)
			return
		}
	case <-ctx.Done():
		l.ask.skip(context.Cause(ctx).Error())
		return
	}
	within, cancel := context.WithTimeout(ctx, 2*l.ask.plan.Patience+5*time.Second)
	defer cancel()
	pg, err := l.session.PG(within)
	if err != nil {
		l.ask.skip(err.Error())
		return
	}
	started := time.Now()
	o := server.Observe(within, pg, l.ask.target())
	leg := evidence.Asked{Dblink: o}.Leg(l.ask.plan.Source, l.leg.Endpoint.Host, time.Since(started))
	l.ask.leg = &leg
}

func (a *ask) target() server.Target {
	e := a.plan.Source.Endpoint
	return server.Target{Host: a.plan.Source.Dialled(), Port: e.Port, User: e.User, Database: e.Databases[0],
		TLS: e.TLS.Mode != request.TLSDisable, Patience: a.plan.Patience}
}

// skip leaves the whole way out.
func (a *ask) skip(why string) {
	leg := evidence.ServerLeg(a.plan.Source)
	for _, layer := range []finding.Layer{finding.Resolve, finding.Connect, finding.TLS, finding.Login} {
		leg.Layers = append(leg.Layers, diagnosis.Layer{Layer: layer, Skip: why})
	}
	a.leg = &leg
}
