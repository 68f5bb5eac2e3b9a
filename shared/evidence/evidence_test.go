package evidence

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// A refusal is an answer, a connection that ended is none: what was not heard after it may be broken.
func TestWhatWasNotHeardIsNoAnswer(t *testing.T) {
	t.Parallel()
	leg := plan.Leg{Name: "source", Mode: request.Offline, Migrated: []string{"orders"},
		Endpoint: request.Endpoint{Host: "db", Databases: []string{"orders"}}}
	target := prerequisites.Target{Side: prerequisites.SideSource, Mode: leg.Mode, Database: "orders"}
	var answers []prerequisites.Answer
	for _, q := range prerequisites.Questions(target) {
		a := prerequisites.Answer{SQLState: "57014", Message: "canceling statement due to statement timeout"}
		if q.ID == "extensions" {
			a = prerequisites.Answer{Rows: []string{}}
		}
		answers = append(answers, a)
	}
	judge := func() string {
		seen := Prerequisites{Observation: prerequisites.Read(target, answers)}
		found, inconclusive := seen.Judge(leg, login.No)
		if len(found) != 1 || found[0].Code != finding.PreNotChecked {
			t.Errorf("found %+v", found)
		}
		return inconclusive
	}
	if got := judge(); got != "" {
		t.Errorf("refused: %s", got)
	}
	answers[len(answers)-1] = prerequisites.Answer{Missing: "the connection ended: timeout"}
	if got := judge(); !strings.Contains(got, "grants got no answer: the connection ended: timeout") {
		t.Errorf("lost: %q", got)
	}
}
