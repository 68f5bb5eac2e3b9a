package page

import (
	"html/template"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Tone is how a verdict or a status looks: a colour and a mark. A word always stands beside it, since neither is seen by
// everybody. Its value is the class of the style sheet and the end of the mark's id.
type Tone string

// The tones.
const (
	Good Tone = "good"
	Warn Tone = "warn"
	Bad  Tone = "bad"
	// Unsure is for what could not be found out.
	Unsure Tone = "unsure"
	// Idle is for what was not done, and for pages without a verdict.
	Idle Tone = "idle"
	// Note is for information.
	Note Tone = "note"
)

// ToneOfVerdict gives the tone of a verdict.
func ToneOfVerdict(v report.Verdict) Tone {
	switch v {
	case report.Ready:
		return Good
	case report.ReadyWithWarnings:
		return Warn
	case report.NotReady, report.Unsupported, report.Rejected:
		return Bad
	case report.Inconclusive:
		return Unsure
	}
	return Idle
}

// ToneOfStatus gives the tone of a layer's status.
func ToneOfStatus(s finding.Status) Tone {
	switch s {
	case finding.StatusPassed:
		return Good
	case finding.StatusWarned:
		return Warn
	case finding.StatusFailed:
		return Bad
	case finding.StatusInconclusive:
		return Unsure
	}
	return Idle
}

// ToneOfSeverity gives the tone of a finding.
func ToneOfSeverity(s finding.Severity) Tone {
	switch s {
	case finding.Failed:
		return Bad
	case finding.Warned:
		return Warn
	}
	return Note
}

// icon is the picture of a tab: within the page, since a browser would ask the server for one otherwise.
func (t Tone) icon() template.URL {
	marks := map[Tone][2]string{
		Good: {"0b7552", "M9 16.5l5 5 9-11"}, Warn: {"9a6200", "M16 8v10M16 23v1"}, Bad: {"b3261e", "M10 10l12 12M22 10L10 22"},
		Unsure: {"6a4fb0", "M12 12.5a4 4 0 1 1 5.5 3.7c-1 .5-1.5 1-1.5 2.3M16 23v1"},
	}
	mark, ok := marks[t]
	if !ok {
		mark = [2]string{"4a5666", "M10 16h12"}
	}
	return template.URL("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E" +
		"%3Crect width='32' height='32' rx='8' fill='%23" + mark[0] + "'/%3E%3Cpath d='" + mark[1] +
		"' fill='none' stroke='%23fff' stroke-width='3.4' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E")
}
