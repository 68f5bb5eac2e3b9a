package login

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"time"
)

// wire is the connection with our limits on what is read. pgconn goes on reading through it after login, so nothing
// that the server sent early is lost and no limit ends with the login.
type wire struct {
	net.Conn
	buffered *bufio.Reader
	meter    meter
	header   [headerLen]byte
	body     []byte
}

func newWire(conn net.Conn) *wire {
	return &wire{Conn: conn, buffered: bufio.NewReaderSize(conn, maxText), meter: meter{maxBody: maxBodyBeforeLogin}}
}

// Read implements io.Reader; its error is a *LimitError once the peer went over a limit.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.buffered.Read(p)
	if limit := w.meter.pass(p[:n]); limit != nil {
		return 0, limit
	}
	return n, err
}

// message is one backend message: its type byte and its body, which the next message overwrites.
type message struct {
	kind byte
	body []byte
}

func (w *wire) next() (message, error) {
	if _, err := io.ReadFull(w, w.header[:]); err != nil {
		return message{}, err
	}
	w.body = slices.Grow(w.body[:0], w.meter.body)[:w.meter.body]
	if _, err := io.ReadFull(w, w.body); err != nil {
		return message{}, err
	}
	return message{kind: w.header[0], body: w.body}, nil
}

// peek waits for the first answer and returns what has arrived of it, at least a header.
func (w *wire) peek() ([]byte, error) {
	if head, err := w.buffered.Peek(headerLen); err != nil {
		return head, err
	}
	return w.buffered.Peek(min(w.buffered.Buffered(), maxText))
}

// drop closes the connection without a word. A TLS close_notify could wait seconds for a peer that does not read.
func (w *wire) drop() {
	if encrypted, ok := w.Conn.(*tls.Conn); ok {
		_ = encrypted.NetConn().Close()
		return
	}
	_ = w.Close()
}

// part closes the connection politely. PostgreSQL leaves no line in its log when a client that was asked for a password
// goes away like this, as psql does to ask its user; a Terminate message at that point would be logged as FATAL.
func (w *wire) part() {
	_ = w.SetDeadline(time.Now().Add(time.Second))
	_ = w.Close()
}
