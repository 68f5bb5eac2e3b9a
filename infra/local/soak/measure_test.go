package soak

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sample is what the process holds when no check runs.
type sample struct {
	checks                    int
	rssMB, heapMB             float64
	goroutines, descriptors   int
	peakMB                    float64
	peakGoroutines, peakFiles int
}

// settleWithin is how long the peers may take to see that their clients are gone.
const settleWithin = 30 * time.Second

// rest waits until there are no more goroutines and descriptors than at first, and gives what there is then.
func rest(t *testing.T, base sample) sample {
	t.Helper()
	deadline := time.Now().Add(settleWithin)
	for {
		s := held(t)
		if s.goroutines <= base.goroutines && s.descriptors <= base.descriptors || time.Now().After(deadline) {
			runtime.GC()
			debug.FreeOSMemory()
			s = held(t)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			s.heapMB, s.rssMB = float64(m.HeapAlloc)/(1<<20), resident(t)
			return s
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func held(t *testing.T) sample {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc/self/fd here: ", err)
	}
	return sample{goroutines: runtime.NumGoroutine(), descriptors: len(files)}
}

// resident is VmRSS, in MB.
func resident(t *testing.T) float64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}

// watch notes the most that was held until it is stopped.
func watch(t *testing.T) (stop func() sample) {
	t.Helper()
	ended, most := make(chan struct{}), make(chan sample)
	go func() {
		var s sample
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			now := held(t)
			s.peakMB, s.peakGoroutines, s.peakFiles = max(s.peakMB, resident(t)), max(s.peakGoroutines, now.goroutines),
				max(s.peakFiles, now.descriptors)
			select {
			case <-ended:
				most <- s
				return
			case <-tick.C:
			}
		}
	}()
	return func() sample { close(ended); return <-most }
}

// flat holds that the last third of the samples is no higher than the first. What is allowed beside is noise: a fifth,
// and so many units.
func flat(samples []sample, f func(sample) float64, beside float64) (first, last float64, ok bool) {
	third := len(samples) / 3
	first, last = median(samples[:third], f), median(samples[len(samples)-third:], f)
	return first, last, last <= first*1.2+beside
}

func median(samples []sample, f func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, f(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func table(samples []sample) string {
	var b strings.Builder
	b.WriteString("| checks | RSS MB | heap MB | goroutines | descriptors | most RSS MB | most goroutines | most descriptors |\n" +
		"|--|--|--|--|--|--|--|--|\n")
	for _, s := range samples {
		fmt.Fprintf(&b, "| %d | %.1f | %.2f | %d | %d | %.1f | %d | %d |\n", s.checks, s.rssMB, s.heapMB, s.goroutines,
			s.descriptors, s.peakMB, s.peakGoroutines, s.peakFiles)
	}
	return b.String()
}
