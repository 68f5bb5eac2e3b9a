package guard_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/guard"
)

// listen returns a listener on loopback and where it listens.
func listen(t *testing.T) (net.Listener, netip.AddrPort) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener, netip.MustParseAddrPort(listener.Addr().String())
}

func TestDialerRefusesBeforeAPacketLeaves(t *testing.T) {
	t.Parallel()
	listener, to := listen(t)
	port := strconv.Itoa(int(to.Port()))
	refusing := map[string]guard.Policy{
		"zero":       {},
		"not named":  parse(t, "0.0.0.0/0,*.example.com", port),
		"wrong port": parse(t, "127.0.0.1", "1"),
	}
	for name, policy := range refusing {
		_, err := policy.Dialer("x.example.com")(t.Context(), to)
		refusal, ok := errors.AsType[*guard.Refusal](err)
		if !ok || refusal.Host != "x.example.com" || refusal.Address != to.Addr() || refusal.Port != int(to.Port()) {
			t.Errorf("%s: got %#v, want a refusal of %s", name, err, to)
		}
	}
	// Had a refused dial connected, it would stand before the allowed one in the queue.
	conn, err := parse(t, "127.0.0.1", port).Dialer("x.example.com")(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = accepted.Close() }()
	if accepted.RemoteAddr().String() != conn.LocalAddr().String() {
		t.Errorf("%s came first, want the allowed %s", accepted.RemoteAddr(), conn.LocalAddr())
	}
}

func TestDialerDialsTheMappedForm(t *testing.T) {
	t.Parallel()
	_, to := listen(t)
	mapped := netip.AddrPortFrom(netip.AddrFrom16(to.Addr().As16()), to.Port())
	conn, err := parse(t, "127.0.0.1", "1-65535").Dialer("db")(t.Context(), mapped)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestDialerKeepsErrno(t *testing.T) {
	t.Parallel()
	listener, to := listen(t)
	_ = listener.Close()
	conn, err := parse(t, "127.0.0.1", "1-65535").Dialer("db")(t.Context(), to)
	if conn != nil {
		t.Errorf("got a connection %v, want the nil interface", conn)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); !ok || errno != syscall.ECONNREFUSED {
		t.Errorf("got %v, want errno ECONNREFUSED within reach", err)
	}
}

func TestDialerObeysTheContext(t *testing.T) {
	t.Parallel()
	_, to := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	conn, err := parse(t, "127.0.0.1", "1-65535").Dialer("db")(ctx, to)
	if conn != nil || err == nil {
		t.Errorf("got %v, %v after cancel, want an error", conn, err)
	}
}
