package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// logged waits until a line with this text is in the log of host and handler.
func logged(t *testing.T, b *bench, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(b.log.String(), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not in the log", text)
		}
	}
}

// unharmed looks for deliveries that were lost to our own trouble.
func unharmed(t *testing.T, b *bench) {
	t.Helper()
	if log := b.log.String(); strings.Contains(log, "message abandoned") {
		t.Error("a delivery was used up")
	}
	if depth := depth(t, b); depth.DeadLetter != 0 {
		t.Errorf("queue %+v", depth)
	}
}

func depth(t *testing.T, b *bench) servicebus.Depth {
	t.Helper()
	depths, err := b.Bus.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return depths["check-requests"]
}

// restart bounds the start of a part that was stopped.
func restart(t *testing.T, start func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := start(ctx); err != nil {
		t.Fatal(err)
	}
}

// slow is a check that lasts some seconds, and the arrival of its probe.
func slow(t *testing.T, b *bench, id string) (request.Check, <-chan struct{}) {
	t.Helper()
	c := b.check(id)
	var reached <-chan struct{}
	c.Source.Port, reached = slowPeer(t)
	c.TimeoutSeconds = 30
	return c, reached
}

func TestTablesAwayForTenSeconds(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	if err := b.Tables.Stop(); err != nil {
		t.Fatal(err)
	}
	c := b.check("tables-away")
	b.send(t, c.ID, c.JSON())
	logged(t, b, "look for the report of tables-away")
	time.Sleep(10 * time.Second)
	restart(t, b.Tables.Restart)
	if r := b.await(t, c.ID); r.Verdict != report.Ready {
		t.Errorf("verdict %s: %s", r.Verdict, r.Headline)
	}
	if got := connections(b.source); got != 1 {
		t.Errorf("%d connections", got)
	}
	listed(t, b, "/api/checks?route=orders-db", "tables-away")
	unharmed(t, b)
}

func TestTablesStopDuringACheck(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c, reached := slow(t, b, "tables-stop")
	b.send(t, c.ID, c.JSON())
	await(t, "the check", reached)
	if err := b.Tables.Stop(); err != nil {
		t.Fatal(err)
	}
	logged(t, b, "save the report of tables-stop")
	restart(t, b.Tables.Restart)
	if r := b.await(t, c.ID); r.FirstBroken == nil || r.FirstBroken.Code != finding.PeerSilent {
		t.Errorf("findings %s: %s", codes(r), r.Headline)
	}
	if len(reached) != 0 {
		t.Error("the check ran twice")
	}
	unharmed(t, b)
}

// What is longer than one invocation can wait for goes back into the queue.
func TestTablesAwayForLong(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	if err := b.Tables.Stop(); err != nil {
		t.Fatal(err)
	}
	b.send(t, "put-back", b.check("put-back").JSON())
	logged(t, b, "put back for 30s: put-back")
	if d := depth(t, b); d.Scheduled != 1 {
		t.Errorf("queue %+v", d)
	}
	restart(t, b.Tables.Restart)
	if r := b.await(t, "put-back"); r.Verdict != report.Ready {
		t.Errorf("verdict %s: %s", r.Verdict, r.Headline)
	}
	listed(t, b, "/api/checks?route=orders-db", "put-back")
	unharmed(t, b)
}

func TestQueueAwayDuringACheck(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c, reached := slow(t, b, "queue-away")
	b.send(t, c.ID, c.JSON())
	await(t, "the check", reached)
	if err := b.Bus.Kill(); err != nil {
		t.Fatal(err)
	}
	r := b.await(t, c.ID) // The tables are there.
	if r.FirstBroken == nil || r.FirstBroken.Code != finding.PeerSilent {
		t.Errorf("findings %s: %s", codes(r), r.Headline)
	}
	restart(t, b.Bus.Restart)
	logged(t, b, "check queue-away was finished before")
	if len(reached) != 0 {
		t.Error("the check ran twice")
	}
	listed(t, b, "/api/checks?route=orders-db", "queue-away")
}
