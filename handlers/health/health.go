// Package health is the function Health: are our own parts well. It is anonymous, so it tells names of settings and
// kinds of trouble, never values, addresses or words of a client library; those are in the log.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "Health"
	Route = "health"
)

// Limit bounds one request.
const Limit = 10 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodGet} }

// Status is how a part, or all of them, is.
type Status string

// The statuses, best first.
const (
	OK Status = "ok"
	// Missing means that a setting is.
	Missing Status = "missing"
	Failed  Status = "failed"
)

// Part is one of our own parts.
type Part struct {
	Name string
	// Look judges the part. It may be asked in parallel with the others and must end with its context.
	Look func(ctx context.Context) Result
}

// Result is how a part is. Detail is for anybody to read.
type Result struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
}

// Handler is the function. Make it with New.
type Handler struct {
	parts   []Part
	options Options
	mu      sync.Mutex
	last    answer
	until   time.Time
}

// Options are the time limits of a look. Zero values are not useful; see DefaultOptions.
type Options struct {
	// Within is the time that all parts have together.
	Within time.Duration
	// KeepFor is how long an answer is given out again: anybody may ask, and each look costs three round trips.
	KeepFor time.Duration
	Now     func() time.Time
}

// DefaultOptions suit a probe of a load balancer that gives up after some seconds.
func DefaultOptions() Options {
	return Options{Within: 3 * time.Second, KeepFor: 5 * time.Second, Now: time.Now}
}

// New makes the function.
func New(parts []Part, options Options) *Handler { return &Handler{parts: parts, options: options} }

type answer struct {
	Status Status   `json:"status"`
	Parts  []Result `json:"parts"`
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found := h.look(r.Context())
	raw, err := json.Marshal(found)
	if err != nil {
		// Only plain values are written here.
		panic("health: an answer does not marshal: " + err.Error())
	}
	status := http.StatusOK
	if found.Status != OK {
		status = http.StatusServiceUnavailable
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A caller who has gone needs no answer.
	_, _ = w.Write(raw)
}

// look asks every part, or gives the last answer again. A second caller waits for the first one's look, which one
// caller who goes away does not end.
func (h *Handler) look(ctx context.Context) answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.options.Now().Before(h.until) {
		return h.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.options.Within)
	defer cancel()
	h.last = ask(ctx, h.parts)
	h.until = h.options.Now().Add(h.options.KeepFor)
	return h.last
}

func ask(ctx context.Context, parts []Part) answer {
	results := make([]Result, len(parts))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() { results[i] = lookAt(ctx, part) })
	}
	group.Wait()
	return answer{Status: worst(results), Parts: results}
}

// lookAt does not wait for a part that ignores its time limit, and a part that panics has only failed.
func lookAt(ctx context.Context, part Part) Result {
	done := make(chan Result, 1)
	go func() {
		defer func() {
			if recover() != nil {
				done <- Result{Status: Failed, Detail: "the look itself broke"}
			}
		}()
		done <- part.Look(ctx)
	}()
	var found Result
	select {
	case found = <-done:
	case <-ctx.Done():
		found = Result{Status: Failed, Detail: "no answer in time"}
	}
	found.Name = part.Name
	return found
}

func worst(results []Result) Status {
	status := OK
	for _, r := range results {
		switch r.Status {
		case Failed:
			return Failed
		case Missing:
			status = Missing
		}
	}
	return status
}
