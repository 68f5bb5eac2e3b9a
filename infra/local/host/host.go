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
