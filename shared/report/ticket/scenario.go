package ticket

import (
	"fmt"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// scenario writes the row of the documented table with its steps, where a row is known.
func scenario(w Writer, s report.Scenario) {
	if s.Title == "" {
		return
	}
	row := fmt.Sprintf("Row %d", s.Row)
	if s.Row == 0 {
		row = fmt.Sprintf("Nearest row %d", s.Nearest)
	}
	w.Heading("Scenario")
	w.Paragraph(strong(row+", "+support(s.Supported)), plain(": "+cut(s.Title, lineMost)))
	if s.Note != "" {
		w.Paragraph(plain(cut(s.Note, lineMost)))
	}
	for _, step := range s.Steps[:min(len(s.Steps), stepsMost)] {
		w.Item(0, stepState(step), plain(": "+cut(step.Text, lineMost)+shownBy(step)))
		if step.Command != "" && step.State != "done" && len(step.ShownBy) > 0 {
			w.Item(1, mono(cut(oneLine(step.Command), lineMost)))
		}
	}
}

// stepsMost is above what the table has for any row.
const stepsMost = 20

func support(word string) string {
	switch word {
	case "yes":
		return "supported"
	case "no":
		return "not supported"
	}
	return digest.Clean(word)
}

// stepState is undone, done, perhaps undone (the codes can mean other steps too), or not shown by this check.
func stepState(s report.Step) Span {
	switch {
	case s.State == "done":
		return plain("done")
	case s.State == "undone":
		return strong("undone")
	case len(s.ShownBy) > 0:
		return strong("perhaps undone")
	}
	return plain("not shown by this check")
}

func shownBy(s report.Step) string {
	if len(s.ShownBy) == 0 {
		return ""
	}
	found := make([]report.Finding, 0, len(s.ShownBy))
	for _, code := range s.ShownBy {
		found = append(found, report.Finding{Code: finding.Code(cut(string(code), lineMost))})
	}
	return " (" + digest.Codes(found) + "; " + cut(s.Owner.Name(), lineMost) + ")"
}
