package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// terminateWithin bounds the goodbye at the end of a leg: Terminate is one small write.
const terminateWithin = time.Second

// legRun is one leg on its way. What a layer found for the next one stands here.
type legRun struct {
	runner    *Runner
	leg       plan.Leg
	resolvers []netip.AddrPort

	password <-chan password
	// secret is the password once it is there.
	secret    secret.String
	addresses []netip.Addr
	// conn is what the next layer goes on with; tcp is the connection below it, however deep it is wrapped.
	conn, tcp  net.Conn
	remote     netip.Addr
	secured    tls.Observation
	tlsOffered login.Tri
	verified   bool
	// version is server_version_num as the login saw it, 0 where it did not.
	version int
	session *login.Session
	// asked are the questions that left with the login.
	asked []prerequisites.Question
	// ask is the server's own way to the source, or nil.
	ask *ask
	// blocked is the first layer that left nothing to go on with.
	blocked finding.Layer
	// share is the layer's share of the deadline.
	share time.Duration
}

// guarded runs the leg; a panic in it is an error and nobody else's end.
func (l *legRun) guarded(ctx context.Context, out *diagnosis.Leg) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("leg %s panicked: %v\n%s", l.leg.Name, fault, debug.Stack())
		}
	}()
	l.run(ctx, out)
	return nil
}

func (l *legRun) run(ctx context.Context, out *diagnosis.Leg) {
	out.Name, out.From, out.Endpoint, out.Kind, out.Access = l.leg.Name, "function", l.leg.Endpoint, l.leg.Kind, l.leg.Access
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer l.close()
	if l.leg.WantsLogin() {
		l.password = l.runner.fetch(ctx, l.leg.Endpoint.Credential)
	}
	out.Layers = make([]diagnosis.Layer, len(l.leg.Steps))
	for i := range l.leg.Steps {
		layer := &out.Layers[i]
		l.step(ctx, &l.leg.Steps[i], layer)
		layer.Findings = l.named(layer.Findings)
		l.runner.parts.Progress(ctx, l.leg.Name, *layer)
		l.bar(*layer)
	}
	l.send(ctx)
	l.inspect(out.Layers)
}

// inspect looks at the connection once more before it is closed: only now the kernel knows what data it had to send
// again. That belongs to the connect layer's evidence, and costs no packet.
func (l *legRun) inspect(layers []diagnosis.Layer) {
	if l.tcp == nil {
		return
	}
	for i, layer := range layers {
		o, ok := layer.Observation.(connect.Observation)
		if !ok {
			continue
		}
		o.AtEnd = connect.Inspect(l.tcp)
		layers[i].Observation = o
		layers[i].Findings = l.named(evidence.Connect(o, l.blocked != ""))
	}
}

func (l *legRun) named(found []finding.Finding) []finding.Finding {
	for i := range found {
		found[i].Leg = l.leg.Name
	}
	return found
}

func (l *legRun) step(ctx context.Context, step *plan.Step, out *diagnosis.Layer) {
	out.Layer = step.Layer
	switch {
	case step.Skip != "":
		out.Skip = step.Skip
	case l.blocked != "":
		out.BlockedBy = l.blocked
	case ctx.Err() != nil:
		l.blocked, out.Inconclusive = step.Layer, context.Cause(ctx).Error()
	default:
		l.walk(ctx, step, out)
	}
}

// walk runs a layer in its share of the time.
func (l *legRun) walk(ctx context.Context, step *plan.Step, out *diagnosis.Layer) {
	within, cancel := context.WithTimeout(ctx, step.Share)
	defer cancel()
	l.share = step.Share
	started := time.Now()
	seen, open := l.layer(within, step.Layer)
	*out = seen
	out.Layer, out.Elapsed, out.Closed = step.Layer, time.Since(started), !open
	if open {
		return
	}
	l.blocked = step.Layer
	if out.Inconclusive == "" && len(out.Findings) == 0 {
		out.Inconclusive = ending(ctx, within)
	}
}

// layer runs one layer and tells whether it left anything for the next one to go on with.
func (l *legRun) layer(ctx context.Context, name finding.Layer) (diagnosis.Layer, bool) {
	switch name {
	case finding.Resolve:
		return l.resolve(ctx)
	case finding.Connect:
		return l.connect(ctx)
	case finding.TLS:
		return l.secure(ctx)
	case finding.Login:
		return l.login(ctx)
	}
	return l.prerequisites(ctx)
}

const shareOver = "its share of the time was over before it could ask"

// starved says that what had to be at hand first took more than half of the layer's share: silence in the rest of it
// would be our slowness and not the peer's.
func (l *legRun) starved(ctx context.Context) bool {
	end, bounded := ctx.Deadline()
	return bounded && time.Until(end) < l.share/2
}

// ending says why a layer left nothing to go on with although nothing was found. Whatever it was, the layer has not
// passed: on a busy machine its share of the time may be over before its first byte.
func ending(whole, share context.Context) string {
	switch {
	case whole.Err() != nil:
		return context.Cause(whole).Error()
	case share.Err() != nil:
		return shareOver
	}
	return "it ended without an answer"
}

// resolve finds the addresses: of the custom address where one is given, since the host's name is then not asked.
func (l *legRun) resolve(ctx context.Context) (diagnosis.Layer, bool) {
	if custom, err := netip.ParseAddr(l.leg.Endpoint.Address); err == nil {
		l.addresses = []netip.Addr{custom.Unmap()}
		return diagnosis.Layer{Skip: "the custom address " + custom.String() + " was given"}, true
	}
	o := resolve.Observe(ctx, resolve.Question{Name: l.leg.Dialled(), Servers: l.resolvers})
	l.addresses = o.Addresses
	return diagnosis.Layer{Observation: o, Findings: evidence.Resolve(o, l.leg)}, len(o.Addresses) > 0
}

func (l *legRun) connect(ctx context.Context) (diagnosis.Layer, bool) {
	o, conn := connect.Observe(ctx, l.dialTo(l.addresses))
	l.conn, l.tcp = conn, conn
	if conn != nil {
		l.remote = remoteAddress(conn)
	}
	return diagnosis.Layer{Observation: o, Findings: evidence.Connect(o, false)}, conn != nil
}

func (l *legRun) dialTo(addresses []netip.Addr) connect.Target {
	return connect.Target{Addresses: addresses, Port: uint16(l.leg.Endpoint.Port),
		Dial: l.runner.parts.Dialer(l.leg.Dialled())}
}

// redial opens one more connection to the address that answered, for an attempt that needs its own.
func (l *legRun) redial(ctx context.Context) net.Conn {
	_, conn := connect.Observe(ctx, l.dialTo([]netip.Addr{l.remote}))
	return conn
}

// close ends the leg's connection politely.
func (l *legRun) close() {
	if l.session != nil {
		ctx, cancel := context.WithTimeout(context.Background(), terminateWithin)
		defer cancel()
		_ = l.session.Close(ctx) // whether the goodbye arrives changes nothing
		return
	}
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

func remoteAddress(conn net.Conn) netip.Addr {
	remote, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return remote.Addr().Unmap()
}
