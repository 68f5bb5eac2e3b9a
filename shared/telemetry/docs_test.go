package telemetry_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const docs = "../../docs/"

// source is everything that ships, as text.
func source(t *testing.T, folders ...string) string {
	t.Helper()
	var out strings.Builder
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			out.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func page(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(docs + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func captured(pattern, text string) []string {
	var out []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, found[1])
	}
	return out
}

// workbook gives the queries of the workbook.
func workbook(t *testing.T) []string {
	t.Helper()
	var book struct {
		Version string
		Items   []struct {
			Type    int
			Name    string
			Content struct {
				Query        string
				ResourceType string
			}
		}
	}
	if err := json.Unmarshal([]byte(page(t, "workbook.json")), &book); err != nil {
		t.Fatal(err)
	}
	var queries []string
	names := map[string]bool{}
	for _, item := range book.Items {
		if item.Name == "" || names[item.Name] {
			t.Errorf("an item has no name of its own: %q", item.Name)
		}
		names[item.Name] = true
		if item.Type == 3 {
			queries = append(queries, item.Content.Query)
			if item.Content.ResourceType != "microsoft.operationalinsights/workspaces" || item.Content.Query == "" {
				t.Errorf("%s asks nobody", item.Name)
			}
		}
	}
	if book.Version != "Notebook/1.0" || len(queries) < 8 {
		t.Fatalf("version %q, %d queries", book.Version, len(queries))
	}
	return queries
}

// What the queries look for exists in the code: fields and texts of log lines, metrics, attributes, columns.
func TestQueriesAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	guide := page(t, "telemetry.md")
	queries := append(workbook(t), captured("(?s)```kusto\n(.*?)```", guide)...)
	code, names := source(t, "../../handlers", ".."), source(t, ".")
	fields := map[string]bool{"time": true, "level": true, "msg": true}
	looked := 0
	for _, query := range queries {
		for _, field := range captured(`\bLine\.(\w+)`, query) {
			looked++
			if !fields[field] && !strings.Contains(code, `"`+field+`", `) {
				t.Errorf("no log line has the field %s", field)
			}
		}
		for _, text := range captured(`(?:Line\.msg|Text) (?:==|startswith) "([^"]+)"`, query) {
			looked++
			if !strings.Contains(code, `"`+text) {
				t.Errorf("no log line says %q", text)
			}
		}
		for _, name := range captured(`"(pgpreflight\.[a-z_.]+)"`, query) {
			looked++
			if !strings.Contains(names, `"`+name+`"`) {
				t.Errorf("%s is neither metric nor attribute", name)
			}
		}
	}
	if looked < 40 {
		t.Errorf("only %d names were looked for", looked)
	}
	store := source(t, "../store")
	for _, line := range captured(`(?m)^query (\w+ "[^\n]*)$`, guide) {
		table, columns := strings.Fields(line)[0], regexp.MustCompile(`^\w+ ".*?" `).ReplaceAllString(
			strings.ReplaceAll(line, `$(date -u +%F)`, "day"), "")
		for _, name := range append(strings.Fields(columns), table) {
			if !strings.Contains(store, `"`+name+`"`) {
				t.Errorf("the tables have no %s", name)
			}
		}
	}
}

// Every metric, attribute and setting is described.
func TestTelemetryIsDescribed(t *testing.T) {
	t.Parallel()
	guide := page(t, "telemetry.md")
	names := captured(`"((?:pgpreflight|faas|http)\.[a-z_.]+)"`, source(t, "."))
	settings := captured(`"(OTEL_[A-Z_]+[A-Z])"`, source(t, "../settings"))
	if len(names) < 25 || len(settings) < 8 {
		t.Fatalf("%d names, %d settings", len(names), len(settings))
	}
	for _, name := range append(names, settings...) {
		if !strings.Contains(guide, "`"+name+"`") {
			t.Errorf("docs/telemetry.md does not describe %s", name)
		}
	}
	for _, link := range []string{"docs/workbook.json", "docs/operating.md"} {
		if !strings.Contains(guide+page(t, "workbook.json"), link) {
			t.Errorf("%s is not referred to", link)
		}
	}
}
