// Package problem is the error answer of the HTTP functions: application/problem+json (RFC 9457). Nothing of our own
// trouble is told to the caller but the invocation to ask for in the log.
package problem

import (
	"encoding/json"
	"net/http"

	"github.com/pgpreflight/pgpreflight/shared/logging"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Problem is one error answer.
type Problem struct {
	// Status is the HTTP status; the title follows from it.
	Status int `json:"status"`
	// Title is filled in by Write.
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	// Field is the path of the field at fault, such as source.port.
	Field string `json:"field,omitempty"`
	// Code is a finding's code, where there is one.
	Code string `json:"code,omitempty"`
}

// Of is the answer to a request that was refused.
func Of(refused *request.Problem) Problem {
	return Problem{
		Status: http.StatusBadRequest, Detail: refused.Message, Field: refused.Field, Code: string(refused.Code),
	}
}

// Internal is the answer where we are in trouble ourselves; the trouble belongs in the log.
func Internal(r *http.Request) Problem {
	p := Problem{Status: http.StatusInternalServerError, Detail: "the request could not be served; try again later"}
	if id := logging.InvocationOf(r.Context()).ID; id != "" {
		p.Detail += " (invocation " + id + ")"
	}
	return p
}

// Missing is the answer of a function that cannot work without a setting.
func Missing(names string) Problem {
	return Problem{Status: http.StatusServiceUnavailable, Detail: "setting " + names + " is not set"}
}

// Write answers with a problem.
func Write(w http.ResponseWriter, p Problem) {
	p.Title = http.StatusText(p.Status)
	raw, err := json.Marshal(p)
	if err != nil {
		raw = []byte(`{}`)
	}
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
