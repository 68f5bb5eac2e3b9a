package servicebus_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// loadSteps take the client and the queue to their normal limits.
func loadSteps() []step {
	return []step{
		{"5,000 messages go to 4 receivers, each exactly once", plain, checkLoad},
		{"a message held long does not hold up thousands of others", plain, checkHeld},
		{"10,000 messages are taken in and given out in seconds", plain, checkBulk},
	}
}

// sendMany sends n messages whose bodies are 200 characters that begin with their number.
func (b bench) sendMany(t *testing.T, n int) {
	t.Helper()
	sender := b.sender(t)
	padding := string(make([]byte, 190))
	for sent := 0; sent < n; {
		batch, err := sender.NewMessageBatch(b.ctx, nil)
		b.must(t, err)
		for range min(500, n-sent) {
			b.must(t, batch.AddMessage(&azservicebus.Message{Body: []byte(strconv.Itoa(sent) + " " + padding)}, nil))
			sent++
		}
		b.must(t, sender.SendMessageBatch(b.ctx, batch, nil))
	}
}

// tally counts how often every message was completed, by body.
type tally struct {
	sync.Mutex
	times map[string]int
	err   error
}

func checkLoad(t *testing.T, b bench) {
	const messages = 5000
	b.sendMany(t, messages)
	seen := &tally{times: map[string]int{}}
	ctx, done := context.WithCancel(b.ctx)
	defer done()
	var workers sync.WaitGroup
	for range 4 {
		receiver := b.receiver(t, nil)
		workers.Go(func() {
			if err := seen.completeAll(ctx, receiver, messages, done); err != nil {
				seen.fail(err)
			}
		})
	}
	workers.Wait()
	if seen.err != nil {
		t.Fatal(seen.err)
	}
	if len(seen.times) != messages {
		t.Errorf("%d different messages", len(seen.times))
	}
	for body, times := range seen.times {
		if times != 1 {
			t.Errorf("message %.8q came %d times", body, times)
		}
	}
	left, err := b.receiver(t, nil).PeekMessages(b.ctx, 1, nil)
	b.must(t, err)
	if len(left) != 0 {
		t.Error("messages are left behind")
	}
}

// completeAll receives and completes until all workers together have seen that many; done then stops the others.
func (s *tally) completeAll(ctx context.Context, receiver *azservicebus.Receiver, messages int, done func()) error {
	for {
		batch, err := receiver.ReceiveMessages(ctx, 50, nil)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, message := range batch {
			if err := receiver.CompleteMessage(context.WithoutCancel(ctx), message, nil); err != nil {
				return err
			}
			if s.count(string(message.Body)) == messages {
				done()
			}
		}
	}
}

func (s *tally) count(body string) int {
	s.Lock()
	defer s.Unlock()
	s.times[body]++
	return len(s.times)
}

func (s *tally) fail(err error) {
	s.Lock()
	defer s.Unlock()
	s.err = errors.Join(s.err, err)
}

// More than the 2,048 deliveries that the AMQP library of the stand-in would keep behind the oldest unsettled one.
func checkHeld(t *testing.T, b bench) {
	const messages = 2500
	b.sendMany(t, messages)
	receiver := b.receiver(t, nil)
	held := b.one(t, receiver)
	for completed := 1; completed < messages; {
		batch, err := receiver.ReceiveMessages(b.ctx, 500, nil)
		b.must(t, err)
		for _, message := range batch {
			b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
			completed++
		}
	}
	b.must(t, receiver.CompleteMessage(b.ctx, held, nil))
}

func checkBulk(t *testing.T, b bench) {
	const messages = 10_000
	started := time.Now()
	b.sendMany(t, messages)
	sent := time.Since(started)
	receiver := b.receiver(t, &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	for got := 0; got < messages; {
		batch, err := receiver.ReceiveMessages(b.ctx, 1000, nil)
		b.must(t, err)
		got += len(batch)
	}
	t.Logf("sent in %s, received in %s", sent, time.Since(started)-sent)
}
