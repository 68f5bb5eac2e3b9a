package tickets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/explain"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

// commentWithin bounds what a comment may take of the request's time.
const commentWithin = 8 * time.Second

// errOther means that a delivery has the id of another one.
var errOther = errors.New("the delivery has another body than the first one with its id")

// take reads a delivery that was verified, and answers it.
func (h Handler) take(w http.ResponseWriter, r *http.Request, d ticket.Delivery) {
	e, err := ticket.Decode(d, h.Fields)
	if errors.Is(err, ticket.ErrNotJSON) {
		problem.Write(w, problem.Problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	if err == nil && e.Ignored != "" {
		write(w, http.StatusOK, ignored{Status: "ignored", Detail: e.Ignored})
		return
	}
	before, field, seeErr := h.see(r.Context(), e)
	if errors.Is(seeErr, errOther) {
		problem.Write(w, problem.Problem{Status: http.StatusConflict, Field: field,
			Detail: "was used before by a delivery with another body"})
		return
	}
	if seeErr != nil {
		h.trouble(w, r, "note delivery", seeErr)
		return
	}
	var check request.Check
	if err == nil {
		check, err = h.check(r.Context(), e)
	}
	if refused, ok := errors.AsType[*request.Problem](err); ok {
		h.refuse(w, r, refusal{event: e, why: refused, known: before.Known})
		return
	}
	if err != nil {
		h.trouble(w, r, "read route", err)
		return
	}
	if check.ID == e.CheckID {
		check.ID = before.CheckID
	}
	if err := h.enqueue(r.Context(), check); err != nil {
		h.trouble(w, r, "enqueue check", err)
		return
	}
	h.accept(w, r, e, check.ID)
}

// see notes the delivery. Known is set where it, or the same request of the same ticket, came before; CheckID is that
// of the check that it led to then. On errOther the field is the one that is at fault.
func (h Handler) see(ctx context.Context, e ticket.Event) (store.Sighting, string, error) {
	all := store.Sighting{CheckID: e.CheckID}
	for _, seen := range e.Seen {
		one, err := h.Store.See(ctx, seen, all.CheckID)
		if err != nil {
			return all, "", err
		}
		if one.Digest != seen.Digest {
			return all, seen.Field, errOther
		}
		all.CheckID, all.Known = one.CheckID, all.Known || one.Known
	}
	return all, "", nil
}

// check makes the request, on the route's stored one where the ticket names a route.
func (h Handler) check(ctx context.Context, e ticket.Event) (request.Check, error) {
	name, err := e.RouteName()
	if err != nil {
		return request.Check{}, err
	}
	var base json.RawMessage
	if name != "" {
		route, err := h.Store.Route(ctx, name)
		if err != nil && !errors.Is(err, store.ErrNoRoute) {
			return request.Check{}, err
		}
		base = route.Request
	}
	check, err := e.Check(base)
	if err != nil || h.Rule == nil {
		return check, err
	}
	if refused := h.Rule(check); refused != nil {
		named := *refused
		named.Field = "request." + refused.Field // Only a whole request says what a rule is about.
		return request.Check{}, &named
	}
	return check, nil
}

// enqueue sends what is not known yet, then notes it. In this order a failure leaves nothing that waits for ever.
func (h Handler) enqueue(ctx context.Context, check request.Check) error {
	state, err := h.Store.Load(ctx, check.ID)
	if err != nil {
		return fmt.Errorf("look for check %s: %w", check.ID, err)
	}
	if state.Status != store.Unknown {
		return nil
	}
	if err := h.Queue.Send(ctx, queue.Message{ID: check.ID, Body: check.JSON()}); err != nil {
		return fmt.Errorf("send check %s: %w", check.ID, err)
	}
	if err := h.Store.MarkQueued(ctx, check); err != nil {
		// The check runs all the same.
		h.Report(ctx, "mark check as queued", err)
	}
	return nil
}

type refusal struct {
	event ticket.Event
	why   *request.Problem
	// known means that the same was refused before.
	known bool
}

// refuse answers that nothing is checked, with what the ticket's error text means.
func (h Handler) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	explained := h.explain(r.Context(), no.event.Text)
	p := problem.Of(no.why)
	p.Status = http.StatusUnprocessableEntity
	p.Title = http.StatusText(p.Status)
	meant := explained != nil || len(no.event.Values) > 0 || no.event.Request != nil
	if h.Comments != nil && meant && !no.known && len(no.event.Seen) > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), commentWithin)
		defer cancel()
		why := Refusal{Field: p.Field, Detail: p.Detail, Explained: explained}
		if err := h.Comments.Refused(ctx, no.event.Ref(), why); err != nil {
			h.Report(r.Context(), "comment on ticket", err)
		}
	}
	writeAs(w, "application/problem+json", p.Status, refused{p, explained})
}

// explain is nil where no error text is recognised. It fails only where our own words are broken, and then the delivery
// is answered without.
func (h Handler) explain(ctx context.Context, text string) *explain.Answer {
	result := explain.Explain(text)
	if !result.Recognised {
		return nil
	}
	words, err := h.Words()
	if err != nil {
		h.Report(ctx, "load words", err)
		return nil
	}
	answer, err := result.Answer(words)
	if err != nil {
		h.Report(ctx, "explain ticket", err)
		return nil
	}
	return &answer
}

func (h Handler) accept(w http.ResponseWriter, r *http.Request, e ticket.Event, id string) {
	location := h.location(id)
	w.Header().Set("Location", location)
	write(w, http.StatusAccepted, accepted{id, "queued", location, h.explain(r.Context(), e.Text)})
}

// location is the signed link, which people may follow, where links are signed.
func (h Handler) location(id string) string {
	if h.Links.Key.Empty() {
		return h.BaseURL + "/api/checks/" + id
	}
	return h.Links.Report(id, h.Now())
}

// trouble answers for our own: the sender is to come again.
func (h Handler) trouble(w http.ResponseWriter, r *http.Request, message string, err error) {
	h.Report(r.Context(), message, err)
	p := problem.Internal(r)
	p.Status = http.StatusServiceUnavailable
	w.Header().Set("Retry-After", seconds(retryAfter))
	problem.Write(w, p)
}
