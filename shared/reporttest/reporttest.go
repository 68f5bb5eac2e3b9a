// Package reporttest has sample reports for the tests of everything that writes reports, and their golden files.
// Nothing that ships imports it.
package reporttest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

var update = flag.Bool("update", false, "write the golden files")

// Samples are the sample reports by name: ready, warned, broken, unsupported, rejected, inconclusive, large, hostile, azure.
func Samples() map[string]report.Report {
	return map[string]report.Report{
		"ready": Ready(), "warned": Warned(), "broken": Broken(), "unsupported": Unsupported(), "rejected": Rejected(),
		"inconclusive": Inconclusive(), "large": Large(), "hostile": Hostile(), "azure": Azure(),
	}
}

// Stored gives the report as it is read back from its JSON: observations have lost their Go types.
func Stored(t testing.TB, r report.Report) report.Report {
	t.Helper()
	var stored report.Report
	if err := json.Unmarshal(JSON(t, r), &stored); err != nil {
		t.Fatal(err)
	}
	return stored
}

// JSON gives the report as it is stored.
func JSON(t testing.TB, r report.Report) []byte {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Golden compares with testdata/name. With update it writes the file instead.
func Golden(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if line, differs := firstDifference(got, want); differs {
		t.Errorf("differs from %s (see what changed with -update and git diff) in line %s", file, line)
	}
}

// firstDifference is the number of the first line that differs, and what it is now.
func firstDifference(got, want []byte) (string, bool) {
	if bytes.Equal(got, want) {
		return "", false
	}
	is, was := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i, line := range is {
		if i >= len(was) || !bytes.Equal(line, was[i]) {
			return fmt.Sprintf("%d: %.300s", i+1, line), true
		}
	}
	return fmt.Sprintf("%d: there is none", len(is)+1), true
}
