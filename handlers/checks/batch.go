package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// atOnce bounds the questions to the store that are under way together.
const atOnce = 16

// result is what became of one request of a batch.
type result struct {
	Index    int    `json:"index"`
	ID       string `json:"id,omitempty"`
	Status   string `json:"status"`
	Location string `json:"location,omitempty"`
	Field    string `json:"field,omitempty"`
	Error    string `json:"error,omitempty"`
}

type batchAnswer struct {
	Accepted int      `json:"accepted"`
	Results  []result `json:"results"`
}

func (h Handler) postBatch(w http.ResponseWriter, r *http.Request, body []byte) {
	var requests []json.RawMessage
	if err := json.Unmarshal(body, &requests); err != nil {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Detail: "the body is not a JSON array"})
		return
	}
	if len(requests) == 0 || len(requests) > maxBatch {
		problem.Write(w, problem.Problem{
			Status: http.StatusBadRequest,
			Detail: fmt.Sprintf("a batch has 1 to %d requests, this one has %d", maxBatch, len(requests)),
		})
		return
	}
	b := batch{handler: h, answer: batchAnswer{Results: make([]result, 0, len(requests))}, seen: map[string][]byte{}}
	for i, raw := range requests {
		b.add(i, raw)
	}
	if !h.admit(w, r, len(b.checks)) {
		return
	}
	if err := h.enqueue(r.Context(), b.checks); err != nil {
		h.fail(w, r, "enqueue batch", err)
		return
	}
	writeJSON(w, http.StatusAccepted, b.answer)
}

// batch is a batch being read.
type batch struct {
	handler Handler
	answer  batchAnswer
	checks  []request.Check
	// seen is the request of each id so far.
	seen map[string][]byte
}

func (b *batch) add(index int, raw json.RawMessage) {
	if len(raw) > maxRequest {
		b.reject(index, &request.Problem{Message: fmt.Sprintf("has more than %d bytes", maxRequest)})
		return
	}
	check, err := b.handler.decode(raw)
	if err != nil {
		refused, ok := errors.AsType[*request.Problem](err)
		if !ok {
			refused = &request.Problem{Message: "cannot be read"}
		}
		b.reject(index, refused)
		return
	}
	if check.ID == "" {
		check.ID = b.handler.NewID()
	}
	before, again := b.seen[check.ID]
	normal := check.JSON()
	if again && !bytes.Equal(before, normal) {
		// One id gives one report, so one of the two would never be looked at.
		b.reject(index, &request.Problem{ID: check.ID, Field: "id", Message: "is used by another request of this batch"})
		return
	}
	if !again {
		b.seen[check.ID] = normal
		b.checks = append(b.checks, check)
	}
	b.answer.Accepted++
	b.answer.Results = append(b.answer.Results, result{
		Index: index, ID: check.ID, Status: "queued", Location: b.handler.location(check.ID),
	})
}

func (b *batch) reject(index int, refused *request.Problem) {
	b.answer.Results = append(b.answer.Results, result{
		Index: index, ID: refused.ID, Status: "rejected", Field: refused.Field, Error: refused.Message,
	})
}

// unfinished leaves out what has its report: the same id again is the same check.
func (h Handler) unfinished(ctx context.Context, checks []request.Check) ([]request.Check, error) {
	finished := make([]bool, len(checks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, check := range checks {
		group.Go(func() error {
			var err error
			if finished[i], err = h.Store.Finished(ctx, check.ID); err != nil {
				return fmt.Errorf("look for the report of %s: %w", check.ID, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var open []request.Check
	for i, check := range checks {
		if !finished[i] {
			open = append(open, check)
		}
	}
	return open, nil
}
