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
	"runtime"
	"strconv"
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
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
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
	parts  Parts
	keys   *login.Keys
	chains *tls.Chains
	// judging has a place for each processor: of a thousand checks that end in the same moment, only so many have a
	// half-written report in memory.
	judging chan struct{}
}

// New makes a runner.
func New(p Parts) *Runner {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Progress == nil {
		p.Progress = func(context.Context, string, diagnosis.Layer) {}
	}
	return &Runner{parts: p, keys: login.NewKeys(), chains: tls.NewChains(), judging: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Run runs one check and reports. Trouble of the servers is in the report; an error is our own trouble.
func (r *Runner) Run(ctx context.Context, c request.Check) (out report.Report, err error) {
	var loading errgroup.Group
	var words *catalog.Catalog
	// The words are read while the network is waited for: that costs as much time as a near server's answer.
	loading.Go(func() (err error) { words, err = r.parts.Words(); return err })
	seen := &walked{}
	seen.Request = c
	if err = r.see(ctx, seen); err == nil {
		err = loading.Wait()
	}
	if err == nil {
		err = r.judge(ctx, words, seen, &out)
		return out, err
	}
	return out, fmt.Errorf("run check %s: %w", c.ID, err)
}

// walked is what there is to judge. It is handed on by its address: a check spends its life waiting, and what stands on
// its stack meanwhile is what a thousand checks cost in memory.
type walked struct {
	diagnosis.Result
	azure *azure.Configuration
}

// see walks every way, where the request allows any.
func (r *Runner) see(ctx context.Context, out *walked) error {
	resolvers, err := r.parts.Resolvers()
	if err != nil {
		return err
	}
	r.place(out, resolvers)
	if len(out.Findings) == 0 && out.Placement.Support != scenario.No {
		err = r.observe(ctx, out, resolvers)
	}
	out.Finished = r.parts.Now()
	return err
}

// place notes what is known before anything is sent.
func (r *Runner) place(out *walked, resolvers []netip.AddrPort) {
	out.Placement, out.Vantage = scenario.Place(out.Request), r.vantage(&out.Request, resolvers)
	out.Started, out.Findings = r.parts.Now(), r.judgePorts(&out.Request)
}

// judge adds what only the legs together mean, and writes the report.
func (r *Runner) judge(ctx context.Context, words *catalog.Catalog, seen *walked, out *report.Report) (err error) {
	r.judging <- struct{}{}
	defer func() { <-r.judging }()
	at := r.parts.Vantage
	evidence.Place(&seen.Result, scenario.Vantage{InAzure: at.FunctionApp != "", Address: at.Address})
	seen.Vantage.Address = vantageAddress(&seen.Result)
	if seen.azure != nil {
		evidence.Azure(&seen.Result, *seen.azure)
		r.tell(ctx, seen.Result)
	}
	*out, err = diagnosis.Report(words, &seen.Result)
	return err
}

// observe walks the legs and reads the configuration beside them, everything under one deadline.
func (r *Runner) observe(ctx context.Context, out *walked, resolvers []netip.AddrPort) (err error) {
	p := planned(&out.Result)
	ctx, cancel := context.WithTimeoutCause(ctx, p.Deadline, ErrBudget)
	defer cancel()
	reading := r.read(ctx, p.Reading)
	if out.Legs, err = r.legs(ctx, p, resolvers); err != nil {
		return err
	}
	out.azure, err = reading.await(ctx)
	evidence.Compare(out.Legs, *p, out.azure)
	return err
}

// planned is a function of its own so that the copies it makes do not stand on the check's stack while it waits.
//
//go:noinline
func planned(of *diagnosis.Result) *plan.Plan {
	p := plan.Make(of.Request, of.Placement)
	return &p
}

// legs walks every leg at once and waits for all.
func (r *Runner) legs(ctx context.Context, p *plan.Plan, resolvers []netip.AddrPort) ([]diagnosis.Leg, error) {
	legs := make([]diagnosis.Leg, len(p.Legs))
	asked := newAsk(p.Ask)
	faults := make([]error, len(p.Legs))
	walk := func(i int) {
		run := &legRun{runner: r, resolvers: resolvers, ask: asked}
		run.leg = p.Legs[i]
		faults[i] = run.guarded(ctx, &legs[i])
	}
	var beside sync.WaitGroup
	for i := range p.Legs[1:] {
		beside.Go(func() { walk(i + 1) })
	}
	walk(0)
	beside.Wait()
	if asked != nil && asked.leg != nil {
		legs = append(legs, *asked.leg)
	}
	return legs, errors.Join(faults...)
}

// judgePorts refuses a port outside the allowed ones before anything is sent, not even a DNS question.
func (r *Runner) judgePorts(c *request.Check) []finding.Finding {
	var out []finding.Finding
	for _, e := range endpoints(c) {
		if err := r.parts.CheckPort(e.endpoint.Port); err != nil {
			out = append(out, finding.Finding{Code: finding.RequestTargetNotAllowed, Layer: finding.Request, Leg: e.leg,
				Args: finding.Args{"name": net.JoinHostPort(e.endpoint.Host, strconv.Itoa(e.endpoint.Port)),
					"port": e.endpoint.Port, "reason": reason(err), "portRefused": true}})
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

func endpoints(c *request.Check) []named {
	all := []named{{"source", c.Source}, {"target", c.Target}}
	if c.RuntimeServer != nil {
		all = append(all, named{"runtime", *c.RuntimeServer})
	}
	return all
}
