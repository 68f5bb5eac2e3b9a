// Package worker runs the custom handler's process as the Azure Functions host does: environment, readiness, output and
// the rules of what an exit means. It does not call functions; its users do, at the address that Ready gives.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options describe the process. All fields but Arguments and Directory are needed.
type Options struct {
	// Executable is a path, or a command to look up on PATH.
	Executable string
	Arguments  []string
	// Directory is the working directory; empty means AppRoot.
	Directory string
	AppRoot   string
	// Environment holds NAME=value lines: all app settings. The worker adds the host's own.
	Environment           []string
	InitializationTimeout time.Duration
	// StderrIsErrors makes every line on stderr an error, otherwise its words decide.
	StderrIsErrors bool
	Log            *slog.Logger
}

// Worker keeps one handler process alive. Use Start.
type Worker struct {
	options Options
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
	grace   time.Duration

	mu      sync.Mutex
	current *Process
	// accepted means that current has exited with 0 and stays.
	accepted bool
	changed  chan struct{}
	failure  error
	failed   chan struct{}
}

// Start launches the handler and returns at once; Ready waits for it.
func Start(options Options) *Worker {
	w := &Worker{
		options: options,
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
		changed: make(chan struct{}),
		failed:  make(chan struct{}),
	}
	go w.supervise()
	return w
}

// Ready returns the process that answers calls, and waits while one is starting. It may be one that has exited with 0:
// the real host does not replace it, and calls to it are refused. After four times the initialization timeout the
// worker fails (facts section 1, early invocations).
func (w *Worker) Ready(ctx context.Context) (*Process, error) {
	limit := time.NewTimer(4 * w.options.InitializationTimeout)
	defer limit.Stop()
	for {
		w.mu.Lock()
		process, accepted, changed, failure := w.current, w.accepted, w.changed, w.failure
		w.mu.Unlock()
		switch {
		case failure != nil:
			return nil, failure
		case process != nil && (accepted || process.usable()):
			return process, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			w.fail(fmt.Errorf("wait for handler: not ready after %v", 4*w.options.InitializationTimeout))
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for handler: %w", ctx.Err())
		}
	}
}

// Failed is closed when the worker gave up; the real host then stops itself. Err says why.
func (w *Worker) Failed() <-chan struct{} { return w.failed }

// Err is the reason of a failure, nil before.
func (w *Worker) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// Stop ends the process: SIGTERM, then SIGKILL after the grace time. It returns when the process is gone. The real host
// kills at once (facts section 1, shutdown); the grace lets a developer's coverage and profile files be written.
func (w *Worker) Stop(grace time.Duration) {
	w.once.Do(func() {
		w.grace = grace
		close(w.stop)
	})
	<-w.stopped
}

// set makes a process the one that answers calls; nil while there is none.
func (w *Worker) set(process *Process, accepted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current, w.accepted = process, accepted
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *Worker) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure != nil {
		return
	}
	w.failure = err
	w.current = nil
	close(w.failed)
	close(w.changed)
	w.changed = make(chan struct{})
}
