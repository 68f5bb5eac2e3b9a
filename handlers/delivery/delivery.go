// Package delivery is a message of the check queue as a function gets it: the request in it, whose check it is, how
// often it came before, and the message that brings it again later. It sends nothing.
package delivery

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// binding is the trigger's name in function.json.
const binding = "message"

// The application properties of messages that we send ourselves. A sender may write them as well; all it gains is that
// its own message is given up sooner, or runs no check.
const (
	// propertyID keeps the check's id where the message's own id has to be a fresh one.
	propertyID = "pgpreflight-id"
	// propertyAttempt counts how often our own trouble ended a delivery, propertyResent how often the message was sent
	// again for whatever reason.
	propertyAttempt = "pgpreflight-attempt"
	propertyResent  = "pgpreflight-resent"
	// propertyOrigin says who asked: originSchedule for a route's own check.
	propertyOrigin = "pgpreflight-origin"
	originSchedule = "schedule"
	// propertyReminder marks a message that asks for no check, but to go on telling of one. Its value is when that is due.
	propertyReminder = "pgpreflight-reminder"
)

// Delivery is one delivery of a message.
type Delivery struct {
	// ID is the check's: the request's own, else the message's (of what Event Grid delivers the event's), else one that is
	// made of what the broker says. It is the same on every delivery.
	ID string
	// Check is the request, where Problem is nil.
	Check request.Check
	// Problem is why the request is refused.
	Problem *request.Problem
	// CorrelationID is what an answer carries: the message's own, else its message id; of a message that Event Grid
	// delivered the event's id.
	CorrelationID string
	// Scheduled tells a check that the timer, or a confirmation of its finding, asked for.
	Scheduled bool
	// Reminder tells a message that only asks to go on telling of a check's report; there is no request in it.
	Reminder bool
	// Attempt is how often our own trouble ended a delivery before; Resent how often the message was sent again.
	Attempt, Resent int
	// Count is the broker's count of deliveries, 1 at the first; 0 where it is not known.
	Count int
	// Queued is when the broker took the message; zero where it is not known.
	Queued time.Time
	// DeadReason and DeadDescription are the broker's, of a dead letter.
	DeadReason, DeadDescription string

	body        []byte
	contentType string
	// due is when a reminder was due, as Unix seconds.
	due string
}

// Read reads an invocation. The error means that the host's envelope has no message; a message that cannot be read is a
// Problem.
func Read(invocation envelope.Invocation) (Delivery, error) {
	// A sender may have written what is claimed, but it may write the id in the request as well.
	claimed, own := invocation.Claimed(), invocation.Metadata(binding).ApplicationProperties()
	d := Delivery{
		CorrelationID: claimed.CorrelationID(), Count: claimed.DeliveryCount(), Queued: claimed.EnqueuedTime(),
		Scheduled: own[propertyOrigin] == originSchedule, Attempt: count(own[propertyAttempt]),
		Resent: count(own[propertyResent]), DeadReason: claimed.DeadLetterReason(),
		DeadDescription: claimed.DeadLetterDescription(), contentType: claimed.ContentType(),
		Reminder: own[propertyReminder] != "", due: strconv.Itoa(count(own[propertyReminder])),
	}
	fallback := claimed.MessageID()
	if event := gridEvent(invocation, own); event != "" {
		fallback = event
	}
	if d.CorrelationID == "" {
		d.CorrelationID = fallback
	}
	if own[propertyID] != "" {
		fallback = own[propertyID]
	}
	err := d.decode(invocation, fallback)
	if d.ID == "" {
		d.ID = unnamed(invocation)
	}
	d.Check.ID = d.ID
	return d, err
}

// count reads a property that a sender may have written.
func count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (d *Delivery) decode(invocation envelope.Invocation, fallback string) error {
	body, err := invocation.Bytes(binding)
	if errors.Is(err, envelope.ErrTooLarge) {
		// The next delivery would be as large, so this is a refused request and not an error.
		_, refused := request.Decode(nil, fallback)
		d.Problem = &request.Problem{Code: finding.RequestInvalid}
		if named, ok := errors.AsType[*request.Problem](refused); ok {
			d.Problem.ID = named.ID
		}
		d.ID, d.Problem.Message = d.Problem.ID, fmt.Sprintf("has more than %d bytes", envelope.MaxMessage)
		return nil
	}
	if err != nil {
		return err
	}
	d.body = body
	check, err := request.Decode(body, fallback)
	if problem, refused := errors.AsType[*request.Problem](err); refused {
		d.Problem, d.ID = problem, problem.ID
		return nil
	}
	d.Check, d.ID = check, check.ID
	return err
}

// Route is the route that the check belongs to, also of a request that is refused.
func (d Delivery) Route() string {
	if d.Problem != nil {
		return d.Problem.Route
	}
	return d.Check.Route
}

// Later is the message that brings the same request again, byte for byte, at a time; false where it cannot be sent,
// being too large to be read. Its id is a fresh one, since the queue would drop a second message with the same, and
// still the same if this delivery is repeated. Attempt is the count that it carries.
func (d Delivery) Later(at time.Time, attempt int) (queue.Message, bool) {
	m := queue.Message{
		ID: fmt.Sprintf("%s~%d", d.ID, d.Resent+1), Body: d.body, CorrelationID: d.CorrelationID, ContentType: d.contentType,
		At: at,
		Properties: map[string]string{
			propertyID: d.ID, propertyAttempt: strconv.Itoa(attempt), propertyResent: strconv.Itoa(d.Resent + 1),
		},
	}
	if d.Scheduled {
		m.Properties[propertyOrigin] = originSchedule
	}
	if d.Reminder {
		m.ID = fmt.Sprintf("%s~%d", reminderID(d.ID, d.due), d.Resent+1)
		m.Properties[propertyReminder] = d.due
	}
	return m, d.body != nil
}

// Scheduled is the message of a route's own check. Its body is the request as the route has it; the id in it is the
// message's.
func Scheduled(id string, body []byte, at time.Time) queue.Message {
	return queue.Message{ID: id, Body: body, At: at,
		Properties: map[string]string{propertyID: id, propertyOrigin: originSchedule}}
}

// Reminder is the message that brings a check back at a time to go on telling of it. The same time gives the same
// message, so that two who ask for it get one.
func Reminder(id string, at time.Time) queue.Message {
	due := strconv.FormatInt(at.Unix(), 10)
	return queue.Message{ID: reminderID(id, due), Body: []byte(`{"reminder":"` + id + `"}`), At: at,
		Properties: map[string]string{propertyID: id, propertyReminder: due}}
}

func reminderID(id, due string) string { return id + "~reminder-" + due }
