package tls

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	// keepBytes is how much of what the peer said first is kept as evidence.
	keepBytes = 64
	// maxHandshakeBytes bounds a handshake; a chain of ten large certificates takes a tenth of it.
	maxHandshakeBytes = 1 << 20
)

var (
	errNotTLS  = errors.New("the peer sent something that is no TLS record")
	errTooMuch = errors.New("the peer sent more handshake bytes than are taken")
)

// tap sits between the connection and crypto/tls and remembers what the wire showed, so that a failure is classified by
// bytes and error numbers. After the handshake it only passes through.
type tap struct {
	net.Conn
	first          []byte
	received, sent int64
	in, out        records
	// handshaking is true from ClientHello to the end of the handshake.
	handshaking bool
	// failed is how reading or writing ended, empty while it has not; atWrite says which of the two.
	failed  Ending
	atWrite bool
}

// NetConn is the connection below, as crypto/tls calls it.
func (t *tap) NetConn() net.Conn { return t.Conn }

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if err != nil && t.failed == "" {
		t.failed = endingOf(err)
	}
	t.received += int64(n)
	if room := keepBytes - len(t.first); room > 0 {
		t.first = append(t.first, p[:min(n, room)]...)
	}
	if !t.handshaking {
		return n, err
	}
	t.in.feed(p[:n])
	switch {
	case t.in.notTLS:
		t.failed = EndedNotTLS
		return 0, errNotTLS
	case t.received > maxHandshakeBytes:
		t.failed = EndedTooMuch
		return 0, errTooMuch
	}
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	if err != nil && t.failed == "" {
		t.failed, t.atWrite = endingOf(err), true
	}
	t.sent += int64(n)
	if t.handshaking {
		t.out.feed(p[:n])
	}
	return n, err
}

// endingOf classifies what a socket returns. EPIPE follows a close that we had received before we wrote; a reset without
// one is ECONNRESET (tcp_reset in the kernel's net/ipv4/tcp_input.c).
func endingOf(err error) Ending {
	var number syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return EndedTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
		return EndedClosed
	case errors.As(err, &number):
		switch number {
		case syscall.ECONNRESET:
			return EndedReset
		case syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH:
			return EndedTimeout
		}
	}
	return EndedClosed
}

// linger collects what else arrives, up to limit bytes or a short while: enough to tell a dripping banner from noise.
func (t *tap) linger(ctx context.Context, limit int) []byte {
	const while = 250 * time.Millisecond
	failed, handshaking := t.failed, t.handshaking
	t.handshaking = false
	defer func() { t.failed, t.handshaking = failed, handshaking }()
	t.setReadDeadline(ctx, time.Now().Add(while))
	collected := make([]byte, 0, limit)
	for len(collected) < limit {
		n, err := t.Read(collected[len(collected):limit])
		collected = collected[:len(collected)+n]
		if err != nil || n == 0 {
			break
		}
	}
	t.setReadDeadline(ctx, time.Time{})
	return collected
}

// setReadDeadline never outlives ctx: where ctx ends after the check here, obey sets its own deadline after ours.
func (t *tap) setReadDeadline(ctx context.Context, deadline time.Time) {
	_ = t.SetReadDeadline(deadline)
	if ctx.Err() != nil {
		_ = t.SetReadDeadline(longAgo())
	}
}

func longAgo() time.Time { return time.Unix(1, 0) }

// obey makes the end of ctx the end of every read and write. The returned function takes that back and leaves the
// connection without a deadline.
func obey(ctx context.Context, conn net.Conn) func() {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = conn.SetDeadline(longAgo())
	})
	return func() {
		if !stop() {
			<-done
		}
		_ = conn.SetDeadline(time.Time{})
	}
}
