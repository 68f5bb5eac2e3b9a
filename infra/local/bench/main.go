// Command bench measures a full check of a pair beside what people use today, on one machine, in one run, turn by turn:
// waits, wall time by round trip, processor time, memory and packets. All of it happens in two network namespaces joined
// by a wire with a delay. It needs root, and says what it lacks.
//
//	go run ./infra/local/bench [-rtt 0,20,80] [-rounds 5] [-only paired,load,fleet,start,far]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

type options struct {
	root      string
	blackbox  string
	roundTrip []time.Duration
	rounds    int
	pairs     int
	only      []string
	// profile is where the clients of the load and the fleet write profiles of their processor time; empty writes none.
	profile string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	o, err := parse()
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("making network namespaces needs root")
	}
	if os.Getenv(inside) == "" {
		return enter()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	g, err := build(ctx, o)
	if err != nil {
		return err
	}
	defer g.close()
	fmt.Printf("%s\n\n", machine(ctx))
	for _, section := range []struct {
		name string
		run  func(context.Context, *ground, options) error
	}{{"paired", paired}, {"load", load}, {"fleet", fleet}, {"start", coldStart}, {"far", far}} {
		if len(o.only) > 0 && !slices.Contains(o.only, section.name) {
			continue
		}
		if err := section.run(ctx, g, o); err != nil {
			return fmt.Errorf("%s: %w", section.name, err)
		}
	}
	return nil
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.root, "root", ".", "the checkout, with bin/handler built")
	flag.StringVar(&o.blackbox, "blackbox", "", "blackbox_exporter; left out where empty")
	trips := flag.String("rtt", "0,20,80", "round trips in milliseconds")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds for each round trip, after one to warm up")
	flag.IntVar(&o.pairs, "pairs", 500, "pairs of the load and of the fleet")
	flag.StringVar(&o.profile, "profile", "", "folder for profiles of processor time, of the load and the fleet")
	only := flag.String("only", "", "sections to run: paired, load, fleet, start, far; empty means all")
	flag.Parse()
	for text := range strings.SplitSeq(*trips, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 {
			return o, fmt.Errorf("-rtt: %q is not a number of milliseconds", text)
		}
		o.roundTrip = append(o.roundTrip, time.Duration(n)*time.Millisecond)
	}
	if o.rounds < 1 || o.pairs < 1 {
		return o, errors.New("-rounds and -pairs must be at least 1")
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	return o, nil
}
