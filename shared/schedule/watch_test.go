package schedule

import (
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

var seven = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

// seen is one check of a story: when it starts, in minutes after seven, and what it finds; it lasts five seconds.
type seen struct {
	minute  float64
	verdict report.Verdict
	code    finding.Code
	// say and again are what shall follow; again in minutes after seven, 0 for nothing.
	say   bool
	again float64
}

func at(minute float64) time.Time { return seven.Add(time.Duration(minute * float64(time.Minute))) }

func (s seen) check() Check {
	started := at(s.minute)
	return Check{ID: "c-" + started.Format("150405"), Verdict: s.verdict, Code: s.code, Started: started,
		Finished: started.Add(5 * time.Second)}
}

const (
	ok, warned, down = report.Ready, report.ReadyWithWarnings, report.NotReady
	timeout, silent  = finding.TCPTimeout, finding.PeerSilent
	confirm          = 1 + 5.0/60 // a minute after the end of a check of five seconds
)

func TestDecide(t *testing.T) {
	t.Parallel()
	tests := map[string][]seen{
		"the first verdict of an open route is no change": {{0, ok, "", false, 0}, {5, warned, "", false, 0}},
		"down is said when it is confirmed": {
			{0, ok, "", false, 0}, {5, down, timeout, false, 5 + confirm}, {6.1, down, timeout, true, 0},
			{10, down, timeout, false, 0}, {15, down, timeout, false, 0},
		},
		"the first verdict, blocked, is confirmed too": {{0, down, timeout, false, confirm}, {1.1, down, timeout, true, 0}},
		"any reason confirms":                          {{0, down, timeout, false, confirm}, {1.1, down, silent, true, 0}},
		"a flap is not said": {
			{0, ok, "", false, 0}, {5, down, timeout, false, 5 + confirm}, {6.1, ok, "", false, 0},
			{10, down, timeout, false, 10 + confirm}, {11.1, warned, "", false, 0},
		},
		"recovery is said at once": {
			{0, down, timeout, false, confirm}, {1.1, down, timeout, true, 0}, {5, warned, "", true, 0}, {10, ok, "", false, 0},
		},
		"our own trouble says nothing and forgets nothing": {
			{0, ok, "", false, 0}, {5, down, timeout, false, 5 + confirm}, {6.1, report.Inconclusive, "", false, 0},
			{10, down, timeout, true, 0}, {15, report.Inconclusive, "", false, 0}, {20, down, timeout, false, 0},
		},
		"what a second look cannot change is said at once": {
			{0, ok, "", false, 0}, {5, report.Unsupported, finding.ScenarioUnsupported, true, 0},
			{10, report.Unsupported, finding.ScenarioUnsupported, false, 0},
		},
		"a refused request too": {{0, report.Rejected, finding.RequestInvalid, true, 0}},
		"blocked is not repeated within five minutes": {
			{0, report.Rejected, finding.RequestInvalid, true, 0}, {1, ok, "", true, 0}, {2, down, timeout, false, 2 + confirm},
			{3.1, down, timeout, false, 5}, {5, down, timeout, true, 0},
		},
		"another reason is said when it comes twice in a row": {
			{0, down, timeout, false, confirm}, {1.1, down, timeout, true, 0}, {10, down, silent, false, 0},
			{15, down, silent, true, 0}, {20, down, silent, false, 0},
		},
		"two reasons in turn are not said": {
			{0, down, timeout, false, confirm}, {1.1, down, timeout, true, 0}, {10, down, silent, false, 0},
			{15, down, timeout, false, 0}, {20, down, silent, false, 0}, {25, down, timeout, false, 0},
		},
		"another reason waits for the five minutes too": {
			{0, down, timeout, false, confirm}, {1.1, down, timeout, true, 0}, {2, down, silent, false, 0},
			{3, down, silent, false, 0}, {7, down, silent, true, 0},
		},
		"an older check that ends last says nothing": {
			{5, report.Rejected, finding.RequestInvalid, true, 0}, {4, ok, "", false, 0}, {10, ok, "", true, 0},
			{9, down, timeout, false, 0},
		},
	}
	for name, story := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w Watch
			for i, s := range story {
				d := w.Decide(s.check())
				if d.Say != s.say || s.again == 0 && !d.Again.IsZero() ||
					s.again != 0 && d.Again.Sub(at(s.again)).Abs() > time.Millisecond {
					t.Errorf("check %d: say %v again %s, want %v and minute %v", i, d.Say, d.Again, s.say, s.again)
				}
				// A crash before the decision was carried out: the same again.
				if twice := w.Decide(s.check()); twice != d {
					t.Errorf("check %d decided anew: %+v, was %+v", i, twice, d)
				}
				// A redelivery after it was carried out says nothing more.
				if after := d.Watch.Decide(s.check()); after.Say || after.Watch != d.Watch || after.Again != d.Again && d.Say {
					t.Errorf("check %d after its decision: %+v", i, after)
				}
				w = d.Watch
			}
		})
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	check := func(minute int, verdict report.Verdict) Check {
		return seen{minute: float64(minute), verdict: verdict}.check()
	}
	tests := map[string]struct {
		checks  []Check
		verdict report.Verdict
		since   int
	}{
		"the first":                  {[]Check{check(5, ok)}, ok, 5},
		"the same class goes on":     {[]Check{check(0, ok), check(5, warned), check(10, ok)}, ok, 0},
		"another class begins":       {[]Check{check(0, ok), check(5, down), check(10, report.Rejected)}, report.Rejected, 5},
		"our own trouble is a class": {[]Check{check(0, ok), check(5, report.Inconclusive)}, report.Inconclusive, 5},
		"never backwards":            {[]Check{check(5, ok), check(0, down)}, ok, 5},
		"twice the same":             {[]Check{check(0, ok), check(5, down), check(5, down)}, down, 5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l Last
			for _, c := range test.checks {
				l = l.After(c)
			}
			if l.Verdict != test.verdict || !l.Since.Equal(at(float64(test.since))) {
				t.Errorf("%s since %s", l.Verdict, l.Since)
			}
		})
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		verdicts []report.Verdict
		want     Score
	}{
		{nil, Score{}},
		{[]report.Verdict{ok, warned}, Score{2, 2, 100}},
		{[]report.Verdict{ok, warned, down}, Score{2, 3, 66}},
		{[]report.Verdict{report.Inconclusive, report.Unsupported, report.Rejected, ""}, Score{0, 4, 0}},
	} {
		if got := ScoreOf(test.verdicts); got != test.want {
			t.Errorf("%v: %+v, want %+v", test.verdicts, got, test.want)
		}
	}
}
