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
		for _, fault := range o.before {
			fmt.Fprintf(&table, "\n       at the first try: %s", fault)
		}
		for _, fault := range o.faults {
			fmt.Fprintf(&table, "\n       %s", fault)
		}
	}
	t.Logf("%s\n%d of %d named correctly; %s", table.String(), right, len(outcomes), most(outcomes))
	if right < len(outcomes) {
		t.Errorf("%d of %d named correctly", right, len(outcomes))
	}
}

// most tells what the hungriest check took.
func most(outcomes []outcome) string {
	memory := slices.MaxFunc(outcomes, func(a, b outcome) int { return a.answer.PeakKB - b.answer.PeakKB })
	return fmt.Sprintf("most memory %.1f MB (%s)", float64(memory.answer.PeakKB)/1024, memory.name)
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
	playAgain(t, certs, program, outcomes)
	return outcomes
}

// playAgain gives the few that failed a second try with nothing beside: a machine so busy that a server does not run for
// most of a second makes that server silent, and then silence is the right name. The table shows what it was before.
func playAgain(t *testing.T, certs certificates, program string, outcomes []outcome) {
	t.Helper()
	var failed []int
	for i, o := range outcomes {
		if len(o.faults) > 0 {
			failed = append(failed, i)
		}
	}
	if len(failed) == 0 || len(failed) > 1+len(outcomes)/50 {
		return
	}
	b, err := newBench(certs, program)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for _, i := range failed {
		before := outcomes[i].faults
		outcomes[i] = b.play(outcomes[i].situation)
		outcomes[i].before = before
	}
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
