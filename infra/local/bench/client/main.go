// Command client is what the benchmark runs besides the programs that people have: many checks in one process, and the
// program that somebody would write with pgx who knows it well.
//
//	client -place FILE [-pairs N] [-at-once K] ours|first|calls|tables|pgx|holes
//	                                               (tables: BENCH_TABLES is their connection string)
//	client -url URL[,URL] [-pairs N] [-at-once K] get
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/place"
)

// Result is what the client tells of its work, in one line of JSON.
type Result struct {
	Pairs    int     `json:"pairs"`
	WallMs   float64 `json:"wallMs"`
	MedianMs float64 `json:"medianMs"`
	P99Ms    float64 `json:"p99Ms"`
	CPUMs    float64 `json:"cpuMs"`
	PeakMB   float64 `json:"peakMB"`
	// MostTasks is the largest number of goroutines at the end of a check. Nothing looks on meanwhile: a hundred looks a
	// second cost more than a check.
	MostTasks int `json:"mostGoroutines"`
	// Verdicts counts the outcomes: a benchmark of something that failed is none.
	Verdicts map[string]int `json:"verdicts"`
}

func main() {
	file := flag.String("place", "", "file that describes the servers")
	urls := flag.String("url", "", "addresses to get, one for each end")
	pairs := flag.Int("pairs", 1, "checks of a source and a target")
	atOnce := flag.Int("at-once", 1, "checks at the same time")
	timeout := flag.Int("timeout", 60, "seconds for one check")
	profile := flag.String("profile", "", "file for a profile of processor time")
	flag.Parse()
	stop, err := profiling(*profile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	work, err := worker(flag.Arg(0), *file, strings.Split(*urls, ","), *timeout)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(measure(work, *pairs, *atOnce))
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

// profiling writes a profile until it is stopped; nothing where no file is named.
func profiling(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	to, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(to); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = to.Close()
	}, nil
}

// work checks one pair and says how it came out.
type work func(ctx context.Context, number int) string

func worker(name, file string, urls []string, timeout int) (work, error) {
	if name == "get" {
		return get(urls), nil
	}
	p, err := place.Read(file)
	if err != nil {
		return nil, err
	}
	switch name {
	case "ours":
		return ours(p, p.Request, timeout, rows)
	case "first":
		return first(p, timeout)
	case "calls":
		finish, err := calls()
		if err != nil {
			return nil, err
		}
		return ours(p, p.Request, timeout, finish)
	case "tables":
		finish, err := stored(os.Getenv("BENCH_TABLES"))
		if err != nil {
			return nil, err
		}
		return ours(p, p.Request, timeout, finish)
	case "holes":
		return ours(p, p.Holes, timeout, rows)
	case "pgx":
		return ideal(p)
	}
	return nil, fmt.Errorf("there is no client %q", name)
}

func measure(do work, pairs, atOnce int) Result {
	r := Result{Pairs: pairs, Verdicts: map[string]int{}}
	took := make([]float64, pairs)
	var mu sync.Mutex
	before, started := used(), time.Now()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range pairs {
		group.Go(func() error {
			begun := time.Now()
			verdict := do(context.Background(), i)
			tasks := runtime.NumGoroutine()
			mu.Lock()
			defer mu.Unlock()
			took[i], r.Verdicts[verdict] = ms(time.Since(begun)), r.Verdicts[verdict]+1
			r.MostTasks = max(r.MostTasks, tasks)
			return nil
		})
	}
	_ = group.Wait() // no task returns an error
	r.WallMs, r.CPUMs = ms(time.Since(started)), used()-before
	slices.Sort(took)
	r.MedianMs, r.P99Ms, r.PeakMB = took[pairs/2], took[pairs*99/100], peak()
	return r
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// used is the processor time of this process, in milliseconds.
func used() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return ms(time.Duration(u.Utime.Nano() + u.Stime.Nano()))
}

// peak is the largest resident memory of this process, in MB.
func peak() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024
}
