// Package azurite runs Azurite's table service, Microsoft's own stand-in for Table storage, as a child process on
// loopback. It is for the local run and for tests; it starts no blob and no queue service and installs nothing.
package azurite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// accountKey is the published key of the development account: it protects nothing and is the same everywhere.
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

// started is the line that Azurite prints, --silent or not, once it accepts requests. The line and not an open port is
// waited for: a port may have been taken by somebody else.
const started = "Azurite Table service successfully started"

// launcher runs the script named first. When its standard input ends, because we are gone, however that came about, it
// saves and ends as on SIGINT; unref lets it end by itself before that.
const launcher = `process.stdin.on("end", () => process.emit("SIGINT")).resume().unref(); require(process.argv[1])`

const (
	startWithin = 30 * time.Second
	stopWithin  = 15 * time.Second
	attempts    = 3
	outputKept  = 8 << 10
)

// ErrNotInstalled means that node or Azurite's npm package is not there; the error's text says what to install. A test
// skips on it.
var ErrNotInstalled = errors.New("azurite is not installed")

// Options say what to run and where.
type Options struct {
	// Dir is the folder that holds node_modules, infra/local.
	Dir string
	// DataDir keeps the tables over restarts. It is made where it is missing.
	DataDir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
}

// Server is a running Azurite.
type Server struct {
	options Options
	process *process
}

// Start runs Azurite and returns once it accepts requests. The context bounds the start, not the life, of the server.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Port != 0 {
		return start(ctx, o)
	}
	var failures []error
	for range attempts {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		o.Port = port
		server, err := start(ctx, o)
		if err == nil || errors.Is(err, ErrNotInstalled) || ctx.Err() != nil {
			return server, err
		}
		// Between our look and its bind another process may have taken the port.
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func start(ctx context.Context, o Options) (*Server, error) {
	p, err := launch(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Server{options: o, process: p}, nil
}

// Port is the TCP port on 127.0.0.1; it stays the same over Restart.
func (s *Server) Port() int { return s.options.Port }

// ConnectionString is what an aztables client needs. The key in it is the published one of the development account.
func (s *Server) ConnectionString() string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=%s;"+
		"TableEndpoint=http://127.0.0.1:%d/devstoreaccount1;", accountKey, s.options.Port)
}

// Stop ends the server and keeps every write. It uses SIGINT, because on SIGTERM Azurite dies without saving and up to
// five seconds of writes are lost. Stopping a stopped server does nothing.
func (s *Server) Stop() error {
	if err := s.process.interrupt(); err != nil {
		return err
	}
	if s.process.exited(stopWithin) {
		return nil
	}
	return errors.Join(fmt.Errorf("stop azurite: still running %s after SIGINT, killed", stopWithin), s.Kill())
}

// Kill ends the server as a crash would: writes of the last five seconds may be lost.
func (s *Server) Kill() error {
	if err := s.process.kill(); err != nil {
		return err
	}
	if !s.process.exited(stopWithin) {
		return errors.New("kill azurite: the process is still there")
	}
	return nil
}

// Restart runs a stopped or killed server again, on the same port and data.
func (s *Server) Restart(ctx context.Context) error {
	select {
	case <-s.process.done:
	default:
		return errors.New("restart azurite: it is still running")
	}
	p, err := launch(ctx, s.options)
	if err != nil {
		return err
	}
	s.process = p
	return nil
}

type process struct {
	command *exec.Cmd
	// alive is Azurite's standard input, held open for as long as it shall run.
	alive  io.Closer
	output *output
	done   chan struct{}
}

func launch(ctx context.Context, o Options) (*process, error) {
	command, err := command(o)
	if err != nil {
		return nil, err
	}
	alive, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start azurite: %w", err)
	}
	p := &process{
		command: command, alive: alive, output: &output{ready: make(chan struct{})}, done: make(chan struct{}),
	}
	command.Stdout, command.Stderr = p.output, p.output
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start azurite: %w", err)
	}
	go func() {
		_ = command.Wait() // How it ended is told by its output.
		close(p.done)
	}()
	if err := p.ready(ctx); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

func command(o Options) (*exec.Cmd, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("%w: install Node.js 20 or newer", ErrNotInstalled)
	}
	// node runs the script itself: npx keeps a wrapper process of 65 MiB, which also swallows signals.
	script, err := filepath.Abs(filepath.Join(o.Dir, "node_modules", "azurite", "dist", "src", "table", "main.js"))
	if err != nil {
		return nil, fmt.Errorf("find azurite: %w", err)
	}
	if _, err := os.Stat(script); err != nil {
		return nil, fmt.Errorf("%w: run npm ci --ignore-scripts in %s", ErrNotInstalled, o.Dir)
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make azurite's data folder: %w", err)
	}
	c := exec.Command(node, "-e", launcher, script, "--location", o.DataDir, "--silent", "--disableTelemetry",
		"--tableHost", "127.0.0.1", "--tablePort", fmt.Sprint(o.Port))
	ownGroup(c)
	return c, nil
}

func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case <-p.output.ready:
		return nil
	case <-p.done:
		return fmt.Errorf("start azurite: it ended at once: %s", p.output)
	case <-ctx.Done():
		return fmt.Errorf("start azurite: %w: %s", ctx.Err(), p.output)
	}
}

func (p *process) interrupt() error { return p.signal(os.Interrupt) }

func (p *process) kill() error { return p.signal(os.Kill) }

func (p *process) signal(s os.Signal) error {
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal azurite: %w", err)
	}
	return nil
}

func (p *process) exited(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// output keeps the first bytes that Azurite prints and notes when it says that it has started.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	seen  bool
	ready chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if room := outputKept - o.text.Len(); room > 0 {
		o.text.Write(p[:min(room, len(p))])
	}
	if !o.seen && bytes.Contains(o.text.Bytes(), []byte(started)) {
		o.seen = true
		close(o.ready)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.text.String())
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}
