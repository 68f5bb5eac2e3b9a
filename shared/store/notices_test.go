package store

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

func notice(id, to string) Notice {
	at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	return Notice{CheckID: id, To: to, Target: "https://hooks.example.com/a?b=c", State: NoticePending, CorrelationID: "corr",
		Changed: true, Was: report.Ready, WasSince: at, Attempts: 2, Trouble: "it's away", Unsure: true, First: at,
		NextDue: at.Add(time.Minute), Claim: "me", ClaimedUntil: at.Add(2 * time.Minute)}
}

func TestNoticesAreKept(t *testing.T) {
	t.Parallel()
	s := open(t)
	if all, err := s.Notices(t.Context(), "n-1"); err != nil || len(all) != 0 {
		t.Fatalf("before the table is there: %v, %v", all, err)
	}
	for _, to := range []string{"ticket", "callback"} {
		if _, added, err := s.AddNotice(t.Context(), notice("n-1", to)); !added || err != nil {
			t.Fatalf("%s: added %v, %v", to, added, err)
		}
	}
	if _, added, err := s.AddNotice(t.Context(), notice("n-1", "ticket")); added || err != nil {
		t.Errorf("twice: added %v, %v", added, err)
	}
	all, err := s.Notices(t.Context(), "n-1")
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, to := range []string{"callback", "ticket"} {
		got, want := all[i], notice("n-1", to)
		got.ETag = ""
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// A report, its findings and its state are no notices, and a notice is no state.
func TestNoticesStandApart(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, _, err := s.AddNotice(t.Context(), notice("r-1", "reply")); err != nil {
		t.Fatal(err)
	}
	if state, err := s.Load(t.Context(), "r-1"); err != nil || state.Status != Unknown {
		t.Errorf("a notice made a check %s, %v", state.Status, err)
	}
	if err := s.MarkRunning(t.Context(), "r-1"); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Notices(t.Context(), "r-1"); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := s.Notices(t.Context(), "r-10"); err != nil || len(all) != 0 {
		t.Errorf("another check's: %+v, %v", all, err)
	}
}

func TestNoticesAreChangedByOneOfTwo(t *testing.T) {
	t.Parallel()
	s := open(t)
	first, _, err := s.AddNotice(t.Context(), notice("c-1", "reply"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Notices(t.Context(), "c-1")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	second := all[0]
	first.State, first.Trouble = NoticeDone, strings.Repeat("x", 3*lineUnits)
	first, changed, err := s.ChangeNotice(t.Context(), first)
	if !changed || err != nil {
		t.Fatalf("the first: %v, %v", changed, err)
	}
	if _, changed, err := s.ChangeNotice(t.Context(), second); changed || err != nil {
		t.Errorf("the second: %v, %v", changed, err)
	}
	first.Attempts = 7
	if _, changed, err := s.ChangeNotice(t.Context(), first); !changed || err != nil {
		t.Errorf("the first again: %v, %v", changed, err)
	}
	all, err = s.Notices(t.Context(), "c-1")
	if err != nil || all[0].Attempts != 7 || !all[0].Final() || len(all[0].Trouble) > lineUnits+3 {
		t.Errorf("%+v, %v", all, err)
	}
	gone := notice("never-there", "reply")
	gone.ETag = first.ETag
	if _, changed, err := s.ChangeNotice(t.Context(), gone); changed || err != nil {
		t.Errorf("a row that is not there: %v, %v", changed, err)
	}
}
