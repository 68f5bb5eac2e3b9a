package diagnosis

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// descriptionMost is how much of a description is repeated, in characters. Whoever dead-letters by hand may write
// anything there.
const descriptionMost = 300

// Death is a message whose check was never finished.
type Death struct {
	ID string
	// Check is the request, where Problem is nil.
	Check   request.Check
	Problem *request.Problem
	// Reason is the broker's, such as MaxDeliveryCountExceeded; empty where we gave the message up ourselves.
	Reason, Description string
	// Deliveries is how often the message was delivered, as far as that is known.
	Deliveries int
	// Queued is when the message was queued; zero where it is not known.
	Queued, Now time.Time
}

// Exhausted is the report on a message that died: inconclusive, or rejected where the request could not have been run
// at all. It begins when the message was queued, so that it does not pass for newer than checks that ran meanwhile.
func Exhausted(words *catalog.Catalog, d Death) (report.Report, error) {
	out := report.Report{
		Version: report.Version, ID: d.ID, Route: d.Check.Route, Wave: d.Check.Wave, Verdict: report.Inconclusive,
		Scenario: report.Scenario{Supported: "undocumented", Declared: map[string]string{}, Inferred: map[string]string{}},
		Legs:     []report.Leg{}, StartedAt: d.Now.UTC(), FinishedAt: d.Now.UTC(),
	}
	if !d.Queued.IsZero() && d.Queued.Before(d.Now) {
		out.StartedAt, out.ElapsedMs = d.Queued.UTC(), milliseconds(d.Now.Sub(d.Queued))
	}
	found := []finding.Finding{d.finding()}
	if d.Problem == nil {
		out.Request = d.Check.JSON()
	} else {
		out.Verdict, out.Route, out.Wave = report.Rejected, d.Problem.Route, d.Problem.Wave
		out.Request = d.Problem.Sound()
		found = append([]finding.Finding{refusal(d.Problem)}, found...)
	}
	facts := catalog.Facts{"requestId": d.ID}
	for _, f := range found {
		worded, err := words.Word(f, facts)
		if err != nil {
			return report.Report{}, fmt.Errorf("report the death of %s: %w", d.ID, err)
		}
		out.Findings = append(out.Findings, worded)
	}
	var err error
	if out.Headline, err = words.Headline(found[0], facts); err != nil {
		return report.Report{}, fmt.Errorf("report the death of %s: %w", d.ID, err)
	}
	out.FirstBroken = &report.FirstBroken{Layer: finding.Request, Code: found[0].Code}
	return out, nil
}

func (d Death) finding() finding.Finding {
	return finding.Finding{Code: finding.RequestExhausted, Layer: finding.Request, Args: finding.Args{
		"reason": plain(d.Reason), "description": plain(d.Description), "deliveries": d.Deliveries,
	}}
}

// plain keeps a stranger's text to one bounded line.
func plain(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	text = strings.Join(words, " ")
	if runes := []rune(text); len(runes) > descriptionMost {
		return string(runes[:descriptionMost-1]) + "…"
	}
	return strings.TrimRight(text, ".")
}
