package runcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

const (
	// busyFor is how long a message waits that found every slot taken. It goes behind those that are in the queue now,
	// so that others get before the host.
	busyFor = 5 * time.Second
	// ownAttempts is how often a check comes again that fails by our own mistake, which waiting rarely mends.
	ownAttempts = 3
)

// putBack sends the message again, for later, and lets the host complete this delivery. The host can only give a
// message back at once, and the queue buries it after a few such deliveries: an outage of a minute would cost every
// request of that minute.
func (h Handler) putBack(ctx context.Context, d delivery.Delivery, cause error) (envelope.Answer, error) {
	delay, attempt, again := h.again(d, cause)
	if !again {
		return h.giveUp(ctx, d, cause)
	}
	message, whole := d.Later(h.Now().Add(delay), attempt)
	if h.Queue == nil || !whole {
		return envelope.Answer{}, cause
	}
	if err := h.Queue.Send(ctx, message); err != nil {
		return envelope.Answer{}, errors.Join(cause, fmt.Errorf("put %s back: %w", d.ID, err))
	}
	h.Retry.Counted(ctx, kind(cause))
	h.Retry.Report(ctx, "put back for "+delay.String()+": "+d.ID, cause)
	return says("check %s is put back for %s: attempt %d", d.ID, delay, attempt), nil
}

func kind(cause error) string {
	if errors.Is(cause, errBusy) {
		return trouble.AgainBusy
	}
	return trouble.AgainPutBack
}

// again tells whether and when the message comes again, and the count of attempts that it then carries. To find every
// slot taken is no attempt.
func (h Handler) again(d delivery.Delivery, cause error) (time.Duration, int, bool) {
	if errors.Is(cause, errBusy) {
		return busyFor, d.Attempt, true
	}
	if d.Attempt >= ownAttempts && !trouble.OfService(cause) {
		return 0, 0, false
	}
	delay, again := schedule.Delay(d.Attempt + 1)
	return delay, d.Attempt + 1, again
}

// giveUp reports that the check could not be made. Where not even that can be stored, the error lets the queue bury the
// message, and RecordDeadLetter stores the report once the tables are back.
func (h Handler) giveUp(ctx context.Context, d delivery.Delivery, cause error) (envelope.Answer, error) {
	h.Retry.Counted(ctx, trouble.AgainNever)
	h.Retry.Report(ctx, "give up "+d.ID, cause)
	if h.Reports == nil || d.Reminder {
		// A reminder's check has its report. RecordDeadLetter goes on with it as long as it takes.
		return envelope.Answer{}, cause
	}
	exhausted, err := h.Words.Exhausted(diagnosis.Death{
		ID: d.ID, Check: d.Check, Problem: d.Problem, Deliveries: d.Count + d.Resent, Queued: d.Queued, Now: h.Now(),
		Description: fmt.Sprintf("it came back %d times", d.Attempt),
	})
	if err != nil {
		return envelope.Answer{}, errors.Join(cause, fmt.Errorf("write the report of %s: %w", d.ID, err))
	}
	if _, err := h.Keeper.Keep(ctx, exhausted, d); err != nil {
		return envelope.Answer{}, errors.Join(cause, err)
	}
	return says("check %s is given up after %d attempts", d.ID, d.Attempt), nil
}
