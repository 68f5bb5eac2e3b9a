package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/host"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
)

// build compiles the handler of a checkout as the Makefile does, but for the revision: a checkout may have changes.
func build(root, to string) error {
	compile := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", to, "./handlers")
	compile.Dir, compile.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// checkout copies what the package is made of to another folder.
func checkout(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"functions", "handlers", "shared"} {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join("..", "..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "host.json"} {
		content, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func pack(t *testing.T, root, handler string) []byte {
	t.Helper()
	entries, err := collect(root, handler)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(&out, entries); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The same source in two folders, built at two times, gives one package; and that package runs.
func TestSameSourceSamePackageThatRuns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the handler twice")
	}
	roots := []string{filepath.Join("..", ".."), checkout(t)}
	handlers := []string{filepath.Join(t.TempDir(), "handler"), filepath.Join(t.TempDir(), "handler")}
	var builds errgroup.Group
	for i := range roots {
		builds.Go(func() error { return build(roots[i], handlers[i]) })
	}
	if err := builds.Wait(); err != nil {
		t.Fatal(err)
	}
	first, second := pack(t, roots[0], handlers[0]), pack(t, roots[1], handlers[1])
	if !bytes.Equal(first, second) {
		t.Error("two checkouts of the same source give different packages")
	}
	runs(t, unpack(t, first))
}

// unpack extracts as the platform does, which sets the mode that the archive names.
func unpack(t *testing.T, archive []byte) string {
	t.Helper()
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files.File {
		from, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, f.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runs starts the package as it is under the local Functions host, on the local stack, and asks after its health.
func runs(t *testing.T, root string) {
	t.Helper()
	parts, err := stack.Start(t.Context(), stack.Options{Root: filepath.Join("..", ".."), WithoutHost: true,
		Names: map[string]dnsserver.Script{}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.Start(t.Context(), host.Options{Root: root, Settings: parts.Settings()})
	if err != nil {
		t.Fatal(errors.Join(err, parts.Stop()))
	}
	defer func() {
		if err := errors.Join(h.Stop(), parts.Stop()); err != nil {
			t.Error(err)
		}
	}()
	answer, err := http.Get(h.URL() + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var health struct{ Status string }
	if err := json.NewDecoder(answer.Body).Decode(&health); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %v, health %q", answer.Status, err, health.Status)
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "handler")
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	compile := exec.Command("go", "build", "-o", program, source)
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	root := filepath.Join("..", "..")
	entries, err := collect(root, program)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	folders, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		want = append(want, folder.Name()+"/function.json")
	}
	want = append(want, "handler", "host.json", "sbom.cdx.json")
	slices.Sort(want)
	var got []string
	for _, e := range entries {
		got = append(got, e.name)
		if e.executable != (e.name == "handler") {
			t.Errorf("%s: executable %v", e.name, e.executable)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	self, err := os.Executable() // under the race detector it is linked dynamically
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "handler")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, want string }{
		"absent": {filepath.Join(t.TempDir(), "handler"), "read handler"},
		"script": {text, "not a Linux program"},
	} {
		if _, err := collect("../..", c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := checkProgram(shell); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("%s: %v", shell, err)
	}
	dir := t.TempDir()
	for _, name := range []string{"function.json", "notes.txt"} {
		if err := os.MkdirAll(filepath.Join(dir, "RunCheck"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "RunCheck", name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := functions(dir); err == nil || !strings.Contains(err.Error(), "RunCheck") {
		t.Errorf("a function with a stray file: %v", err)
	}
	if _, err := functions(t.TempDir()); err == nil {
		t.Error("no functions at all was taken")
	}
	if bill, err := materials(self); err != nil || !strings.Contains(string(bill), "cyclonedx-go@v") {
		t.Errorf("bill of this test: %v", err)
	}
}
