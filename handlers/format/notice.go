package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"

	"github.com/pgpreflight/pgpreflight/handlers/problem"
	"github.com/pgpreflight/pgpreflight/shared/report/markdown"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// retryAfter is in seconds; the page asks again by itself.
const retryAfter = "5"

// state is the answer on a check that is not finished.
type state struct {
	ID     string       `json:"id"`
	Status store.Status `json:"status"`
}

func waiting(w http.ResponseWriter, f Format, asked Asked) {
	header := w.Header()
	header.Set("Retry-After", retryAfter)
	switch f {
	case HTML:
		WriteNotice(w, http.StatusAccepted, Notice{Title: "Check " + asked.ID + " is " + string(asked.Status),
			Text: "Its report is not there yet. This page asks again every few seconds.", Refresh: retryAfter})
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

func unknown(w http.ResponseWriter, f Format) {
	const detail = "no check has this id"
	switch f {
	case HTML:
		WriteNotice(w, http.StatusNotFound, Notice{Title: "There is no such check",
			Text: "No check has this id. One that was just requested can take a moment to be known.", Refresh: "30"})
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

// Notice is a page with one thing to say.
type Notice struct {
	Title, Text string
	// Refresh is after how many seconds the page is loaded again; empty means never.
	Refresh string
}

const style = `body{font:1.1rem/1.5 system-ui,sans-serif;margin:15vh auto 0;max-width:36rem;padding:0 1rem}` +
	`:root{color-scheme:light dark}`

const noticePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{with .Refresh}}<meta http-equiv="refresh" content="{{.}}">
{{end}}<title>{{.Title}} – pgpreflight</title>
<style>` + style + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
</main>
</body>
</html>
`

// WriteNotice answers with a page for people.
func WriteNotice(w http.ResponseWriter, status int, n Notice) {
	var page bytes.Buffer
	if err := template.Must(template.New("notice").Parse(noticePage)).Execute(&page, n); err != nil {
		panic("format: a notice of three strings cannot be written: " + err.Error())
	}
	sum := sha256.Sum256([]byte(style))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	write(w, status, HTML, page.Bytes())
}
