// Package connect opens one TCP connection to an endpoint and records what every address answered. It sends no byte
// of its own after the handshake, resolves nothing and does not decide what may be dialled.
package connect

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// maxAddresses caps what a hostile or careless DNS answer can make us dial.
	maxAddresses = 8
	// patience is how long every address gets after another one has won. Linux sends a lost SYN again after 1 s, so
	// this forgives one loss at round trips up to 500 ms; slower winners stretch it (patienceFactor).
	patience       = 1500 * time.Millisecond
	patienceFactor = 3
	// secondAfter is long enough for a restarting listener or a connection-rate limit to pass, and short for a user.
	secondAfter = 300 * time.Millisecond
)

// Target is where to connect. Dial makes one connection or says why not, and ends with its context; package guard
// supplies it.
type Target struct {
	Addresses []netip.Addr
	Port      uint16
	Dial      func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// Observe dials all chosen addresses at once and keeps the first connection; the others are closed before any byte,
// which PostgreSQL does not log. The connection is nil where none was made. The end of ctx is the layer's time-out;
// cancelling ctx, or ending it with a cause of its own (context.WithDeadlineCause), is our own trouble.
func Observe(ctx context.Context, t Target) (Observation, net.Conn) {
	started := time.Now()
	addresses, notTried := choose(t.Addresses)
	o := Observation{Port: t.Port, NotTried: notTried}
	if ctx.Err() != nil {
		o.BudgetExhausted = true
		return o, nil
	}
	attempts, conn := dialAll(ctx, t, addresses, 1)
	o.Attempts = attempts
	if answeredNo(attempts) && pause(ctx, secondAfter) {
		attempts, conn = dialAll(ctx, t, addresses, 2)
		o.Attempts = append(o.Attempts, attempts...)
	}
	o.keep(conn)
	o.BudgetExhausted = conn == nil && anyOf(o.Attempts, Cancelled)
	o.ElapsedMs = ms(time.Since(started))
	return o, conn
}

// keep records the connection that goes on. Its kernel figures were read when it was made.
func (o *Observation) keep(conn net.Conn) {
	if conn == nil {
		return
	}
	o.LocalAddress, o.RemoteAddress = conn.LocalAddr().String(), conn.RemoteAddr().String()
	attempt := kept(*o)
	o.RTTMs = attempt.ElapsedMs
	if attempt.Kernel != nil && attempt.Kernel.RTTMs > 0 {
		o.RTTMs = attempt.Kernel.RTTMs
	}
}

// choose takes IPv4 where there is any: the firewalls of flexible servers know IPv4 only, and libpq asks getaddrinfo,
// which sorts IPv6 last on hosts without a global IPv6 address (RFC 6724).
func choose(all []netip.Addr) ([]netip.Addr, []NotTried) {
	var four, six []netip.Addr
	var left []NotTried
	seen := map[netip.Addr]bool{}
	for _, a := range all {
		a = a.Unmap()
		switch {
		case !a.IsValid():
			left = append(left, NotTried{Address: a.String(), Reason: "invalid"})
		case seen[a]:
		case a.Is4():
			four = append(four, a)
		default:
			six = append(six, a)
		}
		seen[a] = true
	}
	chosen := four
	if len(four) == 0 {
		chosen, six = six, nil
	}
	for _, a := range six {
		left = append(left, NotTried{Address: a.String(), Reason: "ipv6"})
	}
	for len(chosen) > maxAddresses {
		last := len(chosen) - 1
		left = append(left, NotTried{Address: chosen[last].String(), Reason: "limit"})
		chosen = chosen[:last]
	}
	return chosen, left
}

// answeredNo says that every address gave an answer and the answer was no: only then is a second attempt cheap.
func answeredNo(attempts []Attempt) bool {
	for _, a := range attempts {
		switch a.Outcome {
		case Refused, HostUnreachable, NetworkUnreachable:
		default:
			return false
		}
	}
	return len(attempts) > 0
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ended is the outcome of an attempt that ctx ended: the layer's own deadline is the peer's silence, anything else ours.
func ended(ctx context.Context) Outcome {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return Timeout
	}
	return Cancelled
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
