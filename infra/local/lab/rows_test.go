package lab

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// TestRows builds each row of the scenario table, which must come out ready with its steps done, and then undoes one
// step after another: what the report shows must name the step that was undone, and blame no other.
func TestRows(t *testing.T) {
	needs(t)
	all := topologies()
	covered(t, all)
	outcomes := playRows(t, all)
	right, healthy, alone := 0, 0, 0
	var table strings.Builder
	for _, o := range outcomes {
		mark := "FAIL"
		if len(o.faults) == 0 {
			mark, right = "ok", right+1
		}
		switch {
		case o.step == "":
			healthy++
		case len(o.among) == 0:
			alone++
		}
		fmt.Fprintf(&table, "\n%-4s %s", mark, o.line())
		for _, fault := range o.faults {
			fmt.Fprintf(&table, "\n       %s", fault)
		}
	}
	for _, top := range all {
		for _, step := range slices.Sorted(maps.Keys(top.unprovable)) {
			fmt.Fprintf(&table, "\n—    row %2d %-52s %-26s not provable here: %s", top.row, top.name, step, top.unprovable[step])
		}
	}
	t.Logf("row × undone step → code%s\n%d of %d named correctly, %d healthy; of the undone steps %d alone and %d as one of those that look the same "+
		"from here", table.String(), right, len(outcomes), healthy, alone, len(outcomes)-healthy-alone)
	if right < len(outcomes) {
		t.Errorf("%d of %d named correctly", right, len(outcomes))
	}
}

// covered demands every row, and of every row every step: undone in some topology of the row, or said not to be provable.
func covered(t *testing.T, all []topology) {
	t.Helper()
	for _, row := range scenario.Rows() {
		var seen []string
		for _, top := range all {
			if top.row != row.Number {
				continue
			}
			for step := range top.unprovable {
				seen = append(seen, step)
			}
			for _, u := range top.undone {
				seen = append(seen, u.step)
			}
		}
		for _, step := range row.Steps {
			if !slices.Contains(seen, step) {
				t.Errorf("row %d: step %s is neither undone nor said not to be provable", row.Number, step)
			}
		}
	}
}

// playRows spreads the topologies over several benches. A bench plays all of one, since its servers stay.
func playRows(t *testing.T, all []topology) []rowOutcome {
	t.Helper()
	program := buildProbe(t)
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([][]rowOutcome, len(all))
	next := make(chan int, len(all))
	for i := range all {
		next <- i
	}
	close(next)
	var working sync.WaitGroup
	for range min(*benches, len(all)) {
		b, err := newBench(certs, program)
		if err != nil {
			t.Fatal(err)
		}
		working.Go(func() {
			defer b.close()
			for i := range next {
				outcomes[i] = b.playTopology(all[i])
			}
		})
	}
	working.Wait()
	return slices.Concat(outcomes...)
}

// playTopology plays a topology healthy and with each step undone. What fails is tried once more: a machine so busy that
// a server does not run for a second makes that server silent.
func (b *bench) playTopology(top topology) []rowOutcome {
	var out []rowOutcome
	all := top.undone
	if !top.unsupported() {
		all = append([]undoing{{}}, all...)
	}
	for _, u := range all {
		o := b.playRow(top, u)
		if len(o.faults) > 0 {
			o = b.playRow(top, u)
		}
		out = append(out, o)
	}
	return out
}
