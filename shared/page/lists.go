package page

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// Addresses of the interface that these pages are forms of.
const (
	checksAddress = "/api/checks"
	routesAddress = "/api/routes"
	wavesAddress  = "/api/waves/"
)

// CheckLine is a finished check in a list.
type CheckLine struct {
	ID, Route, Wave, Headline string
	Verdict                   report.Verdict
	FirstBroken               *report.FirstBroken
	// Owner is who must act on FirstBroken; empty where that is not known.
	Owner     report.Owner
	Started   time.Time
	ElapsedMs float64
	// Layers are empty where nobody asked for them.
	Layers []LayerLine
}

// LayerLine is one layer of one leg of a check.
type LayerLine struct {
	// Leg is "source", "target" or "runtime"; From is "server" where the server itself walked it.
	Leg, From string
	Layer     finding.Layer
	// State is a layer's status, or NotReached or NotAsked; empty where it was not kept.
	State string
	// Ms is the time it took; nil where it did not run.
	Ms *int64
}

// States that are no statuses.
const (
	NotReached = "not_reached"
	NotAsked   = "not_asked"
)

// TrailOf leads from a report to the lists that it stands in.
func TrailOf(r report.Report) []Link {
	trail := []Link{{"Checks", checksAddress}}
	if wave := waveLink(r.Wave); wave.Text != "" {
		wave.Text = "Wave " + wave.Text
		trail = append(trail, wave)
	}
	if route := routeLink(r.Route); route.Text != "" {
		route.Text = "Route " + route.Text
		trail = append(trail, route)
	}
	return trail
}

// lineView is a check in a list, for people.
type lineView struct {
	ID, Address, Verdict, Headline, Broken, Where, Owner, Took string
	Tone                                                       Tone
	When                                                       when
	Route, Wave                                                Link
}

func linesOfChecks(checks []CheckLine, now time.Time) []lineView {
	out := make([]lineView, 0, len(checks))
	for _, c := range checks {
		out = append(out, lineOf(c, now))
	}
	return out
}

func lineOf(c CheckLine, now time.Time) lineView {
	v := lineView{ID: digest.Clean(c.ID), Address: checkAddress(c.ID), Verdict: capital(digest.Clean(c.Verdict.Name())),
		Tone: ToneOfVerdict(c.Verdict), Headline: digest.Clean(c.Headline), Took: digest.Duration(c.ElapsedMs),
		When: whenOf(c.Started, now), Route: routeLink(c.Route), Wave: waveLink(c.Wave)}
	if b := c.FirstBroken; b != nil {
		v.Broken = digest.Clean(string(b.Code))
		v.Where = where(report.Finding{Leg: b.Leg, From: b.From, Layer: b.Layer})
	}
	if c.Owner != "" {
		v.Owner = digest.Clean(c.Owner.Name())
	}
	return v
}

func checkAddress(id string) string {
	if id == "" {
		return ""
	}
	return checksAddress + "/" + url.PathEscape(id)
}

func routeLink(name string) Link {
	if name == "" {
		return Link{}
	}
	return Link{digest.Clean(name), routesAddress + "/" + url.PathEscape(name)}
}

func waveLink(name string) Link {
	if name == "" {
		return Link{}
	}
	return Link{digest.Clean(name), wavesAddress + url.PathEscape(name)}
}

// when is a time: how long ago for the reader, and the time itself for machines and for print.
type when struct{ Ago, Exact, Time string }

func whenOf(t, now time.Time) when {
	if t.IsZero() {
		return when{}
	}
	exact := moment("", t)
	return when{Ago: since(now.Sub(t)), Exact: exact.Value, Time: exact.Time}
}

// since is how long ago something was. Clocks of several instances differ, so the near future is now.
func since(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return span(d) + " ago"
}

// span is a length of time as people say it, from minutes to days.
func span(d time.Duration) string {
	hours, minutes := int(d/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", minutes)
	case d < 10*time.Hour && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d days", hours/24)
}

// tally is how many of a list have one verdict. Address leads to those alone; empty where there is no such list.
type tally struct {
	Word, Address string
	Tone          Tone
	Count         int
}

func verdicts() []report.Verdict {
	return []report.Verdict{report.NotReady, report.Unsupported, report.Rejected, report.Inconclusive,
		report.ReadyWithWarnings, report.Ready}
}

// tallies counts verdicts, those that need somebody first. An empty verdict is that of a route that was never checked.
func tallies(all []report.Verdict, address func(report.Verdict) string) []tally {
	counts := map[report.Verdict]int{}
	order := verdicts()
	for _, v := range all {
		counts[v]++
		if v != "" && !slices.Contains(order, v) {
			order = append(order, v) // of a later version
		}
	}
	var out []tally
	for _, v := range append(order, "") {
		if counts[v] == 0 {
			continue
		}
		t := tally{Word: digest.Clean(v.Name()), Tone: ToneOfVerdict(v), Count: counts[v]}
		if v == "" {
			t.Word = "never checked"
		} else if address != nil {
			t.Address = address(v)
		}
		out = append(out, t)
	}
	return out
}

// stateTone is how a layer's state looks, and its word.
func stateTone(state string) (Tone, string) {
	switch state {
	case NotReached:
		return Idle, "not reached"
	case NotAsked:
		return "", "not asked"
	case "":
		return "", "not known"
	case string(finding.StatusFailed):
		return Bad, "broken"
	case string(finding.StatusInconclusive):
		return Unsure, "could not be found out"
	}
	return ToneOfStatus(finding.Status(state)), state
}

// way is a leg from one place.
type way struct{ leg, from string }

func (w way) name() string { return capital(digest.LegName(report.Leg{Name: w.leg, From: w.from})) }

// grid is the legs and layers that any of some checks has, in the order in which they are walked.
type grid []struct {
	way    way
	layers []finding.Layer
}

func gridOf(checks ...[]LayerLine) grid {
	var out grid
	for _, from := range []string{"", "server"} {
		for _, leg := range []string{"source", "target", "runtime"} {
			var layers []finding.Layer
			for _, layer := range finding.Layers() {
				there := func(l LayerLine) bool { return l.Leg == leg && l.From == from && l.Layer == layer }
				if slices.ContainsFunc(checks, func(c []LayerLine) bool { return slices.ContainsFunc(c, there) }) {
					layers = append(layers, layer)
				}
			}
			if len(layers) > 0 {
				out = append(out, struct {
					way    way
					layers []finding.Layer
				}{way{leg, from}, layers})
			}
		}
	}
	return out
}

func layerAt(all []LayerLine, w way, layer finding.Layer) (LayerLine, bool) {
	i := slices.IndexFunc(all, func(l LayerLine) bool { return l.Leg == w.leg && l.From == w.from && l.Layer == layer })
	if i < 0 {
		return LayerLine{}, false
	}
	return all[i], true
}
