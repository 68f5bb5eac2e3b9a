package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Status is how far a check has come.
type Status string

// The statuses of a check. Finished is told by the report alone, whatever the row `state` says.
const (
	Unknown  Status = "unknown"
	Queued   Status = "queued"
	Running  Status = "running"
	Finished Status = "finished"
)

// State is what is known of a check.
type State struct {
	Status Status
	// Report is the stored JSON, version 1; nil unless Status is Finished.
	Report json.RawMessage
}

// atOnce bounds the writes of one MarkQueued that are under way together.
const atOnce = 16

// MarkQueued notes checks that the queue has taken. What is known of a check already is never overwritten, so it does
// not matter whether a check started, or ended, before its note was made.
func (s *Store) MarkQueued(ctx context.Context, checks ...request.Check) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, c := range checks {
		group.Go(func() error { return s.markQueued(ctx, c) })
	}
	return group.Wait()
}

func (s *Store) markQueued(ctx context.Context, c request.Check) error {
	err := s.insert(ctx, "mark queued", tableChecks, row{partition: c.ID, key: keyState, columns: map[string]any{
		"Status":      string(Queued),
		"Route":       cut(c.Route, lineUnits),
		"Wave":        cut(c.Wave, lineUnits),
		"RequestedBy": cut(c.RequestedBy, lineUnits),
		"QueuedAt":    timestamp(s.now()),
	}})
	if isCode(err, codeRowExists) {
		return nil
	}
	return err
}

// MarkRunning notes that a check has started, again or for the first time. A finished check stays finished.
func (s *Store) MarkRunning(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return s.merge(ctx, "mark running", tableChecks, row{partition: id, key: keyState, columns: map[string]any{
		"Status":    string(Running),
		"RunningAt": timestamp(s.now()),
	}})
}

// Load reads what is known of a check, in one question.
func (s *Store) Load(ctx context.Context, id string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return s.load(ctx, id)
}

func (s *Store) load(ctx context.Context, id string) (State, error) {
	rows, err := s.all(ctx, query{op: "load check", table: tableChecks, filter: stateFilter(id)})
	if err != nil {
		return State{}, err
	}
	state := State{Status: Unknown}
	for _, raw := range rows {
		var entity aztables.EDMEntity
		if err := json.Unmarshal(raw, &entity); err != nil {
			return State{}, fmt.Errorf("load check %s: decode row: %w", id, err)
		}
		switch entity.RowKey {
		case keyReport:
			text, err := joined(entity.Properties)
			if err != nil {
				return State{}, fmt.Errorf("load check %s: %w", id, err)
			}
			return State{Status: Finished, Report: text}, nil
		case keyState:
			state.Status = statusIn(entity.Properties)
		}
	}
	return state, nil
}

// stateFilter asks for the rows `report` and `state` of a check; those of its findings sort before them.
func stateFilter(id string) string {
	return both(equals("PartitionKey", id), from("RowKey", keyReport))
}

// statusIn reads a row `state`. Whatever it says, the check is known and not finished.
func statusIn(columns map[string]any) Status {
	if columns["Status"] == string(Running) {
		return Running
	}
	return Queued
}

// Finished tells whether there is a report, without reading it.
func (s *Store) Finished(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	filter := both(equals("PartitionKey", id), equals("RowKey", keyReport))
	rows, err := s.all(ctx, query{op: "find report", table: tableChecks, filter: filter, columns: "RowKey"})
	return len(rows) > 0, err
}
