package guard_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// inside is set in the process that has a network of its own.
const inside = "GUARD_TEST_INSIDE"

// TestOnePortServesEveryFarAddress dials two servers where there is one local port. A port that is bound before the
// connection is made serves one of them, and an instance that checks a fleet would run out of ports.
func TestOnePortServesEveryFarAddress(t *testing.T) {
	if os.Getenv(inside) == "" {
		again(t)
		return
	}
	if out, err := exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("30000 30000"), 0); err != nil {
		t.Fatal(err)
	}
	policy := parse(t, "127.0.0.1", "1-65535")
	for _, address := range []string{"127.0.0.1:2001", "127.0.0.1:2002"} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		conn, err := policy.Dialer("db")(t.Context(), netip.MustParseAddrPort(address))
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		defer conn.Close()
	}
}

// again runs the calling test in a network namespace that holds loopback and nothing else.
func again(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip is not installed")
	}
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	run.Env = append(os.Environ(), inside+"=1")
	run.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
		t.Fatalf("%v: %s", err, out)
	}
}
