package explain

import (
	"encoding/json"
	"os"
	"testing"
)

// The translations that PostgreSQL 15 ships, as psql and the drivers show them: with SQLSTATE and routine, with
// SQLSTATE alone, and bare.
func TestEveryLanguageOfPostgreSQL(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../probe/login/testdata/localised.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ Language, Message, SQLState, Routine, Code string }
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 200 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		for _, text := range []string{
			"FATAL:  " + row.SQLState + ": " + row.Message + "\nLOCATION:  " + row.Routine + ", auth.c:1",
			"pq: " + row.Message + " (SQLSTATE " + row.SQLState + ")",
			"psql: error: FATAL:  " + row.Message,
		} {
			if got := codesOf(Explain(text)); len(got) != 1 || got[0] != row.Code {
				t.Errorf("%s: %s: got %v, want %s", row.Language, text, got, row.Code)
			}
		}
	}
}

// What libpq and the C library say in ten languages: the same codes as for their English originals.
func TestClientsInOtherLanguages(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/translated.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ Language, Code, Text string }
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 150 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		r := Explain("psql: " + row.Text)
		if got := codesOf(r); len(got) != 1 || got[0] != row.Code {
			t.Errorf("%s: %s: got %v, want %s", row.Language, row.Text, got, row.Code)
		} else if host := r.Findings[0].Args["host"]; host != nil && host != "db.example.com" {
			t.Errorf("%s: %s: host %v", row.Language, row.Text, host)
		}
	}
}
