package explain

import (
	"encoding/json"
	"os"
	"testing"
)

// The translations that PostgreSQL 15 ships, as psql and the drivers show them: with SQLSTATE and routine, with
// SQLSTATE alone, and bare. The less there is, the less must be claimed; what is claimed must be right.
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
	full := 0
	for _, row := range rows {
		text := "FATAL:  " + row.SQLState + ": " + row.Message + "\nLOCATION:  " + row.Routine + ", auth.c:1"
		if got := codesOf(Explain(text)); len(got) == 1 && got[0] == row.Code {
			full++
		} else {
			t.Logf("%s: %s: got %v, want %s", row.Language, row.Message, got, row.Code)
		}
	}
	// One message is broken in a way that a line of its own could be: French, about max_wal_senders.
	if len(rows) < 200 || full < len(rows)-1 {
		t.Errorf("%d of %d named", full, len(rows))
	}
}
