// Package format gives out one check's report in the form that the caller asked for: JSON as it was stored, a page,
// text to paste into a ticket, or JUnit XML. It reads no store and checks no right to read; its callers do.
package format

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/junit"
	"github.com/pgpreflight/pgpreflight/shared/report/markdown"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Pages writes pages that need nothing else.
type Pages interface {
	Report(in page.ReportInput) (page.Page, error)
	Notice(n page.Notice) (page.Page, error)
}

// Answers gives out reports.
type Answers struct {
	// Pages is nil where there are no pages; the other formats are then all that is offered.
	Pages Pages
	// Before gives the check of the route before this one, nil where there is none; a page says what has changed since.
	Before func(ctx context.Context, r report.Report) (*report.Report, error)
	// Trail leads from a page to those above it; nil for readers who may not open them.
	Trail func(r report.Report) []page.Link
	// Report logs our own trouble.
	Report func(ctx context.Context, message string, err error)
}

// Asked is what is known of the check that was asked for.
type Asked struct {
	ID string
	// Link is the address of the report that a ticket's text shows; empty leaves it out.
	Link string
	store.State
}

func (a Answers) offered() []Format {
	if a.Pages == nil {
		return []Format{JSON, Markdown, JUnit}
	}
	return []Format{JSON, HTML, Markdown, JUnit}
}

// Give answers: 200 with the report, 304 where the caller has it already, 202 while it is not finished, 404 where
// nothing is known of it, 406 where no format fits.
func (a Answers) Give(w http.ResponseWriter, r *http.Request, asked Asked) {
	w.Header().Add("Vary", "Accept")
	chosen, ok := Choose(r, a.offered()...)
	if !ok {
		a.refuse(w, r)
		return
	}
	switch asked.Status {
	case store.Finished:
		a.finished(w, r, chosen, asked)
	case store.Queued, store.Running:
		a.waiting(w, r, chosen, asked)
	default:
		a.unknown(w, r, chosen)
	}
}

// refuse names what there is, since a format that fits nobody is mostly a mistyped one.
func (a Answers) refuse(w http.ResponseWriter, r *http.Request) {
	var names, types []string
	for _, f := range a.offered() {
		names, types = append(names, string(f)), append(types, f.MediaType())
	}
	p := problem.Problem{Status: http.StatusNotAcceptable, Detail: "a report is given as " + strings.Join(types, ", ")}
	if named := r.URL.Query().Get("format"); named != "" {
		p.Field, p.Detail = "format", "a report is given as "+strings.Join(names, ", ")
		if named == string(HTML) {
			p.Detail = "the page is not available here; " + p.Detail
		}
	}
	problem.Write(w, p)
}

func (a Answers) finished(w http.ResponseWriter, r *http.Request, f Format, asked Asked) {
	c, err := a.write(r.Context(), f, asked)
	if err != nil {
		a.Report(r.Context(), "write report as "+string(f), err)
		problem.Write(w, problem.Internal(r))
		return
	}
	header := w.Header()
	tag := etag(f, c.body)
	header.Set("ETag", tag)
	// Only the reader's own cache may keep it, and asks each time: the words may improve, and a link may have expired.
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	if c.policy != "" {
		header.Set("Content-Security-Policy", c.policy)
	}
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.contentType())
	w.WriteHeader(http.StatusOK)
	// A caller who has gone needs no answer.
	_, _ = w.Write(c.body)
}

// content is a report in one format.
type content struct {
	body []byte
	// policy is a page's own.
	policy string
}

// write puts a report into a format. JSON is given as it was stored: this program may be newer or older than the report.
func (a Answers) write(ctx context.Context, f Format, asked Asked) (content, error) {
	if f == JSON {
		return content{body: asked.Report}, nil
	}
	var r report.Report
	if err := json.Unmarshal(asked.Report, &r); err != nil {
		return content{}, fmt.Errorf("read report of %s: %w", asked.ID, err)
	}
	switch f {
	case HTML:
		in := page.ReportInput{Report: r, Previous: a.before(ctx, r), Link: asked.Link}
		if a.Trail != nil {
			in.Trail = a.Trail(r)
		}
		p, err := a.Pages.Report(in)
		return content{body: p.HTML, policy: p.Policy}, err
	case JUnit:
		body, err := junit.Encode(r)
		return content{body: body}, err
	}
	return content{body: []byte(markdown.Long(r, asked.Link))}, nil
}

// before is what the page compares with. A page without it is better than none.
func (a Answers) before(ctx context.Context, r report.Report) *report.Report {
	if a.Before == nil {
		return nil
	}
	found, err := a.Before(ctx, r)
	if err != nil {
		a.Report(ctx, "find the check before "+r.ID, err)
		return nil
	}
	return found
}

// etag is strong: it is of the very bytes, so each format and each wording has its own.
func etag(f Format, body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + string(f) + "-" + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// has reads If-None-Match, which compares weakly (RFC 9110, 13.1.2): a proxy that compresses marks our tag as weak. No
// tag of ours holds a comma.
func has(headers []string, tag string) bool {
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		given := strings.TrimPrefix(strings.TrimSpace(element), "W/")
		if given == tag || given == "*" {
			return true
		}
	}
	return false
}
