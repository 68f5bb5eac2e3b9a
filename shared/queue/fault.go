package queue

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// SendError means that sending stopped on the way.
type SendError struct {
	// Sent is how many messages, from the first, the queue has surely taken.
	Sent  int
	cause error
}

// Error implements error.
func (e *SendError) Error() string { return fmt.Sprintf("after %d messages: %v", e.Sent, e.cause) }

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.cause }

// Fault is a call to the queue that failed. Its text holds no key and no token.
type Fault struct {
	// Op is "send" or "ping".
	Op    string
	Queue string
	// Condition is what the broker said, such as amqp:not-found or amqp:unauthorized-access; empty where it said nothing.
	Condition string

	cause error
	text  string
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf("%s queue %s: %s", f.Op, f.Queue, f.text) }

// Unwrap gives the cause: a *TooLargeError, a *SendError, ErrClosed, a context's end, an error of the client.
func (f *Fault) Unwrap() error { return f.cause }

// Passing tells whether the same call may well succeed a moment later. What the broker refuses (no right, no such
// queue) and what is too large stays refused.
func (f *Fault) Passing() bool {
	var large *TooLargeError
	switch {
	case errors.As(f.cause, &large), errors.Is(f.cause, ErrClosed):
		return false
	}
	return f.Condition != string(amqp.ErrCondNotFound) && f.Condition != string(amqp.ErrCondUnauthorizedAccess)
}

func (q *Queue) fault(op string, err error) error {
	return &Fault{Op: op, Queue: q.name, Condition: condition(err), cause: err, text: q.scrub(err.Error())}
}

// condition finds the broker's own word. The client maps a missing queue to no code of its own, and a refused token to
// a code without a condition.
func condition(err error) string {
	var broker *amqp.Error
	if errors.As(err, &broker) {
		return string(broker.Condition)
	}
	var client *azservicebus.Error
	if errors.As(err, &client) && client.Code == azservicebus.CodeUnauthorizedAccess {
		return string(amqp.ErrCondUnauthorizedAccess)
	}
	return ""
}

// scrubber replaces the shared access key and any signature.
func scrubber(connection secret.String) func(string) string {
	signature := regexp.MustCompile(`(?i)\bsig=[^&;\s"']+`)
	key := connectionPairs(connection)["sharedaccesskey"]
	return func(text string) string {
		if key != "" {
			text = strings.ReplaceAll(text, key, secret.String{}.String())
		}
		return signature.ReplaceAllString(text, "sig="+secret.String{}.String())
	}
}
