package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/runcheck"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/logging"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// asHandler makes the test's own binary run as the handler, so that signals and exit codes are those of a process.
const asHandler = "PGPREFLIGHT_TEST_RUNS_AS_HANDLER"

func TestMain(m *testing.M) {
	if os.Getenv(asHandler) != "" {
		main()
	}
	os.Exit(m.Run())
}

type hostJSON struct {
	FunctionTimeout string
	CustomHandler   struct {
		EnableForwardingHTTPRequest, EnableProxyingHTTPRequest bool
	}
	Extensions struct {
		HTTP       struct{ RoutePrefix string }
		ServiceBus struct {
			MaxAutoLockRenewalDuration string
			MaxConcurrentCalls         int
		}
	}
}

func TestTimeLimitsFitTheHost(t *testing.T) {
	t.Parallel()
	var host hostJSON
	readJSON(t, "../host.json", &host)
	timeout, renewal := span(t, host.FunctionTimeout), span(t, host.Extensions.ServiceBus.MaxAutoLockRenewalDuration)
	if timeout >= renewal {
		t.Errorf("functionTimeout %s is not less than maxAutoLockRenewalDuration %s", timeout, renewal)
	}
	if runcheck.Limit >= timeout {
		t.Errorf("runcheck.Limit %s is not less than functionTimeout %s", runcheck.Limit, timeout)
	}
	// Calls beyond the slots are those that wait their turn: without them nobody can be let go first.
	if calls := host.Extensions.ServiceBus.MaxConcurrentCalls; calls < settings.DefaultMaxConcurrentChecks*5/4 {
		t.Errorf("maxConcurrentCalls %d leaves no room to wait for %d slots", calls, settings.DefaultMaxConcurrentChecks)
	}
	for _, f := range functions(settings.Settings{}, parts{}, time.Now, quiet()) {
		if f.Limit <= 0 || f.Limit >= timeout {
			t.Errorf("%s: limit %s does not fit functionTimeout %s", f.Name, f.Limit, timeout)
		}
	}
	for _, f := range httpFunctions(t) {
		if f.Limit <= 0 || f.Limit >= timeout {
			t.Errorf("%s: limit %s does not fit functionTimeout %s", f.Name, f.Limit, timeout)
		}
	}
	if !host.CustomHandler.EnableForwardingHTTPRequest || !host.CustomHandler.EnableProxyingHTTPRequest ||
		host.Extensions.HTTP.RoutePrefix != "api" {
		t.Errorf("host.json does not forward HTTP under /api: %+v", host)
	}
}

// span reads hh:mm:ss.
func span(t *testing.T, text string) time.Duration {
	t.Helper()
	var h, m, s time.Duration
	if _, err := fmt.Sscanf(text, "%d:%d:%d", &h, &m, &s); err != nil {
		t.Fatalf("time span %q: %v", text, err)
	}
	return h*time.Hour + m*time.Minute + s*time.Second
}

type binding struct {
	Type, Direction, Name, Route string
	Methods                      []string
}

// Every function.json has its route in the handler, with the same methods, and every route its function.json.
func TestFunctionsMatchRoutes(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	files, err := filepath.Glob("../functions/*/function.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no function.json: %v", err)
	}
	for _, file := range files {
		var f struct{ Bindings []binding }
		readJSON(t, file, &f)
		want[filepath.Base(filepath.Dir(file))] = describe(f.Bindings)
	}
	got := map[string]string{}
	for _, f := range functions(settings.Settings{}, parts{}, time.Now, quiet()) {
		got[f.Name] = "envelope"
	}
	for _, f := range httpFunctions(t) {
		methods := slices.Clone(f.Methods)
		slices.Sort(methods)
		got[f.Name] = "http " + f.Route + " " + strings.ToLower(strings.Join(methods, ","))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the handler has\n%v\nfunctions/ has\n%v", got, want)
	}
}

func describe(bindings []binding) string {
	for _, b := range bindings {
		if b.Type == "httpTrigger" {
			methods := slices.Clone(b.Methods)
			slices.Sort(methods)
			return "http " + b.Route + " " + strings.Join(methods, ",")
		}
	}
	return "envelope"
}

func httpFunctions(t *testing.T) []server.HTTPFunction {
	t.Helper()
	s, err := settings.Parse(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return forwarded(s, parts{}, quiet())
}

func quiet() *slog.Logger { return logging.New(logging.Options{Writer: io.Discard}) }

func TestCommandLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args           []string
		env            map[string]string
		code           int
		stdout, stderr string
	}{
		{[]string{"nonsense"}, nil, 2, "", "cannot do [\"nonsense\"]"},
		{[]string{"serve", "now"}, nil, 2, "", "usage: handler"},
		{[]string{"--help"}, nil, 0, "usage: handler", ""},
		{nil, nil, 1, "", "handler: setting FUNCTIONS_CUSTOMHANDLER_PORT: is not set"},
		{[]string{"serve"}, map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": "http"}, 1, "",
			"setting FUNCTIONS_CUSTOMHANDLER_PORT:"},
		{nil, map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": "1", "ALLOWED_TARGETS": "10.0.0.0/99"}, 1, "",
			"setting ALLOWED_TARGETS:"},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		p := process{getenv: func(name string) string { return test.env[name] }, stdout: &stdout, stderr: &stderr,
			now: time.Now}
		if code := run(test.args, p); code != test.code || !strings.Contains(stdout.String(), test.stdout) ||
			!strings.Contains(stderr.String(), test.stderr) {
			t.Errorf("%q: %d %q %q", test.args, code, &stdout, &stderr)
		}
		if test.code == 1 && strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: not one line: %q", test.args, &stderr)
		}
	}
}

// running is the handler as a process of its own.
type running struct {
	command *exec.Cmd
	address string
	output  bytes.Buffer
	started time.Time
}

func start(t *testing.T, env ...string) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{address: listener.Addr().String()}
	_, port, _ := net.SplitHostPort(r.address)
	_ = listener.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.command = exec.Command(self)
	r.command.Env = append([]string{asHandler + "=1", "FUNCTIONS_CUSTOMHANDLER_PORT=" + port}, env...)
	r.command.Stdout, r.command.Stderr = &r.output, &r.output
	r.started = time.Now()
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.command.Process.Kill(); _ = r.command.Wait() })
	return r
}

// ready asks as the host does, and gives the time from the start to the first answer.
func (r *running) ready(t *testing.T) time.Duration {
	t.Helper()
	for time.Since(r.started) < 10*time.Second {
		if response, err := http.Get("http://" + r.address + "/"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode != 200 {
				t.Fatalf("ping: %d", response.StatusCode)
			}
			return time.Since(r.started)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no answer: %s", &r.output)
	return 0
}

// The host takes 0 for a worker that is done and starts no other one.
func TestSignalsEndTheProcess(t *testing.T) {
	t.Parallel()
	for signal, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		r := start(t)
		r.ready(t)
		if err := r.command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		exit, ok := errors.AsType[*exec.ExitError](r.command.Wait())
		if !ok || exit.ExitCode() != code {
			t.Errorf("%s: %v, want exit code %d: %s", signal, exit, code, &r.output)
		}
		for line := range strings.Lines(r.output.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("log line %q", line)
			}
		}
	}
}

// The host shows the last line of a handler that dies to everybody who may see its log.
func TestAWrongSettingIsOneLineWithoutSecrets(t *testing.T) {
	t.Parallel()
	for setting, value := range map[string]string{
		"ALLOWED_TARGETS":       "postgres://u:hunter2-planted@db.example.com/orders",
		"MAX_CONCURRENT_CHECKS": "Endpoint=sb://x/;SharedAccessKey=hunter2-planted=",
		"ALLOWED_CALLBACKS":     "https://x.example.com?sig=hunter2-planted",
	} {
		var stderr bytes.Buffer
		code := run(nil, process{
			getenv: func(name string) string { return map[string]string{setting: value}[name] },
			stdout: io.Discard, stderr: &stderr, now: time.Now,
		})
		line := stderr.String()
		if code != 1 || !strings.HasPrefix(line, "handler: setting "+setting) || strings.Count(line, "\n") != 1 ||
			strings.Contains(line, "hunter2") {
			t.Errorf("%s: code %d, %q", setting, code, line)
		}
	}
}

func TestPortThatIsTaken(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.ready(t)
	_, port, _ := net.SplitHostPort(r.address)
	var stderr bytes.Buffer
	code := run(nil, process{
		getenv: func(name string) string { return map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": port}[name] },
		stdout: io.Discard, stderr: &stderr, now: time.Now,
	})
	if code != 1 || !strings.Contains(stderr.String(), "address already in use") {
		t.Errorf("code %d, %q", code, &stderr)
	}
}

// Without a single setting the handler starts, and says what is missing where it is needed.
func TestProcessWithoutSettings(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.ready(t)
	tests := []struct {
		method, path string
		status       int
		contains     string
	}{
		{"GET", "/api/health", 503, "CheckQueue__fullyQualifiedNamespace"},
		{"GET", "/api/checks", 503, "ResultTables__tableServiceUri"},
		{"POST", "/RunCheck", 500, "error"},
		{"POST", "/runcheck", 404, "no function"},
	}
	for _, test := range tests {
		body := strings.NewReader(`{"Data":{"message":"e30="},"Metadata":{}}`)
		request, err := http.NewRequest(test.method, "http://"+r.address+test.path, body)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != test.status || !strings.Contains(string(raw), test.contains) {
			t.Errorf("%s %s: %d %s", test.method, test.path, response.StatusCode, raw)
		}
	}
}

// The host waits for the first answer. The limit is far above what it takes (a few milliseconds), because a test's
// machine may be busy.
func TestStartIsQuick(t *testing.T) {
	t.Parallel()
	best := time.Hour
	for range 3 {
		best = min(best, start(t).ready(t))
	}
	if best > time.Second {
		t.Errorf("first answer after %s", best)
	}
	t.Logf("first answer after %s", best)
}

func TestIDsAreNewAndValid(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		id := newID()
		if seen[id] || len(id) != 26 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(strconv.Quote(file), err)
	}
}
