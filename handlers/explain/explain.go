// Package explain is the function Explain: a pasted error text in, the findings it means out. It probes nothing, stores
// nothing and logs nothing of the text.
package explain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/explain"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "Explain"
	Route = "explain"
)

// Limit bounds one request.
const Limit = 30 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodPost} }

// maxBody leaves room for a text of which JSON escapes every character.
const maxBody = 6*explain.MaxText + 1<<10

// Handler is the function.
type Handler struct {
	// Words loads the catalogue; it is called at the first request, because the host waits for the start.
	Words func() (*catalog.Catalog, error)
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

// Words is the embedded catalogue, read once.
func Words() func() (*catalog.Catalog, error) { return sync.OnceValues(catalog.Load) }

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		problem.Write(w, tooLong())
		return
	}
	if err != nil {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Detail: "the body could not be read to its end"})
		return
	}
	text, refused := textOf(r.Header.Get("Content-Type"), body)
	if refused != nil {
		problem.Write(w, *refused)
		return
	}
	answer, err := h.answer(text)
	if err != nil {
		h.Report(r.Context(), "explain text", err)
		problem.Write(w, problem.Internal(r))
		return
	}
	write(w, answer)
}

func (h Handler) answer(text string) (explain.Answer, error) {
	words, err := h.Words()
	if err != nil {
		return explain.Answer{}, fmt.Errorf("load words: %w", err)
	}
	return explain.Explain(text).Answer(words)
}

// textOf takes the text out of a body: a JSON object with the member text, or the text itself under any other type,
// since curl names a form's type for whatever it sends.
func textOf(contentType string, body []byte) (string, *problem.Problem) {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return "", &problem.Problem{Status: http.StatusUnsupportedMediaType, Detail: "send text/plain or application/json"}
	case err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")):
		return fromJSON(body)
	case contentType == "" && bytes.HasPrefix(bytes.TrimSpace(body), []byte(`{"text"`)):
		return fromJSON(body)
	}
	return checked(string(body), "")
}

func fromJSON(body []byte) (string, *problem.Problem) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	var members map[string]json.RawMessage
	if err := decoder.Decode(&members); err != nil || members == nil || decoder.More() {
		return "", &problem.Problem{Status: http.StatusBadRequest, Detail: `the body is not a JSON object {"text": "…"}`}
	}
	for name := range members {
		if name != "text" {
			return "", &problem.Problem{Status: http.StatusBadRequest, Field: request.FieldName(name),
				Detail: "the object has a member that is not known; there is only text"}
		}
	}
	var text *string
	if err := json.Unmarshal(members["text"], &text); err != nil || text == nil {
		return "", &problem.Problem{Status: http.StatusBadRequest, Field: "text", Detail: "text is missing or no string"}
	}
	return checked(*text, "text")
}

func checked(text, field string) (string, *problem.Problem) {
	switch {
	case len(text) > explain.MaxText:
		long := tooLong()
		long.Field = field
		return "", &long
	case strings.TrimSpace(text) == "":
		return "", &problem.Problem{Status: http.StatusBadRequest, Field: field, Detail: "there is no text to explain"}
	}
	return text, nil
}

func tooLong() problem.Problem {
	return problem.Problem{
		Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the text has more than %d bytes", explain.MaxText),
	}
}

func write(w http.ResponseWriter, answer explain.Answer) {
	raw, err := json.Marshal(answer)
	if err != nil {
		// Only plain values are written here.
		panic("explain: the answer does not marshal: " + err.Error())
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
