package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	// fewest is the number of checks of an ordinary test run.
	fewest = 1500
	// rounds end with a sample each, when everything is at rest. The first ones warm up.
	rounds, warming = 20, 2
	// At once: what waits for a peer's silence beside what needs the processor.
	waiting, working = 96, 32
)

// results count the outcomes.
type results struct {
	mu     sync.Mutex
	counts map[string]*tally
	wrong  []string
}

// tally is of one kind. Late are truthful outcomes of a machine that was too slow for the kind's time-out.
type tally struct {
	right, late, wrong int
	// longest is in milliseconds.
	longest float64
}

func TestSoak(t *testing.T) {
	checks := number(t, "SOAK_CHECKS", fewest)
	g := build(t, names())
	kinds := g.kinds(t)
	seen := &results{counts: map[string]*tally{}}
	for _, k := range kinds {
		seen.counts[k.name] = &tally{}
	}
	plan, started := drawn(kinds, checks), time.Now()
	first := held(t)
	base := rest(t, first)
	samples := []sample{base}
	for round := range rounds {
		from, to := len(plan)*round/rounds, len(plan)*(round+1)/rounds
		stop := watch(t)
		g.round(t, plan[from:to], from, seen)
		most, s := stop(), rest(t, first)
		s.checks, s.peakMB, s.peakGoroutines, s.peakFiles = to, most.peakMB, most.peakGoroutines, most.peakFiles
		samples = append(samples, s)
		t.Logf("%d checks after %s", to, time.Since(started).Round(100*time.Millisecond))
	}
	t.Logf("\n%s\n%s", table(samples), seen.table())
	seen.hold(t)
	hold(t, first, samples[warming+1:])
	last := samples[len(samples)-1]
	fmt.Printf("soak | checks %d | kinds %d | wrong verdicts %d | late %d | %.0f checks/s | RSS MB %.1f, then %.1f | heap MB %.2f, "+
		"then %.2f | goroutines %d, then %d | descriptors %d, then %d\n", checks, len(kinds), len(seen.wrong), seen.late(),
		float64(checks)/time.Since(started).Seconds(), samples[warming].rssMB, last.rssMB, samples[warming].heapMB, last.heapMB,
		base.goroutines, last.goroutines, base.descriptors, last.descriptors)
}

func number(t *testing.T, name string, preset int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < rounds {
		t.Fatalf("%s: %q is no number from %d", name, text, rounds)
	}
	return n
}

// drawn are so many checks, each kind by its weight, in an order that is the same every time.
func drawn(kinds []kind, checks int) []kind {
	var weighed, all []kind
	for _, k := range kinds {
		weighed = append(weighed, slices.Repeat([]kind{k}, k.weight)...)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for len(all) < checks {
		random.Shuffle(len(weighed), func(i, j int) { weighed[i], weighed[j] = weighed[j], weighed[i] })
		all = append(all, weighed...)
	}
	return all[:checks]
}

// round runs checks and waits for all of them.
func (g *ground) round(t *testing.T, plan []kind, from int, seen *results) {
	t.Helper()
	var silent, busy errgroup.Group
	silent.SetLimit(waiting)
	busy.SetLimit(working)
	var both sync.WaitGroup
	run := func(group *errgroup.Group, timed bool) {
		for i, k := range plan {
			if k.timed == timed {
				group.Go(func() error { g.one(t, k, from+i, seen); return nil })
			}
		}
		_ = group.Wait() // No check gives an error.
	}
	both.Go(func() { run(&silent, true) })
	both.Go(func() { run(&busy, false) })
	both.Wait()
}

// one runs a check and builds its rows, as the function does.
func (g *ground) one(t *testing.T, k kind, number int, seen *results) {
	r, err := g.runner.Run(context.Background(), g.request(k, number))
	if err != nil {
		t.Error(k.name, err)
		return
	}
	rows, err := store.Encode(r)
	if err != nil {
		t.Error(k.name, err)
		return
	}
	for _, row := range rows {
		if strings.Contains(string(row), password) {
			t.Errorf("%s: the password stands in a row", k.name)
		}
	}
	seen.add(k, r)
}

func (s *results) add(k kind, r report.Report) {
	var code finding.Code
	if r.FirstBroken != nil {
		code = r.FirstBroken.Code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.counts[k.name]
	count.longest = max(count.longest, r.ElapsedMs)
	switch {
	case r.Verdict == k.verdict && code == k.code:
		count.right++
	case k.timed && tooLate(r.Verdict, code):
		count.late++
	default:
		count.wrong++
		s.wrong = append(s.wrong, fmt.Sprintf("%s (%s): %s %s, want %s %s: %s", k.name, r.ID, r.Verdict, code, k.verdict, k.code,
			r.Headline))
	}
}

// tooLate are the outcomes of a check whose time was over earlier than its peer meant: a silence that came before, or
// none that could be told from our own slowness.
func tooLate(verdict report.Verdict, code finding.Code) bool {
	silences := []finding.Code{finding.DNSTimeout, finding.TCPTimeout, finding.PeerSilent, finding.TLSStalled, finding.LoginStalled}
	return verdict == report.Inconclusive || verdict == report.NotReady && slices.Contains(silences, code)
}

func (s *results) late() int {
	sum := 0
	for _, c := range s.counts {
		sum += c.late
	}
	return sum
}

func (s *results) table() string {
	var b strings.Builder
	b.WriteString("| kind | right | late | wrong | longest ms |\n|--|--|--|--|--|\n")
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		c := s.counts[name]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %.0f |\n", name, c.right, c.late, c.wrong, c.longest)
	}
	return b.String()
}

// hold fails on every wrong verdict, and on a kind that never came out as it should.
func (s *results) hold(t *testing.T) {
	t.Helper()
	for _, wrong := range s.wrong[:min(len(s.wrong), 20)] {
		t.Error(wrong)
	}
	if len(s.wrong) > 20 {
		t.Errorf("and %d more", len(s.wrong)-20)
	}
	for name, c := range s.counts {
		if c.right == 0 {
			t.Errorf("%s never came out as it should", name)
		}
	}
}

// hold fails where something grows.
func hold(t *testing.T, first sample, samples []sample) {
	t.Helper()
	for _, what := range []struct {
		name   string
		f      func(sample) float64
		beside float64
	}{
		{"RSS MB", func(s sample) float64 { return s.rssMB }, noiseMB},
		{"heap MB", func(s sample) float64 { return s.heapMB }, 1},
		{"goroutines", func(s sample) float64 { return float64(s.goroutines) }, 4},
		{"descriptors", func(s sample) float64 { return float64(s.descriptors) }, 4},
	} {
		before, after, ok := flat(samples, what.f, what.beside)
		if !ok {
			t.Errorf("%s grow: median %.1f in the first third, %.1f in the last", what.name, before, after)
		}
	}
	last := samples[len(samples)-1]
	if last.goroutines > first.goroutines || last.descriptors > first.descriptors {
		t.Errorf("%d goroutines and %d descriptors are left, of %d and %d", last.goroutines, last.descriptors, first.goroutines,
			first.descriptors)
	}
}
