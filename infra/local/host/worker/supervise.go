package worker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The exit codes and limits of the real host (facts section 1, exit codes).
const (
	exitAccepted = 0
	exitRestart  = 200
	errorLimit   = 3
	errorWindow  = 30 * time.Minute
)

// errStopping ends the supervision, errRestart starts another process; neither is a failure.
var (
	errStopping = errors.New("worker is stopping")
	errRestart  = errors.New("handler asks for a restart")
)

// errorBucket counts errors that follow each other within the window.
type errorBucket struct {
	last  time.Time
	count int
}

// add returns how many errors have come together, this one included.
func (b *errorBucket) add(now time.Time) int {
	if now.Sub(b.last) > errorWindow {
		b.count = 0
	}
	b.last = now
	b.count++
	return b.count
}

func (w *Worker) supervise() {
	defer close(w.stopped)
	var errorsSeen errorBucket
	for {
		err := w.live()
		if errors.Is(err, errStopping) {
			return
		}
		if errors.Is(err, errRestart) {
			continue
		}
		count := errorsSeen.add(time.Now())
		w.options.Log.Error("handler failed", "error", err, "count", count)
		if count >= errorLimit {
			w.fail(fmt.Errorf("handler failed %d times within %v: %w", count, errorWindow, err))
			<-w.stop
			return
		}
	}
}

// live runs one process from start to end and returns what follows: errRestart, errStopping, or an error that counts.
func (w *Worker) live() error {
	process, err := launch(w.options)
	if err != nil {
		return err
	}
	if err := w.awaitReady(process); err != nil {
		return err
	}
	w.set(process, false)
	select {
	case <-process.gone:
	case <-process.discarded:
		process.kill()
	case <-w.stop:
		process.end(w.grace)
		return errStopping
	}
	return w.afterExit(process)
}

// awaitReady pings until the process answers. A process that does not come up in time, or leaves before, counts as an
// error; one that leaves with the exit code for a restart does not.
func (w *Worker) awaitReady(process *Process) error {
	ctx, cancel := context.WithTimeout(context.Background(), w.options.InitializationTimeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- process.ping(ctx) }()
	var err error
	select {
	case err = <-answer:
	case <-process.gone:
		err = process.exitError()
	case <-w.stop:
		process.end(w.grace)
		return errStopping
	case <-w.failed:
		process.kill()
		return errStopping
	}
	if err == nil {
		return nil
	}
	// The real host goes on pinging the dead port until the timeout, also after exit code 0, and counts then.
	if isClosed(process.gone) && process.exitCode() == exitRestart {
		return errRestart
	}
	process.kill()
	return fmt.Errorf("start handler: %w", err)
}

// afterExit decides what follows the end of a process that had been ready.
func (w *Worker) afterExit(process *Process) error {
	if isClosed(process.discarded) {
		w.set(nil, false)
		return errRestart
	}
	switch process.exitCode() {
	case exitAccepted:
		// Accepted in silence and not replaced: calls are refused from here on.
		w.set(process, true)
		w.options.Log.Warn("handler exited with 0 and is not restarted")
		<-w.stop
		return errStopping
	case exitRestart:
		w.set(nil, false)
		return errRestart
	default:
		w.set(nil, false)
		return fmt.Errorf("run handler: %w", process.exitError())
	}
}
