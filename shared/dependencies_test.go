package shared_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	required = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.-]+\.[a-z]+/\S+) v\S+( // indirect)?$`)
	reasoned = regexp.MustCompile(`(?m)^\| (\S+/\S+) \| [^|]+ \| ([^|]{10,}) \|$`)
)

// A new direct dependency needs a line that says what it is for.
func TestDependenciesHaveAReason(t *testing.T) {
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	missing, stale := compare(string(module), string(page))
	if len(missing) > 0 || len(stale) > 0 {
		t.Errorf("docs/dependencies.md lacks %q and has %q too many", missing, stale)
	}
}

func compare(module, page string) (missing, stale []string) {
	reasons := map[string]bool{}
	for _, line := range reasoned.FindAllStringSubmatch(page, -1) {
		reasons[line[1]] = true
	}
	for _, line := range required.FindAllStringSubmatch(module, -1) {
		if line[2] != "" {
			continue
		}
		if !reasons[line[1]] {
			missing = append(missing, line[1])
		}
		delete(reasons, line[1])
	}
	for name := range reasons {
		stale = append(stale, name)
	}
	return missing, stale
}

func TestDependencyWithoutAReasonIsFound(t *testing.T) {
	module := "module m\n\nrequire one.org/a v1.0.0\n\nrequire (\n\ttwo.org/b/v2 v2.0.0\n\tthree.org/c v0.1.0 // indirect\n)\n"
	missing, stale := compare(module, "| one.org/a | product | it is needed here |\n| four.org/d | product | it was needed once |\n")
	if strings.Join(missing, " ") != "two.org/b/v2" || strings.Join(stale, " ") != "four.org/d" {
		t.Errorf("missing %q, stale %q", missing, stale)
	}
}
