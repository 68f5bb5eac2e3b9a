package runcheck

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

// errBusy means that other checks kept every slot for as long as this one could wait.
var errBusy = errors.New("other checks have every slot")

// Slots bounds what runs at once in this process, and shares it out: package schedule says whose turn it is. The host
// bounds calls per function only, and by its own defaults.
type Slots struct {
	most schedule.Room

	mu      sync.Mutex
	running schedule.Load
	// claims wait for a slot, and waiting are those who made them, each at the same place.
	claims  []schedule.Claim
	waiting []waiter
}

// waiter is closed when its claim has a slot.
type waiter chan struct{}

// NewSlots makes slots for so many checks and sockets.
func NewSlots(most schedule.Room) *Slots { return &Slots{most: most} }

// Take waits for a slot as long as the context lasts; errBusy where that was too short. Give the slot back with the
// function that it returns.
func (s *Slots) Take(ctx context.Context, c schedule.Claim) (func(), error) {
	w := make(waiter)
	s.mu.Lock()
	s.claims, s.waiting = append(s.claims, c), append(s.waiting, w)
	s.serve()
	s.mu.Unlock()
	release := sync.OnceFunc(func() { s.release(c) })
	select {
	case <-w:
		return release, nil
	default:
	}
	select {
	case <-w:
		return release, nil
	case <-ctx.Done():
	}
	if !s.leave(w) {
		return release, nil // It got its turn in the same moment.
	}
	return nil, errors.Join(errBusy, ctx.Err())
}

func (s *Slots) release(c schedule.Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running.Remove(c)
	s.serve()
}

// serve lets in whoever can start now.
func (s *Slots) serve() {
	for {
		next := schedule.Pick(s.claims, s.running, s.most)
		if next < 0 {
			return
		}
		s.running.Add(s.claims[next])
		close(s.waiting[next])
		s.remove(next)
	}
}

// leave gives up waiting; false where the slot was given meanwhile.
func (s *Slots) leave(w waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, w)
	if i < 0 {
		return false
	}
	s.remove(i)
	// Somebody smaller may fit where this one did not.
	s.serve()
	return true
}

func (s *Slots) remove(i int) {
	s.claims, s.waiting = slices.Delete(s.claims, i, i+1), slices.Delete(s.waiting, i, i+1)
}

// socketsPerLeg is what a leg has open at most: the questions for A and AAAA at once, or one connection and one that is
// just being replaced by another.
const socketsPerLeg = 2

func claimOf(c request.Check) schedule.Claim {
	legs := 2
	if c.RuntimeServer != nil {
		legs++
	}
	return schedule.Claim{Requester: c.RequestedBy, Route: c.Route, Sockets: legs * socketsPerLeg}
}
