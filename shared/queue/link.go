package queue

import (
	"context"
	"fmt"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// link is a connection with a sender on it. A client is never used again after trouble: the sender recovers within one
// call only, so its next call would begin on the dead connection.
type link struct {
	client *azservicebus.Client
	sender *azservicebus.Sender
	// users are the calls under way.
	users sync.WaitGroup
}

func openLink(ctx context.Context, build func() (*azservicebus.Client, error), queue string) (*link, error) {
	client, err := build()
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	l := &link{client: client}
	if l.sender, err = client.NewSender(queue, nil); err == nil {
		// Making a batch needs the link's limits, so it dials, authenticates and attaches, and sends nothing.
		_, err = l.sender.NewMessageBatch(ctx, nil)
	}
	if err != nil {
		l.retire()
		return nil, err
	}
	return l, nil
}

// probe attaches a second sender: the first one would answer from memory.
func (l *link) probe(ctx context.Context, queue string) error {
	sender, err := l.client.NewSender(queue, nil)
	if err != nil {
		return err
	}
	_, err = sender.NewMessageBatch(ctx, nil)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
	defer cancel()
	if closeErr := sender.Close(closing); err == nil {
		err = closeErr
	}
	return err
}

// retire closes the link in the background when its last user is done; the channel closes after that. A dead connection
// may take its time to close, and nobody has to wait for it.
func (l *link) retire() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.users.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		_ = l.client.Close(ctx) // It is out of use; there is nothing to be done about it.
	}()
	return done
}
