// Package openapi is the function OpenApi: the description of all HTTP functions, as OpenAPI 3.1. It is written by hand
// in openapi.yaml; a test holds it against the functions and against their real answers.
package openapi

import (
	"context"
	_ "embed" // the document
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "OpenApi"
	Route = "openapi.json"
)

// Limit bounds one request.
const Limit = 10 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodGet} }

//go:embed openapi.yaml
var source []byte

// Document is the description as JSON.
func Document() ([]byte, error) {
	var document map[string]any
	if err := yaml.Unmarshal(source, &document); err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	raw, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write openapi.json: %w", err)
	}
	return raw, nil
}

// Handler is the function. Make it with New.
type Handler struct {
	document func() ([]byte, error)
	report   func(ctx context.Context, message string, err error)
}

// New makes the function. The document is read at the first request, because the host waits for the start. Report logs
// our own trouble.
func New(report func(ctx context.Context, message string, err error)) Handler {
	return Handler{sync.OnceValues(Document), report}
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := h.document()
	if err != nil {
		h.report(r.Context(), "write the interface's description", err)
		problem.Write(w, problem.Internal(r))
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("X-Content-Type-Options", "nosniff")
	// It is public: a viewer on another origin may read it.
	header.Set("Access-Control-Allow-Origin", "*")
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
