package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// Limits of one entity group transaction: https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
const (
	transactionRows  = 100
	transactionBytes = 4 << 20
)

// row is one entity before it is encoded. Column values are string, bool, int32 or aztables.EDMDateTime: a float64 that
// happens to be whole comes back as an integer, so there are none.
type row struct {
	partition, key string
	columns        map[string]any
}

// encode writes a row as the client's EDMEntity would, names sorted and times with their type, without its detour over a
// map of everything, which a thousand checks that end together would wait for.
func (r row) encode() ([]byte, error) {
	if err := checkKeys(r.partition, r.key); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(r.length())
	values := json.NewEncoder(&out)
	write := func(name string, value any) error {
		out.WriteString(`,"` + name + `":`)
		return values.Encode(value)
	}
	err := errors.Join(write("PartitionKey", r.partition), write("RowKey", r.key))
	for _, name := range slices.Sorted(maps.Keys(r.columns)) {
		value := r.columns[name]
		if _, is := value.(aztables.EDMDateTime); is {
			err = errors.Join(err, write(name+"@odata.type", "Edm.DateTime"))
		}
		err = errors.Join(err, write(name, value))
	}
	if err != nil {
		return nil, fmt.Errorf("encode row %s/%s: %w", r.partition, r.key, err)
	}
	raw := append(out.Bytes(), '}')
	raw[0] = '{' // in place of the first comma
	return raw, nil
}

// length is about that of the encoded row, so that its buffer seldom grows. A report as a column has many quotes, which
// become longer.
func (r row) length() int {
	sum := 64 * (len(r.columns) + 2)
	for _, value := range r.columns {
		if text, is := value.(string); is {
			sum += len(text) + len(text)/4
		}
	}
	return sum
}

func (s *Store) table(name string) *aztables.Client { return s.service.NewClient(s.prefix + name) }

// create makes a table; one that is there already is fine.
func (s *Store) create(ctx context.Context, name string) error {
	_, err := s.table(name).CreateTable(ctx, nil)
	if fault := s.fault("create table", name, err); fault != nil && !isCode(fault, codeTableExists) {
		return fault
	}
	return nil
}

// write runs a writing call. Where the table is missing it makes it and tries once more, so that no start has to wait
// for tables.
func (s *Store) write(ctx context.Context, op, table string, do func(*aztables.Client) error) error {
	err := s.fault(op, table, do(s.table(table)))
	if !isCode(err, codeTableMissing) {
		return err
	}
	if err := s.create(ctx, table); err != nil {
		return err
	}
	return s.fault(op, table, do(s.table(table)))
}

// insert adds a row that must not be there yet.
func (s *Store) insert(ctx context.Context, op, table string, r row) error {
	raw, err := r.encode()
	if err != nil {
		return err
	}
	return s.write(ctx, op, table, func(c *aztables.Client) error {
		_, err := c.AddEntity(ctx, raw, nil)
		return err
	})
}

// put writes a row whole, whether it is there or not.
func (s *Store) put(ctx context.Context, op, table string, r row) error {
	return s.upsert(ctx, upsertion{op: op, table: table, row: r, mode: aztables.UpdateModeReplace})
}

// merge writes the given columns of a row and leaves its other columns alone.
func (s *Store) merge(ctx context.Context, op, table string, r row) error {
	return s.upsert(ctx, upsertion{op: op, table: table, row: r, mode: aztables.UpdateModeMerge})
}

type upsertion struct {
	op, table string
	row       row
	mode      aztables.UpdateMode
}

func (s *Store) upsert(ctx context.Context, u upsertion) error {
	raw, err := u.row.encode()
	if err != nil {
		return err
	}
	return s.write(ctx, u.op, u.table, func(c *aztables.Client) error {
		_, err := c.UpsertEntity(ctx, raw, &aztables.UpsertEntityOptions{UpdateMode: u.mode})
		return err
	})
}

// replace writes a row whole if it is still the one that the ETag names.
func (s *Store) replace(ctx context.Context, op, table string, r row, seen azcore.ETag) error {
	raw, err := r.encode()
	if err != nil {
		return err
	}
	return s.write(ctx, op, table, func(c *aztables.Client) error {
		_, err := c.UpdateEntity(ctx, raw, &aztables.UpdateEntityOptions{
			IfMatch: &seen, UpdateMode: aztables.UpdateModeReplace,
		})
		return err
	})
}

// mergeIf writes the given columns of a row if it is still the one that the ETag names.
func (s *Store) mergeIf(ctx context.Context, op, table string, r row, seen azcore.ETag) error {
	raw, err := r.encode()
	if err != nil {
		return err
	}
	return s.write(ctx, op, table, func(c *aztables.Client) error {
		_, err := c.UpdateEntity(ctx, raw, &aztables.UpdateEntityOptions{
			IfMatch: &seen, UpdateMode: aztables.UpdateModeMerge,
		})
		return err
	})
}

// submit writes rows of one partition in one transaction. The first is inserted and must be new; the others replace
// what a stranger may have left under their keys.
func (s *Store) submit(ctx context.Context, op, table string, rows []row) error {
	actions, err := transaction(rows)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.write(ctx, op, table, func(c *aztables.Client) error {
		_, err := c.SubmitTransaction(ctx, actions, nil)
		return err
	})
}

// transaction checks the service's limits itself: beyond them it answers with a connection that breaks off, which reads
// as "malformed HTTP response" and gets retried.
func transaction(rows []row) ([]aztables.TransactionAction, error) {
	if len(rows) == 0 || len(rows) > transactionRows {
		return nil, fmt.Errorf("a transaction of %d rows: 1 to %d are allowed", len(rows), transactionRows)
	}
	keys, bytes := make(map[string]bool, len(rows)), 0
	actions := make([]aztables.TransactionAction, 0, len(rows))
	for i, r := range rows {
		raw, err := r.encode()
		if err != nil {
			return nil, err
		}
		bytes += len(raw) + partOverhead
		if r.partition != rows[0].partition || keys[r.key] {
			return nil, fmt.Errorf("a transaction with row %s/%s: one partition and distinct keys are needed",
				r.partition, r.key)
		}
		keys[r.key] = true
		actions = append(actions, aztables.TransactionAction{ActionType: action(i), Entity: raw})
	}
	if bytes > transactionBytes {
		return nil, fmt.Errorf("a transaction of %d bytes: %d are allowed", bytes, transactionBytes)
	}
	return actions, nil
}

// partOverhead is what the multipart frame and the headers of one action weigh at most, in bytes.
const partOverhead = 1 << 10

func action(i int) aztables.TransactionType {
	if i == 0 {
		return aztables.TransactionTypeAdd
	}
	return aztables.TransactionTypeInsertReplace
}
