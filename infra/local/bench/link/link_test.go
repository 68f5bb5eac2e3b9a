package link

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/netns"
)

// A dialogue of three turns costs four waits with the handshake, each a round trip long, and is counted so.
func TestWaitsAndTimeOfADialogue(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	client, server := namespace(t), namespace(t)
	l, err := Join(End{client, []string{"10.78.0.1/24"}}, End{server, []string{"10.78.0.2/24"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	var listener net.Listener
	if err := server.Do(func() (err error) { listener, err = net.Listen("tcp4", "10.78.0.2:5432"); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go echo(listener)

	const roundTrip = 40 * time.Millisecond
	l.SetRoundTrip(roundTrip)
	l.Take()
	started := time.Now()
	if err := client.Do(func() error { return talk("10.78.0.2:5432", 3) }); err != nil {
		t.Fatal(err)
	}
	if elapsed := time.Since(started); elapsed < 4*roundTrip {
		t.Errorf("four waits took %s: some packet came early", elapsed)
	}
	counts := l.Take()
	if at := netip.MustParseAddr("10.78.0.2"); counts.Waits[at] != 4 || counts.Connections != 1 || counts.Packets < 9 {
		t.Errorf("%+v", counts)
	}
}

func namespace(t *testing.T) netns.Namespace {
	t.Helper()
	n, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func echo(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buffer := make([]byte, 100)
			for {
				n, err := conn.Read(buffer)
				if err != nil {
					return
				}
				if _, err := conn.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}

func talk(to string, turns int) error {
	conn, err := net.Dial("tcp4", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range turns {
		if _, err := conn.Write([]byte("hello")); err != nil {
			return err
		}
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			return err
		}
	}
	return nil
}

func TestPacketsThatAreNoneOfOurs(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"empty": nil, "short": make([]byte, 19), "IPv6": append([]byte{0x60}, make([]byte, 60)...),
		"header longer than the packet": append([]byte{0x4f, 0, 0, 20}, make([]byte, 16)...),
		"total longer than the packet":  append([]byte{0x45, 0, 1, 0}, make([]byte, 16)...),
		"ICMP":                          append([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1}, make([]byte, 18)...),
		"UDP cut short":                 append([]byte{0x45, 0, 0, 24, 0, 0, 0, 0, 64, 17}, make([]byte, 14)...),
	} {
		if p, ok := read(raw); ok {
			t.Errorf("%s: read as %+v", name, p)
		}
	}
}
