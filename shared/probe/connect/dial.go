package connect

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialled is the result of one dial, by its place among the addresses.
type dialled struct {
	index   int
	conn    net.Conn
	err     error
	elapsed time.Duration
}

// race is one round of parallel dials.
type race struct {
	attempts []Attempt
	winner   net.Conn
	pending  int
}

// dialAll dials every address once, at the same time.
func dialAll(ctx context.Context, t Target, addresses []netip.Addr, number int) ([]Attempt, net.Conn) {
	r := race{pending: len(addresses)}
	for _, address := range addresses {
		r.attempts = append(r.attempts, Attempt{Address: address.String(), Number: number})
	}
	if len(addresses) == 1 {
		// Nothing to race: to wait here costs no goroutine.
		r.take(ctx, t.dial(ctx, addresses[0], 0))
		return r.attempts, r.winner
	}
	dialCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := time.Now()
	results := make(chan dialled, len(addresses))
	for i, address := range addresses {
		go func() { results <- t.dial(dialCtx, address, i) }()
	}
	r.collect(ctx, started, results)
	if r.pending > 0 {
		go closeLate(results, r.pending)
	}
	return r.attempts, r.winner
}

func (t Target) dial(ctx context.Context, address netip.Addr, index int) dialled {
	started := time.Now()
	conn, err := t.Dial(ctx, netip.AddrPortFrom(address, t.Port))
	return dialled{index: index, conn: conn, err: err, elapsed: time.Since(started)}
}

// collect takes results until all are in, the winner's patience is over, or ctx ends.
func (r *race) collect(ctx context.Context, started time.Time, results <-chan dialled) {
	var enough <-chan time.Time
	for r.pending > 0 {
		select {
		case result := <-results:
			won := r.winner == nil
			r.take(ctx, result)
			if won && r.winner != nil && r.pending > 0 {
				enough = time.After(max(patience, patienceFactor*result.elapsed) - time.Since(started))
			}
		case <-enough:
			r.leave(Timeout, time.Since(started))
			return
		case <-ctx.Done():
			r.leave(ended(ctx), time.Since(started))
			return
		}
	}
}

// take records one result and keeps or closes its connection.
func (r *race) take(ctx context.Context, result dialled) {
	r.pending--
	a := &r.attempts[result.index]
	a.ElapsedMs = ms(result.elapsed)
	if result.err != nil {
		a.fail(ctx, result.err)
		return
	}
	a.Outcome = Connected
	a.LocalAddress = result.conn.LocalAddr().String()
	a.Kernel = Inspect(result.conn)
	if r.winner == nil {
		r.winner, a.Kept = result.conn, true
		return
	}
	// Nothing was sent on it and nothing else can be done about a failing close.
	_ = result.conn.Close()
}

// leave gives up on the dials that have not ended.
func (r *race) leave(outcome Outcome, elapsed time.Duration) {
	for i := range r.attempts {
		if a := &r.attempts[i]; a.Outcome == "" {
			a.Outcome, a.ElapsedMs, a.Unfinished = outcome, ms(elapsed), r.winner != nil
		}
	}
}

// closeLate closes connections that are made after we have gone; cancelling the dials makes that rare and short.
func closeLate(results <-chan dialled, pending int) {
	for range pending {
		if result := <-results; result.conn != nil {
			_ = result.conn.Close()
		}
	}
}

// policyRefusal is what package guard's *Refusal implements; this package does not need to know it otherwise.
type policyRefusal interface{ RefusedByPolicy() string }

// fail classifies by type and error number, never by text: texts differ between platforms and Go versions.
func (a *Attempt) fail(ctx context.Context, err error) {
	var refusal policyRefusal
	var number syscall.Errno
	var network net.Error
	switch {
	case errors.As(err, &refusal):
		a.Outcome, a.Policy = RefusedByPolicy, refusal.RefusedByPolicy()
	case errors.As(err, &number):
		a.Outcome, a.Errno, a.ErrnoName = outcomeOf(number), int(number), errnoName(number)
	case over(ctx):
		a.Outcome = ended(ctx)
	case errors.As(err, &network) && network.Timeout():
		a.Outcome = Timeout
	default:
		a.Outcome = Other
	}
}

// over waits for ctx where its deadline has passed: the dialer's own timer can be a moment ahead of that of ctx, which
// alone knows whose deadline it was.
func over(ctx context.Context) bool {
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) <= 0 {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}
