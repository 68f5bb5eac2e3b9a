package worker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// behaviour is the variable that turns the test binary into a handler.
const behaviour = "WORKER_TEST_BEHAVIOUR"

func TestMain(m *testing.M) {
	if how := os.Getenv(behaviour); how != "" {
		os.Exit(handler(how))
	}
	os.Exit(m.Run())
}

// handler is a custom handler that behaves well or badly, and returns its exit code.
func handler(how string) int {
	switch how {
	case "fails-at-start":
		fmt.Fprintln(os.Stderr, "one")
		fmt.Fprintln(os.Stderr, "setting CHECK_QUEUE is missing")
		return 1
	case "never-listens":
		time.Sleep(time.Minute)
	case "asks-for-a-restart-first":
		return firstTime(os.Getenv("MARKER"))
	}
	return serve(how)
}

func firstTime(marker string) int {
	if _, err := os.Stat(marker); err == nil {
		return serve("")
	}
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		return 1
	}
	return exitRestart
}

func serve(how string) int {
	if how != "ignores-sigterm" {
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		go func() { <-terminated; fmt.Println("goodbye"); os.Exit(0) }()
	} else {
		signal.Ignore(syscall.SIGTERM)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getenv(r.URL.Query().Get("name")))
	})
	mux.HandleFunc("GET /exit", func(_ http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.URL.Query().Get("code"))
		if err != nil {
			code = 99
		}
		os.Exit(code)
	})
	fmt.Println("listening on", os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(os.Stderr, http.Serve(listener, mux))
	return 1
}

// record is a writer for logs.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func start(t *testing.T, how string, limit time.Duration) (*Worker, *record) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &record{}
	root := t.TempDir()
	w := Start(Options{
		Executable: self,
		AppRoot:    root,
		Environment: append(os.Environ(), behaviour+"="+how, "MARKER="+filepath.Join(root, "marker"),
			"GREETING=hello"),
		InitializationTimeout: limit,
		Log:                   slog.New(slog.NewTextHandler(log, nil)),
	})
	t.Cleanup(func() { w.Stop(0) })
	return w, log
}

func ready(t *testing.T, w *Worker) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p, err := w.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t *testing.T, p *Process, path string) string {
	t.Helper()
	response, err := http.Get(p.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exit makes the handler leave with a code.
func exit(t *testing.T, p *Process, code int) {
	t.Helper()
	response, err := http.Get(p.URL() + "/exit?code=" + strconv.Itoa(code))
	if err == nil {
		_ = response.Body.Close()
		t.Fatal("the handler answered instead of leaving")
	}
	waitFor(t, p.Gone(), "the handler to leave")
}

func waitFor(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("waited 20 s for %s", what)
	}
}

// next waits for a process other than an old one.
func next(t *testing.T, w *Worker, old *Process) *Process {
	t.Helper()
	for range 400 {
		if p := ready(t, w); p != old {
			return p
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no new process")
	return nil
}

func TestHandlerGetsTheHostsEnvironment(t *testing.T) {
	t.Parallel()
	w, _ := start(t, "well", 20*time.Second)
	p := ready(t, w)
	port := strings.TrimPrefix(p.URL(), "http://127.0.0.1:")
	want := map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT": port,
		"FUNCTIONS_HTTPWORKER_PORT":    port,
		"FUNCTIONS_APP_ROOT_PATH":      w.options.AppRoot,
		"GREETING":                     "hello",
	}
	for name, value := range want {
		if got := get(t, p, "/env?name="+name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
	id := get(t, p, "/env?name=FUNCTIONS_CUSTOMHANDLER_WORKER_ID")
	if len(id) != 36 || id != get(t, p, "/env?name=FUNCTIONS_HTTPWORKER_ID") {
		t.Errorf("worker id %q", id)
	}
}

func TestExitWithErrorRestartsAndTheThirdStops(t *testing.T) {
	t.Parallel()
	w, _ := start(t, "well", 20*time.Second)
	first := ready(t, w)
	exit(t, first, 1)
	second := next(t, w, first)
	exit(t, second, 7)
	third := next(t, w, second)
	if err := third.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, w.Failed(), "the worker to give up")
	if _, err := w.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("got %v, want an error that says how the third ended", err)
	}
}

func TestExitWithZeroIsNotRestarted(t *testing.T) {
	t.Parallel()
	w, log := start(t, "well", 20*time.Second)
	p := ready(t, w)
	exit(t, p, 0)
	if again := ready(t, w); again != p {
		t.Error("the handler was restarted")
	}
	response, err := http.Get(p.URL() + "/env")
	if err == nil {
		_ = response.Body.Close()
		t.Error("a call was answered after the end")
	}
	w.Stop(0)
	if !strings.Contains(log.String(), "not restarted") {
		t.Errorf("the log does not tell: %s", log)
	}
}

func TestExitWith200RestartsUncounted(t *testing.T) {
	t.Parallel()
	w, _ := start(t, "well", 20*time.Second)
	p := ready(t, w)
	for range errorLimit {
		exit(t, p, exitRestart)
		p = next(t, w, p)
	}
	if err := w.Err(); err != nil {
		t.Errorf("counted: %v", err)
	}
}

func TestExitWith200BeforeReadinessRestarts(t *testing.T) {
	t.Parallel()
	w, log := start(t, "asks-for-a-restart-first", 20*time.Second)
	ready(t, w)
	if strings.Contains(log.String(), "handler failed") {
		t.Errorf("counted: %s", log)
	}
}

func TestDiscardRestartsUncounted(t *testing.T) {
	t.Parallel()
	w, log := start(t, "well", 20*time.Second)
	p := ready(t, w)
	for range errorLimit {
		p.Discard()
		p.Discard()
		waitFor(t, p.Gone(), "the discarded process to end")
		p = next(t, w, p)
	}
	if strings.Contains(log.String(), "handler failed") {
		t.Errorf("counted: %s", log)
	}
}

func TestHandlerThatFailsAtStart(t *testing.T) {
	t.Parallel()
	w, log := start(t, "fails-at-start", 20*time.Second)
	waitFor(t, w.Failed(), "the worker to give up")
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), "setting CHECK_QUEUE is missing") {
		t.Errorf("got %v, want the last words on stderr", err)
	}
	if n := strings.Count(log.String(), `msg="handler failed"`); n != errorLimit {
		t.Errorf("%d starts, want %d", n, errorLimit)
	}
}

func TestHandlerThatNeverListens(t *testing.T) {
	t.Parallel()
	w, _ := start(t, "never-listens", 150*time.Millisecond)
	waitFor(t, w.Failed(), "the worker to give up")
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), "no answer to GET /") {
		t.Errorf("got %v", err)
	}
}

func TestMissingExecutable(t *testing.T) {
	t.Parallel()
	w := Start(Options{
		Executable: "no-such-handler", AppRoot: t.TempDir(), InitializationTimeout: time.Second,
		Log: slog.New(slog.DiscardHandler),
	})
	defer w.Stop(0)
	if _, err := w.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "no-such-handler") {
		t.Errorf("got %v, want the name of the executable", err)
	}
}

func TestStopAsksFirst(t *testing.T) {
	t.Parallel()
	w, log := start(t, "well", 20*time.Second)
	ready(t, w)
	w.Stop(20 * time.Second)
	if !strings.Contains(log.String(), "goodbye") {
		t.Errorf("no SIGTERM before the end: %s", log)
	}
}

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	t.Parallel()
	w, _ := start(t, "ignores-sigterm", 20*time.Second)
	p := ready(t, w)
	w.Stop(50 * time.Millisecond)
	waitFor(t, p.Gone(), "the process to end")
	if p.exitCode() != -1 {
		t.Errorf("exit code %d, want a signal", p.exitCode())
	}
}

func TestErrorBucket(t *testing.T) {
	t.Parallel()
	var bucket errorBucket
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	steps := []struct {
		after time.Duration
		want  int
	}{{0, 1}, {29 * time.Minute, 2}, {31 * time.Minute, 1}, {30 * time.Minute, 2}, {time.Second, 3}}
	for i, step := range steps {
		at = at.Add(step.after)
		if got := bucket.add(at); got != step.want {
			t.Errorf("step %d: got %d, want %d", i, got, step.want)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLines(slog.New(slog.NewTextHandler(&out, nil)), stderrLevel(false))
	endless := strings.Repeat("x", longestLine)
	for _, chunk := range []string{"started ", "well\r\nWARNING: slow\n\nit fail", "ed\n", endless, "end"} {
		if n, err := l.Write([]byte(chunk)); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.flush()
	for _, want := range []string{`level=INFO msg="started well"`, `level=WARN msg="WARNING: slow"`,
		`level=ERROR msg="it failed"`, "msg=end"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %.300s", want, out.String())
		}
	}
	if got := l.last(); len(got) != tail || got[2] != "end" {
		t.Errorf("kept %d lines", len(got))
	}
	if stderrLevel(true)("hello") != slog.LevelError {
		t.Error("stderr for errors only: a plain line is no error")
	}
}
