package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/azurite"
	"github.com/pgpreflight/pgpreflight/infra/local/host"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
)

const (
	root     = "../../.."
	password = "never-to-be-seen-7c1f"
	// startWithin bounds the start of a part, on a busy machine.
	startWithin = time.Minute
	// longOutage is more than an invocation waits for the tables before it puts its message back.
	longOutage = 24 * time.Second
)

// platform is the stack and the host on it. A host that stopped itself after the third crash is started again at the
// same address, as the platform does with an instance.
type platform struct {
	stack   *stack.Stack
	url     string
	options host.Options

	mu      sync.Mutex
	host    *host.Host
	stopped bool
	// hosts counts the hosts that were started.
	hosts int
	done  chan struct{}
}

func startPlatform(t *testing.T, settings map[string]string) *platform {
	t.Helper()
	log, err := logFile()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{Root: root, WithoutHost: true, Settings: settings, Log: log,
		Lock: 15 * time.Second, DuplicateWindow: duplicateWindow, Replies: []string{replies}})
	if errors.Is(err, azurite.ErrNotInstalled) || errors.Is(err, servicebus.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{stack: s, done: make(chan struct{}), options: host.Options{Root: root, Handler: buildHandler(t),
		Settings: s.Settings(), DrainLimit: time.Second, Log: slog.New(slog.NewTextHandler(log, nil))}}
	t.Cleanup(func() {
		p.stop()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.startHost(); err != nil {
		t.Fatal(err)
	}
	p.url = p.host.URL()
	p.options.Address = strings.TrimPrefix(p.url, "http://")
	go p.keepRunning()
	return p
}

func logFile() (io.WriteCloser, error) {
	if err := os.MkdirAll(filepath.Join(root, ".local"), 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(root, ".local", "chaos.log"))
}

// buildHandler makes the binary as it is deployed: without the race detector, which would be all that is measured.
func buildHandler(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "handler")
	build := exec.Command("go", "build", "-trimpath", "-o", path, root+"/handlers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build handler: %v\n%s", err, out)
	}
	return path
}

func (p *platform) startHost() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	h, err := host.Start(ctx, p.options)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.host = h
	p.hosts++
	return nil
}

func (p *platform) current() *host.Host {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.host
}

func (p *platform) wanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.stopped
}

// started counts the hosts so far.
func (p *platform) started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hosts
}

// keepRunning starts a host after each that ended.
func (p *platform) keepRunning() {
	defer close(p.done)
	for {
		h := p.current()
		<-h.Done()
		for p.wanted() && p.startHost() != nil {
			time.Sleep(100 * time.Millisecond) // Its port may not be free yet.
		}
		if !p.wanted() {
			return
		}
	}
}

// stop ends the host, also one that was just being started. A platform whose start failed has nobody who keeps it running.
func (p *platform) stop() {
	p.mu.Lock()
	p.stopped = true
	running := p.host != nil && p.url != ""
	p.mu.Unlock()
	if h := p.current(); h != nil {
		_ = h.Stop() // It may have stopped itself.
	}
	if running {
		<-p.done
		_ = p.current().Stop()
	}
}

// kill ends the handler in the midst of whatever it does. Where a host is just being replaced it waits for the next.
func (p *platform) kill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		h := p.current()
		err := h.KillHandler(ctx)
		if err == nil || !sleep(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// The blows that matter to who was told twice.
const (
	handlerKilled = "handler killed"
	queueStopped  = "queue stopped"
	queueKilled   = "queue killed"
	cutOff        = "connections cut"
)

// incident is a blow that was struck, from its beginning to its end.
type incident struct {
	name     string
	from, to time.Time
}

// blow is one thing that goes wrong.
type blow struct {
	name string
	// strike takes the platform's own time source for how long an outage lasts.
	strike func(ctx context.Context, p *platform, outage time.Duration) error
}

func blows() []blow {
	restart := func(stop func(*stack.Stack) error, start func(*stack.Stack) func(context.Context) error) func(context.Context,
		*platform, time.Duration) error {
		return func(ctx context.Context, p *platform, outage time.Duration) error {
			if err := stop(p.stack); err != nil {
				return err
			}
			sleep(ctx, outage)
			return insist(ctx, start(p.stack))
		}
	}
	inject := func(faults servicebus.Faults) func(context.Context, *platform, time.Duration) error {
		return func(ctx context.Context, p *platform, _ time.Duration) error {
			return insist(ctx, func(ctx context.Context) error { return p.stack.Bus.Inject(ctx, faults) })
		}
	}
	bus := func(s *stack.Stack) func(context.Context) error { return s.Bus.Restart }
	tables := func(s *stack.Stack) func(context.Context) error { return s.Tables.Restart }
	stopTables := restart(func(s *stack.Stack) error { return s.Tables.Stop() }, tables)
	all := []blow{
		{"tables stopped for long", func(ctx context.Context, p *platform, _ time.Duration) error {
			return stopTables(ctx, p, longOutage)
		}},
		{"tables stopped", stopTables},
		{"tables stopped", stopTables},
		{"tables stopped", stopTables},
		{queueStopped, restart(func(s *stack.Stack) error { return s.Bus.Stop() }, bus)},
		{queueStopped, restart(func(s *stack.Stack) error { return s.Bus.Stop() }, bus)},
		{queueKilled, restart(func(s *stack.Stack) error { return s.Bus.Kill() }, bus)},
		{queueKilled, restart(func(s *stack.Stack) error { return s.Bus.Kill() }, bus)},
		{cutOff, inject(servicebus.Faults{DropConnections: true})},
		{"locks lost", inject(servicebus.Faults{LoseLocks: stack.QueueName})},
	}
	for range 9 {
		all = append(all, blow{handlerKilled, func(ctx context.Context, p *platform, _ time.Duration) error { return p.kill(ctx) }})
	}
	return all
}

// insist tries again what did not come about in its own time: on a busy machine Azurite may need longer to read its data.
func insist(ctx context.Context, call func(context.Context) error) error {
	const tries = 5
	var faults []error
	for range tries {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), startWithin)
		err := call(within)
		cancel()
		if err == nil {
			return nil
		}
		faults = append(faults, err)
		if !sleep(ctx, time.Second) {
			break
		}
	}
	return errors.Join(faults...)
}

// strike lets everything go wrong, in an order and at times drawn from the seed, and tells what went wrong when.
func (p *platform) strike(ctx context.Context, random *rand.Rand, over time.Duration) ([]incident, error) {
	all := blows()
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var struck []incident
	gap := over / time.Duration(len(all))
	for _, b := range all {
		if !sleep(ctx, gap/2+time.Duration(random.Int64N(int64(gap)))) {
			break
		}
		from := time.Now()
		if err := b.strike(ctx, p, time.Second+time.Duration(random.Int64N(int64(2*time.Second)))); err != nil {
			return struck, fmt.Errorf("%s: %w", b.name, err)
		}
		struck = append(struck, incident{b.name, from, time.Now()})
	}
	return struck, nil
}

// startServer gives the port of a PostgreSQL server with room for everybody.
func startServer(t *testing.T) int {
	t.Helper()
	s, err := postgres.Start(t.Context(), postgres.Options{
		HBA:      []string{"host all migrator 127.0.0.1/32 scram-sha-256"},
		Settings: map[string]string{"max_connections": "700"},
		Init: []string{"CREATE ROLE migrator LOGIN REPLICATION PASSWORD '" + password + "'",
			"CREATE DATABASE orders OWNER migrator"}})
	if errors.Is(err, postgres.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s.Port
}
