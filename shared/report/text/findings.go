package text

import (
	"fmt"
	"io"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

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
