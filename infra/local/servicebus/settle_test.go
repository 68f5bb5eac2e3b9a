package servicebus_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// settleSteps are the behaviours of a message that somebody holds.
func settleSteps() []step {
	return []step{
		{"a completed message is gone", short, checkComplete},
		{"an abandoned message comes again with a higher delivery count and changed properties", plain, checkAbandon},
		{"a dead-lettered message is in the sub-queue with its reason", plain, checkDeadLetter},
		{"too many failed deliveries move a message to the sub-queue", short, checkMaxDelivery},
		{"a renewed lock outlives its first end", short, checkRenew},
		{"a lock that ran out redelivers; completing late is CodeLockLost", short, checkLockLost},
		{"renewing a lost lock is CodeLockLost", short, checkRenewLost},
		{"a deferred message comes by its number and is settled by management", plain, checkDefer},
		{"a deferred message is dead-lettered by management", plain, checkDeferDeadLetter},
		{"receiving an unknown deferred message is CodeNotFound", plain, checkDeferUnknown},
		{"receive-and-delete leaves nothing behind", plain, checkReceiveAndDelete},
		{"a message held by one receiver does not come to another", plain, checkExclusive},
		{"a message whose receiver closed comes again when its lock ends", short, checkReceiverGone},
	}
}

func checkComplete(t *testing.T, b bench) {
	b.send(t, "once")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
	b.nothing(t, receiver, time.Until(*message.LockedUntil)+lockMargin)
}

func checkAbandon(t *testing.T, b bench) {
	b.must(t, b.sender(t).SendMessage(b.ctx, &azservicebus.Message{
		Body: []byte("again"), ApplicationProperties: map[string]any{"kept": int64(1), "try": int32(1)},
	}, nil))
	receiver := b.receiver(t, nil)
	change := &azservicebus.AbandonMessageOptions{PropertiesToModify: map[string]any{"try": int32(2), "why": "busy"}}
	b.must(t, receiver.AbandonMessage(b.ctx, b.one(t, receiver), change))
	message := b.one(t, receiver)
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
	if message.DeliveryCount != 2 || string(message.Body) != "again" {
		t.Errorf("delivery count %d, body %q", message.DeliveryCount, message.Body)
	}
	properties := message.ApplicationProperties
	if properties["kept"] != int64(1) || properties["try"] != int32(2) || properties["why"] != "busy" {
		t.Errorf("properties %#v", properties)
	}
}

func checkDeadLetter(t *testing.T, b bench) {
	b.send(t, "bad")
	receiver := b.receiver(t, nil)
	b.must(t, receiver.DeadLetterMessage(b.ctx, b.one(t, receiver), &azservicebus.DeadLetterOptions{
		Reason: to("Invalid"), ErrorDescription: to("no host"), PropertiesToModify: map[string]any{"attempt": int64(3)},
	}))
	deadLetters := b.deadLetters(t)
	message := b.one(t, deadLetters)
	b.must(t, deadLetters.CompleteMessage(b.ctx, message, nil))
	if *message.DeadLetterReason != "Invalid" || *message.DeadLetterErrorDescription != "no host" {
		t.Errorf("reason %q, description %q", *message.DeadLetterReason, *message.DeadLetterErrorDescription)
	}
	if string(message.Body) != "bad" || message.ApplicationProperties["attempt"] != int64(3) {
		t.Errorf("body %q, properties %#v", message.Body, message.ApplicationProperties)
	}
	b.nothing(t, deadLetters, 200*time.Millisecond)
}

func checkMaxDelivery(t *testing.T, b bench) {
	b.send(t, "poison")
	receiver := b.receiver(t, nil)
	for count := uint32(1); count <= 3; count++ {
		message := b.one(t, receiver)
		if message.DeliveryCount != count {
			t.Errorf("delivery count %d, want %d", message.DeliveryCount, count)
		}
		b.must(t, receiver.AbandonMessage(b.ctx, message, nil))
	}
	deadLetters := b.deadLetters(t)
	message := b.one(t, deadLetters)
	b.must(t, deadLetters.CompleteMessage(b.ctx, message, nil))
	if *message.DeadLetterReason != "MaxDeliveryCountExceeded" || string(message.Body) != "poison" {
		t.Errorf("reason %q, body %q", *message.DeadLetterReason, message.Body)
	}
}

func checkRenew(t *testing.T, b bench) {
	b.send(t, "long")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	first := *message.LockedUntil
	for range 2 {
		time.Sleep(time.Until(*message.LockedUntil) * 7 / 10)
		before := *message.LockedUntil
		b.must(t, receiver.RenewMessageLock(b.ctx, message, nil))
		if !message.LockedUntil.After(before) {
			t.Fatalf("lock still ends at %v", before)
		}
	}
	time.Sleep(time.Until(first) + lockMargin)
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
}

func checkLockLost(t *testing.T, b bench) {
	b.send(t, "slow")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	time.Sleep(time.Until(*message.LockedUntil) + lockMargin)
	if err := receiver.CompleteMessage(b.ctx, message, nil); !hasCode(err, azservicebus.CodeLockLost) {
		t.Errorf("late complete: %v", err)
	}
	again := b.one(t, receiver)
	b.must(t, receiver.CompleteMessage(b.ctx, again, nil))
	if again.DeliveryCount != 2 || again.LockToken == message.LockToken {
		t.Errorf("delivery count %d, token %x", again.DeliveryCount, again.LockToken)
	}
}

func checkRenewLost(t *testing.T, b bench) {
	b.send(t, "slow")
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	time.Sleep(time.Until(*message.LockedUntil) + lockMargin)
	if err := receiver.RenewMessageLock(b.ctx, message, nil); !hasCode(err, azservicebus.CodeLockLost) {
		t.Errorf("late renewal: %v", err)
	}
	b.must(t, receiver.CompleteMessage(b.ctx, b.one(t, receiver), nil))
}

func (b bench) deferred(t *testing.T, receiver *azservicebus.Receiver) *azservicebus.ReceivedMessage {
	t.Helper()
	b.send(t, "later")
	message := b.one(t, receiver)
	b.must(t, receiver.DeferMessage(b.ctx, message, nil))
	messages, err := receiver.ReceiveDeferredMessages(b.ctx, []int64{*message.SequenceNumber}, nil)
	b.must(t, err)
	if len(messages) != 1 || string(messages[0].Body) != "later" {
		t.Fatalf("%d deferred messages", len(messages))
	}
	return messages[0]
}

func checkDefer(t *testing.T, b bench) {
	receiver := b.receiver(t, nil)
	b.must(t, receiver.CompleteMessage(b.ctx, b.deferred(t, receiver), nil))
	b.nothing(t, receiver, 200*time.Millisecond)
}

func checkDeferDeadLetter(t *testing.T, b bench) {
	receiver := b.receiver(t, nil)
	message := b.deferred(t, receiver)
	b.must(t, receiver.DeadLetterMessage(b.ctx, message, &azservicebus.DeadLetterOptions{Reason: to("Late")}))
	deadLetters := b.deadLetters(t)
	dead := b.one(t, deadLetters)
	b.must(t, deadLetters.CompleteMessage(b.ctx, dead, nil))
	if *dead.DeadLetterReason != "Late" {
		t.Errorf("reason %q", *dead.DeadLetterReason)
	}
}

func checkDeferUnknown(t *testing.T, b bench) {
	_, err := b.receiver(t, nil).ReceiveDeferredMessages(b.ctx, []int64{1 << 40}, nil)
	if !hasCode(err, azservicebus.CodeNotFound) {
		t.Errorf("error %v", err)
	}
}

func checkReceiveAndDelete(t *testing.T, b bench) {
	b.send(t, "gone")
	deleting := b.receiver(t, &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	b.one(t, deleting)
	peeked, err := deleting.PeekMessages(b.ctx, 1, nil)
	b.must(t, err)
	if len(peeked) != 0 {
		t.Errorf("%d messages left", len(peeked))
	}
}

func checkExclusive(t *testing.T, b bench) {
	b.send(t, "mine")
	first, second := b.receiver(t, nil), b.receiver(t, nil)
	message := b.one(t, first)
	b.nothing(t, second, 200*time.Millisecond)
	b.must(t, first.AbandonMessage(b.ctx, message, nil))
	b.must(t, second.CompleteMessage(b.ctx, b.one(t, second), nil))
}

func checkReceiverGone(t *testing.T, b bench) {
	b.send(t, "left")
	gone := b.receiver(t, nil)
	held := b.one(t, gone)
	b.must(t, gone.Close(b.ctx))
	receiver := b.receiver(t, nil)
	message := b.one(t, receiver)
	if early := time.Until(*held.LockedUntil); early > 0 {
		t.Errorf("came %s before its lock ended", early)
	}
	b.must(t, receiver.CompleteMessage(b.ctx, message, nil))
	if message.DeliveryCount != 2 {
		t.Errorf("delivery count %d", message.DeliveryCount)
	}
}
