package check

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/guard"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

type credentials struct{ err error }

func (c credentials) Resolve(context.Context, request.Credential) (secret.String, error) {
	return secret.New("planted"), c.err
}

func (credentials) Roots(string) (*x509.CertPool, error) {
	return nil, &credential.Unavailable{Source: "setting ROOTS", Why: "is not set"}
}

// words are read once for all tests: reading them is most of what a short check costs.
var words = sync.OnceValues(catalog.Load)

// parts allow loopback, know no DNS server and count what is dialled.
func parts(t testing.TB) (Parts, *atomic.Int64) {
	t.Helper()
	policy, err := guard.Parse("127.0.0.1/32", "1-65535")
	if err != nil {
		t.Fatal(err)
	}
	dialled := new(atomic.Int64)
	return Parts{
		Resolvers: func() ([]netip.AddrPort, error) { return nil, nil },
		Dialer: func(host string) func(context.Context, netip.AddrPort) (net.Conn, error) {
			dialled.Add(1)
			return policy.Dialer(host)
		},
		CheckPort: policy.CheckPort, Credentials: credentials{}, Words: words,
	}, dialled
}

func loopback(port int) request.Endpoint {
	return request.Endpoint{Host: "127.0.0.1", Port: port, User: "migrator", Databases: []string{"orders"},
		Credential: request.Credential{Setting: "PW"}, TLS: request.TLS{Mode: request.TLSRequire}}
}

func check(port int) request.Check {
	return request.Check{Version: 1, ID: "one", Depth: request.DepthLogin, TimeoutSeconds: 2, Source: loopback(port), Target: loopback(port)}
}

// silent accepts connections and says nothing.
func silent(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func run(t *testing.T, p Parts, c request.Check) report.Report {
	t.Helper()
	r, err := New(p).Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func status(r report.Report, leg string, layer finding.Layer) report.Layer {
	for _, l := range r.Legs {
		for _, x := range l.Layers {
			if l.Name == leg && x.Layer == layer {
				return x
			}
		}
	}
	return report.Layer{}
}

func TestALayerNamesWhatBlockedIt(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	r := run(t, p, check(silent(t)))
	if got := status(r, "source", finding.TLS); got.Status != finding.StatusFailed {
		t.Errorf("tls is %+v", got)
	}
	if got := status(r, "source", finding.Login); got.Status != finding.StatusSkipped || got.BlockedBy != finding.TLS {
		t.Errorf("login is %+v", got)
	}
	if r.ElapsedMs > 2100 {
		t.Errorf("took %.0f ms of 2000", r.ElapsedMs)
	}
}

func TestUnsupportedIsAnsweredBeforeAPacket(t *testing.T) {
	t.Parallel()
	p, dialled := parts(t)
	c := check(silent(t))
	c.Scenario.Source.Access, c.Scenario.Target.Access = request.Private, request.Public
	r := run(t, p, c)
	if r.Verdict != report.Unsupported || len(r.Legs) != 0 || dialled.Load() != 0 {
		t.Errorf("verdict %s, %d legs, %d dialled", r.Verdict, len(r.Legs), dialled.Load())
	}
}

func TestAForbiddenPortIsRefusedBeforeAPacket(t *testing.T) {
	t.Parallel()
	p, dialled := parts(t)
	policy, err := guard.Parse("127.0.0.1/32", "5432")
	if err != nil {
		t.Fatal(err)
	}
	p.CheckPort = policy.CheckPort
	r := run(t, p, check(22))
	if r.Verdict != report.Rejected || dialled.Load() != 0 || r.FirstBroken.Code != finding.RequestTargetNotAllowed {
		t.Errorf("verdict %s, %d dialled, %+v", r.Verdict, dialled.Load(), r.FirstBroken)
	}
	// What helps is the list of ports; the list of targets has nothing to do with it.
	f := r.Findings[0]
	if !strings.Contains(r.Headline, ":22 was not probed") || len(f.Remedy) != 1 ||
		!strings.HasSuffix(f.Remedy[0].Command, " ALLOWED_PORTS=OTHER_ENTRIES,22") || len(f.Causes) != 2 {
		t.Errorf("%s: %+v", r.Headline, f)
	}
}

func TestMissingRootsAreOurTrouble(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	c := check(silent(t))
	c.TimeoutSeconds = 60 // Nothing waits for it; a busy machine may need longer than 2 s allow to connect.
	c.Source.TLS.RootsSetting, c.Target.TLS.RootsSetting = "ROOTS", "ROOTS"
	r := run(t, p, c)
	if r.Verdict != report.Inconclusive || r.FirstBroken.Code != finding.CredentialUnavailable {
		t.Errorf("verdict %s, %+v", r.Verdict, r.FirstBroken)
	}
	if !strings.Contains(r.Findings[0].Detail, "setting ROOTS") {
		t.Errorf("detail %q", r.Findings[0].Detail)
	}
}

func TestACancelledCheckIsInconclusive(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("the host is going down"))
	defer cancel()
	r, err := New(p).Run(ctx, check(silent(t)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != report.Inconclusive {
		t.Errorf("verdict %s: %s", r.Verdict, r.Headline)
	}
}

func TestAPanicIsAnErrorAndNotAReport(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	p.Dialer = func(string) func(context.Context, netip.AddrPort) (net.Conn, error) { panic("planted") }
	if _, err := New(p).Run(t.Context(), check(5432)); err == nil || !strings.Contains(err.Error(), "planted") {
		t.Errorf("error %v", err)
	}
}

func TestVantageIsTheConnectionsOwnAddress(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	if r := run(t, p, check(silent(t))); r.Vantage.Address != "127.0.0.1" {
		t.Errorf("vantage %+v", r.Vantage)
	}
	p.Vantage.Address = "10.1.2.4"
	if r := run(t, p, check(silent(t))); r.Vantage.Address != "10.1.2.4" {
		t.Errorf("vantage %+v", r.Vantage)
	}
}
