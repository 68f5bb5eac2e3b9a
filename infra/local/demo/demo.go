package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// grace is what a report may take beyond its own time limit: the queue, the start of a handler, the store.
const grace = 30 * time.Second

// demo is one run.
type demo struct {
	root    string
	screen  screen
	verbose bool
}

func (d demo) log() io.Writer {
	if d.verbose {
		return os.Stderr
	}
	return nil
}

// start runs the stack with these options and tells how long it took.
func (d demo) start(ctx context.Context, what string, o stack.Options) (*stack.Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	o.Root, o.Log = d.root, d.log()
	done := d.screen.progress("starting " + what)
	s, err := stack.Start(ctx, o)
	done(err)
	return s, err
}

// check sends one request through the queue and shows its report.
func (d demo) check(ctx context.Context, s *stack.Stack, c request.Check) (report.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.TimeoutSeconds)*time.Second+grace)
	defer cancel()
	done := d.screen.progress("check " + c.ID + " → queue " + stack.QueueName + " → RunCheck → tables")
	if err := s.Submit(ctx, c.ID, c.JSON()); err != nil {
		done(err)
		return report.Report{}, err
	}
	r, err := s.Report(ctx, c.ID)
	done(err)
	if err != nil {
		return report.Report{}, err
	}
	if err := d.screen.report(r); err != nil {
		return report.Report{}, err
	}
	return r, d.keepPage(ctx, s, c.ID)
}

// keepPage saves the page that a person would be sent a link to: the stack it came from is gone in a moment.
func (d demo) keepPage(ctx context.Context, s *stack.Stack, id string) error {
	status, page, err := s.Get(ctx, "/api/checks/"+id+"?format=html")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("ask for the page of %s: status %d", id, status)
	}
	directory := filepath.Join(d.root, ".local", "reports")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return fmt.Errorf("keep page: %w", err)
	}
	file := filepath.Join(directory, id+".html")
	if err := os.WriteFile(file, page, 0o644); err != nil {
		return fmt.Errorf("keep page: %w", err)
	}
	d.screen.note("Its page, for a browser: " + file)
	return nil
}

// sample checks two pairs of throw-away servers: one that is ready and one that is not.
func (d demo) sample(ctx context.Context) (err error) {
	done := d.screen.progress("starting two PostgreSQL servers with TLS")
	pair, err := startPair(ctx)
	done(err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pair.stop()) }()
	s, err := d.start(ctx, "Azurite, the Service Bus stand-in, a DNS server and the Functions host",
		stack.Options{Names: pair.names(), Settings: pair.settings()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	for _, sample := range []struct {
		title string
		check request.Check
		want  report.Verdict
	}{
		{"A pair that is ready", pair.healthy(), report.Ready},
		{"The same source behind a missing pg_hba.conf line, and a target whose private link record is missing", pair.broken(),
			report.NotReady},
	} {
		d.screen.title(sample.title)
		r, err := d.check(ctx, s, sample.check)
		if err != nil {
			return err
		}
		if r.Verdict != sample.want {
			return fmt.Errorf("check %s: verdict %s, want %s", r.ID, r.Verdict, sample.want)
		}
	}
	d.screen.note("The reports are rows of Table storage too; GET /api/checks lists them. Your own servers: " +
		"make run SOURCE=postgres://user@host/db TARGET=postgres://user@host/db, passwords in SOURCE_PASSWORD and TARGET_PASSWORD.")
	return nil
}

// own checks the caller's endpoints.
func (d demo) own(ctx context.Context, source, target string) (err error) {
	c, settings, err := ownCheck(source, target, os.Getenv)
	if err != nil {
		return err
	}
	if c.Depth == request.DepthTLS {
		d.screen.note("Without users in both addresses, and SOURCE_PASSWORD and TARGET_PASSWORD, the check goes as far as TLS.")
	}
	s, err := d.start(ctx, "Azurite, the Service Bus stand-in and the Functions host", stack.Options{Settings: settings})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	_, err = d.check(ctx, s, c)
	return err
}

// stay leaves the stack running until it is interrupted. Where Core Tools are installed, they are the host.
func (d demo) stay(ctx context.Context) (err error) {
	pair, err := startPair(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pair.stop()) }()
	coreTools, lookErr := exec.LookPath("func")
	d.verbose = true
	s, err := d.start(ctx, "the stack", stack.Options{Names: pair.names(), Settings: pair.settings(),
		WithoutHost: lookErr == nil, Address: "127.0.0.1:7071"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	sample, err := json.MarshalIndent(pair.healthy(), "", "  ")
	if err != nil {
		return fmt.Errorf("show sample: %w", err)
	}
	d.screen.note("A request to try: POST http://127.0.0.1:7071/api/checks with\n" + string(sample))
	if lookErr == nil {
		return runCoreTools(ctx, coreTools, d.root, s.Settings())
	}
	<-ctx.Done()
	return nil
}

// runCoreTools lays out the app as it is deployed, since func wants the functions beside host.json, and runs it.
func runCoreTools(ctx context.Context, coreTools, root string, settings map[string]string) error {
	dir, err := os.MkdirTemp("", "pgpreflight-app-")
	if err != nil {
		return fmt.Errorf("lay out app: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "functions"))); err != nil {
		return fmt.Errorf("lay out app: %w", err)
	}
	for from, to := range map[string]string{"host.json": "host.json", "bin/handler": "handler"} {
		if err := copyFile(filepath.Join(root, from), filepath.Join(dir, to)); err != nil {
			return fmt.Errorf("lay out app: %w", err)
		}
	}
	command := exec.CommandContext(ctx, coreTools, "start", "--port", "7071")
	command.Dir, command.Stdout, command.Stderr = dir, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Env = append(os.Environ(), "FUNCTIONS_WORKER_RUNTIME=custom")
	for name, value := range settings {
		command.Env = append(command.Env, name+"="+value)
	}
	if err := command.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("run %s: %w", strings.Join(command.Args, " "), err)
	}
	return nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}
