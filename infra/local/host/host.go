// Package host is a stand-in for the Azure Functions host, for the local run and for tests: it reads the same host.json
// and function.json files, starts the handler, receives from Service Bus, runs timers and routes HTTP. "Facts" in its
// comments are the researched behaviour of host 4.1037. It is no part of the product and simulates only the bindings
// that the product uses; anything else is refused at the start. Lines on behaviour that differs say so.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/host/bus"
	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
	"github.com/pgpreflight/pgpreflight/infra/local/host/queue"
	"github.com/pgpreflight/pgpreflight/infra/local/host/timer"
	"github.com/pgpreflight/pgpreflight/infra/local/host/worker"
)

// Options say what to run. Only Root is needed.
type Options struct {
	// Root is the folder of host.json, with the functions in Root/functions/<Name> or Root/<Name>.
	Root string
	// Handler is the executable to run instead of the one that host.json names, such as bin/handler.
	Handler string
	// Settings are the app settings. They go over the environment of this process, and both reach the handler.
	Settings map[string]string
	// Address to serve HTTP on; empty means a free port of 127.0.0.1.
	Address string
	// Key lets callers in to functions of level function and admin; empty lets everyone in, as Core Tools do.
	Key string
	// OldHost is a host that does not know enableProxyingHttpRequest yet and forwards instead.
	OldHost bool
	// State is a folder for the status of timers; empty keeps it in memory.
	State string
	// DrainLimit is how long Stop waits for calls in flight; zero means 10 s.
	DrainLimit time.Duration
	// Log gets the host's and the handler's lines; nil means slog.Default.
	Log *slog.Logger
	// OpenReceiver opens a queue by connection string and address; nil means Service Bus.
	OpenReceiver func(connectionString, address string) (queue.Receiver, error)
}

// Host is a running host.
type Host struct {
	options   Options
	settings  config.Settings
	config    config.Host
	functions []config.Function
	worker    *worker.Worker
	client    *http.Client
	proxy     http.RoundTripper
	timers    map[string]*timer.Timer
	receivers []queue.Receiver
	triggers  []trigger
	listener  net.Listener
	server    *http.Server
	log       *slog.Logger

	// calls carries every invocation and outlives listening, which carries the triggers.
	calls, listening        context.Context
	endCalls, stopListening context.CancelFunc
	running                 sync.WaitGroup
	stopOnce                sync.Once
	stopErr                 error
	done                    chan struct{}
}

// Start reads the configuration, starts the handler, waits until it is ready and then opens the triggers. The context
// bounds the start only; the host runs until Stop, or until the handler has failed too often.
func Start(ctx context.Context, options Options) (*Host, error) {
	h, err := prepare(options)
	if err != nil {
		return nil, err
	}
	if err := h.open(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	h.worker = worker.Start(h.workerOptions())
	if _, err := h.worker.Ready(ctx); err != nil {
		h.worker.Stop(0)
		return nil, errors.Join(fmt.Errorf("start host: %w", err), h.close())
	}
	h.serve()
	h.log.Info("host started", "url", h.URL(), "functions", len(h.functions))
	return h, nil
}

// prepare reads and checks everything that needs no resource.
func prepare(options Options) (*Host, error) {
	root, err := filepath.Abs(options.Root)
	if err != nil {
		return nil, fmt.Errorf("find root: %w", err)
	}
	options.Root = root
	h := &Host{options: options, log: options.Log, timers: map[string]*timer.Timer{}, done: make(chan struct{})}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.options.DrainLimit == 0 {
		h.options.DrainLimit = 10 * time.Second
	}
	if h.options.OpenReceiver == nil {
		h.options.OpenReceiver = bus.Open
	}
	h.settings = config.FromEnvironment(os.Environ()).Merge(options.Settings)
	if h.config, err = config.ReadHost(root); err != nil {
		return nil, err
	}
	if h.functions, err = config.ReadFunctions(root, h.settings); err != nil {
		return nil, err
	}
	h.calls, h.endCalls = context.WithCancel(context.Background())
	h.listening, h.stopListening = context.WithCancel(context.Background())
	h.client, h.proxy = clients(h.config.Handler.Forwarding)
	return h, nil
}

// open takes the port, the queues and the schedules, so that a wrong one stops the start.
func (h *Host) open() error {
	address := h.options.Address
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	h.listener = listener
	for _, f := range h.functions {
		var err error
		switch {
		case f.Queue != nil:
			err = h.openQueue(f)
		case f.Timer != nil:
			err = h.openTimer(f)
		}
		if err != nil {
			return fmt.Errorf("function %s: %w", f.Name, err)
		}
	}
	return nil
}

func (h *Host) workerOptions() worker.Options {
	executable := h.config.Handler.Executable
	if h.options.Handler != "" {
		executable = h.options.Handler
	}
	arguments := make([]string, len(h.config.Handler.Arguments))
	for i, argument := range h.config.Handler.Arguments {
		arguments[i] = h.settings.ExpandLenient(argument)
	}
	directory := h.config.Handler.WorkingDirectory
	if directory != "" && !filepath.IsAbs(directory) {
		directory = filepath.Join(h.options.Root, directory)
	}
	return worker.Options{
		Executable:            executable,
		Arguments:             arguments,
		Directory:             directory,
		AppRoot:               h.options.Root,
		Environment:           h.settings.Environment(),
		InitializationTimeout: h.config.Handler.InitializationTimeout,
		StderrIsErrors:        h.config.Handler.StderrIsErrors,
		Log:                   h.log,
	}
}

// serve opens the triggers.
func (h *Host) serve() {
	for _, run := range h.triggers {
		h.running.Go(func() { run(h.listening, h.calls) })
	}
	h.server = &http.Server{
		Handler:           h.router(),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return h.calls },
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := h.server.Serve(h.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("HTTP ended", "error", err)
		}
	}()
	go func() {
		select {
		case <-h.worker.Failed():
			h.log.Error("host stops itself", "error", h.worker.Err())
			_ = h.Stop()
		case <-h.done:
		}
	}()
}

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
