package host

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/infra/local/host/queue"
	"github.com/pgpreflight/pgpreflight/infra/local/host/timer"
	"github.com/pgpreflight/pgpreflight/shared/ncrontab"
)

// trigger listens until its first context ends; its calls go on with the second.
type trigger func(listening, calls context.Context)

func (h *Host) openQueue(f config.Function) error {
	connection, found := h.settings[f.Queue.Connection]
	if !found {
		return fmt.Errorf("setting %s is missing: the local host needs a connection string there, "+
			"it has no managed identity", f.Queue.Connection)
	}
	receiver, err := h.options.OpenReceiver(connection, f.Queue.Address)
	if err != nil {
		return fmt.Errorf("setting %s: %w", f.Queue.Connection, err)
	}
	h.receivers = append(h.receivers, receiver)
	pump := &queue.Pump{
		Receiver:                   receiver,
		MaxConcurrentCalls:         h.config.Queues.MaxConcurrentCalls,
		MaxAutoLockRenewalDuration: h.config.Queues.MaxAutoLockRenewalDuration,
		Log:                        h.log.With("function", f.Name),
		Invoke: func(ctx context.Context, message invocation.QueueMessage) error {
			body, err := invocation.Queue(f.Binding, f.Queue.Binary, message, system(f))
			if err != nil {
				return err
			}
			_, err = h.invoke(ctx, f, body)
			return err
		},
	}
	h.triggers = append(h.triggers, pump.Run)
	return nil
}

func (h *Host) openTimer(f config.Function) error {
	schedule, err := ncrontab.Parse(f.Timer.Schedule)
	if err != nil {
		return err
	}
	var store timer.Store
	if h.options.State != "" {
		store = timer.FileStore{Path: filepath.Join(h.options.State, "timers", f.Name+".json")}
	}
	t := timer.New(timer.Options{
		Schedule:     schedule,
		UseMonitor:   f.Timer.UseMonitor,
		RunOnStartup: f.Timer.RunOnStartup,
		Store:        store,
		Log:          h.log.With("function", f.Name),
		Invoke: func(ctx context.Context, status *invocation.Schedule, pastDue bool) error {
			body, err := invocation.Timer(f.Binding, status, pastDue, system(f))
			if err != nil {
				return err
			}
			_, err = h.invoke(ctx, f, body)
			return err
		},
	})
	h.timers[f.Name] = t
	h.triggers = append(h.triggers, t.Run)
	return nil
}

// RunTimer calls a timer function now and returns its outcome. Its schedule is not touched.
func (h *Host) RunTimer(ctx context.Context, function string) error {
	t, found := h.timers[function]
	if !found {
		return fmt.Errorf("run timer: no timer function %q", function)
	}
	return t.Invoke(ctx)
}

func system(f config.Function) invocation.System {
	return invocation.System{Function: f.Name, Now: time.Now(), ID: uuid.NewString()}
}
