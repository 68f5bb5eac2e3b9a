// Command testreport reads the JSON stream of go test and prints what a person wants of it: the output of what failed,
// the reason of what was skipped, the slowest packages and one closing line of counts. It exits 1 on a failure, and
// with CI set also on a skip.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

type key struct{ pkg, test string }

type summary struct {
	output   map[key][]string
	passed   int
	failed   []key
	skipped  []key
	packages []event
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: testreport FILE")
		os.Exit(2)
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer file.Close()
	s := summary{output: map[key][]string{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err == nil {
			s.add(e)
		}
	}
	os.Exit(s.print())
}

func (s *summary) add(e event) {
	k := key{e.Package + e.ImportPath, e.Test}
	switch e.Action {
	case "output", "build-output":
		s.output[k] = append(s.output[k], e.Output)
	case "build-fail":
		s.failed = append(s.failed, k)
	case "fail":
		s.failed = append(s.failed, k)
	case "skip":
		if e.Test != "" { // a package without tests reports skip as well
			s.skipped = append(s.skipped, k)
		}
	case "pass":
		if e.Test != "" {
			s.passed++
		} else {
			s.packages = append(s.packages, e)
		}
	}
}

func (s *summary) print() int {
	for _, k := range s.failed {
		fmt.Printf("\nFAILED %s %s\n%s", k.pkg, k.test, strings.Join(s.output[k], ""))
	}
	for _, k := range s.skipped {
		fmt.Printf("skipped %s %s: %s\n", k.pkg, k.test, reason(s.output[k]))
	}
	slices.SortFunc(s.packages, func(a, b event) int { return int(1000 * (b.Elapsed - a.Elapsed)) })
	for _, e := range s.packages[:min(5, len(s.packages))] {
		fmt.Printf("  %6.1f s  %s\n", e.Elapsed, e.Package)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", s.passed, len(s.failed), len(s.skipped))
	if len(s.failed) > 0 || s.passed == 0 || (len(s.skipped) > 0 && os.Getenv("CI") != "") {
		return 1
	}
	return 0
}

// reason is what the test said when it skipped.
func reason(output []string) string {
	for _, line := range output {
		if i := strings.Index(line, "_test.go:"); i >= 0 {
			if _, text, ok := strings.Cut(line[i+len("_test.go:"):], ": "); ok {
				return strings.TrimSpace(text)
			}
		}
	}
	return "no reason given"
}
