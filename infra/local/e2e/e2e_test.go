// Package e2e_test runs the whole path on real parts: queue, local Functions host, the handler's own binary, probes of real
// PostgreSQL servers, Azurite. Nothing in it is a fake but what misbehaves on purpose.
package e2e_test

import (
	"bytes"
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
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/azurite"
	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/rejudge"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	root       = "../../.."
	sourceHost = "orders-db.corp.example"
	targetHost = "orders.private.postgres.database.azure.com"
	// replies is a queue that requests may name for the answer.
	replies  = "check-replies"
	password = "never-to-be-seen-7c1f"
	// patience for one report; a redelivery after a kill waits for the lock.
	patience = 120 * time.Second
)

// handler is the binary under test, built once with the race detector.
var handler = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pgpreflight-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "handler")
	out, err := exec.Command("go", "build", "-race", "-o", path, root+"/handlers").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build handler: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := handler(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// bench is a stack with a source and a target.
type bench struct {
	*stack.Stack
	source, target *postgres.Server
	log            *lines
}

// lines keeps what host and handler wrote.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start brings everything up; extra names and settings go over the usual ones.
func start(t *testing.T, names map[string]dnsserver.Script, settings map[string]string) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	binary, err := handler()
	if err != nil {
		t.Fatal(err)
	}
	authority, err := pki.NewAuthorityOf("Microsoft Corporation", "e2e root")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{log: &lines{}}
	b.source, b.target = server(t, authority, sourceHost), server(t, authority, targetHost)
	all := map[string]dnsserver.Script{sourceHost: stack.Loopback(), targetHost: stack.Loopback()}
	for name, script := range names {
		all[name] = script
	}
	with := map[string]string{"ALLOWED_TARGETS": "127.0.0.1/32", "ALLOWED_PORTS": "1-65535",
		"MIGRATOR_PASSWORD": password, "LOCAL_ROOTS": string(authority.PEM())}
	for name, value := range settings {
		with[name] = value
	}
	b.Stack, err = stack.Start(ctx, stack.Options{Root: root, Handler: binary, Names: all, Settings: with, Log: b.log,
		Lock: 5 * time.Second, Replies: []string{replies}})
	skipIfMissing(t, err)
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(b.log.String())
		}
		if log := b.log.String(); strings.Contains(log, password) {
			t.Error("the password stands in the log")
		}
		if log := b.log.String(); strings.Contains(log, "DATA RACE") {
			t.Error("the handler has a data race:\n" + log)
		}
	})
	return b
}

func server(t *testing.T, a *pki.Authority, name string) *postgres.Server {
	t.Helper()
	certificate, err := a.Issue(pki.Options{CommonName: name, Names: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.Start(t.Context(), postgres.Options{TLS: &certificate,
		HBA:      []string{"hostssl orders,postgres migrator 127.0.0.1/32 scram-sha-256"},
		Settings: map[string]string{"log_connections": "on", "log_disconnections": "on"},
		Init: []string{"CREATE ROLE migrator LOGIN REPLICATION PASSWORD '" + password + "'",
			"CREATE DATABASE orders OWNER migrator"}})
	skipIfMissing(t, err)
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

func skipIfMissing(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, azurite.ErrNotInstalled) || errors.Is(err, servicebus.ErrNotInstalled) ||
		errors.Is(err, postgres.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) check(id string) request.Check {
	return request.Check{Version: 1, ID: id, Route: "orders-db", Wave: "2026-12", Mode: request.Offline,
		Depth: request.DepthLogin, TimeoutSeconds: 40, RequestedBy: "e2e",
		Source: endpoint(sourceHost, b.source.Port, "orders"), Target: endpoint(targetHost, b.target.Port, "postgres")}
}

func endpoint(host string, port int, database string) request.Endpoint {
	return request.Endpoint{Host: host, Port: port, Databases: []string{database}, User: "migrator",
		Credential: request.Credential{Setting: "MIGRATOR_PASSWORD"},
		TLS:        request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "LOCAL_ROOTS"}}
}

// run sends a request through the queue and waits for its report.
func (b *bench) run(t *testing.T, c request.Check) report.Report {
	t.Helper()
	b.send(t, c.ID, c.JSON())
	return b.await(t, c.ID)
}

func (b *bench) send(t *testing.T, id string, body []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Submit(ctx, id, body); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) await(t *testing.T, id string) report.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := b.Report(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(password)) {
		t.Error("the password stands in the report")
	}
	judgedAgain(t, raw)
	return r
}

// judgedAgain holds that a stored report has all that its findings rest on. One without a check behind it has nothing.
func judgedAgain(t *testing.T, raw []byte) {
	t.Helper()
	words, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	again, err := rejudge.Judge(words, raw)
	if _, cannot := errors.AsType[*rejudge.Cannot](err); cannot && !bytes.Contains(raw, []byte(`"connect"`)) {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	if changes := again.Changes(); !changes.None() || len(again.Unjudged) > 0 {
		t.Errorf("judged again it differs: %+v %q", changes, again.Unjudged)
	}
}

// post sends a body to the interface.
func (b *bench) post(t *testing.T, path string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	response, err := http.Post(b.URL()+path, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, answer
}

// codes lists what was found.
func codes(r report.Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, string(f.Code))
	}
	return strings.Join(out, " ")
}
