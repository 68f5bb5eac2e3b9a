package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// propertyGrid stands on every message that Event Grid delivers.
// https://learn.microsoft.com/azure/event-grid/handler-service-bus, message headers
const propertyGrid = "aeg-event-type"

// gridEvent is the id of an event that Event Grid delivered to the queue; empty for any other message. Event Grid gives
// its messages an internal id, which whoever published the event never sees and cannot ask for.
func gridEvent(invocation envelope.Invocation, properties map[string]string) string {
	if properties[propertyGrid] == "" {
		return ""
	}
	body, err := invocation.Bytes(binding)
	if err != nil {
		return ""
	}
	return request.EventID(body)
}

// unnamed is the id of a message that nobody gave one: the same on every delivery of that message, and another for the
// next message with the same body, which asks for a new check. A broker's number alone would repeat when a queue is
// made anew.
func unnamed(invocation envelope.Invocation) string {
	m := invocation.Claimed()
	if number, at := m.SequenceNumber(), m.EnqueuedTime(); number != 0 && !at.IsZero() {
		return fmt.Sprintf("queue-%s-%d", at.Format("20060102T150405"), number)
	}
	// Without any word of the broker there is only the body. A message that cannot be read is empty here.
	body, _ := invocation.Bytes(binding)
	sum := sha256.Sum256(body)
	return "msg-" + hex.EncodeToString(sum[:16])
}
