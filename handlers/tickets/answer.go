package tickets

import (
	"encoding/json"
	"net/http"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/explain"
)

// accepted is the answer to a delivery that a check is queued for.
type accepted struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Location string `json:"location"`
	// Answer's members stand beside the others, where an error text was recognised.
	*explain.Answer
}

// ignored is the answer to a delivery that asks for nothing.
type ignored struct {
	Status string `json:"status"`
	Detail string `json:"detail"`
}

// refused is the answer to a delivery that asks for nothing that could be checked.
type refused struct {
	problem.Problem
	*explain.Answer
}

func write(w http.ResponseWriter, status int, body any) { writeAs(w, "application/json", status, body) }

func writeAs(w http.ResponseWriter, mediaType string, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		// Only plain values are written here.
		panic("tickets: an answer does not marshal: " + err.Error())
	}
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
