package servicebus_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
)

// These tests break the stand-in on purpose; they never run against another namespace.

func startOne(t *testing.T, options servicebus.Options) (*servicebus.Standin, bench) {
	t.Helper()
	if options.Queues == nil {
		options.Queues = []servicebus.Queue{{Name: "checks"}}
	}
	standin := start(t, options)
	return standin, newBench(t, standin.ConnectionString(), options.Queues[0].Name)
}

func journal(t *testing.T) string { return filepath.Join(t.TempDir(), "journal.jsonl") }

func TestKillLosesNoAcknowledgedMessage(t *testing.T) {
	t.Parallel()
	queue := servicebus.Queue{Name: "checks", DuplicateWindow: time.Minute}
	standin, b := startOne(t, servicebus.Options{Queues: []servicebus.Queue{queue}, Journal: journal(t)})
	sender := b.sender(t)
	for n := range 20 {
		message := &azservicebus.Message{Body: fmt.Append(nil, n), MessageID: to(fmt.Sprint("m", n))}
		b.must(t, sender.SendMessage(b.ctx, message, nil))
	}
	receiver := b.receiver(t, nil)
	held, err := receiver.ReceiveMessages(b.ctx, 5, nil)
	b.must(t, err)
	b.must(t, receiver.CompleteMessage(b.ctx, held[0], nil))
	before := standin.ConnectionString()

	b.must(t, standin.Kill())
	b.must(t, standin.Restart(b.ctx))

	if standin.ConnectionString() != before {
		t.Errorf("now at %s", standin.ConnectionString())
	}
	depths, err := standin.Depths(b.ctx)
	b.must(t, err)
	if want := (servicebus.Depth{Active: 19}); depths["checks"] != want {
		t.Errorf("depth after the restart %+v", depths["checks"])
	}
	fresh := newBench(t, standin.ConnectionString(), b.queue)
	again := &azservicebus.Message{Body: []byte("twice"), MessageID: to("m0")}
	fresh.must(t, fresh.sender(t).SendMessage(fresh.ctx, again, nil))
	receiver = fresh.receiver(t, nil)
	for want := 1; want < 20; want++ {
		message := fresh.one(t, receiver)
		if string(message.Body) != fmt.Sprint(want) || message.DeliveryCount != 1 {
			t.Errorf("got %q, delivery %d, want %d", message.Body, message.DeliveryCount, want)
		}
		fresh.must(t, receiver.CompleteMessage(fresh.ctx, message, nil))
	}
	fresh.nothing(t, receiver, 200*time.Millisecond)
}

func TestClientGoesOnAfterRestart(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{Journal: journal(t)})
	sender, receiver := b.sender(t), b.receiver(t, nil)
	b.must(t, sender.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("before")}, nil))
	b.must(t, receiver.CompleteMessage(b.ctx, b.one(t, receiver), nil))

	b.must(t, standin.Kill())
	b.must(t, standin.Restart(b.ctx))

	b.must(t, sender.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("after")}, nil))
	message := b.one(t, receiver)
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
	if string(message.Body) != "after" {
		t.Errorf("got %q", message.Body)
	}
}

func TestWithoutJournalARestartForgets(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	b.send(t, "in memory")
	b.must(t, standin.Restart(b.ctx))
	depths, err := standin.Depths(b.ctx)
	b.must(t, err)
	if depths["checks"] != (servicebus.Depth{}) {
		t.Errorf("depth %+v", depths["checks"])
	}
}

func TestDepthsByState(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	b.send(t, "active", "locked", "deferred", "dead", "active")
	receiver := b.receiver(t, nil)
	for _, then := range []func(*azservicebus.ReceivedMessage) error{
		func(m *azservicebus.ReceivedMessage) error { return receiver.CompleteMessage(b.ctx, m, nil) },
		func(*azservicebus.ReceivedMessage) error { return nil },
		func(m *azservicebus.ReceivedMessage) error { return receiver.DeferMessage(b.ctx, m, nil) },
		func(m *azservicebus.ReceivedMessage) error { return receiver.DeadLetterMessage(b.ctx, m, nil) },
	} {
		b.must(t, then(b.one(t, receiver)))
	}
	_, err := b.sender(t).ScheduleMessages(b.ctx, []*azservicebus.Message{{}, {}}, time.Now().Add(time.Hour), nil)
	b.must(t, err)
	depths, err := standin.Depths(b.ctx)
	b.must(t, err)
	want := servicebus.Depth{Active: 1, Locked: 1, Deferred: 1, Scheduled: 2, DeadLetter: 1}
	if len(depths) != 1 || depths["checks"] != want {
		t.Errorf("depths %+v", depths)
	}
}

func TestRejectedTokenIsUnauthorized(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	b.must(t, standin.Inject(b.ctx, servicebus.Faults{RejectTokens: true}))
	err := b.sender(t).SendMessage(b.ctx, &azservicebus.Message{}, nil)
	if !hasCode(err, azservicebus.CodeUnauthorizedAccess) {
		t.Errorf("error %v", err)
	}
	b.must(t, standin.ClearFaults(b.ctx))
	b.send(t, "now")
}

func TestRejectedSendNamesItsCondition(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	b.must(t, standin.Inject(b.ctx, servicebus.Faults{RejectSends: "com.microsoft:entity-disabled"}))
	err := b.sender(t).SendMessage(b.ctx, &azservicebus.Message{}, nil)
	if err == nil || !strings.Contains(err.Error(), "com.microsoft:entity-disabled") {
		t.Errorf("error %v", err)
	}
	depths, err := standin.Depths(b.ctx)
	b.must(t, err)
	if depths["checks"] != (servicebus.Depth{}) {
		t.Errorf("depth %+v", depths["checks"])
	}
}

func TestDroppedConnectionsAndDetachedLinksRecover(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]servicebus.Faults{
		"connections": {DropConnections: true},
		"links":       {DetachLinks: "checks"},
	} {
		t.Run(name, func(t *testing.T) {
			standin, b := startOne(t, servicebus.Options{})
			receiver := b.receiver(t, nil)
			b.send(t, "1")
			b.must(t, receiver.CompleteMessage(b.ctx, b.one(t, receiver), nil))
			waiting := make(chan error, 1)
			go func() {
				message, err := b.next(receiver)
				if err == nil && string(message.Body) != "2" {
					err = fmt.Errorf("got %q", message.Body)
				}
				waiting <- err
			}()
			b.must(t, standin.Inject(b.ctx, faults))
			b.send(t, "2")
			b.must(t, <-waiting)
		})
	}
}

func TestLostLockIsNoticedOnComplete(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	b.send(t, "1")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	b.must(t, standin.Inject(b.ctx, servicebus.Faults{LoseLocks: "checks"}))
	if err := receiver.CompleteMessage(b.ctx, message, nil); !hasCode(err, azservicebus.CodeLockLost) {
		t.Errorf("error %v", err)
	}
	if again := b.one(t, receiver); again.DeliveryCount != 2 {
		t.Errorf("delivery count %d", again.DeliveryCount)
	}
}

func TestDelayedDispositionOutlivesAShortDeadline(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	b.send(t, "1")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	b.must(t, standin.Inject(b.ctx, servicebus.Faults{DispositionDelayMs: 400}))
	ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	if err := receiver.CompleteMessage(ctx, message, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	b.nothing(t, receiver, 600*time.Millisecond)
	depths, err := standin.Depths(b.ctx)
	b.must(t, err)
	if depths["checks"] != (servicebus.Depth{}) {
		t.Errorf("the disposition was lost: %+v", depths["checks"])
	}
}

func TestUnknownFaultOrQueueIsRefused(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	err := standin.Inject(b.ctx, servicebus.Faults{LoseLocks: "nowhere"})
	if err == nil || !strings.Contains(err.Error(), "no queue nowhere") {
		t.Errorf("error %v", err)
	}
}

func TestStartSaysWhyItFailed(t *testing.T) {
	t.Parallel()
	standin, b := startOne(t, servicebus.Options{})
	t.Run("missing packages", func(t *testing.T) {
		_, err := servicebus.Start(b.ctx, servicebus.Options{Dir: t.TempDir()})
		if !errors.Is(err, servicebus.ErrNotInstalled) || !strings.Contains(err.Error(), "npm ci") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("port in use", func(t *testing.T) {
		var port int
		if _, err := fmt.Sscanf(standin.ConnectionString(), "Endpoint=sb://127.0.0.1:%d;", &port); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(folder(t))
		_, err := servicebus.Start(b.ctx, servicebus.Options{Dir: dir, Port: port, Queues: []servicebus.Queue{{Name: "q"}}})
		if err == nil || !strings.Contains(err.Error(), "EADDRINUSE") {
			t.Errorf("error %v", err)
		}
	})
}
