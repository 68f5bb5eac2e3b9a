package text

import (
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// scenario writes the row of the documented table and its networking steps, where a row is known.
func (w *writer) scenario(s report.Scenario) {
	if s.Title == "" {
		return
	}
	label := fmt.Sprintf("row %d", s.Row)
	if s.Row == 0 {
		label = fmt.Sprintf("nearest row %d", s.Nearest)
	}
	support, color := supported(s)
	w.line("  %s  %s  %s", w.paint(bold, "scenario"), label, w.paint(color, support))
	w.wrapped("    ", 4, s.Title)
	if s.Note != "" {
		w.wrapped("    ", 4, s.Note)
	}
	for _, step := range s.Steps {
		w.step(step)
	}
	w.line("")
}

func supported(s report.Scenario) (word, color string) {
	switch s.Supported {
	case "yes":
		return "supported", green
	case "no":
		return "not supported", red
	}
	return "undocumented", yellow
}

// step is one line: ✓ done, ✗ undone, ? one of those that the codes can mean, · not shown by this check.
func (w *writer) step(s report.Step) {
	mark, color := "·", dim
	switch {
	case s.State == "done":
		mark, color = markOf(finding.StatusPassed)
	case s.State == "undone":
		mark, color = markOf(finding.StatusFailed)
	case len(s.ShownBy) > 0:
		mark, color = markOf(finding.StatusInconclusive)
	}
	said := s.Text
	if len(s.ShownBy) > 0 {
		codes := make([]string, 0, len(s.ShownBy))
		for _, code := range s.ShownBy {
			codes = append(codes, string(code))
		}
		said += fmt.Sprintf(" (%s; %s)", strings.Join(codes, " "), s.Owner.Name())
	}
	w.wrapped("    "+w.paint(color, mark)+" ", 6, said)
}
