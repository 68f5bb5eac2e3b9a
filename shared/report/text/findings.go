package text

import (
	"fmt"
	"io"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// WriteQuestions writes a list under a heading; nothing where there is none.
func WriteQuestions(out io.Writer, heading string, questions []string, o Options) error {
	if len(questions) == 0 {
		return nil
	}
	if o.Width == 0 {
		o.Width = 100
	}
	w := &writer{options: o}
	w.line("%s", w.paint(bold, heading))
	for _, question := range questions {
		w.wrapped("  • ", 4, question)
	}
	if _, err := io.WriteString(out, w.b.String()); err != nil {
		return fmt.Errorf("write questions: %w", err)
	}
	return nil
}

// WriteFindings writes findings that belong to no report, as Write does those of one.
func WriteFindings(out io.Writer, findings []report.Finding, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	w := &writer{options: o}
	for _, f := range findings {
		w.finding(f)
	}
	if _, err := io.WriteString(out, w.b.String()); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}
