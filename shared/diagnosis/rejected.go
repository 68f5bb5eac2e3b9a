package diagnosis

import (
	"fmt"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Rejected is the report on a request that could not be accepted. It repeats nothing of the request but its names and
// who asked: the body may hold a secret.
func Rejected(words *catalog.Catalog, problem *request.Problem, id string, now time.Time) (report.Report, error) {
	f := refusal(problem)
	worded, err := words.Word(f, catalog.Facts{"requestId": id})
	if err != nil {
		return report.Report{}, fmt.Errorf("reject %s: %w", id, err)
	}
	headline, err := words.Headline(f, catalog.Facts{"requestId": id})
	if err != nil {
		return report.Report{}, fmt.Errorf("reject %s: %w", id, err)
	}
	return report.Report{
		Version: report.Version, ID: id, Route: problem.Route, Wave: problem.Wave,
		Verdict: report.Rejected, Headline: headline,
		FirstBroken: &report.FirstBroken{Layer: finding.Request, Code: f.Code},
		Scenario:    report.Scenario{Supported: "undocumented", Declared: map[string]string{}, Inferred: map[string]string{}},
		Legs:        []report.Leg{}, Findings: []report.Finding{worded},
		StartedAt: now.UTC(), FinishedAt: now.UTC(), Request: problem.Sound(),
	}, nil
}

func refusal(problem *request.Problem) finding.Finding {
	return finding.Finding{Code: problem.Code, Layer: finding.Request,
		Args: finding.Args{"field": problem.Field, "message": problem.Message}}
}
