package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

func TestMessageArrivesAsSent(t *testing.T) {
	t.Parallel()
	q := open(t, "fields")
	err := q.Send(t.Context(),
		Message{ID: "c1", Body: []byte(`{"version":1}`), CorrelationID: "order-7"},
		Message{ID: "c2", Body: []byte("x"), ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}

	got := received(t, "fields", 2)

	if m := got[0]; m.MessageID != "c1" || string(m.Body) != `{"version":1}` || *m.CorrelationID != "order-7" ||
		*m.ContentType != "application/json" {
		t.Errorf("first = %+v", m)
	}
	if m := got[1]; m.MessageID != "c2" || m.CorrelationID != nil || *m.ContentType != "text/plain" {
		t.Errorf("second = %+v", m)
	}
}

func TestScheduledMessageWaitsAndKeepsItsProperties(t *testing.T) {
	t.Parallel()
	q := open(t, "later")
	at := time.Now().Add(1500 * time.Millisecond)
	message := Message{ID: "c1", Body: []byte("x"), CorrelationID: "order-7", Properties: map[string]string{"attempt": "2"}}
	if err := q.Schedule(t.Context(), at, message, Message{ID: "c2", Body: []byte("y")}); err != nil {
		t.Fatal(err)
	}
	if n := depth(t, shared, "later"); n != 0 && time.Now().Before(at) {
		t.Errorf("%d messages are there already", n)
	}

	got := received(t, "later", 2)

	if now := time.Now(); now.Before(at) {
		t.Errorf("the messages came %s too early", at.Sub(now))
	}
	slices.SortFunc(got, func(a, b *azservicebus.ReceivedMessage) int { return cmp.Compare(a.MessageID, b.MessageID) })
	if m := got[0]; m.MessageID != "c1" || *m.CorrelationID != "order-7" || m.ApplicationProperties["attempt"] != "2" {
		t.Errorf("first = %+v", m)
	}
	if m := got[1]; len(m.ApplicationProperties) != 0 {
		t.Errorf("second = %+v", m)
	}
	if !message.At.IsZero() {
		t.Error("the caller's message was changed")
	}
}

func TestManyMessagesGoInSeveralBatchesInOrder(t *testing.T) {
	t.Parallel()
	q := open(t, "many")
	var messages []Message
	for i := range 300 { // 600 KiB; a batch holds 256 KiB.
		messages = append(messages, Message{ID: fmt.Sprint(i), Body: []byte(strings.Repeat("x", 2<<10))})
	}
	if err := q.Send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}

	got := received(t, "many", len(messages))
	// The client hands back what arrives between two calls of it, so messages come out of order; the queue's order counts.
	slices.SortFunc(got, func(a, b *azservicebus.ReceivedMessage) int {
		return cmp.Compare(*a.SequenceNumber, *b.SequenceNumber)
	})
	for i, m := range got {
		if m.MessageID != fmt.Sprint(i) {
			t.Fatalf("message %d has the id %s", i, m.MessageID)
		}
	}
	if n := depth(t, shared, "many"); n != 0 {
		t.Errorf("%d messages too many", n)
	}
}

func TestTooLargeMessageKeepsTheOthersBack(t *testing.T) {
	t.Parallel()
	q := open(t, "large")
	large := Message{ID: "large", Body: make([]byte, 300<<10)}
	for name, messages := range map[string][]Message{
		"alone":  {large},
		"first":  {large, {ID: "c1", Body: []byte("x")}},
		"middle": {{ID: "c1", Body: []byte("x")}, large, {ID: "c2", Body: []byte("x")}},
	} {
		err := q.Send(t.Context(), messages...)
		var tooLarge *TooLargeError
		if !errors.As(err, &tooLarge) || tooLarge.ID != "large" {
			t.Errorf("%s: error = %v, want TooLargeError of the message", name, err)
		}
	}
	if n := depth(t, shared, "large"); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	if q.current == nil {
		t.Error("a message that is too large took the link out of use")
	}
}

func TestSameIDArrivesOnce(t *testing.T) {
	t.Parallel()
	q := open(t, "once")
	id := fmt.Sprint(time.Now().UnixNano()) // The queue remembers ids over -count=2.
	for range 2 {
		if err := q.Send(t.Context(), Message{ID: id, Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	received(t, "once", 1)
	if n := depth(t, shared, "once"); n != 0 {
		t.Errorf("%d messages too many", n)
	}
}

func TestFirstUseByManyAtOnceOpensOneLink(t *testing.T) {
	t.Parallel()
	q := open(t, "crowd")
	var clients atomic.Int32
	build := q.make
	q.make = func() (*azservicebus.Client, error) {
		clients.Add(1)
		return build()
	}
	var crowd sync.WaitGroup
	for i := range 30 {
		crowd.Go(func() {
			if err := q.Send(t.Context(), Message{ID: fmt.Sprint(i), Body: []byte("x")}); err != nil {
				t.Error(err)
			}
		})
		crowd.Go(func() {
			if err := q.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	crowd.Wait()
	if n := clients.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	received(t, "crowd", 30)
	if n := depth(t, shared, "crowd"); n != 0 {
		t.Errorf("%d messages too many", n)
	}
}

func TestImpossibleIDs(t *testing.T) {
	t.Parallel()
	q := open(t, "fields")
	for _, id := range []string{"", strings.Repeat("a", 129)} {
		if err := q.Send(t.Context(), Message{ID: id, Body: []byte("x")}); err == nil {
			t.Errorf("an id of %d characters was sent", len(id))
		}
	}
	if err := q.Send(t.Context()); err != nil || q.current != nil {
		t.Errorf("nothing to send: %v, link %v", err, q.current)
	}
}

func TestCallerWhoGoesAwayLeavesTheLink(t *testing.T) {
	t.Parallel()
	q := open(t, "cancelled")
	if err := q.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := q.current
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Send(ctx, Message{ID: "c1", Body: []byte("x")}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the cancellation", err)
	}
	if q.current != before {
		t.Error("the link was given up")
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	q := open(t, "closed")
	if err := q.Send(t.Context(), Message{ID: "c1", Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := q.Send(t.Context(), Message{ID: "c2", Body: []byte("x")}); !errors.Is(err, ErrClosed) {
		t.Errorf("error = %v, want ErrClosed", err)
	}
	received(t, "closed", 1)
	if n := depth(t, shared, "closed"); n != 0 {
		t.Errorf("%d messages too many", n)
	}
}
