package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// Process is one run of the handler.
type Process struct {
	port      int
	command   *exec.Cmd
	stderr    *lines
	gone      chan struct{}
	discarded chan struct{}
	once      sync.Once
	// doomed is set before a kill: its victims' connections break before the end of the process is noticed.
	doomed atomic.Bool
}

// launch starts the executable on a fresh port. The real host keeps one port over restarts; a fresh one cannot have
// been taken by someone else in between.
func launch(o Options) (*Process, error) {
	port, err := unusedPort()
	if err != nil {
		return nil, fmt.Errorf("find port for handler: %w", err)
	}
	command := exec.Command(executable(o), o.Arguments...)
	command.Dir = o.Directory
	if command.Dir == "" {
		command.Dir = o.AppRoot
	}
	command.Env = slices.Concat(o.Environment, hostEnvironment(o, port))
	command.SysProcAttr = dieWithParent()
	// A grandchild that holds the pipes open must not hide that the handler is gone.
	command.WaitDelay = time.Second
	stdout := newLines(o.Log, func(string) slog.Level { return slog.LevelInfo })
	stderr := newLines(o.Log, stderrLevel(o.StderrIsErrors))
	command.Stdout, command.Stderr = stdout, stderr
	p := &Process{port: port, command: command, stderr: stderr, gone: make(chan struct{}), discarded: make(chan struct{})}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start handler: %w", err)
	}
	go func() {
		defer close(p.gone)
		if err := command.Wait(); err != nil && !isExit(err) {
			o.Log.Warn("wait for handler", "error", err)
		}
		stdout.flush()
		stderr.flush()
	}()
	return p, nil
}

// executable prefers a file under the app root and leaves anything else to PATH (facts section 5).
func executable(o Options) string {
	if filepath.IsAbs(o.Executable) {
		return o.Executable
	}
	path := filepath.Join(o.AppRoot, o.Executable)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return o.Executable
}

func hostEnvironment(o Options, port int) []string {
	id := uuid.NewString()
	return []string{
		"FUNCTIONS_CUSTOMHANDLER_PORT=" + strconv.Itoa(port),
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID=" + id,
		"FUNCTIONS_HTTPWORKER_PORT=" + strconv.Itoa(port),
		"FUNCTIONS_HTTPWORKER_ID=" + id,
		"FUNCTIONS_APP_ROOT_PATH=" + o.AppRoot,
	}
}

func unusedPort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// ping asks GET / every 25 ms until there is any HTTP answer, or an error that is not the socket's.
func (p *Process) ping(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/", http.NoBody)
		if err != nil {
			return fmt.Errorf("ping handler: %w", err)
		}
		response, err := client.Do(request)
		if err == nil {
			return response.Body.Close()
		}
		if ctx.Err() == nil && !isSocket(err) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("ping handler: no answer to GET /: %w", ctx.Err())
		}
	}
}

func isSocket(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isExit(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}

// URL is the address of the process without a path. The host only ever calls 127.0.0.1.
func (p *Process) URL() string { return "http://127.0.0.1:" + strconv.Itoa(p.port) }

// PID is the id of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Gone is closed when the process has ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// Kill ends the process with SIGKILL as a crash would. It counts as one: the third within 30 minutes stops the host.
func (p *Process) Kill() error {
	p.doomed.Store(true)
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill handler: %w", err)
	}
	<-p.gone
	return nil
}

// Discard kills the process and starts another one; nothing is counted. The host does so when an invocation runs into
// functionTimeout (facts section 6).
func (p *Process) Discard() { p.once.Do(func() { close(p.discarded) }) }

// usable is false from the moment the process is gone or given up, before its successor is there.
func (p *Process) usable() bool {
	return !isClosed(p.gone) && !isClosed(p.discarded) && !p.doomed.Load()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *Process) kill() {
	// The only error is that the process is gone already.
	_ = p.command.Process.Kill()
	<-p.gone
}

func (p *Process) end(grace time.Duration) {
	if err := p.command.Process.Signal(syscall.SIGTERM); err == nil {
		select {
		case <-p.gone:
			return
		case <-time.After(grace):
		}
	}
	p.kill()
}

// exitCode is -1 after a signal. Only valid when the process is gone.
func (p *Process) exitCode() int { return p.command.ProcessState.ExitCode() }

// exitError tells how the process ended, with its last lines on stderr. Only valid when the process is gone.
func (p *Process) exitError() error {
	if last := p.stderr.last(); len(last) > 0 {
		return fmt.Errorf("%s: %s", p.command.ProcessState, strings.Join(last, " | "))
	}
	return errors.New(p.command.ProcessState.String())
}
