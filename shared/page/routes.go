package page

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// RoutesInput is what the page of all routes is made of.
type RoutesInput struct {
	Routes []RouteLine
	Now    time.Time
}

// Routes writes the page of all routes.
func (p Pages) Routes(in RoutesInput) (Page, error) {
	var all []report.Verdict
	v := routesView{}
	for _, r := range in.Routes {
		all = append(all, r.Verdict)
		v.Routes = append(v.Routes, routeRowOf(r, in.Now))
	}
	v.Tallies = tallies(all, nil)
	return p.write("routes", view{Title: "Routes", Tone: Idle, Wide: true, Body: v, Trail: []Link{{"Checks", checksAddress}}})
}

type routesView struct {
	Tallies []tally
	Routes  []routeRow
}

// routeRow is one route in the list.
type routeRow struct {
	Link                   Link
	Verdict, Ends, Checked string
	Tone                   Tone
	Wave                   Link
	Since, Next            when
	// Report leads to the newest report.
	Report string
}

func routeRowOf(r RouteLine, now time.Time) routeRow {
	row := routeRow{Link: routeLink(r.Name), Verdict: capital(r.Verdict.Name()), Tone: ToneOfVerdict(r.Verdict),
		Since: whenOf(r.Since, now), Report: checkAddress(r.CheckID), Checked: "switched off"}
	if r.Verdict == "" {
		row.Verdict = "Never checked"
	}
	if r.Enabled {
		row.Checked, row.Next = "every "+span(time.Duration(r.EveryMinutes)*time.Minute), whenOf(r.NextDue, now)
		row.Next.Ago = "due now"
		if r.NextDue.After(now) {
			row.Next.Ago = "in " + span(r.NextDue.Sub(now))
		}
	}
	ends, wave := waysOf(r.Request)
	row.Wave = waveLink(wave)
	if source, target := ends[0].Value, ends[1].Value; source != "" && target != "" {
		row.Ends = source + " → " + target
	}
	return row
}
