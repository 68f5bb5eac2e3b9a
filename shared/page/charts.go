package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// The charts are pure functions from values to what a template draws: numbers and words, no markup.

// stripChart is one bar for each check, oldest first. Its height says the same as its colour.
type stripChart struct {
	Title, Description string
	Width, Height      float64
	Bars               []bar
}

// bar is the bars of one tone, as one path.
type bar struct {
	Tone Tone
	Path string
}

// heights of the bars, of 10: what needs somebody stands out.
func heights() map[Tone]float64 {
	return map[Tone]float64{Bad: 10, Unsure: 7, Warn: 5, Good: 3, Idle: 1}
}

func stripOf(verdicts []report.Verdict) stripChart {
	const step, wide = 10.0, 7.6
	c := stripChart{Width: step * float64(max(len(verdicts), 1)), Height: 10, Title: "Verdict of each check, oldest first"}
	paths := map[Tone]*strings.Builder{}
	var said []string
	for _, t := range tallies(verdicts, nil) {
		said = append(said, fmt.Sprintf("%d %s", t.Count, t.Word))
	}
	c.Description = fmt.Sprintf("%d checks: %s. The table below has each.", len(verdicts), strings.Join(said, ", "))
	for i, v := range verdicts {
		tone := ToneOfVerdict(v)
		if paths[tone] == nil {
			paths[tone] = &strings.Builder{}
		}
		high := heights()[tone]
		fmt.Fprintf(paths[tone], "M%.1f %.1fh%.1fv%.1fh-%.1fz", step*float64(i)+(step-wide)/2, c.Height-high, wide, high, wide)
	}
	for _, tone := range []Tone{Good, Warn, Unsure, Bad, Idle} {
		if paths[tone] != nil {
			c.Bars = append(c.Bars, bar{tone, paths[tone].String()})
		}
	}
	return c
}

// sample is one check's time in one layer. Ms is nil where it did not run.
type sample struct {
	State string
	Ms    *int64
}

// timeChart is the time that one layer took, check by check.
type timeChart struct {
	ID, Name, Title, Description string
	Width, Height                float64
	// Left and Right, Top and Bottom are the edges of the plot within.
	Left, Right, Top, Bottom float64
	Ticks                    []tick
	// Band is between the 10th and the 90th percentile, Median within it; nil where too few ran.
	Band   *span2
	Median *float64
	// Dots are checks that got through, Crosses those that broke there, Rings those that could not be finished; each is
	// one path. Gaps are checks that did not come so far.
	Dots, Crosses, Rings, Gaps string
	Stats                      stats
	Log                        bool
}

// span2 is a range of heights.
type span2 struct{ Y, Height float64 }

// tick is a line of the grid with its label.
type tick struct {
	Y     float64
	Label string
}

// stats are the numbers behind a chart, as text.
type stats struct{ Median, Spread, Newest, Ran, Broke, Missed string }

// chartOf draws the samples, oldest first.
func chartOf(id, name string, samples []sample) timeChart {
	c := timeChart{ID: id, Name: name, Width: 250, Height: 118, Left: 44, Right: 248, Top: 8, Bottom: 110}
	var through, all []float64
	for _, s := range samples {
		if s.Ms == nil {
			continue
		}
		all = append(all, float64(*s.Ms))
		if s.State != string(finding.StatusFailed) && s.State != string(finding.StatusInconclusive) {
			through = append(through, float64(*s.Ms))
		}
	}
	c.Stats = statsOf(samples, through)
	c.Title = "Time of " + name
	c.Description = c.Stats.sentence(len(samples))
	if len(all) == 0 {
		c.Gaps = c.gaps(samples)
		return c
	}
	scale := scaleOf(all)
	c.Log = scale.log
	for _, value := range scale.ticks {
		c.Ticks = append(c.Ticks, tick{c.y(scale, value), axisLabel(value)})
	}
	c.spread(scale, through)
	c.points(scale, samples)
	c.Gaps = c.gaps(samples)
	return c
}

// spread draws median and band where there are enough values for them to mean something.
func (c *timeChart) spread(s scale, through []float64) {
	const enough = 3
	if len(through) < enough {
		return
	}
	low, high := c.y(s, quantile(through, .1)), c.y(s, quantile(through, .9))
	const thinnest = 2
	c.Band = &span2{Y: high, Height: low - high}
	if c.Band.Height < thinnest {
		c.Band.Y, c.Band.Height = (low+high-thinnest)/2, thinnest
	}
	median := c.y(s, quantile(through, .5))
	c.Median = &median
}

func (c *timeChart) points(s scale, samples []sample) {
	var dots, crosses, rings strings.Builder
	for i, one := range samples {
		if one.Ms == nil {
			continue
		}
		x, y := c.x(i, len(samples)), c.y(s, float64(*one.Ms))
		switch one.State {
		case string(finding.StatusFailed):
			fmt.Fprintf(&crosses, "M%.1f %.1fl5 5m0-5l-5 5", x-2.5, y-2.5)
		case string(finding.StatusInconclusive):
			fmt.Fprintf(&rings, "M%.1f %.1fa2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0", x-2.6, y)
		default:
			fmt.Fprintf(&dots, "M%.1f %.1fh0", x, y)
		}
	}
	c.Dots, c.Crosses, c.Rings = dots.String(), crosses.String(), rings.String()
}

// gaps marks at the bottom the checks that did not come so far. Those that were not asked to are left blank.
func (c *timeChart) gaps(samples []sample) string {
	var out strings.Builder
	for i, one := range samples {
		if one.State == NotReached {
			fmt.Fprintf(&out, "M%.1f %.1fv4", c.x(i, len(samples)), c.Bottom-2)
		}
	}
	return out.String()
}

func (c *timeChart) x(i, of int) float64 {
	const margin = 5
	if of < 2 {
		return (c.Left + c.Right) / 2
	}
	return c.Left + margin + (c.Right-c.Left-2*margin)*float64(i)/float64(of-1)
}

func (c *timeChart) y(s scale, value float64) float64 {
	return c.Bottom - (c.Bottom-c.Top)*s.at(value)
}

// scale is an axis of milliseconds: logarithmic where the largest value is far from the smallest, else from 0 on.
type scale struct {
	log   bool
	most  float64
	ticks []float64
}

// far is from which ratio on the small values of a linear axis could not be told apart.
const far = 20

func scaleOf(values []float64) scale {
	// A time of 0 is one below half a millisecond; a logarithm needs a floor.
	least, most := max(slices.Min(values), 1), max(slices.Max(values), 1)
	if most/least >= far {
		s := scale{log: true, most: math.Pow(10, math.Ceil(math.Log10(most)))}
		for decade := 1.0; decade <= s.most; decade *= 10 {
			s.ticks = append(s.ticks, decade)
		}
		return s
	}
	step := niceStep(most / 3)
	s := scale{}
	for s.most < most || len(s.ticks) == 0 {
		s.ticks = append(s.ticks, s.most)
		s.most += step
	}
	s.ticks = append(s.ticks, s.most)
	return s
}

// niceStep is 1, 2 or 5 times a power of ten, and not below 1 ms.
func niceStep(rough float64) float64 {
	if rough <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= rough {
			return factor * power
		}
	}
	return 10 * power
}

// at is the place of a value between 0 and 1.
func (s scale) at(value float64) float64 {
	if s.log {
		return math.Log10(max(value, 1)) / math.Log10(s.most)
	}
	return value / s.most
}

func axisLabel(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms >= 1000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", ms/1000), ".0") + " s"
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// quantile is by linear interpolation between the nearest values; there is at least one.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// taken is a time that was kept in whole milliseconds.
func taken(ms float64) string {
	switch {
	case ms < 1:
		return "below 1 ms"
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return digest.Duration(ms)
}

func statsOf(samples []sample, through []float64) stats {
	var s stats
	var ran, broke, missed int
	for _, one := range samples {
		switch {
		case one.Ms != nil && one.State == string(finding.StatusFailed):
			ran, broke = ran+1, broke+1
		case one.Ms != nil:
			ran++
		case one.State == NotReached:
			missed++
		}
		if one.Ms != nil {
			s.Newest = taken(float64(*one.Ms))
		}
	}
	s.Ran, s.Broke, s.Missed = fmt.Sprint(ran), fmt.Sprint(broke), fmt.Sprint(missed)
	if len(through) > 0 {
		s.Median = taken(quantile(through, .5))
		s.Spread = taken(quantile(through, .1)) + " – " + taken(quantile(through, .9))
	}
	return s
}

// sentence is the chart in words.
func (s stats) sentence(of int) string {
	if s.Ran == "0" {
		return fmt.Sprintf("It ran in none of %d checks; %s did not come so far.", of, s.Missed)
	}
	out := fmt.Sprintf("It ran in %s of %d checks; %s broke there, %s did not come so far.", s.Ran, of, s.Broke, s.Missed)
	if s.Median != "" {
		out += " Of those that got through, half took up to " + s.Median + "; 8 of 10 took " + s.Spread + "."
	}
	return out
}

// Label is where the labels of the ticks end.
func (c timeChart) Label() float64 { return c.Left - 5 }

// Span is the width of the plot.
func (c timeChart) Span() float64 { return c.Right - c.Left }
