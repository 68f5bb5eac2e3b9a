package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Limits in UTF-16 code units. An entity holds 1 MiB (524,288 units) in all and 32,768 units in one column; the rest of
// the entity is left to the other columns and their names.
const (
	reportUnits = 450_000
	chunkUnits  = 30_000
)

// fit encodes a report so that one row can hold it. Where it is too long, evidence goes before judgement: observations
// first, the largest first, each leaving a marker; then the request, the findings' arguments, and the last findings,
// which a sentence of the vantage owns up to. The caller's report is not touched.
func fit(r report.Report) (report.Report, string, error) {
	text, err := encoded(r)
	if err != nil || fits(text, reportUnits) {
		return r, text, err
	}
	return shortened(r)
}

// encoded writes into a builder, which gives its text away without another copy of it.
func encoded(r report.Report) (string, error) {
	var text strings.Builder
	if err := json.NewEncoder(&text).Encode(r); err != nil {
		return "", fmt.Errorf("encode report %s: %w", r.ID, err)
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// shortened is fit for a report that is too long as it is.
func shortened(whole report.Report) (report.Report, string, error) {
	r, err := copied(whole)
	if err != nil {
		return r, "", err
	}
	for {
		text, err := encoded(r)
		if err != nil || fits(text, reportUnits) {
			return r, text, err
		}
		if !shrink(&r, whole) {
			return r, "", fmt.Errorf("report %s has %d bytes without evidence: too long for a row", r.ID, len(text))
		}
	}
}

// shrink takes the next thing away; false when there is nothing left to take.
func shrink(r *report.Report, whole report.Report) bool {
	if layer := largest(r.Legs); layer != nil {
		layer.Observation = marker(len(layer.Observation.(json.RawMessage)))
		return true
	}
	if len(r.Request) > markerBytes {
		r.Request = marker(len(r.Request))
		return true
	}
	if dropArgs(r.Findings) {
		return true
	}
	return dropFindings(r, whole)
}

// markerBytes is more than a marker is long, so that a marker is never replaced by another.
const markerBytes = 128

func marker(bytes int) json.RawMessage {
	return fmt.Appendf(nil, `{"dropped":"%d bytes do not fit in a stored report"}`, bytes)
}

// largest is the layer with the longest observation, the first of equals; nil when only markers are left.
func largest(legs []report.Leg) *report.Layer {
	var found *report.Layer
	most := markerBytes
	for i := range legs {
		for j := range legs[i].Layers {
			layer := &legs[i].Layers[j]
			if raw, ok := layer.Observation.(json.RawMessage); ok && len(raw) > most {
				found, most = layer, len(raw)
			}
		}
	}
	return found
}

func dropArgs(findings []report.Finding) bool {
	dropped := false
	for i := range findings {
		dropped = dropped || len(findings[i].Args) > 0
		findings[i].Args = nil
	}
	return dropped
}

// dropFindings keeps the first half: findings come in order of weight.
func dropFindings(r *report.Report, whole report.Report) bool {
	if len(r.Findings) == 0 {
		return false
	}
	r.Findings = r.Findings[:len(r.Findings)/2]
	gone := fmt.Sprintf("%d more findings did not fit in the stored report.", len(whole.Findings)-len(r.Findings))
	r.Vantage.CannotProve = append(slices.Clone(whole.Vantage.CannotProve), gone)
	return true
}

// copied is a report whose parts may be replaced, with every observation as raw JSON. A copy of the findings is made
// although only their Args are changed: their slice is the caller's.
func copied(r report.Report) (report.Report, error) {
	r.Findings = slices.Clone(r.Findings)
	r.Legs = slices.Clone(r.Legs)
	for i := range r.Legs {
		r.Legs[i].Layers = slices.Clone(r.Legs[i].Layers)
		for j := range r.Legs[i].Layers {
			layer := &r.Legs[i].Layers[j]
			if layer.Observation == nil {
				continue
			}
			raw, err := json.Marshal(layer.Observation)
			if err != nil {
				return r, fmt.Errorf("encode observation %s/%s of report %s: %w", r.Legs[i].Name, layer.Layer, r.ID, err)
			}
			layer.Observation = json.RawMessage(raw)
		}
	}
	return r, nil
}
