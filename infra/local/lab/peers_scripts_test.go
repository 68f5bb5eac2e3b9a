package lab

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// script is what a server does with one connection, which is closed when it returns.
type script func(conn *net.TCPConn)

// then does one thing after another.
func then(all ...script) script {
	return func(conn *net.TCPConn) {
		for _, one := range all {
			one(conn)
		}
	}
}

// secure answers SSLRequest with S and serves TLS until the client is gone.
func secure(config *tls.Config) script {
	return then(readRequest, say("S"), func(conn *net.TCPConn) {
		server := tls.Server(conn, config)
		if server.Handshake() != nil {
			closeGently(conn)
			return
		}
		_, _ = io.Copy(io.Discard, server)
	})
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

// reset ends with RST.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

func say(text string) script {
	return func(conn *net.TCPConn) { _, _ = io.WriteString(conn, text) }
}

// drip sends a byte at a time.
func drip(text string, every time.Duration) script {
	return func(conn *net.TCPConn) {
		for i := range len(text) {
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
