// Package send posts what package wire wrote to an OTLP collector over HTTP. Nobody waits for it: its caller is a
// background goroutine of OpenTelemetry's SDK, and what cannot be delivered in time is dropped and counted in the log.
package send

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Options are where to and how. URL and Timeout are needed.
type Options struct {
	URL     string
	Headers map[string]secret.String
	// Timeout bounds a message with all its attempts.
	Timeout time.Duration
	Gzip    bool
	// Certificate is a PEM file with the roots that the collector is verified by; empty means the system's.
	Certificate string
}

// Client is safe for concurrent use.
type Client struct {
	options Options
	client  http.Client
}

// New makes a client. It connects to nothing. The error is that of the certificate's file.
func New(o Options) (*Client, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		ForceAttemptHTTP2: true}
	if o.Certificate != "" {
		pem, err := os.ReadFile(o.Certificate)
		if err != nil {
			return nil, fmt.Errorf("read the collector's roots: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("read the collector's roots: the file has no certificate")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &Client{options: o, client: http.Client{Transport: transport,
		// The headers hold a token: where another place asks for them, they are not sent.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// StatusError is an answer that is no success.
type StatusError struct{ Status int }

// Error implements error.
func (e *StatusError) Error() string { return "the collector answered " + strconv.Itoa(e.Status) }

// RejectedError is a success of which the collector says that it took a part only.
type RejectedError struct{ Count uint64 }

// Error implements error.
func (e *RejectedError) Error() string {
	return "the collector rejected " + strconv.FormatUint(e.Count, 10) + " of the items"
}

// The delays between attempts; a collector's Retry-After goes before.
const (
	delayFirst = 500 * time.Millisecond
	delayMost  = 5 * time.Second
)

// Post delivers one message, again where the collector asks for that, until the timeout or the context ends.
func (c *Client) Post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	if c.options.Gzip {
		body = compressed(body)
	}
	for delay := delayFirst; ; delay = min(2*delay, delayMost) {
		wait, err := c.attempt(ctx, body)
		if err == nil || wait < 0 {
			return err
		}
		if !pause(ctx, max(wait, delay)) {
			return err
		}
	}
}

// attempt gives how long to wait before the next one at least; less than 0 where there is to be none.
func (c *Client) attempt(ctx context.Context, body []byte) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL, bytes.NewReader(body))
	if err != nil {
		return -1, fmt.Errorf("post telemetry: %w", err)
	}
	for name, value := range c.options.Headers {
		request.Header.Set(name, value.Reveal())
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("User-Agent", "pgpreflight")
	if c.options.Gzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("post telemetry: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return -1, rejected(answer)
	case again(response.StatusCode):
		return after(response.Header.Get("Retry-After")), &StatusError{response.StatusCode}
	case err != nil:
		return 0, fmt.Errorf("post telemetry: %w", err)
	}
	return -1, &StatusError{response.StatusCode}
}

// again are the answers that OTLP lets be tried again.
// https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
func again(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func after(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

func pause(ctx context.Context, delay time.Duration) bool {
	if end, bounded := ctx.Deadline(); bounded && time.Until(end) <= delay {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func compressed(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
