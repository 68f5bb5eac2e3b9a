package lab

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	only      = flag.String("lab.only", "", "play only the situations whose name or ids match")
	headlines = flag.Bool("lab.headlines", false, "print each report's headline too")
	benches   = flag.Int("lab.benches", 4, "networks side by side")
)

// situations are all that the lab plays.
func situations() []situation {
	return slices.Concat(healthySituations(), networkSituations(), loginSituations())
}

// TestLab plays every situation and prints what was named.
func TestLab(t *testing.T) {
	needs(t)
	outcomes := play(t, situations())
	right := 0
	var table strings.Builder
	for _, o := range outcomes {
		mark := "FAIL"
		if len(o.faults) == 0 {
			mark, right = "ok", right+1
		}
		fmt.Fprintf(&table, "\n%-4s %-17s %-62s %s %s", mark, o.ids, o.name, o.calledBy(), o.verdictText())
		if *headlines && o.answer.Report != nil {
			fmt.Fprintf(&table, "\n       %s", o.answer.Report.Headline)
		}
		for _, fault := range o.faults {
			fmt.Fprintf(&table, "\n       %s", fault)
		}
	}
	t.Logf("%s\n%d of %d named correctly", table.String(), right, len(outcomes))
	if right < len(outcomes) {
		t.Errorf("%d of %d named correctly", right, len(outcomes))
	}
}

func (o *outcome) calledBy() string {
	if o.answer.Report == nil {
		return "no report"
	}
	if name := o.named(); name != "" {
		return name
	}
	return "no finding"
}

func (o *outcome) verdictText() string {
	if o.answer.Report == nil {
		return ""
	}
	return string(o.answer.Report.Verdict)
}

// play spreads the situations over several benches and gives the outcomes in the order of the situations.
func play(t *testing.T, all []situation) []outcome {
	t.Helper()
	wanted := regexp.MustCompile(*only)
	all = slices.DeleteFunc(all, func(s situation) bool { return !wanted.MatchString(s.name) && !wanted.MatchString(s.ids) })
	program := buildProbe(t)
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]outcome, len(all))
	next := make(chan int)
	var working sync.WaitGroup
	for range min(*benches, len(all)) {
		b, err := newBench(certs, program)
		if err != nil {
			t.Fatal(err)
		}
		working.Go(func() {
			defer b.close()
			for i := range next {
				outcomes[i] = b.play(all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	working.Wait()
	return outcomes
}

// buildProbe builds the program that checks, without the race detector: its memory is measured.
func buildProbe(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "vantage")
	if out, err := exec.Command("go", "build", "-o", program, "./vantage").CombinedOutput(); err != nil {
		t.Fatalf("build the vantage's program: %v\n%s", err, out)
	}
	return program
}

// needs skips where there is no root or no tool.
func needs(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	for _, tool := range []string{"ip", "nft", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}
