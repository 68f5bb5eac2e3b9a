package format

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report/markdown"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// In seconds: after how long a caller, or the page by itself, asks again for a check that is not finished, and for one
// that is not known yet.
const (
	retryAfter   = 5
	retryUnknown = 30
)

// state is the answer on a check that is not finished.
type state struct {
	ID     string       `json:"id"`
	Status store.Status `json:"status"`
}

func (a Answers) waiting(w http.ResponseWriter, r *http.Request, f Format, asked Asked) {
	header := w.Header()
	header.Set("Retry-After", strconv.Itoa(retryAfter))
	switch f {
	case HTML:
		a.WriteNotice(w, r, http.StatusAccepted, page.Waiting(asked.ID, string(asked.Status), retryAfter))
		return
	case Markdown:
		text := markdown.Plain("Check " + asked.ID + " is " + string(asked.Status) + "; its report is not there yet.")
		write(w, http.StatusAccepted, f, []byte(text))
		return
	}
	// A gate of a pipeline must not take a check that still runs for a report: it gets no XML.
	raw, err := json.Marshal(state{ID: asked.ID, Status: asked.Status})
	if err != nil {
		panic("format: two strings do not marshal: " + err.Error())
	}
	write(w, http.StatusAccepted, JSON, raw)
}

func (a Answers) unknown(w http.ResponseWriter, r *http.Request, f Format) {
	const detail = "no check has this id"
	switch f {
	case HTML:
		a.WriteNotice(w, r, http.StatusNotFound, page.Unknown(retryUnknown))
	case Markdown:
		write(w, http.StatusNotFound, f, []byte(markdown.Plain("There is no such check: "+detail+".")))
	default:
		problem.Write(w, problem.Problem{Status: http.StatusNotFound, Detail: detail})
	}
}

func write(w http.ResponseWriter, status int, f Format, body []byte) {
	header := w.Header()
	header.Set("Content-Type", f.contentType())
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A caller who has gone needs no answer.
	_, _ = w.Write(body)
}

// WriteNotice answers with a page for people.
func (a Answers) WriteNotice(w http.ResponseWriter, r *http.Request, status int, n page.Notice) {
	p, err := a.Pages.Notice(n)
	if err != nil {
		a.Report(r.Context(), "write notice", err)
		problem.Write(w, problem.Internal(r))
		return
	}
	w.Header().Set("Content-Security-Policy", p.Policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	write(w, status, HTML, p.HTML)
}
