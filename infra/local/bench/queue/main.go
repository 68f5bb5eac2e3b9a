// Command queue measures one instance from the queue to the report: so many checks of a healthy pair wait in the queue
// before the host starts, and are drained. It tells how fast, how long they waited, who used the processor, and what the
// handler adds to the check itself. All of it is on loopback; bin/handler must be built.
//
//	go run ./infra/local/bench/queue [-checks 10000] [-at-once 256]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

type options struct {
	root           string
	checks, atOnce int
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "the checkout, with bin/handler built")
	flag.IntVar(&o.checks, "checks", 10_000, "checks that wait in the queue")
	flag.IntVar(&o.atOnce, "at-once", 256, "checks at the same time; the handler's own preset is 256")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "queue:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if o.checks < 100 || o.atOnce < 1 {
		return errors.New("-checks must be at least 100, -at-once at least 1")
	}
	g, err := build(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	drained, err := g.drain(ctx, o)
	if err != nil {
		return err
	}
	drained.print(o)
	bare, err := g.bare(ctx, o, "ours")
	if err != nil {
		return err
	}
	called, err := g.bare(ctx, o, "calls")
	if err != nil {
		return err
	}
	stored, err := g.bare(ctx, o, "tables")
	if err != nil {
		return err
	}
	drained.beside(bare, called, stored)
	return nil
}
