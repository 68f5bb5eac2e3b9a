package page

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// WaveInput is what the page of a wave is made of.
type WaveInput struct {
	Wave string
	// Ready of Total routes are ready, which is Percent of them.
	Ready, Total, Percent int
	// Shallow of the ready ones were not asked as far as the prerequisites.
	Shallow int
	// Routes are the newest checks; those that were never checked have no verdict. The route is empty where a check had
	// none.
	Routes []CheckLine
	Now    time.Time
}

// Wave writes the page of a wave.
func (p Pages) Wave(in WaveInput) (Page, error) {
	v := waveOf(in)
	return p.write("wave", view{Title: fmt.Sprintf("%d of %d ready: %s", in.Ready, in.Total, v.Name), Tone: v.Tone,
		Wide: true, Body: v, Trail: []Link{{"Checks", checksAddress}, {"Routes", routesAddress}}})
}

type waveView struct {
	Name, Sentence string
	Tone           Tone
	Percent        int
	Bar            []share
	BarText        string
	Tallies        []tally
	Owners         []holder
	Legs           []matrixLeg
	Rows           []matrixRow
	All            string
}

// share is a part of the bar of the whole wave, in hundredths of its width.
type share struct {
	Tone     Tone
	X, Width float64
}

// holder is an owner who holds up the wave.
type holder struct {
	Name   string
	Routes []Link
}

// matrixLeg is a group of columns.
type matrixLeg struct {
	Name   string
	Layers []string
}

// matrixRow is one route.
type matrixRow struct {
	Name, Report           string
	Route                  Link
	Verdict, Broken, Owner string
	Tone                   Tone
	When                   when
	Cells                  []matrixCell
}

// matrixCell is one layer of one leg: a mark, and its words for those who do not see it.
type matrixCell struct {
	Tone  Tone
	Words string
	// Sign stands in the place of a mark: a dash for what was not asked, a question mark for what is not known.
	Sign string
	// First marks the first broken.
	First bool
	// Begins marks the first column of a leg.
	Begins bool
}

func waveOf(in WaveInput) waveView {
	v := waveView{Name: digest.Clean(in.Wave), Percent: in.Percent, Tone: Good, All: IndexFilter{Wave: in.Wave}.address("")}
	routes := slices.Clone(in.Routes)
	order := append(verdicts()[:4:4], "", report.ReadyWithWarnings, report.Ready)
	slices.SortStableFunc(routes, func(a, b CheckLine) int {
		return cmp.Or(slices.Index(order, a.Verdict)-slices.Index(order, b.Verdict), cmp.Compare(nameOf(a), nameOf(b)))
	})
	var layers [][]LayerLine
	var all []report.Verdict
	for _, r := range routes {
		layers, all = append(layers, r.Layers), append(all, r.Verdict)
	}
	g := gridOf(layers...)
	for _, leg := range g {
		group := matrixLeg{Name: leg.way.name()}
		for _, layer := range leg.layers {
			group.Layers = append(group.Layers, layerName(layer))
		}
		v.Legs = append(v.Legs, group)
	}
	for _, r := range routes {
		v.Rows = append(v.Rows, matrixRowOf(r, g, in.Now))
	}
	v.Tallies = tallies(all, func(verdict report.Verdict) string {
		return IndexFilter{Wave: in.Wave, Verdict: string(verdict)}.address("")
	})
	v.Bar, v.BarText = barOf(v.Tallies, len(routes)), fmt.Sprintf("%d of %d routes are ready", in.Ready, in.Total)
	v.Owners = holders(routes)
	v.Sentence = "Every route is ready."
	if open := in.Total - in.Ready; open > 0 {
		v.Tone = Bad
		if len(all) > 0 && !slices.ContainsFunc(all, func(r report.Verdict) bool { return ToneOfVerdict(r) == Bad }) {
			v.Tone = Unsure
		}
		v.Sentence = fmt.Sprintf("%d routes are not ready.", open)
		if open == 1 {
			v.Sentence = "1 route is not ready."
		}
	}
	v.Sentence += shallowness(in.Shallow)
	return v
}

// shallowness says of what is ready how much of it was never asked.
func shallowness(count int) string {
	switch count {
	case 0:
		return ""
	case 1:
		return " 1 ready route was not checked as far as the prerequisites."
	}
	return fmt.Sprintf(" %d ready routes were not checked as far as the prerequisites.", count)
}

func nameOf(c CheckLine) string { return cmp.Or(c.Route, c.ID) }

func matrixRowOf(c CheckLine, g grid, now time.Time) matrixRow {
	line := lineOf(c, now)
	row := matrixRow{Name: digest.Clean(nameOf(c)), Route: line.Route, Report: line.Address, Verdict: line.Verdict,
		Tone: line.Tone, Broken: line.Broken, Owner: line.Owner, When: line.When}
	if c.Verdict == "" {
		row.Verdict, row.When, row.Report = "Never checked", when{}, ""
	}
	for _, leg := range g {
		for i, layer := range leg.layers {
			cell := cellOf(c, leg.way, layer)
			cell.Begins = i == 0
			cell.Words = leg.way.name() + ", " + layerName(layer) + ": " + cell.Words
			row.Cells = append(row.Cells, cell)
		}
	}
	return row
}

func cellOf(c CheckLine, w way, layer finding.Layer) matrixCell {
	l, there := layerAt(c.Layers, w, layer)
	if l.State == "" {
		l.State = guessed(c, l, w, layer)
	}
	var cell matrixCell
	cell.Tone, cell.Words = stateTone(l.State)
	b := c.FirstBroken
	if b != nil && b.Leg == w.leg && b.Layer == layer && (b.From == "server") == (w.from == "server") {
		cell.First = true
		cell.Words += ", first broken: " + digest.Clean(string(b.Code))
	}
	switch {
	case c.Verdict == "":
		cell.Words, cell.Sign = "never checked", "?"
	case !there && l.State == "":
		cell.Words = "not part of this check"
	case l.State == "":
		cell.Sign = "?"
	}
	if cell.Tone == "" && cell.Sign == "" {
		cell.Sign = "–"
	}
	return cell
}

// barOf divides the width by tones, what is ready first.
func barOf(all []tally, total int) []share {
	var out []share
	var x float64
	for _, tone := range []Tone{Good, Warn, Unsure, Bad, Idle} {
		count := 0
		for _, t := range all {
			if t.Tone == tone {
				count += t.Count
			}
		}
		if count == 0 {
			continue
		}
		width := 100 * float64(count) / float64(total)
		out = append(out, share{tone, x, width})
		x += width
	}
	return out
}

// holders are those who must act, those with the most routes first. What nobody is named for stands last.
func holders(routes []CheckLine) []holder {
	type group struct {
		rank int
		holder
	}
	var groups []group
	for _, r := range routes {
		tone := ToneOfVerdict(r.Verdict)
		if tone == Good || tone == Warn {
			continue
		}
		name, rank := capital(digest.Clean(r.Owner.Name())), 0
		switch {
		case r.Verdict == "":
			name, rank = "Never checked: nobody has looked yet", 2
		case r.Owner == "":
			name, rank = "Nobody is named: the check could not be finished", 1
		}
		link := Link{digest.Clean(nameOf(r)), checkAddress(r.ID)}
		if r.Verdict == "" {
			link.Address = routeLink(r.Route).Address
		}
		i := slices.IndexFunc(groups, func(g group) bool { return g.Name == name })
		if i < 0 {
			i, groups = len(groups), append(groups, group{rank, holder{Name: name}})
		}
		groups[i].Routes = append(groups[i].Routes, link)
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(a.rank-b.rank, len(b.Routes)-len(a.Routes), cmp.Compare(a.Name, b.Name))
	})
	out := make([]holder, 0, len(groups))
	for _, g := range groups {
		out = append(out, g.holder)
	}
	return out
}
