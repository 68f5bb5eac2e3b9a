package runcheck

import (
	"context"
	"fmt"
	"time"
)

// Slots bounds the checks that run at once. The host bounds calls per function only, and by its own defaults.
type Slots struct{ taken chan struct{} }

// NewSlots makes n slots.
func NewSlots(n int) Slots { return Slots{taken: make(chan struct{}, n)} }

// Take waits for a slot, but no longer than leaves the budget of what is to run before the context ends. Give the slot
// back with the function that it returns.
func (s Slots) Take(ctx context.Context, budget time.Duration) (func(), error) {
	release := func() { <-s.taken }
	select {
	case s.taken <- struct{}{}:
		return release, nil
	default:
	}
	if end, ok := ctx.Deadline(); ok {
		waiting, cancel := context.WithDeadline(ctx, end.Add(-budget))
		defer cancel()
		ctx = waiting
	}
	select {
	case s.taken <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		// Better given back than judged inconclusive for a queue of our own making.
		return nil, fmt.Errorf("wait for one of %d slots: %w", cap(s.taken), ctx.Err())
	}
}
