package servicebus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
)

// connectionVariable points the conformance steps at another namespace, to compare the stand-in with the real service.
// It needs three empty queues: conformance-plain (locks of 30 s), conformance-short (the shortest lock there is, maximum
// delivery count 3) and conformance-dedup (duplicate detection). The steps then run one after the other.
const connectionVariable = "SERVICEBUS_CONFORMANCE_CONNECTION"

const (
	plain      = "conformance-plain"
	short      = "conformance-short"
	dedup      = "conformance-dedup"
	shortLock  = time.Second // of the stand-in
	stepLimit  = 20 * time.Second
	lockMargin = 100 * time.Millisecond // past the end of a lock
)

// step is one behaviour of the service, seen through the client.
type step struct {
	name  string
	queue string // plain, short or dedup
	check func(*testing.T, bench)
}

// bench is what a step works with: a client, and a queue that is empty and its own.
type bench struct {
	ctx    context.Context
	client *azservicebus.Client
	queue  string
}

func TestConformance(t *testing.T) {
	steps := append(append(sendSteps(), settleSteps()...), loadSteps()...)
	if connection := os.Getenv(connectionVariable); connection != "" {
		for _, s := range steps {
			t.Run(s.name, func(t *testing.T) {
				b := newBench(t, connection, s.queue)
				b.drain(t)
				s.check(t, b)
			})
		}
		return
	}
	queues := make([]servicebus.Queue, len(steps))
	for i, s := range steps {
		queues[i] = settingsOf(s.queue)
		queues[i].Name = fmt.Sprintf("%s-%d", s.queue, i)
	}
	standin := start(t, servicebus.Options{Queues: queues})
	t.Run("steps", func(t *testing.T) { // returns when its parallel steps are done, before the stand-in is stopped
		for i, s := range steps {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.check(t, newBench(t, standin.ConnectionString(), queues[i].Name))
			})
		}
	})
}

func settingsOf(queue string) servicebus.Queue {
	switch queue {
	case short:
		return servicebus.Queue{Lock: shortLock, MaxDelivery: 3}
	case dedup:
		return servicebus.Queue{DuplicateWindow: time.Minute}
	default:
		return servicebus.Queue{}
	}
}

// start runs a stand-in that lives as long as the test, or skips the test when Node or its packages are missing.
func start(t *testing.T, options servicebus.Options) *servicebus.Standin {
	t.Helper()
	options.Dir, options.Log = filepath.Dir(folder(t)), t.Output()
	standin, err := servicebus.Start(t.Context(), options)
	if errors.Is(err, servicebus.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standin.Stop(); err != nil {
			t.Error(err)
		}
	})
	return standin
}

func folder(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return here
}

func newBench(t *testing.T, connection, queue string) bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepLimit)
	t.Cleanup(cancel)
	return bench{ctx: ctx, client: newClient(t, connection), queue: queue}
}

func newClient(t *testing.T, connection string) *azservicebus.Client {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(connection, &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 3, RetryDelay: 100 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

func (b bench) sender(t *testing.T) *azservicebus.Sender {
	t.Helper()
	sender, err := b.client.NewSender(b.queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func (b bench) receiver(t *testing.T, options *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	t.Helper()
	receiver, err := b.client.NewReceiverForQueue(b.queue, options)
	if err != nil {
		t.Fatal(err)
	}
	return receiver
}

func (b bench) deadLetters(t *testing.T) *azservicebus.Receiver {
	t.Helper()
	return b.receiver(t, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
}

// send sends every body as one message, in order.
func (b bench) send(t *testing.T, bodies ...string) {
	t.Helper()
	sender := b.sender(t)
	for _, body := range bodies {
		b.must(t, sender.SendMessage(b.ctx, &azservicebus.Message{Body: []byte(body)}, nil))
	}
}

// one waits for one message.
func (b bench) one(t *testing.T, receiver *azservicebus.Receiver) *azservicebus.ReceivedMessage {
	t.Helper()
	message, err := b.next(receiver)
	b.must(t, err)
	return message
}

// next waits for one message. The client returns no message and no error when its link or connection was lost.
func (b bench) next(receiver *azservicebus.Receiver) (*azservicebus.ReceivedMessage, error) {
	for {
		messages, err := receiver.ReceiveMessages(b.ctx, 1, nil)
		if err != nil {
			return nil, err
		}
		if len(messages) > 0 {
			return messages[0], nil
		}
	}
}

// nothing checks that no message comes for a while.
func (b bench) nothing(t *testing.T, receiver *azservicebus.Receiver, wait time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	messages, err := receiver.ReceiveMessages(ctx, 1, nil)
	if len(messages) > 0 {
		t.Fatalf("a message where none was expected: %q", messages[0].Body)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func (b bench) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// drain empties a queue that earlier runs may have left messages in.
func (b bench) drain(t *testing.T) {
	t.Helper()
	for _, sub := range []azservicebus.SubQueue{0, azservicebus.SubQueueDeadLetter} {
		receiver := b.receiver(t, &azservicebus.ReceiverOptions{
			SubQueue: sub, ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete,
		})
		for {
			ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
			_, err := receiver.ReceiveMessages(ctx, 100, nil)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			b.must(t, err)
		}
		b.must(t, receiver.Close(b.ctx))
	}
}

// hasCode tells whether the client classified the error so.
func hasCode(err error, code azservicebus.Code) bool {
	var classified *azservicebus.Error
	return errors.As(err, &classified) && classified.Code == code
}

func to[T any](value T) *T { return &value }
