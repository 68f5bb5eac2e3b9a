// Package shared_test holds the architecture: who may import whom. A rule that breaks here is a design that broke.
package shared_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pgpreflight/pgpreflight/"

// imports maps each file below shared to what it imports, tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		out[path] = []string{}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			out[path] = append(out[path], strings.TrimPrefix(name, module))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files were read", len(out))
	}
	return out
}

func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// A probe never imports another probe, storage, the host's envelope, an Azure SDK or the words.
func TestProbesStandAlone(t *testing.T) {
	for file, names := range imports(t) {
		if !under(file, "probe") {
			continue
		}
		for _, name := range names {
			if under(name, "shared") && !under(name, "shared/finding", "shared/request", "shared/secret", "shared/lazyregexp") {
				t.Errorf("%s imports %s", file, name)
			}
			if strings.Contains(name, "azure") || strings.Contains(name, "Azure") {
				t.Errorf("%s imports %s", file, name)
			}
		}
	}
}

// Judgement and plan are pure: no network, no files, no context.
func TestJudgementIsPure(t *testing.T) {
	forbidden := []string{"net", "os", "context", "crypto/tls", "net/http"}
	pure := []string{"plan", "diagnosis", "scenario", "finding", "report", "explain", "schedule", "evidence", "rejudge"}
	for file, names := range imports(t) {
		judge := strings.HasPrefix(filepath.Base(file), "judge") || filepath.Dir(file) == "azure"
		if !judge && !under(file, pure...) {
			continue
		}
		for _, name := range names {
			// net.JoinHostPort is text, not network
			if slices.Contains(forbidden, name) && (name != "net" || !under(file, "diagnosis")) {
				t.Errorf("%s imports %s", file, name)
			}
		}
	}
}

// Dependencies point down: nothing below shared knows a handler, and nothing that ships knows the local stand-ins.
func TestDependenciesPointDown(t *testing.T) {
	for file, names := range imports(t) {
		for _, name := range names {
			if under(name, "handlers", "infra") {
				t.Errorf("%s imports %s", file, name)
			}
			if name == "shared/envelope" && !under(file, "envelope") {
				t.Errorf("%s knows the host's envelope", file)
			}
		}
	}
}

// The management plane's SDK is large, and what it says is judged without it: one package knows it, and only the handler
// knows that package.
func TestOnePackageKnowsTheManagementPlane(t *testing.T) {
	for file, names := range imports(t) {
		for _, name := range names {
			sdk := strings.Contains(name, "azure-sdk-for-go/sdk/resourcemanager/")
			if (sdk || name == "shared/azure/management") && !under(file, "azure/management") {
				t.Errorf("%s imports %s", file, name)
			}
			if name == "shared/azure/azuretest" {
				t.Errorf("%s imports what is made for tests", file)
			}
		}
	}
}
