package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// contests is how often a row of a wave is written anew because another writer was faster. Two checks of one route are
// rarely more than a handful at once.
const contests = 8

// Standing is the latest check of one route in a wave.
type Standing struct {
	// Route is empty where the check had none.
	Route       string
	CheckID     string
	Verdict     report.Verdict
	FirstBroken *report.FirstBroken
	// Owner is who must act on FirstBroken.
	Owner     report.Owner
	StartedAt time.Time
	// Layers are those of the check; without their states in rows of earlier versions.
	Layers []Layer
}

// Wave reads the latest check of every route of a wave, in order of route; nothing for a wave that is not known.
func (s *Store) Wave(ctx context.Context, wave string) ([]Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	rows, err := s.all(ctx, query{op: "read wave", table: tableWaves, filter: equals("PartitionKey", wave)})
	if err != nil {
		return nil, err
	}
	standings := make([]Standing, 0, len(rows))
	for _, raw := range rows {
		var line line
		if err := json.Unmarshal(raw, &line); err != nil {
			return nil, fmt.Errorf("read wave: decode row: %w", err)
		}
		layers, err := layersOf(raw)
		if err != nil {
			return nil, fmt.Errorf("read wave: %w", err)
		}
		standings = append(standings, Standing{
			Route: line.Route, CheckID: line.CheckID, Verdict: line.Verdict, FirstBroken: line.firstBroken(),
			Owner: line.Owner, StartedAt: line.StartedAt, Layers: layers,
		})
	}
	return standings, nil
}

// advance writes a row of Waves unless a later check is there already. Messages overtake one another, so an older check
// may end last; and two may end at once, so the row is replaced only as it was read.
func (s *Store) advance(ctx context.Context, r row) error {
	return s.contest(ctx, "save wave", func() error { return s.tryAdvance(ctx, r) })
}

func (s *Store) tryAdvance(ctx context.Context, r row) error {
	raw, seen, err := s.get(ctx, "read wave", tableWaves, r)
	if err != nil {
		return err
	}
	if raw == nil {
		return s.insert(ctx, "save wave", tableWaves, r)
	}
	var there line
	if err := json.Unmarshal(raw, &there); err != nil {
		return fmt.Errorf("save wave: decode row: %w", err)
	}
	ours, err := lineOf(r)
	if err != nil {
		return err
	}
	if !ours.after(there) {
		return nil
	}
	return s.replace(ctx, "save wave", tableWaves, r, seen)
}

// contested tells whether somebody else wrote, or removed, the row after it was read.
func contested(err error) bool {
	return isCode(err, codeRowExists) || isStatus(err, statusPrecondition) || isStatus(err, statusNotFound)
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(time.Duration(5+rand.IntN(45)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// line is a row of History, Recent or Waves as it is read.
type line struct {
	CheckID          string         `json:"CheckId"`
	Route            string         `json:"Route"`
	Wave             string         `json:"Wave"`
	Verdict          report.Verdict `json:"Verdict"`
	Headline         string         `json:"Headline"`
	FirstBrokenLeg   string         `json:"FirstBrokenLeg"`
	FirstBrokenLayer finding.Layer  `json:"FirstBrokenLayer"`
	FirstBrokenCode  finding.Code   `json:"FirstBrokenCode"`
	Owner            report.Owner   `json:"Owner"`
	StartedAt        time.Time      `json:"StartedAt"`
	ElapsedMs        int64          `json:"ElapsedMs"`
}

// lineColumns are the columns that a list needs.
const lineColumns = "CheckId,Route,Wave,Verdict,Headline,FirstBrokenLeg,FirstBrokenLayer,FirstBrokenCode,Owner," +
	"StartedAt,ElapsedMs"

func (l line) firstBroken() *report.FirstBroken {
	if l.FirstBrokenCode == "" {
		return nil
	}
	return &report.FirstBroken{Leg: l.FirstBrokenLeg, Layer: l.FirstBrokenLayer, Code: l.FirstBrokenCode}
}

// after orders checks by their start; checks of the same instant by their id, so that both writers agree on the winner.
func (l line) after(other line) bool {
	if l.StartedAt.Equal(other.StartedAt) {
		return l.CheckID > other.CheckID
	}
	return l.StartedAt.After(other.StartedAt)
}

// lineOf reads a row as it would come back, with the time in the service's resolution of 100 ns.
func lineOf(r row) (line, error) {
	raw, err := r.encode()
	if err != nil {
		return line{}, err
	}
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return line{}, fmt.Errorf("decode row: %w", err)
	}
	return l, nil
}
