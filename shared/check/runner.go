// Package check runs a plan: the legs side by side, the layers of a leg one after another, everything under one
// deadline. It owns the goroutines, hands each probe what it needs and keeps what each saw. It judges nothing itself:
// the probes' judges and package diagnosis do.
package check

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// ErrBudget is the cause of a context that the whole check's deadline ended: our own limit, never the peer's silence.
var ErrBudget = errors.New("the time of the whole check is over")

// Parts are what a runner is made of. All are needed but Azure, Progress and Now.
type Parts struct {
	// Resolvers are the DNS servers to ask, looked up anew for each check: a platform can change them.
	Resolvers func() ([]netip.AddrPort, error)
	// Dialer gives the one dialer that may be used for a host; it refuses what policy does not allow.
	Dialer    func(host string) func(context.Context, netip.AddrPort) (net.Conn, error)
	CheckPort func(port int) error
	// CheckName refuses a name that may not be given to another server to resolve; nil refuses all.
	CheckName   func(host string) error
	Credentials Credentials
	// Azure reads the configuration of the resources that a request names; nil reads none.
	Azure Reader
	// Vantage is what is known of the place we run in.
	Vantage report.Vantage
	// Words is called when the first report is written, so that the start of the process reads no words.
	Words func() (*catalog.Catalog, error)
	// Progress is told of every layer of a leg as soon as it has ended, with the check's context; nil tells nobody. Legs
	// call it side by side.
	Progress func(ctx context.Context, leg string, layer diagnosis.Layer)
	Now      func() time.Time
}

// Credentials finds passwords, tokens and extra roots by their names.
type Credentials interface {
	Resolve(ctx context.Context, c request.Credential) (secret.String, error)
	Roots(name string) (*x509.CertPool, error)
}

// Runner runs checks. It is safe for use by many goroutines.
type Runner struct {
	parts Parts
	keys  *login.Keys
}

// New makes a runner.
func New(p Parts) *Runner {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Progress == nil {
		p.Progress = func(context.Context, string, diagnosis.Layer) {}
	}
	return &Runner{parts: p, keys: login.NewKeys()}
}

// Run runs one check and reports. Trouble of the servers is in the report; an error is our own trouble.
func (r *Runner) Run(ctx context.Context, c request.Check) (report.Report, error) {
	var writing errgroup.Group
	var words *catalog.Catalog
	// The words are read while the network is waited for: that costs as much time as a near server's answer.
	writing.Go(func() (err error) { words, err = r.parts.Words(); return err })
	resolvers, err := r.parts.Resolvers()
	if err != nil {
		return report.Report{}, fmt.Errorf("run check %s: %w", c.ID, err)
	}
	placement := scenario.Place(c)
	result := diagnosis.Result{Request: c, Placement: placement, Vantage: r.vantage(c, resolvers), Started: r.parts.Now()}
	result.Findings = r.judgePorts(c)
	var read *azure.Configuration
	if len(result.Findings) == 0 && placement.Support != scenario.No {
		result.Legs, read, err = r.observe(ctx, plan.Make(c, placement), resolvers)
	}
	if err != nil {
		return report.Report{}, fmt.Errorf("run check %s: %w", c.ID, err)
	}
	r.judge(ctx, &result, read)
	if err := writing.Wait(); err != nil {
		return report.Report{}, fmt.Errorf("run check %s: %w", c.ID, err)
	}
	return diagnosis.Report(words, result)
}

// judge adds what only the legs together mean.
func (r *Runner) judge(ctx context.Context, result *diagnosis.Result, read *azure.Configuration) {
	at := r.parts.Vantage
	evidence.Place(result, scenario.Vantage{InAzure: at.FunctionApp != "", Address: at.Address})
	result.Vantage.Address = vantageAddress(*result)
	if read != nil {
		evidence.Azure(result, *read)
		r.tell(ctx, *result)
	}
	result.Finished = r.parts.Now()
}

// observe walks the legs and reads the configuration beside them, everything under one deadline.
func (r *Runner) observe(ctx context.Context, p plan.Plan, resolvers []netip.AddrPort) ([]diagnosis.Leg,
	*azure.Configuration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.Deadline, ErrBudget)
	defer cancel()
	reading := r.read(ctx, p.Reading)
	legs, err := r.legs(ctx, p, resolvers)
	if err != nil {
		return nil, nil, err
	}
	read, err := reading.await(ctx)
	return legs, read, err
}

// legs runs every leg at once and waits for all.
func (r *Runner) legs(ctx context.Context, p plan.Plan, resolvers []netip.AddrPort) ([]diagnosis.Leg, error) {
	legs := make([]diagnosis.Leg, len(p.Legs))
	asked := newAsk(p.Ask)
	faults := make([]error, len(p.Legs))
	var running sync.WaitGroup
	for i, leg := range p.Legs {
		running.Go(func() {
			defer func() {
				if fault := recover(); fault != nil {
					faults[i] = fmt.Errorf("leg %s panicked: %v\n%s", leg.Name, fault, debug.Stack())
				}
			}()
			legs[i] = (&legRun{runner: r, leg: leg, resolvers: resolvers, ask: asked}).run(ctx)
		})
	}
	running.Wait()
	evidence.Compare(legs, p)
	if asked != nil && asked.leg != nil {
		legs = append(legs, *asked.leg)
	}
	return legs, errors.Join(faults...)
}

// judgePorts refuses a port outside the allowed ones before anything is sent, not even a DNS question.
func (r *Runner) judgePorts(c request.Check) []finding.Finding {
	var out []finding.Finding
	for _, e := range endpoints(c) {
		if err := r.parts.CheckPort(e.endpoint.Port); err != nil {
			out = append(out, finding.Finding{Code: finding.RequestTargetNotAllowed, Layer: finding.Request, Leg: e.leg,
				Args: finding.Args{"name": e.endpoint.Host, "port": e.endpoint.Port, "reason": reason(err)}})
		}
	}
	return out
}

// reason is a refusal without its preamble.
func reason(err error) string {
	var refusal interface{ RefusedByPolicy() string }
	if errors.As(err, &refusal) {
		return refusal.RefusedByPolicy()
	}
	return err.Error()
}

type named struct {
	leg      string
	endpoint request.Endpoint
}

func endpoints(c request.Check) []named {
	all := []named{{"source", c.Source}, {"target", c.Target}}
	if c.RuntimeServer != nil {
		all = append(all, named{"runtime", *c.RuntimeServer})
	}
	return all
}
