package servicebus_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
)

// sendSteps are the behaviours on the way into a queue.
func sendSteps() []step {
	return []step{
		{"what is sent is received, number types and all", plain, checkFidelity},
		{"a message without an id gets one", plain, checkMessageID},
		{"a batch arrives as single messages in order", plain, checkBatch},
		{"a message of 200 KiB goes over several frames", plain, checkLarge},
		{"a message over the limit is ErrMessageTooLarge", plain, checkTooLarge},
		{"an unknown queue is amqp:not-found", plain, checkUnknownQueue},
		{"the same message id within the window is dropped", dedup, checkDuplicate},
		{"a scheduled message comes when due, a cancelled one never", plain, checkSchedule},
		{"ScheduledEnqueueTime on a plain send delays it", plain, checkScheduledSend},
		{"cancelling what is not scheduled is CodeNotFound", plain, checkCancelUnknown},
		{"a message whose time to live is over does not come", plain, checkTimeToLive},
		{"peek shows messages and takes none", plain, checkPeek},
	}
}

func checkFidelity(t *testing.T, b bench) {
	sent := &azservicebus.Message{
		Body: []byte("hello"), MessageID: to("m-1"), Subject: to("check"), CorrelationID: to("c-1"),
		ContentType: to("application/json"), TimeToLive: to(time.Hour),
		ApplicationProperties: map[string]any{
			"int32": int32(7), "int64": int64(8), "big": int64(1) << 60, "float": 1.5, "whole": 2.0, "bool": true,
			"text": "ü", "bytes": []byte{0, 255}, "negative": int32(-3), "uint": uint32(9),
		},
	}
	before := time.Now()
	b.must(t, b.sender(t).SendMessage(b.ctx, sent, nil))
	receiver := b.receiver(t, nil)
	got := b.one(t, receiver)
	b.must(t, receiver.CompleteMessage(b.ctx, got, nil))
	if string(got.Body) != "hello" || got.MessageID != "m-1" || *got.Subject != "check" || *got.CorrelationID != "c-1" ||
		*got.ContentType != "application/json" || *got.TimeToLive != time.Hour {
		t.Errorf("got %+v", got)
	}
	if !reflect.DeepEqual(got.ApplicationProperties, sent.ApplicationProperties) {
		t.Errorf("application properties %#v", got.ApplicationProperties)
	}
	if got.DeliveryCount != 1 || got.State != azservicebus.MessageStateActive || got.LockToken == [16]byte{} {
		t.Errorf("delivery count %d, state %d, token %x", got.DeliveryCount, got.State, got.LockToken)
	}
	if got.SequenceNumber == nil || got.EnqueuedTime.Sub(before).Abs() > 30*time.Second || !got.LockedUntil.After(before) {
		t.Errorf("sequence %v, enqueued %v, locked until %v", got.SequenceNumber, got.EnqueuedTime, got.LockedUntil)
	}
}

// The JavaScript client refuses a received message without an id.
func checkMessageID(t *testing.T, b bench) {
	b.send(t, "no id")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	if message.MessageID == "" {
		t.Error("no message id")
	}
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
}

func checkBatch(t *testing.T, b bench) {
	sender := b.sender(t)
	batch, err := sender.NewMessageBatch(b.ctx, nil)
	b.must(t, err)
	const bodies = "abcdefghij"
	for _, body := range bodies {
		b.must(t, batch.AddMessage(&azservicebus.Message{Body: []byte(string(body))}, nil))
	}
	b.must(t, sender.SendMessageBatch(b.ctx, batch, nil))
	receiver := b.receiver(t, nil)
	var got string
	for len(got) < len(bodies) {
		messages, err := receiver.ReceiveMessages(b.ctx, len(bodies)-len(got), nil)
		b.must(t, err)
		for _, message := range messages {
			got += string(message.Body)
			b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
		}
	}
	if got != bodies {
		t.Errorf("got %q", got)
	}
}

func checkLarge(t *testing.T, b bench) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 200*1024/16)
	b.send(t, string(body))
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
	if !bytes.Equal(message.Body, body) {
		t.Errorf("%d bytes came back changed", len(message.Body))
	}
}

func checkTooLarge(t *testing.T, b bench) {
	err := b.sender(t).SendMessage(b.ctx, &azservicebus.Message{Body: make([]byte, 300*1024)}, nil)
	if !errors.Is(err, azservicebus.ErrMessageTooLarge) {
		t.Errorf("error %v", err)
	}
}

func checkUnknownQueue(t *testing.T, b bench) {
	b.queue = "conformance-no-such-queue"
	err := b.sender(t).SendMessage(b.ctx, &azservicebus.Message{Body: []byte("x")}, nil)
	var condition *amqp.Error
	if !errors.As(err, &condition) || condition.Condition != amqp.ErrCondNotFound {
		t.Errorf("error %v", err)
	}
}

func checkDuplicate(t *testing.T, b bench) {
	id := "m-" + t.Name() + time.Now().String()
	sender := b.sender(t)
	for _, body := range []string{"1", "2"} {
		b.must(t, sender.SendMessage(b.ctx, &azservicebus.Message{Body: []byte(body), MessageID: &id}, nil))
	}
	b.send(t, "3")
	receiver := b.receiver(t, nil)
	for _, body := range []string{"1", "3"} {
		message := b.one(t, receiver)
		if string(message.Body) != body {
			t.Errorf("got %q, want %q", message.Body, body)
		}
		b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
	}
	b.must(t, sender.SendMessage(b.ctx, &azservicebus.Message{Body: []byte("4"), MessageID: &id}, nil))
	b.nothing(t, receiver, 300*time.Millisecond)
}

func checkSchedule(t *testing.T, b bench) {
	due := time.Now().Add(1200 * time.Millisecond)
	sender := b.sender(t)
	messages := []*azservicebus.Message{{Body: []byte("no")}, {Body: []byte("yes")}}
	seqs, err := sender.ScheduleMessages(b.ctx, messages, due, nil)
	b.must(t, err)
	b.must(t, sender.CancelScheduledMessages(b.ctx, seqs[:1], nil))
	receiver := b.receiver(t, nil)
	peeked, err := receiver.PeekMessages(b.ctx, 10, nil)
	b.must(t, err)
	if len(peeked) != 1 || peeked[0].State != azservicebus.MessageStateScheduled {
		t.Errorf("peeked %d messages", len(peeked))
	}
	message := b.one(t, receiver)
	if early := time.Until(due); early > 0 {
		t.Errorf("came %s early", early)
	}
	if string(message.Body) != "yes" {
		t.Errorf("got %q", message.Body)
	}
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
}

func checkScheduledSend(t *testing.T, b bench) {
	due := time.Now().Add(1200 * time.Millisecond)
	b.must(t, b.sender(t).SendMessage(b.ctx, &azservicebus.Message{ScheduledEnqueueTime: &due}, nil))
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	if early := time.Until(due); early > 0 {
		t.Errorf("came %s early", early)
	}
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
}

func checkCancelUnknown(t *testing.T, b bench) {
	if err := b.sender(t).CancelScheduledMessages(b.ctx, []int64{1 << 40}, nil); !hasCode(err, azservicebus.CodeNotFound) {
		t.Errorf("error %v", err)
	}
}

func checkTimeToLive(t *testing.T, b bench) {
	const life = 500 * time.Millisecond
	b.must(t, b.sender(t).SendMessage(b.ctx, &azservicebus.Message{TimeToLive: to(life)}, nil))
	time.Sleep(life + lockMargin)
	b.nothing(t, b.receiver(t, nil), 300*time.Millisecond)
}

func checkPeek(t *testing.T, b bench) {
	b.send(t, "1", "2", "3")
	receiver := b.receiver(t, nil)
	locked := b.one(t, receiver)
	peeked, err := receiver.PeekMessages(b.ctx, 10, nil)
	b.must(t, err)
	if len(peeked) != 3 || string(peeked[0].Body) != "1" || string(peeked[2].Body) != "3" {
		t.Errorf("peeked %d messages", len(peeked))
	}
	again, err := receiver.PeekMessages(b.ctx, 10, nil) // the client goes on behind the last one
	b.must(t, err)
	if len(again) != 0 {
		t.Errorf("peeked %d more", len(again))
	}
	b.must(t, receiver.CompleteMessage(b.ctx, locked, nil))
	for range 2 {
		b.must(t, receiver.CompleteMessage(b.ctx, b.one(t, receiver), nil))
	}
}
