package queue

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const localDir = "../../infra/local"

// One stand-in with a queue for each test serves those that inject no fault.
var shared *servicebus.Standin

func TestMain(m *testing.M) {
	os.Exit(withStandin(m.Run))
}

func withStandin(run func() int) int {
	var err error
	shared, err = servicebus.Start(context.Background(), servicebus.Options{Dir: localDir, Queues: []servicebus.Queue{
		{Name: "fields"}, {Name: "many"}, {Name: "large"}, {Name: "crowd"}, {Name: "cancelled"}, {Name: "closed"},
		{Name: "later"},
		{Name: "once", DuplicateWindow: time.Minute},
	}})
	if err != nil && !errors.Is(err, servicebus.ErrNotInstalled) {
		panic(err)
	}
	if shared != nil {
		defer func() { _ = shared.Kill() }()
	}
	return run()
}

func open(t *testing.T, name string) *Queue {
	t.Helper()
	if shared == nil {
		t.Skip(servicebus.ErrNotInstalled)
	}
	return openAt(t, shared, name)
}

func openAt(t *testing.T, standin *servicebus.Standin, name string) *Queue {
	t.Helper()
	q, err := Open(Config{ConnectionString: secret.New(standin.ConnectionString()), Queue: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })
	return q
}

// own is a stand-in for a test that breaks it.
func own(t *testing.T, o servicebus.Options) *servicebus.Standin {
	t.Helper()
	o.Dir = localDir
	standin, err := servicebus.Start(t.Context(), o)
	if errors.Is(err, servicebus.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standin.Kill() })
	return standin
}

func depth(t *testing.T, standin *servicebus.Standin, name string) int {
	t.Helper()
	depths, err := standin.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return depths[name].Active
}

// received takes so many messages out of a queue for good, as the host would.
func received(t *testing.T, name string, count int) []*azservicebus.ReceivedMessage {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(shared.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	receiver, err := client.NewReceiverForQueue(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []*azservicebus.ReceivedMessage
	for len(all) < count {
		some, err := receiver.ReceiveMessages(ctx, count-len(all), nil)
		if err != nil {
			t.Fatalf("%d of %d messages: %v", len(all), count, err)
		}
		for _, m := range some {
			if err := receiver.CompleteMessage(ctx, m, nil); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, some...)
	}
	return all
}
