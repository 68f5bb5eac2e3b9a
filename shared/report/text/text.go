// Package text writes a report for a terminal: the verdict first, then a picture of each leg layer by layer, then every
// finding with its owner, its causes and what to type. Text from the network is made harmless before it is shown.
package text

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Options say how to write.
type Options struct {
	// Color turns on ANSI colours, for a terminal.
	Color bool
	// Width is where lines are wrapped; 0 means 100 columns. Commands are never wrapped: they are to be copied.
	Width int
}

// Write writes one report.
func Write(out io.Writer, r report.Report, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	w := &writer{options: o}
	w.verdict(r)
	for _, leg := range r.Legs {
		w.leg(leg, r)
	}
	for _, f := range r.Findings {
		w.finding(f)
	}
	w.limits(r)
	_, err := io.WriteString(out, w.b.String())
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type writer struct {
	options Options
	b       strings.Builder
}

func (w *writer) verdict(r report.Report) {
	word := strings.ToUpper(strings.ReplaceAll(string(r.Verdict), "_", " "))
	w.wrapped(w.paint(verdictColor(r.Verdict), word)+"  ", len(word)+2, r.Headline)
	w.line("%s", w.paint(dim, fmt.Sprintf("%scheck %s, %s, %s", strings.Repeat(" ", len(word)+2), clean(r.ID),
		r.StartedAt.Format("2006-01-02 15:04:05Z"), duration(r.ElapsedMs))))
	w.line("")
}

func (w *writer) leg(l report.Leg, r report.Report) {
	from := l.From
	if r.Vantage.Address != "" && l.From == "function" {
		from = r.Vantage.Address
	}
	w.line("  %s  %s", w.paint(bold, l.Name), w.paint(dim, fmt.Sprintf("%s → %s", clean(from), clean(l.Endpoint))))
	for _, layer := range l.Layers {
		w.layer(layer, codes(r, l.Name, layer.Layer))
	}
	w.line("")
}

// codes lists what was found in one layer, for the end of its line.
func codes(r report.Report, leg string, layer finding.Layer) string {
	var out []string
	for _, f := range r.Findings {
		if f.Leg == leg && f.Layer == layer && f.Severity != finding.Info {
			out = append(out, string(f.Code))
		}
	}
	return strings.Join(out, " ")
}

func (w *writer) layer(l report.Layer, codes string) {
	mark, color := markOf(l.Status)
	took, said := "", evidence(l)
	switch {
	case l.BlockedBy != "":
		said = "not run: blocked by " + string(l.BlockedBy)
	case l.Status == finding.StatusSkipped || l.Status == finding.StatusInconclusive:
		said = clean(l.Reason)
	default:
		took = duration(l.ElapsedMs)
	}
	if codes != "" {
		said = strings.TrimSpace(w.paint(color, codes) + "  " + said)
	}
	w.line("    %s %-13s %9s  %s", w.paint(color, mark), l.Layer, took, said)
}

func (w *writer) finding(f report.Finding) {
	mark, color := markOf(map[finding.Severity]finding.Status{finding.Failed: finding.StatusFailed,
		finding.Warned: finding.StatusWarned}[f.Severity])
	if f.Severity == finding.Info {
		mark, color = "i", dim
	}
	where := string(f.Layer)
	if f.Leg != "" {
		where = f.Leg + " " + where
	}
	w.line("%s %s  %s", w.paint(color, mark), w.paint(bold, clean(f.Title)), w.paint(dim, where+"  "+string(f.Code)+service(f)))
	w.wrapped("  ", 2, f.Detail)
	if f.Severity != finding.Info {
		w.line("  %s %s", w.paint(bold, "Who must act:"), strings.ReplaceAll(string(f.Owner), "_", " "))
	}
	if len(f.Causes) > 0 {
		w.line("  %s", w.paint(bold, "Causes:"))
	}
	for _, cause := range f.Causes {
		w.wrapped("    • ", 6, fmt.Sprintf("%s (%s)%s", cause.Text, cause.Likelihood, confirm(cause)))
	}
	if len(f.Remedy) > 0 {
		w.line("  %s", w.paint(bold, "What to do:"))
	}
	for i, remedy := range f.Remedy {
		w.wrapped(fmt.Sprintf("    %d. ", i+1), 7, remedy.Text)
		for _, line := range strings.Split(remedy.Command, "\n") {
			if line != "" {
				w.line("         %s", w.paint(cyan, clean(line)))
			}
		}
	}
	w.line("")
}

func confirm(c report.Cause) string {
	if c.Confirm == "" {
		return ""
	}
	return ". To confirm: " + c.Confirm
}

func service(f report.Finding) string {
	if f.ServiceCode == "" {
		return ""
	}
	return "  (migration service: " + f.ServiceCode + ")"
}

func (w *writer) limits(r report.Report) {
	if len(r.Vantage.CannotProve) == 0 {
		return
	}
	w.line("%s", w.paint(bold, "Not proven from here:"))
	for _, limit := range r.Vantage.CannotProve {
		w.wrapped("  • ", 4, limit)
	}
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.b, strings.TrimRight(format, " ")+"\n", args...)
}
