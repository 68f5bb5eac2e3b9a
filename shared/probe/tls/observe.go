// Package tls asks an open connection for TLS the way PostgreSQL does (SSLRequest) and completes the handshake, with the
// certificate judged beside it: one handshake shows trust, name and dates together. It does not dial, sends no password
// and never falls back to plain text; whether to go on after reply N is its caller's decision.
package tls

import (
	"context"
	cryptotls "crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Groups says which key exchanges are offered.
type Groups string

const (
	// P256First offers P-256 first: PostgreSQL before 18 takes nothing else by default, and any other first choice costs
	// a round trip (HelloRetryRequest). It is the default.
	P256First Groups = "p256"
	// Full offers everything that Go can, RSA key exchange included, as OpenSSL clients do. It is for the one more
	// connection after Observation.GroupsRefused.
	Full Groups = "full"
)

// Target is what the handshake is held against.
type Target struct {
	// ServerName is a DNS name or an address; a trailing dot is ignored.
	ServerName string
	Mode       request.TLSMode
	// Roots are the authorities to trust; nil means those of the system.
	Roots *x509.CertPool
	// Now is the clock for the certificate's dates; zero means the system's.
	Now    time.Time
	Groups Groups
	// Chains remembers trusted chains from one check to the next; nil verifies each anew.
	Chains *Chains
}

// Observe runs the conversation on conn until ctx ends. It returns a *crypto/tls.Conn, whose ConnectionState serves
// channel binding, or after reply N conn itself: the caller decides whether to go on without TLS. Where there is nothing
// to go on with, or where Mode demands a verification that failed, it closes conn and returns nil. The end of ctx is
// the layer's time-out; cancelling it, or ending it with a cause of its own, is our own trouble.
func Observe(ctx context.Context, conn net.Conn, t Target) (Observation, net.Conn) {
	started := time.Now()
	t = t.withDefaults()
	o := Observation{ServerName: t.ServerName, ServerNameIsAddress: isAddress(t.ServerName), Stage: StageOpen}
	if ctx.Err() != nil {
		o.Ended, o.BudgetExhausted = EndedCancelled, true
		_ = conn.Close()
		return o, nil
	}
	wire := &tap{Conn: conn}
	release := obey(ctx, conn)
	next := o.converse(ctx, wire, t)
	release()
	if next == nil {
		_ = conn.Close()
	}
	o.record(ctx, wire)
	o.Times.TotalMs = ms(time.Since(started))
	return o, next
}

func (t Target) withDefaults() Target {
	t.ServerName = strings.TrimSuffix(t.ServerName, ".")
	if t.Now.IsZero() {
		t.Now = time.Now()
	}
	if t.Groups == "" {
		t.Groups = P256First
	}
	return t
}

// converse returns the connection to go on with, nil where there is none.
func (o *Observation) converse(ctx context.Context, wire *tap, t Target) net.Conn {
	asked := time.Now()
	secure := o.open(ctx, wire)
	o.Times.ReplyMs = ms(time.Since(asked))
	if !secure {
		if o.Reply == "N" && o.Ended == "" {
			return wire.Conn
		}
		return nil
	}
	return o.handshake(ctx, wire, t)
}

// record keeps what the wire showed, and tells the layer's time-out from the end of the whole check.
func (o *Observation) record(ctx context.Context, wire *tap) {
	o.FirstBytes = newBytes(wire.first)
	o.Received, o.Sent = wire.received, wire.sent
	if o.Ended == EndedTimeout && ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		o.Ended, o.BudgetExhausted = EndedCancelled, true
	}
}

// Revisit looks for an alert that came after the handshake, as a server of TLS 1.3 sends it that misses a client
// certificate. Call it with the connection of Observe where the next layer got no answer, or where there is no next
// layer; the observation it returns is to be judged again. It reads for 50 ms or two round trips, 500 ms at most, and
// leaves the connection useless.
func Revisit(o Observation, conn net.Conn) (Observation, bool) {
	secured, ok := conn.(*cryptotls.Conn)
	if !ok || o.Stage != StageSecured || o.Handshake == nil {
		return o, false
	}
	// On a closed connection this fails, and crypto/tls still knows how its reading ended.
	twice := time.Duration(2 * o.Times.ReplyMs * float64(time.Millisecond))
	_ = secured.SetReadDeadline(time.Now().Add(min(max(50*time.Millisecond, twice), 500*time.Millisecond)))
	var one [1]byte
	_, err := secured.Read(one[:])
	code, ok := AlertFrom(err)
	if !ok {
		return o, false
	}
	handshake := *o.Handshake
	handshake.AlertReceived = newAlert(code)
	handshake.AlertReceived.Late = true
	o.Handshake, o.Stage, o.Ended = &handshake, StageHandshake, EndedAlert
	return o, true
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
