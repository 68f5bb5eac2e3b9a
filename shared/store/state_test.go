package store

import (
	"fmt"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestStateNeverGoesBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	check := request.Check{ID: "c1", Route: "orders-db"}
	queued := func() error { return s.MarkQueued(t.Context(), check) }
	running := func() error { return s.MarkRunning(t.Context(), "c1") }
	stored := func() error { _, err := s.Save(t.Context(), broken("c1", noon)); return err }
	for i, step := range []struct {
		do   func() error
		want Status
	}{
		{func() error { return nil }, Unknown}, {queued, Queued}, {queued, Queued}, {running, Running},
		{queued, Running}, {running, Running}, {stored, Finished}, {queued, Finished}, {running, Finished},
		{stored, Finished},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		state, err := s.Load(t.Context(), "c1")
		if err != nil || state.Status != step.want || (state.Report != nil) != (step.want == Finished) {
			t.Errorf("step %d: Load = %q, report %d bytes, %v; want %q", i, state.Status, len(state.Report), err, step.want)
		}
		finished, err := s.Finished(t.Context(), "c1")
		if err != nil || finished != (step.want == Finished) {
			t.Errorf("step %d: Finished = %v, %v", i, finished, err)
		}
	}
}

func TestMarksAreKeptWithoutAReport(t *testing.T) {
	t.Parallel()
	s := open(t)
	// A finished check's marks come after its report: they make a row of their own and leave the report's alone.
	save(t, s, broken("c1", noon))
	if err := s.MarkQueued(t.Context(), request.Check{ID: "c1"}); err != nil {
		t.Fatal(err)
	}
	if v := read(t, s, tableChecks, "c1", keyReport)["Verdict"]; v != "not_ready" {
		t.Errorf("verdict = %v", v)
	}
}

func TestMarkQueuedTakesABatch(t *testing.T) {
	t.Parallel()
	s := open(t)
	var checks []request.Check
	for i := range 50 {
		checks = append(checks, request.Check{ID: fmt.Sprintf("c%d", i)})
	}
	if err := s.MarkQueued(t.Context(), checks...); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s, tableChecks); n != 50 {
		t.Errorf("%d rows, want 50", n)
	}
	if err := s.MarkQueued(t.Context(), request.Check{ID: "a/b"}); err == nil {
		t.Error("an id with a slash gave no error")
	}
}

func TestReadingMakesNoTables(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, err := s.Load(t.Context(), "c1"); err != nil {
		t.Error(err)
	}
	if page, err := s.List(t.Context(), Filter{}); err != nil || len(page.Checks) != 0 || page.Continue != "" {
		t.Errorf("List = %+v, %v", page, err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	raw, _, err := s.get(t.Context(), "read", tableChecks, row{partition: "p", key: "k"})
	if raw != nil || err != nil {
		t.Errorf("get = %s, %v", raw, err)
	}
	if _, err := s.table(tableChecks).Delete(t.Context(), nil); !isStatus(s.fault("", "", err), statusNotFound) {
		t.Errorf("the table Checks is there after reading: %v", err)
	}
}

func TestEnsureTables(t *testing.T) {
	t.Parallel()
	s := open(t)
	for range 2 {
		if err := s.EnsureTables(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{tableChecks, tableHistory, tableRecent, tableWaves, tableRoutes} {
		if _, err := s.table(table).Delete(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}
