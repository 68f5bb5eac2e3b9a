package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Lengths of columns in UTF-16 code units. The whole of every text is in the report itself; with 99 findings of this
// length at six bytes a character the transaction still stays below its 4 MiB.
const (
	lineUnits   = 1_000
	detailUnits = 3_000
)

// findingRows is how many findings get a row beside the report's own in one transaction.
const findingRows = transactionRows - 1

// check refuses reports that no row can hold: those are programming errors, not bad requests.
func check(r report.Report) error {
	if err := checkKey(r.ID); err != nil {
		return fmt.Errorf("report id: %w", err)
	}
	if r.StartedAt.Year() < 1970 || r.StartedAt.Year() > 9999 {
		return errors.New("report " + r.ID + " has no start time")
	}
	return nil
}

// Encode gives the rows of a report in table Checks as Save sends them, the report's own first.
func Encode(r report.Report) ([][]byte, error) {
	fitted, text, err := fit(r)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	var out [][]byte
	for _, row := range reportRows(fitted, text, len(r.Findings)) {
		raw, err := row.encode()
		if err != nil {
			return nil, fmt.Errorf("encode report: %w", err)
		}
		out = append(out, raw)
	}
	return out, nil
}

// reportRows are the rows of a report in Checks, the row `report` first. count is how many findings there really are.
func reportRows(r report.Report, text string, count int) []row {
	rows := []row{reportRow(r, text, count)}
	for i, f := range r.Findings[:min(len(r.Findings), findingRows)] {
		rows = append(rows, findingRow(r.ID, i+1, f))
	}
	return rows
}

func reportRow(r report.Report, text string, count int) row {
	columns := digest(r)
	delete(columns, "CheckId") // It is the PartitionKey.
	columns["ScenarioRow"] = int32(r.Scenario.Row)
	columns["Findings"] = int32(count)
	columns["RequestedBy"] = cut(requestedBy(r), lineUnits)
	for i, chunk := range chunks(text, chunkUnits) {
		columns[chunkColumn(i)] = chunk
	}
	return row{partition: r.ID, key: keyReport, columns: columns}
}

// chunkColumn names the pieces of the report: Report, Report2, Report3, …
func chunkColumn(i int) string {
	if i == 0 {
		return "Report"
	}
	return fmt.Sprintf("Report%d", i+1)
}

func findingRow(id string, number int, f report.Finding) row {
	return row{partition: id, key: fmt.Sprintf(keyFinding, number), columns: map[string]any{
		"Code":        cut(string(f.Code), lineUnits),
		"Severity":    cut(string(f.Severity), lineUnits),
		"Leg":         cut(f.Leg, lineUnits),
		"Layer":       cut(string(f.Layer), lineUnits),
		"Owner":       cut(string(f.Owner), lineUnits),
		"Title":       cut(f.Title, lineUnits),
		"Detail":      cut(f.Detail, detailUnits),
		"ServiceCode": cut(f.ServiceCode, lineUnits),
	}}
}

// digest is what a list shows of a report. Every column is there, empty or not: tools that read tables take a column
// that is sometimes missing for a mistake.
func digest(r report.Report) map[string]any {
	broken := firstBroken(r)
	return map[string]any{
		"CheckId":          r.ID,
		"Verdict":          cut(string(r.Verdict), lineUnits),
		"Headline":         cut(r.Headline, lineUnits),
		"Route":            cut(r.Route, lineUnits),
		"Wave":             cut(r.Wave, lineUnits),
		"FirstBrokenLeg":   cut(broken.Leg, lineUnits),
		"FirstBrokenLayer": cut(string(broken.Layer), lineUnits),
		"FirstBrokenCode":  cut(string(broken.Code), lineUnits),
		"StartedAt":        timestamp(r.StartedAt),
		"ElapsedMs":        milliseconds(r.ElapsedMs),
	}
}

// followers are the rows in other tables that follow from a report. They share their columns, which are put together
// once; a row that has no valid key is left out.
type followers struct {
	recent        row
	history, wave *row
}

func followersOf(r report.Report) followers {
	columns, newest := timed(r), newestFirst(r.StartedAt, r.ID)
	out := followers{recent: row{partition: day(r.StartedAt), key: newest, columns: columns}}
	if validKey(r.Route) {
		out.history = &row{partition: r.Route, key: newest, columns: columns}
	}
	if validKey(r.Wave) {
		key := r.Route // a wave holds the latest check of each route
		if !validKey(key) {
			key = r.ID
		}
		out.wave = &row{partition: r.Wave, key: key, columns: columns}
	}
	return out
}

// timed is a digest with who must act, and columns for every layer: SourceResolveMs, SourceResolveStatus, …
func timed(r report.Report) map[string]any {
	columns := digest(r)
	columns["Owner"] = cut(string(owner(r)), lineUnits)
	maps.Copy(columns, layerColumns(r))
	return columns
}

func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

func firstBroken(r report.Report) report.FirstBroken {
	if r.FirstBroken == nil {
		return report.FirstBroken{}
	}
	return *r.FirstBroken
}

func owner(r report.Report) report.Owner {
	broken := firstBroken(r)
	for _, f := range r.Findings {
		if f.Code == broken.Code && f.Leg == broken.Leg && f.Layer == broken.Layer {
			return f.Owner
		}
	}
	return ""
}

func requestedBy(r report.Report) string {
	var request struct {
		RequestedBy string `json:"requestedBy"`
	}
	if err := json.Unmarshal(r.Request, &request); err != nil {
		return "" // A rejected request need not be JSON of our shape.
	}
	return request.RequestedBy
}

// timestamp is UTC: the SDK writes whatever clock it is given and puts a Z behind it.
func timestamp(t time.Time) aztables.EDMDateTime { return aztables.EDMDateTime(t.UTC()) }
