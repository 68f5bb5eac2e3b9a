package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// URL is the address of the HTTP functions without a path.
func (h *Host) URL() string { return "http://" + h.listener.Addr().String() }

// HandlerURL is the address of the handler itself, to speak to it past the host.
func (h *Host) HandlerURL(ctx context.Context) (string, error) {
	process, err := h.worker.Ready(ctx)
	if err != nil {
		return "", err
	}
	return process.URL(), nil
}

// KillHandler ends the handler with SIGKILL as a crash would, and returns when it is gone. It counts as one: the third
// within 30 minutes stops the host.
func (h *Host) KillHandler(ctx context.Context) error {
	process, err := h.worker.Ready(ctx)
	if err != nil {
		return err
	}
	return process.Kill()
}

// Done is closed when the host has stopped, by Stop or by itself.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err says why the host stopped itself; nil while it runs and after a Stop.
func (h *Host) Err() error { return h.worker.Err() }

// Stop takes no more triggers, waits for calls in flight up to the drain limit, abandons the rest and ends the handler
// with SIGTERM, then SIGKILL. The real host does not send SIGTERM (facts section 1, shutdown).
func (h *Host) Stop() error {
	h.stopOnce.Do(func() {
		h.stopListening()
		limit := time.AfterFunc(h.options.DrainLimit, h.endCalls)
		ctx, cancel := context.WithTimeout(context.Background(), h.options.DrainLimit)
		defer cancel()
		if err := h.server.Shutdown(ctx); err != nil {
			h.log.Warn("HTTP calls cut off", "error", err)
			_ = h.server.Close()
		}
		h.running.Wait()
		limit.Stop()
		h.endCalls()
		h.worker.Stop(5 * time.Second)
		h.stopErr = h.close()
		close(h.done)
	})
	<-h.done
	return h.stopErr
}

// close frees what open took.
func (h *Host) close() error {
	h.endCalls()
	h.stopListening()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var faults []error
	for _, r := range h.receivers {
		faults = append(faults, r.Close(ctx))
	}
	if h.listener != nil {
		if err := h.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			faults = append(faults, fmt.Errorf("close HTTP listener: %w", err))
		}
	}
	return errors.Join(faults...)
}
