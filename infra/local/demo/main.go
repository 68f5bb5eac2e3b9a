// Command demo is the local run: it starts the whole stack and two throw-away PostgreSQL servers with TLS, sends check
// requests through the queue and shows the reports. With -source and -target it checks the caller's own endpoints
// instead; their passwords are read from SOURCE_PASSWORD and TARGET_PASSWORD and never put into a message.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// startWithin bounds the start of everything; a cold disk makes Azurite slow.
const startWithin = 60 * time.Second

func main() {
	root := flag.String("root", ".", "the repository")
	source := flag.String("source", "", "postgres://user@host:port/database of the source")
	target := flag.String("target", "", "postgres://user@host:port/database of the target")
	stay := flag.Bool("stay", false, "start the stack and leave it running")
	verbose := flag.Bool("v", false, "show the lines of the host and the handler")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := demo{root: *root, screen: newScreen(os.Stdout), verbose: *verbose}
	var err error
	switch {
	case (*source == "") != (*target == ""):
		err = errors.New("give both SOURCE and TARGET, or neither")
	case *stay:
		err = d.stay(ctx)
	case *source != "":
		err = d.own(ctx, *source, *target)
	default:
		err = d.sample(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
