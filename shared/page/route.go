package page

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// RouteLine is a registered route.
type RouteLine struct {
	Name string
	// Request is the check request as JSON.
	Request      json.RawMessage
	EveryMinutes int
	Enabled      bool
	Verdict      report.Verdict
	CheckID      string
	// Since is when the present row of checks of one kind began, NextDue when the next check starts; zero where not known.
	Since, NextDue time.Time
	// Said is the verdict that was last told to those who wait, of the check SaidID; empty where nothing was.
	Said   report.Verdict
	SaidID string
	SaidAt time.Time
}

// RouteInput is what the page of a route is made of.
type RouteInput struct {
	Route RouteLine
	// Registered is false for a route that only has checks: nothing is due then.
	Registered bool
	// History is newest first, with layers. Full tells that there are older checks than these.
	History []CheckLine
	Full    bool
	Now     time.Time
}

// Route writes the page of one route.
func (p Pages) Route(in RouteInput) (Page, error) {
	v := routeOf(in)
	title := v.Name
	if v.Verdict != "" {
		title = v.Verdict + ": " + title
	}
	return p.write("route", view{Title: title, Tone: v.Tone, Wide: true, Body: v,
		Trail: []Link{{"Checks", checksAddress}, {"Routes", routesAddress}}})
}

type routeView struct {
	Name, Verdict, Sentence string
	Tone                    Tone
	Newest                  *lineView
	Facts                   []fact
	Registered, Full        bool
	Count                   int
	Strip                   *stripChart
	Tallies                 []tally
	From, To                when
	Legs                    []legCharts
	Spells, Older           []spellView
	All                     string
	Wave                    Link
}

// legCharts are the charts of one leg, with the numbers behind them.
type legCharts struct {
	ID, Name string
	Charts   []timeChart
	Rows     []legRow
}

// legRow is one check in the table of a leg.
type legRow struct {
	When    when
	Address string
	Verdict string
	Tone    Tone
	Cells   []legCell
}

// legCell is one layer of it: the time, or why there is none.
type legCell struct {
	Text string
	Tone Tone
	Word string
}

// spellView is a row of checks that say the same.
type spellView struct {
	Verdict, Code, Where, Owner, Headline, Address, Long, Warned string
	Tone                                                         Tone
	First, Last                                                  when
	Count                                                        int
	// Still tells that the newest check belongs to it.
	Still bool
}

func routeOf(in RouteInput) routeView {
	v := routeView{Name: digest.Clean(in.Route.Name), Registered: in.Registered, Full: in.Full, Count: len(in.History),
		Tone: Idle, All: IndexFilter{Route: in.Route.Name}.address("")}
	v.Facts, v.Wave = routeFacts(in)
	if len(in.History) == 0 {
		return v
	}
	newest := in.History[0]
	line := lineOf(newest, in.Now)
	v.Newest, v.Verdict, v.Tone = &line, line.Verdict, line.Tone
	spells := spellsOf(in.History)
	v.Sentence = lasting(in)
	const shown = 8
	for i, s := range spells {
		one := s.view(in.Now, i == 0)
		if i < shown {
			v.Spells = append(v.Spells, one)
			continue
		}
		v.Older = append(v.Older, one)
	}
	oldest := slices.Clone(in.History)
	slices.Reverse(oldest)
	var all []report.Verdict
	for _, c := range oldest {
		all = append(all, c.Verdict)
	}
	strip := stripOf(all)
	v.Strip, v.Tallies = &strip, tallies(all, func(verdict report.Verdict) string {
		return IndexFilter{Route: in.Route.Name, Verdict: string(verdict)}.address("")
	})
	v.From, v.To = whenOf(oldest[0].Started, in.Now), whenOf(newest.Started, in.Now)
	v.Legs = legsOf(oldest, in.Now)
	return v
}

// lasting says since when it is like this. The registered route knows it also from before the checks that are shown.
func lasting(in RouteInput) string {
	newest := in.History[0]
	since, count := in.Route.Since, 0
	for _, c := range in.History {
		if kindOf(c.Verdict) != kindOf(newest.Verdict) {
			break
		}
		count++
		if in.Route.Since.IsZero() || !in.Registered {
			since = c.Started
		}
	}
	checks := fmt.Sprintf("%d checks in a row", count)
	if count == 1 {
		checks = "the newest check"
	}
	if count == len(in.History) && in.Full {
		checks = "all checks shown"
	}
	word := map[Tone]string{Good: "It has been ready", Warn: "It has been ready", Bad: "It has been broken",
		Unsure: "Nothing could be found out"}[ToneOfVerdict(newest.Verdict)]
	if word == "" {
		word = "It has been like this"
	}
	return fmt.Sprintf("%s since %s (%s, %s).", word, moment("", since).Value, span(in.Now.Sub(since)), checks)
}

// kindOf puts together what means the same to whoever waits.
func kindOf(v report.Verdict) Tone {
	if tone := ToneOfVerdict(v); tone != Warn {
		return tone
	}
	return Good
}

func routeFacts(in RouteInput) ([]fact, Link) {
	r := in.Route
	facts, wave := waysOf(r.Request)
	if wave == "" && len(in.History) > 0 {
		wave = in.History[0].Wave
	}
	if in.Registered {
		every := fmt.Sprintf("every %d min", r.EveryMinutes)
		next := moment("Next check", r.NextDue)
		switch {
		case !r.Enabled:
			every, next = "switched off", fact{}
		case !r.NextDue.After(in.Now):
			next = fact{Name: "Next check", Value: "due now"}
		default:
			next.Value = "in " + span(r.NextDue.Sub(in.Now)) + ", " + next.Value
		}
		facts = append(facts, fact{Name: "Checked", Value: every}, next)
	}
	if r.Said != "" {
		said := moment("Last said to those who wait", r.SaidAt)
		said.Value = r.Said.Name() + ", " + said.Value
		facts = append(facts, said)
	}
	return present(facts), waveLink(wave)
}

// waysOf names the two ends of a route's request, and its wave; nothing where it cannot be read.
func waysOf(raw json.RawMessage) ([]fact, string) {
	var ends struct {
		Source, Target struct {
			Host string
			Port int
		}
		Mode, Depth, Wave string
	}
	_ = json.Unmarshal(raw, &ends) // a row that was written by hand shows nothing
	end := func(host string, port int) string {
		switch {
		case host == "":
			return ""
		case port == 0:
			return digest.Clean(host)
		}
		return digest.Clean(fmt.Sprintf("%s:%d", host, port))
	}
	return []fact{{Name: "Source", Value: end(ends.Source.Host, ends.Source.Port)},
		{Name: "Target", Value: end(ends.Target.Host, ends.Target.Port)}, {Name: "Mode", Value: digest.Clean(ends.Mode)},
		{Name: "Depth", Value: digest.Clean(ends.Depth)}}, ends.Wave
}

// spell is a row of checks that say the same, newest first: of one kind of verdict, and of one first broken code.
type spell []CheckLine

func spellsOf(history []CheckLine) []spell {
	var out []spell
	for _, c := range history {
		if len(out) > 0 && sameSpell(out[len(out)-1][0], c) {
			out[len(out)-1] = append(out[len(out)-1], c)
			continue
		}
		out = append(out, spell{c})
	}
	return out
}

func sameSpell(a, b CheckLine) bool {
	ready := kindOf(a.Verdict) == Good && kindOf(b.Verdict) == Good
	if a.Verdict != b.Verdict && !ready || (a.FirstBroken == nil) != (b.FirstBroken == nil) {
		return false
	}
	return a.FirstBroken == nil || a.FirstBroken.Code == b.FirstBroken.Code && a.FirstBroken.Leg == b.FirstBroken.Leg
}

func (s spell) view(now time.Time, still bool) spellView {
	newest, oldest := s[0], s[len(s)-1]
	line := lineOf(newest, now)
	v := spellView{Verdict: line.Verdict, Tone: line.Tone, Code: line.Broken, Where: line.Where, Owner: line.Owner,
		Headline: line.Headline, Address: line.Address, First: whenOf(oldest.Started, now), Last: line.When, Count: len(s),
		Still: still, Long: span(newest.Started.Sub(oldest.Started))}
	warned := 0
	for _, c := range s {
		if c.Verdict == report.ReadyWithWarnings {
			warned++
		}
	}
	if warned > 0 && warned < len(s) {
		v.Verdict, v.Tone = "Ready", Good
		v.Warned = fmt.Sprintf("%d of them with warnings", warned)
	}
	return v
}

// legsOf draws every layer that any of the checks was asked for.
func legsOf(oldest []CheckLine, now time.Time) []legCharts {
	var layers [][]LayerLine
	for _, c := range oldest {
		layers = append(layers, c.Layers)
	}
	var out []legCharts
	for i, leg := range gridOf(layers...) {
		charts := legCharts{ID: fmt.Sprintf("leg-%d", i+1), Name: leg.way.name()}
		var shown []finding.Layer
		for n, layer := range leg.layers {
			samples := samplesOf(oldest, leg.way, layer)
			if !slices.ContainsFunc(samples, func(s sample) bool { return s.Ms != nil || s.State == NotReached }) {
				continue // nobody ever asked for it
			}
			shown = append(shown, layer)
			charts.Charts = append(charts.Charts, chartOf(fmt.Sprintf("%s-%d", charts.ID, n+1), layerName(layer), samples))
		}
		for _, c := range slices.Backward(oldest) {
			charts.Rows = append(charts.Rows, rowOf(c, leg.way, shown, now))
		}
		out = append(out, charts)
	}
	return out
}

func samplesOf(checks []CheckLine, w way, layer finding.Layer) []sample {
	out := make([]sample, 0, len(checks))
	for _, c := range checks {
		l, _ := layerAt(c.Layers, w, layer)
		if l.State == "" {
			l.State = guessed(c, l, w, layer)
		}
		out = append(out, sample{l.State, l.Ms})
	}
	return out
}

// guessed is the state in a row without states: what was the first broken is known, and that nothing ran behind it.
func guessed(c CheckLine, l LayerLine, w way, layer finding.Layer) string {
	b := c.FirstBroken
	if b == nil || b.Leg != w.leg || (b.From == "server") != (w.from == "server") {
		return ""
	}
	at, broke := slices.Index(finding.Layers(), layer), slices.Index(finding.Layers(), b.Layer)
	switch {
	case at == broke && l.Ms != nil:
		return string(finding.StatusFailed)
	case at > broke && l.Ms == nil && broke >= 0:
		return NotReached
	}
	return ""
}

func rowOf(c CheckLine, w way, layers []finding.Layer, now time.Time) legRow {
	line := lineOf(c, now)
	row := legRow{When: line.When, Address: line.Address, Verdict: line.Verdict, Tone: line.Tone}
	for _, layer := range layers {
		l, _ := layerAt(c.Layers, w, layer)
		if l.State == "" {
			l.State = guessed(c, l, w, layer)
		}
		cell := legCell{}
		cell.Tone, cell.Word = stateTone(l.State)
		if l.Ms != nil {
			cell.Text = taken(float64(*l.Ms))
		}
		if cell.Tone == Good || l.Ms != nil && l.State == "" {
			cell.Word = "" // the time alone says it
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}
