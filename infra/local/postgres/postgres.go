// Package postgres runs throw-away PostgreSQL servers for the local run and for tests: one call makes a server with its
// own data, port, pg_hba.conf and certificate, and Stop leaves nothing behind. It installs nothing, and nothing of it is
// linked into the handler.
package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Superuser is the role that owns the server; it logs in over the Unix socket alone.
const Superuser = "postgres"

// Options describe a server. The zero value is a server without TLS on a free port of 127.0.0.1 that wants
// SCRAM-SHA-256 from everybody.
type Options struct {
	// Dir holds data, socket and log; it must be empty or missing and is kept by Stop. Empty means a new temporary
	// folder, which Stop removes.
	Dir string
	// Address is what the server listens on; default 127.0.0.1.
	Address string
	// Port 0 means a free one (5432 where there is a Prefix, since a free port of another namespace cannot be known).
	Port int
	// Prefix is a command put before the server's own, such as "ip netns exec NAME". It needs root.
	Prefix []string
	// TLS is the server's certificate; nil turns TLS off.
	TLS *tls.Certificate
	// Settings are lines of postgresql.conf; they win over this package's own.
	Settings map[string]string
	// HBA are lines of pg_hba.conf, after the one that lets the superuser in over the Unix socket. None means
	// "host all all all scram-sha-256".
	HBA []string
	// Files are further files of the data folder, by name: standby.signal, root.crt.
	Files map[string]string
	// Init is SQL that the superuser runs once, in database postgres.
	Init []string
}

// Server is a running PostgreSQL server.
type Server struct {
	Address string
	Port    int
	Dir     string

	command *exec.Cmd
	owner   owner
	ours    bool
	exited  chan struct{}
	stop    sync.Once
}

// Start makes a server and returns when it accepts connections (or, as a standby that admits nobody, when it is up).
func Start(ctx context.Context, o Options) (*Server, error) {
	binDir, err := Find()
	if err != nil {
		return nil, err
	}
	who, err := serverOwner()
	if err != nil {
		return nil, err
	}
	s := &Server{Address: o.Address, Port: o.Port, Dir: o.Dir, owner: who, ours: o.Dir == "", exited: make(chan struct{})}
	if s.Address == "" {
		s.Address = "127.0.0.1"
	}
	if err := s.prepare(ctx, binDir, o); err != nil {
		s.remove()
		return nil, err
	}
	if err := s.run(ctx, binDir, o); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context, binDir string, o Options) error {
	if err := s.makeDir(); err != nil {
		return err
	}
	if err := copyTemplate(ctx, template{binDir: binDir, owner: s.owner, to: s.data()}); err != nil {
		return err
	}
	if s.Port == 0 {
		if err := s.choosePort(o); err != nil {
			return err
		}
	}
	return s.writeConfiguration(o)
}

// choosePort asks the kernel for a free port. Another process may take it before the server does; Start then fails with
// the server's log, which is rare enough not to retry.
func (s *Server) choosePort(o Options) error {
	if len(o.Prefix) > 0 {
		s.Port = 5432
		return nil
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(s.Address, "0"))
	if err != nil {
		return fmt.Errorf("find free port: %w", err)
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return fmt.Errorf("release free port: %w", err)
	}
	return nil
}

func (s *Server) run(ctx context.Context, binDir string, o Options) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open server log: %w", err)
	}
	defer func() { _ = log.Close() }()
	s.command = s.owner.command(context.WithoutCancel(ctx), o.Prefix, filepath.Join(binDir, "postgres"), "-D", s.data())
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		s.command = nil
		return fmt.Errorf("start postgres: %w", err)
	}
	go func() {
		_ = s.command.Wait()
		close(s.exited)
	}()
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	for _, sql := range o.Init {
		if err := s.Exec(ctx, sql); err != nil {
			return fmt.Errorf("run initial SQL: %w", err)
		}
	}
	return nil
}

// waitReady reads the status line of postmaster.pid, as pg_ctl does: no connection is made, so the server's log and
// counters stay untouched.
func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		pid, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if lines := strings.Split(string(pid), "\n"); err == nil && len(lines) >= 8 {
			if status := strings.TrimSpace(lines[7]); status == "ready" || status == "standby" {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("postgres did not start; its log: %s", s.Log())
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w; its log: %s", ctx.Err(), s.Log())
		}
	}
}

// PID is the number of the server's first process, the postmaster, which collects what its children used.
func (s *Server) PID() int { return s.command.Process.Pid }

// Endpoint is the server's address and port, for a dialler.
func (s *Server) Endpoint() string { return net.JoinHostPort(s.Address, strconv.Itoa(s.Port)) }

// Log is everything that the server has logged so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	return string(text)
}

// Reload makes the server read its configuration files again. It returns before every backend has done so.
func (s *Server) Reload() error { return s.Signal(syscall.SIGHUP) }

// SetHBA replaces the lines of pg_hba.conf and returns when the server uses them.
func (s *Server) SetHBA(ctx context.Context, lines []string) error {
	if err := s.writeHBA(lines); err != nil {
		return err
	}
	before, err := s.Query(ctx, "select pg_conf_load_time()")
	if err != nil {
		return fmt.Errorf("ask for load time: %w", err)
	}
	if err := s.Reload(); err != nil {
		return err
	}
	for {
		after, err := s.Query(ctx, "select pg_conf_load_time()")
		if err != nil {
			return fmt.Errorf("ask for load time: %w", err)
		}
		if after[0][0] != before[0][0] {
			return nil
		}
	}
}

// Signal sends a signal to the server: SIGTERM begins a smart shutdown, SIGINT a fast one.
func (s *Server) Signal(signal os.Signal) error {
	if s.command == nil {
		return errors.New("signal postgres: it is not running")
	}
	if err := s.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal postgres: %w", err)
	}
	return nil
}

// Stop ends the server at once (immediate shutdown) and removes its folder unless the caller named it.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.command != nil {
			_ = s.command.Process.Signal(syscall.SIGQUIT)
			select {
			case <-s.exited:
			case <-time.After(5 * time.Second):
				_ = s.command.Process.Kill()
				<-s.exited
			}
		}
		s.remove()
	})
	return nil
}

func (s *Server) remove() {
	if s.ours && s.Dir != "" {
		_ = os.RemoveAll(s.Dir)
	}
}

func (s *Server) data() string    { return filepath.Join(s.Dir, "data") }
func (s *Server) socket() string  { return filepath.Join(s.Dir, "socket") }
func (s *Server) logFile() string { return filepath.Join(s.Dir, "log") }
