package runcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// metadata is that of a message which was put back so often before.
func metadata(attempt int) string {
	return fmt.Sprintf(`{"MessageId":"\"m-1\"","CorrelationId":"\"order-7\"","ApplicationProperties":{
		"pgpreflight-attempt":"%d","pgpreflight-resent":"%d","pgpreflight-id":"orders-1","pgpreflight-origin":"schedule"}}`,
		attempt, attempt+3)
}

// Whatever fails of our own, the message comes again later, and this delivery is completed.
func TestTroublePutsTheMessageBack(t *testing.T) {
	t.Parallel()
	bad := `{"version":1,"id":"orders-1"}`
	for _, test := range []struct {
		body, failAt string
		finished     bool
	}{
		{good, "finished", false}, {good, "run", false}, {good, "save", false}, {good, "complete", true},
		{bad, "finished", false}, {bad, "reject", false}, {bad, "save", false},
	} {
		for name, trouble := range map[string]error{"a table": errTable, "our own": errAway} {
			f := &fakes{failAt: test.failAt, failWith: trouble, finished: test.finished}
			answer, err := f.handler().Run(t.Context(), message(t, test.body, metadata(2)))
			if err != nil || len(f.sent) != 1 || !strings.Contains(answer.Logs[0], "put back for 2m0s") {
				t.Fatalf("%s fails at %s: %v, sent %+v, says %q", name, test.failAt, err, f.sent, answer.Logs)
			}
			m := f.sent[0]
			if m.ID != "orders-1~6" || string(m.Body) != test.body || m.CorrelationID != "order-7" ||
				!m.At.Equal(seven.Add(2*time.Minute)) {
				t.Errorf("sent %+v", m)
			}
			p := m.Properties
			if p["pgpreflight-attempt"] != "3" || p["pgpreflight-resent"] != "6" || p["pgpreflight-id"] != "orders-1" ||
				p["pgpreflight-origin"] != "schedule" {
				t.Errorf("properties %v", p)
			}
		}
	}
}

// A message without an id in its body keeps the one that it had at its first delivery.
func TestPutBackKeepsTheID(t *testing.T) {
	t.Parallel()
	f := &fakes{failAt: "run", failWith: errTable}
	nameless := strings.Replace(good, `"id":"orders-1",`, "", 1)
	if _, err := f.handler().Run(t.Context(), message(t, nameless, `{"MessageId":"\"m-1\""}`)); err != nil {
		t.Fatal(err)
	}
	if m := f.sent[0]; m.ID != "m-1~1" || m.Properties["pgpreflight-id"] != "m-1" || m.CorrelationID != "m-1" {
		t.Errorf("sent %+v", m)
	}
}

func TestPutBackThatFailsCountsADelivery(t *testing.T) {
	t.Parallel()
	f := &fakes{failAt: "send", failWith: errAway, run: func(context.Context) error { return errTable }}
	if _, err := f.handler().Run(t.Context(), message(t, good, "{}")); !errors.Is(err, errTable) || !errors.Is(err, errAway) {
		t.Errorf("error %v", err)
	}
	h := f.handler()
	h.Queue = nil
	if _, err := h.Run(t.Context(), message(t, good, "{}")); !errors.Is(err, errTable) {
		t.Errorf("without a queue: %v", err)
	}
}

func TestTroubleEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		attempt int
		trouble error
		givenUp bool
	}{
		{16, errTable, false}, {17, errTable, true}, {2, errAway, false}, {3, errAway, true}, {3, errTable, false},
	} {
		f := &fakes{failAt: "run", failWith: test.trouble}
		if _, err := f.handler().Run(t.Context(), message(t, good, metadata(test.attempt))); err != nil {
			t.Fatal(err)
		}
		if givenUp := len(f.saved) == 1 && f.saved[0].Verdict == report.Inconclusive; givenUp != test.givenUp ||
			len(f.sent) == 1 == givenUp {
			t.Errorf("attempt %d, %v: saved %+v, sent %d", test.attempt, test.trouble, f.saved, len(f.sent))
		}
	}
	// Where not even the death can be stored, the queue buries the message for RecordDeadLetter.
	f := &fakes{failAt: "save", failWith: errTable}
	if _, err := f.handler().Run(t.Context(), message(t, good, metadata(17))); !errors.Is(err, errTable) || len(f.sent) != 0 {
		t.Errorf("error %v", err)
	}
}

// Who waits for the report is told "running" if that can be noted; the check does not depend on it.
func TestCheckRunsWithoutItsNote(t *testing.T) {
	t.Parallel()
	f := &fakes{failAt: "mark", failWith: errTable}
	if _, err := f.handler().Run(t.Context(), message(t, good, "{}")); err != nil || len(f.saved) != 1 || len(f.logged) != 1 {
		t.Errorf("%v, saved %d, logged %q", err, len(f.saved), f.logged)
	}
}

func TestMissingSettingPutsBack(t *testing.T) {
	t.Parallel()
	f := &fakes{}
	h := f.handler()
	h.Checker, h.Reports = nil, nil
	if _, err := h.Run(t.Context(), message(t, good, "{}")); err != nil || len(f.sent) != 1 ||
		!strings.Contains(strings.Join(f.logged, ""), "setting ResultTables is not set") {
		t.Errorf("%v, sent %d, logged %q", err, len(f.sent), f.logged)
	}
	if _, err := h.Run(t.Context(), message(t, good, metadata(17))); err == nil {
		t.Error("a message was given up without a report")
	}
}

// An outage that ends within the limit costs no delivery, and no second probe.
func TestOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		h := f.handler()
		h.Reports = &returning{fakes: f, at: time.Now().Add(10 * time.Second)}
		ctx, cancel := context.WithTimeout(t.Context(), Limit)
		defer cancel()
		if _, err := h.Run(ctx, message(t, good, "{}")); err != nil {
			t.Fatal(err)
		}
		if runs := slices.Index(f.done, "run"); len(f.sent) != 0 || len(f.checked) != 1 || runs < 0 {
			t.Errorf("steps %q", f.done)
		}
	})
}

// returning is a table that is away until a time.
type returning struct {
	*fakes
	at time.Time
}

func (r *returning) Finished(ctx context.Context, id string) (bool, error) {
	if time.Now().Before(r.at) {
		return false, &store.Fault{Op: "find report", Table: "Checks"}
	}
	return r.fakes.Finished(ctx, id)
}

func TestBusyIsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		h := f.handler()
		h.Slots = NewSlots(schedule.Room{Checks: 1, Sockets: 99})
		release, err := h.Slots.Take(t.Context(), schedule.Claim{})
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		ctx, cancel := context.WithTimeout(t.Context(), Limit)
		defer cancel()
		started := time.Now()
		if _, err := h.Run(ctx, message(t, good, metadata(2))); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took != turn || len(f.sent) != 1 {
			t.Fatalf("waited %s, sent %d", took, len(f.sent))
		}
		if m := f.sent[0]; m.Properties["pgpreflight-attempt"] != "2" || m.ID != "orders-1~6" ||
			!m.At.Equal(seven.Add(busyFor)) {
			t.Errorf("sent %+v", m)
		}
	})
}

// A reminder runs no check and needs no slot; its own trouble puts it back as a reminder, and is never a report.
func TestReminders(t *testing.T) {
	t.Parallel()
	of := func(attempt int) string {
		return fmt.Sprintf(`{"MessageId":"\"orders-1~reminder-7\"","ApplicationProperties":{"pgpreflight-id":"orders-1",
			"pgpreflight-reminder":"7","pgpreflight-attempt":"%d"}}`, attempt)
	}
	f := &fakes{}
	answer, err := f.handler().Run(t.Context(), message(t, `{"reminder":"orders-1"}`, of(0)))
	if err != nil || !slices.Equal(f.done, []string{"remind orders-1"}) || answer.Logs[0] != "reminded of check orders-1" {
		t.Errorf("%v, did %v, says %q", err, f.done, answer.Logs)
	}
	f = &fakes{failAt: "remind orders-1", failWith: errTable}
	if _, err := f.handler().Run(t.Context(), message(t, `{"reminder":"orders-1"}`, of(0))); err != nil || len(f.sent) != 1 ||
		f.sent[0].ID != "orders-1~reminder-7~1" || f.sent[0].Properties["pgpreflight-reminder"] != "7" {
		t.Errorf("%v, sent %+v", err, f.sent)
	}
	f = &fakes{failAt: "remind orders-1", failWith: errTable}
	if _, err := f.handler().Run(t.Context(), message(t, `{"reminder":"orders-1"}`, of(99))); !errors.Is(err, errTable) ||
		len(f.saved) != 0 {
		t.Errorf("after hours: %v, saved %d", err, len(f.saved))
	}
}
