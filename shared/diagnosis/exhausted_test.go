package diagnosis

import (
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestExhausted(t *testing.T) {
	t.Parallel()
	words, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	check := request.Check{Version: 1, ID: "c1", Route: "orders-db", Wave: "2026-12"}
	tests := map[string]struct {
		death    Death
		verdict  report.Verdict
		codes    []finding.Code
		headline string
		detail   string
		started  time.Time
	}{
		"a dead letter": {
			Death{ID: "c1", Check: check, Reason: "MaxDeliveryCountExceeded", Description: "after 10\n deliveries.", Deliveries: 11,
				Queued: now.Add(-time.Hour)},
			report.Inconclusive, []finding.Code{finding.RequestExhausted}, "died in the queue (MaxDeliveryCountExceeded)",
			"MaxDeliveryCountExceeded (after 10 deliveries). That", now.Add(-time.Hour),
		},
		"given up": {
			Death{ID: "c1", Check: check, Description: "it came back 17 times"},
			report.Inconclusive, []finding.Code{finding.RequestExhausted}, "gave it up", "(it came back 17 times)", now,
		},
		"a request that is refused": {
			Death{ID: "c1", Problem: &request.Problem{Code: finding.RequestSecretInline, Field: "source.password",
				Message: "must not be here", Route: "orders-db"}, Reason: "TTLExpiredException", Queued: now.Add(time.Hour)},
			report.Rejected, []finding.Code{finding.RequestSecretInline, finding.RequestExhausted}, "", "TTLExpiredException", now,
		},
		"a long description": {
			Death{ID: "c1", Check: check, Reason: "x", Description: strings.Repeat("ab \x1b[2J", 500)},
			report.Inconclusive, []finding.Code{finding.RequestExhausted}, "", "…)", now,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.death.Now = now
			r, err := Exhausted(words, test.death)
			if err != nil {
				t.Fatal(err)
			}
			last := r.Findings[len(r.Findings)-1]
			if r.Verdict != test.verdict || r.ID != "c1" || r.Route != "orders-db" || !r.StartedAt.Equal(test.started) ||
				!strings.Contains(r.Headline, test.headline) || r.FirstBroken.Code != test.codes[0] {
				t.Errorf("%+v", r)
			}
			if !strings.Contains(last.Detail, test.detail) || len(last.Detail) > 600 ||
				strings.ContainsRune(last.Detail, '\x1b') {
				t.Errorf("detail %q", last.Detail)
			}
			whole := strings.Contains(string(r.Request), `"source"`)
			if len(r.Findings) != len(test.codes) || len(r.Request) == 0 || whole != (test.death.Problem == nil) {
				t.Errorf("findings %+v, request %s", r.Findings, r.Request)
			}
		})
	}
}
