package ticket

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

const genericFields = "ticket, request, route, description"

// generic reads {"ticket": {"id"}, "request": {…}} or {"ticket": {"id"}, "route": "…"}, both with an optional
// description, whose lines and error texts are read as in the other systems.
func (f Fields) generic(d Delivery) (Event, error) {
	var body record
	if err := decode(d.Body, &body); err != nil {
		return Event{}, err
	}
	for name := range body {
		if !slices.Contains(strings.Split(genericFields, ", "), name) {
			return Event{}, invalid(shown(name), "is an unknown field; known here: "+genericFields)
		}
	}
	var named struct {
		Ticket      struct{ ID string } `json:"ticket"`
		Route       string              `json:"route"`
		Description string              `json:"description"`
		Request     json.RawMessage     `json:"request"`
	}
	if err := decode(d.Body, &named); err != nil {
		return Event{}, err
	}
	if named.Ticket.ID == "" {
		return Event{}, invalid("ticket.id", "is required")
	}
	e := Event{ID: named.Ticket.ID, Text: plain(cut(named.Description)), Request: given(named.Request)}
	err := e.known(d)
	if err != nil {
		return Event{}, err
	}
	if e.Values, err = Lines(e.Text); err != nil {
		return e, err
	}
	if named.Route != "" {
		if e.Request != nil {
			return e, invalid("route", "must not stand beside request; a request names its route itself")
		}
		e.Values[Route] = Value{Text: named.Route, From: "route"}
	}
	return e, nil
}

// known tells the delivery by its id and by its signature. The id is not within the signature, so a copy can come under
// another one: the signature's key goes first.
func (e *Event) known(d Delivery) error {
	delivery := d.one(deliveryID)
	if delivery == "" || len(delivery) > 256 {
		return invalid(deliveryID, "is required once: 1 to 256 characters that no other delivery has")
	}
	key, what := digest(string(Generic), "delivery", delivery), digest(string(d.Body))
	e.CheckID = checkID(Generic, e.ID, key)
	e.Seen = []Seen{
		{Key: digest(string(Generic), "signature", d.one(timestamp), string(d.Body)), Digest: what},
		{Key: key, Digest: what, Field: deliveryID},
	}
	return nil
}

// given is nil where nothing is.
func given(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// shown hides a field's name that is not shaped like one.
func shown(name string) string {
	if request.IsName(name) {
		return name
	}
	return "?"
}
