package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Before gives the report of the route's check that started before this one; nil where there is none, or where r has no
// route.
func (s *Store) Before(ctx context.Context, r report.Report) (*report.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if !validKey(r.Route) || !validKey(r.ID) {
		return nil, nil
	}
	id, err := s.idBefore(ctx, r)
	if err != nil || id == "" {
		return nil, err
	}
	state, err := s.load(ctx, id)
	if err != nil || state.Status != Finished {
		// The history may outlive the report: rows are removed by whoever keeps the tables small.
		return nil, err
	}
	var before report.Report
	if err := json.Unmarshal(state.Report, &before); err != nil {
		return nil, fmt.Errorf("find report before %s: read %s: %w", r.ID, id, err)
	}
	return &before, nil
}

// idBefore is the first check below this one's row; the history is sorted newest first.
func (s *Store) idBefore(ctx context.Context, r report.Report) (string, error) {
	q := query{op: "find report before", table: tableHistory, columns: "CheckId", top: 1,
		filter: both(equals("PartitionKey", r.Route), after("RowKey", newestFirst(r.StartedAt, r.ID)))}
	for range questions {
		a, err := s.page(ctx, q)
		if err != nil {
			return "", err
		}
		if len(a.rows) > 0 {
			var row struct{ CheckId string }
			if err := json.Unmarshal(a.rows[0], &row); err != nil {
				return "", fmt.Errorf("find report before %s: decode row: %w", r.ID, err)
			}
			return row.CheckId, nil
		}
		if q.after = a.next; a.next == (mark{}) {
			return "", nil
		}
	}
	return "", nil
}
