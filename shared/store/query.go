package store

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// query is one question to one table. The zero values of filter, columns and top ask for everything.
type query struct {
	op, table       string
	filter, columns string
	top             int32
	// after is where the page before it ended.
	after mark
}

// mark is the service's own, opaque position between two pages; the zero value is the beginning or the end.
type mark struct {
	Partition string `json:"p,omitempty"`
	Row       string `json:"r,omitempty"`
}

// answer is one page: the rows as JSON, and where the next page begins.
type answer struct {
	rows [][]byte
	next mark
}

// page asks for one page. It may hold fewer rows than asked for, even none, with more to come: the service ends a page
// after 1,000 rows or five seconds of looking. A missing table holds no rows.
func (s *Store) page(ctx context.Context, q query) (answer, error) {
	response, err := s.table(q.table).NewListEntitiesPager(&aztables.ListEntitiesOptions{
		Filter:           optional(q.filter),
		Select:           optional(q.columns),
		Top:              optional(q.top),
		NextPartitionKey: optional(q.after.Partition),
		NextRowKey:       optional(q.after.Row),
	}).NextPage(ctx)
	if fault := s.fault(q.op, q.table, err); fault != nil {
		if isCode(fault, codeTableMissing) {
			return answer{}, nil
		}
		return answer{}, fault
	}
	next := mark{Partition: value(response.NextPartitionKey), Row: value(response.NextRowKey)}
	return answer{rows: response.Entities, next: next}, nil
}

// all asks until nothing is left; for questions whose answer is small by construction.
func (s *Store) all(ctx context.Context, q query) ([][]byte, error) {
	var rows [][]byte
	for {
		a, err := s.page(ctx, q)
		if err != nil {
			return nil, err
		}
		rows = append(rows, a.rows...)
		if a.next == (mark{}) {
			return rows, nil
		}
		q.after = a.next
	}
}

// get reads one row, nil where it or its table is missing.
func (s *Store) get(ctx context.Context, op, table string, r row) ([]byte, azcore.ETag, error) {
	response, err := s.table(table).GetEntity(ctx, r.partition, r.key, nil)
	if fault := s.fault(op, table, err); fault != nil {
		if isStatus(fault, statusNotFound) {
			return nil, "", nil
		}
		return nil, "", fault
	}
	return response.Value, response.ETag, nil
}

func optional[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
