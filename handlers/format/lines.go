package format

import (
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// Lines are the store's summaries as pages show them.
func Lines(checks []store.Summary) []page.CheckLine {
	out := make([]page.CheckLine, 0, len(checks))
	for _, c := range checks {
		out = append(out, page.CheckLine{ID: c.ID, Route: c.Route, Wave: c.Wave, Headline: c.Headline, Verdict: c.Verdict,
			FirstBroken: c.FirstBroken, Owner: c.Owner, Started: c.StartedAt, ElapsedMs: float64(c.ElapsedMs),
			Layers: Layers(c.Layers)})
	}
	return out
}

// Layers are the store's layers as pages show them.
func Layers(layers []store.Layer) []page.LayerLine {
	out := make([]page.LayerLine, 0, len(layers))
	for _, l := range layers {
		out = append(out, page.LayerLine{Leg: l.Leg, From: l.From, Layer: l.Layer, State: string(l.State), Ms: l.Ms})
	}
	return out
}
