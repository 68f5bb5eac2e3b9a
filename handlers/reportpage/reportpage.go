// Package reportpage is the function Report: the page behind a link in a ticket. The host lets anybody call it, so it
// checks itself who may read: whoever has a signed link that holds, or whom the platform has signed in.
package reportpage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/format"
	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Name is the function's folder name, Route the route of its function.json.
const (
	Name  = "Report"
	Route = "reports/{id}"
)

// Limit bounds one request.
const Limit = 30 * time.Second

// Methods are those of function.json.
func Methods() []string { return []string{http.MethodGet} }

// Store keeps reports.
type Store interface {
	Load(ctx context.Context, id string) (store.State, error)
	// Before gives the check of the route before this one, nil where there is none.
	Before(ctx context.Context, r report.Report) (*report.Report, error)
}

// Handler is the function.
type Handler struct {
	// Store is nil where its settings are missing; MissingStore names them.
	Store        Store
	MissingStore string
	Links        link.Links
	// PlatformAuth tells that the platform's headers of a signed-in principal can be believed.
	PlatformAuth bool
	// Pages writes pages; nil where there are none.
	Pages format.Pages
	Now   func() time.Time
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	asked := format.Asked{ID: id}
	err := h.Links.Verify(id, r.URL.Query(), h.Now())
	switch {
	case err == nil:
		// The link that was come by, not a new one: it would hold for longer.
		asked.Link = h.shown(r.URL.Path + "?exp=" + r.URL.Query().Get("exp") + "&sig=" + r.URL.Query().Get("sig"))
	case h.PlatformAuth && signedIn(r.Header):
		asked.Link = h.shown(link.Path + id)
	default:
		// Before the store is asked: who may not read is not told either what there is.
		h.refuse(w, r, err)
		return
	}
	if h.Store == nil {
		problem.Write(w, problem.Missing(h.MissingStore))
		return
	}
	if asked.State, err = h.load(r.Context(), id); err != nil {
		h.Report(r.Context(), "load check", err)
		problem.Write(w, problem.Internal(r))
		return
	}
	// What others keep of an address with a signature in it, others can read.
	w.Header().Set("X-Robots-Tag", "noindex")
	format.Answers{Pages: h.Pages, Before: h.Store.Before, Report: h.Report}.Give(w, r, asked)
}

// load asks only for what can be an id.
func (h Handler) load(ctx context.Context, id string) (store.State, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	if len(id) > 64 || strings.Trim(id, letters) != "" {
		return store.State{}, nil
	}
	return h.Store.Load(ctx, id)
}

// shown is a link for the text of a ticket; a relative one would lead nowhere.
func (h Handler) shown(path string) string {
	if h.Links.Base == "" {
		return ""
	}
	return h.Links.Base + path
}

// signedIn reads the headers that App Service Authentication sets. It takes them away from a caller who sends them, but
// only where it is on; elsewhere they are anybody's words.
func signedIn(h http.Header) bool {
	if h.Get("X-Ms-Client-Principal-Id") != "" {
		return true
	}
	raw, err := base64.StdEncoding.DecodeString(h.Get("X-Ms-Client-Principal"))
	if err != nil {
		return false
	}
	var principal struct {
		AuthType string `json:"auth_typ"`
	}
	return json.Unmarshal(raw, &principal) == nil && principal.AuthType != ""
}

// refuse says whom to ask. It does not tell whether there is such a report.
func (h Handler) refuse(w http.ResponseWriter, r *http.Request, why error) {
	n := page.Notice{Title: "This link does not open the report", Tone: page.Warn, Text: []string{"It was changed or cut " +
		"on its way. Copy it whole from the ticket or the message you have it from."}}
	switch {
	case errors.Is(why, link.ErrExpired):
		n.Title, n.Text = "This link has expired", []string{"Links to reports hold for a limited time."}
	case errors.Is(why, link.ErrUnsigned) && h.PlatformAuth:
		n.Title, n.Text = "Sign in to read this report", []string{"Or use the signed link of a ticket."}
	case errors.Is(why, link.ErrUnsigned):
		n.Title, n.Text = "This address does not open the report", []string{"It needs a signed link, as it stands in a ticket."}
	}
	n.Text = append(n.Text, "For a new link ask whoever sent you this one, or the operator of pgpreflight in your company.")
	w.Header().Add("Vary", "Accept")
	if chosen, ok := format.Choose(r, format.HTML, format.JSON); ok && chosen == format.HTML && h.Pages != nil {
		format.Answers{Pages: h.Pages, Report: h.Report}.WriteNotice(w, r, http.StatusForbidden, n)
		return
	}
	problem.Write(w, problem.Problem{Status: http.StatusForbidden, Detail: n.Title + ". " + strings.Join(n.Text, " ")})
}
