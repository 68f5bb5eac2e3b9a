// Package bus is the thin side of the local host that speaks AMQP: a queue.Receiver over azservicebus. It decides
// nothing about messages.
package bus

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"

	"github.com/pgpreflight/pgpreflight/infra/local/host/queue"
)

const deadLetterSuffix = "/$deadletterqueue"

// Open makes a receiver for a queue, or for its dead-letter sub-queue with the address <queue>/$DeadLetterQueue in any
// case. Nothing is dialled before the first receive.
func Open(connectionString, address string) (queue.Receiver, error) {
	namespace, err := namespaceOf(connectionString)
	if err != nil {
		return nil, err
	}
	client, err := azservicebus.NewClientFromConnectionString(connectionString, &azservicebus.ClientOptions{
		// Short delays, since the pump tries again by itself: a broker that comes back is found within a few seconds.
		RetryOptions: azservicebus.RetryOptions{
			MaxRetries: 2, RetryDelay: 300 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
		},
	})
	if err != nil {
		// The client's own error may quote the connection string.
		return nil, fmt.Errorf("open Service Bus %s: the connection string is not valid", namespace)
	}
	name, options := split(address)
	inner, err := client.NewReceiverForQueue(name, options)
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", address, err)
	}
	host, _, _ := strings.Cut(namespace, ":")
	return &receiver{client: client, inner: inner, namespace: host, id: host + "-" + uuid.NewString()}, nil
}

func split(address string) (string, *azservicebus.ReceiverOptions) {
	if !strings.HasSuffix(strings.ToLower(address), deadLetterSuffix) {
		return address, nil
	}
	name := address[:len(address)-len(deadLetterSuffix)]
	return name, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}
}

// namespaceOf reads host[:port] of the endpoint. It refuses the emulator flag for a host that is not local: the client
// turns TLS off for any host with that flag (service-bus facts section 1).
func namespaceOf(connectionString string) (string, error) {
	var namespace string
	var emulator bool
	for _, part := range strings.Split(connectionString, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "endpoint":
			_, namespace, _ = strings.Cut(value, "://")
			namespace = strings.TrimSuffix(namespace, "/")
		case "usedevelopmentemulator":
			emulator = strings.EqualFold(value, "true")
		}
	}
	if namespace == "" {
		return "", fmt.Errorf("the connection string has no Endpoint")
	}
	if emulator && !isLoopback(namespace) {
		return "", fmt.Errorf("UseDevelopmentEmulator is only allowed with a loopback address, not with %s", namespace)
	}
	return namespace, nil
}

func isLoopback(namespace string) bool {
	host, _, err := net.SplitHostPort(namespace)
	if err != nil {
		host = namespace
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

type receiver struct {
	client    *azservicebus.Client
	inner     *azservicebus.Receiver
	namespace string
	id        string
}

// Receive implements queue.Receiver.
func (r *receiver) Receive(ctx context.Context, most int) ([]*queue.Delivery, error) {
	messages, err := r.inner.ReceiveMessages(ctx, most, nil)
	deliveries := make([]*queue.Delivery, 0, len(messages))
	for _, m := range messages {
		deliveries = append(deliveries, r.delivery(m))
	}
	if err != nil {
		return deliveries, fmt.Errorf("receive from Service Bus: %w", err)
	}
	return deliveries, nil
}

// Complete implements queue.Receiver.
func (r *receiver) Complete(ctx context.Context, d *queue.Delivery) error {
	if err := r.inner.CompleteMessage(ctx, message(d), nil); err != nil {
		return fmt.Errorf("complete message: %w", err)
	}
	return nil
}

// Abandon implements queue.Receiver.
func (r *receiver) Abandon(ctx context.Context, d *queue.Delivery) error {
	if err := r.inner.AbandonMessage(ctx, message(d), nil); err != nil {
		return fmt.Errorf("abandon message: %w", err)
	}
	return nil
}

// RenewLock implements queue.Receiver.
func (r *receiver) RenewLock(ctx context.Context, d *queue.Delivery) (time.Time, error) {
	m := message(d)
	if err := r.inner.RenewMessageLock(ctx, m, nil); err != nil {
		return time.Time{}, fmt.Errorf("renew message lock: %w", err)
	}
	return deref(m.LockedUntil), nil
}

// Close implements queue.Receiver.
func (r *receiver) Close(ctx context.Context) error {
	// The client closes its receivers.
	if err := r.client.Close(ctx); err != nil {
		return fmt.Errorf("close Service Bus client: %w", err)
	}
	return nil
}

func message(d *queue.Delivery) *azservicebus.ReceivedMessage {
	return d.Handle.(*azservicebus.ReceivedMessage)
}
