package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// tables reads the rows past the program under test.
type tables struct{ service *aztables.ServiceClient }

func openTables(connectionString string) (tables, error) {
	service, err := aztables.NewServiceClientFromConnectionString(connectionString, nil)
	return tables{service}, err
}

// row is what is looked at of a row of any table.
type row struct {
	PartitionKey, RowKey, Verdict, CheckID, Route, State string
	Findings, Attempts                                   int
}

// all reads the rows of a table that pass a filter.
func (t tables) all(ctx context.Context, table, filter string) ([]row, error) {
	columns := "PartitionKey,RowKey,Verdict,CheckId,Route,State,Findings,Attempts"
	options := &aztables.ListEntitiesOptions{Select: &columns}
	if filter != "" {
		options.Filter = &filter
	}
	var rows []row
	for pages := t.service.NewClient(table).NewListEntitiesPager(options); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read table %s: %w", table, err)
		}
		for _, raw := range page.Entities {
			var r row
			if err := json.Unmarshal(raw, &r); err != nil {
				return nil, fmt.Errorf("read a row of %s: %w", table, err)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// reports are the rows `report`, by check id.
func (t tables) reports(ctx context.Context) (map[string]row, error) { return t.checks(ctx, "report") }

// checks are the rows of Checks with a row key, by check id.
func (t tables) checks(ctx context.Context, key string) (map[string]row, error) {
	rows, err := t.all(ctx, "Checks", "RowKey eq '"+key+"'")
	found := make(map[string]row, len(rows))
	for _, r := range rows {
		found[r.PartitionKey] = r
	}
	return found, err
}

// count counts the rows of a table by the id of their check.
func (t tables) count(ctx context.Context, table string) (map[string]int, error) {
	rows, err := t.all(ctx, table, "")
	counted := map[string]int{}
	for _, r := range rows {
		counted[r.CheckID]++
	}
	return counted, err
}

// findings counts the rows of findings by check.
func (t tables) findings(ctx context.Context) (map[string]int, error) {
	rows, err := t.all(ctx, "Checks", "RowKey ge 'finding-' and RowKey lt 'finding.'")
	counted := map[string]int{}
	for _, r := range rows {
		if strings.HasPrefix(r.RowKey, "finding-") {
			counted[r.PartitionKey]++
		}
	}
	return counted, err
}

// within gives one reading of the tables its time.
func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}
