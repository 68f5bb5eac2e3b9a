// Package queue is the Service Bus trigger's pump: it receives, calls the function, keeps the lock and settles by the
// outcome. The broker stands behind Receiver; the pump knows no AMQP and no handler protocol.
package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

// Delivery is one message under lock.
type Delivery struct {
	Message     invocation.QueueMessage
	LockedUntil time.Time
	// Handle belongs to the receiver.
	Handle any
}

// Receiver is a queue in peek-lock mode. Receive blocks until there is at least one message, is not called twice at the
// same time, and may return nothing without an error; the other methods are called from many goroutines.
type Receiver interface {
	Receive(ctx context.Context, most int) ([]*Delivery, error)
	Complete(ctx context.Context, d *Delivery) error
	Abandon(ctx context.Context, d *Delivery) error
	// RenewLock returns until when the lock now holds.
	RenewLock(ctx context.Context, d *Delivery) (time.Time, error)
	Close(ctx context.Context) error
}

// Pump moves messages from a receiver to a function. All fields but RetryDelay are needed.
type Pump struct {
	Receiver Receiver
	// Invoke calls the function; nil completes the message, an error abandons it.
	Invoke                     func(ctx context.Context, message invocation.QueueMessage) error
	MaxConcurrentCalls         int
	MaxAutoLockRenewalDuration time.Duration
	// RetryDelay is the wait after a failed receive; zero means one second.
	RetryDelay time.Duration
	Log        *slog.Logger
}

// settleLimit bounds one settlement or renewal. Without it the client retries on a dead link for 53 s (service-bus
// facts section 1, client traits); the message comes again either way.
const settleLimit = 5 * time.Second

// Run pumps until ctx ends, then waits for the calls in flight. Those go on with calls, which the caller ends when it
// will not wait longer; their messages are then abandoned.
func (p *Pump) Run(ctx, calls context.Context) {
	slots := make(chan struct{}, p.MaxConcurrentCalls)
	var running sync.WaitGroup
	defer running.Wait()
	for ctx.Err() == nil {
		deliveries, err := p.receive(ctx, slots)
		if err != nil && ctx.Err() == nil {
			p.Log.Warn("receive failed", "error", err)
			p.pause(ctx)
		}
		for _, d := range deliveries {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				p.handle(calls, d)
			})
		}
	}
}

// receive waits for a free slot and asks for as many messages as there are free slots: a message that waited for a slot
// here would lose its lock with nobody renewing it.
func (p *Pump) receive(ctx context.Context, slots chan struct{}) ([]*Delivery, error) {
	select {
	case slots <- struct{}{}:
		<-slots
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return p.Receiver.Receive(ctx, cap(slots)-len(slots))
}

func (p *Pump) pause(ctx context.Context) {
	delay := p.RetryDelay
	if delay == 0 {
		delay = time.Second
	}
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}
}

// handle calls the function and settles. The settlement goes on when calls has ended: it has a limit of its own.
func (p *Pump) handle(calls context.Context, d *Delivery) {
	stopRenewal := p.renew(d)
	err := p.Invoke(calls, d.Message)
	stopRenewal()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(calls), settleLimit)
	defer cancel()
	log := p.Log.With("messageId", d.Message.MessageID, "deliveryCount", d.Message.DeliveryCount)
	if err == nil {
		if err := p.Receiver.Complete(ctx, d); err != nil {
			log.Warn("complete failed, the message comes again", "error", err)
		}
		return
	}
	log.Error("function failed, message abandoned", "error", err)
	if err := p.Receiver.Abandon(ctx, d); err != nil {
		log.Warn("abandon failed, the message comes again when its lock ends", "error", err)
	}
}

// renew keeps the lock until the returned function is called, at most for the renewal duration. It ends at the first
// failure to renew that is not for want of time: the lock is lost, the call goes on, and the broker delivers again.
func (p *Pump) renew(d *Delivery) func() {
	ctx, cancel := context.WithTimeout(context.Background(), p.MaxAutoLockRenewalDuration)
	done := make(chan struct{})
	go func() {
		defer close(done)
		until := d.LockedUntil
		for p.sleep(ctx, renewalDelay(time.Until(until))) {
			renewed, err := p.renewOnce(ctx, d)
			switch {
			case err == nil:
				until = renewed
			case ctx.Err() != nil:
				return
			case errors.Is(err, context.DeadlineExceeded) && time.Now().Before(until):
				p.Log.Warn("lock renewal took too long, trying again", "messageId", d.Message.MessageID)
			default:
				p.Log.Warn("lock renewal failed", "messageId", d.Message.MessageID, "error", err)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (p *Pump) renewOnce(ctx context.Context, d *Delivery) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	return p.Receiver.RenewLock(ctx, d)
}

func (p *Pump) sleep(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// renewalDelay renews 10 s before the end, or at half of what remains when that is less, as the .NET client does. The
// least delay keeps a broker whose clock is behind from being asked without a pause.
func renewalDelay(remaining time.Duration) time.Duration {
	const least = 50 * time.Millisecond
	return max(remaining-min(remaining/2, 10*time.Second), least)
}
