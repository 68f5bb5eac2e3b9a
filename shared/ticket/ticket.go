// Package ticket reads what ticketing systems send: it tells whether a delivery is theirs, over its raw bytes, and
// takes out of it which check it asks for. It is pure: it has no clock and no settings, asks nobody and remembers
// nothing. Everything in a ticket is a stranger's word, and no error quotes it.
package ticket

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// System is a kind of ticketing system.
type System string

// The systems that the contract has a proof for.
const (
	Jira       System = "jira"
	ServiceNow System = "servicenow"
	Generic    System = "generic"
)

// Systems are all of them.
func Systems() []System { return []System{Jira, ServiceNow, Generic} }

// Name is what a ticket can tell.
type Name string

// The names, as TICKET_FIELDS has them.
const (
	SourceHost Name = "sourceHost"
	SourcePort Name = "sourcePort"
	TargetHost Name = "targetHost"
	TargetPort Name = "targetPort"
	Route      Name = "route"
	Mode       Name = "mode"
	Depth      Name = "depth"
	// Description is the field whose lines are read.
	Description Name = "description"
	// Again is a field of which every change asks for the same check once more.
	Again Name = "again"
)

// Names are all of them.
func Names() []Name {
	return []Name{SourceHost, SourcePort, TargetHost, TargetPort, Route, Mode, Depth, Description, Again}
}

// label is how a name stands in a line of a description, and in an error.
func (n Name) label() string {
	switch n {
	case SourceHost, SourcePort, TargetHost, TargetPort:
		return string(n[:6]) + " " + strings.ToLower(string(n[6:]))
	}
	return string(n)
}

// Value is what a ticket tells, and where: the label of a line, or the name of a field.
type Value struct{ Text, From string }

// Values are what a ticket tells. A name that it leaves out or leaves empty is not there.
type Values map[Name]Value

// Delivery is one delivery of a webhook.
type Delivery struct {
	System System
	// Header gives the values of a header; the name is in canonical form.
	Header func(name string) []string
	Body   []byte
	// At is when it came.
	At time.Time
}

// Event is what a delivery says.
type Event struct {
	System System
	// ID is the ticket's, as people and the system's own interface know it: ABC-1, INC0010023.
	ID string
	// Ignored says why the event asks for nothing; empty where it asks.
	Ignored string
	Values  Values
	// Request is a whole check request; nil but for the generic system.
	Request json.RawMessage
	// Text is what people wrote, to look for error texts in.
	Text string
	// CheckID is the check's: the same whenever the same is delivered.
	CheckID string
	// Seen are what tells a delivery from those before it. The check that one of them led to is that of those after it.
	Seen []Seen

	fields Fields
}

// Seen is one thing to know a delivery by when it, or a copy of it, comes again.
type Seen struct {
	// Key is a digest; Digest is that of what is delivered under it.
	Key, Digest string
	// Field is the header or field that Key was made of.
	Field string
	// Moves means that what is delivered under the key changes from time to time, and that only what was delivered last
	// counts: the key is a ticket's. Otherwise a key has one digest for ever, and another one is a forgery or a mistake.
	Moves bool
}

// ErrNotJSON means that a body is not JSON at all.
var ErrNotJSON = errors.New("the body is not JSON")

// Decode reads a delivery that was verified. The error is ErrNotJSON or a *request.Problem that names the ticket's own
// field.
func Decode(d Delivery, fields Fields) (Event, error) {
	var e Event
	var err error
	switch d.System {
	case Jira:
		e, err = fields.jira(d)
	case ServiceNow:
		e, err = fields.serviceNow(d)
	default:
		e, err = fields.generic(d)
	}
	e.System, e.fields = d.System, fields
	return e, err
}

// Ref is the ticket as a request names it.
func (e Event) Ref() request.Ticket { return request.Ticket{System: string(e.System), ID: e.ID} }

// checkID is readable where the ticket's id is short and plain.
func checkID(system System, id string, identity string) string {
	prefix := string(system) + "-"
	if request.IsName(id) && len(id) <= 24 {
		prefix += id + "-"
	}
	return prefix + identity[:20]
}

// digest separates its parts by length, so that no two lists have the same.
func digest(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		one := sha256.Sum256([]byte(part))
		sum.Write(one[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func invalid(field, message string) *request.Problem {
	return &request.Problem{Code: finding.RequestInvalid, Field: field, Message: message}
}

// decode reads JSON into v. A body that is JSON and not what was expected is a problem with the field's path.
func decode(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid(wrong.Field, "is not what this system sends there")
	}
	if err != nil {
		return ErrNotJSON
	}
	return nil
}
