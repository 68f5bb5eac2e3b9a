package schedule

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Class is what a verdict means to whoever waits for a route.
type Class string

// The classes. An inconclusive check says nothing about the servers.
const (
	Open    Class = "open"
	Blocked Class = "blocked"
	Unknown Class = "unknown"
)

// ClassOf gives a verdict's class.
func ClassOf(v report.Verdict) Class {
	switch v {
	case report.Ready, report.ReadyWithWarnings:
		return Open
	case report.NotReady, report.Unsupported, report.Rejected:
		return Blocked
	}
	return Unknown
}

// Check is a finished check of a route.
type Check struct {
	ID      string
	Verdict report.Verdict
	// Code is that of the first broken finding; empty where nothing is broken.
	Code              finding.Code
	Started, Finished time.Time
}

// CheckOf takes out of a report what is decided by. Times are in the resolution of tables, 100 ns, so that a check is
// found equal to what was kept of it.
func CheckOf(r report.Report) Check {
	const resolution = 100 * time.Nanosecond
	c := Check{ID: r.ID, Verdict: r.Verdict, Started: r.StartedAt.Truncate(resolution),
		Finished: r.FinishedAt.Truncate(resolution)}
	if r.FirstBroken != nil {
		c.Code = r.FirstBroken.Code
	}
	return c
}

// Last is the newest finished check of a route, whoever asked for it. Its zero value means that there was none.
type Last struct {
	CheckID string
	Verdict report.Verdict
	Started time.Time
	// Since is the start of the first check of the present row of checks of one class.
	Since time.Time
}

// After is Last when one more check has finished. Checks overtake one another, so it never goes back to an older one,
// and the same check twice changes nothing.
func (l Last) After(c Check) Last {
	if c.Started.Before(l.Started) || c.Started.Equal(l.Started) && c.ID <= l.CheckID {
		return l
	}
	since := l.Since
	if l.CheckID == "" || since.IsZero() || ClassOf(c.Verdict) != ClassOf(l.Verdict) {
		since = c.Started
	}
	return Last{CheckID: c.ID, Verdict: c.Verdict, Started: c.Started, Since: since}
}
