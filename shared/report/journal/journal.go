// Package journal writes what a ticket says of a report as the plain text of ServiceNow's journal columns. It judges
// nothing; text from the network is kept from turning into markup.
package journal

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
	"github.com/pgpreflight/pgpreflight/shared/report/ticket"
)

// Short is three lines: verdict, who must act, link. An empty link leaves the third out.
func Short(r report.Report, link string) string {
	w := &writer{apart: "\n"}
	ticket.Short(w, r, link)
	return w.b.String()
}

// Long is everything on the report.
func Long(r report.Report, link string) string {
	w := &writer{apart: "\n\n"}
	ticket.Long(w, r, link)
	return strings.TrimRight(w.b.String(), "\n") + "\n"
}

// Plain is one line of text that means nothing but itself.
func Plain(text string) string { return escape(digest.Clean(text)) + "\n" }

// writer implements ticket.Writer.
type writer struct {
	b      strings.Builder
	apart  string
	inList bool
}

func (w *writer) Len() int { return w.b.Len() }

func (w *writer) write(parts ...string) {
	for _, part := range parts {
		w.b.WriteString(part)
	}
}

func (w *writer) endList() {
	if w.inList {
		w.write("\n")
	}
	w.inList = false
}

func (w *writer) Heading(text string) {
	w.endList()
	w.write(strings.ToUpper(escape(text)), "\n\n")
}

func (w *writer) Paragraph(spans ...ticket.Span) {
	w.endList()
	w.write(line(spans), w.apart)
}

func (w *writer) Item(depth int, spans ...ticket.Span) {
	w.inList = true
	w.write(strings.Repeat("  ", depth), "- ", line(spans), "\n")
}

// Table is one line a row: a journal has no columns, and its letters have different widths.
func (w *writer) Table(_ []string, rows [][]ticket.Span) {
	w.endList()
	for _, row := range rows {
		var cells []string
		for _, cell := range row {
			if text := escape(cell.Text); text != "" {
				cells = append(cells, text)
			}
		}
		w.write(strings.Join(cells, " | "), "\n")
	}
	w.write("\n")
}

func (w *writer) Code(lines []string) {
	w.endList()
	for _, l := range lines {
		w.write("    ", escape(l), "\n")
	}
	w.write("\n")
}

func line(spans []ticket.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return escape(b.String())
}

// joiner is invisible and breaks no word.
const joiner = "\u2060"

// escape keeps text from switching to HTML: what stands between [code] and [/code] is shown as HTML by the journal.
func escape(text string) string {
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "[code") && !strings.Contains(lower, "[/code") {
		return text
	}
	return strings.ReplaceAll(text, "[", "["+joiner)
}
