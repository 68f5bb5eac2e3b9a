package check

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// baselineFile is what `make bench-allocs` compares with; `make bench-allocs-baseline` writes it anew.
const baselineFile = "testdata/benchmark.txt"

// BenchmarkCheck is a full check of a source and a target on this machine, its report and its rows included.
func BenchmarkCheck(b *testing.B) {
	runner, c := benchmarked(b)
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		whole(b, runner, c)
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// processorTime is that of this process: the check and the little DNS server, not PostgreSQL.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBrokenCheck is a check whose endpoints swallow every packet, without the waiting and the kernel's part.
func BenchmarkBrokenCheck(b *testing.B) {
	p, _ := parts(b)
	p.Dialer = func(string) func(context.Context, netip.AddrPort) (net.Conn, error) {
		return func(context.Context, netip.AddrPort) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}
		}
	}
	runner, c := New(p), healthyCheck(5432, 5432)
	c.Source.Host, c.Target.Host = "127.0.0.1", "127.0.0.1"
	b.ReportAllocs()
	for b.Loop() {
		r, err := runner.Run(b.Context(), c)
		if err != nil || r.FirstBroken == nil || r.FirstBroken.Code != finding.TCPTimeout {
			b.Fatal(err, r.Headline)
		}
		if _, err := store.Encode(r); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocationsOfACheck holds the number against the baseline: unlike time it is the same on every machine. It runs
// beside no other test.
func TestAllocationsOfACheck(t *testing.T) {
	want := baseline(t)
	runner, c := benchmarked(t)
	got := testing.AllocsPerRun(20, func() { whole(t, runner, c) })
	t.Logf("%.0f allocations, %.0f in the baseline", got, want)
	if got > want*1.15 {
		t.Errorf("%.0f allocations for a check, 1.15 times the %.0f of %s at most", got, want, baselineFile)
	}
}

// benchmarked are a runner and a check that it has made once: what is kept from one check to the next is there.
func benchmarked(t testing.TB) (*Runner, request.Check) {
	t.Helper()
	server, roots := healthyServer(t, postgres.Options{Init: healthyRole()})
	names := frugalNames(t)
	p, _ := parts(t)
	p.Resolvers = func() ([]netip.AddrPort, error) { return []netip.AddrPort{names}, nil }
	p.Credentials = rooted{roots}
	runner, c := New(p), healthyCheck(server.Port, server.Port)
	whole(t, runner, c)
	return runner, c
}

func whole(t testing.TB, runner *Runner, c request.Check) {
	r, err := runner.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, leg := range []string{"source", "target"} {
		if answered(r, leg) < 5 {
			t.Fatalf("%s never came to the prerequisites: %s", leg, r.Headline)
		}
	}
	if _, err := store.Encode(r); err != nil {
		t.Fatal(err)
	}
}

// frugalNames is a DNS server that says 127.0.0.1 to every question for A, nothing to any other, and allocates nothing
// while it does: its allocations would count as the check's.
func frugalNames(t testing.TB) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			if answer := frugalAnswer(buffer, n); answer != nil {
				_, _ = conn.WriteToUDPAddrPort(answer, from) // Who asked may be gone.
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// frugalAnswer turns the question in the buffer into its answer (RFC 1035, section 4.1).
func frugalAnswer(buffer []byte, n int) []byte {
	const header = 12
	end := header
	for end < n && buffer[end] != 0 {
		end += int(buffer[end]) + 1
	}
	if end += 5; end > n {
		return nil
	}
	isA := binary.BigEndian.Uint16(buffer[end-4:]) == 1
	binary.BigEndian.PutUint16(buffer[2:], 0x8180) // an answer, recursion desired and available
	binary.BigEndian.PutUint64(buffer[4:], 1<<48)  // one question
	answer := buffer[:end]
	if isA {
		buffer[7] = 1
		answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
	}
	return answer
}

// baseline is the median of the baseline's allocations.
func baseline(t *testing.T) float64 {
	t.Helper()
	raw, err := os.ReadFile(baselineFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []float64
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.HasPrefix(fields[0], "BenchmarkCheck") || fields[len(fields)-1] != "allocs/op" {
			continue
		}
		n, err := strconv.ParseFloat(fields[len(fields)-2], 64)
		if err != nil {
			t.Fatalf("%s: %v", baselineFile, err)
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		t.Fatalf("%s holds no BenchmarkCheck", baselineFile)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
