package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// LayerState is how far one layer of one leg came. It is a layer's status, with the two kinds of skipped told apart.
type LayerState string

// The states that are no statuses of a layer.
const (
	// NotReached means that an earlier layer left nothing to go on with, NotAsked that the request left the layer out.
	NotReached LayerState = "not_reached"
	NotAsked   LayerState = "not_asked"
)

// Layer is one layer of one leg in a list.
type Layer struct {
	// Leg is "source", "target" or "runtime"; From is "server" where the server itself walked it, else empty.
	Leg, From string
	Layer     finding.Layer
	// State is empty in rows that were written before there were states.
	State LayerState
	// Ms is the time it took, in whole milliseconds; nil where it did not run.
	Ms *int64
}

// layerColumns are the columns of a report's layers: SourceResolveMs where it ran, and SourceResolveStatus.
func layerColumns(r report.Report) map[string]any {
	columns := map[string]any{}
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			name := layerColumn(leg.Name, leg.From, layer.Layer)
			columns[name+"Status"] = cut(string(stateOf(layer)), lineUnits)
			if layer.Status != finding.StatusSkipped {
				columns[name+"Ms"] = milliseconds(layer.ElapsedMs)
			}
		}
	}
	return columns
}

func stateOf(l report.Layer) LayerState {
	switch {
	case l.Status != finding.StatusSkipped:
		return LayerState(l.Status)
	case l.BlockedBy != "":
		return NotReached
	}
	return NotAsked
}

// layerColumn keeps a leg that the target itself walked apart from our own: SourceFromServerConnect.
func layerColumn(leg, from string, layer finding.Layer) string {
	name := capital(leg)
	if from == "server" {
		name += "FromServer"
	}
	return name + capital(string(layer))
}

// layersOf reads them back, in the order of the legs and of the layers.
func layersOf(raw []byte) ([]Layer, error) {
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(raw, &columns); err != nil {
		return nil, fmt.Errorf("decode row: %w", err)
	}
	var out []Layer
	for _, from := range []string{"", "server"} {
		for _, leg := range []string{"source", "target", "runtime"} {
			for _, layer := range finding.Layers() {
				name := layerColumn(leg, from, layer)
				state, timed := columns[name+"Status"], columns[name+"Ms"]
				if state == nil && timed == nil {
					continue
				}
				l := Layer{Leg: leg, From: from, Layer: layer}
				if err := l.read(state, timed); err != nil {
					return nil, fmt.Errorf("decode column %s: %w", name, err)
				}
				out = append(out, l)
			}
		}
	}
	return out, nil
}

func (l *Layer) read(state, timed json.RawMessage) error {
	if state != nil {
		if err := json.Unmarshal(state, &l.State); err != nil {
			return err
		}
	}
	// A tool that wrote the row anew may have made a text of the number.
	text := strings.Trim(string(timed), `"`)
	if text == "" || text == "null" {
		return nil
	}
	return json.Unmarshal([]byte(text), &l.Ms)
}
