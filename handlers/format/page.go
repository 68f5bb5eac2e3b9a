package format

import (
	"net/http"
	"strings"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/page"
)

// Pick chooses between JSON, which who accepts anything gets, and a page, where there are any. Where the caller accepts
// neither it answers so, and gives false.
func Pick(w http.ResponseWriter, r *http.Request, pages bool) (Format, bool) {
	w.Header().Add("Vary", "Accept")
	offered := []Format{JSON}
	if pages {
		offered = append(offered, HTML)
	}
	chosen, ok := Choose(r, offered...)
	if ok {
		return chosen, true
	}
	var names, types []string
	for _, f := range offered {
		names, types = append(names, string(f)), append(types, f.MediaType())
	}
	p := problem.Problem{Status: http.StatusNotAcceptable, Detail: "this is given as " + strings.Join(types, ", ")}
	if r.URL.Query().Get("format") != "" {
		p.Field, p.Detail = "format", "this is given as "+strings.Join(names, ", ")
	}
	problem.Write(w, p)
	return "", false
}

// WritePage answers with a page. The reader's own cache may keep one that is not an error, and asks each time.
func WritePage(w http.ResponseWriter, r *http.Request, status int, p page.Page) {
	header := w.Header()
	header.Set("Content-Security-Policy", p.Policy)
	header.Set("Referrer-Policy", "no-referrer")
	if status != http.StatusOK {
		write(w, status, HTML, p.HTML)
		return
	}
	tag := etag(HTML, p.HTML)
	header.Set("ETag", tag)
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", HTML.contentType())
	w.WriteHeader(http.StatusOK)
	// A caller who has gone needs no answer.
	_, _ = w.Write(p.HTML)
}
