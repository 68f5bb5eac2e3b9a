// Package checks is the function Checks: it takes check requests over HTTP, hands out reports and lists them. It runs
// no check: what it takes goes into the queue.
package checks

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "Checks"
	Route = "checks/{id?}"
)

// Limit bounds one request. A batch of a thousand needs some seconds of it.
const Limit = 60 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodGet, http.MethodPost} }

// Store keeps checks and their reports.
type Store interface {
	Finished(ctx context.Context, id string) (bool, error)
	// MarkQueued notes checks that the queue has taken; what is known of a check already stays.
	MarkQueued(ctx context.Context, checks ...request.Check) error
	Load(ctx context.Context, id string) (store.State, error)
	// Before gives the check of the route before this one, nil where there is none.
	Before(ctx context.Context, r report.Report) (*report.Report, error)
	// List gives store.ErrContinue where the filter's position is not of this list.
	List(ctx context.Context, filter store.Filter) (store.Page, error)
}

// Pages writes what people read in a browser.
type Pages interface {
	format.Pages
	Index(in page.IndexInput) (page.Page, error)
}

// Queue takes check requests.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
}

// Handler is the function.
type Handler struct {
	// Store and Queue are nil where their settings are missing.
	Store Store
	Queue Queue
	// MissingStore and MissingQueue name those settings.
	MissingStore, MissingQueue string
	// BaseURL is where people reach the app, without a slash at the end; empty makes locations relative.
	BaseURL string
	// Pages writes pages; nil where there are none.
	Pages Pages
	// Links makes the link that a ticket's text shows.
	Links link.Links
	// NewID makes the id of a request that has none.
	NewID func() string
	Now   func() time.Time
	// Quota takes checks from what the request's caller may ask for, or says how long to wait; nil means no limit.
	Quota func(r *http.Request, checks int) (wait time.Duration, ok bool)
	// Rule refuses a request that could be read but not be served as our settings are; nil refuses none.
	Rule func(c request.Check) *request.Problem
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.Store == nil:
		problem.Write(w, problem.Missing(h.MissingStore))
	case r.Method == http.MethodPost && r.PathValue("id") != "":
		w.Header().Set("Allow", http.MethodGet)
		problem.Write(w, problem.Problem{Status: http.StatusMethodNotAllowed, Detail: "requests are posted to /api/checks"})
	case r.Method == http.MethodPost && h.Queue == nil:
		problem.Write(w, problem.Missing(h.MissingQueue))
	case r.Method == http.MethodPost:
		h.post(w, r)
	case r.PathValue("id") != "":
		h.get(w, r)
	default:
		h.list(w, r)
	}
}

// decode reads a request and asks the rule.
func (h Handler) decode(body []byte) (request.Check, error) {
	check, err := request.Decode(body, "")
	if err == nil && h.Rule != nil {
		if refused := h.Rule(check); refused != nil {
			return request.Check{}, refused
		}
	}
	return check, err
}

// fail answers for our own trouble, and logs it: the caller is told no more than that there is some.
func (h Handler) fail(w http.ResponseWriter, r *http.Request, message string, err error) {
	h.Report(r.Context(), message, err)
	problem.Write(w, problem.Internal(r))
}

func (h Handler) location(id string) string { return h.BaseURL + "/api/checks/" + id }

// admit tells whether the caller may ask for so many checks now, and answers where it may not.
func (h Handler) admit(w http.ResponseWriter, r *http.Request, checks int) bool {
	if h.Quota == nil {
		return true
	}
	wait, ok := h.Quota(r, checks)
	if !ok {
		seconds := strconv.Itoa(int(wait / time.Second))
		w.Header().Set("Retry-After", seconds)
		problem.Write(w, problem.Problem{Status: http.StatusTooManyRequests,
			Detail: "this caller asked for too many checks within a minute; try again in " + seconds + " s"})
	}
	return ok
}
