package schedule

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

const (
	// ConfirmAfter is when a first blocked check is checked again before anything is said.
	ConfirmAfter = time.Minute
	// Quiet is how long "blocked" is not said again: changes of an Azure firewall take up to five minutes.
	Quiet = 5 * time.Minute
)

// Watch is what was said about a route, and what waits for confirmation. It follows the route's own, scheduled checks
// only: others may go less deep and would say "open" where nothing was asked.
type Watch struct {
	// Suspect is the first blocked check of which nothing was said yet; empty where there is none.
	Suspect     string
	SuspectCode finding.Code
	SuspectAt   time.Time
	// Said is the verdict that was last said, of the check SaidID; empty before the first.
	Said     report.Verdict
	SaidCode finding.Code
	SaidID   string
	SaidAt   time.Time
	// BlockedAt is the start of the check of which "blocked" was last said.
	BlockedAt time.Time
}

// Decision is what follows from a finished check.
type Decision struct {
	// Say means that the check changes what is known of the route, and is worth a notification.
	Say bool
	// Again is when the route is to be checked once more before anything is said; zero where it need not be.
	Again time.Time
	// Watch is the route's watch once the decision has been carried out.
	Watch Watch
}

// Decide tells whether a finished check is a change worth saying. The same check decided again, before the decision was
// carried out, gives the same; afterwards it gives nothing.
//
// The rule against flapping: "open" is said at once where "blocked" was said before. "Blocked" is said when two checks
// in a row say so; the second comes a minute after the first. What no second look can change (an unsupported scenario,
// a refused request) is said at once. While a route is blocked, only another reason is said, when two checks in a row
// have it. "Blocked" is never said twice within five minutes.
func (w Watch) Decide(c Check) Decision {
	class := ClassOf(c.Verdict)
	switch {
	case class == Unknown, c.ID == w.SaidID, c.Started.Before(w.SaidAt), c.Started.Before(w.SuspectAt):
		return Decision{Watch: w}
	case class == Open && ClassOf(w.Said) == Open:
		return Decision{Watch: w.trusting()}
	case class == Open:
		return Decision{Say: ClassOf(w.Said) == Blocked, Watch: w.saying(c)}
	case ClassOf(w.Said) == Blocked:
		return w.stillBlocked(c)
	}
	return w.newlyBlocked(c)
}

func (w Watch) newlyBlocked(c Check) Decision {
	confirmed := w.Suspect != "" && w.Suspect != c.ID || c.Verdict != report.NotReady
	switch {
	case !confirmed:
		return Decision{Again: c.Finished.Add(ConfirmAfter), Watch: w.suspecting(c)}
	case w.quiet(c):
		return Decision{Again: w.BlockedAt.Add(Quiet), Watch: w}
	}
	return Decision{Say: true, Watch: w.saying(c)}
}

func (w Watch) stillBlocked(c Check) Decision {
	switch {
	case c.Code == w.SaidCode:
		return Decision{Watch: w.trusting()}
	case w.Suspect == "" || w.Suspect == c.ID || w.SuspectCode != c.Code:
		// The next scheduled check confirms it: the route is known to be blocked, so there is no hurry.
		return Decision{Watch: w.suspecting(c)}
	case w.quiet(c):
		return Decision{Watch: w}
	}
	return Decision{Say: true, Watch: w.saying(c)}
}

func (w Watch) quiet(c Check) bool { return c.Started.Before(w.BlockedAt.Add(Quiet)) }

func (w Watch) suspecting(c Check) Watch {
	w.Suspect, w.SuspectCode, w.SuspectAt = c.ID, c.Code, c.Started
	return w
}

// trusting forgets the suspicion.
func (w Watch) trusting() Watch {
	w.Suspect, w.SuspectCode = "", ""
	return w
}

// saying notes what is said; of a route's first open check also, of which nothing needs to be said.
func (w Watch) saying(c Check) Watch {
	w = w.trusting()
	if ClassOf(c.Verdict) == Blocked {
		w.BlockedAt = c.Started
	}
	w.Said, w.SaidCode, w.SaidID, w.SaidAt = c.Verdict, c.Code, c.ID, c.Started
	return w
}
