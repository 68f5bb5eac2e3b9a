package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	azureHost = "orders.postgres.database.azure.com"
	// patience is what silent servers get in these tests.
	patience = 1500 * time.Millisecond
)

func addresses(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

func start(t *testing.T, names map[string]dnsserver.Script) *dnsserver.Server {
	t.Helper()
	return startWith(t, dnsserver.Options{Names: names})
}

func startWith(t *testing.T, o dnsserver.Options) *dnsserver.Server {
	t.Helper()
	server, err := dnsserver.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func observe(t *testing.T, name string, servers ...*dnsserver.Server) Observation {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	q := Question{Name: name}
	for _, server := range servers {
		q.Servers = append(q.Servers, server.Address())
	}
	started := time.Now()
	o := Observe(ctx, q)
	if over := time.Since(started) - patience; over > 3*time.Second {
		t.Errorf("overran its deadline by %v", over)
	}
	if strings.Contains(strings.Join(texts(o.Addresses), " "), dnsserver.Forged().String()) {
		t.Error("a forged address was believed")
	}
	return o
}

func codes(findings []finding.Finding) []finding.Code {
	var out []finding.Code
	for _, f := range findings {
		out = append(out, f.Code)
	}
	return out
}

// TestBehaviours has one server with one way to behave for each line, and what it must come to within the deadline.
func TestBehaviours(t *testing.T) {
	t.Parallel()
	private := addresses("10.1.2.4")
	for name, c := range map[string]struct {
		script  dnsserver.Script
		noTCP   bool
		access  request.Access
		want    finding.Code // empty: healthy
		arg     string       // must be true
		observe func(Answer) bool
	}{
		"healthy":    {script: dnsserver.Script{Addresses: private}, access: request.Private},
		"dual stack": {script: dnsserver.Script{Addresses: addresses("10.1.2.4", "fd00::4")}},
		"NXDOMAIN":   {script: dnsserver.Script{Fault: dnsserver.NXDomain}, want: finding.DNSNameNotFound},
		"NODATA":     {script: dnsserver.Script{Fault: dnsserver.EmptySOA}, want: finding.DNSNoAddress},
		"empty without SOA": {script: dnsserver.Script{Fault: dnsserver.EmptyBare},
			want: finding.DNSNoAddress},
		"SERVFAIL": {script: dnsserver.Script{Fault: dnsserver.ServFail, ExtendedError: "forwarder down"},
			want:    finding.DNSServerFailure,
			observe: func(a Answer) bool { return a.ExtendedErrors[0].Text == "forwarder down" }},
		"REFUSED": {script: dnsserver.Script{Fault: dnsserver.Refused}, want: finding.DNSRefused},
		"NOTIMP":  {script: dnsserver.Script{Fault: dnsserver.NotImp}, want: finding.DNSServerFailure},
		"FORMERR": {script: dnsserver.Script{Fault: dnsserver.FormErr}, want: finding.DNSServerFailure},
		"silent": {script: dnsserver.Script{Fault: dnsserver.Silence}, want: finding.DNSTimeout, arg: "silent",
			observe: func(a Answer) bool { return a.Outcome == TimedOut && a.Tries == 3 }},
		"first packet lost": {script: dnsserver.Script{Addresses: private, Drop: 1},
			observe: func(a Answer) bool { return a.Tries == 2 && a.WithoutEDNS }},
		"first and second packet lost": {script: dnsserver.Script{Addresses: private, Drop: 2},
			observe: func(a Answer) bool { return a.Tries == 3 && a.WithoutEDNS }},
		"every packet lost": {script: dnsserver.Script{Addresses: private, Drop: 3},
			want: finding.DNSTimeout, arg: "silent"},
		"slow": {script: dnsserver.Script{Addresses: private, Delay: 700 * time.Millisecond},
			observe: func(a Answer) bool { return !a.WithoutEDNS && a.Tries >= 2 }},
		"too slow": {script: dnsserver.Script{Addresses: private, Delay: 2 * patience},
			want: finding.DNSTimeout, arg: "silent"},
		"wrong id":   {script: dnsserver.Script{Fault: dnsserver.WrongID}, want: finding.DNSTimeout, arg: "invalid"},
		"wrong name": {script: dnsserver.Script{Fault: dnsserver.WrongName}, want: finding.DNSTimeout, arg: "invalid"},
		"wrong type": {script: dnsserver.Script{Fault: dnsserver.WrongType}, want: finding.DNSTimeout, arg: "invalid"},
		"query bit":  {script: dnsserver.Script{Fault: dnsserver.NotResponse}, want: finding.DNSTimeout, arg: "invalid"},
		"no question": {script: dnsserver.Script{Fault: dnsserver.NoQuestion}, want: finding.DNSTimeout, arg: "invalid",
			observe: func(a Answer) bool { return a.InvalidAnswers == 3 }},
		"junk":       {script: dnsserver.Script{Fault: dnsserver.Junk}, want: finding.DNSTimeout, arg: "invalid"},
		"cut record": {script: dnsserver.Script{Fault: dnsserver.CutShort}, want: finding.DNSTimeout, arg: "invalid"},
		"other port": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.OtherPort},
			want: finding.DNSTimeout, arg: "silent"},
		"flood": {script: dnsserver.Script{Fault: dnsserver.Flood}, want: finding.DNSTimeout, arg: "invalid"},
		"forged answers first": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.ForgedFirst},
			observe: func(a Answer) bool { return a.InvalidAnswers == 3 && a.Tries == 1 }},
		"stray record": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.Stray},
			observe: func(a Answer) bool { return len(a.Addresses) == 1 && a.RecordCount == 2 }},
		"truncated, TCP works": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.Truncated},
			observe: func(a Answer) bool { return a.Truncated && a.Transport == "tcp" }},
		"truncated, TCP refused": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.Truncated}, noTCP: true,
			want: finding.DNSTimeout, arg: "truncated",
			observe: func(a Answer) bool { return a.Errno == int(syscall.ECONNREFUSED) }},
		"truncated, TCP closes": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.TruncatedTCPCloses},
			want: finding.DNSTimeout, arg: "truncated"},
		"truncated, TCP silent": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.TruncatedTCPSilent},
			want: finding.DNSTimeout, arg: "truncated"},
		"truncated, TCP drips": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.TruncatedTCPDrips},
			want: finding.DNSTimeout, arg: "truncated"},
		"thousands of records": {script: dnsserver.Script{Many: 4000},
			observe: func(a Answer) bool { return a.RecordCount == 4000 && len(a.Addresses) == 64 && a.Truncated }},
		"oversized datagram": {script: dnsserver.Script{Many: 1000, Fault: dnsserver.Oversized},
			observe: func(a Answer) bool { return a.RecordCount == 1000 && a.Truncated }},
		"FORMERR to EDNS0": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.FormErrOnEDNS},
			observe: func(a Answer) bool { return a.WithoutEDNS }},
		"drops EDNS0": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.DropsEDNS},
			observe: func(a Answer) bool { return a.WithoutEDNS }},
		"AAAA fails": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.ServFail, Only: "AAAA"}},
		"AAAA unanswered": {script: dnsserver.Script{Addresses: private, Fault: dnsserver.Silence, Only: "AAAA"},
			observe: func(a Answer) bool { return a.Outcome == Answered }},
		"A fails, AAAA answers": {
			script: dnsserver.Script{Addresses: addresses("fd00::4"), Fault: dnsserver.ServFail, Only: "A"},
			want:   finding.DNSServerFailure},
		"only IPv6": {script: dnsserver.Script{Addresses: addresses("2a01:111::4")}, want: finding.DNSIPv6Only},
		"blocked with 0.0.0.0": {script: dnsserver.Script{Addresses: addresses("0.0.0.0", "::")},
			want: finding.DNSNoAddress},
		"public": {script: dnsserver.Script{Addresses: addresses("20.50.1.2")}, access: request.VNetIntegrated,
			want: finding.DNSPublicWherePrivateExpected},
		"private": {script: dnsserver.Script{Addresses: private}, access: request.Public,
			want: finding.DNSPrivateWherePublicExpected},
		"alias":            {script: dnsserver.Script{Alias: "a1.example"}},
		"loop":             {script: dnsserver.Script{Alias: "loop.example"}, want: finding.DNSCNAMELoop},
		"alias to nothing": {script: dnsserver.Script{Alias: "gone.example"}, want: finding.DNSNameNotFound},
		"private link, gone": {script: dnsserver.Script{Alias: "gone.privatelink.postgres.database.azure.com"},
			want: finding.DNSPrivateLinkRecordMissing},
		"private link, empty": {script: dnsserver.Script{Alias: "empty.privatelink.postgres.database.azure.com"},
			want: finding.DNSPrivateLinkRecordMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startWith(t, dnsserver.Options{WithoutTCP: c.noTCP, Names: map[string]dnsserver.Script{
				azureHost:      c.script,
				"a1.example":   {Alias: "a2.example"},
				"a2.example":   {Addresses: private, TTL: 5},
				"loop.example": {Alias: azureHost},
				"empty.privatelink.postgres.database.azure.com": {},
			}})
			o := observe(t, azureHost, server)
			findings := Judge(o, Expect{Access: c.access})
			var want []finding.Code
			if c.want != "" {
				want = []finding.Code{c.want}
			}
			if got := codes(findings); !slices.Equal(got, want) {
				t.Fatalf("codes = %v, want %v; observation %+v", got, want, o)
			}
			if c.arg != "" && findings[0].Args[c.arg] != true {
				t.Errorf("args = %v, want %s", findings[0].Args, c.arg)
			}
			if c.observe != nil && !c.observe(o.Servers[0].A) {
				t.Errorf("observed %+v", o.Servers[0].A)
			}
			if c.want == "" && len(o.Addresses) == 0 {
				t.Error("healthy, but no address")
			}
		})
	}
}

func TestObservationOfAHealthyName(t *testing.T) {
	t.Parallel()
	server := start(t, map[string]dnsserver.Script{
		"db.example":   {Alias: "real.example", TTL: 30},
		"real.example": {Addresses: addresses("fd00::4", "10.0.0.5", "10.0.0.4", "10.0.0.5"), TTL: 7},
	})
	o := observe(t, "DB.example", server)
	if got := strings.Join(texts(o.Addresses), " "); got != "10.0.0.5 10.0.0.4 fd00::4" {
		t.Errorf("addresses = %s", got)
	}
	a := o.Servers[0].A
	if len(a.Chain) != 1 || a.Chain[0] != (Link{Name: "DB.example", Target: "real.example", TTLSeconds: 30}) {
		t.Errorf("chain = %+v", a.Chain)
	}
	if a.RCODE != "NOERROR" || !a.Authoritative || a.Addresses[0].TTLSeconds != 7 || a.Tries != 1 || a.ElapsedMs <= 0 {
		t.Errorf("answer = %+v", a)
	}
	if o.AnsweredBy != server.Address() || o.LimitMs <= 0 || o.LimitMs > milliseconds(patience) {
		t.Errorf("answered by %v, limit %v", o.AnsweredBy, o.LimitMs)
	}
	if len(server.Queries()) != 2 {
		t.Errorf("a healthy check asks twice, asked %v", server.Queries())
	}
}

func TestNoQueryForWhatIsNotAName(t *testing.T) {
	t.Parallel()
	server := start(t, nil)
	for given, want := range map[string]finding.Code{
		"10.0.0.4":                         finding.DNSHostIsAddress,
		"my-project:europe-west1:orders":   finding.DNSHostFormUnsupported,
		"postgres://u:pw@db.example/order": finding.DNSHostFormUnsupported,
		"db.example:5432":                  finding.DNSHostFormUnsupported,
		"db.example ":                      finding.DNSHostFormUnsupported,
	} {
		if got := codes(Judge(observe(t, given, server), Expect{})); !slices.Equal(got, []finding.Code{want}) {
			t.Errorf("%q: %v, want %v", given, got, want)
		}
	}
	if queries := server.Queries(); len(queries) > 0 {
		t.Errorf("asked %v", queries)
	}
}

func TestClosedPort(t *testing.T) {
	t.Parallel()
	server := start(t, nil)
	server.Close()
	o := observe(t, "db.example", server)
	findings := Judge(o, Expect{})
	if len(findings) != 1 || findings[0].Code != finding.DNSTimeout || findings[0].Args["unreachable"] != true ||
		findings[0].Args["errno"] != int(syscall.ECONNREFUSED) {
		t.Errorf("findings = %+v", findings)
	}
	if o.ElapsedMs > 200 {
		t.Errorf("a closed port took %v ms", o.ElapsedMs)
	}
}

// TestSlowSecondServerIsNotAwaited: the grace is half a second, far less than the time allowed.
func TestSlowSecondServerIsNotAwaited(t *testing.T) {
	t.Parallel()
	quick := start(t, map[string]dnsserver.Script{"db.example": {Addresses: addresses("10.0.0.4")}})
	silent := startWith(t, dnsserver.Options{Otherwise: &dnsserver.Script{Fault: dnsserver.Silence}})
	servers := []netip.AddrPort{silent.Address(), quick.Address()}
	o := Observe(t.Context(), Question{Name: "db.example", Servers: servers})
	if o.ElapsedMs < 450 || o.ElapsedMs > 1000 {
		t.Errorf("took %v ms", o.ElapsedMs)
	}
	if o.Servers[0].A.Outcome != NotAwaited || o.AnsweredBy != quick.Address() || len(o.Addresses) != 1 {
		t.Errorf("observation = %+v", o)
	}
	if findings := Judge(o, Expect{}); len(findings) > 0 {
		t.Errorf("a server that was not awaited is blamed: %+v", findings)
	}
}

func TestServersAreComparedWithinTheGrace(t *testing.T) {
	t.Parallel()
	one := start(t, map[string]dnsserver.Script{"db.example": {Addresses: addresses("10.0.0.4")}})
	for name, c := range map[string]struct {
		script   dnsserver.Script
		about    string
		advisory bool
	}{
		"missing on one":    {dnsserver.Script{Fault: dnsserver.NXDomain, Delay: 200 * time.Millisecond}, "existence", false},
		"public on one":     {dnsserver.Script{Addresses: addresses("20.1.2.3")}, "nature", false},
		"another private":   {dnsserver.Script{Addresses: addresses("10.0.0.9")}, "addresses", true},
		"one server fails":  {dnsserver.Script{Fault: dnsserver.ServFail}, "failure", true},
		"one server is off": {dnsserver.Script{Fault: dnsserver.Refused}, "failure", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			two := start(t, map[string]dnsserver.Script{"db.example": c.script})
			findings := Judge(observe(t, "db.example", one, two), Expect{})
			if len(findings) != 1 || findings[0].Code != finding.DNSAnswersDiffer || findings[0].Advisory != c.advisory ||
				findings[0].Args["about"] != c.about {
				t.Fatalf("findings = %+v", findings)
			}
			if servers := findings[0].Args["servers"].([]string); len(servers) != 2 {
				t.Errorf("servers = %v", servers)
			}
		})
	}
}

func TestCancelledCheckBlamesNobody(t *testing.T) {
	t.Parallel()
	silent := startWith(t, dnsserver.Options{Otherwise: &dnsserver.Script{Fault: dnsserver.Silence}})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	o := Observe(ctx, Question{Name: "db.example", Servers: []netip.AddrPort{silent.Address()}})
	if o.Servers[0].A.Outcome != Cancelled || len(Judge(o, Expect{})) > 0 || o.ElapsedMs > 150 {
		t.Errorf("observation = %+v", o)
	}
}

func TestDialThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	release := make(chan struct{})
	defer close(release)
	stuck := func(context.Context, string, netip.AddrPort) (net.Conn, error) {
		<-release
		return nil, errors.New("released")
	}
	servers := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	o := Observe(ctx, Question{Name: "db.example", Servers: servers, Dial: stuck})
	if o.ElapsedMs > 150 || o.Servers[0].A.Outcome != TimedOut || o.Servers[0].AAAA.Outcome != TimedOut {
		t.Errorf("observation = %+v", o)
	}
}

func TestServerOverIPv6(t *testing.T) {
	t.Parallel()
	server, err := dnsserver.Start(dnsserver.Options{Address: "[::1]:0",
		Names: map[string]dnsserver.Script{"db.example": {Addresses: addresses("10.0.0.4")}}})
	if err != nil {
		t.Skip("no IPv6 loopback:", err)
	}
	t.Cleanup(server.Close)
	if o := observe(t, "db.example", server); len(o.Addresses) != 1 {
		t.Errorf("observation = %+v", o)
	}
}

func TestAtMostFourDistinctServers(t *testing.T) {
	t.Parallel()
	var all []netip.AddrPort
	for _, port := range []uint16{1, 1, 2, 3, 4, 5} {
		all = append(all, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
	}
	if got := distinct(all); len(got) != 4 || got[3].Address.Port() != 4 {
		t.Errorf("servers = %+v", got)
	}
}

// TestHostileServerCostsLittle holds memory against the two answers that could cost much.
func TestHostileServerCostsLittle(t *testing.T) {
	server := start(t, map[string]dnsserver.Script{"many.example": {Many: 4000}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	observed := observe(t, "many.example", server)
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 32 {
		t.Errorf("allocated %d MiB, with the test server's part", allocated)
	}
	if len(observed.Addresses) != 64 {
		t.Errorf("%d addresses", len(observed.Addresses))
	}
}
