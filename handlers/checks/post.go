package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	// maxBody holds a thousand requests of usual size.
	maxBody = 4 << 20
	// maxRequest keeps a message under the 256 KiB of Service Bus Standard.
	maxRequest = 128 << 10
	maxBatch   = 1000
)

// accepted is the answer to one request.
type accepted struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Location string `json:"location"`
}

func (h Handler) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		problem.Write(w, problem.Problem{
			Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body has more than %d bytes", maxBody),
		})
		return
	}
	if err != nil {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Detail: "the body could not be read to its end"})
		return
	}
	// Windows PowerShell writes a byte order mark before every file that it calls UTF-8.
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		h.postBatch(w, r, body)
		return
	}
	h.postOne(w, r, body)
}

func (h Handler) postOne(w http.ResponseWriter, r *http.Request, body []byte) {
	if len(body) > maxRequest {
		problem.Write(w, problem.Problem{
			Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("a request has at most %d bytes", maxRequest),
		})
		return
	}
	check, err := h.decode(body)
	if refused, ok := errors.AsType[*request.Problem](err); ok {
		problem.Write(w, problem.Of(refused))
		return
	}
	if err != nil {
		h.fail(w, r, "read check request", err)
		return
	}
	if check.ID == "" {
		check.ID = h.NewID()
	}
	if !h.admit(w, r, 1) {
		return
	}
	if err := h.enqueue(r.Context(), []request.Check{check}); err != nil {
		h.fail(w, r, "enqueue check", err)
		return
	}
	w.Header().Set("Location", h.location(check.ID))
	writeJSON(w, http.StatusAccepted, accepted{ID: check.ID, Status: "queued", Location: h.location(check.ID)})
}

// enqueue sends what has no report yet, then notes it. In this order a failure leaves nothing that waits for ever: a
// message without a note still runs.
func (h Handler) enqueue(ctx context.Context, checks []request.Check) error {
	open, err := h.unfinished(ctx, checks)
	if err != nil || len(open) == 0 {
		return err
	}
	messages := make([]queue.Message, len(open))
	for i, check := range open {
		messages[i] = queue.Message{ID: check.ID, Body: check.JSON()}
	}
	if err := h.Queue.Send(ctx, messages...); err != nil {
		return fmt.Errorf("send %d messages: %w", len(messages), err)
	}
	if err := h.Store.MarkQueued(ctx, open...); err != nil {
		// The checks run all the same; sending the caller back would only queue them twice.
		h.Report(ctx, "mark checks as queued", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		// Only plain values are written here.
		panic("checks: an answer does not marshal: " + err.Error())
	}
	writeRaw(w, status, raw)
}

func writeRaw(w http.ResponseWriter, status int, raw []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}
