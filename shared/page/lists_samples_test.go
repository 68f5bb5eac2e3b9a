package page_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func now() time.Time { return time.Date(2026, 11, 22, 9, 41, 0, 0, time.UTC) }

func walked() []finding.Layer {
	return []finding.Layer{finding.Resolve, finding.Connect, finding.TLS, finding.Login, finding.Prerequisites}
}

// trouble is what a sample check breaks of; without a code nothing.
type trouble struct {
	leg      string
	layer    finding.Layer
	code     finding.Code
	verdict  report.Verdict
	owner    report.Owner
	headline string
	tookMs   int64
}

const both = "orders.abc123.eu-west-1.rds.amazonaws.com:5432 and orders.postgres.database.azure.com:5432 "

func well() trouble {
	return trouble{verdict: report.Ready, headline: both + "passed every layer up to prerequisites, seen from 10.1.2.4"}
}

func dropped() trouble {
	return trouble{"source", finding.Connect, finding.TCPTimeout, report.NotReady, report.SourceNetwork,
		"orders.abc123.eu-west-1.rds.amazonaws.com:5432 drops connections from 10.1.2.4: the TCP handshake got no answer in 5.0 s", 5003}
}

func notAdmitted() trouble {
	return trouble{"target", finding.Login, finding.HBAAddressNotAllowed, report.NotReady, report.TargetDBA,
		`orders.postgres.database.azure.com:5432 does not admit 10.1.2.4: no pg_hba.conf entry for host "10.1.2.4"`, 9}
}

func expiring() trouble {
	t := well()
	t.verdict, t.headline = report.ReadyWithWarnings, both+"passed every layer up to prerequisites; to know: the certificate expires in 12 days"
	return t
}

func unfinished() trouble {
	return trouble{"source", finding.Login, finding.CredentialUnavailable, report.Inconclusive, report.Operator,
		"The credential of the source could not be had: setting ORDERS_SOURCE_PASSWORD is not set", 2}
}

// lineWith is a check of two legs that broke of a trouble.
func lineWith(r *rand.Rand, id string, started time.Time, is trouble) page.CheckLine {
	c := page.CheckLine{ID: id, Route: "orders-db", Wave: "2026-12", Verdict: is.verdict, Headline: is.headline,
		Owner: is.owner, Started: started}
	if is.code != "" {
		c.FirstBroken = &report.FirstBroken{Leg: is.leg, Layer: is.layer, Code: is.code}
	}
	usual := map[finding.Layer]float64{finding.Resolve: 3, finding.Connect: 11, finding.TLS: 34, finding.Login: 28, finding.Prerequisites: 90}
	for _, leg := range []string{"source", "target"} {
		broke := false
		for _, layer := range walked() {
			l := page.LayerLine{Leg: leg, Layer: layer, State: string(finding.StatusPassed)}
			ms := int64(usual[layer] * (0.7 + r.ExpFloat64()*0.35))
			switch {
			case broke:
				l.State = page.NotReached
			case is.leg == leg && is.layer == layer:
				l.State, ms, broke = string(finding.StatusFailed), is.tookMs, true
				if is.verdict == report.Inconclusive {
					l.State = string(finding.StatusInconclusive)
				}
			case is.verdict == report.ReadyWithWarnings && leg == "source" && layer == finding.TLS:
				l.State = string(finding.StatusWarned)
			}
			if l.State != page.NotReached {
				l.Ms = &ms
				c.ElapsedMs += float64(ms)
			}
			c.Layers = append(c.Layers, l)
		}
	}
	return c
}

// history is 200 checks of a route, newest first: it was well, broke twice, and is broken again.
func history() []page.CheckLine {
	r := rand.New(rand.NewPCG(1, 2))
	var out []page.CheckLine
	for i := range 200 {
		is := well()
		switch {
		case i < 31:
			is = dropped()
		case i >= 70 && i < 74:
			is = unfinished()
		case i >= 74 && i < 96:
			is = notAdmitted()
		case i >= 96 && i < 130 && i%3 == 0:
			is = expiring()
		}
		started := now().Add(-time.Duration(i)*5*time.Minute - time.Duration(2+i%7)*time.Second)
		out = append(out, lineWith(r, "orders-db-"+started.Format("20060102T150405Z"), started, is))
	}
	return out
}

func sampleRoute() page.RouteLine {
	h := history()
	return page.RouteLine{Name: "orders-db", EveryMinutes: 5, Enabled: true, Verdict: report.NotReady, CheckID: h[0].ID,
		Since: h[30].Started, NextDue: now().Add(3 * time.Minute), Said: report.NotReady, SaidID: h[29].ID, SaidAt: h[29].Started,
		Request: json.RawMessage(`{"version":1,"wave":"2026-12","mode":"online","depth":"prerequisites",` +
			`"source":{"host":"orders.abc123.eu-west-1.rds.amazonaws.com","port":5432},` +
			`"target":{"host":"orders.postgres.database.azure.com","port":5432}}`)}
}

// wave is many routes in every state.
func wave(routes int) page.WaveInput {
	r := rand.New(rand.NewPCG(3, 4))
	in := page.WaveInput{Wave: "2026-12", Total: routes, Now: now()}
	names := []string{"orders", "billing", "customers", "ledger", "inventory", "search", "audit", "reports"}
	kinds := []func() trouble{well, well, dropped, well, notAdmitted, expiring, well, unfinished, well, dropped}
	for i := range routes {
		is := kinds[i%len(kinds)]()
		c := lineWith(r, fmt.Sprintf("check-%03d", i), now().Add(-time.Duration(i)*47*time.Second), is)
		c.Route = fmt.Sprintf("%s-%02d", names[i%len(names)], i)
		if i%13 == 12 {
			c = page.CheckLine{Route: c.Route}
		}
		if i%11 == 10 {
			for n := range c.Layers { // only as deep as login
				if c.Layers[n].Layer == finding.Prerequisites {
					c.Layers[n].State, c.Layers[n].Ms = page.NotAsked, nil
				}
			}
		}
		if c.Verdict == report.Ready || c.Verdict == report.ReadyWithWarnings {
			in.Ready++
		}
		in.Routes = append(in.Routes, c)
	}
	if routes > 0 {
		in.Percent = 100 * in.Ready / routes
	}
	return in
}

// mixed is the newest checks of several routes.
func mixed(count int) []page.CheckLine {
	var out []page.CheckLine
	for len(out) < count {
		for _, c := range wave(48).Routes {
			if c.Verdict == "" || len(out) == count {
				continue
			}
			c.Started = now().Add(-time.Duration(len(out)*len(out)) * 9 * time.Second)
			c.ID = fmt.Sprintf("%s-%s", c.Route, c.Started.Format("20060102T150405Z"))
			if len(out)%5 == 4 {
				c.Route, c.Wave = "", ""
			}
			out = append(out, c)
		}
	}
	return out
}

// hostile has what a forged row can hold in every text.
func hostile() []page.CheckLine {
	p := reporttest.Poison()
	ms := int64(5)
	return []page.CheckLine{{ID: p, Route: p, Wave: p, Headline: p, Verdict: report.Verdict(p), Owner: report.Owner(p),
		Started: now(), ElapsedMs: -1, FirstBroken: &report.FirstBroken{Leg: p, Layer: finding.Layer(p), Code: finding.Code(p)},
		Layers: []page.LayerLine{{Leg: "source", Layer: finding.TLS, State: p, Ms: &ms}}}}
}

// listSamples are the pages of lists, by name.
func listSamples(t *testing.T) map[string]page.Page {
	t.Helper()
	pages, out := page.New(), map[string]page.Page{}
	add := func(name string, p page.Page, err error) { out[name] = must(t)(p, err) }
	index := func(name string, in page.IndexInput) {
		in.Now = now()
		p, err := pages.Index(in)
		add(name, p, err)
	}
	route := func(name string, in page.RouteInput) {
		in.Now = now()
		p, err := pages.Route(in)
		add(name, p, err)
	}
	index("index", page.IndexInput{Checks: mixed(50), Continue: "abc"})
	index("index-filtered", page.IndexInput{Checks: mixed(3), Filter: page.IndexFilter{Wave: "2026-12", Verdict: "not_ready"}, Later: true})
	index("index-empty", page.IndexInput{})
	index("index-none", page.IndexInput{Filter: page.IndexFilter{Route: "nowhere"}})
	index("index-further", page.IndexInput{Filter: page.IndexFilter{Route: "rare"}, Continue: "abc"})
	index("index-wrong", page.IndexInput{Filter: page.IndexFilter{Route: "a b<script>"},
		Wrong: &page.WrongField{Field: "route", Detail: "has other characters than A-Z, a-z, 0-9, ., _ and -, or more than 64"}})
	index("index-hostile", page.IndexInput{Checks: hostile(), Filter: page.IndexFilter{Route: reporttest.Poison()}})
	index("index-1000", page.IndexInput{Checks: mixed(1000)})
	route("route", page.RouteInput{Route: sampleRoute(), Registered: true, History: history(), Full: true})
	route("route-few", page.RouteInput{Route: sampleRoute(), Registered: true, History: history()[31:33]})
	route("route-new", page.RouteInput{Route: page.RouteLine{Name: "new", EveryMinutes: 60, Enabled: true}, Registered: true})
	route("route-alone", page.RouteInput{Route: page.RouteLine{Name: "orders-db"}, History: history()[60:100]})
	route("route-hostile", page.RouteInput{Route: page.RouteLine{Name: reporttest.Poison(), Said: report.Verdict(reporttest.Poison()),
		Request: json.RawMessage(`{"source":{"host":"<script>"}`)}, Registered: true, History: hostile()})
	routes := page.RoutesInput{Now: now()}
	for i, c := range wave(24).Routes {
		line := sampleRoute()
		line.Name, line.Verdict, line.CheckID, line.Enabled = c.Route, c.Verdict, c.ID, i%9 != 8
		if c.Verdict == "" {
			line.Since = time.Time{}
		}
		routes.Routes = append(routes.Routes, line)
	}
	p, err := pages.Routes(routes)
	add("routes", p, err)
	p, err = pages.Routes(page.RoutesInput{Now: now()})
	add("routes-empty", p, err)
	for name, in := range map[string]page.WaveInput{"wave": wave(40), "wave-1000": wave(1000),
		"wave-ready":   {Wave: "2026-11", Ready: 1, Total: 1, Percent: 100, Routes: history()[40:41], Now: now()},
		"wave-never":   {Wave: "2027-01", Total: 1, Routes: []page.CheckLine{{Route: "orders-db"}}, Now: now()},
		"wave-hostile": {Wave: reporttest.Poison(), Total: 1, Routes: hostile(), Now: now()}} {
		p, err := pages.Wave(in)
		add(name, p, err)
	}
	return out
}
