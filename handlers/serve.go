package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/logging"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// serve reads the settings, chooses the parts and answers the host until a signal comes. Nothing on this way dials: the
// host waits for the first answer.
func serve(p process) int {
	started := p.now()
	ctx, stopped := untilSignal()
	s, err := settings.Parse(p.getenv)
	if err != nil {
		return p.fail(err)
	}
	address, err := s.Host.Listen()
	if err != nil {
		return p.fail(err)
	}
	log := logging.New(logging.Options{Writer: p.stdout, Secrets: s.Secrets()})
	told, err := listen(s, log)
	if err != nil {
		return p.fail(err)
	}
	defer told.close(log)
	if told.made != nil {
		p.progress = told.made.Layer
	}
	parts, err := open(s, p)
	if err != nil {
		return p.fail(err)
	}
	parts = told.wrap(parts)
	parts.hooks = told
	parts.notifier = notifier(s, parts, p, log)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return p.fail(fmt.Errorf("listen: %w", err))
	}
	mux := server.New(log, functions(s, parts, p.now, log), forwarded(s, parts, log)).Watched(told.invocation)
	log.Info("handler started", "address", address, "startMs", p.now().Sub(started).Milliseconds())
	go makeTables(ctx, parts.store, log)
	if err := server.Serve(ctx, listener, mux, server.ServeOptions{Log: log, Drain: server.DefaultDrain()}); err != nil {
		log.Error("handler ended", "err", err)
		if ctx.Err() == nil {
			return p.fail(err)
		}
	}
	return stopped()
}

// makeTables makes the tables that are missing, beside the first answers: people look for them with tools of their own
// before there is a report. Where it cannot, the first write of a row makes its table.
func makeTables(ctx context.Context, t tables, log *slog.Logger) {
	if t == nil {
		return
	}
	if err := t.EnsureTables(ctx); err != nil && ctx.Err() == nil {
		log.Warn("tables are not made at the start", "err", err)
	}
}

// untilSignal gives a context that SIGTERM or SIGINT ends, and the exit code for the signal that did. A second signal
// ends the process at once.
func untilSignal() (context.Context, func() int) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		received := <-signals
		signal.Stop(signals)
		if number, ok := received.(syscall.Signal); ok {
			code <- 128 + int(number)
		} else {
			code <- exitFailed
		}
		cancel()
	}()
	return ctx, func() int { return <-code }
}
