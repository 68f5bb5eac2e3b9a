package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/process"
)

// result is what the client program tells (its type Result).
type result struct {
	Pairs    int            `json:"pairs"`
	WallMs   float64        `json:"wallMs"`
	MedianMs float64        `json:"medianMs"`
	P99Ms    float64        `json:"p99Ms"`
	CPUMs    float64        `json:"cpuMs"`
	PeakMB   float64        `json:"peakMB"`
	Most     int            `json:"mostGoroutines"`
	Verdicts map[string]int `json:"verdicts"`
	// databases is the processor time that both servers used meanwhile.
	databases float64
}

// many runs the client program over the pair, and measures the databases' own work beside it.
func (g *ground) many(ctx context.Context, c competitor, want string) (result, error) {
	before := g.databaseCPU()
	t, err := g.run(ctx, c)
	if err != nil {
		return result{}, err
	}
	var r result
	if err := json.Unmarshal(t.output, &r); err != nil {
		return result{}, fmt.Errorf("%s: read result: %w", c.name, err)
	}
	came := 0
	for verdict, n := range r.Verdicts {
		// A server that a thousand logins keep busy earns a warning here and there.
		if strings.HasPrefix(verdict, want) {
			came += n
		}
	}
	if came != r.Pairs {
		return result{}, fmt.Errorf("%s: verdicts %v, want %d of %q", c.name, r.Verdicts, r.Pairs, want)
	}
	if c.server != 0 {
		r.CPUMs, r.PeakMB = t.cpuMs, t.peakMB
	}
	r.databases = g.databaseCPU() - before
	return r, nil
}

func (g *ground) databaseCPU() float64 {
	var sum float64
	for _, d := range g.databases {
		sum += process.CPU(d.PID())
	}
	return sum
}

func (g *ground) inOneProcess(name string, pairs, atOnce int) competitor {
	return competitor{name: name, argv: []string{g.clientProgram, "-place", g.placeFile, "-pairs", fmt.Sprint(pairs),
		"-at-once", fmt.Sprint(atOnce), name}}
}

// holes are pairs of addresses where every packet is dropped, checked with the time that a request gets by default.
func (g *ground) holes(pairs int) competitor {
	return competitor{name: "holes", argv: []string{g.clientProgram, "-place", g.placeFile, "-pairs", fmt.Sprint(pairs),
		"-at-once", fmt.Sprint(pairs), "-timeout", "30", "holes"}}
}

// profiled writes a profile into a folder; none where there is no folder.
func (c competitor) profiled(folder string) competitor {
	if folder != "" {
		c.argv = slices.Insert(slices.Clone(c.argv), 1, "-profile", filepath.Join(folder, c.name+".pprof"))
	}
	return c
}

// load is many checks with no delay, in one process each: processor time for a check is the figure that counts.
func load(ctx context.Context, g *ground, o options) error {
	const atOnce = 16
	g.wire.SetRoundTrip(0)
	exporter, err := g.exporter(ctx, o)
	if err != nil {
		return err
	}
	clients := []competitor{g.inOneProcess("ours", o.pairs, atOnce), g.inOneProcess("pgx", o.pairs, atOnce),
		g.inOneProcess("first", o.pairs, atOnce), g.inOneProcess("calls", o.pairs, atOnce)}
	names := []string{"pgpreflight, with report and rows", "ideal pgx, one batch",
		"pgpreflight, as if it met every server for the first time",
		"pgpreflight, and the calls to the tables up to the network"}
	if exporter != 0 {
		clients = append(clients, competitor{name: "get", server: exporter, argv: []string{g.clientProgram, "-url",
			strings.Join(g.probeURLs(), ","), "-pairs", fmt.Sprint(o.pairs), "-at-once", fmt.Sprint(atOnce), "get"}})
		names = append(names, "blackbox_exporter (handshake only)")
	}
	for i, c := range clients {
		clients[i] = c.profiled(o.profile)
	}
	all := make([][]result, len(clients))
	for range o.rounds {
		for i, c := range clients {
			r, err := g.many(ctx, c, "ready")
			if err != nil {
				return err
			}
			all[i] = append(all[i], r)
		}
	}
	fmt.Printf("## %d pairs, %d at once, no delay, median of %d\n\n", o.pairs, atOnce, o.rounds)
	fmt.Println("| client | endpoints/s | median ms | p99 ms | client CPU ms per endpoint (ratio) | databases' CPU ms per endpoint | peak MB |")
	fmt.Println("|--|--|--|--|--|--|--|")
	cpu := func(rs []result) float64 {
		return middle(rs, func(r result) float64 { return r.CPUMs / float64(2*r.Pairs) })
	}
	for i, rs := range all {
		fmt.Printf("| %s | %.0f | %.1f | %.1f | %.2f (%.2f) | %.2f | %.1f |\n", names[i],
			middle(rs, func(r result) float64 { return float64(2*r.Pairs) / r.WallMs * 1000 }),
			middle(rs, func(r result) float64 { return r.MedianMs }), middle(rs, func(r result) float64 { return r.P99Ms }),
			cpu(rs), cpu(all[0])/cpu(rs), middle(rs, func(r result) float64 { return r.databases / float64(2*r.Pairs) }),
			middle(rs, func(r result) float64 { return r.PeakMB }))
	}
	fmt.Println("\nThe ratio is pgpreflight's over the row's.")
	fmt.Println()
	return nil
}

func middle(rs []result, f func(result) float64) float64 {
	var values []float64
	for _, r := range rs {
		values = append(values, f(r))
	}
	return median(values)
}

// fleet is everything at once, with endpoints that swallow what is sent to them.
func fleet(ctx context.Context, g *ground, o options) error {
	g.wire.SetRoundTrip(0)
	one, err := g.many(ctx, g.holes(1), "not_ready")
	if err != nil {
		return err
	}
	all, err := g.many(ctx, g.holes(o.pairs).profiled(o.profile), "not_ready")
	if err != nil {
		return err
	}
	fmt.Printf("## Fleet: %d endpoints at once\n\n", 2*o.pairs)
	compare(named{"one pair that swallows SYN", one}, named{"all of them swallow SYN", all})
	return nil
}

// patience is the longest time that a request may have, in seconds: what the servers need for everybody at once is theirs.
const patience = 120

// far is everything at once, with healthy endpoints at 80 ms. Who goes first changes with every round.
func far(ctx context.Context, g *ground, o options) error {
	g.wire.SetRoundTrip(80 * time.Millisecond)
	defer g.wire.SetRoundTrip(0)
	ideal, ours := g.inOneProcess("pgx", o.pairs, o.pairs), g.inOneProcess("ours", o.pairs, o.pairs).waiting(patience)
	var theirs, own []result
	for round := range o.rounds {
		for _, c := range [][]competitor{{ideal, ours}, {ours, ideal}}[round%2] {
			r, err := g.many(ctx, c, "ready")
			if err != nil {
				return err
			}
			if c.name == ideal.name {
				theirs = append(theirs, r)
			} else {
				own = append(own, r)
			}
		}
	}
	fmt.Printf("## %d healthy endpoints at 80 ms, all at once, median of %d\n\n", 2*o.pairs, o.rounds)
	compare(named{"ideal pgx", between(theirs)}, named{"pgpreflight", between(own)})
	return nil
}

// waiting gives each check so many seconds.
func (c competitor) waiting(seconds int) competitor {
	c.argv = slices.Insert(slices.Clone(c.argv), 1, "-timeout", fmt.Sprint(seconds))
	return c
}

// between is the result with the median wall.
func between(rs []result) result {
	slices.SortFunc(rs, func(a, b result) int { return cmp.Compare(a.WallMs, b.WallMs) })
	return rs[len(rs)/2]
}

type named struct {
	name string
	result
}

// compare prints results beside the first.
func compare(first named, others ...named) {
	fmt.Println("| what | wall ms | ratio | peak MB | goroutines | CPU ms per endpoint |\n|--|--|--|--|--|--|")
	for _, r := range append([]named{first}, others...) {
		fmt.Printf("| %s | %.0f | %.3f | %.1f | %d | %.2f |\n", r.name, r.WallMs, r.WallMs/first.WallMs, r.PeakMB, r.Most,
			r.CPUMs/float64(2*r.Pairs))
	}
	fmt.Println()
}
