package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Time limits of the connection. The host is on the same machine, and the only caller.
const (
	readHeaderWithin = 10 * time.Second
	// readWithin is for a body. It is set per request: http.Server.ReadTimeout stays in force while the handler runs and
	// would then cancel every check that takes longer.
	readWithin = time.Minute
	// writeWithin is longer than any function's limit.
	writeWithin = 5 * time.Minute
	// idleFor is longer than the host keeps an idle connection in its pool (.NET: one or two minutes). Were it shorter,
	// a call could meet a connection that is just being closed, which fails the invocation.
	idleFor = 10 * time.Minute
)

// Drain is how long a stopping process waits: first for what runs, then, once that is cancelled, for its answers.
// Together they stay under the 30 seconds that a container gets.
type Drain struct{ Running, Cancelled time.Duration }

// DefaultDrain is the drain of a process that the platform stops.
func DefaultDrain() Drain { return Drain{Running: 20 * time.Second, Cancelled: grace + 2*time.Second} }

// Serve answers until the context ends, then drains: no new calls, what runs may finish, what is left is cancelled and
// answers 500, so that its message comes back to another instance.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, options ServeOptions) error {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleFor,
		ErrorLog:          slog.NewLogLogger(options.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return running },
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	options.Log.Info("handler is stopping", "waitMs", options.Drain.Running.Milliseconds())
	if shutdown(s, options.Drain.Running) == nil {
		return nil
	}
	cancel()
	if err := shutdown(s, options.Drain.Cancelled); err != nil {
		return errors.Join(fmt.Errorf("drain: invocations are left without an answer: %w", err), s.Close())
	}
	return nil
}

// ServeOptions are where Serve logs and how long it drains.
type ServeOptions struct {
	Log   *slog.Logger
	Drain Drain
}

func shutdown(s *http.Server, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return s.Shutdown(ctx)
}
