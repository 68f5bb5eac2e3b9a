// Package tickets is the function AcceptTicket: a ticketing system's webhook becomes a queued check. It verifies the
// delivery over its raw bytes before it reads anything of it, runs no check and writes no ticket itself.
package tickets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/explain"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/store"
	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "AcceptTicket"
	Route = "tickets/{system}"
)

// Limit bounds one request. Jira waits 30 s for an answer.
const Limit = 25 * time.Second

// maxBody holds an issue with all its comments.
const maxBody = 4 << 20

// retryAfter is what a sender is told to wait when we are in trouble ourselves.
const retryAfter = time.Minute

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodPost} }

// Store keeps checks, routes, and which deliveries were seen.
type Store interface {
	Load(ctx context.Context, id string) (store.State, error)
	MarkQueued(ctx context.Context, checks ...request.Check) error
	// Route gives store.ErrNoRoute where there is none.
	Route(ctx context.Context, name string) (store.Route, error)
	See(ctx context.Context, seen ticket.Seen, checkID string) (store.Sighting, error)
}

// Queue takes check requests.
type Queue interface {
	Send(ctx context.Context, messages ...queue.Message) error
}

// Refusal is why nothing is checked for a ticket.
type Refusal struct {
	// Field is the ticket's own name of what is at fault, Detail what is wrong with it.
	Field, Detail string
	// Explained is what an error text in the ticket means; nil where none was recognised.
	Explained *explain.Answer
}

// Commenter tells a ticket why nothing is checked for it. It is asked once for each delivery that somebody meant as a
// request, and its failure changes nothing of the answer.
type Commenter interface {
	Refused(ctx context.Context, to request.Ticket, why Refusal) error
}

// Handler is the function.
type Handler struct {
	// Store and Queue are nil where their settings are missing.
	Store Store
	Queue Queue
	// MissingStore and MissingQueue name those settings.
	MissingStore, MissingQueue string
	// Secrets are by system.
	Secrets map[string]settings.TicketSecret
	Fields  ticket.Fields
	// BaseURL is where people reach the app, without a slash at the end; empty makes locations relative.
	BaseURL string
	Links   link.Links
	// Words loads the catalogue; it is called when the first error text is explained.
	Words func() (*catalog.Catalog, error)
	// Rule refuses a request that could be read but not be served as our settings are; nil refuses none.
	Rule func(c request.Check) *request.Problem
	// Comments is nil where nobody writes comments.
	Comments Commenter
	// Quota takes checks from what a caller may ask for, or says how long to wait; nil means no limit.
	Quota func(caller string, checks int) (wait time.Duration, ok bool)
	Now   func() time.Time
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	system := r.PathValue("system")
	own, known := h.Secrets[system]
	d := ticket.Delivery{System: ticket.System(system), At: h.Now(), Header: r.Header.Values}
	switch {
	case h.Store == nil:
		missing(w, h.MissingStore)
	case h.Queue == nil:
		missing(w, h.MissingQueue)
	case len(h.Secrets) == 0:
		missing(w, "TICKET_SECRETS")
	case !known || !d.Offered():
		// Who has no secret is not told which systems have one.
		unproven(w)
	case own.Secret.Empty():
		missing(w, own.Setting)
	default:
		h.verified(w, r, d)
	}
}

func missing(w http.ResponseWriter, names string) {
	w.Header().Set("Retry-After", seconds(retryAfter))
	problem.Write(w, problem.Missing(names))
}

func unproven(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="tickets"`)
	problem.Write(w, problem.Problem{Status: http.StatusUnauthorized,
		Detail: "the system is not known here, or the delivery's signature, token or time stamp does not hold"})
}

// verified reads the body and goes on where the delivery is the system's own.
func (h Handler) verified(w http.ResponseWriter, r *http.Request, d ticket.Delivery) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		problem.Write(w, problem.Problem{Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("the body has more than %d bytes", maxBody)})
		return
	}
	if err != nil {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Detail: "the body could not be read to its end"})
		return
	}
	d.Body = body
	if d.Verify(h.Secrets[string(d.System)].Secret) != nil {
		unproven(w)
		return
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		problem.Write(w, problem.Problem{Status: http.StatusUnsupportedMediaType, Field: "Content-Type",
			Detail: "must be application/json"})
		return
	}
	if h.admit(w, d.System) {
		h.take(w, r, d)
	}
}

// isJSON lets a missing type pass, and plain text: scripts that send JSON forget to say so. A form is no JSON, and
// neither is XML.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || kind == "text/plain" || strings.HasSuffix(kind, "+json"))
}

// admit counts only deliveries that are a system's own, so that nobody else can use up what it has.
func (h Handler) admit(w http.ResponseWriter, system ticket.System) bool {
	if h.Quota == nil {
		return true
	}
	wait, ok := h.Quota("tickets/"+string(system), 1)
	if !ok {
		w.Header().Set("Retry-After", seconds(wait))
		problem.Write(w, problem.Problem{Status: http.StatusTooManyRequests,
			Detail: "this system asked for too many checks within a minute; try again in " + seconds(wait) + " s"})
	}
	return ok
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
