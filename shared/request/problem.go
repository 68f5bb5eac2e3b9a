package request

import (
	"encoding/json"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Problem is why a request was refused. No text in it is ever taken from a value of the request, so it can be logged,
// stored and sent back.
type Problem struct {
	// Code is finding.RequestInvalid or finding.RequestSecretInline.
	Code finding.Code
	// Field is the full path, as in "source.tls.mode" or "source.databases[2]"; empty where the whole message is at
	// fault. A field name that is not shaped like one is shown as "?".
	Field   string
	Message string
	// ID, Route, Wave and RequestedBy are what could be read of the request, each valid or empty, so that a rejected
	// report can be filed.
	ID, Route, Wave, RequestedBy string
	// Notify is whom to tell of the refusal: each way that could be read and is valid.
	Notify Notify
}

// Sound is what could be read of the request, as far as a report may keep it. It reads as a request does.
func (p *Problem) Sound() json.RawMessage {
	raw, err := json.Marshal(struct {
		ID          string `json:"id,omitempty"`
		Route       string `json:"route,omitempty"`
		Wave        string `json:"wave,omitempty"`
		RequestedBy string `json:"requestedBy,omitempty"`
	}{p.ID, p.Route, p.Wave, p.RequestedBy})
	if err != nil {
		panic("request: a problem of plain values does not marshal: " + err.Error())
	}
	return raw
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Field == "" {
		return "request " + p.Message
	}
	return "request: " + p.Field + " " + p.Message
}

func invalid(field, message string) *Problem {
	return &Problem{Code: finding.RequestInvalid, Field: field, Message: message}
}
