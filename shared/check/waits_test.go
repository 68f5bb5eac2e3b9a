package check

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// relay passes one server's connections on and counts the client's turns: how often it spoke after it had heard
// something. That is the number of round trips, whatever the clock says.
type relay struct {
	address     netip.AddrPort
	mu          sync.Mutex
	connections int
	turns       int
	// records are the TLS records that the server sent since the client's last turn, the most of all turns in most.
	records, most int
	// passing are the connections whose client has not closed yet.
	passing sync.WaitGroup
}

// hold is how long the server's bytes are kept before they are handed on. What the client sends meanwhile, it sends
// without having waited for them.
const hold = 25 * time.Millisecond

func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	r := &relay{address: netip.MustParseAddrPort(listener.Addr().String())}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				return
			}
			r.mu.Lock()
			r.connections++
			r.mu.Unlock()
			r.passing.Go(func() { r.pass(client, server) })
		}
	}()
	return r
}

func (r *relay) pass(client, server net.Conn) {
	heard := true // the connection itself was waited for, and is counted apart
	var mu sync.Mutex
	go func() {
		defer client.Close()
		var read framing
		for chunk := range chunks(server) {
			time.Sleep(hold)
			mu.Lock()
			heard = true
			r.count(read.records(chunk))
			_, err := client.Write(chunk)
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	defer server.Close()
	for chunk := range chunks(client) {
		mu.Lock()
		if heard {
			r.mu.Lock()
			r.turns, r.records = r.turns+1, 0
			r.mu.Unlock()
		}
		heard = false
		mu.Unlock()
		if _, err := server.Write(chunk); err != nil {
			return
		}
	}
}

func (r *relay) count(records int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records += records
	r.most = max(r.most, r.records)
}

// framing follows a server's bytes: the answer to SSLRequest, and then TLS records (RFC 8446, section 5.1).
type framing struct {
	answered bool
	header   []byte
	body     int
}

// records is how many begin in the bytes that came next.
func (f *framing) records(p []byte) (n int) {
	const headerLen = 5
	if !f.answered && len(p) > 0 {
		f.answered, p = true, p[1:]
	}
	for len(p) > 0 {
		if f.body > 0 {
			skip := min(f.body, len(p))
			f.body, p = f.body-skip, p[skip:]
			continue
		}
		take := min(headerLen-len(f.header), len(p))
		f.header, p = append(f.header, p[:take]...), p[take:]
		if len(f.header) == headerLen {
			f.body, f.header, n = int(binary.BigEndian.Uint16(f.header[3:])), nil, n+1
		}
	}
	return n
}

func chunks(conn net.Conn) <-chan []byte {
	out := make(chan []byte, 1000)
	go func() {
		defer close(out)
		for {
			buffer := make([]byte, 64<<10)
			n, err := conn.Read(buffer)
			if n > 0 {
				out <- buffer[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// waitingFor are the servers that a check has to wait for differently.
func waitingFor() map[string]struct {
	options postgres.Options
	most    int
} {
	role := healthyRole()
	return map[string]struct {
		options postgres.Options
		most    int
	}{
		// DNS 1, TCP 1, SSLRequest 1, TLS 1, startup 1, SCRAM 1, and the last password message with the login query and every
		// prerequisite 1.
		"as it is installed": {postgres.Options{Init: role}, 7},
		// TLS asks for another key: 1 more.
		"P-256 refused": {postgres.Options{Init: role, Settings: map[string]string{"ssl_ecdh_curve": "secp384r1"}}, 8},
		// One message is the whole exchange, and the questions travel with it: no more than SCRAM.
		"md5": {postgres.Options{Init: append([]string{"SET password_encryption = 'md5'"}, role...),
			HBA: []string{"hostssl all all all md5"}}, 8},
	}
}

// oneWindow is how many packets a young connection may have on their way (RFC 6928). PostgreSQL sends one for each
// record; more records than that in one turn are a wait that the count of turns does not show.
const oneWindow = 10

// TestWaits counts what a healthy check of one endpoint waits for, DNS to the last prerequisite's answer.
func TestWaits(t *testing.T) {
	t.Parallel()
	for name, server := range waitingFor() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waitsOf(t, server.options, server.most)
		})
	}
}

func waitsOf(t *testing.T, o postgres.Options, most int) {
	server, roots := healthyServer(t, o)
	names, err := dnsserver.Start(dnsserver.Options{Names: map[string]dnsserver.Script{
		healthyHost: {Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(names.Close)
	source, target := startRelay(t, server.Endpoint()), startRelay(t, server.Endpoint())

	p, _ := parts(t)
	p.Resolvers = func() ([]netip.AddrPort, error) { return []netip.AddrPort{names.Address()}, nil }
	p.Credentials = rooted{roots}
	seen := run(t, p, healthyCheck(int(source.address.Port()), int(target.address.Port())))
	for name, r := range map[string]*relay{"source": source, "target": target} {
		if layer := status(seen, name, finding.Prerequisites); layer.Observation == nil {
			t.Fatalf("%s never came to the prerequisites: %s", name, seen.Headline)
		}
		if asked := answered(seen, name); asked < 5 {
			t.Fatalf("%s answered only %d questions", name, asked)
		}
		r.passing.Wait()
		r.mu.Lock()
		// The goodbye is a turn of the relay that nobody waits for.
		waits := 2 + r.turns - 1
		if r.connections != 1 {
			t.Errorf("%s: %d connections, want 1", name, r.connections)
		}
		t.Logf("%s: %d waits; at most %d records in one turn", name, waits, r.most)
		if waits > most {
			t.Errorf("%s: %d waits, want at most %d", name, waits, most)
		}
		if r.most == 0 || r.most > oneWindow {
			t.Errorf("%s: %d records in one turn of the server's, want 1 to %d", name, r.most, oneWindow)
		}
		r.mu.Unlock()
	}
	// both questions left at once: one wait for each endpoint
	if asked := len(names.Queries()); asked != 4 {
		t.Errorf("%d DNS questions for two endpoints, want 4", asked)
	}
}

func answered(r report.Report, leg string) int {
	seen, _ := status(r, leg, finding.Prerequisites).Observation.(evidence.Prerequisites)
	return seen.Answered
}
