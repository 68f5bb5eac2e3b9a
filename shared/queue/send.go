package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const contentType = "application/json"

// idLimit is the longest message id that Service Bus takes, in characters.
const idLimit = 128

// Message is one message.
type Message struct {
	// ID is the message id, by which the queue recognises duplicates: 1 to 128 characters.
	ID   string
	Body []byte
	// CorrelationID is optional.
	CorrelationID string
	// ContentType is application/json where it is empty.
	ContentType string
	// Properties are application properties; nil for none.
	Properties map[string]string
	// At is when the queue shows the message to receivers; zero or past means at once.
	At time.Time
}

// TooLargeError means that a message is larger than the queue takes. Nothing of its call was sent.
type TooLargeError struct {
	// ID is the id of the message.
	ID string
}

// Error implements error.
func (e *TooLargeError) Error() string { return "message " + e.ID + " is larger than the queue takes" }

// Send sends messages in order, as few batches as they fit into. On an error other than TooLargeError, the first Sent
// messages of a *SendError are in the queue and others may be; to send all of them again is safe where the queue detects
// duplicates.
func (q *Queue) Send(ctx context.Context, messages ...Message) error {
	for _, m := range messages {
		if m.ID == "" || len([]rune(m.ID)) > idLimit {
			return fmt.Errorf("send to queue %s: a message id has 1 to %d characters: %q", q.name, idLimit, m.ID)
		}
	}
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return q.use(ctx, "send", func(l *link) error { return l.send(ctx, messages) })
}

// Schedule sends messages that the queue shows at a time, not before. It fails as Send does.
func (q *Queue) Schedule(ctx context.Context, at time.Time, messages ...Message) error {
	later := make([]Message, len(messages))
	for i, m := range messages {
		m.At = at
		later[i] = m
	}
	return q.Send(ctx, later...)
}

// send packs everything before it sends anything, so that a message that is too large keeps the others back.
func (l *link) send(ctx context.Context, messages []Message) error {
	batches, err := l.pack(ctx, messages)
	if err != nil {
		return err
	}
	sent := 0
	for _, batch := range batches {
		if err := l.sender.SendMessageBatch(ctx, batch, nil); err != nil {
			return &SendError{Sent: sent, cause: err}
		}
		sent += int(batch.NumMessages())
	}
	return nil
}

func (l *link) pack(ctx context.Context, messages []Message) ([]*azservicebus.MessageBatch, error) {
	batch, err := l.sender.NewMessageBatch(ctx, nil)
	if err != nil {
		return nil, err
	}
	batches := []*azservicebus.MessageBatch{batch}
	for _, m := range messages {
		err := batch.AddMessage(m.wire(), nil)
		if errors.Is(err, azservicebus.ErrMessageTooLarge) {
			if batch, err = l.sender.NewMessageBatch(ctx, nil); err != nil {
				return nil, err
			}
			batches = append(batches, batch)
			err = batch.AddMessage(m.wire(), nil)
		}
		if errors.Is(err, azservicebus.ErrMessageTooLarge) {
			return nil, &TooLargeError{ID: m.ID}
		}
		if err != nil {
			return nil, fmt.Errorf("pack message %s: %w", m.ID, err)
		}
	}
	return batches, nil
}

// wire is the message as the client takes it.
func (m Message) wire() *azservicebus.Message {
	kind := m.ContentType
	if kind == "" {
		kind = contentType
	}
	w := &azservicebus.Message{MessageID: &m.ID, Body: m.Body, ContentType: &kind}
	if m.CorrelationID != "" {
		w.CorrelationID = &m.CorrelationID
	}
	if !m.At.IsZero() {
		at := m.At.UTC()
		w.ScheduledEnqueueTime = &at
	}
	for name, value := range m.Properties {
		if w.ApplicationProperties == nil {
			w.ApplicationProperties = make(map[string]any, len(m.Properties))
		}
		w.ApplicationProperties[name] = value
	}
	return w
}
