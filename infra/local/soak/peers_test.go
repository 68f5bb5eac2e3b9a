package soak

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/sys/unix"
)

// script is what a peer does with one connection, which is closed when it returns.
type script func(conn *net.TCPConn)

// longest bounds one connection: a peer whose client never goes would be a leak that looks like the client's.
const longest = 2 * time.Minute

// peer plays a script on each connection to a port of its own.
func peer(t *testing.T, play script) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(longest))
				play(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return listener.Addr().(*net.TCPAddr).Port
}

// refused is a port that is taken, so that nobody else gets it, and on which nobody listens.
func refused(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return bound.(*unix.SockaddrInet4).Port
}

// then does one thing after another.
func then(all ...script) script {
	return func(conn *net.TCPConn) {
		for _, one := range all {
			one(conn)
		}
	}
}

func readRequest(conn *net.TCPConn) { _, _ = io.ReadFull(conn, make([]byte, 8)) }

// readSome waits for the next bytes, such as a ClientHello.
func readSome(conn *net.TCPConn) { _, _ = conn.Read(make([]byte, 4096)) }

// wait reads until the client is gone.
func wait(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }

// closeGently ends with FIN, without the reset that unread bytes would add.
func closeGently(conn *net.TCPConn) {
	_ = conn.CloseWrite()
	wait(conn)
}

func reset(conn *net.TCPConn) { _ = conn.SetLinger(0) }

func say(text string) script {
	return func(conn *net.TCPConn) { _, _ = io.WriteString(conn, text) }
}

// drip sends a byte at a time, until the client is gone.
func drip(text string, every time.Duration) script {
	return func(conn *net.TCPConn) {
		for i := 0; ; i = (i + 1) % len(text) {
			if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(every)
		}
	}
}

// flood sends a block again and again until the client is gone.
func flood(block string) script {
	return func(conn *net.TCPConn) {
		for {
			if _, err := io.WriteString(conn, block); err != nil {
				return
			}
		}
	}
}

// speech is what a scripted server says from the startup packet on.
type speech func(conn net.Conn, back *pgproto3.Backend)

// speaks is a server that offers TLS, shows a certificate and then speaks.
func speaks(certificate tls.Certificate, run speech) script {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	return func(conn *net.TCPConn) {
		first := make([]byte, 8)
		if _, err := io.ReadFull(conn, first); err != nil || binary.BigEndian.Uint32(first[4:]) != 80877103 {
			return // Everybody here asks for TLS.
		}
		say("S")(conn)
		secured := tls.Server(conn, config)
		if secured.Handshake() != nil {
			closeGently(conn)
			return
		}
		back := pgproto3.NewBackend(secured, secured)
		if _, err := back.ReceiveStartupMessage(); err != nil {
			return
		}
		run(secured, back)
		_ = secured.CloseWrite()
		closeGently(conn)
	}
}

// silent says nothing and waits for the client to go.
func silent(conn net.Conn, _ *pgproto3.Backend) { _, _ = io.Copy(io.Discard, conn) }

func closes(net.Conn, *pgproto3.Backend) {}

func fatal(sqlstate, message string) speech {
	return func(_ net.Conn, back *pgproto3.Backend) {
		back.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: sqlstate, Message: message})
		_ = back.Flush()
	}
}

// endless sends a beginning and then a block until the client is gone.
func endless(beginning, block string) speech {
	return func(conn net.Conn, _ *pgproto3.Backend) {
		_, err := io.WriteString(conn, beginning)
		for err == nil {
			_, err = io.WriteString(conn, block)
		}
	}
}

// again sends one message until the client is gone.
func again(t *testing.T, m pgproto3.BackendMessage) speech {
	t.Helper()
	encoded, err := m.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return endless("", strings.Repeat(string(encoded), max(1, 60_000/len(encoded))))
}

// liar lets everybody in at once, in the midst of SCRAM.
func liar(_ net.Conn, back *pgproto3.Backend) {
	back.Send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256"}})
	if back.Flush() != nil || back.SetAuthType(pgproto3.AuthTypeSASL) != nil {
		return
	}
	if _, err := back.Receive(); err != nil {
		return
	}
	back.Send(&pgproto3.AuthenticationOk{})
	back.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	_ = back.Flush()
}
