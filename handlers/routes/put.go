package routes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	maxBody       = 128 << 10
	everyMost     = 24 * 60
	fieldsAllowed = "request, everyMinutes, enabled"
)

func (h Handler) put(w http.ResponseWriter, r *http.Request, name string) {
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
	wanted, wrong := h.read(body, name)
	if wrong != nil {
		problem.Write(w, *wrong)
		return
	}
	saved, created, err := h.Store.PutRoute(r.Context(), wanted)
	if errors.Is(err, store.ErrRequestTooLong) {
		problem.Write(w, invalid("request", "is longer than a route's row can hold"))
		return
	}
	if err != nil {
		h.fail(w, r, "save route", err)
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		w.Header().Set("Location", h.BaseURL+"/api/routes/"+name)
	}
	write(w, status, shown(saved))
}

// read checks a body field by field; the request in it as every other request.
func (h Handler) read(body []byte, name string) (store.Route, *problem.Problem) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		wrong := invalid("", "the body is not a JSON object with "+fieldsAllowed)
		return store.Route{}, &wrong
	}
	for field := range fields {
		if !slices.Contains(strings.Split(fieldsAllowed, ", "), field) {
			wrong := invalid(shortened(field), "is an unknown field; known here: "+fieldsAllowed)
			return store.Route{}, &wrong
		}
	}
	r := store.Route{Name: name, Enabled: true}
	if raw, given := fields["enabled"]; given && json.Unmarshal(raw, &r.Enabled) != nil {
		wrong := invalid("enabled", "must be true or false")
		return store.Route{}, &wrong
	}
	if json.Unmarshal(fields["everyMinutes"], &r.EveryMinutes) != nil || r.EveryMinutes < 1 || r.EveryMinutes > everyMost {
		wrong := invalid("everyMinutes", fmt.Sprintf("must be a whole number from 1 to %d", everyMost))
		return store.Route{}, &wrong
	}
	var wrong *problem.Problem
	r.Request, wrong = h.readRequest(fields["request"], name)
	return r, wrong
}

// readRequest gives the request as it is queued: complete, with the route's name and without an id, since each check
// has its own.
func (h Handler) readRequest(raw json.RawMessage, name string) (json.RawMessage, *problem.Problem) {
	if raw == nil {
		wrong := invalid("request", "is required: a check request")
		return nil, &wrong
	}
	check, err := request.Decode(raw, "")
	if refused := h.refuse(check); err == nil && refused != nil {
		err = refused
	}
	if refused, ok := errors.AsType[*request.Problem](err); ok {
		wrong := problem.Of(refused)
		wrong.Field = strings.TrimSuffix("request."+refused.Field, ".")
		return nil, &wrong
	}
	if err != nil || check.Route != "" && check.Route != name {
		wrong := invalid("request.route", "must be the name of the route, or be left out")
		return nil, &wrong
	}
	check.ID, check.Route = "", name
	if check.RequestedBy == "" {
		check.RequestedBy = "route:" + name
	}
	return check.JSON(), nil
}

func (h Handler) refuse(c request.Check) *request.Problem {
	if h.Rule == nil {
		return nil
	}
	return h.Rule(c)
}

// shortened bounds what is repeated of a caller's own name for a field.
func shortened(field string) string {
	if request.IsName(field) {
		return field
	}
	return "?"
}
