package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

func TestSaveWritesTheContractsColumns(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := broken("c1", noon)
	r.Legs = append(r.Legs, report.Leg{Name: "source", From: "server", Layers: []report.Layer{
		{Layer: "connect", Status: "passed", ElapsedMs: 12},
	}})
	save(t, s, r)

	columns := read(t, s, tableChecks, "c1", keyReport)
	for name, want := range map[string]any{
		"Verdict": "not_ready", "Headline": "orders drops it", "Route": "orders-db", "Wave": "2026-12",
		"ScenarioRow": int32(4), "FirstBrokenLeg": "source", "FirstBrokenLayer": "connect",
		"FirstBrokenCode": "TCP_TIMEOUT", "Findings": int32(1), "ElapsedMs": int32(5012), "RequestedBy": "pipeline:orders",
	} {
		if columns[name] != want {
			t.Errorf("Checks.%s = %v (%T), want %v", name, columns[name], columns[name], want)
		}
	}
	if started := columns["StartedAt"].(aztables.EDMDateTime); !time.Time(started).Equal(noon.Truncate(100)) {
		t.Errorf("Checks.StartedAt = %v", time.Time(started))
	}
	found := read(t, s, tableChecks, "c1", "finding-001")
	for name, want := range map[string]any{
		"Code": "TCP_TIMEOUT", "Severity": "failed", "Leg": "source", "Layer": "connect", "Owner": "source_network",
		"Title": "No answer", "Detail": "Nothing came back.", "ServiceCode": "603000",
	} {
		if found[name] != want {
			t.Errorf("finding.%s = %v, want %v", name, found[name], want)
		}
	}
	history := read(t, s, tableHistory, "orders-db", newestFirst(noon, "c1"))
	for name, want := range map[string]any{
		"CheckId": "c1", "SourceResolveMs": int32(4), "SourceConnectMs": int32(5000), "SourceFromServerConnectMs": int32(12),
		"SourceTlsMs": nil, "ElapsedMs": int32(5012), "FirstBrokenCode": "TCP_TIMEOUT",
	} {
		if history[name] != want {
			t.Errorf("History.%s = %v, want %v", name, history[name], want)
		}
	}
	recent := read(t, s, tableRecent, "2026-11-22", newestFirst(noon, "c1"))
	if recent["Route"] != "orders-db" || recent["Wave"] != "2026-12" || recent["Headline"] != "orders drops it" {
		t.Errorf("Recent = %v", recent)
	}
	wave := read(t, s, tableWaves, "2026-12", "orders-db")
	if wave["CheckId"] != "c1" || wave["FirstBrokenLayer"] != "connect" || wave["Owner"] != "source_network" {
		t.Errorf("Waves = %v", wave)
	}
}

func TestColumnsAreThereEvenWhenEmpty(t *testing.T) {
	t.Parallel()
	s := open(t)
	save(t, s, report.Report{Version: 1, ID: "bare", Verdict: report.Rejected, StartedAt: noon})

	columns := read(t, s, tableChecks, "bare", keyReport)
	for _, name := range []string{"Route", "Wave", "FirstBrokenLeg", "FirstBrokenLayer", "FirstBrokenCode", "RequestedBy"} {
		if columns[name] != "" {
			t.Errorf("%s = %v, want an empty text", name, columns[name])
		}
	}
	if n := rows(t, s, tableHistory) + rows(t, s, tableWaves); n != 0 {
		t.Errorf("%d rows of a route or wave that the report has not", n)
	}
	if n := rows(t, s, tableRecent); n != 1 {
		t.Errorf("%d rows in Recent, want 1", n)
	}
}

func TestFirstReportWins(t *testing.T) {
	t.Parallel()
	s := open(t)
	first, second := broken("c1", noon), broken("c1", noon.Add(time.Hour))
	second.Verdict = report.Ready
	second.Findings = append(second.Findings, second.Findings[0])
	save(t, s, first)

	outcome, err := s.Save(t.Context(), second)

	if err != nil || outcome != AlreadyStored {
		t.Fatalf("second Save = %q, %v", outcome, err)
	}
	if v := read(t, s, tableChecks, "c1", keyReport)["Verdict"]; v != "not_ready" {
		t.Errorf("verdict after the second Save = %v", v)
	}
	if read(t, s, tableChecks, "c1", "finding-002") != nil {
		t.Error("a finding of the losing report was written: not one transaction")
	}
	if n := rows(t, s, tableRecent); n != 1 {
		t.Errorf("%d rows in Recent, want the stored report's only", n)
	}
}

func TestRefusedFindingRollsTheReportBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	refused := []row{
		{partition: "c1", key: keyReport, columns: map[string]any{"Verdict": "ready"}},
		{partition: "c1", key: "finding-001", columns: map[string]any{"Detail": strings.Repeat("x", 32_769)}},
	}

	err := s.submit(t.Context(), "save report", tableChecks, refused)

	if !isStatus(err, statusBadRequest) || !isCode(err, "PropertyValueTooLarge") {
		t.Errorf("error = %v, want the status of the action that failed, not the transaction's 202", err)
	}
	if finished, err := s.Finished(t.Context(), "c1"); finished || err != nil {
		t.Errorf("Finished = %v, %v after a refused transaction", finished, err)
	}
}

func TestBigReportComesBackWhole(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := broken("big", noon)
	// Four bytes, two code units each, and an odd number before them: every border of a chunk falls into a pair.
	r.Legs[0].Layers[0].Observation = map[string]any{"note": strings.Repeat("😀", 200_000)}
	_, want, err := fit(r)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, r)

	state, err := s.Load(t.Context(), "big")

	if err != nil || state.Status != Finished {
		t.Fatalf("Load = %v, %v", state.Status, err)
	}
	if string(state.Report) != want {
		t.Errorf("the report came back with %d bytes, stored were %d", len(state.Report), len(want))
	}
	columns := read(t, s, tableChecks, "big", keyReport)
	if _, ok := columns["Report14"]; !ok {
		t.Errorf("columns = %v, want Report to Report14", slices.Sorted(maps.Keys(columns)))
	}
}

func TestManyFindings(t *testing.T) {
	t.Parallel()
	s := open(t)
	r := broken("many", noon)
	for range 150 {
		r.Findings = append(r.Findings, r.Findings[0])
	}
	save(t, s, r)

	if n := rows(t, s, tableChecks); n != transactionRows {
		t.Errorf("%d rows in Checks, want %d", n, transactionRows)
	}
	if n := read(t, s, tableChecks, "many", keyReport)["Findings"]; n != int32(151) {
		t.Errorf("Findings = %v, want the true count", n)
	}
	state, err := s.Load(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	var back report.Report
	if err := json.Unmarshal(state.Report, &back); err != nil || len(back.Findings) != 151 {
		t.Errorf("%d findings in the stored JSON, %v; want all", len(back.Findings), err)
	}
}

func TestCompleteAfterACrashBeforeTheFollowers(t *testing.T) {
	t.Parallel()
	for _, redo := range []struct {
		name string
		do   func(*Store, report.Report) error
	}{
		{"Complete", func(s *Store, r report.Report) error { return s.Complete(t.Context(), r.ID) }},
		{"the message delivered again", func(s *Store, r report.Report) error {
			outcome, err := s.Save(t.Context(), r)
			if err == nil && outcome != AlreadyStored {
				return fmt.Errorf("outcome %q", outcome)
			}
			return err
		}},
	} {
		t.Run(redo.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			r := broken("c1", noon)
			fitted, text, err := fit(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.submit(t.Context(), "save", tableChecks, reportRows(fitted, text, 1)); err != nil {
				t.Fatal(err)
			}

			for range 2 {
				if err := redo.do(s, r); err != nil {
					t.Fatal(err)
				}
			}
			for _, table := range []string{tableRecent, tableHistory, tableWaves} {
				if n := rows(t, s, table); n != 1 {
					t.Errorf("%d rows in %s, want 1", n, table)
				}
			}
		})
	}
}

func TestCompleteOfNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Complete(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error = %v, want ErrNotFound", err)
	}
}

func TestWaveDoesNotGoBackwards(t *testing.T) {
	t.Parallel()
	s := open(t)
	save(t, s, broken("late", noon.Add(time.Minute)))
	save(t, s, broken("early", noon))
	save(t, s, broken("same-instant-b", noon.Add(time.Hour)))
	save(t, s, broken("same-instant-a", noon.Add(time.Hour)))
	alone := broken("alone", noon)
	alone.Route = ""
	save(t, s, alone)

	wave, err := s.Wave(t.Context(), "2026-12")

	if err != nil || len(wave) != 2 {
		t.Fatalf("Wave = %+v, %v", wave, err)
	}
	if wave[0].CheckID != "alone" || wave[0].Route != "" {
		t.Errorf("check without a route = %+v", wave[0])
	}
	if wave[1].CheckID != "same-instant-b" || wave[1].Owner != report.SourceNetwork || wave[1].FirstBroken == nil {
		t.Errorf("route = %+v, want the latest check", wave[1])
	}
	if n := rows(t, s, tableHistory); n != 4 {
		t.Errorf("%d rows in History, want all four", n)
	}
	if none, err := s.Wave(t.Context(), "it's none"); err != nil || len(none) != 0 {
		t.Errorf("unknown wave = %v, %v", none, err)
	}
}

func TestWaveUnderContest(t *testing.T) {
	t.Parallel()
	s := open(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, err := s.Save(t.Context(), broken(fmt.Sprintf("c%d", i), noon.Add(time.Duration(i)))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()

	wave, err := s.Wave(t.Context(), "2026-12")

	// The starts are 1 ns apart, below the service's 100 ns: the id decides.
	if err != nil || len(wave) != 1 || wave[0].CheckID != "c7" {
		t.Errorf("Wave = %+v, %v; want c7", wave, err)
	}
}

func TestRowOfAWaveIsReplacedOnlyAsItWasRead(t *testing.T) {
	t.Parallel()
	s := open(t)
	save(t, s, broken("c1", noon))
	mine := *followersOf(broken("c2", noon.Add(time.Minute))).wave
	_, seen, err := s.get(t.Context(), "read", tableWaves, mine)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, broken("c3", noon.Add(time.Hour)))

	err = s.replace(t.Context(), "save wave", tableWaves, mine, seen)

	if !isStatus(err, statusPrecondition) || !contested(err) {
		t.Errorf("error = %v, want 412 and another try", err)
	}
	if err := s.advance(t.Context(), mine); err != nil {
		t.Error(err)
	}
	if id := read(t, s, tableWaves, "2026-12", "orders-db")["CheckId"]; id != "c3" {
		t.Errorf("the wave stands at %v, want c3", id)
	}
}

func TestKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	s := open(t)
	slash, zero := broken("a/b", noon), broken("c1", time.Time{})
	for _, r := range []report.Report{slash, zero} {
		if _, err := s.Save(t.Context(), r); err == nil {
			t.Errorf("Save(%q, %v) gave no error", r.ID, r.StartedAt)
		}
	}
	odd := broken("odd", noon)
	odd.Route, odd.Wave = "a/b", "it's"
	save(t, s, odd)
	if columns := read(t, s, tableChecks, "odd", keyReport); columns["Route"] != "a/b" || columns["Wave"] != "it's" {
		t.Errorf("columns = %v, want the texts as they came", columns)
	}
	if n := rows(t, s, tableHistory) + rows(t, s, tableWaves); n != 0 {
		t.Errorf("%d rows under keys that cannot be", n)
	}
}
