package schedule

import "github.com/pgpreflight/pgpreflight/shared/report"

// Score is how ready a wave is.
type Score struct {
	Ready, Total int
	// Percent is the share of ready routes, 0 to 100, rounded down: 100 means all of them.
	Percent int
}

// ScoreOf counts the routes of a wave by their last verdicts, warnings included; an empty verdict is that of a route
// that was never checked, and is not ready. A wave without routes has 0 percent.
func ScoreOf(verdicts []report.Verdict) Score {
	s := Score{Total: len(verdicts)}
	for _, v := range verdicts {
		if ClassOf(v) == Open {
			s.Ready++
		}
	}
	if s.Total > 0 {
		s.Percent = 100 * s.Ready / s.Total
	}
	return s
}
