package page

import (
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// legView is one way: its drawing in two forms, a broad and a tall one, and what each layer saw.
type legView struct {
	Name, Endpoint, From string
	Broad, Tall          drawing
	Layers               []layerView
}

// layerView is a line of the table that says the same as the drawing, and more.
type layerView struct {
	Name, Status, Took, Seen string
	Tone                     Tone
	Codes                    []reference
	Evidence                 string
}

func legOf(r report.Report, leg report.Leg, number int, x index) legView {
	v := legView{Name: capital(digest.LegName(leg)), Endpoint: leg.Endpoint, From: vantageName(r, leg)}
	way := stationsOf(r, leg)
	id := fmt.Sprintf("path-%d", number)
	v.Broad, v.Tall = broad(id+"-broad", way), tall(id+"-tall", way)
	title, description := v.Name+": "+outcomeOf(leg), "From "+v.From+" to "+leg.Endpoint+": "+told(leg)
	v.Broad.Title, v.Broad.Description = title, description
	v.Tall.Title, v.Tall.Description = title, description
	for _, layer := range leg.Layers {
		v.Layers = append(v.Layers, layerViewOf(r, leg, layer, x))
	}
	return v
}

func layerViewOf(r report.Report, leg report.Leg, layer report.Layer, x index) layerView {
	v := layerView{Name: capital(layerName(layer.Layer)), Status: string(layer.Status), Tone: ToneOfStatus(layer.Status),
		Seen: digest.Outcome(layer), Evidence: indented(layer.Observation)}
	if layer.Status != finding.StatusSkipped {
		v.Took = digest.Duration(layer.ElapsedMs)
	}
	from := ""
	if leg.From == "server" {
		from = "server"
	}
	seen := map[finding.Code]bool{}
	for _, f := range digest.Of(r, leg, layer.Layer) {
		if !seen[f.Code] {
			v.Codes = append(v.Codes, x.refer(leg.Name, from, f.Code))
		}
		seen[f.Code] = true
	}
	return v
}

// vantageName is who walked the leg.
func vantageName(r report.Report, leg report.Leg) string {
	switch {
	case leg.From == "server":
		return "the server itself"
	case leg.From != "function":
		return leg.From
	case r.Vantage.Address != "":
		return r.Vantage.Address
	}
	return "the function"
}

func outcomeOf(leg report.Leg) string {
	if i := breaks(leg); i >= 0 {
		return "breaks at " + layerName(leg.Layers[i].Layer)
	}
	for _, layer := range leg.Layers {
		if layer.Status == finding.StatusInconclusive {
			return "not finished at " + layerName(layer.Layer)
		}
	}
	return "open as far as it was walked"
}

// breaks is the number of the first layer that failed; -1 where none did.
func breaks(leg report.Leg) int {
	for i, layer := range leg.Layers {
		if layer.Status == finding.StatusFailed {
			return i
		}
	}
	return -1
}

// told is the drawing in a sentence.
func told(leg report.Leg) string {
	parts := make([]string, 0, len(leg.Layers))
	for _, layer := range leg.Layers {
		part := layerName(layer.Layer) + " " + string(layer.Status)
		if layer.Status != finding.StatusSkipped {
			part += " in " + digest.Duration(layer.ElapsedMs)
		}
		if seen := digest.Outcome(layer); seen != "" {
			part += " (" + seen + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ") + "."
}
