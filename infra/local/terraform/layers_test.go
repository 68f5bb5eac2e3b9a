package terraform_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Layer 1: the layout that terraform fmt would write, and with it the syntax.
func TestFormat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if out, err := b.Run(t.Context(), "fmt", "-check", "-diff", "-recursive", "-no-color"); err != nil {
		t.Errorf("terraform fmt infra: %v\n%s", err, out)
	}
}

// Layer 2: names, types, allowed values and references, by the provider's own schema.
func TestValidate(t *testing.T) {
	t.Parallel()
	newBench(t).run("validate", "-no-color")
}

var summary = regexp.MustCompile(`(?m)^(Success|Failure)! (\d+) passed, (\d+) failed`)

// Layer 3: expressions, variables and conditions, with a provider that makes values up. Each run of a *.tftest.hcl is
// one test; a run that was not counted has not run.
func TestMocked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	out := b.run("test", "-no-color")
	counted := summary.FindStringSubmatch(out)
	if counted == nil || counted[1] != "Success" || counted[2] != strconv.Itoa(runs(t)) {
		t.Errorf("%d runs are written down, and terraform test says:\n%s", runs(t), out)
	}
	t.Logf("%s runs passed", counted[2])
}

func runs(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "tests", "*.tftest.hcl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	n := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count("\n"+string(content), "\nrun \"")
	}
	return n
}

// Every example plans with the real provider, without a warning of the checks on NSG and route table.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*.tfvars"))
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".tfvars"), func(t *testing.T) {
			t.Parallel()
			out := newBench(t).run("plan", "-no-color", "-input=false", "-parallelism=60", "-var-file=examples/"+name)
			if !strings.Contains(out, "0 to change, 0 to destroy.") || strings.Contains(out, "Check block assertion failed") {
				t.Error(out)
			}
		})
	}
}
