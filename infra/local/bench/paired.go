package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// paired runs every client in turn, round after round, at each round trip.
func paired(ctx context.Context, g *ground, o options) error {
	exporter, err := g.exporter(ctx, o)
	if err != nil {
		return err
	}
	clients, missing := g.competitors(o, exporter)
	if len(missing) > 0 {
		fmt.Printf("Left out, since not installed: %s.\n\n", strings.Join(missing, ", "))
	}
	results := make([]map[time.Duration][]taken, len(clients))
	for i := range results {
		results[i] = map[time.Duration][]taken{}
	}
	for _, roundTrip := range o.roundTrip {
		g.wire.SetRoundTrip(roundTrip)
		for round := range o.rounds + 1 {
			fmt.Fprintf(os.Stderr, "\rround trip %s, round %d of %d ", roundTrip, round, o.rounds)
			for i, c := range clients {
				t, err := g.run(ctx, c)
				if err != nil {
					return err
				}
				if round > 0 {
					results[i][roundTrip] = append(results[i][roundTrip], t)
				}
			}
		}
	}
	fmt.Fprint(os.Stderr, "\r\033[K")
	g.wire.SetRoundTrip(0)
	printPaired(clients, results, o)
	return nil
}

// printPaired writes the table. Waits, connections and packets are those of the longest round trip, where no answer
// overtakes a question of the other end.
func printPaired(clients []competitor, results []map[time.Duration][]taken, o options) {
	longest := o.roundTrip[len(o.roundTrip)-1]
	head, rule := "| client | waits | connections | packets |", "|--|--|--|--|"
	for _, r := range o.roundTrip {
		head += fmt.Sprintf(" %d ms: wall ms (ratio) |", r.Milliseconds())
		rule += "--|"
	}
	fmt.Printf("## One pair, in turn, median of %d\n\n%s wall/RTT | CPU ms | peak MB |\n%s--|--|--|\n", o.rounds, head, rule)
	for i, c := range clients {
		last := results[i][longest]
		name := c.name
		if c.note != "" {
			name += " (" + c.note + ")"
		}
		line := fmt.Sprintf("| %s | %.0f | %.0f | %.0f |", name, pick(last, waits),
			pick(last, func(t taken) float64 { return float64(t.counts.Connections) }),
			pick(last, func(t taken) float64 { return float64(t.counts.Packets) }))
		for _, r := range o.roundTrip {
			wall := pick(results[i][r], wallOf)
			line += fmt.Sprintf(" %.1f (%.2f) |", wall, wall/pick(results[0][r], wallOf))
		}
		over := "–"
		if longest > 0 {
			over = fmt.Sprintf("%.2f", pick(last, wallOf)/ms(longest))
		}
		fmt.Printf("%s %s | %.1f | %.1f |\n", line, over, pick(results[i][o.roundTrip[0]], func(t taken) float64 { return t.cpuMs }),
			pick(last, func(t taken) float64 { return t.peakMB }))
	}
	fmt.Println()
}

func wallOf(t taken) float64 { return t.wallMs }
