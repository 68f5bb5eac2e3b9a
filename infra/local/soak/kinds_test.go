package soak

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// patient is a time-out that no check here needs. Short is that of peers that keep silent: they cost all of a layer's
// share of it.
const (
	patient = 120
	short   = 4
)

// kind is one sort of check and how it must come out.
type kind struct {
	name    string
	verdict report.Verdict
	// code is what stands first; empty where nothing is broken.
	code finding.Code
	// weight is how many of the checks are of this kind, by the sum of all weights.
	weight int
	// timed is about a peer that takes its time. On a machine that is just as slow the check may truthfully end in an
	// earlier silence, or inconclusive.
	timed  bool
	change func(source, target *request.Endpoint)
}

// names are the scripts of the DNS server, by the kinds' hosts.
func names() map[string]dnsserver.Script {
	here := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	all := map[string]dnsserver.Script{sourceHost: {Addresses: here}, targetHost: {Addresses: here},
		"outside.corp.example": {Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.2")}},
		"loop.corp.example":    {Alias: "loop.corp.example"}}
	for _, fault := range []dnsserver.Fault{dnsserver.NXDomain, dnsserver.ServFail, dnsserver.Refused, dnsserver.EmptyBare,
		dnsserver.Silence, dnsserver.WrongID, dnsserver.Junk, dnsserver.CutShort, dnsserver.TruncatedTCPDrips} {
		all[hostOf(fault)] = dnsserver.Script{Fault: fault, Addresses: here}
	}
	return all
}

// hostOf is a name about which the DNS server misbehaves.
func hostOf(fault dnsserver.Fault) string {
	return strings.ReplaceAll(strings.ReplaceAll(string(fault), " ", "-"), ",", "") + ".corp.example"
}

// request is the healthy check, changed as the kind says.
func (g *ground) request(k kind, number int) request.Check {
	end := func(host string, port int, database string) request.Endpoint {
		return request.Endpoint{Host: host, Port: port, Databases: []string{database}, User: "migrator",
			Credential: request.Credential{Setting: "MIGRATOR_PASSWORD"},
			TLS:        request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "ROOTS"}}
	}
	c := request.Check{Version: 1, ID: fmt.Sprintf("soak-%d", number), Route: fmt.Sprintf("route-%d", number%100),
		Mode: request.Offline, Depth: request.DepthPrerequisites, TimeoutSeconds: patient, RequestedBy: "soak",
		Source: end(sourceHost, g.source.Port, "orders"), Target: end(targetHost, g.target.Port, "postgres")}
	if k.timed {
		c.TimeoutSeconds = short
	}
	if k.change != nil {
		k.change(&c.Source, &c.Target)
	}
	return c
}

// at sends both ends to one port.
func at(port int) func(source, target *request.Endpoint) {
	return func(source, target *request.Endpoint) { source.Port, target.Port = port, port }
}

// source changes the source alone.
func source(change func(*request.Endpoint)) func(source, target *request.Endpoint) {
	return func(source, _ *request.Endpoint) { change(source) }
}

func (g *ground) kinds(t *testing.T) []kind {
	t.Helper()
	all := append(g.real(), asked()...)
	all = append(all, strangers(t)...)
	return append(all, g.speakers(t)...)
}

// real are checks of PostgreSQL itself.
func (g *ground) real() []kind {
	return []kind{
		{name: "healthy", verdict: report.Ready, weight: 8},
		{name: "wrong password", verdict: report.NotReady, code: finding.AuthFailed, weight: 2,
			change: source(func(e *request.Endpoint) { e.Credential.Setting = "WRONG_PASSWORD" })},
		{name: "no such database", verdict: report.NotReady, code: finding.DatabaseMissing, weight: 2,
			change: source(func(e *request.Endpoint) { e.Databases = []string{"missing"} })},
		{name: "rejected by pg_hba.conf", verdict: report.NotReady, code: finding.HBARejected, weight: 2,
			change: source(func(e *request.Endpoint) { e.User = "unwanted" })},
		{name: "certificate of another name", verdict: report.NotReady, code: finding.TLSNameMismatch, weight: 2,
			change: func(source, target *request.Endpoint) { source.Port, target.Port = target.Port, source.Port }},
		{name: "no password in the settings", verdict: report.Inconclusive, code: finding.CredentialUnavailable, weight: 2,
			change: source(func(e *request.Endpoint) { e.Credential.Setting = "MISSING_PASSWORD" })},
	}
}

// asked are answers of the DNS server.
func asked() []kind {
	var all []kind
	add := func(host string, verdict report.Verdict, code finding.Code, timed bool) {
		all = append(all, kind{name: "DNS: " + strings.TrimSuffix(host, ".corp.example"), verdict: verdict, code: code, weight: 2,
			timed: timed, change: func(source, target *request.Endpoint) { source.Host, target.Host = host, host }})
	}
	for fault, code := range map[dnsserver.Fault]finding.Code{dnsserver.NXDomain: finding.DNSNameNotFound,
		dnsserver.ServFail: finding.DNSServerFailure, dnsserver.Refused: finding.DNSRefused, dnsserver.EmptyBare: finding.DNSNoAddress} {
		add(hostOf(fault), report.NotReady, code, false)
	}
	for _, fault := range []dnsserver.Fault{dnsserver.Silence, dnsserver.WrongID, dnsserver.Junk, dnsserver.CutShort,
		dnsserver.TruncatedTCPDrips} {
		add(hostOf(fault), report.NotReady, finding.DNSTimeout, true)
	}
	add("loop.corp.example", report.NotReady, finding.DNSCNAMELoop, false)
	add("outside.corp.example", report.Rejected, finding.RequestTargetNotAllowed, false)
	return all
}

// strangers are ports behind which nobody speaks PostgreSQL.
func strangers(t *testing.T) []kind {
	t.Helper()
	block, large := strings.Repeat("\x00", 64<<10), "\x16\x03\x03\x40\x00\x02\xff\xff\xff"+strings.Repeat("\x00", 16380)
	record := "\x16\x03\x03\x40\x00" + strings.Repeat("\x04", 16<<10)
	hello := then(readRequest, say("S"), readSome)
	all := []kind{{name: "refused", verdict: report.NotReady, code: finding.TCPRefused, weight: 8, change: at(refused(t))}}
	add := func(name string, code finding.Code, timed bool, does ...script) {
		all = append(all, kind{name: name, verdict: report.NotReady, code: code, weight: 2, timed: timed,
			change: at(peer(t, then(does...)))})
	}
	add("silent", finding.PeerSilent, true, wait)
	add("closes", finding.PeerClosed, false, readRequest, closeGently)
	add("resets", finding.PeerReset, false, readRequest, reset)
	add("SSH", finding.PeerNotPostgres, false, say("SSH-2.0-OpenSSH_9.2p1\r\n"), wait)
	add("HTTP", finding.PeerNotPostgres, false, readRequest, say("HTTP/1.1 400 Bad Request\r\n\r\n"), closeGently)
	add("floods at once", finding.PeerNotPostgres, false, flood(block))
	add("floods when asked", finding.PeerNotPostgres, false, readRequest, flood(strings.Repeat("S", 64<<10)))
	add("an error of a gigabyte", finding.PeerNotPostgres, false, readRequest, say("E\x40\x00\x00\x00"), flood(block))
	add("drips", finding.PeerNotPostgres, true, readRequest, drip("xyz", 50*time.Millisecond))
	add("no TLS", finding.TLSNotOffered, false, readRequest, say("N"), readSome, closeGently)
	add("TLS cut off", finding.TLSClosed, false, hello, closeGently)
	add("TLS never answered", finding.TLSStalled, true, hello, wait)
	add("text for TLS", finding.TLSNotTLS, false, hello, say("Proxy: no such back end\r\n"), wait)
	add("TLS of zeros without end", finding.TLSNotTLS, false, hello, flood(block))
	add("TLS records without end", finding.TLSHandshake, false, hello, flood(record))
	add("TLS message of 16 MB", finding.TLSHandshake, false, hello, say(large), flood(record))
	return all
}

// speakers are scripted servers behind a certificate that is right, but for the first two.
func (g *ground) speakers(t *testing.T) []kind {
	t.Helper()
	right := g.certificate(t, sourceHost, targetHost)
	var all []kind
	add := func(name string, code finding.Code, run speech) {
		all = append(all, kind{name: name, verdict: report.NotReady, code: code, weight: 2, change: at(peer(t, speaks(right, run)))})
	}
	for name, o := range map[string]pki.Options{
		"certificate run out": {CommonName: sourceHost, Names: []string{sourceHost, targetHost},
			NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(0, 0, -3)}} {
		certificate, err := g.authority.Issue(o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kind{name: name, verdict: report.NotReady, code: finding.TLSExpired, weight: 2,
			change: at(peer(t, speaks(certificate, silent)))})
	}
	add("closes after the startup packet", finding.PeerClosed, closes)
	add("full", finding.ServerFull, fatal("53300", "sorry, too many clients already"))
	add("an error that acts on terminals", finding.ServerError, fatal("XX000", "\x1b[31mred\x1b[0m\r\nlevel=info"))
	add("a message of a gigabyte", finding.ProtocolViolation, endless("R\x3f\xff\xff\xff", strings.Repeat("x", 60_000)))
	add("notices without end", finding.ProtocolViolation, again(t, &pgproto3.NoticeResponse{Severity: "NOTICE", Message: "x"}))
	add("lets everybody in", finding.ProtocolViolation, liar)
	all = append(all, kind{name: "silent after the startup packet", verdict: report.NotReady, code: finding.LoginStalled, weight: 2,
		timed: true, change: at(peer(t, speaks(right, silent)))})
	return all
}
