//go:build linux

package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

func TestOneAddressOpensExactlyOneConnectionAndSendsNothing(t *testing.T) {
	t.Parallel()
	server := listen(t, netip.MustParseAddrPort("127.0.0.1:0"))
	o, conn := Observe(within(t, 5*time.Second), Target{Addresses: addrs("127.0.0.1"), Port: server.port, Dial: dial})
	if conn == nil {
		t.Fatalf("no connection: %+v", o)
	}
	if Inspect(conn) == nil && runtime.GOOS == "linux" {
		t.Error("the kernel has no figures of an open connection")
	}
	_ = conn.Close()
	if n := <-server.bytes; n != 0 {
		t.Errorf("%d bytes were sent", n)
	}
	select {
	case <-server.bytes:
		t.Error("a second connection was made")
	case <-time.After(50 * time.Millisecond):
	}
	if len(o.Attempts) != 1 || o.Attempts[0].Outcome != Connected || !o.Attempts[0].Kept {
		t.Errorf("attempts: %+v", o.Attempts)
	}
	if o.RTTMs <= 0 || o.LocalAddress == "" || o.RemoteAddress != conn.RemoteAddr().String() {
		t.Errorf("observation: %+v", o)
	}
	if found := Judge(o); len(found) != 0 {
		t.Errorf("findings on a good connection: %v", found)
	}
}

func TestSeveralAddressesKeepOneAndCloseTheRestWithoutAByte(t *testing.T) {
	t.Parallel()
	first := listen(t, netip.MustParseAddrPort("127.0.0.1:0"))
	second := listen(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), first.port))
	o, conn := Observe(within(t, 5*time.Second),
		Target{Addresses: addrs("127.0.0.1", "127.0.0.2"), Port: first.port, Dial: dial})
	if conn == nil {
		t.Fatalf("no connection: %+v", o)
	}
	loser := second
	if o.RemoteAddress == fmt.Sprintf("127.0.0.2:%d", first.port) {
		loser = first
	}
	if n := <-loser.bytes; n != 0 {
		t.Errorf("%d bytes on the connection that was not kept", n)
	}
	_ = conn.Close()
	if found := Judge(o); len(found) != 0 {
		t.Errorf("findings though both addresses answer: %v", found)
	}
}

func TestClosedPortIsTriedExactlyTwice(t *testing.T) {
	t.Parallel()
	o, conn := Observe(within(t, 5*time.Second), Target{Addresses: addrs("127.0.0.1"), Port: closedPort(t), Dial: dial})
	if conn != nil {
		t.Fatal("connected to a closed port")
	}
	if len(o.Attempts) != 2 || o.Attempts[1].Number != 2 || o.Attempts[1].ErrnoName != "ECONNREFUSED" {
		t.Errorf("attempts: %+v", o.Attempts)
	}
	wantCode(t, o, finding.TCPRefused)
}

func TestListenerThatComesBackBetweenTheAttempts(t *testing.T) {
	t.Parallel()
	port := closedPort(t)
	dials := 0
	restarting := func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		dials++
		if dials == 2 {
			listen(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
		}
		return dial(ctx, to)
	}
	o, conn := Observe(within(t, 5*time.Second), Target{Addresses: addrs("127.0.0.1"), Port: port, Dial: restarting})
	if conn == nil {
		t.Fatalf("no connection: %+v", o)
	}
	defer conn.Close()
	args := wantCode(t, o, finding.TCPIntermittent)
	if args["sameAddress"] != true {
		t.Errorf("args: %v", args)
	}
}

func TestSilenceUntilTheDeadlineIsATimeout(t *testing.T) {
	t.Parallel()
	port := blackHole(t, [4]byte{127, 0, 0, 1})
	started := time.Now()
	o, conn := Observe(within(t, 200*time.Millisecond), Target{Addresses: addrs("127.0.0.1"), Port: port, Dial: dial})
	if conn != nil || o.BudgetExhausted || o.Attempts[0].ElapsedMs < 150 {
		t.Errorf("observation: %+v", o)
	}
	if over := time.Since(started) - 200*time.Millisecond; over > 3*time.Second {
		t.Errorf("returned %v after the deadline", over)
	}
	wantCode(t, o, finding.TCPTimeout)
}

func TestSilenceUntilTheWholeCheckEndsIsNoTimeout(t *testing.T) {
	t.Parallel()
	port := blackHole(t, [4]byte{127, 0, 0, 1})
	check, cancel := context.WithDeadlineCause(t.Context(), time.Now().Add(100*time.Millisecond), errors.New("budget"))
	defer cancel()
	layer, cancelLayer := context.WithTimeout(check, 10*time.Second)
	defer cancelLayer()
	o, conn := Observe(layer, Target{Addresses: addrs("127.0.0.1"), Port: port, Dial: dial})
	if conn != nil || !o.BudgetExhausted || o.Attempts[0].Outcome != Cancelled {
		t.Errorf("observation: %+v", o)
	}
	if found := Judge(o); len(found) != 0 {
		t.Errorf("findings: %v", found)
	}
}

func TestBudgetThatIsOverBeforeTheLayerStarts(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o, conn := Observe(ctx, Target{Addresses: addrs("127.0.0.1"), Port: 1, Dial: dial})
	if conn != nil || !o.BudgetExhausted || len(o.Attempts) != 0 {
		t.Errorf("observation: %+v", o)
	}
}

func TestBlackHoleAmongTheAddressesIsSeenWithoutWaitingForIt(t *testing.T) {
	t.Parallel()
	port := blackHole(t, [4]byte{127, 0, 0, 3})
	listen(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
	started := time.Now()
	o, conn := Observe(within(t, 20*time.Second),
		Target{Addresses: addrs("127.0.0.3", "127.0.0.1"), Port: port, Dial: dial})
	if conn == nil {
		t.Fatalf("no connection: %+v", o)
	}
	defer conn.Close()
	if took := time.Since(started); took < patience || took > patience+3*time.Second {
		t.Errorf("took %v", took)
	}
	args := wantCode(t, o, finding.TCPIntermittent)
	if !slices.Equal(args["works"].([]string), []string{"127.0.0.1"}) ||
		!slices.Equal(args["fails"].([]string), []string{"127.0.0.3 timeout"}) {
		t.Errorf("args: %v", args)
	}
}

func TestSeveralDialsThatIgnoreTheirContextDoNotHoldUs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	closed := make(chan struct{}, 2)
	deaf := func(context.Context, netip.AddrPort) (net.Conn, error) {
		<-release
		return closeSignal{closed: closed}, nil
	}
	started := time.Now()
	o, conn := Observe(within(t, 50*time.Millisecond), Target{Addresses: addrs("127.0.0.1", "127.0.0.2"), Port: 1, Dial: deaf})
	if conn != nil || o.Attempts[0].Outcome != Timeout || time.Since(started) > 5*time.Second {
		t.Errorf("observation: %+v", o)
	}
	close(release)
	for range 2 {
		<-closed // a connection that comes too late is closed all the same
	}
}

type closeSignal struct {
	net.Conn
	closed chan struct{}
}

func (c closeSignal) Close() error { c.closed <- struct{}{}; return nil }

type refusal struct{}

func (refusal) Error() string           { return "refused" }
func (refusal) RefusedByPolicy() string { return "link-local" }

func TestErrorsAreClassifiedByTypeAndNumber(t *testing.T) {
	t.Parallel()
	wrap := func(number syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", number)}
	}
	for _, test := range []struct {
		err     error
		outcome Outcome
		code    finding.Code
	}{
		{wrap(syscall.ECONNREFUSED), Refused, finding.TCPRefused},
		{wrap(syscall.ETIMEDOUT), Timeout, finding.TCPTimeout},
		{wrap(syscall.EHOSTUNREACH), HostUnreachable, finding.TCPHostUnreachable},
		{wrap(syscall.ENOPROTOOPT), HostUnreachable, finding.TCPHostUnreachable},
		{wrap(syscall.EPROTO), HostUnreachable, finding.TCPHostUnreachable},
		{wrap(syscall.ENONET), HostUnreachable, finding.TCPHostUnreachable},
		{wrap(syscall.ENETUNREACH), NetworkUnreachable, finding.TCPNetworkUnreachable},
		{wrap(syscall.EPERM), NotPermitted, finding.TCPNotPermitted},
		{wrap(syscall.EACCES), NotPermitted, finding.TCPNotPermitted},
		{wrap(syscall.EADDRNOTAVAIL), LocalPortsExhausted, finding.TCPLocalPortsExhausted},
		{wrap(syscall.EMFILE), LocalPortsExhausted, finding.TCPLocalPortsExhausted},
		{wrap(syscall.EINVAL), Other, finding.TCPHostUnreachable},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, Timeout, finding.TCPTimeout},
		{fmt.Errorf("dial: %w", refusal{}), RefusedByPolicy, finding.RequestTargetNotAllowed},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			t.Parallel()
			failing := func(context.Context, netip.AddrPort) (net.Conn, error) { return nil, test.err }
			o, _ := Observe(within(t, 5*time.Second), Target{Addresses: addrs("127.0.0.1"), Port: 1, Dial: failing})
			if got := o.Attempts[0].Outcome; got != test.outcome {
				t.Errorf("outcome %s, want %s", got, test.outcome)
			}
			args := wantCode(t, o, test.code)
			if test.outcome == RefusedByPolicy && args["reason"] != "link-local" {
				t.Errorf("args: %v", args)
			}
		})
	}
}

// A network namespace of its own, with loopback down, has no route at all.
func TestHostWithoutARoute(t *testing.T) {
	t.Parallel()
	var denied error
	isolated := func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine and takes the namespace along
		if denied = syscall.Unshare(syscall.CLONE_NEWNET); denied != nil {
			return nil, denied
		}
		return dial(ctx, to)
	}
	o, _ := Observe(within(t, 5*time.Second), Target{Addresses: addrs("127.0.0.1"), Port: 5432, Dial: isolated})
	if denied != nil {
		t.Skipf("no network namespace: %v", denied)
	}
	wantCode(t, o, finding.TCPNetworkUnreachable)
}

func TestChoosePrefersIPv4AndStopsAtEight(t *testing.T) {
	t.Parallel()
	many := addrs("::1", "::ffff:127.0.0.1", "127.0.0.1")
	for i := range 9 {
		many = append(many, netip.AddrFrom4([4]byte{127, 0, 1, byte(i)}))
	}
	chosen, left := choose(many)
	if len(chosen) != maxAddresses || chosen[0] != netip.MustParseAddr("127.0.0.1") || !chosen[7].Is4() {
		t.Errorf("chosen: %v", chosen)
	}
	want := []NotTried{{"::1", "ipv6"}, {"127.0.1.8", "limit"}, {"127.0.1.7", "limit"}}
	if !slices.Equal(left, want) {
		t.Errorf("left: %v, want %v", left, want)
	}
	if chosen, left = choose(addrs("::1")); len(chosen) != 1 || len(left) != 0 {
		t.Errorf("IPv6 alone: %v, %v", chosen, left)
	}
}

// wantCode expects exactly one finding and returns its args.
func wantCode(t *testing.T, o Observation, code finding.Code) finding.Args {
	t.Helper()
	found := Judge(o)
	if len(found) != 1 || found[0].Code != code {
		t.Fatalf("findings %v, want %s; observation %+v", found, code, o)
	}
	return found[0].Args
}
