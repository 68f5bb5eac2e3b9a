// Package terraform checks infra/ as far as it can be checked without Azure: it runs the terraform program with the real
// azurerm provider against an in-memory management plane, and judges the bodies that were sent.
package terraform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
)

// Tools are the programs, built once per machine by tools.sh.
type Tools struct{ Terraform, Provider string }

// ErrNoTools means that tools.sh has not been run.
var ErrNoTools = errors.New("terraform and its azurerm provider are not built (make infra-tools)")

// Find asks tools.sh where the programs are. It builds nothing.
func Find(ctx context.Context, dir string) (Tools, error) {
	out, err := exec.CommandContext(ctx, "bash", filepath.Join(dir, "tools.sh"), "where").Output()
	if err != nil {
		return Tools{}, fmt.Errorf("%w: %w", ErrNoTools, err)
	}
	program, provider, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok {
		return Tools{}, ErrNoTools
	}
	return Tools{Terraform: program, Provider: provider}, nil
}

// Workspace is a copy of infra/ in a folder of its own, with an environment that reaches nothing but loopback.
type Workspace struct {
	Dir   string
	tools Tools
	env   []string
}

// NewWorkspace copies the templates from infra into dir, and points the provider at the plane.
func NewWorkspace(tools Tools, infra, dir string, plane *arm.Plane) (*Workspace, error) {
	w := &Workspace{Dir: filepath.Join(dir, "infra"), tools: tools}
	for _, pattern := range []string{"*.tf", "*.json", "tests/*.tftest.hcl", "tests/mocks/*.tfmock.hcl",
		"examples/*.tfvars"} {
		if err := copyAll(infra, w.Dir, pattern); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(dir, "tfrc")
	// A folder without one: whatever the person at this machine has configured is none of the test's business.
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return nil, fmt.Errorf("make home: %w", err)
	}
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"hashicorp/azurerm\" = %q }\n}\n",
		filepath.Dir(tools.Provider))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("write CLI configuration: %w", err)
	}
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, plane.Roots(), 0o644); err != nil {
		return nil, fmt.Errorf("write roots: %w", err)
	}
	w.env = []string{"HOME=" + home, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "TF_CLI_CONFIG_FILE=" + config,
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "HTTP_PROXY=" + plane.Proxy(), "HTTPS_PROXY=" + plane.Proxy(),
		"SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + home, "ARM_METADATA_HOSTNAME=" + plane.Host(), "ARM_USE_CLI=false",
		"ARM_CLIENT_ID=x", "ARM_CLIENT_SECRET=y", "ARM_SUBSCRIPTION_ID=" + arm.Subscription, "ARM_TENANT_ID=" + arm.Tenant}
	return w, nil
}

func copyAll(from, to, pattern string) error {
	files, err := filepath.Glob(filepath.Join(from, pattern))
	if err != nil {
		return fmt.Errorf("list %s: %w", pattern, err)
	}
	folder := filepath.Join(to, filepath.Dir(pattern))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", folder, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o644); err != nil {
			return fmt.Errorf("write template: %w", err)
		}
	}
	return nil
}

// Run runs terraform and gives its output, both streams. The error is an *exec.ExitError where it ended with one.
func (w *Workspace) Run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, w.tools.Terraform, args...)
	command.Dir, command.Env = w.Dir, w.env
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	return out.String(), err
}

// Edit replaces text in one template; text that is not there is an error, since nothing would be broken then.
func (w *Workspace) Edit(file, old, text string) error {
	name := filepath.Join(w.Dir, file)
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	if !bytes.Contains(content, []byte(old)) {
		return fmt.Errorf("edit %s: %q: %w", file, old, fs.ErrNotExist)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(content, []byte(old), []byte(text)), 0o644); err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	return nil
}
