package runcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

// One who asks for a hundred checks of five seconds does not keep the other's one waiting behind them.
func TestNobodyTakesAllSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slots := NewSlots(schedule.Room{Checks: 4, Sockets: 16})
		var mu sync.Mutex
		var order []string
		var group sync.WaitGroup
		check := func(c schedule.Claim) {
			release, err := slots.Take(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, c.Requester)
			mu.Unlock()
			time.Sleep(5 * time.Second)
			release()
		}
		for i := range 100 {
			group.Go(func() { check(schedule.Claim{Requester: "hog", Route: fmt.Sprint(i), Sockets: 4}) })
		}
		synctest.Wait()
		group.Go(func() { check(schedule.Claim{Requester: "late", Sockets: 4}) })
		group.Wait()
		if place := slices.Index(order, "late"); place > 7 { // Four end, and four begin, in the same instant.
			t.Errorf("the late one came as number %d", place)
		}
	})
}

// A slot that is given in the very moment in which its waiter leaves is neither lost nor doubled.
func TestLeavingAndServingAtOnce(t *testing.T) {
	t.Parallel()
	slots := NewSlots(schedule.Room{Checks: 3, Sockets: 99})
	var group sync.WaitGroup
	for i := range 500 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Millisecond)
			defer cancel()
			release, err := slots.Take(ctx, schedule.Claim{Requester: fmt.Sprint(i % 5), Sockets: 4})
			if err != nil {
				if !errors.Is(err, errBusy) {
					t.Error(err)
				}
				return
			}
			time.Sleep(time.Millisecond)
			release()
			release() // Twice is once.
		})
	}
	group.Wait()
	if slots.running.Checks() != 0 || len(slots.waiting) != 0 {
		t.Errorf("%d still run, %d still wait", slots.running.Checks(), len(slots.waiting))
	}
}

func TestSlotIsGivenBackAfterAnError(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"mark", "run", "save"} {
		f := &fakes{failAt: step, failWith: errTable}
		h := f.handler()
		for range 5 {
			if _, err := h.Run(t.Context(), message(t, good, "{}")); err != nil {
				t.Fatalf("%s: error %v", step, err)
			}
		}
		if n := h.Slots.running.Checks(); n != 0 {
			t.Errorf("%s: %d slots are still taken", step, n)
		}
	}
}
