package host

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
)

// onServiceBus starts a stand-in and a host with one function on its queue.
func onServiceBus(t *testing.T, q servicebus.Queue) (*app, *Host, *servicebus.Standin) {
	t.Helper()
	a := queueApp(t, "00:01:00", "")
	b, err := servicebus.Start(t.Context(), servicebus.Options{
		Dir: "..", Queues: []servicebus.Queue{q}, Journal: filepath.Join(t.TempDir(), "journal"),
	})
	if errors.Is(err, servicebus.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	h := a.start(t, func(o *Options) {
		o.OpenReceiver = nil
		o.Settings["Bus"], o.Settings["WORK"] = b.ConnectionString(), q.Name
	})
	return a, h, b
}

func send(t *testing.T, b *servicebus.Standin, queue, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	client, err := azservicebus.NewClientFromConnectionString(b.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(ctx) }()
	sender, err := client.NewSender(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := text
	if err := sender.SendMessage(ctx, &azservicebus.Message{Body: []byte(text), MessageID: &id}, nil); err != nil {
		t.Fatal(err)
	}
}

// drained waits until the queue holds nothing but the given number of dead letters.
func drained(t *testing.T, b *servicebus.Standin, queue string, deadLetters int) {
	t.Helper()
	await(t, "the queue to be empty", func() bool {
		depths, err := b.Depths(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return depths[queue] == servicebus.Depth{DeadLetter: deadLetters}
	})
}

func TestServiceBusKilledHandlerAndAbandonedMessage(t *testing.T) {
	t.Parallel()
	a, h, b := onServiceBus(t, servicebus.Queue{Name: "killed"})
	send(t, b, "killed", "takes long")
	await(t, "the first delivery", func() bool { return len(a.lines(t)) == 1 })
	if err := h.KillHandler(t.Context()); err != nil {
		t.Fatal(err)
	}
	drained(t, b, "killed", 0)
	if got, want := a.lines(t), []string{"takes long#1", "takes long#2"}; !slices.Equal(got, want) {
		t.Errorf("deliveries: got %v, want %v", got, want)
	}
}

// TestServiceBusLockIsKept: the lock of one second would end during the call, and the message come twice.
func TestServiceBusLockIsKept(t *testing.T) {
	t.Parallel()
	a, _, b := onServiceBus(t, servicebus.Queue{Name: "kept", Lock: time.Second})
	send(t, b, "kept", "takes 3 s")
	drained(t, b, "kept", 0)
	if got, want := a.lines(t), []string{"takes 3 s#1"}; !slices.Equal(got, want) {
		t.Errorf("deliveries: got %v, want %v", got, want)
	}
}

func TestServiceBusPoisonIsDeadLettered(t *testing.T) {
	t.Parallel()
	a, _, b := onServiceBus(t, servicebus.Queue{Name: "poisoned", MaxDelivery: 1})
	send(t, b, "poisoned", "fails")
	drained(t, b, "poisoned", 1)
	if got, want := a.lines(t), []string{"fails#1"}; !slices.Equal(got, want) {
		t.Errorf("deliveries: got %v, want %v", got, want)
	}
}

func TestServiceBusComesBackAfterItsRestart(t *testing.T) {
	t.Parallel()
	a, _, b := onServiceBus(t, servicebus.Queue{Name: "restarted"})
	send(t, b, "restarted", "works")
	drained(t, b, "restarted", 0)
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, b, "restarted", "works again")
	drained(t, b, "restarted", 0)
	if got, want := a.lines(t), []string{"works#1", "works again#1"}; !slices.Equal(got, want) {
		t.Errorf("deliveries: got %v, want %v", got, want)
	}
}
