package envelope

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Metadata is what the host says about a message. Every reading is lenient: a value may be an object, a string, or JSON
// within a string, and a key may be missing in an older extension. What is missing reads as the zero value.
type Metadata map[string]json.RawMessage

// MessageID is the message's id as its sender set it.
func (m Metadata) MessageID() string { return m.text("MessageId") }

// CorrelationID is the id that an answer should carry.
func (m Metadata) CorrelationID() string { return m.text("CorrelationId") }

// ReplyTo is the queue that the sender wants the answer in.
func (m Metadata) ReplyTo() string { return m.text("ReplyTo") }

// SessionID is the message's session.
func (m Metadata) SessionID() string { return m.text("SessionId") }

// ContentType is the media type that the sender gave the body.
func (m Metadata) ContentType() string { return m.text("ContentType") }

// Subject is the message's subject; older extensions call it the label.
func (m Metadata) Subject() string {
	if subject := m.text("Subject"); subject != "" {
		return subject
	}
	return m.text("Label")
}

// EventID is the id of an Event Grid trigger's event, as the host copies it from the event.
func (m Metadata) EventID() string { return m.text("id") }

// DeliveryCount is 1 at the first delivery; 0 means not known.
func (m Metadata) DeliveryCount() int {
	count, err := strconv.Atoi(m.text("DeliveryCount"))
	if err != nil {
		return 0
	}
	return count
}

// SequenceNumber is the broker's number of the message, unique in its queue; 0 means not known.
func (m Metadata) SequenceNumber() int64 {
	number, err := strconv.ParseInt(m.text("SequenceNumber"), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// EnqueuedTime is when the broker took the message, UTC, in whole seconds: the host drops the fraction.
func (m Metadata) EnqueuedTime() time.Time {
	for _, key := range []string{"EnqueuedTime", "EnqueuedTimeUtc"} {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
			if at, err := time.Parse(layout, m.text(key)); err == nil {
				return at.UTC()
			}
		}
	}
	return time.Time{}
}

// ApplicationProperties are the sender's own properties as text; numbers and truth values as JSON writes them.
func (m Metadata) ApplicationProperties() map[string]string {
	for _, key := range []string{"ApplicationProperties", "UserProperties"} {
		if properties := m.object(key); properties != nil {
			return properties.texts()
		}
	}
	return nil
}

// DeadLetterReason is the broker's reason, such as MaxDeliveryCountExceeded; empty outside of a dead-letter queue.
func (m Metadata) DeadLetterReason() string { return m.deadLetter("DeadLetterReason") }

// DeadLetterDescription is the broker's sentence on the reason.
func (m Metadata) DeadLetterDescription() string { return m.deadLetter("DeadLetterErrorDescription") }

// deadLetter reads an application property: the binding has no key of its own for these two. A key of its own, should
// one come, wins.
func (m Metadata) deadLetter(name string) string {
	if own := m.text(name); own != "" {
		return own
	}
	return m.ApplicationProperties()[name]
}

func (m Metadata) texts() map[string]string {
	texts := make(map[string]string, len(m))
	for key, raw := range m {
		texts[key] = plain(raw)
	}
	return texts
}

// text reads a scalar: a number or truth value is its JSON text, an object is empty.
func (m Metadata) text(key string) string {
	raw := m.get(key)
	var outer string
	if json.Unmarshal(raw, &outer) != nil {
		return plain(raw)
	}
	var inner any
	if json.Unmarshal([]byte(outer), &inner) != nil {
		return outer
	}
	switch value := inner.(type) {
	case string:
		return value
	case map[string]any, []any, nil:
		return ""
	}
	return outer
}

func (m Metadata) object(key string) Metadata {
	raw := m.get(key)
	var outer string
	if json.Unmarshal(raw, &outer) == nil {
		raw = json.RawMessage(outer)
	}
	var object Metadata
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object
}

// get finds a key in any case, as the host's own dictionary does; the exact spelling wins.
func (m Metadata) get(key string) json.RawMessage {
	if raw, ok := m[key]; ok {
		return raw
	}
	var found []string
	for name := range m {
		if strings.EqualFold(name, key) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return m[slices.Min(found)]
}

// plain is a single-encoded scalar as text.
func plain(raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	switch value := value.(type) {
	case string:
		return value
	case float64, bool:
		return strings.TrimSpace(string(raw))
	}
	return ""
}
