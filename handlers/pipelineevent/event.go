package pipelineevent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// event is one event as the host hands it over.
type event struct {
	body []byte
	// id is the event's own; empty where it has none. The host writes the fields of an event over its metadata, so it is
	// there for an event that is too large to be read, too.
	id       string
	tooLarge bool
}

// read gives an error for an invocation without an event only.
func read(invocation envelope.Invocation) (event, error) {
	body, err := invocation.Bytes(binding)
	if errors.Is(err, envelope.ErrTooLarge) {
		return event{id: invocation.Claimed().EventID(), tooLarge: true}, nil
	}
	if err != nil {
		return event{}, err
	}
	e := event{body: body, id: request.EventID(body)}
	if e.id == "" {
		e.id = invocation.Claimed().EventID()
	}
	return e, nil
}

// refused is the refusal of an event that is too large to be read.
func (e event) refused() *request.Problem {
	problem := request.Problem{Code: finding.RequestInvalid,
		Message: fmt.Sprintf("has more than %d bytes", envelope.MaxMessage)}
	_, err := request.Decode(nil, e.id)
	if named, ok := errors.AsType[*request.Problem](err); ok {
		problem.ID = named.ID
	}
	return &problem
}

// checkID is the id that was read, the request's or the event's, else one that is the same on every delivery.
func (e event) checkID(read string) string {
	if read != "" {
		return read
	}
	sum := sha256.Sum256(e.body)
	return "event-" + hex.EncodeToString(sum[:16])
}

// correlation is what an answer to the event carries.
func (e event) correlation(checkID string) string {
	if e.id == "" || len(e.id) > maxCorrelation {
		return checkID
	}
	return e.id
}

// maxCorrelation is the longest correlation id that Service Bus takes, in characters; an event's id may be longer.
const maxCorrelation = 128
