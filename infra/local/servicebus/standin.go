// Package servicebus starts and stops the local stand-in for a Service Bus namespace (the Node program in this folder)
// as a child process, for the local run and for tests. It is not linked into the handler, and speaks no AMQP itself.
package servicebus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNotInstalled marks a missing Node or missing packages; the error's text says what to install. Tests skip on it.
var ErrNotInstalled = errors.New("the Service Bus stand-in is not installed")

// Options of one stand-in. Queues are needed, the rest has defaults.
type Options struct {
	Dir     string    // the folder infra/local, as seen from the working directory
	Port    int       // AMQP port on 127.0.0.1; 0 takes a free one, which is kept over restarts
	Queues  []Queue   // the queues of the namespace
	Journal string    // file that keeps messages over Stop, Kill and Restart; empty: memory only
	Log     io.Writer // the program's own error output; nil drops it
}

// Queue is one queue of the namespace. Zero values mean: locks of 30 s, 10 deliveries, no duplicate detection.
type Queue struct {
	Name            string
	Lock            time.Duration // how long a received message stays locked
	MaxDelivery     int           // failed deliveries after which a message is dead-lettered
	DuplicateWindow time.Duration // how long a message id is remembered
}

// Standin is a running (or stopped) stand-in. Its methods are not meant for concurrent use.
type Standin struct {
	options Options
	control int // port of the control endpoint
	process *exec.Cmd
	alive   io.Closer     // the child's standard input: it ends itself when this closes, even if we crash
	exited  chan struct{} // closed when the child has ended
}

const (
	startLimit = 15 * time.Second // node needs 0.3 s on an idle machine
	stopLimit  = 5 * time.Second
)

// Start runs the stand-in and returns when it listens. ctx bounds the start only, not the life of the process.
func Start(ctx context.Context, options Options) (*Standin, error) {
	standin := &Standin{options: options}
	if err := standin.Restart(ctx); err != nil {
		return nil, err
	}
	return standin, nil
}

// Restart stops the stand-in if it runs, and starts it again on the same ports.
func (s *Standin) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	node, err := installed(s.options.Dir)
	if err != nil {
		return err
	}
	command := exec.Command(node, s.arguments()...)
	complaint := &firstWords{next: s.options.Log}
	command.Stderr = complaint
	stdin, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("prepare stand-in: %w", err)
	}
	output, writer := io.Pipe()
	command.Stdout = writer
	if err := command.Start(); err != nil {
		return fmt.Errorf("start stand-in: %w", err)
	}
	s.process, s.alive, s.exited = command, stdin, make(chan struct{})
	go func(exited chan struct{}) {
		_ = command.Wait() // how it ended is told by what it wrote to Log
		_ = writer.Close()
		close(exited)
	}(s.exited)
	return s.awaitPorts(ctx, output, complaint)
}

// ConnectionString is what azservicebus takes: plain AMQP, any key, loopback only.
func (s *Standin) ConnectionString() string {
	return fmt.Sprintf("Endpoint=sb://127.0.0.1:%d;SharedAccessKeyName=local;SharedAccessKey=bG9jYWw=;"+
		"UseDevelopmentEmulator=true", s.options.Port)
}

// ControlURL is the address of the control endpoint, without a slash at its end.
func (s *Standin) ControlURL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.control) }

// Stop ends the process in good order and waits for it. Stopping twice is no error.
func (s *Standin) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends the process as a crash would (SIGKILL) and waits for it. What it acknowledged is in the journal.
func (s *Standin) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Standin) end(signal syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	process := s.process
	s.process = nil
	defer func() { _ = s.alive.Close() }()
	if err := process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop stand-in: %w", err)
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopLimit):
		_ = process.Process.Kill()
		<-s.exited
		return fmt.Errorf("stop stand-in: it did not end within %s and was killed", stopLimit)
	}
}

// awaitPorts reads the lines "control on 127.0.0.1:N" and then "listening on 127.0.0.1:N" and remembers both ports.
func (s *Standin) awaitPorts(ctx context.Context, output *io.PipeReader, complaint *firstWords) error {
	ready := make(chan error, 1)
	var control, port int
	go func() {
		lines := bufio.NewScanner(output)
		for port == 0 && lines.Scan() {
			number := func(prefix string) int { return portAfter(lines.Text(), prefix) }
			control, port = max(control, number("control on ")), number("listening on ")
		}
		if port == 0 {
			ready <- fmt.Errorf("start stand-in: it ended before it listened: %s", complaint)
			return
		}
		ready <- nil
		_, _ = io.Copy(io.Discard, output)
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	select {
	case err := <-ready:
		if err != nil {
			_ = s.Kill()
			return err
		}
		s.control, s.options.Port = control, port
		return nil
	case <-ctx.Done():
		_ = s.Kill()
		return fmt.Errorf("start stand-in: not listening: %w", ctx.Err())
	}
}

func portAfter(line, prefix string) int {
	address, found := strings.CutPrefix(line, prefix+"127.0.0.1:")
	if !found {
		return 0
	}
	port, err := strconv.Atoi(address)
	if err != nil {
		return 0
	}
	return port
}

func (s *Standin) arguments() []string {
	queues := make([]string, len(s.options.Queues))
	for i, queue := range s.options.Queues {
		queues[i] = queue.argument()
	}
	arguments := []string{
		filepath.Join(s.options.Dir, "servicebus", "main.mjs"), "--with-parent",
		"--port", strconv.Itoa(s.options.Port), "--control", strconv.Itoa(s.control),
		"--queues", strings.Join(queues, ","),
	}
	if s.options.Journal != "" {
		arguments = append(arguments, "--journal", s.options.Journal)
	}
	return arguments
}

// argument is the queue in the form NAME:LOCK_SECONDS:MAX_DELIVERY:DEDUP_SECONDS; an empty part takes the default.
func (q Queue) argument() string {
	seconds := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
	}
	maxDelivery := ""
	if q.MaxDelivery > 0 {
		maxDelivery = strconv.Itoa(q.MaxDelivery)
	}
	return strings.Join([]string{q.Name, seconds(q.Lock), maxDelivery, seconds(q.DuplicateWindow)}, ":")
}

// firstWords keeps the beginning of what the process writes to its error output, for the error of a start that failed.
// It is read only after the process has ended.
type firstWords struct {
	kept []byte
	next io.Writer
}

func (w *firstWords) Write(p []byte) (int, error) {
	const limit = 500
	w.kept = append(w.kept, p[:min(len(p), limit-len(w.kept))]...)
	if w.next == nil {
		return len(p), nil
	}
	return w.next.Write(p)
}

func (w *firstWords) String() string { return strings.TrimSpace(string(w.kept)) }

// installed finds Node and the packages of infra/local.
func installed(dir string) (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("%w: install Node.js 20 or newer", ErrNotInstalled)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "rhea")); err != nil {
		return "", fmt.Errorf("%w: run npm ci --ignore-scripts in %s", ErrNotInstalled, dir)
	}
	return node, nil
}
