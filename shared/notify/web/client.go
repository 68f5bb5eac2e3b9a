package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// bodyMost is more than an answer needs; what is longer is as good as cut off.
	bodyMost    = 1 << 20
	dialWithin  = 5 * time.Second
	idleAtMost  = 4
	idleTimeout = 30 * time.Second
)

// Options describe a client.
type Options struct {
	Hosts Hosts
	// Resolvers are asked for names instead of the instance's own; empty means those of the instance.
	Resolvers []netip.AddrPort
	// Roots are trusted; nil means the system's.
	Roots *x509.CertPool
}

// Client is safe for concurrent use.
type Client struct {
	hosts     Hosts
	resolver  *net.Resolver
	transport *http.Transport
}

// New makes a client. It dials nothing.
func New(o Options) *Client {
	c := &Client{hosts: o.Hosts, resolver: resolver(o.Resolvers)}
	c.transport = &http.Transport{
		// A proxy of the environment would be dialled instead of what was allowed.
		Proxy:               nil,
		DialContext:         c.dial,
		TLSClientConfig:     &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		DisableCompression:  true,
		MaxIdleConnsPerHost: idleAtMost,
		IdleConnTimeout:     idleTimeout,
	}
	return c
}

// Close ends the connections that nobody uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Answer is a whole answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// FailedError means that there was no whole answer.
type FailedError struct {
	// Sent tells that the request, or a part of it, left: whether it had its effect is not known.
	Sent  bool
	cause error
	text  string
}

// Garbled is a whole answer of 2xx that is not what was asked for: somebody else than the one who was asked answered.
func Garbled() *FailedError {
	return &FailedError{Sent: true, text: "its answer is not what was asked for"}
}

// Error implements error. Its text holds no address's path or query.
func (e *FailedError) Error() string { return e.text }

// Unwrap gives the cause.
func (e *FailedError) Unwrap() error { return e.cause }

// Do sends a request and reads its whole answer, whatever the status; a redirect is an answer like any other. The
// context bounds all of it. The error is a *RefusedError before a packet leaves, else a *FailedError.
func (c *Client) Do(r *http.Request) (Answer, error) {
	if err := c.hosts.CheckURL(r.URL.String()); err != nil {
		return Answer{}, err
	}
	var sent atomic.Bool
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
	}))
	r.Header.Set("User-Agent", "pgpreflight")
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return Answer{}, failed(r.Context(), err, sent.Load())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyMost))
	if err != nil {
		return Answer{}, failed(r.Context(), err, true)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// dial lets the resolver of Go choose among a name's addresses and looks at each just before it is connected to, so
// that there is no moment in which a name could come to stand for another address.
func (c *Client) dial(ctx context.Context, network, to string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(to)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	dialer := net.Dialer{Timeout: dialWithin, Resolver: c.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return &RefusedError{"the address that would be dialled cannot be read"}
			}
			return c.hosts.checkAddress(host, at.Addr())
		}}
	return dialer.DialContext(ctx, network, to)
}

// resolver asks the given servers, in turn; nil is the system's.
func resolver(servers []netip.AddrPort) *net.Resolver {
	if len(servers) == 0 {
		return nil
	}
	var turn atomic.Uint64
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, servers[(turn.Add(1)-1)%uint64(len(servers))].String())
	}}
}

// failed says what went wrong by type and errno. The texts of the library are left out: they quote what the peer wrote.
func failed(ctx context.Context, err error, sent bool) error {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused
	}
	f := &FailedError{Sent: sent, cause: err, text: "the connection broke off"}
	if !sent {
		f.text = "it could not be connected to"
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case untrusted:
		f.text = "its certificate is not trusted"
	case noTLS, alert:
		f.text = "it does not agree on TLS"
	case unknown:
		f.text = "its name does not resolve"
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		f.text = "it gave no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.text = "it refused the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		f.text = "it cannot be reached"
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.text = "its answer broke off"
	}
	return f
}
