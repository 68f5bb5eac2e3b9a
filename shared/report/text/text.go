// Package text writes a report for a terminal: the verdict first, then a picture of each leg layer by layer, the
// scenario with its networking steps, then every finding with its owner, its causes and what to type. Text from the
// network is made harmless before it is shown.
package text

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
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
	w.scenario(r.Scenario)
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
	word := strings.ToUpper(digest.Clean(r.Verdict.Name()))
	width := utf8.RuneCountInString(word) + 2
	w.wrapped(w.paint(verdictColor(r.Verdict), word)+"  ", width, r.Headline)
	about := fmt.Sprintf("check %s, %s, %s", digest.Clean(r.ID), r.StartedAt.Format("2006-01-02 15:04:05Z"),
		digest.Duration(r.ElapsedMs))
	w.line("%s%s", strings.Repeat(" ", width), w.paint(dim, about))
	w.line("")
}

func (w *writer) leg(l report.Leg, r report.Report) {
	from := l.From
	if r.Vantage.Address != "" && l.From == "function" {
		from = r.Vantage.Address
	}
	way := digest.Clean(from + " → " + l.Endpoint)
	w.line("  %s  %s", w.paint(bold, digest.LegName(l)), w.paint(dim, way))
	for _, layer := range l.Layers {
		w.layer(layer, digest.Codes(digest.Of(r, l, layer.Layer)))
	}
	w.line("")
}

// layerWidth is where the evidence begins: mark, name and time stand before it.
const layerWidth = 31

func (w *writer) layer(l report.Layer, codes string) {
	mark, color := markOf(l.Status)
	took := ""
	if l.Status != finding.StatusSkipped {
		took = digest.Duration(l.ElapsedMs)
	}
	prefix := fmt.Sprintf("    %s %-13s %9s  ", w.paint(color, mark), digest.Clean(string(l.Layer)), took)
	if codes != "" {
		// On a line of its own beside long evidence a code is easier to find than at its end.
		w.line("%s%s", prefix, w.paint(color, codes))
		prefix = strings.Repeat(" ", layerWidth)
	}
	if said := digest.Outcome(l); said != "" || codes == "" {
		w.wrapped(prefix, layerWidth, said)
	}
}

func (w *writer) finding(f report.Finding) {
	mark, color := markOf(map[finding.Severity]finding.Status{finding.Failed: finding.StatusFailed,
		finding.Warned: finding.StatusWarned}[f.Severity])
	if f.Severity == finding.Info {
		mark, color = "i", dim
	}
	w.line("%s %s", w.paint(color, mark), w.paint(bold, digest.Clean(f.Title)))
	w.line("  %s", w.paint(dim, digest.Where(f)+" · "+digest.Clean(string(f.Code)+service(f))))
	w.wrapped("  ", 2, f.Detail)
	if f.Severity != finding.Info {
		w.line("  %s %s", w.paint(bold, "Who must act:"), digest.Clean(f.Owner.Name()))
	}
	w.causes(f.Causes)
	w.remedies(f.Remedy)
	if f.Docs != "" {
		w.line("  %s %s", w.paint(bold, "Read more:"), digest.Clean(f.Docs))
	}
	w.line("")
}

func (w *writer) causes(causes []report.Cause) {
	if len(causes) > 0 {
		w.line("  %s", w.paint(bold, "Causes:"))
	}
	for _, cause := range causes {
		w.wrapped("    • ", 6, cause.Text+" ("+cause.Likelihood+")")
		if cause.Confirm != "" {
			// It is mostly a command, so it is not wrapped.
			w.line("      %s %s", w.paint(dim, "to confirm:"), digest.Clean(cause.Confirm))
		}
	}
}

func (w *writer) remedies(remedies []report.Remedy) {
	if len(remedies) > 0 {
		w.line("  %s", w.paint(bold, "What to do:"))
	}
	for i, remedy := range remedies {
		prefix := fmt.Sprintf("    %d. ", i+1)
		w.wrapped(prefix, len(prefix), remedy.Text)
		if remedy.Command == "" {
			continue
		}
		for _, line := range digest.Lines(remedy.Command) {
			w.line("         %s", w.paint(cyan, line))
		}
	}
}

func service(f report.Finding) string {
	if f.ServiceCode == "" {
		return ""
	}
	return " · the migration service shows " + f.ServiceCode
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

// line writes one line. No line ends in spaces: they would be copied with it.
func (w *writer) line(format string, args ...any) {
	w.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}
