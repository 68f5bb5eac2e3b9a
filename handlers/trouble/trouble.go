// Package trouble is how functions meet their own trouble: a table or queue that does not answer is asked again for a
// while. It knows no function and decides nothing about messages.
package trouble

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// The delays between tries. Each try has retries of its own within seconds; these carry over an outage.
const (
	delayFirst = 250 * time.Millisecond
	delayMost  = 4 * time.Second
)

// The kinds of trying again.
const (
	// AgainCall is a call to tables or queue that is made again within an invocation.
	AgainCall = "call"
	// AgainBusy is a message put back because every slot was taken, AgainPutBack one that our own trouble put back.
	AgainBusy    = "busy"
	AgainPutBack = "put_back"
	// AgainNever is a message that is given up.
	AgainNever = "given_up"
)

// Retry asks again. Report logs each failure.
type Retry struct {
	Report func(ctx context.Context, message string, err error)
	// Count counts by kind what is tried again; nil counts nothing.
	Count func(ctx context.Context, kind string)
}

// Counted counts one that is tried again.
func (r Retry) Counted(ctx context.Context, kind string) {
	if r.Count != nil {
		r.Count(ctx, kind)
	}
}

// Do runs a call until it succeeds, as long as its trouble may pass and the context lasts. What it gives is the trouble
// itself, not the end of the context.
func (r Retry) Do(ctx context.Context, what string, call func(context.Context) error) error {
	for delay := delayFirst; ; delay = min(2*delay, delayMost) {
		err := call(ctx)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%s: %w", what, err)
		if !Passing(err) || !pause(ctx, delay) {
			return err
		}
		r.Report(ctx, "trying again", err)
		r.Counted(ctx, AgainCall)
	}
}

// Passing tells trouble that may be over a moment later.
func Passing(err error) bool {
	if fault, ok := errors.AsType[*store.Fault](err); ok {
		return fault.Passing()
	}
	if fault, ok := errors.AsType[*queue.Fault](err); ok {
		return fault.Passing()
	}
	return false
}

// OfService tells the trouble of a table, of the queue or of their settings, which is mended elsewhere, sooner or
// later; what it is not is our own mistake, which waiting does not mend.
func OfService(err error) bool {
	_, table := errors.AsType[*store.Fault](err)
	_, broker := errors.AsType[*queue.Fault](err)
	_, setting := errors.AsType[*MissingError](err)
	return table || broker || setting || errors.Is(err, context.DeadlineExceeded)
}

// MissingError means that a setting is not set that the function needs.
type MissingError struct {
	// Names are the settings, as a phrase.
	Names string
}

// Error implements error.
func (e *MissingError) Error() string { return "setting " + e.Names + " is not set" }

// Within ends a context so long before its deadline; a context without a deadline stays as it is.
func Within(ctx context.Context, before time.Duration) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-before))
}

// pause waits a little longer or shorter than the delay, so that many who lost the same service do not all come back at
// once. False where the context would end before.
func pause(ctx context.Context, delay time.Duration) bool {
	delay += rand.N(delay) / 2
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= delay {
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
