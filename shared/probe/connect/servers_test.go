//go:build linux

package connect

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// listening accepts connections on address:port (port 0 picks one) and reports how many bytes each one sent.
type listening struct {
	port uint16
	// bytes gets one number per accepted connection, when the peer has closed it.
	bytes chan int64
}

func listen(t *testing.T, address netip.AddrPort) listening {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	server := listening{port: portOf(l), bytes: make(chan int64, 16)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				n, _ := io.Copy(io.Discard, conn)
				server.bytes <- n
			}()
		}
	}()
	return server
}

// closedPort was free a moment ago, so that a SYN is answered with a reset.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer l.Close()
	return portOf(l)
}

// blackHole listens with a full queue that nobody empties: Linux then drops every further SYN without an answer.
func blackHole(t *testing.T, address [4]byte) uint16 {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("socket: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	// Below the ports that connections get by themselves: a test may want the same port at another address.
	for try := range 20 {
		if err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: address, Port: 10_000 + rand.IntN(20_000)}); err == nil {
			break
		}
		t.Logf("try %d: bind: %v", try, err)
	}
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatalf("listen: %v", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatalf("getsockname: %v", err)
	}
	port := bound.(*syscall.SockaddrInet4).Port
	to := netip.AddrPortFrom(netip.AddrFrom4(address), uint16(port))
	for range 8 {
		conn, err := net.DialTimeout("tcp", to.String(), 50*time.Millisecond)
		if err != nil {
			return to.Port()
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("this kernel's accept queue does not fill")
	return 0
}

func dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

func portOf(l net.Listener) uint16 {
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

func addrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
