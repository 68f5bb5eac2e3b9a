package store

import (
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

func TestBefore(t *testing.T) {
	t.Parallel()
	s, all := listed(t)
	byID := map[string]report.Report{}
	for _, r := range all {
		byID[r.ID] = r
	}
	for id, want := range map[string]string{
		"c01": "c02", "c02": "c04", // c03 is of another route
		"c00": "c03", "c07": "c08", "c22": "c23",
		"c23": "", "c21": "",
	} {
		got, err := s.Before(t.Context(), byID[id])
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case got == nil && want != "":
			t.Errorf("nothing before %s, want %s", id, want)
		case got != nil && (got.ID != want || !got.StartedAt.Before(byID[id].StartedAt)):
			t.Errorf("before %s: %s, want %s", id, got.ID, want)
		}
	}
}

// Two checks of one instant are told apart by their ids, and none comes before itself.
func TestBeforeInOneInstant(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := broken("a", noon.Add(123456789)), broken("b", noon.Add(123456789))
	save(t, s, a)
	save(t, s, b)
	if got, err := s.Before(t.Context(), a); err != nil || got == nil || got.ID != "b" {
		t.Errorf("%v %v", got, err)
	}
	if got, err := s.Before(t.Context(), b); err != nil || got != nil {
		t.Errorf("%v %v", got, err)
	}
}

func TestBeforeNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	withoutRoute, alone := broken("a", noon), broken("b", noon.Add(time.Minute))
	withoutRoute.Route = ""
	for _, r := range []report.Report{withoutRoute, alone} {
		save(t, s, r)
		if got, err := s.Before(t.Context(), r); err != nil || got != nil {
			t.Errorf("%s: %v %v", r.ID, got, err)
		}
	}
}
