// Package ticket composes what a ticket says of a report, short or long, as headings, paragraphs, tables, lists and
// code. How these look, and what must be escaped, is the business of each format's Writer.
package ticket

import (
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// Writer writes the parts of a text in one format. What it is given is clean (see digest.Clean) but not escaped.
type Writer interface {
	Heading(text string)
	Paragraph(spans ...Span)
	// Item is an item of a list; depth 0 is the outer one.
	Item(depth int, spans ...Span)
	Table(header []string, rows [][]Span)
	Code(lines []string)
	// Len is the number of characters so far.
	Len() int
}

// Kind is how a span looks.
type Kind int

// The kinds of span.
const (
	Plain Kind = iota
	Strong
	// Mono is a code or a command within a line.
	Mono
	// Link is an address that can be followed; only an address of our own or of the catalogue.
	Link
)

// Span is a piece of a line.
type Span struct {
	Kind Kind
	Text string
}

func plain(text string) Span  { return Span{Plain, digest.Clean(text)} }
func strong(text string) Span { return Span{Strong, digest.Clean(text)} }
func mono(text string) Span   { return Span{Mono, digest.Clean(text)} }

// address makes a link of an https or http address without anything that could end it early; all else stays text.
func address(text string) Span {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#=&%+,"
	isWeb := strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
	if isWeb && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(unreserved, r) }) {
		return Span{Link, text}
	}
	return plain(text)
}

// Short is three lines: verdict and headline, who must act and what to type, the link. Without a link it is two.
func Short(w Writer, r report.Report, link string) {
	w.Paragraph(strong(strings.ToUpper(r.Verdict.Name())), plain(" — "+cut(r.Headline, lineMost)))
	w.Paragraph(act(r)...)
	if link != "" {
		w.Paragraph(plain("Report: "), address(link))
	}
}

// act is the line that says who must act and what to type.
func act(r report.Report) []Span {
	first, found := digest.First(r)
	if !found {
		return []Span{plain(nothingToDo(r))}
	}
	spans := []Span{strong(capital(first.Owner.Name()) + " must act"), plain(": ")}
	if first.Severity == finding.Warned {
		spans = []Span{strong("To know for the " + first.Owner.Name()), plain(": ")}
	}
	spans = append(spans, what(first)...)
	if others := digest.Others(r, first.Owner); len(others) > 0 {
		spans = append(spans, plain(" — also to act: "+strings.Join(others, ", ")))
	}
	return spans
}

// what is the first thing to do, with its command, or else what was found.
func what(f report.Finding) []Span {
	if len(f.Remedy) == 0 {
		return []Span{plain(cut(f.Title, lineMost))}
	}
	spans := []Span{plain(cut(f.Remedy[0].Text, lineMost))}
	if command := f.Remedy[0].Command; command != "" {
		return append(spans, plain(" "), mono(cut(oneLine(command), lineMost)))
	}
	return spans
}

// oneLine joins a command that goes on over several lines of a shell.
func oneLine(command string) string {
	joined := strings.ReplaceAll(strings.TrimRight(command, "\n"), "\\\n", " ")
	return strings.Join(strings.Fields(joined), " ")
}

func nothingToDo(r report.Report) string {
	switch r.Verdict {
	case report.Ready, report.ReadyWithWarnings:
		return "Nobody must act."
	case report.Inconclusive:
		return "Run the check again; if it stays inconclusive, ask the " + report.Operator.Name() + "."
	}
	return "Ask the " + report.Operator.Name() + "."
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Bounds keep a ticket's text below what ticketing systems take (Jira: 32,767 characters), however much was found.
const (
	lineMost     = 1000
	detailedMost = 16000
	listMost     = 8
	groupsMost   = 40
	rowsMost     = 24
)

func cut(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}

// Long is the short form with everything that supports it: legs, findings, causes, commands, limits.
func Long(w Writer, r report.Report, link string) {
	Short(w, r, link)
	legs(w, r)
	findings(w, r)
	scenario(w, r.Scenario)
	if limits := r.Vantage.CannotProve; len(limits) > 0 {
		w.Heading("Not proven")
		for _, limit := range limits[:min(len(limits), listMost)] {
			w.Item(0, plain(cut(limit, lineMost)))
		}
	}
	w.Heading("About this check")
	w.Paragraph(plain(about(r)))
}

func about(r report.Report) string {
	text := "Check " + r.ID
	for _, part := range []struct{ name, value string }{
		{"route", r.Route}, {"wave", r.Wave}, {"seen from", r.Vantage.Address},
	} {
		if part.value != "" {
			text += ", " + part.name + " " + part.value
		}
	}
	if r.Scenario.Row > 0 {
		text += fmt.Sprintf(", scenario row %d", r.Scenario.Row)
	}
	return text + ", " + r.StartedAt.UTC().Format("2006-01-02 15:04:05Z") + ", took " + digest.Duration(r.ElapsedMs) + "."
}

func legs(w Writer, r report.Report) {
	var rows [][]Span
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			rows = append(rows, row(r, leg, layer))
		}
	}
	if len(rows) == 0 {
		return
	}
	w.Heading("What was checked")
	for _, leg := range r.Legs[:min(len(r.Legs), listMost)] {
		w.Item(0, strong(digest.LegName(leg)), plain(": "+cut(leg.Endpoint, lineMost)))
	}
	w.Table([]string{"Leg", "Layer", "Status", "Time", "What was seen"}, rows[:min(len(rows), rowsMost)])
}

func row(r report.Report, leg report.Leg, layer report.Layer) []Span {
	took := ""
	if layer.Status != finding.StatusSkipped {
		took = digest.Duration(layer.ElapsedMs)
	}
	said := cut(digest.Outcome(layer), lineMost)
	if codes := digest.Codes(digest.Of(r, leg, layer.Layer)); codes != "" {
		said = strings.TrimSpace(cut(codes, lineMost) + " " + said)
	}
	status := plain(string(layer.Status))
	if layer.Status == finding.StatusFailed || layer.Status == finding.StatusInconclusive {
		status.Kind = Strong
	}
	return []Span{plain(digest.LegName(leg)), plain(string(layer.Layer)), status, plain(took), plain(said)}
}
