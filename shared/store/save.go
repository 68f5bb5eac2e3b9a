package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Outcome says what Save found.
type Outcome string

// The outcomes of Save.
const (
	// Stored means that this call wrote the report.
	Stored Outcome = "stored"
	// AlreadyStored means that there was a report with this id, which stands. It may be this call's own: a write whose
	// answer got lost is tried again.
	AlreadyStored Outcome = "already_stored"
)

// Save writes a report and its findings in one transaction, then its followers. The first report of an id wins. An error
// together with an outcome means that the report is in but a follower is not: Complete, or another Save, mends that.
func (s *Store) Save(ctx context.Context, r report.Report) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if err := check(r); err != nil {
		return "", fmt.Errorf("save report: %w", err)
	}
	fitted, text, err := fit(r)
	if err != nil {
		return "", fmt.Errorf("save report: %w", err)
	}
	err = s.submit(ctx, "save report", tableChecks, reportRows(fitted, text, len(r.Findings)))
	if isCode(err, codeRowExists) {
		return AlreadyStored, s.complete(ctx, r.ID)
	}
	if err != nil {
		return "", err
	}
	return Stored, s.follow(ctx, fitted)
}

// Complete writes the followers of a stored report again, as after a crash between the two. ErrNotFound where there is
// no report.
func (s *Store) Complete(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return s.complete(ctx, id)
}

func (s *Store) complete(ctx context.Context, id string) error {
	state, err := s.load(ctx, id)
	if err != nil {
		return err
	}
	if state.Status != Finished {
		return fmt.Errorf("complete report %s: %w", id, ErrNotFound)
	}
	var r report.Report
	if err := json.Unmarshal(state.Report, &r); err != nil {
		return fmt.Errorf("complete report %s: read it back: %w", id, err)
	}
	return s.follow(ctx, r)
}

// follow writes what follows from a report. Each row is idempotent, so all of them may be written again; one that fails
// does not stop the others.
func (s *Store) follow(ctx context.Context, r report.Report) error {
	var group errgroup.Group
	failures, rows := make([]error, 4), followersOf(r)
	group.Go(func() error {
		failures[0] = s.put(ctx, "save recent", tableRecent, rows.recent)
		return nil
	})
	if rows.history != nil {
		group.Go(func() error {
			failures[1] = s.put(ctx, "save history", tableHistory, *rows.history)
			return nil
		})
	}
	if rows.wave != nil {
		group.Go(func() error {
			failures[2] = s.advance(ctx, *rows.wave)
			return nil
		})
	}
	if validKey(r.Route) {
		group.Go(func() error {
			failures[3] = s.followRoute(ctx, r)
			return nil
		})
	}
	_ = group.Wait() // The functions keep their errors.
	return errors.Join(failures...)
}

// joined puts the pieces of a stored report together.
func joined(columns map[string]any) (json.RawMessage, error) {
	var text strings.Builder
	for i := 0; ; i++ {
		piece, ok := columns[chunkColumn(i)].(string)
		if !ok {
			break
		}
		text.WriteString(piece)
	}
	if !json.Valid([]byte(text.String())) {
		return nil, errors.New("the stored report is not JSON")
	}
	return json.RawMessage(text.String()), nil
}
