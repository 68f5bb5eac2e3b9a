package e2e_test

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// A check whose deliveries are all lost (here by their locks) is on record as dead, and the report of a check that ends
// later does not replace that.
func TestDeadLetterIsRecorded(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c, reached := slow(t, b, "dead")
	c.TimeoutSeconds = 60
	b.send(t, c.ID, c.JSON())
	for range 10 {
		await(t, "the next delivery", reached)
		if err := b.Bus.Inject(t.Context(), servicebus.Faults{LoseLocks: "check-requests"}); err != nil {
			t.Fatal(err)
		}
	}
	r := b.await(t, c.ID)
	if r.Verdict != report.Inconclusive || r.FirstBroken == nil || r.FirstBroken.Code != finding.RequestExhausted ||
		!strings.Contains(r.Headline, "MaxDeliveryCountExceeded") || r.Route != "orders-db" || len(r.Request) == 0 {
		t.Errorf("verdict %s, %+v: %s", r.Verdict, r.FirstBroken, r.Headline)
	}
	logged(t, b, "dead letter of dead recorded")
	logged(t, b, "report already_stored")
	if again := b.await(t, c.ID); again.Verdict != report.Inconclusive {
		t.Errorf("verdict %s", again.Verdict)
	}
	listed(t, b, "/api/checks?route=orders-db", "dead")
	if d := depth(t, b); d.DeadLetter != 0 {
		t.Errorf("queue %+v", d)
	}
}
