package store

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
)

// ErrContinue means that Filter.Continue is not a position of this list: mangled, forged, or of another filter.
var ErrContinue = errors.New("continue is not a position of this list")

// markBytes is the longest mark of the service that is taken back: two encoded keys.
const markBytes = 4 << 10

// position is where a list goes on: a day of Recent, and a mark within it. A token of it is opaque to callers.
type position struct {
	Day  string `json:"d,omitempty"`
	Mark mark   `json:"m,omitzero"`
}

// token is a position with the filter that it belongs to: with another one it would silently skip reports.
type token struct {
	Version int `json:"v"`
	position
	Route   string `json:"route,omitempty"`
	Wave    string `json:"wave,omitempty"`
	Verdict string `json:"verdict,omitempty"`
}

func (p position) encode(f Filter) string {
	t := token{Version: 1, position: p, Route: f.Route, Wave: f.Wave, Verdict: string(f.Verdict)}
	raw, err := json.Marshal(t)
	if err != nil {
		panic("store: a token of plain values does not marshal: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func decodePosition(f Filter) (position, error) {
	if f.Continue == "" {
		return position{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(f.Continue)
	if err != nil {
		return position{}, ErrContinue
	}
	var t token
	if err := json.Unmarshal(raw, &t); err != nil {
		return position{}, ErrContinue
	}
	// A token that we would not have written for this filter is not ours, or not of this list.
	if !t.valid(f) || t.encode(f) != f.Continue {
		return position{}, ErrContinue
	}
	return t.position, nil
}

// valid tells whether the position could have come from a list with this filter.
func (p position) valid(f Filter) bool {
	if len(p.Mark.Partition)+len(p.Mark.Row) > markBytes {
		return false
	}
	if f.Route != "" {
		return p.Day == ""
	}
	_, err := time.Parse(dayLayout, p.Day)
	return err == nil
}

// dayBefore is empty where d is not a day, or the first one that a report can have.
func dayBefore(d string) string {
	t, err := time.Parse(dayLayout, d)
	if err != nil || d <= firstDay {
		return ""
	}
	return day(t.AddDate(0, 0, -1))
}
