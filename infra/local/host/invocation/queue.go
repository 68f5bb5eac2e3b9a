package invocation

import (
	"strings"
	"time"
)

// QueueMessage is a received Service Bus message with the fields that the trigger hands on. An empty text means that
// the field is not set.
type QueueMessage struct {
	Body             []byte
	MessageID        string
	ContentType      string
	Subject          string
	CorrelationID    string
	To               string
	ReplyTo          string
	SessionID        string
	ReplyToSessionID string
	PartitionKey     string
	DeadLetterSource string
	// DeliveryCount is 1 at the first delivery.
	DeliveryCount  uint32
	SequenceNumber int64
	// LockToken is a GUID in text form.
	LockToken    string
	EnqueuedTime time.Time
	// ExpiresAt is zero for a message that does not expire.
	ExpiresAt  time.Time
	Properties []Property
	// Namespace is the fully qualified host name, Client the identifier of the host's client.
	Namespace string
	Client    string
}

// Property is an application property with a value that JSON can show.
type Property struct {
	Name  string
	Value any
}

// never is what .NET calls DateTime.MaxValue.
func never() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

// Queue builds the body for a serviceBusTrigger of cardinality one. Binary gives the exact bytes in base64; otherwise
// the body goes as doubly encoded text and its top-level properties overwrite Metadata (facts section 2.2).
func Queue(binding string, binary bool, message QueueMessage, system System) ([]byte, error) {
	metadata := message.metadata()
	addSystem(metadata, system)
	if binary {
		// A nil slice would be JSON null; an empty message is an empty string.
		return body(binding, append([]byte{}, message.Body...), metadata)
	}
	text := strings.ToValidUTF8(string(message.Body), "\uFFFD")
	promote(metadata, text)
	data, err := encode(text)
	if err != nil {
		return nil, err
	}
	return body(binding, string(data), metadata)
}

// metadata lists the keys in the order in which the Service Bus extension adds them, nulls included: a promoted
// property of the same name takes their place.
func (m QueueMessage) metadata() *object {
	expires := m.ExpiresAt
	if expires.IsZero() {
		expires = never()
	}
	properties := &object{}
	for _, p := range m.Properties {
		properties.members = append(properties.members, member{p.Name, p.Value})
	}
	return &object{[]member{
		{"MessageReceiver", &object{}},
		{"MessageSession", &object{}},
		{"MessageActions", &object{}},
		{"SessionActions", &object{}},
		{"ReceiveActions", &object{}},
		{"Client", &object{[]member{
			{"FullyQualifiedNamespace", m.Namespace},
			{"IsClosed", false},
			{"TransportType", 0},
			{"Identifier", m.Client},
		}}},
		{"DeliveryCount", m.DeliveryCount},
		{"DeadLetterSource", optional(m.DeadLetterSource)},
		{"LockToken", m.LockToken},
		{"ExpiresAtUtc", dateTime(expires)},
		{"ExpiresAt", dateTimeOffset(expires)},
		{"EnqueuedTimeUtc", dateTime(m.EnqueuedTime)},
		{"EnqueuedTime", dateTimeOffset(m.EnqueuedTime)},
		{"MessageId", optional(m.MessageID)},
		{"ContentType", optional(m.ContentType)},
		{"ReplyTo", optional(m.ReplyTo)},
		{"SequenceNumber", m.SequenceNumber},
		{"To", optional(m.To)},
		{"Subject", optional(m.Subject)},
		{"Label", optional(m.Subject)},
		{"CorrelationId", optional(m.CorrelationID)},
		{"ApplicationProperties", properties},
		{"UserProperties", properties},
		{"SessionId", optional(m.SessionID)},
		{"ReplyToSessionId", optional(m.ReplyToSessionID)},
		{"PartitionKey", optional(m.PartitionKey)},
		{"TransactionPartitionKey", nil},
	}}
}
