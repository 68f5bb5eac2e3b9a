package tls

import (
	"bytes"
	"context"
	cryptotls "crypto/tls"
	"encoding/json"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// script is what a server does with its one connection. The connection is closed when it returns.
type script func(t *testing.T, conn *net.TCPConn)

// connectTo starts a server with the script and returns the client's end.
func connectTo(t *testing.T, run script) net.Conn {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	server, err := l.AcceptTCP()
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer server.Close()
		run(t, server)
	}()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
		<-finished
	})
	return client
}

// afterwards runs a script to its end before the client goes on, for what a server does before it is spoken to.
func afterwards(t *testing.T, run script) net.Conn {
	t.Helper()
	done := make(chan struct{})
	client := connectTo(t, func(t *testing.T, conn *net.TCPConn) {
		run(t, conn)
		close(done)
		waitForEnd(t, conn)
	})
	<-done
	return client
}

func readRequest(t *testing.T, conn net.Conn) {
	t.Helper()
	got := make([]byte, 8)
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sslRequest()) {
		t.Errorf("SSLRequest is % x, %v", got, err)
	}
}

// readSome waits for the next bytes, which are the ClientHello.
func readSome(_ *testing.T, conn net.Conn) {
	buffer := make([]byte, 4096)
	_, _ = conn.Read(buffer)
}

func waitForEnd(_ *testing.T, conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }

func reset(_ *testing.T, conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// closeGently sends FIN without the reset that unread bytes would add.
func closeGently(t *testing.T, conn *net.TCPConn) {
	_ = conn.CloseWrite()
	waitForEnd(t, conn)
}

func say(text string) script {
	return func(_ *testing.T, conn *net.TCPConn) { _, _ = conn.Write([]byte(text)) }
}

func drip(text string, every time.Duration) script {
	return func(_ *testing.T, conn *net.TCPConn) {
		for i := range len(text) {
			if _, err := conn.Write([]byte{text[i]}); err != nil {
				return
			}
			time.Sleep(every)
		}
	}
}

func steps(all ...script) script {
	return func(t *testing.T, conn *net.TCPConn) {
		for _, step := range all {
			step(t, conn)
		}
	}
}

func asConn(f func(*testing.T, net.Conn)) script {
	return func(t *testing.T, conn *net.TCPConn) { f(t, conn) }
}

// secure answers S and serves TLS until the client is gone.
func secure(config *cryptotls.Config) script { return secureOver(config, nil) }

// secureOver is secure with something between TLS and the socket.
func secureOver(config *cryptotls.Config, over func(net.Conn) net.Conn) script {
	return func(t *testing.T, conn *net.TCPConn) {
		readRequest(t, conn)
		_, _ = conn.Write([]byte{'S'})
		var under net.Conn = conn
		if over != nil {
			under = over(conn)
		}
		server := cryptotls.Server(under, config)
		if err := server.Handshake(); err != nil {
			closeGently(t, conn)
			return
		}
		_, _ = io.Copy(io.Discard, server)
	}
}

// cutAfter lets only the first bytes of the server's writing through, as a path does that drops full-sized packets.
type cutAfter struct {
	net.Conn
	left int
}

func (c *cutAfter) Write(p []byte) (int, error) {
	n := min(c.left, len(p))
	c.left -= n
	if _, err := c.Conn.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// byteByByte writes every byte on its own.
type byteByByte struct {
	net.Conn
	every time.Duration
}

func (c *byteByByte) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
		time.Sleep(c.every)
	}
	return len(p), nil
}

const host = "db.example.test"

// authority and certificate fail the test where the machine cannot make them.
func authority(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority("test root")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func certificate(t *testing.T, a *pki.Authority, o pki.Options) *cryptotls.Config {
	t.Helper()
	c, err := a.Issue(o)
	if err != nil {
		t.Fatal(err)
	}
	return &cryptotls.Config{Certificates: []cryptotls.Certificate{c}, MinVersion: cryptotls.VersionTLS12}
}

// observe runs the probe and holds it to its deadline.
func observe(t *testing.T, conn net.Conn, limit time.Duration, target Target) (Observation, net.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	started := time.Now()
	o, next := Observe(ctx, conn, target)
	if over := time.Since(started) - limit; over > 3*time.Second {
		t.Errorf("returned %v after the deadline", over)
	}
	if next != nil {
		t.Cleanup(func() { _ = next.Close() })
	}
	return o, next
}

// judge judges what a kept report would give back, which must be the same.
func judge(t *testing.T, o Observation, mode request.TLSMode) []finding.Finding {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back Observation
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return Judge(back, Expect{Mode: mode})
}

// wantOne expects one finding, checks some of its args and returns it.
func wantOne(t *testing.T, o Observation, code finding.Code, args finding.Args) {
	t.Helper()
	found := judge(t, o, request.TLSRequire)
	if len(found) != 1 || found[0].Code != code || found[0].Layer != finding.TLS {
		t.Fatalf("findings %v, want %s; observation %+v", found, code, o)
	}
	for key, want := range args {
		if got := found[0].Args[key]; got != want {
			t.Errorf("args[%q] = %v (%T), want %v; observation %+v", key, got, got, want, o)
		}
	}
}
