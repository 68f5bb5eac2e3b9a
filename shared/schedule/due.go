package schedule

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
)

const (
	// Lease is how long a timer that claimed a route has to get its check into the queue. If it dies before that, the
	// next timer after it takes the same slot again: the ids are the same, so nothing is lost and nothing doubled.
	Lease = 2 * time.Minute
	// LostAfter is when a check that was queued and never ended no longer keeps its route from being checked again.
	LostAfter = time.Hour
	// spreadWithin and gapMost bound how far one firing spreads the checks that it starts.
	spreadWithin = 5 * time.Minute
	gapMost      = 2 * time.Second
	// early is how much too soon a timer may fire and still take a slot.
	early = 30 * time.Second
)

// Slot says when a route is to be checked next.
type Slot struct {
	Route string
	// Every is the route's interval.
	Every time.Duration
	// At is when it is due; the zero time means at once.
	At time.Time
	// ClaimedUntil is the end of another timer's lease; zero or past where there is none.
	ClaimedUntil time.Time
}

// Due tells whether a timer that fires now takes the slot. A slot that is just ahead counts: else a route whose slot
// lies on the timer's own beat would be taken or missed by milliseconds.
func (s Slot) Due(now time.Time) bool {
	return !s.ClaimedUntil.After(now) && !s.At.After(now.Add(min(early, s.Every/10)))
}

// CheckID is the id of the slot's check, the same for every timer that takes it: the route's name and the slot in UTC,
// at most 64 characters. A long name is cut and gets a digest.
func (s Slot) CheckID() string { return CheckID(s.Route, s.At) }

// CheckID is the id of a route's check at a time, in whole seconds.
func CheckID(route string, at time.Time) string {
	const stamp, most = "20060102T150405Z", 64
	name := route
	if room := most - len(stamp) - 1; len(name) > room {
		const digest = 9
		name = fmt.Sprintf("%s-%08x", name[:room-digest], hash(route))
	}
	return name + "." + at.UTC().Format(stamp)
}

// Next is the slot after this one for a timer that fires now. Slots lie at multiples of the interval, shifted by a
// digest of the route's name, so that routes registered together spread over the interval; what a late timer missed is
// not made up for. The next slot is at least half an interval away.
func (s Slot) Next(now time.Time) time.Time {
	every := max(s.Every, time.Minute)
	shift := time.Duration(hash(s.Route)) * time.Second % every
	earliest := now.Add(every / 2).Add(-shift)
	next := earliest.Truncate(every)
	if next.Before(earliest) {
		next = next.Add(every)
	}
	return next.Add(shift).UTC()
}

// Spread gives the start of each of the routes that one firing takes: the first at once, the others up to two seconds
// apart and all within five minutes or half the shortest interval. Their order is by a digest, so that neighbours by
// name, which often share a firewall, are no neighbours in time.
func Spread(slots []Slot, now time.Time) []time.Time {
	starts := make([]time.Time, len(slots))
	if len(slots) == 0 {
		return starts
	}
	within, order := spreadWithin, make([]int, len(slots))
	for i, s := range slots {
		order[i] = i
		within = min(within, max(s.Every, time.Minute)/2)
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(hash(slots[a].Route), hash(slots[b].Route)), cmp.Compare(slots[a].Route, slots[b].Route))
	})
	gap := min(gapMost, within/time.Duration(len(slots)))
	for rank, i := range order {
		starts[i] = now.Add(time.Duration(rank) * gap)
	}
	return starts
}

func hash(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // It never fails.
	return h.Sum32()
}
