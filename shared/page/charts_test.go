package page

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

func passed(ms int64) sample { return sample{string(finding.StatusPassed), &ms} }

func broke(ms int64) sample { return sample{string(finding.StatusFailed), &ms} }

func labels(c timeChart) string {
	var out []string
	for _, t := range c.Ticks {
		out = append(out, t.Label)
	}
	return strings.Join(out, " ")
}

func TestAxis(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		samples []sample
		labels  string
		log     bool
	}{
		{[]sample{passed(0), passed(0)}, "0 1 ms", false},
		{[]sample{passed(3), passed(5)}, "0 2 ms 4 ms 6 ms", false},
		{[]sample{passed(30), passed(90)}, "0 50 ms 100 ms", false},
		{[]sample{passed(100), passed(1900)}, "0 1 s 2 s", false},
		{[]sample{passed(4), passed(80)}, "1 ms 10 ms 100 ms", true},
		{[]sample{passed(10), broke(5003)}, "1 ms 10 ms 100 ms 1 s 10 s", true},
		{[]sample{passed(0), passed(19)}, "0 10 ms 20 ms", false},
	} {
		c := chartOf("c", "TLS", test.samples)
		if labels(c) != test.labels || c.Log != test.log {
			t.Errorf("%v: %q, logarithmic %v", test.samples, labels(c), c.Log)
		}
		for _, tick := range c.Ticks {
			if tick.Y < c.Top-.01 || tick.Y > c.Bottom+.01 {
				t.Errorf("%v: the tick %s is at %g", test.samples, tick.Label, tick.Y)
			}
		}
	}
}

// Whatever the values: every point is within the plot, and a larger one is not lower.
func TestPointsStayWithin(t *testing.T) {
	t.Parallel()
	for _, values := range [][]int64{{0}, {1}, {math.MaxInt32}, {0, 1, 2, math.MaxInt32}, {7, 7, 7}, {1, 20}, {999, 1000}} {
		var floats []float64
		for _, v := range values {
			floats = append(floats, float64(v))
		}
		c, s := chartOf("c", "x", nil), scaleOf(floats)
		slices.Sort(floats)
		last := c.Bottom + .01
		for i, v := range floats {
			y, x := c.y(s, v), c.x(i, len(floats))
			if y > last || y < c.Top-.01 || x < c.Left || x > c.Right || math.IsNaN(y) {
				t.Errorf("%v: %g is at %g, %g", values, v, x, y)
			}
			last = y
		}
	}
}

func TestChartSaysWhatItShows(t *testing.T) {
	t.Parallel()
	missed := sample{State: NotReached}
	c := chartOf("c", "login", []sample{passed(10), passed(20), passed(30), broke(5000), missed, {State: NotAsked}, passed(40)})
	if want := (stats{Median: "25 ms", Spread: "13 ms – 37 ms", Newest: "40 ms", Ran: "5", Broke: "1", Missed: "1"}); c.Stats != want {
		t.Errorf("%+v", c.Stats)
	}
	const said = "It ran in 5 of 7 checks; 1 broke there, 1 did not come so far. Of those that got through, half took up to " +
		"25 ms; 8 of 10 took 13 ms – 37 ms."
	if c.Description != said {
		t.Error(c.Description)
	}
	if dots, crosses, gaps := strings.Count(c.Dots, "M"), strings.Count(c.Crosses, "M"), strings.Count(c.Gaps, "M"); dots != 4 ||
		crosses != 1 || gaps != 2-1 || c.Rings != "" || c.Band == nil || c.Median == nil {
		t.Errorf("%d dots, %d crosses, %d gaps", dots, crosses, gaps)
	}
	if *c.Median < c.Band.Y || *c.Median > c.Band.Y+c.Band.Height {
		t.Errorf("the median %g is outside of %+v", *c.Median, c.Band)
	}
	never := chartOf("c", "login", []sample{missed, missed})
	if never.Description != "It ran in none of 2 checks; 2 did not come so far." || len(never.Ticks) != 0 {
		t.Errorf("%+v", never)
	}
	if two := chartOf("c", "login", []sample{passed(1), broke(4)}); two.Band != nil || two.Median != nil || two.Stats.Median != "1 ms" {
		t.Errorf("a band of one value: %+v", two)
	}
}

func TestStripTellsVerdictsByHeight(t *testing.T) {
	t.Parallel()
	c := stripOf([]report.Verdict{report.Ready, report.NotReady, report.Inconclusive, report.ReadyWithWarnings, report.Ready, "later"})
	seen := map[string]bool{}
	for _, b := range c.Bars {
		_, rest, _ := strings.Cut(b.Path, " ")
		top, _, _ := strings.Cut(rest, "h")
		if seen[top] {
			t.Errorf("the height of %s is another tone's too", b.Tone)
		}
		seen[top] = true
	}
	if len(c.Bars) != 5 || c.Width != 60 || !strings.HasPrefix(c.Description, "6 checks: 1 not ready, 1 inconclusive, 1 ready with warnings, 2 ready, 1 later.") {
		t.Errorf("%+v", c)
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]string{-50: "less than a minute", 59: "less than a minute", 60: "1 min", 3599: "59 min",
		3600: "1 h", 9000: "2 h 30 min", 36000: "10 h", 172799: "47 h", 172800: "2 days", 8640000: "100 days"} {
		if got := span(time.Duration(seconds) * time.Second); got != want {
			t.Errorf("%d s: %s, want %s", seconds, got, want)
		}
	}
}
