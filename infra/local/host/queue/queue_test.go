package queue

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

// calls records the deliveries that reached the function.
type calls struct {
	mu     sync.Mutex
	counts map[string]uint32
}

func (c *calls) add(m invocation.QueueMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]uint32{}
	}
	c.counts[m.MessageID] = max(c.counts[m.MessageID], m.DeliveryCount)
}

func (c *calls) seen() map[string]uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// run pumps for a while of simulated time and then stops, waiting for the calls.
func run(t *testing.T, p *Pump, span time.Duration) {
	t.Helper()
	p.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	p.Run(ctx, t.Context())
}

func TestSuccessCompletesAndFailureComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, c := newBroker(time.Minute, "good", "bad"), &calls{}
		run(t, &Pump{
			Receiver: b, MaxConcurrentCalls: 4, MaxAutoLockRenewalDuration: time.Hour,
			Invoke: func(_ context.Context, m invocation.QueueMessage) error {
				c.add(m)
				if m.MessageID == "bad" && m.DeliveryCount < 3 {
					return errors.New("status 500")
				}
				return nil
			},
		}, time.Second)
		done := b.completed()
		slices.Sort(done)
		if !reflect.DeepEqual(done, []string{"bad", "good"}) {
			t.Errorf("completed %v", done)
		}
		if want := map[string]uint32{"good": 1, "bad": 3}; !reflect.DeepEqual(c.seen(), want) {
			t.Errorf("deliveries: got %v, want %v", c.seen(), want)
		}
	})
}

func TestLockIsRenewedWhileTheCallRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, c := newBroker(30*time.Second, "slow"), &calls{}
		run(t, &Pump{
			Receiver: b, MaxConcurrentCalls: 2, MaxAutoLockRenewalDuration: 6 * time.Minute,
			Invoke: func(_ context.Context, m invocation.QueueMessage) error {
				c.add(m)
				time.Sleep(150 * time.Second)
				return nil
			},
		}, 10*time.Minute)
		if !reflect.DeepEqual(c.seen(), map[string]uint32{"slow": 1}) || len(b.completed()) != 1 {
			t.Errorf("deliveries %v, completed %v", c.seen(), b.completed())
		}
		// A lock of 30 s is renewed every 20 s.
		if b.renewals != 7 {
			t.Errorf("%d renewals, want 7", b.renewals)
		}
	})
}

func TestRenewalEndsAtItsLimitAndTheMessageIsRedelivered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, c := newBroker(30*time.Second, "endless"), &calls{}
		run(t, &Pump{
			Receiver: b, MaxConcurrentCalls: 2, MaxAutoLockRenewalDuration: time.Minute,
			Invoke: func(_ context.Context, m invocation.QueueMessage) error {
				c.add(m)
				if m.DeliveryCount == 1 {
					time.Sleep(5 * time.Minute)
				}
				return nil
			},
		}, 10*time.Minute)
		// The first call still runs when the lock ends; its own completion is refused, the second one's counts.
		if !reflect.DeepEqual(c.seen(), map[string]uint32{"endless": 2}) || len(b.completed()) != 1 {
			t.Errorf("deliveries %v, completed %v", c.seen(), b.completed())
		}
	})
}

func TestNeverMoreThanMaxConcurrentCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(time.Minute, "1", "2", "3", "4", "5", "6", "7")
		var mu sync.Mutex
		running, most := 0, 0
		run(t, &Pump{
			Receiver: b, MaxConcurrentCalls: 3, MaxAutoLockRenewalDuration: time.Hour,
			Invoke: func(context.Context, invocation.QueueMessage) error {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return nil
			},
		}, time.Minute)
		if most != 3 || len(b.completed()) != 7 {
			t.Errorf("at most %d at a time, completed %d", most, len(b.completed()))
		}
		if slices.Max(b.asked) > 3 || slices.Min(b.asked) < 1 {
			t.Errorf("asked for %v messages with 3 slots", b.asked)
		}
	})
}

func TestSettlementOnADeadLinkGivesUpSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(time.Minute, "m")
		b.hanging = true
		begin := time.Now()
		run(t, &Pump{
			Receiver: b, MaxConcurrentCalls: 1, MaxAutoLockRenewalDuration: time.Hour,
			Invoke: func(context.Context, invocation.QueueMessage) error { return nil },
		}, time.Second)
		if took := time.Since(begin); took != settleLimit {
			t.Errorf("stopped after %v, want %v", took, settleLimit)
		}
	})
}

func TestReceiveGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(time.Minute, "m")
		b.failing = errors.New("connection lost")
		begin := time.Now()
		var took time.Duration
		run(t, &Pump{
			Receiver: b, MaxConcurrentCalls: 1, MaxAutoLockRenewalDuration: time.Hour,
			Invoke: func(context.Context, invocation.QueueMessage) error { took = time.Since(begin); return nil },
		}, time.Minute)
		if took != time.Second || len(b.completed()) != 1 {
			t.Errorf("called after %v, completed %v", took, b.completed())
		}
	})
}

func TestStopWaitsForCallsAndThenAbandonsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(time.Minute, "patient", "stuck")
		receiving, stopReceiving := context.WithTimeout(t.Context(), time.Second)
		defer stopReceiving()
		calls, stopCalls := context.WithTimeout(t.Context(), 5*time.Second)
		defer stopCalls()
		p := &Pump{
			Receiver: b, MaxConcurrentCalls: 2, MaxAutoLockRenewalDuration: time.Hour, Log: slog.New(slog.DiscardHandler),
			Invoke: func(ctx context.Context, m invocation.QueueMessage) error {
				if m.MessageID == "patient" {
					time.Sleep(3 * time.Second)
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			},
		}
		begin := time.Now()
		p.Run(receiving, calls)
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("stopped after %v, want 5 s", took)
		}
		if len(b.completed()) != 1 || len(b.waiting) != 1 || b.waiting[0].Message.MessageID != "stuck" {
			t.Errorf("completed %v, waiting %d", b.completed(), len(b.waiting))
		}
	})
}

func TestRenewalDelay(t *testing.T) {
	t.Parallel()
	cases := map[time.Duration]time.Duration{
		time.Minute: 50 * time.Second, 10 * time.Second: 5 * time.Second,
		0: 50 * time.Millisecond, -time.Second: 50 * time.Millisecond,
	}
	for remaining, want := range cases {
		if got := renewalDelay(remaining); got != want {
			t.Errorf("%v: got %v, want %v", remaining, got, want)
		}
	}
}
