package bus

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/infra/local/host/queue"
)

func (r *receiver) delivery(m *azservicebus.ReceivedMessage) *queue.Delivery {
	return &queue.Delivery{
		Handle:      m,
		LockedUntil: deref(m.LockedUntil),
		Message: invocation.QueueMessage{
			Body:             m.Body,
			MessageID:        m.MessageID,
			ContentType:      deref(m.ContentType),
			Subject:          deref(m.Subject),
			CorrelationID:    deref(m.CorrelationID),
			To:               deref(m.To),
			ReplyTo:          deref(m.ReplyTo),
			SessionID:        deref(m.SessionID),
			ReplyToSessionID: deref(m.ReplyToSessionID),
			PartitionKey:     deref(m.PartitionKey),
			DeadLetterSource: deref(m.DeadLetterSource),
			DeliveryCount:    m.DeliveryCount,
			SequenceNumber:   deref(m.SequenceNumber),
			LockToken:        uuid.UUID(m.LockToken).String(),
			EnqueuedTime:     deref(m.EnqueuedTime),
			ExpiresAt:        expiry(m),
			Properties:       properties(m.ApplicationProperties),
			Namespace:        r.namespace,
			Client:           r.id,
		},
	}
}

// expiry is zero without a time to live: the client then gives the enqueued time.
func expiry(m *azservicebus.ReceivedMessage) time.Time {
	if deref(m.TimeToLive) == 0 {
		return time.Time{}
	}
	return deref(m.ExpiresAt)
}

// properties come sorted by name, since the client's map has lost their order.
func properties(values map[string]any) []invocation.Property {
	list := make([]invocation.Property, 0, len(values))
	for name, value := range values {
		list = append(list, invocation.Property{Name: name, Value: printable(value)})
	}
	slices.SortFunc(list, func(a, b invocation.Property) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// printable turns the AMQP types that JSON cannot show well, such as uuid, into text.
func printable(value any) any {
	if text, ok := value.(fmt.Stringer); ok {
		if _, isTime := value.(time.Time); !isTime {
			return text.String()
		}
	}
	return value
}

func deref[T any](pointer *T) T {
	var zero T
	if pointer == nil {
		return zero
	}
	return *pointer
}
