// Package stack starts the local stand-ins for what pgpreflight runs on in Azure, and the handler under a local Functions
// host: Azurite for the tables, a Service Bus stand-in for the queue, a scripted DNS server for names. It serves the
// local run and the end-to-end tests.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/infra/local/azurite"
	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/host"
	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/shared/secret"

	"github.com/pgpreflight/pgpreflight/shared/queue"
)

// QueueName is the queue that check requests wait in.
const QueueName = "check-requests"

// The queue as it is deployed, with a shorter lock: a killed handler's message comes back while somebody waits for it.
const (
	lock            = 30 * time.Second
	maxDelivery     = 10
	duplicateWindow = 10 * time.Minute
)

// Options say what to start. Root is needed.
type Options struct {
	// Root is the folder of host.json, infra and bin.
	Root string
	// Handler is the executable to run; empty means Root/bin/handler.
	Handler string
	// Names are what the DNS server knows; nil starts no DNS server.
	Names map[string]dnsserver.Script
	// Settings are app settings that go over the stack's own.
	Settings map[string]string
	// Lock is how long a message stays locked; 0 means 30 s.
	Lock time.Duration
	// DuplicateWindow is how long the queue remembers message ids; 0 means 10 minutes.
	DuplicateWindow time.Duration
	// Replies are further queues of the namespace, which remember no message ids.
	Replies []string
	// WithoutHost leaves the Functions host to the caller, as Core Tools are one.
	WithoutHost bool
	// Address of the host's HTTP port; empty means a free one.
	Address string
	// Log gets the lines of host and handler; nil drops them.
	Log io.Writer
}

// Stack is everything that runs.
type Stack struct {
	Tables *azurite.Server
	Bus    *servicebus.Standin
	Names  *dnsserver.Server
	Host   *host.Host

	options Options
	dir     string
	queue   *queue.Queue
}

// Start starts everything at once and waits for it. What was started is stopped again where something fails.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Lock == 0 {
		o.Lock = lock
	}
	if o.DuplicateWindow == 0 {
		o.DuplicateWindow = duplicateWindow
	}
	dir, err := os.MkdirTemp("", "pgpreflight-stack-")
	if err != nil {
		return nil, fmt.Errorf("start stack: %w", err)
	}
	s := &Stack{options: o, dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start stack: %w", err), s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	local := filepath.Join(s.options.Root, "infra", "local")
	var starting errgroup.Group
	starting.Go(func() (err error) {
		s.Tables, err = azurite.Start(ctx, azurite.Options{Dir: local, DataDir: filepath.Join(s.dir, "tables")})
		return err
	})
	starting.Go(func() (err error) {
		s.Bus, err = servicebus.Start(ctx, servicebus.Options{Dir: local, Log: s.options.Log,
			Journal: filepath.Join(s.dir, "queue.journal"), Queues: s.options.queues()})
		return err
	})
	if s.options.Names != nil {
		starting.Go(func() (err error) {
			s.Names, err = dnsserver.Start(dnsserver.Options{Names: s.options.Names})
			return err
		})
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	var err error
	s.queue, err = queue.Open(queue.Config{ConnectionString: secret.New(s.Bus.ConnectionString()), Queue: QueueName})
	if err != nil || s.options.WithoutHost {
		return err
	}
	handler := s.options.Handler
	if handler == "" {
		handler = filepath.Join(s.options.Root, "bin", "handler")
	}
	s.Host, err = host.Start(ctx, host.Options{Root: s.options.Root, Settings: s.Settings(), Address: s.options.Address,
		Handler: handler, Log: slog.New(slog.NewTextHandler(s.options.Log, nil))})
	return err
}

func (o Options) queues() []servicebus.Queue {
	queues := []servicebus.Queue{{Name: QueueName, Lock: o.Lock, MaxDelivery: maxDelivery, DuplicateWindow: o.DuplicateWindow}}
	for _, name := range o.Replies {
		queues = append(queues, servicebus.Queue{Name: name, MaxDelivery: maxDelivery})
	}
	return queues
}

// Settings are the app settings that point at this stack.
func (s *Stack) Settings() map[string]string {
	settings := map[string]string{
		"CheckQueue":         s.Bus.ConnectionString(),
		"CHECK_QUEUE":        QueueName,
		"ResultTables":       s.Tables.ConnectionString(),
		"READINESS_SCHEDULE": "0 */5 * * * *",
	}
	if s.Names != nil {
		settings["RESOLVERS"] = s.Names.Address().String()
	}
	maps.Copy(settings, s.options.Settings)
	return settings
}

// Submit puts a request on the queue, as a migration pipeline does.
func (s *Stack) Submit(ctx context.Context, id string, body []byte) error {
	return s.queue.Send(ctx, queue.Message{ID: id, Body: body})
}

// URL is where the host answers.
func (s *Stack) URL() string { return s.Host.URL() }

// Stop stops everything that was started and forgets its data.
func (s *Stack) Stop() error {
	var faults []error
	if s.Host != nil {
		faults = append(faults, s.Host.Stop())
	}
	if s.queue != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.queue.Close(ctx) // the broker goes down with it
	}
	if s.Bus != nil {
		faults = append(faults, s.Bus.Stop())
	}
	if s.Tables != nil {
		faults = append(faults, s.Tables.Stop())
	}
	if s.Names != nil {
		s.Names.Close()
	}
	return errors.Join(append(faults, os.RemoveAll(s.dir))...)
}

// Loopback is the script of a name that leads to this machine.
func Loopback() dnsserver.Script {
	return dnsserver.Script{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
}
