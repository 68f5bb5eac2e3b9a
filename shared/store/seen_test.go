package store

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

func see(t *testing.T, s *Store, seen ticket.Seen, checkID string) Sighting {
	t.Helper()
	got, err := s.See(t.Context(), seen, checkID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What was delivered first under a key stands, whatever comes after it.
func TestSeeOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := ticket.Seen{Key: "k", Digest: "one"}
	for i, want := range []Sighting{{"one", "c-0", false}, {"one", "c-0", true}, {"one", "c-0", true}} {
		if got := see(t, s, first, fmt.Sprintf("c-%d", i)); got != want {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if got := see(t, s, ticket.Seen{Key: "k", Digest: "two"}, "c-9"); got != (Sighting{"one", "c-0", false}) {
		t.Errorf("something else under the key: %+v", got)
	}
	if got := see(t, s, ticket.Seen{Key: "other", Digest: "two"}, "c-9"); got != (Sighting{"two", "c-9", false}) {
		t.Errorf("another key: %+v", got)
	}
}

// Where the key is a ticket's, what it asked for last stands: back to what it asked before is something new.
func TestSeeMoves(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i, step := range []struct {
		digest string
		want   Sighting
	}{
		{"a", Sighting{"a", "c-0", false}}, {"a", Sighting{"a", "c-0", true}}, {"b", Sighting{"b", "c-2", false}},
		{"b", Sighting{"b", "c-2", true}}, {"a", Sighting{"a", "c-4", false}},
	} {
		got := see(t, s, ticket.Seen{Key: "k", Digest: step.digest, Moves: true}, fmt.Sprintf("c-%d", i))
		if got != step.want {
			t.Errorf("%d: %+v, want %+v", i, got, step.want)
		}
	}
}

// Of deliveries at the same moment one is the first, and all of them lead to its check.
func TestSeeTogether(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, moves := range []bool{false, true} {
		seen := ticket.Seen{Key: fmt.Sprintf("k-%v", moves), Digest: "d", Moves: moves}
		got := make([]Sighting, 8)
		var group sync.WaitGroup
		for i := range got {
			group.Go(func() {
				var err error
				if got[i], err = s.See(t.Context(), seen, fmt.Sprintf("c-%d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		fresh := 0
		for _, one := range got {
			if !one.Known {
				fresh++
			}
			if one.CheckID != got[0].CheckID {
				t.Errorf("moves %v: %+v", moves, got)
			}
		}
		if fresh != 1 {
			t.Errorf("moves %v: %d are new: %+v", moves, fresh, got)
		}
	}
}

// A row beside those of a check does not hide them.
func TestSeenIsNoState(t *testing.T) {
	t.Parallel()
	s := open(t)
	see(t, s, ticket.Seen{Key: "c1", Digest: "d"}, "c1")
	if got, err := s.Load(t.Context(), "c1"); err != nil || got.Status != Unknown {
		t.Errorf("%+v, %v", got, err)
	}
	save(t, s, broken("c1", noon))
	if got, err := s.Load(t.Context(), "c1"); err != nil || got.Status != Finished {
		t.Errorf("%+v, %v", got, err)
	}
}
