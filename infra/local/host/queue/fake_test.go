package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

var errLockLost = errors.New("message lock lost")

// broker is a queue in memory with locks that end by themselves.
type broker struct {
	lock time.Duration

	mu       sync.Mutex
	waiting  []*Delivery
	arrived  chan struct{}
	locked   map[*Delivery]time.Time
	asked    []int
	renewals int
	done     []string
	failing  error
	hanging  bool
}

func newBroker(lock time.Duration, ids ...string) *broker {
	b := &broker{lock: lock, arrived: make(chan struct{}, 1), locked: map[*Delivery]time.Time{}}
	for _, id := range ids {
		b.waiting = append(b.waiting, &Delivery{Message: invocation.QueueMessage{MessageID: id}})
	}
	return b
}

func (b *broker) Receive(ctx context.Context, most int) ([]*Delivery, error) {
	b.mu.Lock()
	b.asked = append(b.asked, most)
	b.mu.Unlock()
	for {
		if out, err := b.take(most); len(out) > 0 || err != nil {
			return out, err
		}
		select {
		case <-b.arrived:
		case <-time.After(b.untilExpiry()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *broker) take(most int) ([]*Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing != nil {
		err := b.failing
		b.failing = nil
		return nil, err
	}
	for d, until := range b.locked {
		if !time.Now().Before(until) {
			delete(b.locked, d)
			b.waiting = append(b.waiting, d)
		}
	}
	n := min(most, len(b.waiting))
	var out []*Delivery
	for _, d := range b.waiting[:n] {
		again := &Delivery{Message: d.Message, LockedUntil: time.Now().Add(b.lock)}
		again.Message.DeliveryCount++
		b.locked[again] = again.LockedUntil
		out = append(out, again)
	}
	b.waiting = b.waiting[n:]
	return out, nil
}

func (b *broker) untilExpiry() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	soonest := time.Hour
	for _, until := range b.locked {
		soonest = min(soonest, time.Until(until))
	}
	return soonest
}

// settle ends a lock that still holds.
func (b *broker) settle(ctx context.Context, d *Delivery, then func()) error {
	b.mu.Lock()
	hanging := b.hanging
	b.mu.Unlock()
	if hanging {
		<-ctx.Done()
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if until, found := b.locked[d]; !found || !time.Now().Before(until) {
		return errLockLost
	}
	then()
	return nil
}

func (b *broker) Complete(ctx context.Context, d *Delivery) error {
	return b.settle(ctx, d, func() {
		delete(b.locked, d)
		b.done = append(b.done, d.Message.MessageID)
	})
}

func (b *broker) Abandon(ctx context.Context, d *Delivery) error {
	return b.settle(ctx, d, func() {
		delete(b.locked, d)
		b.waiting = append(b.waiting, d)
		select {
		case b.arrived <- struct{}{}:
		default:
		}
	})
}

func (b *broker) RenewLock(ctx context.Context, d *Delivery) (time.Time, error) {
	err := b.settle(ctx, d, func() {
		b.locked[d] = time.Now().Add(b.lock)
		b.renewals++
	})
	return time.Now().Add(b.lock), err
}

func (b *broker) Close(context.Context) error { return nil }

func (b *broker) completed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.done...)
}
