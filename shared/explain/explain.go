// Package explain says what a pasted error text means: it unwraps what clients, drivers and the migration service put
// around the cause and names the causes by finding codes, the innermost first. It is pure. It is the one place of this
// project where the texts of client libraries are matched, because a text is all that a person has; nothing here proves
// anything, so where a text has several causes the finding lists them.
package explain

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Result is what a text means.
type Result struct {
	// Findings are the causes, innermost first. Args hold "id", the row of the failure catalogue, and "oneOf" where the
	// text does not decide: codes of which one is the cause, or the causes of one code.
	Findings []finding.Finding
	// Recognised says that the text is known, even where it means no finding of ours.
	Recognised bool
	// Ask names what would decide or help, in the catalogue's words.
	Ask []string
}

// Explain reads a text, at most MaxText bytes of it. Secrets are taken out before anything else is done.
func Explain(text string) Result {
	pieces, everything := read(lines(text))
	var hits []hit
	for _, p := range pieces {
		if hits = append(hits, p.hits(everything)...); len(hits) >= maxHits {
			break
		}
	}
	r := Result{Recognised: len(hits) > 0}
	for _, h := range settle(hits) {
		r.ask(h.ask...)
		if h.found.Code != "" {
			r.Findings = append(r.Findings, everything.complete(h))
		}
	}
	r.ask(missing(r)...)
	return r
}

// maxHits bounds what a text made of a thousand error messages costs.
const maxHits = 64

// hit is one meaning of one piece.
type hit struct {
	found finding.Finding
	ask   []string
	// wrapper says that something failed, not why: it gives way to any cause.
	wrapper      bool
	entry, depth int
	conn         connection
}

func (h hit) oneOf() []string {
	causes, _ := h.found.Args["oneOf"].([]string)
	return causes
}

func (r *Result) ask(names ...string) {
	for _, name := range names {
		if !slices.Contains(r.Ask, name) {
			r.Ask = append(r.Ask, name)
		}
	}
}

// missing are the questions that follow from the whole.
func missing(r Result) []string {
	switch {
	case !r.Recognised:
		return []string{askWholeText, askSQLState}
	case len(r.Findings) > 0 && r.Findings[0].Args["host"] == nil:
		return []string{askEndpoint}
	}
	return nil
}
