package text

import (
	"strings"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// ANSI attributes.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (w *writer) paint(attribute, text string) string {
	if !w.options.Color || text == "" {
		return text
	}
	return "\x1b[" + attribute + "m" + text + "\x1b[0m"
}

func verdictColor(v report.Verdict) string {
	switch v {
	case report.Ready:
		return green
	case report.ReadyWithWarnings, report.Inconclusive:
		return yellow
	}
	return red
}

func markOf(s finding.Status) (mark, color string) {
	switch s {
	case finding.StatusPassed:
		return "✓", green
	case finding.StatusWarned:
		return "!", yellow
	case finding.StatusFailed:
		return "✗", red
	case finding.StatusInconclusive:
		return "?", yellow
	}
	return "–", dim
}

// wrapped writes a paragraph behind a first prefix of the given visible width, with a hanging indent.
func (w *writer) wrapped(prefix string, width int, text string) {
	indent := strings.Repeat(" ", width)
	line, used := prefix, width
	for i, word := range strings.Fields(digest.Clean(text)) {
		length := utf8.RuneCountInString(word)
		if i > 0 && used+1+length > w.options.Width && used > width {
			w.line("%s", line)
			line, used = indent, width
		}
		if used > width {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+length
	}
	w.line("%s", line)
}
