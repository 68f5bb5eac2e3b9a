package schedule

import "cmp"

// Claim is one check that wants to run, and on whose account.
type Claim struct {
	// Requester and Route are empty where the request names none; those without a name are one account.
	Requester, Route string
	// Sockets is the most that the check has open at once.
	Sockets int
}

// Room is the most that may run at once in one process.
type Room struct{ Checks, Sockets int }

// Load is what runs now. Its zero value is an idle process. It is not safe for concurrent use.
type Load struct {
	room              Room
	requesters, route map[string]int
}

// Add counts a check that starts.
func (l *Load) Add(c Claim) { l.count(c, 1) }

// Remove counts a check that ended.
func (l *Load) Remove(c Claim) { l.count(c, -1) }

// Checks is how many run.
func (l *Load) Checks() int { return l.room.Checks }

func (l *Load) count(c Claim, by int) {
	if l.requesters == nil {
		l.requesters, l.route = map[string]int{}, map[string]int{}
	}
	l.room.Checks += by
	l.room.Sockets += by * c.Sockets
	bump(l.requesters, c.Requester, by)
	bump(l.route, c.Route, by)
}

// bump forgets who has nothing running, so that the map does not grow with every name that was ever seen.
func bump(running map[string]int, name string, by int) {
	running[name] += by
	if running[name] == 0 {
		delete(running, name)
	}
}

// Pick chooses who starts next: whose requester has the fewest checks running, then whose route has, then who came
// first. It gives an index into waiting, or -1 where nobody waits or there is no room. Nobody smaller overtakes the one
// whose turn it is but who does not fit yet: a check of three servers would otherwise wait for ever.
func Pick(waiting []Claim, running Load, most Room) int {
	if len(waiting) == 0 || running.room.Checks >= most.Checks {
		return -1
	}
	best := 0
	for i := range waiting {
		if running.compare(waiting[i], waiting[best]) < 0 {
			best = i
		}
	}
	if running.room.Sockets+waiting[best].Sockets > most.Sockets && running.room.Checks > 0 {
		return -1
	}
	return best
}

func (l *Load) compare(a, b Claim) int {
	return cmp.Or(
		cmp.Compare(l.requesters[a.Requester], l.requesters[b.Requester]),
		cmp.Compare(l.route[a.Route], l.route[b.Route]),
	)
}
